//! Answers without a completion token: they count when they can mean one delivery only.

use super::*;

impl Room {
    /// Answers a turn without a token and lets everything follow. `false`: it was thrown away.
    fn answer_unnamed(&mut self, instance: &str, answer: &str) -> bool {
        let token = self.visit(|board| board.token_of_turn(HUB, instance, true));
        let Some(commit) = token.and_then(|token| self.begin_answer_under(&token, answer)) else {
            return false;
        };
        self.commit(commit);
        self.settle();
        true
    }

    /// Answers an activity without a token. `false`: it was thrown away.
    fn complete_unnamed(&mut self, item: &WorkItem) -> bool {
        let WorkItem::Activity(ActivityItem { task, .. }) = item else { panic!("no activity: {item:?}") };
        let token = self.visit(|board| board.token_of_activity(HUB, task.instance.as_str(), task.task_id));
        let done = token.is_some_and(|token| self.complete_under(&token));
        self.settle();
        done
    }
}

#[test]
fn in_the_ordinary_case_every_answer_counts_at_once() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    room.item(worker);
    assert!(room.answer_unnamed("A1", "task 1 X, task 2 Y"));
    let [x, y]: [WorkItem; 2] = room.items(worker).try_into().unwrap();
    assert!(room.complete_unnamed(&y) && room.complete_unnamed(&x));
    assert!(!room.complete_unnamed(&x), "once");
    assert_eq!(room.given(worker), ["turn A1: done of 2 'Y'"]);
    assert!(room.answer_unnamed("A1", "nothing"));
    assert_eq!(room.given(worker), ["turn A1: done of 1 'X'"]);
    assert!(room.answer_unnamed("A1", "complete"));
    assert_eq!(room.status(key), Status::Completed);
}

#[test]
fn the_answer_to_a_turn_that_was_taken_back_does_not_settle_the_next() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    room.item(worker);
    room.mail(key, "suspend, event Go, resume");
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: started, event Go, suspended, resumed"]);
    assert!(!room.answer_unnamed("A1", "nothing"), "the first one's, or the second's");
    assert!(room.given(worker).is_empty(), "one is still out");
    assert!(!room.answer_unnamed("A1", "complete"));
    assert_eq!(room.given(worker), ["turn A1: started, event Go, suspended, resumed"], "alone");
    assert!(room.answer_unnamed("A1", "complete"));
    assert_eq!(room.status(key), Status::Completed);
    assert_eq!(room.board.held(), 0);
}

#[test]
fn the_answer_to_a_turn_taken_back_means_nothing_while_no_other_is_out() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    room.item(worker);
    room.mail(key, "suspend");
    room.settle();
    assert!(!room.answer_unnamed("A1", "complete"));
    room.mail(key, "resume");
    room.settle();
    assert_eq!(room.items(worker).len(), 1);
    assert!(room.answer_unnamed("A1", "complete"), "only one is out");
    assert_eq!(room.status(key), Status::Completed);
}

#[test]
fn the_end_of_a_stream_settles_what_its_worker_owed() {
    let mut room = Room::new();
    let (first, key) = (room.join("*", 1, 1), room.start("A"));
    room.settle();
    room.item(first);
    let second = room.join("*", 9, 9);
    room.mail(key, "suspend, resume");
    room.settle();
    room.item(second);
    room.leave(first);
    assert!(room.answer_unnamed("A1", "complete"));
    assert_eq!(room.status(key), Status::Completed);
}

#[test]
fn a_turn_taken_back_is_not_waited_for_longer_than_a_lease_lasts() {
    let mut room = Room::new();
    let (worker, key) = (room.join("*", 9, 9), room.start("A"));
    room.settle();
    room.item(worker);
    room.mail(key, "suspend");
    room.settle();
    room.advance(60);
    room.mail(key, "resume");
    room.settle();
    room.item(worker);
    let now = room.now;
    assert_eq!(room.visit(|board| board.expire(now, now)), 0);
    assert!(room.answer_unnamed("A1", "complete"));
    assert_eq!(room.status(key), Status::Completed);
}

#[test]
fn a_late_turn_does_not_end_the_next_instance_of_its_id() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let old = room.start("A");
    room.settle();
    room.item(worker);
    room.mail(old, "terminate");
    room.settle();
    room.effects.extend(room.store.purge(old));
    room.ids = 0;
    let new = room.start("A");
    room.settle();
    room.item(worker);
    assert!(!room.answer_unnamed("A1", "complete old"));
    assert_eq!(room.status(new), Status::Pending);
    assert!(!room.answer_unnamed("A1", "complete new"));
    room.item(worker);
    assert!(room.answer_unnamed("A1", "complete new"));
    assert_eq!(room.status(new), Status::Completed);
}

#[test]
fn a_late_result_does_not_reach_the_next_generation() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    room.item(worker);
    room.answer_unnamed("A1", "task 1 Old");
    let old = room.item(worker);
    room.mail(key, "event Go");
    room.settle();
    room.item(worker);
    room.answer_unnamed("A1", "again");
    room.item(worker);
    room.answer_unnamed("A1", "task 1 New");
    let new = room.item(worker);
    assert!(!room.complete_unnamed(&old));
    assert!(room.given(worker).is_empty());
    assert!(!room.complete_unnamed(&new));
    let new = room.item(worker);
    assert_eq!(text(&new), "activity A1#1 New");
    assert!(room.complete_unnamed(&new));
    assert_eq!(room.given(worker), ["turn A1: done of 1 'New'"]);
}

#[test]
fn what_runs_on_after_its_generation_is_not_run_again_and_holds_nobody_up() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    room.item(worker);
    for _ in 0..3 {
        assert!(room.answer_unnamed("A1", "task 1 X, again"));
    }
    assert!(room.answer_unnamed("A1", "task 1 X"));
    let held: Vec<_> =
        room.items(worker).into_iter().filter(|item| matches!(item, WorkItem::Activity(_))).collect();
    assert_eq!(held.len(), 4);
    assert!(held.iter().all(|item| !room.complete_unnamed(item)));
    assert_eq!(room.store.activities.len(), 1, "those nobody waits for are done");
    let again = room.item(worker);
    assert!(room.complete_unnamed(&again));
    assert_eq!(room.given(worker), ["turn A1: done of 1 'X'"]);
}

#[test]
fn workers_that_return_tokens_notice_nothing() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let stale = room.item(worker);
    room.mail(key, "suspend, resume");
    room.settle();
    let held = room.item(worker);
    assert!(!room.answer(&stale, "complete"));
    assert!(room.answer(&held, "task 1 X"));
    assert!(matches!(room.item(worker), WorkItem::Activity(_)));
    // The stale answer is all that the first turn owed.
    room.mail(key, "event Go");
    room.settle();
    room.item(worker);
    assert!(room.answer_unnamed("A1", "complete"));
}

#[test]
fn the_late_answer_of_a_silent_worker_is_not_taken_for_that_of_a_later_turn() {
    let mut room = Room::new();
    let silent = room.join("A", 1, 1);
    let key = room.start("A");
    room.settle();
    drop(room.item(silent));
    let other = room.join("A", 1, 1);
    room.advance(700);
    let long_ago = Timestamp(room.now.0 - 600_000_000);
    room.visit(|board| board.expire(long_ago, long_ago));
    room.settle_and_rest();
    let turn = room.item(other);
    room.answer(&turn, "nothing");
    room.mail(key, "event Go");
    room.settle();
    assert_eq!([room.given(silent), room.given(other)].concat(), ["turn A1: event Go"]);
    assert_eq!(room.visit(|board| board.token_of_turn(HUB, "A1", true)), None, "it may be the first turn's");
    // Both deliveries have had an answer that could have been either's: the turn that is wanted is handed out once more.
    room.settle_and_rest();
    assert_eq!(room.board.held(), 1);
}
