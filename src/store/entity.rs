//! What is asked of the store about entities.

use crate::model::{EntityRecord, InstanceId, Lock, Timestamp};

/// What [`crate::store::Store::instance_load`] finds of an entity besides its row and its inbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityLoaded {
    pub state: Option<String>,
    pub lock: Option<Lock>,
}

/// Which entities a list is of. Everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityFilter {
    /// The id begins with this.
    pub prefix: Option<String>,
    /// Last modified at this time or later.
    pub modified_from: Option<Timestamp>,
    /// Last modified at this time or earlier.
    pub modified_to: Option<Timestamp>,
    /// Only those that have a state, or only those that have none: they are locked, or have messages that wait. `None`: all.
    pub has_state: Option<bool>,
}

/// One page of [`crate::store::Store::entity_list`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntitiesListed {
    /// In the order of their ids.
    pub entities: Vec<EntityRecord>,
    /// Where the next page begins: behind this id. `None`: there is nothing more.
    pub next: Option<InstanceId>,
}
