//! What to ask for when instances are searched: besides what a list can be asked for, by what they say of themselves.

use crate::{
    model::{FailureBrief, InstanceRecord, pb::TaskFailureDetails},
    store::{Filter, HistorySize, Walk},
};

/// Which instances, and what to tell of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    pub filter: Filter,
    /// What the type or the message of the failure, or of one of its causes, holds; in any case. Leaves out all but failed ones.
    pub error: Option<String>,
    /// What the custom status holds, as the text it is stored as; in any case.
    pub custom_status: Option<String>,
    /// Whether to tell how large the histories are.
    pub sizes: bool,
}

/// An instance that was found, as far as a table shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub record: InstanceRecord,
    /// The first [`Found::CUSTOM_STATUS_BYTES`] of it, roughly.
    pub custom_status: Option<String>,
    /// Of a failed one.
    pub failure: Option<FailureBrief>,
    /// If it was asked for.
    pub size: Option<HistorySize>,
}

impl Found {
    /// How much of a custom status is read.
    pub const CUSTOM_STATUS_BYTES: usize = 1_024;
}

/// A page of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Searched {
    pub instances: Vec<Found>,
    /// Where the next page begins; `None`: nothing follows.
    pub next: Option<Walk>,
}

/// Whether one text holds another, in any case.
#[derive(Clone, Debug)]
pub struct Holds(String);

impl Holds {
    pub fn new(part: &str) -> Self {
        Self(part.to_lowercase())
    }

    pub fn is_in(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.0)
    }

    /// Whether it is in the type or message of the failure or of one of its causes.
    pub fn is_in_failure(&self, failure: &TaskFailureDetails) -> bool {
        let mut causes = std::iter::successors(Some(failure), |failure| failure.inner_failure.as_deref());
        causes.any(|failure| self.is_in(&failure.error_type) || self.is_in(&failure.error_message))
    }
}
