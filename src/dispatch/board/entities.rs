//! What an entity needs next. It shares its slot, queue and lease with all other instances; what is its own stands here.

use super::{Board, Job};
use crate::{
    dispatch::{
        lease::{Held, Lease},
        queue::Route,
        slot::{Delivery, Slot, Stage, State},
        tally::Delivered,
        worker::{BatchItem, Kind, WorkItem, WorkerId},
    },
    engine::{Batch, Entity, EntityOutcome, NextBatch, entity},
    model::{HubId, InstanceKey, InstanceRef, Lock, Status, error_type, failure, pb::HistoryEvent},
};
use prost::Message as _;

/// How often a batch that failed as a whole is tried again before its operations fail.
const MAX_RETRIES: u32 = 5;

/// A batch whose answer is to be applied.
#[derive(Debug)]
pub(in crate::dispatch) struct TakenBatch {
    pub key: InstanceKey,
    pub entity: Entity,
    pub batch: Batch,
}

impl Board {
    /// Decides what becomes of an entity whose state is in memory.
    pub(super) fn settle_entity(&mut self, key: InstanceKey, front: bool) {
        let (now, item_bytes) = (self.now, self.rules.work_item_bytes);
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Some(State::Entity(entity)) = slot.state() else { return };
        match entity.next(slot.inbox.values(), now, item_bytes) {
            NextBatch::Wait => self.rest_idle(key),
            NextBatch::Deliver(_) => self.enqueue(key, front),
            NextBatch::Serve(message) => {
                self.unqueue(key);
                self.entity_turn(key, |entity, now| entity::serve(entity, message, now));
            }
            NextBatch::Discard(batch, order) => {
                self.unqueue(key);
                self.entity_turn(key, |entity, now| entity::discard(entity, batch, order, now));
            }
        }
    }

    /// A change to an entity that the server makes by itself, without a worker.
    fn entity_turn(
        &mut self,
        key: InstanceKey,
        decide: impl FnOnce(Entity, crate::model::Timestamp) -> EntityOutcome,
    ) {
        self.leave_idle(key);
        let now = self.now;
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Some(State::Entity(entity)) = slot.take_state() else { return };
        slot.stage = Stage::Applying;
        let EntityOutcome { commit, entity } = decide(*entity, now);
        if let Some(commit) = self.committing(key, commit, State::Entity(Box::new(entity))) {
            self.jobs.push(Job::Commit(Box::new(commit)));
        }
    }

    /// Hands the next batch of an entity that has just left its queue to `worker`.
    pub(super) fn give_batch(&mut self, key: InstanceKey, worker: WorkerId) {
        let limit = self.rules.work_item_bytes;
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Some(State::Entity(entity)) = slot.state() else { return };
        let batch = match entity.next(slot.inbox.values(), self.now, limit) {
            NextBatch::Deliver(batch) => batch,
            NextBatch::Wait | NextBatch::Serve(_) | NextBatch::Discard(..) => return self.settle(key),
        };
        let embedded = self.workers.get(&worker).is_some_and(|connected| connected.offer.embedded);
        let state = entity.state.clone();
        let size = state.as_ref().map_or(0, |state| state.len())
            + batch.operations.iter().map(HistoryEvent::encoded_len).sum::<usize>();
        if !embedded && size > limit {
            let text = format!(
                "the entity's state and the operation's input together are larger than what a worker can receive in one message \
                 ({limit} bytes, setting limits.work_item_bytes)"
            );
            let details = failure(error_type::PAYLOAD_TOO_LARGE, text, true);
            return self.entity_turn(key, |entity, now| entity::refuse(entity, batch, details, now));
        }
        let reference = slot.reference.clone();
        let held = Held::Turn(key, reference.id.clone());
        let token = self.leases.grant(worker, &Route::of_turn(&reference), self.now, held);
        let operations = batch.operations.clone();
        let item = BatchItem { token: token.clone(), entity: reference, state, operations };
        if let Some(slot) = self.instances.get_mut(&key) {
            slot.stage = Stage::Leased { token, delivery: Delivery::Batch(batch) };
        }
        self.reserve(worker, Kind::Batch);
        self.send(worker, WorkItem::Batch(item));
    }

    /// Takes a batch back for its answer; `useless`: the answer says only that something went wrong, and the batch is to be tried again
    /// if it has not been tried too often. `None`: the token is stale, or the batch is tried again.
    pub fn take_batch(&mut self, hub: HubId, token: &str, useless: bool) -> Option<TakenBatch> {
        let Lease { worker, held: Held::Turn(key, _), .. } = self.leases.end(hub, token, Kind::Batch)? else {
            return None;
        };
        self.answered(worker, Kind::Batch);
        let outcome = if useless { Delivered::Failed } else { Delivered::Answered };
        self.tally.delivered(hub, Kind::Batch, outcome);
        let slot = self.instances.get_mut(&key)?;
        if useless && slot.returns.times - slot.returns.lost < MAX_RETRIES {
            self.rest_turn(key, worker);
            return None;
        }
        match std::mem::replace(&mut slot.stage, Stage::Applying) {
            Stage::Leased { delivery: Delivery::Batch(batch), .. } => match slot.take_state()? {
                State::Entity(entity) => Some(TakenBatch { key, entity: *entity, batch }),
                State::Orchestration(_) => None,
            },
            other => {
                slot.stage = other;
                None
            }
        }
    }

    /// An entity is free, or was never locked as this board thought.
    pub(super) fn unlocked(&mut self, entity: InstanceRef, lock: Lock) {
        let key = entity.key;
        let slot = self.instances.entry(key).or_insert_with(|| Slot::new(entity, Status::Running));
        match slot.unlock(lock) {
            true => self.settle(key),
            // It is to be read at once: what waits for the lock may need no worker.
            false if matches!(slot.stage, Stage::Idle | Stage::Queued(_)) => self.settle_unknown(key, true),
            false => {}
        }
    }

    /// An entity was changed from outside. A worker that holds a batch of it has seen what is no longer true.
    pub(super) fn altered(&mut self, entity: InstanceRef) {
        let key = entity.key;
        self.revoke_turn(key);
        let slot = self.instances.entry(key).or_insert_with(|| Slot::new(entity, Status::Running));
        match slot.stage {
            Stage::Idle | Stage::Queued(_) => {
                slot.forget();
                self.leave_idle(key);
                self.settle_unknown(key, true);
            }
            Stage::Resting => slot.forget(),
            Stage::Loading(_) => slot.stale = true,
            // The commit of what is being applied is refused, and then it is read again.
            Stage::Leased { .. } | Stage::Applying | Stage::Committing(_) | Stage::Parked => {}
        }
    }
}
