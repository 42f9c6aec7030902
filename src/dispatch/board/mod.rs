//! The board: which instance stands where, who holds what, and what follows from each thing that happens.
//!
//! Bookkeeping behind one lock: no await, no store call. Whatever must be done outside is left as a [`Job`]. Effects come in commit
//! order; the state of an instance is swapped only when the effect of its own commit arrives, so that everything stored before that
//! commit has been seen before it.
//!
//! `effects` takes in what the store did, `assign` matches work and workers, `answers` is what workers say, `instances` decides
//! what an instance needs next, `entities` the same for entities, `behind` what is not in memory, `poison` ends what workers cannot
//! answer.

mod answers;
mod assign;
mod behind;
mod effects;
mod entities;
mod instances;
mod poison;
mod show;
#[cfg(test)]
mod tests;

pub(super) use answers::TakenTurn;
pub(super) use entities::TakenBatch;
pub(super) use instances::{Read, ReadError, fresh_id};

use super::{
    Longest,
    backlog::Backlog,
    finishing::Finishing,
    lease::{Leases, Waiting},
    limits::{ConcurrencyLimit, Limits},
    queue::Queues,
    slot::Slot,
    tally::Tally,
    waiting::WaitingActivities,
    wheel::Wheel,
    worker::{Kind, Offer, WorkItem, WorkerId},
};
use crate::model::{
    ActivityKey, Commit, InstanceKey, InstanceRef, Parking, Status, Timestamp, pb::TaskFailureDetails,
};
use lru::LruCache;
use std::{collections::HashMap, time::Duration};
use tokio::sync::mpsc;

/// Something to be done without the lock.
#[derive(Debug)]
pub(super) enum Job {
    /// Read the instance from the store, then call [`Board::loaded`].
    Load(InstanceKey),
    /// Read so many of the instances that are ready after this key, then call [`Board::found_turns`].
    FindTurns(InstanceKey, usize),
    /// Read the activities after this key, then call [`Board::found_activities`].
    FindActivities(ActivityKey),
    /// Read where these belong, then call [`Board::located`].
    Locate(Vec<InstanceKey>),
    /// Store the commit; on failure call [`Board::commit_failed`].
    Commit(Box<Commit>),
    /// Call [`Board::rested`] after this long.
    Rest(InstanceKey, Duration),
    /// Call [`Board::backlog_rested`] after this long.
    RestBacklog(Duration),
    /// Call [`Board::activity_rested`] after this long.
    RestActivity(ActivityKey, Duration),
    /// Note in the store that the activity, whose result nobody waits for, has run.
    Forget(Box<Waiting>),
    /// Complete the activity as failed with this, because nobody can do it.
    Fail(Box<Waiting>, Box<TaskFailureDetails>),
    /// Write down that the instance, which had this status, is parked; on failure call [`Board::park_failed`].
    Park(InstanceRef, Status, Box<Parking>),
    /// The earliest due time has changed.
    WindClock,
}

/// Settings of the board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// What idle instances may take in memory.
    pub cache_bytes: usize,
    /// How many items of one route are kept in memory; the others are left to their rows.
    pub window: usize,
    /// What the requests of all activities that wait in memory may take.
    pub window_bytes: usize,
    /// Largest payload taken from a worker.
    pub payload_bytes: usize,
    /// Largest turn, history included, that a worker outside this process can receive.
    pub work_item_bytes: usize,
    /// How long a history may be when a turn is added to it.
    pub history: Longest,
    /// Longest pause before work that was put back is tried again.
    pub max_backoff: Duration,
    /// How often in a row an activity may be delivered without an answer; 0: without limit.
    pub activity_deliveries: u32,
    /// The same for a turn, or a batch.
    pub turn_deliveries: u32,
}

/// A connected worker.
#[derive(Debug)]
struct Connected {
    offer: Offer,
    items: mpsc::UnboundedSender<WorkItem>,
    turns: usize,
    activities: usize,
    batches: usize,
    since: Timestamp,
    /// How many items it has answered.
    answered: u64,
}

impl Connected {
    fn new(offer: Offer, items: mpsc::UnboundedSender<WorkItem>, since: Timestamp) -> Self {
        Self { offer, items, turns: 0, activities: 0, batches: 0, since, answered: 0 }
    }

    fn held(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Turn => &mut self.turns,
            Kind::Activity => &mut self.activities,
            Kind::Batch => &mut self.batches,
        }
    }

    fn room(&self, kind: Kind) -> usize {
        let held = match kind {
            Kind::Turn => self.turns,
            Kind::Activity => self.activities,
            Kind::Batch => self.batches,
        };
        self.offer.limit(kind).saturating_sub(held)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Board {
    rules: Rules,
    /// The time of the call under way.
    now: Timestamp,
    /// What the call under way leaves to be done.
    jobs: Vec<Job>,
    instances: HashMap<InstanceKey, Slot>,
    /// Idle instances whose state is known, with their cost, least recently used first.
    idle: LruCache<InstanceKey, usize>,
    idle_bytes: usize,
    turns: Queues<InstanceKey>,
    activities: Queues<ActivityKey>,
    /// Activities that no worker holds: queued or resting.
    waiting: WaitingActivities,
    /// Those whose results are on their way to the store.
    finishing: Finishing,
    /// The newest activity that an effect has told of.
    newest_activity: i64,
    /// What is ready and not in memory.
    behind_turns: Backlog<InstanceKey>,
    behind_activities: Backlog<ActivityKey>,
    workers: HashMap<WorkerId, Connected>,
    next_worker: u64,
    leases: Leases,
    wheel: Wheel,
    tally: Tally,
    stopped: bool,
}

impl Board {
    /// With nothing on it. `concurrency`: names of which only so much is handed out at a time.
    pub fn new(rules: Rules, concurrency: &[ConcurrencyLimit]) -> Self {
        Self {
            rules,
            now: Timestamp::default(),
            jobs: Vec::new(),
            instances: HashMap::new(),
            idle: LruCache::unbounded(),
            idle_bytes: 0,
            turns: Queues::default(),
            activities: Queues::default(),
            waiting: WaitingActivities::default(),
            finishing: Finishing::default(),
            newest_activity: i64::MIN,
            behind_turns: Backlog::new(InstanceKey(i64::MIN)),
            behind_activities: Backlog::new(ActivityKey::START),
            workers: HashMap::new(),
            next_worker: 1,
            leases: Leases::new(Limits::new(concurrency)),
            wheel: Wheel::default(),
            tally: Tally::default(),
            stopped: false,
        }
    }

    /// Sets the time for the calls that follow under the same lock. Callers read the clock before they have the lock, so they may come
    /// in another order than their times; the board's time does not go back, or a timer that has left the wheel would not be due.
    pub fn at(&mut self, now: Timestamp) -> &mut Self {
        self.now = self.now.max(now);
        self
    }

    /// Matches work with workers, then hands over what is to be done outside.
    pub fn finish(&mut self) -> Vec<Job> {
        self.hand_out_spent();
        self.assign();
        self.read_on();
        std::mem::take(&mut self.jobs)
    }

    /// No more items are handed out and the workers' channels end. What they hold may still be answered.
    pub fn stop(&mut self) {
        self.stopped = true;
        let (closed, _) = mpsc::unbounded_channel();
        for worker in self.workers.values_mut() {
            worker.items = closed.clone();
        }
    }

    /// How many items workers hold.
    pub fn held(&self) -> usize {
        self.leases.len()
    }

    /// How long to wait before something is put to a worker again that came back `times` times in a row.
    fn backoff(&self, times: u32) -> Duration {
        let pause = Duration::from_millis(100).saturating_mul(1 << times.min(16));
        pause.min(self.rules.max_backoff)
    }
}
