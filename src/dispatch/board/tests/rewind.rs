//! Instances that had ended and come alive again.

use super::*;

/// An instance that has failed and left an activity `X` behind, which nobody serves.
fn failed(room: &mut Room) -> (InstanceKey, WorkerId) {
    let worker = room.join("A", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "task 1 X, fail E");
    assert_eq!(room.status(key), Status::Failed);
    (key, worker)
}

#[test]
fn it_gets_a_turn_that_delivers_nothing_and_what_it_left_behind_is_gone() {
    let mut room = Room::new();
    let (key, worker) = failed(&mut room);
    room.rewind(key);
    room.settle();
    let WorkItem::Turn(turn) = room.item(worker) else { panic!("no turn") };
    assert_eq!(turn.events.len(), 1, "only OrchestratorStarted: {:?}", turn.events);
    assert_eq!(turn.past.iter().map(|chunk| chunk.count).sum::<i64>(), 3);
    room.answer(&WorkItem::Turn(turn), "task 1 X");
    let other = room.join("X", 9, 9);
    assert_eq!(room.given(other), ["activity A1#1 X"], "once");
}

#[test]
fn an_activity_that_a_worker_still_does_for_its_former_life_means_nothing() {
    let mut room = Room::new();
    let (key, worker) = failed(&mut room);
    let other = room.join("X", 9, 9);
    let held = room.item(other);
    room.rewind(key);
    room.settle();
    let turn = room.item(worker);
    room.answer(&turn, "task 1 X");
    let again = room.item(other);
    room.complete(&held);
    room.settle();
    assert!(room.given(worker).is_empty());
    assert!(room.complete(&again));
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: done of 1 'X'"]);
}

#[test]
fn the_end_and_the_new_beginning_may_be_told_together() {
    let mut room = Room::new();
    let worker = room.join("A", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    let commit = room.begin_answer(&held, "fail E").unwrap();
    room.commit(commit);
    room.rewind(key);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: "]);
}

#[test]
fn what_was_read_before_the_rewind_is_read_again() {
    let mut room = Room::new();
    let worker = room.join("A", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    let commit = room.begin_answer(&held, "fail E").unwrap();
    let turn = commit.turn;
    // It is not known whether the commit was made; it was.
    room.visit(|board| board.commit_failed(key, turn, Duration::ZERO));
    room.commit(commit);
    room.take_effects();
    room.visit(|board| board.rested(key));
    let stale = room.store.read(key);
    room.rewind(key);
    room.take_effects();
    room.visit(|board| board.loaded(key, stale));
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: "]);
}

#[test]
fn it_waits_for_a_worker_and_can_be_suspended_and_terminated_meanwhile() {
    for (control, status) in [("suspend", Status::Suspended), ("terminate", Status::Terminated)] {
        let mut room = Room::new();
        let (key, worker) = failed(&mut room);
        room.leave(worker);
        room.rewind(key);
        room.settle();
        room.mail(key, control);
        room.settle();
        assert_eq!(room.status(key), status);
        let worker = room.join("A", 9, 9);
        assert!(room.given(worker).is_empty());
        if status == Status::Suspended {
            room.mail(key, "resume");
            room.settle();
            assert_eq!(room.given(worker), ["turn A1: "]);
        }
    }
}
