//! What an instance needs next.

use super::{Board, Job};
use crate::{
    dispatch::{
        queue::Route,
        slot::{Known, Slot, Stage, State, Swap},
        worker::WorkerId,
    },
    engine::{self, Context, Execution, Outcome, Turn},
    model::{
        Chunk, Class, Commit, InstanceKey, Message, MessageId, Status, StatusExt as _, error_type, failure,
    },
    store::Outline,
};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// How many instances of one route may wait in memory with all they hold; those further back are only remembered.
const KNOWN_IN_QUEUE: usize = 1_000;

/// An instance as read from the store.
#[derive(Debug)]
pub(in crate::dispatch) struct Read {
    pub state: State,
    pub history: Vec<Chunk>,
    pub inbox: Vec<Message>,
    pub parked: bool,
}

/// How reading an instance can end.
#[derive(Debug)]
pub(in crate::dispatch) enum ReadError {
    /// It is gone.
    Gone,
    /// Try again.
    Again,
    /// What is stored cannot be used, for this reason. This much of it can be told.
    Unusable(String, Box<Outline>),
}

impl Board {
    /// Decides what becomes of an instance after something has happened to it.
    pub(super) fn settle(&mut self, key: InstanceKey) {
        self.settle_at(key, false);
    }

    /// As [`Board::settle`]; `front`: if it has to queue, it goes first.
    fn settle_at(&mut self, key: InstanceKey, front: bool) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let (control, entity) = (slot.has_control(), slot.reference.id.is_entity());
        match &slot.stage {
            Stage::Idle | Stage::Queued(_) => {}
            Stage::Leased { .. } | Stage::Resting if control && slot.known.is_some() && !entity => {}
            Stage::Parked if control && !entity => {}
            Stage::Leased { .. }
            | Stage::Resting
            | Stage::Loading(_)
            | Stage::Applying
            | Stage::Committing(_)
            | Stage::Parked => return,
        }
        if slot.parked && (entity || !control || slot.known.is_none()) {
            self.rest_parked(key);
        } else if slot.known.is_none() {
            self.settle_unknown(key, control);
        } else if entity {
            self.settle_entity(key, front);
        } else if control {
            self.control(key);
        } else if self.deliverable(key) {
            self.enqueue(key, front);
        } else {
            self.rest_idle(key);
        }
    }

    /// Its state is not in memory: read it when it can be used, which for a control message is now.
    pub(super) fn settle_unknown(&mut self, key: InstanceKey, control: bool) {
        if control {
            self.unqueue(key);
        }
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if control {
            slot.stage = Stage::Loading(None);
            self.jobs.push(Job::Load(key));
        } else if slot.status == Status::Suspended {
            self.remove(key);
        } else {
            self.enqueue(key, false);
        }
    }

    /// Whether a turn could deliver something now.
    fn deliverable(&self, key: InstanceKey) -> bool {
        let Some(slot) = self.instances.get(&key) else { return false };
        let Some(State::Orchestration(execution)) = slot.state() else { return false };
        let begun = execution.has_begun();
        let is_due = |message: &&Message| message.due.is_none_or(|due| due <= self.now);
        slot.status != Status::Suspended
            && slot.inbox.values().filter(is_due).any(|message| begun || message.class == Class::Start)
    }

    /// Puts the instance into the queue of its route, once.
    pub(super) fn enqueue(&mut self, key: InstanceKey, front: bool) {
        self.leave_idle(key);
        let Some(slot) = self.instances.get(&key) else { return };
        if matches!(slot.stage, Stage::Queued(_)) {
            return;
        }
        let route = Route::of_turn(&slot.reference);
        // How often something came back is known only here.
        if !front && slot.returns.times == 0 && !self.has_room_for_turn(&route) {
            self.behind_turns.leave(&route);
            return self.remove(key);
        }
        let (ahead, cache_bytes) = (self.turns.len(&route), self.rules.cache_bytes);
        let Some(slot) = self.instances.get_mut(&key) else { return };
        slot.stage = Stage::Queued(self.turns.push(&route, key, front, self.now));
        let far = ahead >= KNOWN_IN_QUEUE || (ahead >= 16 && ahead * slot.cost() > cache_bytes);
        if !front && far {
            // It will be a while. What it holds is in the store, and is read when its turn comes.
            slot.forget();
        }
    }

    /// Takes the instance out of its queue, if it is in one.
    pub(super) fn unqueue(&mut self, key: InstanceKey) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if let Stage::Queued(place) = slot.stage {
            self.turns.remove(&Route::of_turn(&slot.reference), place);
            slot.stage = Stage::Idle;
        }
    }

    /// Applies control messages. A worker that holds a turn of the instance loses it: its answer will be refused, and the messages of
    /// that turn are still in the inbox.
    fn control(&mut self, key: InstanceKey) {
        self.revoke_turn(key);
        self.unqueue(key);
        self.server_turn(key, |execution, inbox, context| {
            let messages =
                inbox.values().filter(|message| message.class == Class::Control).cloned().collect();
            let start = inbox.values().find(|message| message.class == Class::Start);
            engine::control(execution, messages, start, context)
        });
    }

    /// Takes messages out that came too late to mean anything.
    pub(super) fn discard(&mut self, key: InstanceKey, late: Vec<MessageId>) {
        self.server_turn(key, |execution, _, context| engine::discard(execution, late, context.now));
    }

    /// Ends an instance whose turn no worker can receive any more.
    pub(super) fn fail_outgrown(&mut self, key: InstanceKey, turn: Turn) {
        let text = format!(
            "the history has grown beyond what a worker can receive in one message ({} bytes, setting limits.work_item_bytes); \
             use continue-as-new, or pass smaller payloads",
            self.rules.work_item_bytes
        );
        let details = failure(error_type::HISTORY_TOO_LARGE, text, true);
        self.server_turn(key, |execution, _, context| engine::fail(execution, turn, details, context));
    }

    /// A change that the server makes by itself, without a worker.
    fn server_turn(
        &mut self,
        key: InstanceKey,
        decide: impl FnOnce(Execution, &BTreeMap<MessageId, Message>, &mut Context<'_>) -> Outcome,
    ) {
        self.leave_idle(key);
        let (now, payload_bytes) = (self.now, self.rules.payload_bytes);
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Some(State::Orchestration(execution)) = slot.take_state() else { return };
        let mut context = Context { now, fresh_id: &mut fresh_id, payload_bytes };
        let Outcome { commit, execution } = decide(*execution, &slot.inbox, &mut context);
        slot.stage = Stage::Applying;
        if let Some(commit) = self.committing(key, commit, State::Orchestration(Box::new(execution))) {
            self.jobs.push(Job::Commit(Box::new(commit)));
        }
    }

    /// Notes what will be true once the commit is durable. `None`: the instance is gone.
    pub fn committing(&mut self, key: InstanceKey, commit: Commit, state: State) -> Option<Commit> {
        let slot = self.instances.get_mut(&key).filter(|slot| matches!(slot.stage, Stage::Applying))?;
        let state = slot.adjusted(state);
        slot.stage = Stage::Committing(Box::new(Swap {
            turn: commit.turn,
            state,
            consumed: commit.consumed.clone(),
            pending: commit.pending,
            history: commit.history.clone(),
        }));
        Some(commit)
    }

    /// The instance has been read.
    pub fn loaded(&mut self, key: InstanceKey, read: Result<Read, ReadError>) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Stage::Loading(reserved) = slot.stage else { return };
        if std::mem::take(&mut slot.stale) {
            return self.jobs.push(Job::Load(key));
        }
        let route = Route::of_turn(&slot.reference);
        slot.stage = Stage::Idle;
        match read {
            Ok(read) => slot.fill(read),
            Err(ReadError::Gone) => return self.forget_loading(key, reserved, &route),
            Err(ReadError::Again) => {
                slot.forget();
                slot.stage = Stage::Resting;
                self.jobs.push(Job::Rest(key, Duration::from_secs(1)));
            }
            Err(ReadError::Unusable(reason, outline)) => {
                self.release_reading(reserved, &route);
                return self.unusable(key, &reason, *outline);
            }
        }
        if let Some(slot) = self.instances.get_mut(&key).filter(|slot| slot.status.is_terminal()) {
            if slot.inbox.is_empty() {
                return self.forget_loading(key, reserved, &route);
            }
            // What has ended has no inbox: it has been rewound since it was read.
            slot.forget();
            slot.stage = Stage::Loading(reserved);
            self.jobs.push(Job::Load(key));
            return;
        }
        self.release_reading(reserved, &route);
        // It was read because it was first: at the end of the queue it would wait, in memory, until all others have been read, too.
        self.settle_at(key, reserved.is_some());
    }

    fn forget_loading(&mut self, key: InstanceKey, reserved: Option<WorkerId>, route: &Route) {
        self.release_reading(reserved, route);
        self.remove(key);
    }

    /// Gives back the place that was kept free while something was read.
    fn release_reading(&mut self, reserved: Option<WorkerId>, route: &Route) {
        if reserved.is_some() {
            self.leases.expect_no_more(route);
            self.release(reserved, route.kind);
        }
    }

    /// A pause is over.
    pub fn rested(&mut self, key: InstanceKey) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if !matches!(slot.stage, Stage::Resting) {
            return;
        }
        if slot.known.is_none() {
            // Read it even if nobody serves it: there may be a control message among what was forgotten.
            slot.stage = Stage::Loading(None);
            self.jobs.push(Job::Load(key));
        } else {
            slot.stage = Stage::Idle;
            self.settle(key);
        }
    }

    /// Nothing to do: the instance stays in memory as long as there is room.
    pub(super) fn rest_idle(&mut self, key: InstanceKey) {
        self.unqueue(key);
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if slot.status == Status::Suspended {
            // Only a control message can move it, and what arrives meanwhile may be much: it is read again then.
            return self.remove(key);
        }
        slot.stage = Stage::Idle;
        let cost = slot.cost();
        self.idle_bytes += cost;
        self.idle_bytes -= self.idle.put(key, cost).unwrap_or(0);
        while self.idle_bytes > self.rules.cache_bytes {
            let Some((oldest, cost)) = self.idle.pop_lru() else { break };
            self.idle_bytes -= cost;
            self.instances.remove(&oldest);
        }
    }

    pub(super) fn leave_idle(&mut self, key: InstanceKey) {
        self.idle_bytes -= self.idle.pop(&key).unwrap_or(0);
    }

    pub(super) fn remove(&mut self, key: InstanceKey) {
        self.unqueue(key);
        self.leave_idle(key);
        if let Some(Slot { stage: Stage::Loading(reserved), reference, .. }) = self.instances.remove(&key) {
            // What is being read will find nobody here; the place at the worker would stay taken for ever.
            self.release_reading(reserved, &Route::of_turn(&reference));
        }
    }
}

impl Slot {
    /// Takes in what was read. Messages that arrived meanwhile are there already, or among those read.
    fn fill(&mut self, read: Read) {
        let Read { state, history, inbox, parked } = read;
        // That it is parked no more, an effect tells.
        self.parked |= parked;
        self.status = state.status();
        if let State::Orchestration(execution) = &state {
            self.reference = execution.record.reference();
        }
        inbox.into_iter().for_each(|message| self.receive(message));
        let state = Some(self.adjusted(state));
        self.known = Some(Box::new(Known { state, history }));
    }
}

/// An id that was never used before.
pub(in crate::dispatch) fn fresh_id() -> String {
    Uuid::new_v4().simple().to_string()
}
