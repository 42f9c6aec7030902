//! What does not fit into memory waits in its row, and nothing of it is forgotten or done twice.

use super::*;

/// A room in whose memory two items of each route wait at most.
fn narrow() -> Room {
    Room::with(usize::MAX, 2, usize::MAX)
}

#[test]
fn of_many_instances_only_a_window_waits_in_memory_and_all_have_their_turn_in_order() {
    let mut room = narrow();
    for _ in 0..7 {
        room.start("A");
    }
    room.settle();
    assert_eq!((room.board.turns.waiting(), room.board.instances.len()), (2, 2));
    let worker = room.join("A", 1, 1);
    for number in 1..=7 {
        room.settle();
        let turn = room.item(worker);
        assert_eq!(text(&turn), format!("turn A{number}: started"));
        room.answer(&turn, "complete");
    }
    assert!(room.board.instances.is_empty());
    assert!(room.jobs.is_empty(), "nothing is behind any more, so nothing is read: {:?}", room.jobs);
}

#[test]
fn of_many_activities_only_a_window_waits_in_memory_and_all_are_done() {
    let mut room = narrow();
    room.waiting("task 1 X, task 2 X, task 3 X, task 4 X, task 5 X");
    assert_eq!(room.board.waiting.len(), 2);
    let worker = room.join("X", 1, 1);
    for number in 1..=5 {
        room.settle();
        let item = room.item(worker);
        assert_eq!(text(&item), format!("activity A1#{number} X"));
        room.complete(&item);
    }
    room.settle();
    assert!(room.board.waiting.is_empty() && room.jobs.is_empty());
}

#[test]
fn large_requests_fill_memory_sooner() {
    let mut room = Room::with(usize::MAX, 100, 1);
    room.waiting("task 1 X, task 2 X, task 3 X");
    assert_eq!(room.board.waiting.len(), 1);
    let worker = room.join("X", 9, 9);
    room.settle();
    assert_eq!(room.given(worker).len(), 3);
}

#[test]
fn work_that_somebody_serves_is_not_held_up_by_what_nobody_serves() {
    let mut room = narrow();
    for _ in 0..9 {
        room.start("Nobodys");
    }
    for _ in 0..5 {
        room.start("A");
    }
    room.settle();
    let worker = room.join("A", 9, 9);
    room.settle();
    assert_eq!(room.given(worker).len(), 5);
    assert!(room.jobs.iter().all(is_pause), "what nobody serves is not read again and again");
}

#[test]
fn an_activity_whose_result_is_on_its_way_is_not_brought_back_by_its_row() {
    let mut room = narrow();
    room.waiting("task 1 X, task 2 X, task 3 X");
    let worker = room.join("X", 1, 1);
    let first = room.item(worker);
    let WorkItem::Activity(ActivityItem { token, .. }) = &first else { panic!("an activity") };
    // The worker has answered, but the store has not heard of it: the rows still show the activity.
    let taken = room.visit(|board| board.take_activity(HUB, token, false)).unwrap();
    room.settle();
    let second = room.item(worker);
    assert_eq!(text(&second), "activity A1#2 X");
    room.complete(&second);
    room.settle();
    let third = room.item(worker);
    assert_eq!(text(&third), "activity A1#3 X");
    // It could not be stored, so it is done again.
    room.visit(|board| board.rest_activity(taken));
    room.complete(&third);
    room.settle_and_rest();
    assert_eq!(room.given(worker), ["activity A1#1 X"]);
}

#[test]
fn what_ended_while_its_row_was_being_read_stays_ended() {
    let mut room = narrow();
    let key = room.waiting("task 1 X, task 2 X, task 3 X");
    let other = room.waiting("task 1 X");
    let worker = room.join("X", 1, 1);
    let item = room.item(worker);
    room.complete(&item);
    room.take_effects();
    let asked =
        room.jobs.iter().position(|job| matches!(job, Job::FindActivities(_))).expect("a page is wanted");
    let Some(Job::FindActivities(after)) = room.jobs.remove(asked) else { panic!("a page is wanted") };
    let page = room.store.page_of_activities(after);
    room.mail(key, "terminate");
    room.settle();
    room.bring(page);
    let item = room.item(worker);
    room.complete(&item);
    room.settle();
    let last = room.items(worker);
    assert!(last.iter().all(|item| text(item).starts_with("activity A2")), "{last:?}");
    assert!(room.status(other) == Status::Running);
}

#[test]
fn what_is_ready_and_has_nothing_to_deliver_holds_up_nobody() {
    // One place, and nothing stays in memory that has none.
    let mut room = Room::with(0, 1, usize::MAX);
    let worker = room.join("*", 9, 9);
    room.orchestrate(worker, "lock 1 @c@a");
    assert_eq!(room.given(worker), ["turn A1: granted s1"]);
    room.leave(worker);
    for entity in ["@c@a", "@c@z"] {
        room.signal(entity, "one", None);
    }
    room.settle();
    let worker = room.join("*", 9, 9);
    let mut given = Vec::new();
    for _ in 0..9 {
        room.settle();
        given.extend(room.given(worker));
        // A pause ends.
        if let Some(job) = room.jobs.pop_front() {
            room.work(job);
        }
    }
    given.sort();
    assert_eq!(given, ["batch @c@z: signal one", "turn A1: granted s1"]);
}
