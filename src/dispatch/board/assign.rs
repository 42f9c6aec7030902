//! Work meets workers. Pushed, never polled: whatever makes work or room ends in [`Board::assign`].

use super::{Board, Connected};
use crate::{
    dispatch::{
        lease::{Held, Returns, Waiting},
        queue::Route,
        slot::{Delivery, Slot, Stage, State},
        worker::{ActivityItem, Kind, Offer, Seat, TurnItem, WorkItem, WorkerId},
    },
    engine::{self, Next, Turn},
    model::{ActivityKey, InstanceKey, Short, pb::HistoryEvent},
};
use prost::Message as _;
use std::{cmp::Reverse, time::Duration};
use tokio::sync::mpsc::{self, error::SendError};

/// How late a timer may be. Longer than its loop sleeps at most.
const LATE: Duration = Duration::from_secs(90);

/// Who could take an item.
enum Pick {
    Worker(WorkerId),
    /// Somebody serves it but holds as much as he can.
    Busy,
    Nobody,
}

impl Board {
    /// A worker joins.
    pub fn join(&mut self, offer: Offer) -> Seat {
        let id = WorkerId(self.next_worker);
        self.next_worker += 1;
        let (sender, items) = mpsc::unbounded_channel();
        if !self.stopped {
            self.workers.insert(id, Connected::new(offer, sender, self.now));
            self.turns.reconsider();
            self.activities.reconsider();
            self.backlog_rested();
        }
        Seat { id, items }
    }

    /// Hands out all that can be handed out.
    pub(super) fn assign(&mut self) {
        if self.stopped {
            return;
        }
        let mut busy = 0;
        while busy < self.turns.served() {
            let Some(route) = self.turns.rotate() else { break };
            let next = self.turns.peek(&route).and_then(|key| self.instances.get(key));
            match self.pick(&route, next.map(|slot| &slot.returns)) {
                Pick::Worker(_) if self.is_full(&route) => busy += 1,
                Pick::Worker(worker) => {
                    busy = 0;
                    let granted = self.leases.granted();
                    if let Some(key) = self.turns.pop(&route) {
                        self.give_turn(key, worker);
                    }
                    if self.leases.granted() > granted {
                        self.behind_turns.moved(&route);
                    }
                }
                Pick::Busy => busy += 1,
                Pick::Nobody => self.turns.set_aside(&route),
            }
        }
        let mut busy = 0;
        while busy < self.activities.served() {
            let Some(route) = self.activities.rotate() else { break };
            let next = self.activities.peek(&route).and_then(|key| self.waiting.get(key));
            match self.pick(&route, next.map(|waiting| &waiting.returns)) {
                Pick::Worker(_) if self.is_full(&route) => busy += 1,
                Pick::Worker(worker) => {
                    busy = 0;
                    if let Some(key) = self.activities.pop(&route) {
                        self.give_activity(key, worker);
                        self.behind_activities.moved(&route);
                    }
                }
                Pick::Busy => busy += 1,
                Pick::Nobody => self.activities.set_aside(&route),
            }
        }
    }

    /// What should have gone on and has not: whoever looks at the board between two visits must see nothing of this kind.
    pub fn neglected(&self) -> Option<String> {
        if self.stopped {
            return None;
        }
        if let Some(due) = self.wheel.earliest().filter(|due| due.until(self.now) > LATE) {
            return Some(format!("nobody was woken for what was due at {due}"));
        }
        let waiting = self.turns.lengths().chain(self.activities.lengths());
        let served = waiting.filter(|(_, _, served)| *served).map(|(route, ..)| route);
        let may = |route: &&Route| !self.is_full(route) && matches!(self.pick(route, None), Pick::Worker(_));
        let route = served.into_iter().find(may)?;
        Some(format!("{:?} waits although a worker has room for it", Short(&route.name)))
    }

    /// The worker that fits best; among equals one that has not put the item back, then the one with the most room.
    fn pick(&self, route: &Route, returns: Option<&Returns>) -> Pick {
        let fits = self.workers.iter().filter_map(|(id, worker)| {
            let fit = worker.offer.fit(route.hub, route.kind, &route.name, route.version.as_deref())?;
            let room = worker.room(route.kind);
            let reluctance = returns.map_or(0, |returns| returns.reluctance(*id));
            Some((fit, room == 0, reluctance, Reverse(room), id.0))
        });
        match fits.min() {
            None => Pick::Nobody,
            Some((_, true, ..)) => Pick::Busy,
            Some((.., id)) => Pick::Worker(WorkerId(id)),
        }
    }

    /// Whether as much of the route's name is out as may be at a time: what waits there waits, whoever has room.
    pub(super) fn is_full(&self, route: &Route) -> bool {
        self.leases.limits().of(route).is_some_and(|places| places.is_full())
    }

    fn give_turn(&mut self, key: InstanceKey, worker: WorkerId) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        if !matches!(slot.stage, Stage::Queued(_)) {
            return;
        }
        // It has just left its queue.
        slot.stage = Stage::Idle;
        let Some(state) = slot.state() else {
            slot.stage = Stage::Loading(Some(worker));
            self.jobs.push(super::Job::Load(key));
            let route = Route::of_turn(&slot.reference);
            self.leases.expect(&route);
            return self.reserve(worker, route.kind);
        };
        let execution = match state {
            State::Orchestration(execution) => execution,
            State::Entity(_) => return self.give_batch(key, worker),
        };
        let next = engine::next(execution, slot.inbox.values(), self.now);
        match next {
            Next::Deliver(_) if self.park_overlong(key) => {}
            Next::Deliver(turn) if self.outgrown(key, worker, &turn) => self.fail_outgrown(key, turn),
            Next::Deliver(turn) => self.lease_turn(key, worker, turn),
            Next::Discard(late) => self.discard(key, late),
            Next::Control(_) => self.settle(key),
            Next::Wait => self.rest_idle(key),
        }
    }

    /// Whether the turn is larger than what the worker can receive. Sending it all the same would end its stream, again and again, and with
    /// it everybody else's work.
    fn outgrown(&self, key: InstanceKey, worker: WorkerId, turn: &Turn) -> bool {
        let Some(offer) = self.workers.get(&worker).map(|connected| &connected.offer) else { return false };
        let past = match offer.fetches_history {
            true => 0,
            false => self.instances.get(&key).map_or(0, Slot::history_bytes),
        };
        let new: usize = turn.events.iter().map(HistoryEvent::encoded_len).sum();
        !offer.embedded && past + new > self.rules.work_item_bytes
    }

    fn lease_turn(&mut self, key: InstanceKey, worker: WorkerId, turn: Turn) {
        let Some(slot) = self.instances.get_mut(&key) else { return };
        let Some(known) = &slot.known else { return };
        let Some(State::Orchestration(execution)) = &known.state else { return };
        let record = &execution.record;
        let held = Held::Turn(key, record.id.clone());
        let token = self.leases.grant(worker, &Route::of_turn(&slot.reference), self.now, held);
        let item = WorkItem::Turn(TurnItem {
            token: token.clone(),
            instance: slot.reference.clone(),
            execution_id: record.execution_id.clone(),
            past: known.history.clone(),
            events: turn.events.clone(),
            trace: record.trace.clone(),
        });
        slot.stage = Stage::Leased { token, delivery: Delivery::Turn(turn) };
        self.reserve(worker, Kind::Turn);
        self.send(worker, item);
    }

    pub(super) fn queue_activity(&mut self, waiting: Waiting, front: bool) {
        let (key, route) = (waiting.task.key, Route::of_activity(&waiting.task));
        let place = Some(self.activities.push(&route, key, front, self.now));
        self.waiting.insert(Waiting { place, ..waiting });
    }

    fn give_activity(&mut self, key: ActivityKey, worker: WorkerId) {
        // Not there any more: its execution has ended.
        let Some(waiting) = self.waiting.remove(&key) else { return };
        let task = waiting.task.clone();
        let token = self.leases.grant(worker, &Route::of_activity(&task), self.now, Held::Activity(waiting));
        self.reserve(worker, Kind::Activity);
        self.send(worker, WorkItem::Activity(ActivityItem { token, task }));
    }

    pub(super) fn send(&mut self, worker: WorkerId, item: WorkItem) {
        let Some(connected) = self.workers.get(&worker) else { return };
        if let Err(SendError(item)) = connected.items.send(item) {
            // The stream has just ended. What it held goes back; this item was never delivered.
            if let Some(lease) = self.leases.revoke(item.token()) {
                self.queue_again(lease);
            }
            self.leave(worker);
        }
    }

    pub(super) fn reserve(&mut self, worker: WorkerId, kind: Kind) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            *worker.held(kind) += 1;
        }
    }

    /// A worker has answered an item.
    pub(super) fn answered(&mut self, worker: WorkerId, kind: Kind) {
        self.release(Some(worker), kind);
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.answered += 1;
        }
    }

    /// A worker has room for one more.
    pub(super) fn release(&mut self, worker: Option<WorkerId>, kind: Kind) {
        if let Some(worker) = worker.and_then(|id| self.workers.get_mut(&id)) {
            let held = worker.held(kind);
            *held = held.saturating_sub(1);
        }
    }
}
