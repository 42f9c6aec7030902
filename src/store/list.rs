//! What to ask for when instances are listed: which ones, in what order, from where on, and how many.

use crate::model::{InstanceId, InstanceKey, InstanceRecord, Payloads, StatusSet, Timestamp};

/// A span of time: `from` on, before `before`. Absent ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub from: Option<Timestamp>,
    /// Exclusive. Who means "until and including" says [`Timestamp::next`]: nothing is between the two.
    pub before: Option<Timestamp>,
}

impl Span {
    /// Whether `time` is within.
    pub fn contains(self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.before.is_none_or(|before| time < before)
    }
}

/// Which instances. What is given must hold together; the default is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub statuses: StatusSet,
    pub created: Span,
    /// What the id begins with, character by character; empty: anything.
    pub id_prefix: String,
    /// When it ended. Only looked at by [`Walk::Completed`].
    pub completed: Span,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            statuses: StatusSet::ALL,
            created: Span::default(),
            id_prefix: String::new(),
            completed: Span::default(),
        }
    }
}

impl Filter {
    /// Whether an instance matches, [`Filter::completed`] aside. What backends do in their own language must agree with this.
    pub fn matches(&self, record: &InstanceRecord) -> bool {
        self.statuses.contains(record.status)
            && self.created.contains(record.created_at)
            && record.id.as_str().starts_with(&self.id_prefix)
    }
}

/// An order of instances, and the place in it after which to go on. Both orders are total and no instance ever moves in them,
/// which is what makes pages exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// All instances, by time of creation, then key.
    Created(Option<(Timestamp, InstanceKey)>),
    /// Those that have ended, by the time of that, then id.
    Completed(Option<(Timestamp, InstanceId)>),
}

/// Which payloads to read. Each includes those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    All,
    /// Output and custom status, but not the input.
    NoInput,
    /// Only why a failed instance failed.
    FailureOnly,
}

/// How much goes on one page.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Most instances.
    pub rows: usize,
    /// Most bytes, roughly, of all texts of the instances; the first one is always taken.
    pub bytes: usize,
    pub read: Read,
}

/// A page of instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub instances: Vec<(InstanceRecord, Payloads)>,
    /// Where the next page begins; `None`: nothing follows.
    pub next: Option<Walk>,
}

/// Answer of [`crate::store::Store::instance_purge_matching`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// How many instances are gone.
    pub deleted: usize,
    /// Where to go on; `None`: no more of them were there.
    pub next: Option<(Timestamp, InstanceKey)>,
}
