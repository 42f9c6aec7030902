//! Suspend and resume: the server's own turns.

use super::check;
use expect_test::expect;

#[test]
fn suspending_is_one_event_and_needs_no_worker() {
    check(
        "start -> task 1 A | suspend",
        expect![[r#"
        @4: suspended
        Suspended; took 2"#]],
    );
    check(
        "start -> task 1 A | suspend for lunch",
        expect![[r#"
        @4: suspended 'for lunch'
        Suspended; took 2"#]],
    );
}

#[test]
fn nothing_is_delivered_while_suspended() {
    check("start -> task 1 A, timer 2 +2s | suspend | done 1 ok", expect!["wait"]);
    check("start -> task 1 A | suspend | event Go", expect!["wait"]);
    check("start -> timer 1 +2s | suspend | +9s", expect!["wait"]);
}

#[test]
fn what_was_held_arrives_after_the_resume_in_order() {
    check(
        "start -> task 1 A, timer 2 +2s | suspend | event Go 1, done 1 ok | resume",
        expect![[r#"
        @6: resumed
        Running; took 6"#]],
    );
    check(
        "start -> task 1 A, timer 2 +2s | suspend | event Go 1, done 1 ok | resume | +0s -> nothing",
        expect![[r#"
            @7: turn 5s, fired of 2 for 2s, event Go '1', done of 1 'ok', end
            Running; took 2,4,5"#]],
    );
}

#[test]
fn what_a_worker_repeats_after_the_resume_means_nothing() {
    check(
        "start -> task 1 A | suspend | resume | event Go -> task 1 A",
        expect![[r#"
        @6: turn 4s, event Go, end
        Running; took 4"#]],
    );
}

#[test]
fn suspending_twice_is_suspending_once() {
    check(
        "start -> nothing | suspend, suspend",
        expect![[r#"
        @3: suspended
        Suspended; took 2,3"#]],
    );
    check("start -> nothing | suspend | suspend", expect!["Suspended; took 3"]);
}

#[test]
fn resuming_what_is_not_suspended_means_nothing() {
    check("start -> nothing | resume", expect!["Running; took 2"]);
    check("start | resume", expect!["Pending; took 2"]);
    check(
        "start -> nothing | suspend | resume, resume",
        expect![[r#"
        @4: resumed
        Running; took 3,4"#]],
    );
}

#[test]
fn suspend_and_resume_together() {
    check(
        "start -> nothing | suspend, resume",
        expect![[r#"
        @3: suspended, resumed
        Running; took 2,3"#]],
    );
    check(
        "start -> nothing | suspend, resume, suspend",
        expect![[r#"
        @3: suspended, resumed, suspended
        Suspended; took 2,3,4"#]],
    );
}

#[test]
fn a_pending_instance_can_be_suspended() {
    check(
        "start | suspend",
        expect![[r#"
        to me: Event [suspended]
        Suspended; took 2"#]],
    );
    check("start | suspend | +0s", expect!["wait"]);
    check(
        "start, event Go 1 | suspend | event Go 2 | resume",
        expect![[r#"
        to me: Event [resumed]
        Pending; took 6"#]],
    );
    check(
        "start, event Go 1 | suspend | event Go 2 | resume | +0s -> nothing",
        expect![[r#"
        @0: turn 5s, started e1 Checkout, event Go '1', suspended, event Go '2', resumed, end
        Running; took 1,2,4,5,7"#]],
    );
}

#[test]
fn a_pending_instance_suspended_twice() {
    check(
        "start | suspend | resume | suspend | resume | +0s -> nothing",
        expect![[r#"
        @0: turn 6s, started e1 Checkout, suspended, resumed, suspended, resumed, end
        Running; took 1,3,5,7,9"#]],
    );
}

#[test]
fn a_scheduled_instance_suspended_past_its_time_starts_at_the_resume() {
    check("start at=+5s | suspend | +9s", expect!["wait"]);
    check(
        "start at=+5s | suspend | +9s | resume | +0s -> nothing",
        expect![[r#"
        @0: turn 14s, started e1 Checkout, suspended, resumed, end
        Running; took 1,3,5"#]],
    );
    check(
        "start at=+50s | suspend | resume",
        expect![[r#"
        to me: Event [resumed]
        Pending; took 4"#]],
    );
    check("start at=+50s | suspend | resume | +0s", expect!["wait"]);
}

#[test]
fn an_instance_between_two_executions_is_running_not_pending() {
    check(
        "start -> again | suspend",
        expect![[r#"
        to me: Event [suspended]
        Suspended; took 3"#]],
    );
    check(
        "start -> again | suspend | resume",
        expect![[r#"
            to me: Event [resumed]
            Running; took 5"#]],
    );
    check(
        "start -> again | suspend | resume | +0s -> nothing",
        expect![[r#"
        @0: turn 4s, started e2 Checkout, suspended, resumed, end
        Running; took 2,4,6"#]],
    );
}
