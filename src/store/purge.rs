//! What is removed, and what has become of it.

use crate::model::{InstanceKey, InstanceRecord, Status};

/// Answer of [`crate::store::Store::instance_purge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// The instance, its history, inbox and activities are gone.
    Deleted,
    /// The instance has not ended; nothing was changed.
    Live(Status),
    /// No such instance.
    NotFound,
}

/// An instance as somebody has seen it. As long as it has seen no more commits than then, nothing about it has changed: a rewind is a commit,
/// and who takes its place under the same id has another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: InstanceKey,
    /// How many commits it had seen.
    pub turn: i64,
}

impl From<&InstanceRecord> for Seen {
    fn from(record: &InstanceRecord) -> Self {
        Self { key: record.key, turn: record.turn }
    }
}

/// An ended instance that is to go, with some of those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeTree {
    /// Nothing is removed unless this one has ended and is as it was seen.
    pub top: Seen,
    pub below: Vec<Seen>,
    /// Nothing else is to go before it, so that it goes as well.
    pub whole: bool,
}
