//! The board driven by hand: no store but a mirror of its rows, no time but what a test says, no task but the test itself.

mod activities;
mod answers;
mod behind;
mod entities;
mod entity_locks;
mod limits;
mod mirror;
mod mirror_entities;
mod poison;
mod random;
mod random_entities;
mod rewind;
mod timers;
mod turns;
mod unnamed;

use super::{Board, Job, Rules, TakenBatch};
use crate::{
    dispatch::{
        slot::State,
        worker::{
            ActivityItem, BatchItem, EntityNames, Kind, Names, Offer, Serves, TurnItem, WorkItem, WorkerId,
        },
    },
    engine::{
        self, Context,
        tests::{script, show},
    },
    model::{
        Class, Commit, Effect, EntityId, HubId, InstanceKey, NewInstance, NewMessage, Status, Timestamp,
        event,
        pb::{self, history_event::EventType, operation_result::ResultType},
    },
    store::Ready,
};
use mirror::{Mirror, Page};
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use tokio::sync::mpsc;

const HUB: HubId = HubId(1);

/// A board and everything around it.
struct Room {
    board: Board,
    store: Mirror,
    now: Timestamp,
    /// Effects sent and not taken in yet.
    effects: VecDeque<Effect>,
    /// Jobs the board has left.
    jobs: VecDeque<Job>,
    seats: HashMap<WorkerId, mpsc::UnboundedReceiver<WorkItem>>,
    ids: u32,
}

impl Room {
    fn new() -> Self {
        Self::with_cache(usize::MAX)
    }

    fn with_cache(cache_bytes: usize) -> Self {
        Self::with(cache_bytes, usize::MAX, usize::MAX)
    }

    fn with(cache_bytes: usize, window: usize, window_bytes: usize) -> Self {
        Self::with_limits(cache_bytes, window, window_bytes, &[])
    }

    /// At most so much of these names is to be out at a time.
    fn limited(limits: &[(Kind, &str, usize)]) -> Self {
        Self::with_limits(usize::MAX, usize::MAX, usize::MAX, limits)
    }

    fn with_limits(
        cache_bytes: usize,
        window: usize,
        window_bytes: usize,
        limits: &[(Kind, &str, usize)],
    ) -> Self {
        let limit = |&(kind, name, most): &(Kind, &str, usize)| crate::dispatch::ConcurrencyLimit {
            kind,
            name: name.into(),
            most,
        };
        let limits: Vec<_> = limits.iter().map(limit).collect();
        let rules = Rules {
            cache_bytes,
            window,
            window_bytes,
            payload_bytes: 1 << 20,
            work_item_bytes: 4 << 20,
            history: crate::dispatch::Longest { events: 0, bytes: 0 },
            max_backoff: Duration::from_secs(1),
            activity_deliveries: 0,
            turn_deliveries: 0,
        };
        let mut room = Self {
            board: Board::new(rules, &limits),
            store: Mirror::default(),
            now: script::START,
            effects: VecDeque::new(),
            jobs: VecDeque::new(),
            seats: HashMap::new(),
            ids: 0,
        };
        // The store holds nothing from before.
        room.visit(|board| {
            assert!(board.wheel().wants_page().is_some());
            board.wheel().loaded(Some(Vec::new()));
        });
        room.settle();
        room
    }

    fn visit<T>(&mut self, act: impl FnOnce(&mut Board) -> T) -> T {
        let result = act(self.board.at(self.now));
        self.jobs.extend(self.board.finish());
        result
    }

    /// A worker that serves `names` (`*`: everything), holding `turns` and `activities` at most.
    fn join(&mut self, names: &str, turns: usize, activities: usize) -> WorkerId {
        self.join_as(names, turns, activities, false)
    }

    fn join_as(&mut self, names: &str, max_turns: usize, max_activities: usize, embedded: bool) -> WorkerId {
        let serves = match names {
            "*" => Serves::Everything,
            names => {
                let names: Names = names.split(' ').map(|name| (name.to_owned(), Vec::new())).collect();
                let entities = EntityNames::These(names.keys().cloned().collect());
                Serves::Named { orchestrations: names.clone(), activities: names, entities }
            }
        };
        let fetches_history = false;
        let offer = Offer {
            label: "w".into(),
            hub: Some(HUB),
            serves,
            embedded,
            fetches_history,
            max_turns,
            max_activities,
            max_batches: max_turns,
        };
        let seat = self.visit(|board| board.join(offer));
        self.seats.insert(seat.id, seat.items);
        seat.id
    }

    fn leave(&mut self, worker: WorkerId) {
        self.seats.remove(&worker);
        self.visit(|board| board.leave(worker));
    }

    /// A new instance whose id is its orchestrator's name, then a number.
    fn start(&mut self, name: &str) -> InstanceKey {
        self.ids += 1;
        let text = format!("start id={name}{} name={name}", self.ids);
        self.start_as(script::new_instance(&script::Words::of(&text)))
    }

    /// An instance from before this board's time, found ready in the store: nothing is known of it yet.
    fn start_before(&mut self, name: &str) -> InstanceKey {
        let key = self.start(name);
        self.effects.clear();
        let instance = self.store.rows[&key].record.reference();
        self.visit(|board| board.found(Ready { instance, control: false }));
        key
    }

    /// An instance that has scheduled `activities`, which nobody serves.
    fn waiting(&mut self, activities: &str) -> InstanceKey {
        let worker = self.join("A", 9, 9);
        let key = self.start("A");
        self.settle();
        let turn = self.item(worker);
        self.answer(&turn, activities);
        self.leave(worker);
        key
    }

    fn start_as(&mut self, new: NewInstance) -> InstanceKey {
        let (key, effects) = self.store.create(new);
        self.effects.extend(effects);
        key
    }

    /// Puts messages into an inbox, in the words of scripts.
    fn mail(&mut self, key: InstanceKey, messages: &str) {
        for item in messages.split(", ") {
            let message = script::message(&script::Words::of(item), self.now);
            self.effects.extend(self.store.append(key, message));
        }
    }

    /// Takes in the effects so far.
    fn take_effects(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            self.visit(|board| board.effect(effect));
        }
    }

    /// Does what is to be done, but for pauses, until nothing is left.
    fn settle(&mut self) {
        loop {
            self.take_effects();
            let Some(at) = self.jobs.iter().position(|job| !is_pause(job)) else { return };
            let job = self.jobs.remove(at).unwrap();
            self.work(job);
        }
    }

    /// Lets pauses end as well.
    fn settle_and_rest(&mut self) {
        for _ in 0..10_000 {
            self.settle();
            let Some(job) = self.jobs.pop_front() else { return };
            self.work(job);
        }
        panic!("it goes in circles: {:?}", self.jobs);
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Load(key) => {
                let read = self.store.read(key);
                self.visit(|board| board.loaded(key, read));
            }
            Job::FindTurns(after, rows) => {
                let page = self.store.page_of_turns(after, rows, self.now);
                self.bring(page);
            }
            Job::FindActivities(after) => {
                let page = self.store.page_of_activities(after);
                self.bring(page);
            }
            Job::Locate(keys) => {
                for key in keys {
                    let Some((reference, status)) = self.store.route(key) else { continue };
                    self.visit(|board| board.located(reference, status));
                }
            }
            Job::Commit(commit) => self.commit(*commit),
            Job::Rest(key, _) => self.visit(|board| board.rested(key)),
            Job::RestBacklog(_) => self.visit(Board::backlog_rested),
            Job::RestActivity(key, _) => self.visit(|board| board.activity_rested(key)),
            Job::Forget(waiting) => drop(self.store.activities.remove(&waiting.task.key)),
            Job::Fail(waiting, details) => {
                let task = &waiting.task;
                let failed = event::task_failed(self.now, task.task_id, *details);
                let failed = NewMessage::now(Class::Result, failed);
                self.effects.extend(self.store.complete(task.key, failed));
            }
            Job::Park(instance, _, parking) => self.store.park(instance.key, *parking),
            Job::WindClock => {}
        }
    }

    fn bring(&mut self, page: Page) {
        self.visit(|board| match page {
            Page::Turns(page, last) => board.found_turns(page, last),
            Page::Activities(page, last) => board.found_activities(page, last),
        });
    }

    fn commit(&mut self, commit: Commit) {
        let (key, turn) = (commit.key, commit.turn);
        match self.store.commit(commit) {
            Some(effects) => self.effects.extend(effects),
            None => self.visit(|board| board.commit_failed(key, turn, Duration::ZERO)),
        }
    }

    /// Rewinds a failed instance without children, in the store only, unless it failed inside a critical section.
    fn rewind(&mut self, key: InstanceKey) {
        let row = &self.store.rows[&key];
        match engine::Rewinding::begin(row.record.clone(), &row.chunks, 0) {
            Ok(rewinding) => self.commit(rewinding.commit(None, self.now)),
            Err(engine::NotRewound::InSection) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// The items a worker has been given since it was last asked.
    fn items(&mut self, worker: WorkerId) -> Vec<WorkItem> {
        let seat = self.seats.get_mut(&worker).expect("the worker sits here");
        std::iter::from_fn(|| seat.try_recv().ok()).collect()
    }

    /// The same as text.
    fn given(&mut self, worker: WorkerId) -> Vec<String> {
        self.items(worker).iter().map(text).collect()
    }

    /// The only item a worker has been given.
    fn item(&mut self, worker: WorkerId) -> WorkItem {
        let mut items = self.items(worker);
        assert_eq!(items.len(), 1, "{items:?}");
        items.remove(0)
    }

    /// Begins to answer a turn: what is to be committed. `None`: the token is stale.
    fn begin_answer(&mut self, item: &WorkItem, answer: &str) -> Option<Commit> {
        let WorkItem::Turn(TurnItem { token, .. }) = item else { panic!("no turn: {item:?}") };
        self.begin_answer_under(token, answer)
    }

    fn begin_answer_under(&mut self, token: &str, answer: &str) -> Option<Commit> {
        let taken = self.visit(|board| board.take_turn(HUB, token))?;
        let mut context = Context { now: self.now, fresh_id: &mut super::fresh_id, payload_bytes: 1 << 20 };
        let outcome = engine::apply(taken.execution, taken.turn, script::answer(answer), &mut context);
        self.committing(taken.key, outcome)
    }

    fn committing(&mut self, key: InstanceKey, outcome: engine::Outcome) -> Option<Commit> {
        let engine::Outcome { commit, execution } = outcome;
        self.visit(|board| board.committing(key, commit, State::Orchestration(Box::new(execution))))
    }

    /// Answers a turn and lets everything follow. `false`: the token is stale.
    fn answer(&mut self, item: &WorkItem, answer: &str) -> bool {
        let Some(commit) = self.begin_answer(item, answer) else { return false };
        self.commit(commit);
        self.settle();
        true
    }

    /// Answers an activity with its own name. `false`: the token is stale.
    fn complete(&mut self, item: &WorkItem) -> bool {
        let WorkItem::Activity(ActivityItem { token, .. }) = item else { panic!("no activity: {item:?}") };
        self.complete_under(token)
    }

    fn complete_under(&mut self, token: &str) -> bool {
        let Some(waiting) = self.visit(|board| board.take_activity(HUB, token, false)) else { return false };
        let task = &waiting.task;
        let done = event::task_completed(self.now, task.task_id, Some(task.name.to_string()));
        let done = NewMessage::now(Class::Result, done);
        self.effects.extend(self.store.complete(waiting.task.key, done));
        true
    }

    /// A client's signal; `at`: not before this time.
    fn signal(&mut self, entity: &str, operation: &str, due: Option<Timestamp>) {
        let kind = EventType::EntityOperationSignaled(pb::EntityOperationSignaledEvent {
            operation: operation.to_owned(),
            ..pb::EntityOperationSignaledEvent::default()
        });
        let message =
            NewMessage { due, ..NewMessage::now(Class::Event, event::server_event(self.now, kind)) };
        let id = EntityId::parse(entity).unwrap();
        let effect = self.store.signal(&id, message, self.now);
        self.effects.push_back(effect);
    }

    /// Begins to answer a batch: what is to be committed. `None`: the token is stale, or a batch that failed is tried again.
    fn begin_batch(&mut self, item: &WorkItem, answer: &BatchAnswer) -> Option<Commit> {
        let taken = self.take_batch(item, answer)?;
        self.apply_batch(taken, answer)
    }

    /// The first half of that: the answer has come.
    fn take_batch(&mut self, item: &WorkItem, answer: &BatchAnswer) -> Option<TakenBatch> {
        let WorkItem::Batch(BatchItem { token, .. }) = item else { panic!("no batch: {item:?}") };
        let useless = matches!(answer, BatchAnswer::Useless);
        self.visit(|board| board.take_batch(HUB, token, useless))
    }

    /// The second half: it has been worked out what it means.
    fn apply_batch(&mut self, taken: TakenBatch, answer: &BatchAnswer) -> Option<Commit> {
        let TakenBatch { key, entity, batch } = taken;
        let mut context = Context { now: self.now, fresh_id: &mut super::fresh_id, payload_bytes: 1 << 20 };
        let outcome = match answer {
            BatchAnswer::Useless => {
                engine::entity::refuse(entity, batch, crate::model::failure("E", "no", false), self.now)
            }
            BatchAnswer::Result(result) => {
                engine::entity::answer(entity, batch, (**result).clone(), &mut context)
            }
        };
        let state = State::Entity(Box::new(outcome.entity));
        self.visit(|board| board.committing(key, outcome.commit, state))
    }

    /// Answers a batch and lets everything follow. `false`: the token is stale, or a batch that failed is tried again.
    fn answer_batch(&mut self, item: &WorkItem, answer: &BatchAnswer) -> bool {
        let Some(commit) = self.begin_batch(item, answer) else { return false };
        self.commit(commit);
        self.settle();
        true
    }

    fn status(&self, key: InstanceKey) -> Status {
        self.store.rows[&key].record.status
    }

    fn advance(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self.visit(Board::tick);
    }
}

/// What a worker answers to a batch.
#[derive(Clone, Debug)]
enum BatchAnswer {
    Result(Box<pb::EntityBatchResult>),
    /// It could not do anything.
    Useless,
}

impl BatchAnswer {
    /// The first `count` operations are done, and leave the state `state`.
    fn done(count: usize, state: Option<&str>) -> Self {
        let success = ResultType::Success(pb::OperationResultSuccess::default());
        let result = pb::OperationResult { result_type: Some(success) };
        Self::Result(Box::new(pb::EntityBatchResult {
            results: vec![result; count],
            entity_state: state.map(str::to_owned),
            ..pb::EntityBatchResult::default()
        }))
    }
}

fn is_pause(job: &Job) -> bool {
    matches!(job, Job::Rest(..) | Job::RestActivity(..) | Job::RestBacklog(_))
}

/// `turn A1: started.., event Go` or `activity A1#1 Charge`.
fn text(item: &WorkItem) -> String {
    match item {
        WorkItem::Turn(TurnItem { instance, events, .. }) => {
            let events: Vec<_> = events[1..].iter().map(show::event).map(|text| short(&text)).collect();
            format!("turn {}: {}", instance.id, events.join(", "))
        }
        WorkItem::Activity(ActivityItem { task, .. }) => {
            format!("activity {}#{} {}", task.instance, task.task_id, task.name)
        }
        WorkItem::Batch(BatchItem { entity, operations, .. }) => {
            let operations: Vec<_> = operations.iter().map(show::event).collect();
            format!("batch {}: {}", entity.id, operations.join(", "))
        }
    }
}

/// Without execution id and name, which a test knows.
fn short(event: &str) -> String {
    if event.starts_with("started") { "started".to_owned() } else { event.to_owned() }
}
