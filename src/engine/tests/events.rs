//! External events: raised to the instance, and sent by it.

use super::check;
use expect_test::expect;

#[test]
fn an_event_before_the_start_is_delivered_with_it() {
    check(
        "start, event Go 1 -> nothing",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event Go '1', end
        Running; took 1,2"#]],
    );
}

#[test]
fn several_events_of_one_name_keep_their_order() {
    check(
        "start -> nothing | event Go 1, event Go 2, event go 3, event Go 1 -> nothing",
        expect![[r#"
        @3: turn 2s, event Go '1', event Go '2', event go '3', event Go '1', end
        Running; took 2,3,4,5"#]],
    );
}

#[test]
fn events_and_results_are_not_sorted_by_kind() {
    check(
        "start -> task 1 A | event Go 1, done 1 ok, event Go 2 -> nothing",
        expect![[r#"
        @4: turn 2s, event Go '1', done of 1 'ok', event Go '2', end
        Running; took 2,3,4"#]],
    );
}

#[test]
fn an_event_is_delivered_whether_or_not_somebody_waits() {
    check(
        "start -> task 1 A | event Nobody -> nothing",
        expect![[r#"
        @4: turn 2s, event Nobody, end
        Running; took 2"#]],
    );
}

#[test]
fn an_event_needs_no_data() {
    check(
        "start -> nothing | event Go -> nothing",
        expect![[r#"
        @3: turn 2s, event Go, end
        Running; took 2"#]],
    );
}

#[test]
fn an_event_to_an_ended_instance_goes_nowhere() {
    check("start -> complete | event Go", expect!["wait"]);
}

#[test]
fn an_event_sent_is_written_and_mailed() {
    check(
        "start -> send 1 other Go 42",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 sent Go '42' to other, end
        to other: Event [event Go '42']
        Running; took 1"#]],
    );
}

#[test]
fn an_event_sent_again_under_its_id_means_nothing() {
    check(
        "start -> send 1 other Go 42 | event X -> send 1 other Go 42, send 2 other Go 43",
        expect![[r#"
        @4: turn 2s, event X, #2 sent Go '43' to other, end
        to other: Event [event Go '43']
        Running; took 2"#]],
    );
}

#[test]
fn an_event_can_be_sent_with_the_last_answer() {
    check(
        "start -> send 1 other Go, complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 sent Go to other, #99 ended Completed 'ok', end
        to other: Event [event Go]
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start -> complete ok, send 1 other Go",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 sent Go to other, #99 ended Completed 'ok', end
        to other: Event [event Go]
        Completed; output 'ok'; drop all; took 1"#]],
    );
}

#[test]
fn an_orchestration_may_send_to_itself() {
    check(
        "start -> send 1 order Go",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 sent Go to order, end
        to order: Event [event Go]
        Running; took 1"#]],
    );
}

#[test]
fn events_are_sent_in_order() {
    check(
        "start -> send 1 a X, send 2 b Y, send 3 a Z",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 sent X to a, #2 sent Y to b, #3 sent Z to a, end
        to a: Event [event X]
        to b: Event [event Y]
        to a: Event [event Z]
        Running; took 1"#]],
    );
}
