//! Who holds what. Leases live in memory: only this process can hold work, and after a crash everything is handed out anew.

use super::{
    limits::Limits,
    pieces::Pieces,
    queue::{Place, Route, turn_kind},
    unnamed::{Deliveries, Subject},
    worker::{Kind, WorkerId},
};
use crate::model::{
    ActivityKey, ActivityTask, HubId, InstanceId, InstanceKey, Timestamp, pb::OrchestratorResponse,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// How a delivery came to nothing in a way that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The worker was gone.
    Gone,
    /// It was silent for longer than its lease.
    Silent,
    /// It could do nothing with the item.
    Unable,
    /// The server could not work out what its answer means.
    Senseless,
}

/// How often an item came back without an answer, in a row, and from whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Returns {
    pub times: u32,
    /// How many of these count against the limit of deliveries.
    pub lost: u32,
    /// Whose they were, about: a worker that connects again is another one.
    pub workers: u32,
    pub last: Option<Loss>,
    /// Workers that put it back, most recent last. They get it again only if nobody else can take it.
    by: Vec<WorkerId>,
}

impl Returns {
    /// How many workers are remembered.
    const MEMORY: usize = 8;

    /// It came back, and that does not count: the worker lives and does not want it.
    pub fn note(&mut self, worker: WorkerId) {
        self.times += 1;
        self.remember(worker);
    }

    /// It came back from `worker`, and that counts.
    pub fn lose(&mut self, worker: Option<WorkerId>, loss: Loss) {
        self.times += 1;
        self.lost += 1;
        self.last = Some(loss);
        let Some(worker) = worker else { return };
        self.workers += u32::from(!self.by.contains(&worker));
        if loss != Loss::Gone {
            self.remember(worker);
        }
    }

    fn remember(&mut self, worker: WorkerId) {
        self.by.retain(|other| *other != worker);
        self.by.push(worker);
        if self.by.len() > Self::MEMORY {
            self.by.remove(0);
        }
    }

    /// 0 for a worker that has not put the item back, more the later it did.
    pub fn reluctance(&self, worker: WorkerId) -> usize {
        self.by.iter().position(|other| *other == worker).map_or(0, |index| index + 1)
    }
}

/// An activity and its fate so far.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub task: ActivityTask,
    pub returns: Returns,
    /// Where it stands in the queue of its route, if it does.
    pub place: Option<Place>,
    /// Its execution has ended: nobody waits for it, and it is not handed out again.
    pub dropped: bool,
}

impl Waiting {
    pub fn new(task: ActivityTask) -> Self {
        Self { task, returns: Returns::default(), place: None, dropped: false }
    }
}

/// What is held.
#[derive(Debug)]
pub(super) enum Held {
    /// A turn, or a batch of an entity.
    Turn(InstanceKey, InstanceId),
    Activity(Waiting),
}

impl Held {
    pub fn kind(&self) -> Kind {
        match self {
            Held::Turn(_, id) => turn_kind(id),
            Held::Activity(_) => Kind::Activity,
        }
    }
}

/// An item in a worker's hands.
#[derive(Debug)]
pub(super) struct Lease {
    /// Rises in the order in which items were handed out.
    number: u64,
    pub worker: WorkerId,
    pub hub: HubId,
    /// Of the orchestration, the activity, the entity.
    name: Arc<str>,
    pub since: Timestamp,
    pub held: Held,
    /// The answer so far, if it comes in pieces.
    pub pieces: Pieces,
}

impl Lease {
    /// What a worker that returns no token calls it.
    fn subject(&self) -> Subject {
        let (instance, task) = match &self.held {
            Held::Turn(_, id) => (id.clone(), None),
            Held::Activity(waiting) => (waiting.task.instance.clone(), Some(waiting.task.task_id)),
        };
        Subject { hub: self.hub, instance, task }
    }
}

/// All leases, by completion token.
#[derive(Debug, Default)]
pub(super) struct Leases {
    by_token: HashMap<String, Lease>,
    /// Tokens of the activities among them.
    activities: BTreeMap<ActivityKey, String>,
    /// For answers that do not name their lease.
    deliveries: Deliveries,
    granted: u64,
    limits: Limits,
}

impl Leases {
    /// With nothing handed out.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How much of which names is out. What is being read for a worker is counted there, too.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A turn is being read for a worker, who will get it then.
    pub fn expect(&mut self, route: &Route) {
        self.limits.begin(route.hub, route.kind, &route.name);
    }

    /// It has been read; if it is still to be handed out, that is another matter.
    pub fn expect_no_more(&mut self, route: &Route) {
        self.limits.end(route.hub, route.kind, &route.name);
    }

    /// Hands an item of `route` out under a new token nobody can guess.
    pub fn grant(&mut self, worker: WorkerId, route: &Route, since: Timestamp, held: Held) -> String {
        let token = Uuid::new_v4().simple().to_string();
        if let Held::Activity(waiting) = &held {
            self.activities.insert(waiting.task.key, token.clone());
        }
        self.granted += 1;
        let (hub, name) = (route.hub, route.name.clone());
        self.limits.begin(hub, route.kind, &name);
        let lease = Lease { number: self.granted, worker, hub, name, since, held, pieces: Pieces::default() };
        self.deliveries.sent(lease.subject(), token.clone());
        self.by_token.insert(token.clone(), lease);
        token
    }

    /// Whether a worker holds this activity.
    pub fn has_activity(&self, key: ActivityKey) -> bool {
        self.activities.contains_key(&key)
    }

    /// The instance's execution has ended; `all`: the instance itself is gone. Whoever still works on its activities may finish, but nobody
    /// else gets them.
    pub fn drop_activities(&mut self, instance: InstanceKey, all: bool) {
        for (_, token) in self.activities.range(ActivityKey::all_of(instance)) {
            if let Some(Lease { held: Held::Activity(waiting), .. }) = self.by_token.get_mut(token) {
                waiting.dropped |= all || !waiting.task.detached;
            }
        }
    }

    /// Who holds what was handed out under this token, and since when.
    pub fn holder(&self, token: &str) -> Option<(WorkerId, Timestamp)> {
        self.by_token.get(token).map(|lease| (lease.worker, lease.since))
    }

    /// The instance's activities that workers hold, with their tokens.
    pub fn activities_of(&self, instance: InstanceKey) -> impl Iterator<Item = (&str, &Waiting)> {
        let held = self.activities.range(ActivityKey::all_of(instance));
        held.filter_map(|(_, token)| match &self.by_token.get(token)?.held {
            Held::Activity(waiting) => Some((token.as_str(), waiting)),
            Held::Turn(..) => None,
        })
    }

    /// Hub, kind and name of all that is handed out.
    pub fn names(&self) -> impl Iterator<Item = (HubId, Kind, Arc<str>)> {
        self.by_token.values().map(|lease| (lease.hub, lease.held.kind(), lease.name.clone()))
    }

    /// How many leases there have been.
    pub fn granted(&self) -> u64 {
        self.granted
    }

    /// How many items are in workers' hands.
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Ends a lease. `None`: there is none of that token and kind in the hub.
    pub fn end(&mut self, hub: HubId, token: &str, kind: Kind) -> Option<Lease> {
        let Some(lease) = self.by_token.get(token) else {
            self.deliveries.answered_stale(hub, token);
            return None;
        };
        if lease.hub != hub || lease.held.kind() != kind {
            return None;
        }
        let lease = self.remove(token)?;
        self.deliveries.answered(&lease.subject(), token);
        Some(lease)
    }

    /// Adds a piece to the answer of a turn. `None`: the token is stale. `Some(false)`: the answer has become too large.
    pub fn add_piece(&mut self, hub: HubId, token: &str, piece: OrchestratorResponse) -> Option<bool> {
        let lease = self.by_token.get_mut(token).filter(|lease| lease.hub == hub)?;
        Some(lease.pieces.add(piece))
    }

    /// Ends a lease that nobody will answer any more, whatever its hub.
    pub fn revoke(&mut self, token: &str) -> Option<Lease> {
        let lease = self.remove(token)?;
        self.deliveries.lost(&lease.subject(), token);
        Some(lease)
    }

    /// Takes an item from a worker that has been silent too long, and may answer all the same: a turn's answer must then not be taken for that of
    /// a later turn. With an activity it does no harm.
    pub fn take_from_silent(&mut self, token: &str, now: Timestamp) -> Option<Lease> {
        let lease = self.remove(token)?;
        match &lease.held {
            Held::Turn(..) => {
                self.deliveries.took_back(lease.subject(), token.to_owned(), lease.worker, now);
            }
            Held::Activity(_) => self.deliveries.lost(&lease.subject(), token),
        }
        Some(lease)
    }

    /// Takes a turn out of a worker's hands, who will answer it all the same.
    pub fn take_back(&mut self, token: &str) -> Option<Lease> {
        let lease = self.remove(token)?;
        self.deliveries.took_back(lease.subject(), token.to_owned(), lease.worker, lease.since);
        Some(lease)
    }

    fn remove(&mut self, token: &str) -> Option<Lease> {
        let lease = self.by_token.remove(token)?;
        self.limits.end(lease.hub, lease.held.kind(), &lease.name);
        if let Held::Activity(waiting) = &lease.held {
            self.activities.remove(&waiting.task.key);
        }
        Some(lease)
    }

    /// The token an answer without one belongs to; `last`: nothing more follows this piece of it. `None`: it means nothing.
    pub fn token_for(&mut self, subject: &Subject, last: bool) -> Option<String> {
        self.deliveries.token_for(subject, last)
    }

    /// Deliveries that are no lease any more: this worker will not answer them.
    pub fn worker_left(&mut self, worker: WorkerId) {
        self.deliveries.worker_left(worker);
    }

    /// Deliveries that are no lease any more: those handed out before `turns` are not waited for any longer.
    pub fn expire_taken_back(&mut self, turns: Timestamp) {
        self.deliveries.expire(turns);
    }

    /// The clock was set forward shortly before `now`. What was handed out in between becomes as new as can be.
    pub fn clock_was_set(&mut self, forward: Duration, now: Timestamp) {
        let later = |since: &mut Timestamp| *since = since.plus(forward).min(now);
        self.by_token.values_mut().for_each(|lease| later(&mut lease.since));
        self.deliveries.times().for_each(later);
    }

    /// Ends the leases whose answers were thrown away because it could not be told whose they were.
    pub fn end_spent(&mut self) -> Vec<Lease> {
        let spent = self.deliveries.take_spent();
        spent.iter().filter_map(|token| self.remove(token)).collect()
    }

    /// Tokens of everything this worker holds, newest first.
    pub fn of_worker(&self, worker: WorkerId) -> Vec<String> {
        self.tokens(|lease| lease.worker == worker)
    }

    /// Tokens of turns handed out before `turns`, and of activities handed out before `activities`, newest first.
    pub fn older_than(&self, turns: Timestamp, activities: Timestamp) -> Vec<String> {
        self.tokens(|lease| match lease.held {
            Held::Turn(..) => lease.since < turns,
            Held::Activity(_) => lease.since < activities,
        })
    }

    fn tokens(&self, fits: impl Fn(&Lease) -> bool) -> Vec<String> {
        let mut found: Vec<_> = self.by_token.iter().filter(|(_, lease)| fits(lease)).collect();
        found.sort_unstable_by_key(|(_, lease)| std::cmp::Reverse(lease.number));
        found.into_iter().map(|(token, _)| token.clone()).collect()
    }
}
