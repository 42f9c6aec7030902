//! What the mirror holds of entities. Effects and their order are those that `store` describes.

use super::mirror::{Mirror, Row};
use crate::{
    engine::Entity,
    model::{
        Effect, EntityChange, EntityId, InstanceKey, InstanceRecord, Lock, LockChange, NewMessage, Outgoing,
        Status, StatusExt as _, Tags, Timestamp,
    },
};
use std::sync::Arc;

/// What the row of an entity has besides.
#[derive(Default)]
pub struct EntityRow {
    pub state: Option<Arc<str>>,
    /// The turns that a purge has made in between: an answer that would be one of them is fenced.
    purges: Vec<i64>,
}

impl EntityRow {
    pub fn purged_at(&self, turn: i64) -> bool {
        self.purges.contains(&turn)
    }
}

/// What is left to do of a change when the rest of its commit has been done.
#[derive(Default)]
pub struct Rest {
    refused: Option<Lock>,
    vanishes: bool,
}

impl Mirror {
    /// A client's signal.
    pub fn signal(&mut self, entity: &EntityId, message: NewMessage, at: Timestamp) -> Effect {
        let (key, status) = self.find_or_make(entity, at);
        self.deliver(key, status, message)
    }

    /// Deletes the state. What is left of the entity stays.
    pub fn entity_purge(&mut self, entity: &EntityId) -> Vec<Effect> {
        let Some((key, _)) = self.find(entity.id()) else { return Vec::new() };
        if let Some(own) = self.rows.get_mut(&key).and_then(|row| row.entity.as_mut()) {
            own.state = None;
        }
        if self.is_empty(key) {
            return self.purge(key);
        }
        let row = self.rows.get_mut(&key).expect("it has just been found");
        row.record.turn += 1;
        let turn = row.record.turn;
        row.entity.get_or_insert_default().purges.push(turn);
        vec![Effect::Altered { entity: row.record.reference() }]
    }

    /// The entity as the engine takes it; `None`: it is none.
    pub fn entity(&self, key: InstanceKey) -> Option<Entity> {
        let row = self.rows.get(&key)?;
        let state = row.entity.as_ref()?.state.clone();
        let lock = self.locks.get(&key).map(|(_, lock)| lock.clone());
        Some(Entity { reference: row.record.reference(), turn: row.record.turn, state, lock })
    }

    /// Who holds the id. One that is made by this is told as Pending.
    pub fn find_or_make(&mut self, id: &EntityId, now: Timestamp) -> (InstanceKey, Status) {
        if let Some(found) = self.find(id.id()) {
            return found;
        }
        let key = InstanceKey(self.number());
        let record = InstanceRecord {
            key,
            hub: super::HUB,
            id: id.id().clone(),
            name: id.name().clone(),
            version: None,
            execution_id: String::new(),
            status: Status::Running,
            turn: 0,
            created_at: now,
            updated_at: now,
            completed_at: None,
            scheduled_at: None,
            parent: None,
            tags: Tags::new(),
            trace: None,
        };
        self.rows.insert(key, Row { entity: Some(EntityRow::default()), ..Row::new(record) });
        (key, Status::Pending)
    }

    /// Writes state and lock. Answers what is to be sent because the lock was taken, and what is left to do.
    pub fn change_entity(
        &mut self,
        key: InstanceKey,
        change: Option<EntityChange>,
    ) -> (Option<Outgoing>, Rest) {
        let Some(EntityChange { state, lock, vanishes }) = change else { return (None, Rest::default()) };
        let own = self.rows.get_mut(&key).and_then(|row| row.entity.as_mut()).expect("an entity");
        if let Some(state) = state {
            own.state = state;
        }
        match lock {
            LockChange::Keep => (None, Rest { refused: None, vanishes }),
            LockChange::Release => {
                self.locks.remove(&key);
                (None, Rest { refused: None, vanishes })
            }
            LockChange::Take { lock, then } => match self.living(&lock) {
                Some(owner) => {
                    assert_eq!(self.locks.insert(key, (owner, lock)), None, "locked twice");
                    (Some(*then), Rest { refused: None, vanishes })
                }
                None => (None, Rest { refused: Some(lock), vanishes: true }),
            },
        }
    }

    /// Whoever asks for the lock, if that execution has not ended.
    fn living(&self, lock: &Lock) -> Option<InstanceKey> {
        let (key, status) = self.find(&lock.owner)?;
        let same = self.rows[&key].record.execution_id == lock.execution_id;
        (same && !status.is_terminal()).then_some(key)
    }

    /// What comes after the effects of the commit.
    pub fn conclude(&mut self, key: InstanceKey, rest: Rest) -> Vec<Effect> {
        let mut effects = Vec::new();
        let entity = self.rows[&key].record.reference();
        effects.extend(rest.refused.map(|lock| Effect::Unlocked { entity, lock }));
        if rest.vanishes && self.is_empty(key) {
            effects.extend(self.purge(key));
        }
        effects
    }

    /// Frees everything that an execution of `owner` has locked.
    pub fn release_all(&mut self, owner: InstanceKey) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (key, (_, lock)) in self.locks.extract_if(.., |_, (of, _)| *of == owner).collect::<Vec<_>>() {
            effects.push(Effect::Unlocked { entity: self.rows[&key].record.reference(), lock });
            if self.is_empty(key) {
                effects.extend(self.purge(key));
            }
        }
        effects
    }

    /// Whether nothing is left of an entity.
    pub fn is_empty(&self, key: InstanceKey) -> bool {
        let stateless = |row: &Row| row.entity.as_ref().is_some_and(|own| own.state.is_none());
        let row = &self.rows[&key];
        stateless(row) && row.inbox.is_empty() && !self.locks.contains_key(&key)
    }
}
