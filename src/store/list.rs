//! What to ask for when instances are listed or counted: which ones, in what order, from where on, and how many.

use crate::model::{
    InstanceId, InstanceKey, InstanceRecord, Payloads, Status, StatusExt as _, StatusSet, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, sync::Arc};

/// A span of time: `from` on, before `before`. Absent ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: Option<Timestamp>,
    /// Exclusive. Who means "until and including" says [`Timestamp::next`]: nothing is between the two.
    pub before: Option<Timestamp>,
}

impl Span {
    /// Every time.
    pub const ALWAYS: Self = Self { from: None, before: None };

    /// Whether `time` is within.
    pub fn contains(self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.before.is_none_or(|before| time < before)
    }
}

/// How long those that have ended took, in microseconds: `from` on, less than `before`. Absent ends are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    pub from: Option<i64>,
    pub before: Option<i64>,
}

impl Took {
    /// However long it took, and also what has not ended.
    pub const ANY: Self = Self { from: None, before: None };

    /// Whether an instance that took this long is meant.
    pub fn contains(self, micros: i64) -> bool {
        self.from.is_none_or(|from| from <= micros) && self.before.is_none_or(|before| micros < before)
    }
}

/// Whose children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parent {
    /// Children of any instance, and of none.
    #[default]
    Any,
    /// Instances that no other one has started.
    Nobody,
    /// Children of the instance with this id.
    Is(InstanceId),
}

/// A label that an instance must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub key: String,
    /// `None`: any.
    pub value: Option<String>,
}

/// Which instances. What is given must hold together; the default is all of them. Bulk jobs keep theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    pub statuses: StatusSet,
    pub created: Span,
    /// When it last changed: its end, if it has ended.
    pub updated: Span,
    /// When it ended. Any bound leaves out those that have not.
    pub completed: Span,
    /// From creation to end. Any bound leaves out those that have not ended.
    pub took: Took,
    /// What the id begins with, character by character; empty: anything.
    pub id_prefix: String,
    /// One of these; empty: any.
    pub names: Vec<String>,
    /// One of these; empty: any, and those without a version, too.
    pub versions: Vec<String>,
    pub parent: Parent,
    /// All of these.
    pub tags: Vec<Tag>,
    /// Whether entities, which are instances as well, are among them.
    pub entities: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            statuses: StatusSet::ALL,
            created: Span::ALWAYS,
            updated: Span::ALWAYS,
            completed: Span::ALWAYS,
            took: Took::ANY,
            id_prefix: String::new(),
            names: Vec::new(),
            versions: Vec::new(),
            parent: Parent::Any,
            tags: Vec::new(),
            entities: true,
        }
    }
}

impl Filter {
    /// Whether an instance matches. What backends do in their own language must agree with this.
    pub fn matches(&self, record: &InstanceRecord) -> bool {
        let one_of = |texts: &[String], text: &str| texts.iter().any(|wanted| wanted == text);
        self.statuses.contains(record.status)
            && self.created.contains(record.created_at)
            && self.updated.contains(record.changed_at())
            && (self.completed == Span::ALWAYS
                || record.completed_at.is_some_and(|at| self.completed.contains(at)))
            && (self.took == Took::ANY || record.took().is_some_and(|micros| self.took.contains(micros)))
            && record.id.as_str().starts_with(&self.id_prefix)
            && (self.entities || !record.id.is_entity())
            && (self.names.is_empty() || one_of(&self.names, &record.name))
            && (self.versions.is_empty()
                || record.version.as_deref().is_some_and(|version| one_of(&self.versions, version)))
            && match &self.parent {
                Parent::Any => true,
                Parent::Nobody => record.parent.is_none(),
                Parent::Is(id) => record.parent.as_ref().is_some_and(|parent| parent.id == *id),
            }
            && self.tags.iter().all(|Tag { key, value }| {
                record.tags.get(key).is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
            })
    }
}

/// What instances are listed by. Each order is total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Time of creation, then key. An instance never moves in it.
    Created,
    /// Time of the last change (its end, if it has ended), then id. Only what has ended stays where it is.
    Updated,
    /// Those that have ended, by the time of that, then id. None of them moves.
    Completed,
    /// Id, character by character. An instance never moves.
    Id,
    /// Name, character by character, then as [`Order::Created`]. An instance never moves.
    Name,
    /// The name of the status, then as [`Order::Created`]. Only what has ended stays where it is.
    Status,
    /// How long it took. What has not ended comes behind all that has, whatever the direction: by how long it has been there. Only what has
    /// ended stays where it is.
    Took,
}

/// A place in an order. Only places of one order can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In [`Order::Created`]; of those that have not ended in [`Order::Took`].
    Key(Timestamp, InstanceKey),
    /// In [`Order::Updated`] and [`Order::Completed`]; in [`Order::Id`] the time is 0.
    Id(Timestamp, InstanceId),
    /// In [`Order::Name`] and [`Order::Status`], where the text is the name.
    Within(Arc<str>, Timestamp, InstanceKey),
    /// Of those that have ended in [`Order::Took`].
    Took(i64, InstanceKey),
}

impl Place {
    /// Where the instance stands.
    pub fn of(order: Order, record: &InstanceRecord) -> Self {
        match order {
            Order::Created => Self::Key(record.created_at, record.key),
            Order::Updated | Order::Completed => Self::Id(record.changed_at(), record.id.clone()),
            Order::Id => Self::Id(Timestamp(0), record.id.clone()),
            Order::Name => Self::Within(record.name.clone(), record.created_at, record.key),
            Order::Status => Self::Within(record.status.name().into(), record.created_at, record.key),
            Order::Took => match record.took() {
                Some(micros) => Self::Took(micros, record.key),
                None => Self::Key(record.created_at, record.key),
            },
        }
    }
}

/// A way through the instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    pub order: Order,
    /// The last of the order first.
    pub descending: bool,
    /// Where to go on, a place of this order; `None`: at the beginning.
    pub after: Option<Place>,
}

impl Walk {
    /// The way from the first of the order to the last.
    pub fn first(order: Order) -> Self {
        Self { order, descending: false, after: None }
    }

    /// The same way, after `place`.
    pub fn after(&self, place: Place) -> Self {
        Self { after: Some(place), ..*self }
    }
}

impl Walk {
    /// Which of two places of this order is met first.
    pub fn compare(&self, left: &Place, right: &Place) -> Ordering {
        let ended = |place: &Place| matches!(place, Place::Took(..));
        let ascending = left.cmp(right);
        match (self.order, ended(left), ended(right)) {
            (Order::Took, true, false) => Ordering::Less,
            (Order::Took, false, true) => Ordering::Greater,
            // What was made later has taken less time until now.
            (Order::Took, false, false) if !self.descending => ascending.reverse(),
            (Order::Took, false, false) => ascending,
            _ if self.descending => ascending.reverse(),
            _ => ascending,
        }
    }
}

/// Which payloads to read. Each includes those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    All,
    /// Output and custom status, but not the input.
    NoInput,
    /// Only why a failed instance failed.
    FailureOnly,
    Nothing,
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

/// How many instances there are of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; 8]);

impl Counts {
    /// How many are of this status.
    pub fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts `more` instances of this status.
    pub fn add(&mut self, status: Status, more: u64) {
        self.0[status as usize] += more;
    }
}

/// Answer of [`crate::store::Store::instance_purge_matching`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// How many instances are gone.
    pub deleted: usize,
    /// Where to go on; `None`: no more of them were there.
    pub next: Option<(Timestamp, InstanceKey)>,
}
