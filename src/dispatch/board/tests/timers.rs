//! Messages that become due.

use super::*;

#[test]
fn a_timer_wakes_its_instance_when_it_is_due() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "timer 1 +9s, timer 2 +5s");
    assert!(room.given(worker).is_empty());
    assert_eq!(room.board.wheel().earliest(), Some(script::time("+5s")));
    room.advance(6);
    room.settle();
    let held = room.item(worker);
    assert_eq!(text(&held), "turn A1: fired of 2 for 5s");
    room.advance(6);
    room.settle();
    assert!(room.given(worker).is_empty(), "one turn at a time");
    room.answer(&held, "nothing");
    assert_eq!(room.given(worker), ["turn A1: fired of 1 for 9s"]);
}

#[test]
fn a_timer_finds_its_instance_even_if_it_has_left_memory() {
    let mut room = Room::with_cache(0);
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "timer 1 +5s");
    assert!(room.board.instances.is_empty());
    room.advance(6);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: fired of 1 for 5s"]);
}

#[test]
fn timers_of_what_has_ended_are_forgotten() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "timer 1 +5s");
    room.mail(key, "terminate");
    room.settle();
    assert_eq!(room.board.wheel().earliest(), None);
}

#[test]
fn a_scheduled_start_waits_for_its_time_and_costs_nothing_until_then() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let new = script::new_instance(&script::Words::of("start id=later at=+60s"));
    let key = room.start_as(new);
    room.settle();
    assert!(room.board.instances.is_empty());
    room.mail(key, "event Go");
    room.settle();
    assert!(room.given(worker).is_empty());
    room.advance(61);
    room.settle();
    assert_eq!(room.given(worker), ["turn later: started, event Go"]);
}

#[test]
fn a_visit_with_an_earlier_time_does_not_make_a_timer_undue() {
    let mut room = Room::new();
    let worker = room.join("A", 9, 9);
    room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "timer 1 +5s");
    room.leave(worker);
    room.advance(5);
    // Somebody read the clock before that and got the lock after it.
    room.now = script::time("+4s");
    let worker = room.join("A", 9, 9);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: fired of 1 for 5s"]);
}

#[test]
fn a_timer_that_comes_due_while_suspended_waits_for_the_resume() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "timer 1 +5s");
    room.mail(key, "suspend");
    room.settle();
    room.advance(9);
    room.settle();
    assert!(room.given(worker).is_empty());
    room.mail(key, "resume");
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: fired of 1 for 5s"]);
}
