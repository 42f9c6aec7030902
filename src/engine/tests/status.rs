//! The custom status: what the last answer says it is.

use super::check;
use expect_test::expect;

#[test]
fn a_status_is_set() {
    check(
        "start -> status 50%",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; status '50%'; took 1"#]],
    );
}

#[test]
fn a_status_that_has_not_changed_is_not_written() {
    check(
        "start -> status x | event Go -> status x",
        expect![[r#"
        @3: turn 2s, event Go, end
        Running; took 2"#]],
    );
}

#[test]
fn a_status_is_replaced() {
    check(
        "start -> status x | event Go -> status y",
        expect![[r#"
        @3: turn 2s, event Go, end
        Running; status 'y'; took 2"#]],
    );
}

#[test]
fn an_answer_without_a_status_clears_it() {
    check(
        "start -> status x | event Go -> nothing",
        expect![[r#"
        @3: turn 2s, event Go, end
        Running; status cleared; took 2"#]],
    );
    check(
        "start -> status x | event Go -> status",
        expect![[r#"
        @3: turn 2s, event Go, end
        Running; status cleared; took 2"#]],
    );
}

#[test]
fn nothing_is_cleared_where_nothing_was() {
    check(
        "start -> status",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; took 1"#]],
    );
    check(
        "start -> nothing",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; took 1"#]],
    );
}

#[test]
fn the_last_answer_may_set_it() {
    check(
        "start -> status done, complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'ok', end
        Completed; output 'ok'; status 'done'; drop all; took 1"#]],
    );
    check(
        "start -> status x | event Go -> complete ok",
        expect![[r#"
        @3: turn 2s, event Go, #99 ended Completed 'ok', end
        Completed; output 'ok'; status cleared; drop all; took 2"#]],
    );
}

#[test]
fn it_stays_when_the_server_ends_the_instance() {
    check(
        "start -> status x | terminate",
        expect![[r#"
        @3: turn 2s, terminated, #-1 ended Terminated, end
        Terminated; drop all; took 2"#]],
    );
    check(
        "start -> status x | event Go -> task 1",
        expect![[r#"
        @3: turn 2s, event Go, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 2"#]],
    );
    check(
        "start -> status x | event Go -> poison",
        expect![[r#"
        @3: turn 2s, event Go, #-1 ended Failed Poison!(the worker died of it), end
        Failed; failure Poison!(the worker died of it); drop all; took 2"#]],
    );
}

#[test]
fn it_stays_over_suspension() {
    check(
        "start -> status x | suspend",
        expect![[r#"
        @3: suspended
        Suspended; took 2"#]],
    );
    check(
        "start -> status x | suspend | resume | event Go -> status x",
        expect![[r#"
        @5: turn 4s, event Go, end
        Running; took 4"#]],
    );
}

#[test]
fn the_trace_is_kept_for_the_next_turn() {
    check(
        "start -> trace abc",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; trace; took 1"#]],
    );
    check(
        "start -> trace abc | event Go -> nothing",
        expect![[r#"
        @3: turn 2s, event Go, end
        Running; took 2"#]],
    );
}
