//! What the store tells.

use super::{Board, Job};
use crate::{
    dispatch::{
        lease::Waiting,
        queue::Route,
        slot::{Slot, Stage},
    },
    model::{
        ActivityTask, Class, Effect, InstanceKey, InstanceRef, Message, Pending, Status, StatusExt as _,
        pb::history_event::EventType,
    },
    store::Due,
};
use std::time::Duration;

impl Board {
    /// Takes in one effect.
    pub fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Message { to, status, message } => self.message(to, status, message),
            Effect::Activity(task) => self.add_activity(task),
            Effect::Changed { hub, id, key, status, turn } => {
                if !id.is_entity() {
                    self.tally.changed(hub, status, turn);
                }
                self.committed(key, turn);
            }
            // Its slot went when it ended, and the message that follows makes a new one; only what it left to run is here.
            Effect::Reopened { key } => self.drop_activities(key, true),
            Effect::Unlocked { entity, lock } => self.unlocked(entity, lock),
            Effect::Altered { entity } => self.altered(entity),
            Effect::Unparked { instance, status } => self.unparked(instance, status),
            Effect::Gone { key, .. } => {
                self.drop_activities(key, true);
                self.remove(key);
            }
        }
    }

    fn message(&mut self, to: InstanceRef, status: Status, message: Message) {
        let key = to.key;
        if let Some(task) = answered_task(&message) {
            self.finishing.stored(key, task);
        }
        if let Some(at) = message.due.filter(|at| *at > self.now) {
            if self.wheel.insert(Due { at, message: message.id, instance: key }) {
                self.jobs.push(Job::WindClock);
            }
            // An instance that is not in memory need not be there only because it waits for a time.
            if !self.instances.contains_key(&key) {
                return;
            }
        }
        let slot = self.instances.entry(key).or_insert_with(|| Slot::for_message(to, status, &message));
        // One far back in its queue is read before it is run; until then there is no need to collect what it gets.
        let read_later = slot.known.is_none() && matches!(slot.stage, Stage::Queued(_));
        if read_later && message.class != Class::Control {
            return;
        }
        if slot.parked {
            return self.message_to_parked(key, message);
        }
        // Where something is under way, or a turn waits for its worker already, another message changes nothing by itself.
        let matters =
            message.class == Class::Control || slot.known.is_none() || matches!(slot.stage, Stage::Idle);
        slot.receive(message);
        if matters {
            self.settle(key);
        }
    }

    /// A commit is durable. If it is the one this board waits for, its state is the truth from now on.
    fn committed(&mut self, key: InstanceKey, turn: i64) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if !matches!(&slot.stage, Stage::Committing(swap) if swap.turn == turn) {
            return;
        }
        let Stage::Committing(swap) = std::mem::replace(&mut slot.stage, Stage::Idle) else { return };
        let pending = swap.pending;
        let dropped = slot.swap(*swap);
        let ended = slot.status.is_terminal();
        if std::mem::take(&mut slot.unread) {
            slot.forget();
        }
        for message in dropped {
            if let Some(at) = message.due {
                self.wheel.remove(&Due { at, message: message.id, instance: key });
            }
        }
        if pending != Pending::Keep {
            self.drop_activities(key, false);
        }
        if ended { self.remove(key) } else { self.settle(key) }
    }

    /// The store refused or failed: nothing that is known of the instance can be trusted.
    pub fn commit_failed(&mut self, key: InstanceKey, turn: i64, pause: Duration) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if matches!(&slot.stage, Stage::Committing(swap) if swap.turn == turn) {
            slot.forget();
            slot.stage = Stage::Resting;
            self.jobs.push(Job::Rest(key, pause));
        }
    }

    /// Forgets activities of an execution that has ended, as the store has; `all`: detached ones too.
    fn drop_activities(&mut self, key: InstanceKey, all: bool) {
        for waiting in self.waiting.remove_of(key, |waiting| all || !waiting.task.detached) {
            if let Some(place) = waiting.place {
                self.activities.remove(&Route::of_activity(&waiting.task), place);
            }
        }
        self.leases.drop_activities(key, all);
        self.finishing.dropped(key);
    }

    /// A new activity, unless it is known: its row may have been read before its effect came.
    fn add_activity(&mut self, task: ActivityTask) {
        self.newest_activity = self.newest_activity.max(task.key.number);
        if !self.has_activity(task.key) {
            let waiting = Waiting::new(task);
            match self.has_room_for_activity(&Route::of_activity(&waiting.task)) {
                true => self.queue_activity(waiting, false),
                false => self.behind_activities.leave(&Route::of_activity(&waiting.task)),
            }
        }
    }

    /// Due times that have come.
    pub fn tick(&mut self) {
        let mut elsewhere = Vec::new();
        for due in self.wheel.take_due(self.now) {
            let key = due.instance;
            if self.instances.contains_key(&key) {
                self.settle(key);
            } else if elsewhere.last() != Some(&key) {
                elsewhere.push(key);
            }
        }
        if !elsewhere.is_empty() {
            self.jobs.push(Job::Locate(elsewhere));
        }
    }

    /// An instance that was not in memory has something to deliver.
    pub fn located(&mut self, reference: InstanceRef, status: Status) {
        let key = reference.key;
        if !status.is_terminal() && !self.instances.contains_key(&key) {
            self.instances.insert(key, Slot::new(reference, status));
            self.settle(key);
        }
    }

    /// Access for the timer loop.
    pub fn wheel(&mut self) -> &mut crate::dispatch::wheel::Wheel {
        &mut self.wheel
    }
}

/// The task whose result this is.
fn answered_task(message: &Message) -> Option<i32> {
    if message.class != Class::Result {
        return None;
    }
    match message.events.first()?.event_type.as_ref()? {
        EventType::TaskCompleted(done) => Some(done.task_scheduled_id),
        EventType::TaskFailed(done) => Some(done.task_scheduled_id),
        _ => None,
    }
}
