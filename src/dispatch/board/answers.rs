//! What workers say: done, put back, gone.

use super::{Board, Job};
use crate::{
    dispatch::{
        lease::{Held, Lease, Loss, Waiting},
        pieces::Pieces,
        slot::{Delivery, Stage, State},
        tally::Delivered,
        unnamed::Subject,
        worker::{Kind, WorkerId},
    },
    engine::{Execution, Turn},
    model::{ActivityKey, ActivityTask, HubId, InstanceId, InstanceKey, Timestamp, pb},
};
use std::time::Duration;

/// A turn whose answer is to be applied.
#[derive(Debug)]
pub(in crate::dispatch) struct TakenTurn {
    pub key: InstanceKey,
    pub execution: Execution,
    pub turn: Turn,
    /// The answer so far, if it came in pieces.
    pub pieces: Pieces,
}

impl Board {
    /// Takes a turn back for its answer. `None`: the token is stale, the answer means nothing.
    pub fn take_turn(&mut self, hub: HubId, token: &str) -> Option<TakenTurn> {
        let Lease { worker, held: Held::Turn(key, _), pieces, .. } =
            self.leases.end(hub, token, Kind::Turn)?
        else {
            return None;
        };
        self.answered(worker, Kind::Turn);
        self.tally.delivered(hub, Kind::Turn, Delivered::Answered);
        let slot = self.instances.get_mut(&key)?;
        match std::mem::replace(&mut slot.stage, Stage::Applying) {
            Stage::Leased { delivery: Delivery::Turn(turn), .. } => match slot.take_state()? {
                State::Orchestration(execution) => {
                    Some(TakenTurn { key, execution: *execution, turn, pieces })
                }
                State::Entity(_) => None,
            },
            other => {
                slot.stage = other;
                None
            }
        }
    }

    /// Takes an activity back for its answer; `failed`: the answer says so. `None`: the token is stale.
    pub fn take_activity(&mut self, hub: HubId, token: &str, failed: bool) -> Option<Waiting> {
        let Lease { worker, held: Held::Activity(waiting), .. } =
            self.leases.end(hub, token, Kind::Activity)?
        else {
            return None;
        };
        self.answered(worker, Kind::Activity);
        let outcome = if failed { Delivered::Failed } else { Delivered::Answered };
        self.tally.delivered(hub, Kind::Activity, outcome);
        self.finishing.begin(&waiting.task);
        Some(waiting)
    }

    /// The answer of an activity was not wanted any more, or nobody waits for what it says.
    pub fn activity_over(&mut self, task: &ActivityTask) {
        self.finishing.stored(task.key.instance, task.task_id);
    }

    /// The token of a turn, for a worker that returned none; `last`: nothing more follows this piece of its answer. `None`: the answer
    /// means nothing, or it cannot be told what.
    pub fn token_of_turn(&mut self, hub: HubId, instance: &str, last: bool) -> Option<String> {
        self.leases.token_for(&Subject { hub, instance: InstanceId::lookup(instance), task: None }, last)
    }

    /// The token of an activity, for a worker that returned none. `None` as with turns.
    pub fn token_of_activity(&mut self, hub: HubId, instance: &str, task: i32) -> Option<String> {
        let subject = Subject { hub, instance: InstanceId::lookup(instance), task: Some(task) };
        self.leases.token_for(&subject, true)
    }

    /// A worker puts an item back that it does not want, such as one of a version that it does not have: it is tried again after a pause
    /// that grows, and somebody else gets it if there is somebody. That may go on for as long as it takes until the right worker comes,
    /// so it counts against no limit. `false`: the token is stale.
    pub fn put_back(&mut self, hub: HubId, token: &str, kind: Kind) -> bool {
        match self.leases.end(hub, token, kind) {
            Some(lease) => {
                self.release(Some(lease.worker), kind);
                self.tally.delivered(hub, kind, Delivered::PutBack);
                match lease.held {
                    Held::Turn(key, _) => self.rest_turn(key, lease.worker),
                    Held::Activity(mut waiting) => {
                        waiting.returns.note(lease.worker);
                        self.rest_activity(waiting);
                    }
                }
                true
            }
            None => false,
        }
    }

    pub(super) fn rest_turn(&mut self, key: InstanceKey, by: WorkerId) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        slot.returns.note(by);
        slot.stage = Stage::Resting;
        let times = slot.returns.times;
        self.jobs.push(Job::Rest(key, self.backoff(times)));
    }

    /// Keeps a piece of an answer until the last one comes. An answer that gets too large is refused and its turn put back.
    pub fn add_piece(&mut self, hub: HubId, token: &str, piece: pb::OrchestratorResponse) {
        if self.leases.add_piece(hub, token, piece) == Some(false) {
            tracing::error!("the pieces of a worker's answer are too large together; the turn is put back");
            self.unable(hub, token, Kind::Turn);
        }
    }

    /// An activity whose answer could not be stored, or that was put back, waits a little.
    pub fn rest_activity(&mut self, waiting: Waiting) {
        self.finishing.failed(&waiting.task);
        if waiting.dropped {
            return;
        }
        let (key, pause) = (waiting.task.key, self.backoff(waiting.returns.times));
        // It stands in no queue meanwhile. The place where it stood may be somebody else's by now.
        self.waiting.insert(Waiting { place: None, ..waiting });
        self.jobs.push(Job::RestActivity(key, pause));
    }

    /// The activity's pause is over.
    pub fn activity_rested(&mut self, key: ActivityKey) {
        if let Some(waiting) = self.waiting.remove(&key) {
            self.queue_activity(waiting, true);
        }
    }

    /// A worker is gone: what it held is handed out again at once. After a stop its stream ends because the server wants it to, and what it
    /// holds may still be answered.
    pub fn leave(&mut self, worker: WorkerId) {
        self.workers.remove(&worker);
        if !self.stopped {
            self.leases.worker_left(worker);
            self.hand_back(&self.leases.of_worker(worker), Loss::Gone);
        }
    }

    /// Takes back what silent workers have held too long. Returns how many items.
    pub fn expire(&mut self, turns: Timestamp, activities: Timestamp) -> usize {
        let expired = self.leases.older_than(turns, activities);
        self.leases.expire_taken_back(turns);
        self.hand_back(&expired, Loss::Silent);
        expired.len()
    }

    /// The clock was set forward by so much, not long ago: what is held is not held for longer because of that.
    pub fn clock_was_set(&mut self, forward: Duration) {
        self.leases.clock_was_set(forward, self.now);
    }

    fn hand_back(&mut self, tokens: &[String], loss: Loss) {
        for token in tokens {
            let lease = match loss {
                Loss::Silent => self.leases.take_from_silent(token, self.now),
                _ => self.leases.revoke(token),
            };
            if let Some(lease) = lease {
                self.lost(lease, loss);
            }
        }
    }

    /// Everything that was out under one name has been answered, but it could not be told which answer was whose: what is still wanted
    /// is handed out afresh. Of what runs on after its execution's end only that it has run matters.
    pub(super) fn hand_out_spent(&mut self) {
        for lease in self.leases.end_spent() {
            match lease.held {
                Held::Activity(waiting) if waiting.task.detached => {
                    self.release(Some(lease.worker), Kind::Activity);
                    self.finishing.begin(&waiting.task);
                    self.jobs.push(Job::Forget(Box::new(waiting)));
                }
                Held::Turn(..) | Held::Activity(_) => {
                    tracing::debug!(
                        hub = lease.hub.0,
                        "answers without tokens could not be told apart; the work is done again"
                    );
                    self.queue_again(lease);
                }
            }
        }
    }

    pub(super) fn queue_again(&mut self, lease: Lease) {
        let kind = lease.held.kind();
        match lease.held {
            Held::Turn(key, _) => {
                self.release(Some(lease.worker), kind);
                if let Some(slot) = self.instances.get_mut(&key) {
                    slot.stage = Stage::Idle;
                    self.enqueue(key, true);
                }
            }
            Held::Activity(waiting) => {
                self.release(Some(lease.worker), kind);
                if !waiting.dropped {
                    self.queue_activity(waiting, true);
                }
            }
        }
    }

    /// Applying an answer went wrong: the turn is tried again, but not for ever.
    pub fn apply_failed(&mut self, key: InstanceKey) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if matches!(slot.stage, Stage::Applying) {
            slot.forget();
            self.lose_turn(key, None, Loss::Senseless);
        }
    }

    /// Takes a turn out of a worker's hands because the server acts on the instance itself.
    pub(super) fn revoke_turn(&mut self, key: InstanceKey) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if let Stage::Leased { token, .. } = &slot.stage {
            let token = token.clone();
            slot.stage = Stage::Idle;
            if let Some(lease) = self.leases.take_back(&token) {
                self.release(Some(lease.worker), lease.held.kind());
            }
        }
    }
}
