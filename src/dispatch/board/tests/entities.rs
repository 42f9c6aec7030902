//! Entities: one batch at a time, locks without a worker, what purges change.

use super::*;
use crate::dispatch::slot::Stage;

pub const C: &str = "@c@a";

impl Room {
    pub fn find(&self, id: &str) -> Option<InstanceKey> {
        self.store.find(EntityId::parse(id).unwrap().id()).map(|(key, _)| key)
    }

    pub fn entity(&self, id: &str) -> InstanceKey {
        self.find(id).expect("the entity is there")
    }

    pub fn stage(&self, id: &str) -> &Stage {
        &self.board.instances[&self.entity(id)].stage
    }

    /// Which section has locked the entity, by the rows and as the board knows it.
    pub fn locked(&self, id: &str) -> Option<String> {
        let key = self.entity(id);
        let lock = self.store.locks.get(&key).map(|(_, lock)| lock.clone());
        if let Some(State::Entity(known)) = self.board.instances.get(&key).and_then(|slot| slot.state()) {
            assert_eq!(known.lock, lock, "the board knows better");
        }
        lock.map(|lock| lock.section)
    }

    /// An orchestration whose first turn is answered by `answer`.
    pub fn orchestrate(&mut self, worker: WorkerId, answer: &str) -> InstanceKey {
        let key = self.start("A");
        self.settle();
        let turn = self.item(worker);
        assert!(self.answer(&turn, answer));
        key
    }

    /// The owner of a lock ends without a word.
    pub fn end(&mut self, owner: InstanceKey) {
        self.mail(owner, "terminate");
        self.settle();
        assert_eq!(self.status(owner), Status::Terminated);
    }

    /// Something is to be read; the test does that itself.
    pub fn take_load(&mut self) {
        let at = self.jobs.iter().position(|job| matches!(job, Job::Load(_)));
        self.jobs.remove(at.expect("something is to be read"));
    }

    fn purge(&mut self, id: &str) {
        let effects = self.store.entity_purge(&EntityId::parse(id).unwrap());
        self.effects.extend(effects);
    }

    pub fn begin_all(&mut self, item: &WorkItem, state: Option<&str>) -> Option<Commit> {
        let WorkItem::Batch(BatchItem { operations, .. }) = item else { panic!("no batch: {item:?}") };
        self.begin_batch(item, &BatchAnswer::done(operations.len(), state))
    }

    pub fn answer_all(&mut self, item: &WorkItem, state: Option<&str>) -> bool {
        let WorkItem::Batch(BatchItem { operations, .. }) = item else { panic!("no batch: {item:?}") };
        self.answer_batch(item, &BatchAnswer::done(operations.len(), state))
    }
}

#[test]
fn there_is_one_batch_at_a_time_and_what_comes_meanwhile_is_in_the_next() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.signal(C, "one", None);
    room.settle();
    let first = room.item(worker);
    for operation in ["two", "three"] {
        room.signal(C, operation, None);
        room.settle();
    }
    assert!(room.given(worker).is_empty());
    assert!(room.answer_all(&first, Some("1")));
    assert!(!room.answer_all(&first, Some("2")), "answered twice");
    let second = room.item(worker);
    assert_eq!(text(&second), "batch @c@a: signal two, signal three");
    assert!(room.answer_all(&second, None));
    assert_eq!(room.find(C), None, "nothing is left of it");
}

#[test]
fn what_has_no_result_is_delivered_before_what_came_later() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    for operation in ["one", "two"] {
        room.signal(C, operation, None);
    }
    room.settle();
    let batch = room.item(worker);
    room.signal(C, "three", None);
    assert!(room.answer_batch(&batch, &BatchAnswer::done(1, Some("1"))));
    assert_eq!(room.given(worker), ["batch @c@a: signal two, signal three"]);
}

#[test]
fn a_signal_for_later_comes_when_it_is_due_even_if_the_entity_was_not_in_memory() {
    for cache in [0, usize::MAX] {
        let mut room = Room::with_cache(cache);
        let worker = room.join("*", 9, 9);
        room.signal(C, "later", Some(room.now.plus(Duration::from_secs(5))));
        room.settle();
        room.advance(4);
        room.settle();
        assert!(room.given(worker).is_empty());
        room.advance(1);
        room.settle();
        assert_eq!(room.given(worker), ["batch @c@a: signal later"]);
    }
}

#[test]
fn locks_are_taken_and_given_back_without_a_worker_for_the_entity() {
    let mut room = Room::new();
    let worker = room.join("A", 9, 9);
    let first = room.orchestrate(worker, "lock 1 @c@b,@c@a");
    let granted = room.item(worker);
    assert_eq!(text(&granted), "turn A1: granted s1");
    room.orchestrate(worker, "lock 2 @c@a");
    assert_eq!((room.locked("@c@a"), room.locked("@c@b")), (Some("s1".into()), Some("s1".into())));
    assert!(room.given(worker).is_empty(), "somebody else is inside");
    room.answer(&granted, "unlock 2 @c@a section=s1, unlock 3 @c@b section=s1");
    assert_eq!(room.given(worker), ["turn A2: granted s2"]);
    assert_eq!((room.locked("@c@a"), room.find("@c@b")), (Some("s2".into()), None));
    assert_eq!(room.status(first), Status::Running);
}

#[test]
fn a_section_whose_owner_has_ended_never_begins() {
    let mut room = Room::new();
    let worker = room.join("A", 9, 9);
    let owner = room.orchestrate(worker, "lock 1 @c@a");
    room.items(worker);
    let next = room.orchestrate(worker, "lock 2 @c@a,@c@b");
    let late = room.orchestrate(worker, "lock 3 @c@a");
    room.end(late);
    room.end(owner);
    assert_eq!(room.given(worker), ["turn A2: granted s2"]);
    // The request of the one that has ended stands behind the lock that was taken.
    assert_eq!(room.store.rows[&room.entity(C)].inbox.len(), 1);
    room.end(next);
    assert_eq!((room.find("@c@a"), room.find("@c@b")), (None, None));
}

#[test]
fn a_purge_takes_the_batch_from_its_worker_and_the_next_one_sees_no_state() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.signal(C, "one", None);
    room.settle();
    let batch = room.item(worker);
    assert!(room.answer_all(&batch, Some("1")));
    room.signal(C, "two", None);
    room.settle();
    let seen = room.item(worker);
    room.purge(C);
    room.settle();
    assert!(!room.answer_all(&seen, Some("2")), "it has seen a state that is gone");
    let WorkItem::Batch(again) = room.item(worker) else { panic!("no batch") };
    assert_eq!((again.state.clone(), again.operations.len()), (None, 1));
    assert!(room.answer_all(&WorkItem::Batch(again), Some("3")));
    assert_eq!(room.store.entity(room.entity(C)).unwrap().state.as_deref(), Some("3"));
}

#[test]
fn a_purge_while_an_answer_is_stored_refuses_the_answer() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.signal(C, "one", None);
    room.settle();
    let batch = room.item(worker);
    let commit = room.begin_all(&batch, Some("1")).unwrap();
    room.purge(C);
    room.take_effects();
    room.commit(commit);
    room.settle_and_rest();
    assert_eq!(room.given(worker), ["batch @c@a: signal one"]);
    assert_eq!(room.store.entity(room.entity(C)).unwrap().state, None);
}

#[test]
fn what_was_read_before_a_purge_is_read_once_more() {
    let mut room = Room::with_cache(0);
    let worker = room.join("*", 9, 9);
    room.signal(C, "one", None);
    room.settle();
    let batch = room.item(worker);
    assert!(room.answer_all(&batch, Some("1")));
    room.signal(C, "two", None);
    room.take_effects();
    room.take_load();
    let (key, before) = (room.entity(C), room.store.read(room.entity(C)));
    room.purge(C);
    room.signal(C, "three", None);
    room.take_effects();
    room.visit(|board| board.loaded(key, before));
    assert!(matches!(room.stage(C), Stage::Loading(Some(_))));
    room.settle();
    let WorkItem::Batch(again) = room.item(worker) else { panic!("no batch") };
    assert_eq!((again.state, again.operations.len()), (None, 2));
}

#[test]
fn a_batch_that_was_put_back_is_read_again_after_a_purge() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.signal(C, "one", None);
    room.settle();
    let batch = room.item(worker);
    assert!(room.answer_all(&batch, Some("1")));
    room.signal(C, "two", None);
    room.settle();
    let WorkItem::Batch(BatchItem { token, .. }) = room.item(worker) else { panic!("no batch") };
    assert!(room.visit(|board| board.put_back(HUB, &token, Kind::Batch)));
    room.purge(C);
    room.settle_and_rest();
    let WorkItem::Batch(again) = room.item(worker) else { panic!("no batch") };
    assert_eq!(again.state, None);
}

#[test]
fn a_batch_that_fails_five_times_fails_for_good_at_the_sixth() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.orchestrate(worker, "call 1 @c@a get");
    for _ in 0..5 {
        let batch = room.item(worker);
        assert!(!room.answer_batch(&batch, &BatchAnswer::Useless), "tried again");
        assert!(room.given(worker).is_empty(), "only after a pause");
        room.settle_and_rest();
    }
    let batch = room.item(worker);
    assert!(room.answer_batch(&batch, &BatchAnswer::Useless));
    assert_eq!(room.given(worker), ["turn A1: refused r1 E(no)"]);
    assert_eq!(room.find(C), None);
}

#[test]
fn a_batch_goes_to_whoever_serves_the_name_and_waits_while_nobody_does() {
    let mut room = Room::new();
    let other = room.join("d", 9, 9);
    room.signal(C, "add", None);
    room.signal("@d@a", "add", None);
    room.settle();
    assert_eq!(room.given(other), ["batch @d@a: signal add"]);
    let worker = room.join("c", 1, 9);
    room.signal("@c@b", "add", None);
    room.settle();
    let batch = room.item(worker);
    assert_eq!(text(&batch), "batch @c@a: signal add");
    assert!(room.answer_all(&batch, Some("1")));
    assert_eq!(room.given(worker), ["batch @c@b: signal add"], "one at a time, as it has offered");
    room.leave(worker);
    let next = room.join("c", 1, 9);
    room.settle();
    assert_eq!(room.given(next), ["batch @c@b: signal add"]);
    assert!(room.given(other).is_empty());
}
