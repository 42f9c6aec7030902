//! Signals that clients have sent a moment ago, so that one that is sent again under the same request id counts once.
//!
//! Kept in memory, for the latest ones only: a client repeats within seconds what it had no answer to. After a restart of the server a
//! repeated signal is a second one; clients that must not risk that ask an orchestration to send it.

use crate::model::{EntityId, HubId, InstanceId};
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many are remembered.
const MEMORY: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

type Key = (HubId, InstanceId, String);

/// See the module.
pub(super) struct Recent(Mutex<LruCache<Key, Seen>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is durable: the repetition needs nothing more.
    Done,
    /// The first one is on its way, and nobody knows yet what comes of it.
    UnderWay,
}

/// The first of its id. Dropped before [`First::done`]: it came to nothing, and the next one is the first again.
pub(super) struct First<'a> {
    recent: &'a Recent,
    key: Option<Key>,
}

impl Recent {
    pub fn new() -> Self {
        Self(Mutex::new(LruCache::new(MEMORY)))
    }

    /// Announces a signal. `Err`: it is a repetition.
    pub fn announce(&self, hub: HubId, entity: &EntityId, request: &str) -> Result<First<'_>, Seen> {
        let key = (hub, entity.id().clone(), request.to_owned());
        let mut known = self.known();
        if let Some(seen) = known.get(&key) {
            return Err(*seen);
        }
        known.put(key.clone(), Seen::UnderWay);
        Ok(First { recent: self, key: Some(key) })
    }

    fn known(&self) -> MutexGuard<'_, LruCache<Key, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl First<'_> {
    /// The signal is durable.
    pub fn done(mut self) {
        if let Some(key) = self.key.take() {
            self.recent.known().put(key, Seen::Done);
        }
    }
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.recent.known().pop(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_known_by_hub_entity_and_request() {
        let recent = Recent::new();
        let (a, b) = (EntityId::parse("@c@a").unwrap(), EntityId::parse("@c@b").unwrap());
        let first = recent.announce(HubId(1), &a, "r1").ok().unwrap();
        assert_eq!(recent.announce(HubId(1), &a, "r1").err(), Some(Seen::UnderWay));
        first.done();
        assert_eq!(recent.announce(HubId(1), &a, "r1").err(), Some(Seen::Done));
        for (hub, entity, request) in [(1, &a, "r2"), (1, &b, "r1"), (2, &a, "r1")] {
            assert!(recent.announce(HubId(hub), entity, request).is_ok());
        }
    }

    #[test]
    fn one_that_came_to_nothing_can_be_sent_again() {
        let recent = Recent::new();
        let entity = EntityId::parse("@c@a").unwrap();
        drop(recent.announce(HubId(1), &entity, "r1").ok().unwrap());
        assert!(recent.announce(HubId(1), &entity, "r1").is_ok());
    }
}
