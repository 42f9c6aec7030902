//! Ends: one, the first, for good.

use super::check;
use expect_test::expect;

#[test]
fn completed_with_an_output() {
    check(
        "start -> complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start -> complete",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed, end
        Completed; drop all; took 1"#]],
    );
    check(
        "start -> complete id=4 ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #4 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 1"#]],
    );
}

#[test]
fn failed_with_details() {
    check(
        "start -> fail E:no",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed E(no), end
        Failed; failure E(no); drop all; took 1"#]],
    );
    check(
        "start -> fail E:no<F:why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed E(no) < F(why), end
        Failed; failure E(no) < F(why); drop all; took 1"#]],
    );
}

#[test]
fn failed_without_details_gets_some() {
    check(
        "start -> fail-bare why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed 'why' OrchestrationFailed(why), end
        Failed; output 'why'; failure OrchestrationFailed(why); drop all; took 1"#]],
    );
    check(
        "start -> fail-bare",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed OrchestrationFailed(), end
        Failed; failure OrchestrationFailed(); drop all; took 1"#]],
    );
}

#[test]
fn cancelled() {
    check(
        "start -> cancel why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Canceled 'why', end
        Canceled; output 'why'; drop all; took 1"#]],
    );
}

#[test]
fn terminated_by_the_orchestrator_itself() {
    check(
        "start -> end-terminated why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Terminated 'why', end
        Terminated; output 'why'; drop all; took 1"#]],
    );
}

#[test]
fn of_two_ends_the_first_counts() {
    check(
        "start -> complete one, complete two",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'one', end
        Completed; output 'one'; drop all; took 1"#]],
    );
    check(
        "start -> complete one, fail E:no",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'one', end
        Completed; output 'one'; drop all; took 1"#]],
    );
    check(
        "start -> fail E:no, complete one",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Failed E(no), end
        Failed; failure E(no); drop all; took 1"#]],
    );
    check(
        "start -> complete one, again 2",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'one', end
        Completed; output 'one'; drop all; took 1"#]],
    );
    check(
        "start -> again 2, complete one",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout '2']
        Running; execution e2 '2'; trace cleared; drop execution; took 1"#]],
    );
    check(
        "start -> complete one, end-terminated why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed 'one', end
        Completed; output 'one'; drop all; took 1"#]],
    );
}

#[test]
fn terminated_beats_continue_as_new() {
    check(
        "start -> again 2, end-terminated why",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Terminated 'why', end
        Terminated; output 'why'; drop all; took 1"#]],
    );
    check(
        "start -> end-terminated why, again 2",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Terminated 'why', end
        Terminated; output 'why'; drop all; took 1"#]],
    );
}

#[test]
fn nothing_happens_to_an_ended_instance() {
    check("start -> complete | event Go", expect!["wait"]);
    check("start -> complete | suspend", expect!["wait"]);
    check("start -> complete | terminate", expect!["wait"]);
    check("start -> complete | start-again", expect!["wait"]);
    check("start -> task 1 A | event X -> complete | done 1 late", expect!["wait"]);
}

#[test]
fn a_second_start_is_thrown_away() {
    check("start -> nothing | start-again", expect!["discard; Running; took 2"]);
    check(
        "start, start-again -> nothing",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; took 1"#]],
    );
    check("start, start-again -> nothing | +0s", expect!["discard; Running; took 2"]);
}

#[test]
fn a_worker_that_dies_of_it_again_and_again_fails_the_instance() {
    check(
        "start -> poison",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed Poison!(the worker died of it), end
        Failed; failure Poison!(the worker died of it); drop all; took 1"#]],
    );
    check(
        "start -> task 1 A | done 1 ok -> poison",
        expect![[r#"
        @4: turn 2s, done of 1 'ok', #-1 ended Failed Poison!(the worker died of it), end
        Failed; failure Poison!(the worker died of it); drop all; took 2"#]],
    );
}
