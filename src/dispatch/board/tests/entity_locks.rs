//! Locks that go, because their owner has ended, while the entity is somewhere else.

use super::{entities::C, *};
use crate::dispatch::slot::Stage;

impl Room {
    /// The owner ends, but the board does not hear of it yet. Answers what it will hear.
    fn end_unheard(&mut self, owner: InstanceKey) -> VecDeque<Effect> {
        self.mail(owner, "terminate");
        self.take_effects();
        let at = self.jobs.iter().position(|job| matches!(job, Job::Commit(commit) if commit.key == owner));
        let commit = self.jobs.remove(at.expect("the server ends it by itself")).unwrap();
        self.work(commit);
        std::mem::take(&mut self.effects)
    }

    fn hear(&mut self, effects: VecDeque<Effect>) {
        self.effects.extend(effects);
        self.settle();
    }
}

/// A room where orchestration A1 has locked `@c@a` in the section s1 and calls it, orchestration A2 waits for the lock, and a worker has
/// been given the call.
fn called_inside() -> (Room, InstanceKey, WorkerId, WorkItem) {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    let granted = room.item(worker);
    room.answer(&granted, "call 2 @c@a get");
    let batch = room.item(worker);
    assert_eq!(text(&batch), "batch @c@a: call r2 get of A1/e1");
    room.orchestrate(worker, "lock 7 @c@a");
    assert!(room.given(worker).is_empty());
    (room, owner, worker, batch)
}

#[test]
fn a_lock_that_goes_while_a_worker_has_a_batch_is_free_after_it() {
    let (mut room, owner, worker, batch) = called_inside();
    room.end(owner);
    assert!(matches!(room.stage(C), Stage::Leased { .. }));
    assert!(room.answer_all(&batch, Some("1")));
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
    assert_eq!(room.locked(C), Some("s7".into()));
}

#[test]
fn a_lock_that_goes_while_an_answer_is_applied_is_free_after_it() {
    let (mut room, owner, worker, batch) = called_inside();
    let answer = BatchAnswer::done(1, Some("1"));
    let taken = room.take_batch(&batch, &answer).unwrap();
    room.end(owner);
    assert!(matches!(room.stage(C), Stage::Applying));
    let commit = room.apply_batch(taken, &answer).unwrap();
    room.commit(commit);
    room.settle();
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
    assert_eq!(room.locked(C), Some("s7".into()));
}

#[test]
fn a_lock_that_goes_while_a_commit_is_under_way_is_free_after_it() {
    let (mut room, owner, worker, batch) = called_inside();
    let commit = room.begin_all(&batch, Some("1")).unwrap();
    room.end(owner);
    assert!(matches!(room.stage(C), Stage::Committing(_)));
    room.commit(commit);
    room.settle();
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
    assert_eq!(room.locked(C), Some("s7".into()));
}

#[test]
fn nothing_is_left_of_an_entity_whose_lock_went_while_its_last_operation_was_answered() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    let granted = room.item(worker);
    room.answer(&granted, "call 2 @c@a get");
    let batch = room.item(worker);
    let commit = room.begin_all(&batch, None).unwrap();
    room.end(owner);
    assert!(room.find(C).is_some(), "its call is still there");
    room.commit(commit);
    room.settle();
    assert_eq!(room.find(C), None);
    assert!(!room.board.instances.contains_key(&commit_key(&batch)));
}

fn commit_key(batch: &WorkItem) -> InstanceKey {
    let WorkItem::Batch(BatchItem { entity, .. }) = batch else { panic!("no batch: {batch:?}") };
    entity.key
}

#[test]
fn a_lock_that_goes_while_the_entity_is_read_is_free_after_it() {
    let mut room = Room::with_cache(0);
    let worker = room.join("A", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    room.items(worker);
    assert!(!room.board.instances.contains_key(&room.entity(C)), "not in memory");
    room.start("A");
    room.settle();
    let turn = room.item(worker);
    let commit = room.begin_answer(&turn, "lock 7 @c@a").unwrap();
    room.commit(commit);
    room.take_effects();
    assert!(matches!(room.stage(C), Stage::Loading(None)));
    room.take_load();
    let (key, before) = (room.entity(C), room.store.read(room.entity(C)));
    let effects = room.end_unheard(owner);
    room.hear(effects);
    assert!(matches!(room.stage(C), Stage::Loading(None)));
    room.visit(|board| board.loaded(key, before));
    room.settle();
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
    assert_eq!(room.locked(C), Some("s7".into()));
}

#[test]
fn the_end_of_a_lock_that_is_heard_of_late_leaves_the_next_lock_alone() {
    let mut room = Room::with_cache(0);
    let worker = room.join("A", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    room.items(worker);
    room.start("A");
    room.settle();
    let turn = room.item(worker);
    let commit = room.begin_answer(&turn, "lock 7 @c@a").unwrap();
    room.commit(commit);
    room.take_effects();
    room.take_load();
    let effects = room.end_unheard(owner);
    let (key, after) = (room.entity(C), room.store.read(room.entity(C)));
    room.visit(|board| board.loaded(key, after));
    assert!(matches!(room.stage(C), Stage::Committing(_)), "the next one locks it");
    room.hear(effects);
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
    assert_eq!(room.locked(C), Some("s7".into()));
}

#[test]
fn a_lock_that_goes_while_the_entity_is_queued_and_unknown_is_noticed_at_once() {
    let mut room = Room::with_cache(0);
    let worker = room.join("A", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    room.items(worker);
    room.orchestrate(worker, "lock 7 @c@a");
    // Nobody serves the entity: it stands in its queue, and is only remembered.
    room.signal(C, "add", None);
    room.take_effects();
    assert!(matches!(room.stage(C), Stage::Queued(_)));
    assert!(room.board.instances[&room.entity(C)].known.is_none());
    room.end(owner);
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
    assert_eq!(room.locked(C), Some("s7".into()));
}

#[test]
fn a_lock_that_goes_while_the_entity_is_not_in_memory_lets_the_next_one_in() {
    let mut room = Room::with_cache(0);
    let worker = room.join("A", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    room.items(worker);
    room.orchestrate(worker, "lock 7 @c@a");
    assert!(!room.board.instances.contains_key(&room.entity(C)), "not in memory");
    room.end(owner);
    assert_eq!(room.given(worker), ["turn A2: granted s7"]);
}
