//! Random days at the board: whatever happens in whatever order, nothing that can be delivered is forgotten in the end.

use super::{random_entities::check_entities, *};
use crate::{
    dispatch::{queue::Route, slot::Stage},
    engine::Next,
};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// A board, and what is on its way between it and the outside.
pub struct Day {
    pub room: Room,
    rng: TestRng,
    held: Vec<WorkItem>,
    /// Reads that have looked at the store but not told the board yet.
    reads: Vec<(InstanceKey, Result<crate::dispatch::board::Read, crate::dispatch::board::ReadError>)>,
    /// The same for pages of what is ready.
    pages: Vec<Page>,
    /// Answers of entities that are being worked out.
    applying: Vec<(TakenBatch, BatchAnswer)>,
    /// Answers on their way to the store.
    commits: Vec<Commit>,
    /// Some workers return no tokens.
    unnamed: bool,
    /// Orchestrations use entities, and so do clients.
    entities: bool,
    /// The number of the last entity message that an orchestration has sent.
    pub messages: u32,
    /// The last critical section that each execution has asked for: its number, and the action.
    pub asked: HashMap<(String, String), (u32, String)>,
}

impl Day {
    fn new(seed: u64, entities: bool) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let cache_bytes = [0, 5_000, usize::MAX][usize::try_from(seed % 3).unwrap()];
        let (window, window_bytes) = [(1, 1), (2, usize::MAX), (4, 100), (usize::MAX, usize::MAX)]
            [usize::try_from(seed / 3 % 4).unwrap()];
        let limits: &[_] = match seed / 12 % 4 {
            0 => &[],
            1 => &[(Kind::Turn, "A", 1), (Kind::Batch, "c", 1)],
            2 => &[(Kind::Activity, "X", 1), (Kind::Activity, "Y", 2), (Kind::Batch, "d", 1)],
            _ => {
                &[(Kind::Turn, "A", 1), (Kind::Turn, "B", 2), (Kind::Activity, "X", 2), (Kind::Batch, "c", 2)]
            }
        };
        let mut room = Room::with_limits(cache_bytes, window, window_bytes, limits);
        let deliveries = [0, 1, 2][usize::try_from(seed % 5 % 3).unwrap()];
        (room.board.rules.turn_deliveries, room.board.rules.activity_deliveries) = (deliveries, deliveries);
        let unnamed = seed % 2 == 1;
        Self {
            room,
            rng,
            held: Vec::new(),
            reads: Vec::new(),
            pages: Vec::new(),
            applying: Vec::new(),
            commits: Vec::new(),
            unnamed,
            entities,
            messages: 1000,
            asked: HashMap::new(),
        }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.rng.next_u32()).unwrap() % limit.max(1)
    }

    pub fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    /// One of the orchestrations.
    fn key(&mut self) -> Option<InstanceKey> {
        let rows = self.room.store.rows.values().filter(|row| row.entity.is_none());
        let keys: Vec<_> = rows.map(|row| row.record.key).collect();
        let at = self.below(keys.len());
        keys.get(at).copied()
    }

    fn happen(&mut self) {
        if self.below(16) == 0 {
            self.operate();
        }
        match self.below(if self.entities { 26 } else { 17 }) {
            0 => {
                let name = self.one_of(&["A", "B"]);
                self.room.start(name);
            }
            1 | 2 => {
                let what =
                    self.one_of(&["event Go", "event Go", "suspend", "resume", "terminate", "done 1 x"]);
                if let Some(key) = self.key() {
                    self.room.mail(key, what);
                }
            }
            3 => {
                let (names, room) = (self.one_of(&["A", "B X", "*", "A B X Y c"]), 1 + self.below(3));
                self.room.join(names, room, room);
            }
            4 => {
                let workers: Vec<_> = self.room.seats.keys().copied().collect();
                let at = self.below(workers.len() * 3);
                if let Some(worker) = workers.get(at) {
                    self.room.leave(*worker);
                }
            }
            5 => {
                let seconds = self.below(4) as u64;
                self.room.advance(seconds);
            }
            6 => {
                let (at, now) = (self.below(4), self.room.now);
                let before = Timestamp(now.0 - i64::try_from(at).unwrap() * 1_000_000);
                self.room.visit(|board| board.expire(before, before));
            }
            7 => {
                let key = self.key().filter(|key| self.room.store.rows.get(key).is_some_and(ended));
                if let Some(key) = key {
                    let effects = self.room.store.purge(key);
                    self.room.effects.extend(effects);
                }
            }
            8 | 9 => {
                if let Some(effect) = self.room.effects.pop_front() {
                    self.room.visit(|board| board.effect(effect));
                }
            }
            10 | 11 => self.job(),
            16 => {
                let failed = |row: &mirror::Row| row.record.status == Status::Failed;
                let key = self.key().filter(|key| self.room.store.rows.get(key).is_some_and(failed));
                if let Some(key) = key {
                    self.room.rewind(key);
                }
            }
            12 => self.read(),
            13 => self.store(),
            17 => self.reach_for_an_entity(),
            18 => {
                if let Some(effect) = self.room.effects.pop_front() {
                    self.room.visit(|board| board.effect(effect));
                }
            }
            19 => self.job(),
            20 => self.store(),
            21 => self.apply(),
            22 => self.end_an_owner(),
            _ => self.answer(),
        }
        self.collect();
    }

    /// An operator retries or discards what is parked.
    fn operate(&mut self) {
        let parked: Vec<_> = self.room.store.parked.keys().copied().collect();
        let at = self.below(parked.len());
        if let Some(key) = parked.get(at) {
            let order = (self.below(2) == 0).then(|| poison::discard_order(self.room.now));
            let effects = self.room.store.unpark(*key, order);
            self.room.effects.extend(effects);
        }
    }

    fn collect(&mut self) {
        for seat in self.room.seats.values_mut() {
            let given: Vec<_> = std::iter::from_fn(|| seat.try_recv().ok()).collect();
            given.iter().for_each(|item| self.room.store.check_granted(item));
            self.held.extend(given);
        }
        check_places(&self.room.board);
        check_limits(&self.room.board);
    }

    fn job(&mut self) {
        let at = self.below(self.room.jobs.len());
        match self.room.jobs.remove(at) {
            Some(Job::Load(key)) => {
                let read = self.room.store.read(key);
                self.reads.push((key, read));
            }
            Some(Job::FindTurns(after, rows)) => {
                self.pages.push(self.room.store.page_of_turns(after, rows, self.room.now));
            }
            Some(Job::FindActivities(after)) => {
                self.pages.push(self.room.store.page_of_activities(after));
            }
            Some(Job::Commit(commit)) => self.commits.push(*commit),
            Some(job) => self.room.work(job),
            None => {}
        }
    }

    fn read(&mut self) {
        if self.below(3) == 0 && !self.pages.is_empty() {
            let at = self.below(self.pages.len());
            let page = self.pages.swap_remove(at);
            return self.room.bring(page);
        }
        let at = self.below(self.reads.len());
        if at < self.reads.len() {
            let (key, mut read) = self.reads.swap_remove(at);
            if self.below(8) == 0 {
                read = Err(crate::dispatch::board::ReadError::Again);
            }
            self.room.visit(|board| board.loaded(key, read));
        }
    }

    fn apply(&mut self) {
        let at = self.below(self.applying.len());
        if at < self.applying.len() {
            let (taken, answer) = self.applying.swap_remove(at);
            let commit = self.room.apply_batch(taken, &answer);
            self.commits.extend(commit);
        }
    }

    /// The store makes a commit, or fails to, or is said to have failed.
    fn store(&mut self) {
        let at = self.below(self.commits.len());
        if at >= self.commits.len() {
            return;
        }
        let commit = self.commits.swap_remove(at);
        let (key, turn) = (commit.key, commit.turn);
        let fate = self.below(8);
        if fate != 0 {
            self.room.commit(commit);
        }
        if fate <= 1 {
            // Effects are told before the call that caused them is answered.
            self.room.take_effects();
            self.room.visit(|board| board.commit_failed(key, turn, Duration::ZERO));
        }
    }

    fn answer(&mut self) {
        let at = self.below(self.held.len());
        if at >= self.held.len() {
            return;
        }
        let item = self.held.swap_remove(at);
        let back = self.below(8) == 0;
        let unnamed = self.unnamed && !back && self.below(2) == 0;
        match &item {
            WorkItem::Turn(TurnItem { token, .. }) if back => {
                self.give_back(token, Kind::Turn);
            }
            WorkItem::Batch(BatchItem { token, .. }) if back => {
                self.give_back(token, Kind::Batch);
            }
            WorkItem::Batch(batch) => {
                let answer = self.batch_answer(batch);
                let taken = self.room.take_batch(&item, &answer);
                self.applying.extend(taken.map(|taken| (taken, answer)));
            }
            WorkItem::Activity(ActivityItem { token, .. }) if back => {
                self.give_back(token, Kind::Activity);
            }
            WorkItem::Turn(turn) => {
                let answers = [
                    "nothing",
                    "task 1 X",
                    "task 1 X, task 2 Y",
                    "timer 3 +2s",
                    "timer 3 +900s",
                    "took 2, task 4 X",
                    "again",
                    "again carry=A, task 5 X",
                    "complete",
                    "complete, task 6 Y",
                    "fail E",
                    "fail E, task 7 X",
                ];
                let answer = match self.entities && self.below(3) > 0 {
                    true => self.entity_answer(turn),
                    false => self.one_of(&answers).to_owned(),
                };
                let Some(token) = self.token(&item, unnamed) else { return };
                let commit = self.room.begin_answer_under(&token, &answer);
                self.commits.extend(commit);
            }
            WorkItem::Activity(_) => {
                let Some(token) = self.token(&item, unnamed) else { return };
                self.room.complete_under(&token);
            }
        }
    }

    fn give_back(&mut self, token: &str, kind: Kind) {
        let unable = self.below(2) == 0;
        self.room.visit(|board| match unable {
            true => board.unable(HUB, token, kind),
            false => board.put_back(HUB, token, kind),
        });
    }

    /// What the item is answered under. `None`: the answer named none and was thrown away.
    fn token(&mut self, item: &WorkItem, unnamed: bool) -> Option<String> {
        match item {
            WorkItem::Turn(turn) if unnamed => {
                self.room.visit(|board| board.token_of_turn(HUB, turn.instance.id.as_str(), true))
            }
            WorkItem::Activity(ActivityItem { task, .. }) if unnamed => {
                let id = task.instance.as_str();
                self.room.visit(|board| board.token_of_activity(HUB, id, task.task_id))
            }
            WorkItem::Turn(TurnItem { token, .. })
            | WorkItem::Activity(ActivityItem { token, .. })
            | WorkItem::Batch(BatchItem { token, .. }) => Some(token.clone()),
        }
    }

    /// Lets everything come to an end, with a worker for all. Whoever is in a critical section leaves it.
    fn end(&mut self) {
        self.room.join("*", 99, 99);
        (self.room.board.rules.turn_deliveries, self.room.board.rules.activity_deliveries) = (0, 0);
        self.quiet();
        for key in self.room.store.parked.keys().copied().collect::<Vec<_>>() {
            let effects = self.room.store.unpark(key, None);
            self.room.effects.extend(effects);
        }
        self.quiet();
        check_nothing_is_stuck(&self.room);
        if self.entities {
            self.wake();
            self.quiet();
            check_nothing_is_stuck(&self.room);
            check_entities(&self.room);
            self.terminate();
            self.quiet();
            check_nothing_is_stuck(&self.room);
            check_entities(&self.room);
        }
    }

    /// Lets all that can go on go on.
    fn quiet(&mut self) {
        for _ in 0..10_000 {
            self.collect();
            while let Some(page) = self.pages.pop() {
                self.room.bring(page);
            }
            while let Some((key, read)) = self.reads.pop() {
                self.room.visit(|board| board.loaded(key, read));
            }
            while !self.applying.is_empty() {
                self.apply();
            }
            while let Some(commit) = self.commits.pop() {
                self.room.commit(commit);
            }
            self.room.settle_and_rest();
            self.collect();
            let Some(item) = self.held.pop() else {
                if !self.room.jobs.is_empty() {
                    continue;
                }
                // A worker left while it could not be told whose answer had come: what seems to be out may be answered already.
                if self.unnamed && self.room.board.held() > 0 {
                    self.room.advance(1);
                    let now = self.room.now;
                    self.room.visit(|board| board.expire(now, now));
                    continue;
                }
                return;
            };
            match &item {
                WorkItem::Turn(turn) => {
                    let answer = self.last_answer(turn);
                    self.room.answer(&item, &answer);
                }
                WorkItem::Activity(_) => drop(self.room.complete(&item)),
                WorkItem::Batch(BatchItem { operations, state, .. }) => {
                    let answer = BatchAnswer::done(operations.len(), state.as_deref());
                    self.room.answer_batch(&item, &answer);
                }
            }
        }
        panic!("there is no end to it");
    }
}

fn ended(row: &mirror::Row) -> bool {
    crate::model::StatusExt::is_terminal(row.record.status)
}

/// A worker's places are taken by what it holds and by what is being read for it, and by nothing else.
fn check_places(board: &Board) {
    for (id, worker) in &board.workers {
        let reading = board
            .instances
            .values()
            .filter(|slot| matches!(slot.stage, Stage::Loading(Some(worker)) if worker == *id))
            .count();
        let taken = worker.turns + worker.activities + worker.batches;
        assert_eq!(board.leases.of_worker(*id).len() + reading, taken);
        assert!(worker.turns <= worker.offer.max_turns && worker.activities <= worker.offer.max_activities);
        assert!(worker.batches <= worker.offer.max_batches);
    }
}

/// What the board counts of a name with a limit is what is out or being read for a worker, and that is never above the limit.
fn check_limits(board: &Board) {
    let mut out: HashMap<_, usize> = HashMap::new();
    for name in board.leases.names() {
        *out.entry(name).or_default() += 1;
    }
    for slot in board.instances.values().filter(|slot| matches!(slot.stage, Stage::Loading(Some(_)))) {
        let route = Route::of_turn(&slot.reference);
        *out.entry((route.hub, route.kind, route.name)).or_default() += 1;
    }
    for ((hub, kind, name), held) in out {
        if let Some(places) = board.leases.limits().of(&Route { hub, kind, name, version: None }) {
            assert_eq!(places.held, held);
            assert!(held <= places.most);
        }
    }
    assert_eq!(board.neglected(), None);
}

/// Whatever the rows say could be delivered must have been.
fn check_nothing_is_stuck(room: &Room) {
    for (key, row) in room.store.rows.iter().filter(|(_, row)| row.entity.is_none()) {
        let next = engine::next(&row.execution(), row.inbox.values(), room.now);
        let stage = room.board.instances.get(key).map(|slot| &slot.stage);
        assert_eq!(next, Next::Wait, "{} is forgotten, standing at {stage:?}", row.record.id);
    }
    let left: Vec<_> = room.store.activities.values().map(|task| &task.name).collect();
    assert!(left.is_empty(), "activities {left:?} are forgotten");
    assert_eq!(room.board.held(), 0);
    assert!(room.board.waiting.is_empty());
}

fn play(seed: u64, entities: bool) {
    let day = std::panic::catch_unwind(|| {
        let mut day = Day::new(seed, entities);
        (0..400).for_each(|_| day.happen());
        day.end();
    });
    assert!(day.is_ok(), "seed {seed}");
}

#[test]
fn whatever_happens_nothing_that_can_be_delivered_is_forgotten() {
    (0..SEEDS).for_each(|seed| play(seed, false));
}

#[test]
fn whatever_happens_to_entities_nothing_is_forgotten_and_no_lock_is_left() {
    (0..SEEDS).for_each(|seed| play(seed, true));
}

const SEEDS: u64 = 300;
