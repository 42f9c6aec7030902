//! Continue-as-new: the instance goes on with an empty history.

use super::check;
use expect_test::expect;

#[test]
fn the_next_execution_has_a_fresh_id_and_the_new_input() {
    check(
        "start in=1 -> again 2",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout '2']
        Running; execution e2 '2'; trace cleared; drop execution; took 1"#]],
    );
    check(
        "start in=1 -> again 2 | -> complete",
        expect![[r#"
        @0: turn 2s, started e2 Checkout '2', #99 ended Completed, end
        Completed; drop all; took 2"#]],
    );
    check(
        "start in=1 -> again | -> nothing",
        expect![[r#"
        @0: turn 2s, started e2 Checkout, end
        Running; took 2"#]],
    );
}

#[test]
fn name_and_tags_stay() {
    check(
        "start in=1 name=Loop tags=a:b -> again 2 | -> nothing",
        expect![[r#"
        @0: turn 2s, started e2 Loop '2' a:b, end
        Running; took 2"#]],
    );
}

#[test]
fn carried_events_come_right_after_the_start() {
    check(
        "start -> again 2 carry=A:1,B:2,A:3",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout '2', event A '1', event B '2', event A '3']
        Running; execution e2 '2'; trace cleared; drop execution; took 1"#]],
    );
    check(
        "start -> again 2 carry=A:1,B:2,A:3 | -> nothing",
        expect![[r#"
        @0: turn 2s, started e2 Checkout '2', event A '1', event B '2', event A '3', end
        Running; took 2"#]],
    );
}

#[test]
fn what_nobody_has_read_yet_comes_behind_what_is_carried_over() {
    check(
        "start, event A 1, event B 2 -> took 2, again 2 carry=A:1 | event C 3 -> nothing",
        expect![[r#"
        @0: turn 2s, started e2 Checkout '2', event A '1', event A '1', event B '2', event C '3', end
        Running; took 4,2,3,5"#]],
    );
}

#[test]
fn only_events_can_be_carried_over() {
    check(
        "start -> again carry=A:1,started,done | -> nothing",
        expect![[r#"
        @0: turn 2s, started e2 Checkout, event A '1', end
        Running; took 2"#]],
    );
}

#[test]
fn results_of_the_old_execution_are_dropped_and_events_stay() {
    check(
        "start -> task 1 A, timer 2 +2s | event Go -> again | -> task 1 A | done 1 new -> nothing",
        expect![[r#"
            @4: turn 4s, done of 1 'new', end
            Running; took 5"#]],
    );
}

#[test]
fn a_late_result_for_the_old_execution_is_thrown_away() {
    check(
        "start -> task 1 A | event Go -> again | done 1 old -> task 1 B",
        expect![[r#"
        @0: turn 3s, started e2 Checkout, #1 task B, end
        activity #1 B of e2
        Running; took 3,4"#]],
    );
}

#[test]
fn the_custom_status_is_carried_unless_a_new_one_is_set() {
    check(
        "start -> status x | event Go -> again",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout]
        Running; execution e2; trace cleared; drop execution; took 2"#]],
    );
    check(
        "start -> status x | event Go -> again | -> status x",
        expect![[r#"
        @0: turn 3s, started e2 Checkout, end
        Running; took 3"#]],
    );
    check(
        "start -> status x | event Go -> status y, again",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout]
        Running; status 'y'; execution e2; trace cleared; drop execution; took 2"#]],
    );
    check(
        "start -> status x | event Go -> again | -> nothing",
        expect![[r#"
        @0: turn 3s, started e2 Checkout, end
        Running; status cleared; took 3"#]],
    );
}

#[test]
fn the_version_stays_unless_a_new_one_is_given() {
    check(
        "start version=1 -> again",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout version=1]
        Running; execution e2 version=1; trace cleared; drop execution; took 1"#]],
    );
    check(
        "start version=1 -> again version=2",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout version=2]
        Running; execution e2 version=2; trace cleared; drop execution; took 1"#]],
    );
    check(
        "start version=1 -> again version=2 | -> nothing",
        expect![[r#"
        @0: turn 2s, started e2 Checkout version=2, end
        Running; took 2"#]],
    );
}

#[test]
fn the_trace_belongs_to_the_execution_that_ended() {
    check(
        "start -> trace abc | event Go -> trace def, again",
        expect![[r#"
        cleared
        to me: Start [started e2 Checkout]
        Running; execution e2; trace cleared; drop execution; took 2"#]],
    );
}

#[test]
fn turn_times_rise_across_executions() {
    check(
        "start -> timer 1 +3s | +1s -> again | -> nothing",
        expect![[r#"
        @0: turn 4s, started e2 Checkout, end
        Running; took 3"#]],
    );
}

#[test]
fn what_is_done_beside_it_is_done() {
    check(
        "start -> task 1 A, send 2 other Go, child 3 Ship id=s, timer 4 +9s, again 5",
        expect![[r#"
        cleared
        activity #1 A of e1, detached
        child s/e2 Ship of order/e1#3
        to other: Event [event Go]
        to me: Start [started e3 Checkout '5']
        Running; execution e3 '5'; trace cleared; drop execution; took 1"#]],
    );
}

#[test]
fn ids_begin_anew() {
    check(
        "start -> task 1 A | event Go -> again | -> task 1 A, send 2 x Y | event Go -> again | -> task 1 A, send 2 x Y",
        expect![[r#"
            @0: turn 5s, started e3 Checkout, #1 task A, #2 sent Y to x, end
            activity #1 A of e3
            to x: Event [event Y]
            Running; took 5"#]],
    );
}

#[test]
fn a_loop_goes_round_and_round() {
    check(
        "start -> again 1 | -> again 2 | -> again 3 | -> complete 3",
        expect![[r#"
        @0: turn 4s, started e4 Checkout '3', #99 ended Completed '3', end
        Completed; output '3'; drop all; took 4"#]],
    );
}

#[test]
fn a_scheduled_start_is_not_scheduled_twice() {
    check(
        "start at=+5s, +5s -> again | -> nothing",
        expect![[r#"
        @0: turn 7s, started e2 Checkout, end
        Running; took 2"#]],
    );
}

#[test]
fn a_start_that_fails_the_check_does_not_continue() {
    check(
        "start -> again, task 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 1"#]],
    );
}
