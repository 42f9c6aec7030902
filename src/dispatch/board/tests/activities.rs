//! Activities on their way to workers.

use super::*;

#[test]
fn activities_wait_for_whoever_serves_them_and_go_in_order() {
    let mut room = Room::new();
    room.waiting("task 1 X, task 2 Y, task 3 X");
    let (x, y) = (room.join("X", 1, 9), room.join("Y", 1, 9));
    assert_eq!(room.given(x), ["activity A1#1 X", "activity A1#3 X"]);
    assert_eq!(room.given(y), ["activity A1#2 Y"]);
}

#[test]
fn an_activity_of_a_worker_that_left_goes_to_the_next_before_all_others() {
    let mut room = Room::new();
    room.waiting("task 1 X, task 2 X");
    let first = room.join("X", 1, 1);
    let held = room.item(first);
    room.leave(first);
    let second = room.join("X", 1, 9);
    assert_eq!(room.given(second), ["activity A1#1 X", "activity A1#2 X"]);
    assert!(!room.complete(&held));
}

#[test]
fn an_activity_put_back_waits_longer_each_time() {
    let mut room = Room::new();
    room.waiting("task 1 X");
    let worker = room.join("X", 1, 1);
    for pause in [200, 400, 800] {
        let WorkItem::Activity(held) = room.item(worker) else { panic!("no activity") };
        assert!(room.visit(|board| board.put_back(HUB, &held.token, Kind::Activity)));
        let Some(Job::RestActivity(key, rest)) = room.jobs.pop_back() else { panic!("no pause") };
        assert_eq!((key, rest.as_millis()), (held.task.key, pause));
        assert!(room.given(worker).is_empty());
        room.visit(|board| board.activity_rested(key));
    }
}

#[test]
fn an_activity_that_rests_takes_nobody_elses_place_with_it_when_its_instance_ends() {
    let mut room = Room::new();
    let resting = room.waiting("task 1 X");
    let worker = room.join("X", 1, 1);
    let WorkItem::Activity(held) = room.item(worker) else { panic!("no activity") };
    room.visit(|board| board.put_back(HUB, &held.token, Kind::Activity));
    room.leave(worker);
    // Alone in the queue, so where the first one stood.
    room.waiting("task 1 X");
    room.mail(resting, "terminate");
    room.settle();
    let worker = room.join("X", 1, 9);
    assert_eq!(room.given(worker), ["activity A2#1 X"]);
}

#[test]
fn the_end_of_an_instance_drops_what_waits_but_for_what_it_left_behind() {
    let mut room = Room::new();
    let key = room.waiting("task 1 X, task 2 X");
    let worker = room.join("A", 9, 9);
    room.mail(key, "event Go");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "task 3 X, complete");
    let late = room.join("X", 9, 9);
    assert_eq!(room.given(late), ["activity A1#3 X"]);
    assert!(room.board.waiting.is_empty() && room.board.instances.is_empty());
}

#[test]
fn termination_and_continue_as_new_drop_what_waits() {
    let mut room = Room::new();
    let ended = room.waiting("task 1 X");
    let again = room.waiting("task 1 X");
    room.mail(ended, "terminate");
    room.mail(again, "event Go");
    let worker = room.join("A", 9, 9);
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "task 2 X, again");
    let late = room.join("X", 9, 9);
    assert_eq!(room.given(late), ["activity A2#2 X"]);
}

#[test]
fn a_purge_forgets_detached_activities_too() {
    let mut room = Room::new();
    let key = room.waiting("task 1 X, complete");
    assert_eq!(room.board.waiting.len(), 1);
    room.effects.extend(room.store.purge(key));
    room.settle();
    let late = room.join("X", 9, 9);
    assert!(room.given(late).is_empty() && room.board.waiting.is_empty());
}

#[test]
fn a_result_wakes_the_instance_and_a_second_one_does_not_count() {
    let mut room = Room::new();
    room.waiting("task 1 X");
    let worker = room.join("A X", 9, 9);
    let held = room.item(worker);
    assert!(room.complete(&held));
    assert!(!room.complete(&held));
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: done of 1 'X'"]);
}

#[test]
fn what_recovery_finds_is_queued_unless_it_was_heard_of_already() {
    let mut room = Room::new();
    room.waiting("task 1 X, task 2 X");
    let tasks: Vec<_> = room.store.activities.values().cloned().collect();
    room.visit(|board| board.found_activities(tasks.clone(), None));
    let worker = room.join("X", 9, 9);
    assert_eq!(room.given(worker), ["activity A1#1 X", "activity A1#2 X"]);

    let mut fresh = Room::new();
    fresh.visit(|board| board.found_activities(tasks, None));
    let worker = fresh.join("X", 9, 9);
    assert_eq!(fresh.given(worker), ["activity A1#1 X", "activity A1#2 X"]);
}

#[test]
fn what_comes_back_keeps_its_order() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "task 1 X, task 2 X, task 3 X, task 4 X, task 5 X");
    assert_eq!(room.given(worker).len(), 5);
    room.leave(worker);
    let next = room.join("*", 9, 9);
    room.settle();
    let expected: Vec<_> = (1..=5).map(|id| format!("activity A1#{id} X")).collect();
    assert_eq!(room.given(next), expected);
}

#[test]
fn an_activity_of_an_ended_instance_is_not_handed_out_again() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "task 1 X, task 2 Y");
    let [first, second]: [WorkItem; 2] = room.items(worker).try_into().unwrap();
    room.mail(key, "terminate");
    room.settle();
    let WorkItem::Activity(ActivityItem { token, .. }) = &first else { panic!("an activity") };
    room.visit(|board| board.put_back(HUB, token, Kind::Activity));
    room.leave(worker);
    let next = room.join("*", 9, 9);
    room.settle_and_rest();
    assert!(room.given(next).is_empty(), "{second:?} is over");
    assert!(room.board.waiting.is_empty());
}

#[test]
fn one_that_recovery_has_met_first_is_not_queued_twice() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    let commit = room.begin_answer(&held, "task 1 X").unwrap();
    room.commit(commit);
    let found = room.store.activities.values().cloned().collect();
    room.visit(|board| board.found_activities(found, None));
    assert_eq!(room.given(worker), ["activity A1#1 X"]);
    room.settle();
    assert!(room.given(worker).is_empty());
}

#[test]
fn nothing_stays_behind_in_queues_nobody_serves() {
    let mut room = Room::new();
    let key = room.start("A");
    room.settle();
    for _ in 0..100 {
        room.mail(key, "suspend, resume");
        room.settle();
    }
    assert_eq!(room.board.turns.waiting(), 1);
    room.mail(key, "terminate");
    room.settle();
    assert_eq!(room.board.turns.waiting(), 0);
}
