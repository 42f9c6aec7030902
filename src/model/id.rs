//! Identifiers. Text from outside becomes one of these types at the door, and only there.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Borrow, fmt, ops::RangeInclusive, sync::Arc};

/// A task hub, as the store numbers it. Names stay at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HubId(pub i64);

/// The store's number for one instance. Never used twice: an instance that replaces another under the same id has a new key,
/// so whatever still refers to the old one finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceKey(pub i64);

/// A message in an inbox. Numbers rise in the order in which messages arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub i64);

/// One scheduled activity: the instance it belongs to and its own number, which rises in scheduling order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActivityKey {
    pub instance: InstanceKey,
    pub number: i64,
}

impl ActivityKey {
    /// Lower than every key.
    pub const START: Self = Self { instance: InstanceKey(i64::MIN), number: i64::MIN };

    /// The keys that activities of an instance can have.
    pub fn all_of(instance: InstanceKey) -> RangeInclusive<Self> {
        Self { instance, number: i64::MIN }..=Self { instance, number: i64::MAX }
    }
}

/// Longest function or event name, in characters.
pub const MAX_NAME_CHARS: usize = 256;

/// Why a piece of text cannot be an id. The text of each variant is meant for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("instanceId must not be empty")]
    Empty,
    #[error("instanceId is {got} characters long; the limit is {limit}")]
    TooLong { got: usize, limit: usize },
    #[error("instanceId must not start with '@': such ids belong to entities")]
    Entity,
    #[error("{:?} is not the id of an entity: such ids have the form @name@key", super::Short(.0))]
    NotAnEntity(String),
    #[error("the name of an entity must not be empty")]
    EntityName,
    #[error("the name of an entity must not contain '@'")]
    EntityNameAt,
    #[error(
        "instanceId must not contain {0:?}: the characters / \\ ? # and control characters cannot be addressed in a URL"
    )]
    BadCharacter(char),
    #[error("instanceId must not be \".\" or \"..\": HTTP clients take them out of a URL")]
    Dots,
    #[error("task hub name {:?} is not valid: 1 to 64 letters, digits, '-' or '_', beginning with a letter", super::Short(.0))]
    HubName(String),
}

/// The id of an instance within its hub: case-sensitive text, never empty. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(Arc<str>);

impl InstanceId {
    /// Longest id a caller may choose, in UTF-16 units (facts: the Durable Functions extension counts the same way).
    pub const MAX_UNITS: usize = 256;

    /// Checks an id that a caller chose for an orchestration: not empty, at most [`Self::MAX_UNITS`] UTF-16 units, no leading
    /// `@`, none of `/ \ ? #` and no control character.
    pub fn orchestration(text: &str) -> Result<Self, IdError> {
        if text.starts_with('@') {
            return Err(IdError::Entity);
        }
        if matches!(text, "." | "..") {
            return Err(IdError::Dots);
        }
        let id = Self::bounded(text, Self::MAX_UNITS)?;
        id.check_addressable().map(|()| id)
    }

    /// Whether a URL can hold it: none of `/ \ ? #` and no control character.
    pub(super) fn check_addressable(&self) -> Result<(), IdError> {
        match self.0.chars().find(|c| matches!(c, '/' | '\\' | '?' | '#') || c.is_control()) {
            Some(bad) => Err(IdError::BadCharacter(bad)),
            None => Ok(()),
        }
    }

    /// Checks an id that code chose for a sub-orchestration. SDKs build these from the parent's id, so they may be longer
    /// than what a caller may choose, and hold any character.
    pub fn child(text: &str) -> Result<Self, IdError> {
        if text.starts_with('@') {
            return Err(IdError::Entity);
        }
        Self::bounded(text, 4 * Self::MAX_UNITS)
    }

    /// Takes an id as it stands, to look something up or to read it back from the store. No check: an id that breaks the rules
    /// names nothing.
    pub fn lookup(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Whether it is the id of an entity (see [`super::EntityId`]).
    pub fn is_entity(&self) -> bool {
        self.0.starts_with('@')
    }

    pub(super) fn bounded(text: &str, limit: usize) -> Result<Self, IdError> {
        let got = text.encode_utf16().count();
        match got {
            0 => Err(IdError::Empty),
            _ if got > limit => Err(IdError::TooLong { got, limit }),
            _ => Ok(Self(text.into())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for InstanceId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for InstanceId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::lookup)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for InstanceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A task hub's name: letters, digits, `-` and `_`, beginning with a letter, at most 64. Compared without regard to case.
#[derive(Clone, Debug)]
pub struct HubName(Arc<str>);

impl HubName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let valid = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if valid { Ok(Self(text.into())) } else { Err(IdError::HubName(text.to_owned())) }
    }

    /// The name as it was first written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are compared.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_may_choose_any_id_a_url_can_carry() {
        for good in ["a", "order-7", "with space", "a+b%c", "😀", "x|y", &"x".repeat(256)] {
            assert_eq!(InstanceId::orchestration(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn ids_that_cannot_be_addressed_are_refused_with_the_reason() {
        assert_eq!(InstanceId::orchestration(""), Err(IdError::Empty));
        assert_eq!(InstanceId::orchestration(".."), Err(IdError::Dots));
        assert_eq!(InstanceId::orchestration("@x"), Err(IdError::Entity));
        for c in ['/', '\\', '?', '#', '\u{7}', '\n'] {
            assert_eq!(InstanceId::orchestration(&format!("a{c}b")), Err(IdError::BadCharacter(c)));
        }
        assert_eq!(
            InstanceId::orchestration(&"x".repeat(257)),
            Err(IdError::TooLong { got: 257, limit: 256 })
        );
        assert_eq!(
            InstanceId::orchestration(&"😀".repeat(129)),
            Err(IdError::TooLong { got: 258, limit: 256 })
        );
    }

    #[test]
    fn hub_names_fold_case_and_refuse_the_rest() {
        assert_eq!(HubName::parse("Prod-1").unwrap().folded(), "prod-1");
        for bad in ["", "1a", "a b", "a/b", &"a".repeat(65)] {
            assert!(HubName::parse(bad).is_err(), "{bad}");
        }
    }
}
