//! Entities: small durable objects, addressed by a name and a key, with operations that run one after the other.
//!
//! An entity is an instance whose id is `@name@key`. It has no history: what it has is a state, an inbox of operations, and perhaps a
//! lock, which an orchestration holds while it is in a critical section. It is made by the first message it gets and gone when none
//! of the three is left.

use super::{HubId, IdError, InstanceId, InstanceKey, Outgoing, Timestamp};
use std::{fmt, sync::Arc};

/// The id of an entity, in its parts. The name is in lower case; the key is as it was given and may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityId {
    id: InstanceId,
    name: Arc<str>,
}

impl EntityId {
    /// Makes an id of a name and a key. The name is put into lower case, as the SDKs do; it must not be empty or hold an `@`.
    pub fn new(name: &str, key: &str) -> Result<Self, IdError> {
        if name.trim().is_empty() {
            return Err(IdError::EntityName);
        }
        if name.contains('@') {
            return Err(IdError::EntityNameAt);
        }
        let name = name.to_lowercase();
        let id = InstanceId::bounded(&format!("@{name}@{key}"), InstanceId::MAX_UNITS)?;
        Ok(Self { id, name: name.into() })
    }

    /// Reads `@name@key`. Only the second `@` counts: a key may hold more of them.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (name, key) = Self::split(text).ok_or_else(|| IdError::NotAnEntity(text.to_owned()))?;
        Self::new(name, key)
    }

    /// The same for a caller who can use only what a URL can hold: none of `/ \ ? #` and no control character.
    pub fn addressable(name: &str, key: &str) -> Result<Self, IdError> {
        let entity = Self::new(name, key)?;
        entity.id.check_addressable().map(|()| entity)
    }

    /// What the ids of all entities of a name begin with; `None` if no entity can have it.
    pub fn prefix(name: &str) -> Option<String> {
        Self::new(name, "").ok().map(|entity| entity.id.as_str().to_owned())
    }

    /// Name and key of an id that has the form of an entity's.
    pub fn split(text: &str) -> Option<(&str, &str)> {
        text.strip_prefix('@')?.split_once('@')
    }

    /// The id of the instance.
    pub fn id(&self) -> &InstanceId {
        &self.id
    }

    /// The name, in lower case.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.id.as_str()[self.name.len() + 2..]
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// Who has locked an entity: one critical section of one execution. It is gone when that execution ends, however it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The orchestration.
    pub owner: InstanceId,
    /// Its execution.
    pub execution_id: String,
    /// The critical section, as the orchestration calls it.
    pub section: String,
}

/// What a commit changes in an entity, besides consuming messages and sending others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityChange {
    /// `Some(None)` deletes the state.
    pub state: Option<Option<Arc<str>>>,
    pub lock: LockChange,
    /// The entity has no state after this: if it has neither lock nor messages, either, it is removed.
    pub vanishes: bool,
}

/// What becomes of the lock.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LockChange {
    /// It stays.
    #[default]
    Keep,
    /// The entity, which is free, is locked and `then` is sent, provided that the execution in the lock has not ended. If it has, nothing
    /// comes of it but the effect that tells so.
    Take { lock: Lock, then: Box<Outgoing> },
    /// The entity is free.
    Release,
}

/// An entity as a caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityRecord {
    pub key: InstanceKey,
    pub hub: HubId,
    pub id: InstanceId,
    /// When its state was last written, or when its first message came.
    pub modified_at: Timestamp,
    /// Messages that wait, those that are not due yet included.
    pub backlog: i64,
    /// The orchestration that holds its lock.
    pub locked_by: Option<InstanceId>,
    /// How long its state is; `None`: it has none.
    pub state_bytes: Option<u64>,
    /// Only if it was asked for.
    pub state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_in_lower_case_and_the_key_is_as_it_is() {
        let id = EntityId::parse("@Counter@My@Key").unwrap();
        assert_eq!((id.id().as_str(), &**id.name(), id.key()), ("@counter@My@Key", "counter", "My@Key"));
        assert_eq!(EntityId::new("Counter", "My@Key").unwrap(), id);
        assert_eq!(EntityId::parse("@c@").unwrap().key(), "");
        assert_eq!(EntityId::prefix("Counter").as_deref(), Some("@counter@"));
    }

    #[test]
    fn what_is_no_entity_is_refused_with_the_reason() {
        for text in ["", "c", "@c", "c@k"] {
            assert_eq!(EntityId::parse(text), Err(IdError::NotAnEntity(text.to_owned())));
        }
        assert_eq!(EntityId::parse("@@k"), Err(IdError::EntityName));
        assert_eq!(EntityId::new("a@b", "k"), Err(IdError::EntityNameAt));
        assert_eq!((EntityId::prefix("a@b"), EntityId::prefix(" ")), (None, None));
        for bad in ['/', '\\', '?', '#', '\n'] {
            let key = format!("k{bad}");
            assert_eq!(EntityId::addressable("c", &key), Err(IdError::BadCharacter(bad)));
            EntityId::new("c", &key).unwrap();
        }
        assert_eq!(EntityId::new("c", &"k".repeat(254)), Err(IdError::TooLong { got: 257, limit: 256 }));
    }
}
