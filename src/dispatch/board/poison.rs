//! What workers get again and again and never answer: an activity fails, a turn or a batch is parked until an operator says what to do.
//!
//! Only deliveries count of which nobody has heard again: the worker was gone, or silent, or could do nothing with the item. A worker that
//! lives and puts an item back does not count (see [`Board::put_back`]), nor does a turn that the server itself took back, nor what a
//! server held that was stopped. The counts live in memory, like the leases; that an instance is parked is written down.

use super::{Board, Job};
use crate::{
    dispatch::{
        Longest,
        lease::{Held, Lease, Loss, Returns, Waiting},
        slot::{Slot, Stage, State},
        tally::Delivered,
        worker::{Kind, WorkerId},
    },
    engine::{self, Context, Outcome, entity},
    model::{
        Class, HubId, InstanceKey, InstanceRef, Message, ParkedFor, Parking, Short, Status, StatusExt as _,
        error_type, failure,
    },
    store::Outline,
};
use std::time::Duration;

impl Board {
    /// A worker could do nothing with an item. `false`: the token is stale.
    pub fn unable(&mut self, hub: HubId, token: &str, kind: Kind) -> bool {
        let lease = self.leases.end(hub, token, kind);
        let known = lease.is_some();
        lease.into_iter().for_each(|lease| self.lost(lease, Loss::Unable));
        known
    }

    /// A delivery has come to nothing.
    pub(super) fn lost(&mut self, lease: Lease, loss: Loss) {
        let worker = Some(lease.worker);
        self.tally.delivered(lease.hub, lease.held.kind(), Delivered::Lost);
        self.release(worker, lease.held.kind());
        match lease.held {
            Held::Turn(key, _) => self.lose_turn(key, worker, loss),
            Held::Activity(waiting) => self.lose_activity(waiting, worker, loss),
        }
    }

    /// The first time it is handed out again at once; from then on there are pauses, so that what kills its workers does not kill them
    /// without a break.
    pub(super) fn lose_turn(&mut self, key: InstanceKey, worker: Option<WorkerId>, loss: Loss) {
        let most = self.rules.turn_deliveries;
        let Some(slot) = self.instances.get_mut(&key) else { return };
        slot.returns.lose(worker, loss);
        let Returns { times, lost, .. } = slot.returns;
        if most > 0 && lost >= most {
            let what = if slot.reference.id.is_entity() { "its batch of operations" } else { "its turn" };
            let reason = slot.returns.tell(what, "turn");
            return self.park(key, ParkedFor::Deliveries, reason);
        }
        if lost == 1 && loss.is_absence() {
            slot.stage = Stage::Idle;
            return self.enqueue(key, true);
        }
        slot.stage = Stage::Resting;
        self.jobs.push(Job::Rest(key, self.backoff(times)));
    }

    fn lose_activity(&mut self, mut waiting: Waiting, worker: Option<WorkerId>, loss: Loss) {
        if waiting.dropped {
            return;
        }
        let most = self.rules.activity_deliveries;
        waiting.returns.lose(worker, loss);
        let lost = waiting.returns.lost;
        if most > 0 && lost >= most {
            let what = format!("activity {:?}", Short(&waiting.task.name));
            let text = waiting.returns.tell(&what, "activity");
            let details = failure(error_type::TOO_MANY_DELIVERIES, text, true);
            self.finishing.begin(&waiting.task);
            return self.jobs.push(Job::Fail(Box::new(waiting), Box::new(details)));
        }
        match lost == 1 && loss.is_absence() {
            true => self.queue_activity(waiting, true),
            false => self.rest_activity(waiting),
        }
    }

    /// Parks an orchestration whose history is as long as it may be, which each further turn would make longer. An operator who retries it
    /// without having raised the limit finds it here again.
    pub(super) fn park_overlong(&mut self, key: InstanceKey) -> bool {
        let Longest { events, bytes } = self.rules.history;
        let Some(slot) = self.instances.get(&key) else { return false };
        let Some(State::Orchestration(execution)) = slot.state() else { return false };
        let has = [
            (
                usize::try_from(execution.history_length()).unwrap_or(0),
                events,
                "events",
                "limits.history_events",
            ),
            (slot.history_bytes(), bytes, "bytes", "limits.history_bytes"),
        ];
        let Some((length, most, what, setting)) =
            has.into_iter().find(|(length, most, ..)| *most > 0 && length >= most)
        else {
            return false;
        };
        let reason = format!(
            "its history has {length} {what} (setting {setting}, {most}); continue-as-new would keep it short, and with a higher limit \
             it can be retried"
        );
        self.park(key, ParkedFor::History, reason);
        true
    }

    /// Takes an instance out of dispatch, and has that written down.
    fn park(&mut self, key: InstanceKey, cause: ParkedFor, reason: String) {
        let at = self.now;
        let Some(slot) = self.instances.get_mut(&key) else { return };
        tracing::error!(instance.id = %slot.reference.id, %reason, "instance parked");
        slot.parked = true;
        let parking = Parking { at, cause, deliveries: slot.returns.lost, reason };
        self.jobs.push(Job::Park(slot.reference.clone(), slot.status, Box::new(parking)));
        self.rest_parked(key);
    }

    /// That the instance is parked could not be written down: it goes on as before, and is parked when its turn is lost again.
    pub fn park_failed(&mut self, key: InstanceKey) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        slot.parked = false;
        if matches!(slot.stage, Stage::Parked) {
            slot.stage = Stage::Resting;
            self.jobs.push(Job::Rest(key, Duration::from_secs(1)));
        }
    }

    /// Keeps a parked instance out of everything. What the server itself has to do with it is still done.
    pub(super) fn rest_parked(&mut self, key: InstanceKey) {
        self.leave_idle(key);
        self.unqueue(key);
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let control = slot.has_control() && !slot.reference.id.is_entity();
        slot.forget();
        slot.stage = Stage::Parked;
        if control {
            slot.stage = Stage::Loading(None);
            self.jobs.push(Job::Load(key));
        }
    }

    /// Messages wait in the store; controls are acted on.
    pub(super) fn message_to_parked(&mut self, key: InstanceKey, message: Message) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if !matches!(slot.stage, Stage::Parked) {
            slot.receive(message);
        } else if message.class == Class::Control && !slot.reference.id.is_entity() {
            slot.receive(message);
            self.settle(key);
        }
    }

    /// An operator wants an instance back in dispatch. It begins as if it had never been delivered.
    pub(super) fn unparked(&mut self, instance: InstanceRef, status: Status) {
        let key = instance.key;
        let slot = self.instances.entry(key).or_insert_with(|| Slot::new(instance, status));
        slot.parked = false;
        slot.returns = Returns::default();
        match slot.stage {
            Stage::Parked | Stage::Idle => {
                slot.forget();
                slot.stage = Stage::Idle;
                self.leave_idle(key);
                self.settle_unknown(key, false);
            }
            // It may have been read when it was still parked.
            Stage::Loading(_) => slot.stale = true,
            Stage::Queued(_)
            | Stage::Leased { .. }
            | Stage::Applying
            | Stage::Committing(_)
            | Stage::Resting => {}
        }
    }

    /// What is stored of an instance cannot be used. What the server can do without having read it all is done, so that it can be ended;
    /// otherwise it is parked.
    pub(super) fn unusable(&mut self, key: InstanceKey, reason: &str, outline: Outline) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Outline { record, inbox, parked } = outline;
        if record.status.is_terminal() {
            return self.remove(key);
        }
        slot.status = record.status;
        slot.parked |= parked.is_some();
        if slot.reference.id.is_entity() {
            if let Some(outcome) = entity::discard_unread(&record, inbox, self.now) {
                let state = State::Entity(Box::new(outcome.entity));
                return self.commit_unread(key, outcome.commit, state);
            }
        } else {
            let control = |message: &Message| message.class == Class::Control;
            let orders: Vec<_> = inbox.messages.into_iter().filter(control).collect();
            if !orders.is_empty() {
                let (now, payload_bytes) = (self.now, self.rules.payload_bytes);
                let mut context = Context { now, fresh_id: &mut super::fresh_id, payload_bytes };
                let Outcome { commit, execution } = engine::control_unread(record, orders, &mut context);
                return self.commit_unread(key, commit, State::Orchestration(Box::new(execution)));
            }
        }
        match slot.parked {
            true => self.rest_parked(key),
            false => {
                self.park(key, ParkedFor::Data, format!("what is stored of it cannot be used: {reason}"));
            }
        }
    }

    fn commit_unread(&mut self, key: InstanceKey, commit: crate::model::Commit, state: State) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        slot.forget();
        slot.unread = true;
        slot.stage = Stage::Applying;
        if let Some(commit) = self.committing(key, commit, state) {
            self.jobs.push(Job::Commit(Box::new(commit)));
        }
    }
}

impl Loss {
    /// It may be the worker's fault alone.
    fn is_absence(self) -> bool {
        matches!(self, Self::Gone | Self::Silent)
    }
}

impl Returns {
    /// How often, to how many, what happened last, and which setting has had enough.
    fn tell(&self, what: &str, setting: &str) -> String {
        let times = |count: u32, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        };
        let (often, workers) =
            (times(self.lost, "time", "times"), times(self.workers.max(1), "worker", "workers"));
        let last = match self.last {
            Some(Loss::Gone) | None => "the worker's stream was closed before it answered".to_owned(),
            Some(Loss::Silent) => {
                format!("the worker did not answer in time (setting dispatch.{setting}_lease_secs)")
            }
            Some(Loss::Unable) => "the worker put it back because it could do nothing with it".to_owned(),
            Some(Loss::Senseless) => {
                "the server could not work out what the worker's answer means".to_owned()
            }
        };
        format!(
            "{what} was delivered {often} in a row to {workers} and never answered (setting dispatch.{setting}_deliveries); \
             the last time {last}"
        )
    }
}
