//! Answers, stale ones and ones that cannot be stored; stopping.

use super::*;
use crate::dispatch::board::ReadError;

fn token(item: &WorkItem) -> &str {
    match item {
        WorkItem::Turn(turn) => &turn.token,
        WorkItem::Activity(activity) => &activity.token,
        WorkItem::Batch(batch) => &batch.token,
    }
}

#[test]
fn a_token_counts_once_in_its_hub_and_for_its_kind() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    assert!(room.visit(|board| board.take_turn(HubId(2), token(&held))).is_none());
    assert!(room.visit(|board| board.take_activity(HUB, token(&held), false)).is_none());
    assert!(room.visit(|board| board.take_turn(HUB, "made up")).is_none());
    assert!(!room.visit(|board| board.put_back(HUB, token(&held), Kind::Activity)));
    assert!(room.answer(&held, "nothing"));
    assert!(!room.answer(&held, "complete"));
    assert!(!room.visit(|board| board.put_back(HUB, token(&held), Kind::Turn)));
    assert_eq!(room.board.held(), 0);
}

#[test]
fn a_worker_without_tokens_is_known_by_what_it_holds() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    assert_eq!(room.board.token_of_turn(HUB, "A1", true).as_deref(), Some(token(&held)));
    assert_eq!(room.board.token_of_turn(HUB, "A2", true), None);
    assert_eq!(room.board.token_of_turn(HubId(2), "A1", true), None);
    room.answer(&held, "task 3 X");
    let held = room.item(worker);
    assert_eq!(room.board.token_of_activity(HUB, "A1", 3).as_deref(), Some(token(&held)));
    assert_eq!(room.board.token_of_activity(HUB, "A1", 1), None);
}

#[test]
fn a_turn_put_back_is_tried_again_after_pauses_that_grow_up_to_a_limit() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    room.start("A");
    let mut pauses = Vec::new();
    for _ in 0..5 {
        room.settle_and_rest();
        let held = room.item(worker);
        assert!(room.visit(|board| board.put_back(HUB, token(&held), Kind::Turn)));
        assert!(room.given(worker).is_empty(), "not before the pause is over");
        let Some(Job::Rest(_, pause)) = room.jobs.back() else { panic!("no pause") };
        pauses.push(pause.as_millis());
    }
    assert_eq!(pauses, [200, 400, 800, 1000, 1000]);
    room.settle_and_rest();
    let held = room.item(worker);
    room.answer(&held, "task 1 X");
    assert_eq!(room.given(worker), ["activity A1#1 X"]);
}

#[test]
fn a_control_message_does_not_wait_for_a_pause_to_end() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.visit(|board| board.put_back(HUB, token(&held), Kind::Turn));
    room.mail(key, "terminate");
    room.settle();
    assert_eq!(room.status(key), Status::Terminated);
    room.settle_and_rest();
    assert!(room.given(worker).is_empty());
}

#[test]
fn a_commit_that_fails_makes_the_board_forget_and_read_again() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    let commit = room.begin_answer(&held, "task 1 X").unwrap();
    room.mail(key, "event Go");
    room.take_effects();
    room.visit(|board| board.commit_failed(key, commit.turn, Duration::ZERO));
    room.mail(key, "event Gone");
    room.settle_and_rest();
    assert_eq!(room.given(worker), ["turn A1: started, event Go, event Gone"]);
}

#[test]
fn a_commit_that_was_made_though_it_is_said_to_have_failed_is_not_made_twice() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    let commit = room.begin_answer(&held, "task 1 X").unwrap();
    let turn = commit.turn;
    room.commit(commit);
    room.visit(|board| board.commit_failed(key, turn, Duration::ZERO));
    room.settle_and_rest();
    assert_eq!(room.given(worker), ["activity A1#1 X"]);
    room.mail(key, "event Go");
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: event Go"]);
}

#[test]
fn a_failure_of_an_older_commit_means_nothing() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "nothing");
    room.visit(|board| board.commit_failed(key, 1, Duration::ZERO));
    assert!(room.jobs.is_empty());
}

#[test]
fn reading_that_fails_is_tried_again_and_what_cannot_be_used_is_parked() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    let key = room.start_before("A");
    room.jobs.clear();
    room.visit(|board| board.loaded(key, Err(ReadError::Again)));
    assert_eq!(room.jobs.iter().filter(|job| is_pause(job)).count(), 1);
    room.settle_and_rest();
    assert_eq!(room.given(worker), ["turn A1: started"]);

    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    let key = room.start_before("A");
    room.store.torn.insert(key);
    room.mail(key, "event Go");
    room.start("B");
    room.settle_and_rest();
    assert_eq!(room.given(worker), ["turn B2: started"], "others go on");
    assert_eq!(room.store.parked[&key].reason, "what is stored of it cannot be used: torn");
}

#[test]
fn silent_workers_lose_what_they_hold() {
    let mut room = Room::new();
    let silent = room.join("*", 1, 1);
    room.start("A");
    room.settle();
    let held = room.item(silent);
    let since = room.now;
    assert_eq!(room.visit(|board| board.expire(since, since)), 0);
    room.leave(room.board.workers.keys().next().copied().unwrap());
    let silent = room.join("*", 1, 1);
    room.advance(60);
    assert!(!room.answer(&held, "complete"));
    let now = room.now;
    let _ = room.items(silent);
    assert_eq!(room.visit(|board| board.expire(since, now)), 0, "activities have a limit of their own");
    assert_eq!(room.visit(|board| board.expire(now, since)), 1);
    room.settle_and_rest();
    assert_eq!(room.given(silent), ["turn A1: started"]);
}

#[test]
fn a_clock_that_is_set_forward_takes_nothing_from_those_who_work() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    let (day, lease) = (Duration::from_secs(86_400), Duration::from_secs(600));
    room.advance(590);
    room.now = room.now.plus(day);
    let expire = |room: &mut Room| {
        let before = room.now.minus(lease);
        room.visit(|board| board.expire(before, before))
    };
    room.visit(|board| board.clock_was_set(day));
    assert_eq!(expire(&mut room), 0);
    assert!(room.answer(&held, "complete"));
    room.settle();
    room.start("B");
    room.settle();
    // Handed out after the clock was set, and before that was noticed.
    room.visit(|board| board.clock_was_set(day));
    room.advance(601);
    assert_eq!(expire(&mut room), 1, "the lease is as long as ever");
}

#[test]
fn after_a_stop_nothing_is_handed_out_and_what_is_held_may_still_be_answered() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    let key = room.start("A");
    room.start("A");
    room.settle();
    let held = room.item(worker);
    room.visit(Board::stop);
    assert!(room.seats.get_mut(&worker).unwrap().try_recv().is_err());
    assert!(room.seats[&worker].is_closed() || room.seats[&worker].is_empty());
    room.leave(worker);
    let late = room.join("*", 9, 9);
    assert_eq!(room.board.held(), 1);
    assert!(room.answer(&held, "task 1 X, complete ok"));
    assert_eq!(room.status(key), Status::Completed);
    assert!(room.given(late).is_empty());
}
