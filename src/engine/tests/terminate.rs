//! Terminate: any state, at once, with or without a worker.

use super::check;
use expect_test::expect;

#[test]
fn a_running_instance_ends_at_once() {
    check(
        "start -> task 1 A | terminate enough",
        expect![[r#"
        @4: turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2"#]],
    );
    check(
        "start -> task 1 A | terminate",
        expect![[r#"
        @4: turn 2s, terminated, #-1 ended Terminated, end
        Terminated; drop all; took 2"#]],
    );
    check(
        "start -> nothing | terminate \"enough\"",
        expect![[r#"
        @3: turn 2s, terminated '"enough"', #-1 ended Terminated '"enough"', end
        Terminated; output '"enough"'; drop all; took 2"#]],
    );
}

#[test]
fn a_pending_instance_ends_with_a_whole_history() {
    check(
        "start in=1 | terminate enough",
        expect![[r#"
        @0: turn 2s, started e1 Checkout '1', terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2"#]],
    );
    check(
        "start at=+50s | terminate enough",
        expect![[r#"
        @0: turn 2s, started e1 Checkout, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2"#]],
    );
}

#[test]
fn a_suspended_instance_ends() {
    check(
        "start -> nothing | suspend | terminate enough",
        expect![[r#"
        @4: turn 3s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 3"#]],
    );
    check(
        "start | suspend | terminate enough",
        expect![[r#"
        @0: turn 3s, started e1 Checkout, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 4"#]],
    );
    check(
        "start | suspend | event X, terminate enough",
        expect![[r#"
        @0: turn 3s, started e1 Checkout, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 5"#]],
    );
}

#[test]
fn terminating_twice_is_terminating_once() {
    check(
        "start -> nothing | terminate one, terminate two",
        expect![[r#"
        @3: turn 2s, terminated 'one', #-1 ended Terminated 'one', end
        Terminated; output 'one'; drop all; took 2,3"#]],
    );
    check("start -> nothing | terminate one | terminate two", expect!["wait"]);
}

#[test]
fn termination_wins_over_what_else_is_waiting() {
    check(
        "start -> task 1 A | done 1, event Go, terminate enough",
        expect![[r#"
        @4: turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 4"#]],
    );
}

#[test]
fn suspend_resume_and_terminate_in_one_batch() {
    check(
        "start -> nothing | suspend, resume, terminate enough",
        expect![[r#"
        @3: suspended, resumed, turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2,3,4"#]],
    );
    check(
        "start -> nothing | terminate enough, suspend",
        expect![[r#"
        @3: turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2,3"#]],
    );
    check(
        "start | suspend, resume, terminate enough",
        expect![[r#"
        @0: turn 2s, started e1 Checkout, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2,3,4"#]],
    );
}

#[test]
fn the_order_goes_to_open_children_only() {
    check(
        "start -> child 1 A id=a, child 2 B id=b, child 3 C id=c, task 4 D | child-done 2 -> nothing | terminate-all enough",
        expect![[r#"
            @10: turn 3s, terminated all 'enough', #-1 ended Terminated 'enough', end
            to a if child of order/e1: Control [terminated all 'enough']
            to c if child of order/e1: Control [terminated all 'enough']
            Terminated; output 'enough'; drop all; took 3"#]],
    );
    check(
        "start -> child 1 A id=a | terminate enough",
        expect![[r#"
        @4: turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2"#]],
    );
}

#[test]
fn the_order_goes_to_children_in_the_order_of_their_ids() {
    check(
        "start -> child 9 A id=a, child 3 B id=b, child 7 C id=c, child 1 D id=d, child 5 E id=e | terminate-all",
        expect![[r#"
            @8: turn 2s, terminated all, #-1 ended Terminated, end
            to d if child of order/e1: Control [terminated all]
            to b if child of order/e1: Control [terminated all]
            to e if child of order/e1: Control [terminated all]
            to c if child of order/e1: Control [terminated all]
            to a if child of order/e1: Control [terminated all]
            Terminated; drop all; took 2"#]],
    );
}

#[test]
fn children_of_an_earlier_execution_are_left_alone() {
    check(
        "start -> child 1 A id=a | event Go -> again | -> child 1 B id=b | terminate-all enough",
        expect![[r#"
            @4: turn 4s, terminated all 'enough', #-1 ended Terminated 'enough', end
            to b if child of order/e3: Control [terminated all 'enough']
            Terminated; output 'enough'; drop all; took 4"#]],
    );
}

#[test]
fn an_instance_between_two_executions_ends_with_the_new_start() {
    check(
        "start in=1 -> again 2 carry=A:1 | terminate enough",
        expect![[r#"
        @0: turn 2s, started e2 Checkout '2', event A '1', terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 3"#]],
    );
}

#[test]
fn the_time_of_the_end_is_later_than_the_last_turn() {
    check(
        "start -> timer 1 +3s | +1s -> nothing | terminate",
        expect![[r#"
        @7: turn 4s, terminated, #-1 ended Terminated, end
        Terminated; drop all; took 3"#]],
    );
}

#[test]
fn an_orchestration_may_terminate_another() {
    check(
        "start -> kill 1 other enough",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        to other: Control [terminated all 'enough']
        Running; took 1"#]],
    );
    check(
        "start -> kill 1 other enough, complete",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #99 ended Completed, end
        to other: Control [terminated all 'enough']
        Completed; drop all; took 1"#]],
    );
}
