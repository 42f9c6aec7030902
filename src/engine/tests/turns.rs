//! What fits into a turn, and what part of it a worker took.

use super::check;
use expect_test::expect;

#[test]
fn an_instance_without_messages_waits() {
    check("start -> nothing | +0s", expect!["wait"]);
}

#[test]
fn a_start_that_is_not_due_waits_and_events_do_not_start_it() {
    check("start at=+50s", expect!["wait"]);
    check("start at=+50s, event Go", expect!["wait"]);
    check(
        "start at=+50s, event Go | +50s -> nothing",
        expect![[r#"
        @0: turn 52s, started e1 Checkout, event Go, end
        Running; took 1,2"#]],
    );
    check(
        "start at=-50s -> nothing",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; took 1"#]],
    );
}

#[test]
fn a_worker_may_take_only_the_first_events() {
    check(
        "start, event A, event B -> took 2",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; took 1"#]],
    );
    check(
        "start, event A, event B -> took 2 | +0s -> nothing",
        expect![[r#"
        @3: turn 2s, event A, event B, end
        Running; took 2,3"#]],
    );
    check(
        "start, event A, event B -> took 3",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, end
        Running; took 1,2"#]],
    );
    check(
        "start, event A, event B -> took 4",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, event B, end
        Running; took 1,2,3"#]],
    );
}

#[test]
fn taking_nothing_counts_as_taking_all() {
    check(
        "start, event A -> took 0",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, end
        Running; took 1,2"#]],
    );
    check(
        "start, event A -> took 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, end
        Running; took 1,2"#]],
    );
    check(
        "start, event A -> took -4",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, end
        Running; took 1,2"#]],
    );
}

#[test]
fn taking_more_than_there_is_is_taking_all() {
    check(
        "start, event A -> took 99",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, end
        Running; took 1,2"#]],
    );
}

#[test]
fn what_was_not_taken_may_still_be_answered() {
    check(
        "start -> task 1 A, task 2 B | done 1 a, done 2 b -> took 2, nothing | +0s -> complete",
        expect![[r#"
            @8: turn 3s, done of 2 'b', #99 ended Completed, end
            Completed; drop all; took 3"#]],
    );
}

#[test]
fn a_late_message_goes_with_what_was_taken_before_it() {
    check(
        "start -> task 1 A | done 9, done 1 a, done 8, event Go -> took 2",
        expect![[r#"
        @4: turn 2s, done of 1 'a', end
        Running; took 2,3,4"#]],
    );
}

#[test]
fn big_messages_are_split_over_turns_and_keep_their_order() {
    check(
        "start -> nothing | event A a*700000, event B b*700000, event C c",
        expect!["deliver turn 2s, event A 'aaa..' (700000 bytes)"],
    );
    check(
        "start -> nothing | event A a*700000, event B b*700000, event C c -> nothing | +0s -> nothing",
        expect![[r#"
            @6: turn 3s, event B 'bbb..' (700000 bytes), event C 'c', end
            Running; took 3,4"#]],
    );
}

#[test]
fn one_message_always_fits() {
    check(
        "start -> nothing | event A a*3000000, event B b -> nothing",
        expect![[r#"
        @3: turn 2s, event A 'aaa..' (3000000 bytes), end
        Running; took 2"#]],
    );
}

#[test]
fn a_big_start_goes_alone() {
    check(
        "start in=x*1000000, event A a*700000 -> nothing",
        expect![[r#"
        @0: turn 1s, started e1 Checkout 'xxx..' (1000000 bytes), end
        Running; took 1"#]],
    );
    check(
        "start in=x*1000000, event A a*700000 -> nothing | +0s -> nothing",
        expect![[r#"
        @3: turn 2s, event A 'aaa..' (700000 bytes), end
        Running; took 2"#]],
    );
}

#[test]
fn a_late_message_however_big_takes_no_room() {
    check(
        "start -> nothing | done 7 a*900000, event A a*900000, event B b -> nothing",
        expect![[r#"
        @3: turn 2s, event A 'aaa..' (900000 bytes), event B 'b', end
        Running; took 2,3,4"#]],
    );
}

#[test]
fn turn_times_rise_even_if_the_clock_stands_still() {
    check(
        "start -> timer 1 +2s | +0s -> timer 2 +3s | +0s -> nothing",
        expect![[r#"
            @8: turn 3.001000s, fired of 2 for 3s, end
            Running; took 3"#]],
    );
}
