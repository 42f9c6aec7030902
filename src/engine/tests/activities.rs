//! Activities: scheduled, answered, repeated.

use super::check;
use expect_test::expect;

#[test]
fn the_first_turn_opens_with_the_start_and_queues_the_activity() {
    check(
        "start in=5 -> task 1 Charge 5",
        expect![[r#"
        @0: turn 1s, started e1 Checkout '5', #1 task Charge '5', end
        activity #1 Charge '5' of e1
        Running; took 1"#]],
    );
}

#[test]
fn ids_from_zero_are_ids() {
    check(
        "start -> task 0 Charge",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #0 task Charge, end
        activity #0 Charge of e1
        Running; took 1"#]],
    );
}

#[test]
fn several_activities_keep_their_order() {
    check(
        "start -> task 1 A, task 2 B, task 3 A",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A, #2 task B, #3 task A, end
        activity #1 A of e1
        activity #2 B of e1
        activity #3 A of e1
        Running; took 1"#]],
    );
    check(
        "start -> task 3 C, task 1 A",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #3 task C, #1 task A, end
        activity #3 C of e1
        activity #1 A of e1
        Running; took 1"#]],
    );
}

#[test]
fn the_trace_of_the_start_goes_on_unless_the_worker_names_another() {
    check(
        "start traced=outer -> task 1 Charge, task 2 Pay traced=inner, child 3 Ship, child 4 Bill traced=inner",
        expect![[r#"
            @0: turn 1s, started e1 Checkout, #1 task Charge, #2 task Pay, #3 child order:0003 Ship, #4 child order:0004 Bill, end
            activity #1 Charge traced=outer of e1
            activity #2 Pay traced=inner of e1
            child order:0003/e2 Ship traced=outer of order/e1#3, or Result [child failed of 3 OrchestrationAlreadyExistsError!(a live instance with the id order:0003 exists already)]
            child order:0004/e3 Bill traced=inner of order/e1#4, or Result [child failed of 4 OrchestrationAlreadyExistsError!(a live instance with the id order:0004 exists already)]
            Running; took 1"#]],
    );
    // A later execution is of the same trace.
    check(
        "start traced=outer -> again | -> task 1 Charge",
        expect![[r#"
        @0: turn 2s, started e2 Checkout, #1 task Charge, end
        activity #1 Charge traced=outer of e2
        Running; took 2"#]],
    );
    check(
        "start -> task 1 Charge",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task Charge, end
        activity #1 Charge of e1
        Running; took 1"#]],
    );
}

#[test]
fn version_and_tags_travel_with_the_work() {
    check(
        "start -> task 1 Charge version=2 tags=team:x",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task Charge, end
        activity #1 Charge version=2 team:x of e1
        Running; took 1"#]],
    );
}

#[test]
fn an_input_may_be_absent_or_empty_json() {
    check(
        "start -> task 1 A",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A, end
        activity #1 A of e1
        Running; took 1"#]],
    );
    check(
        "start -> task 1 A null",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A 'null', end
        activity #1 A 'null' of e1
        Running; took 1"#]],
    );
    check(
        "start -> task 1 A \"\"",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A '""', end
        activity #1 A '""' of e1
        Running; took 1"#]],
    );
}

#[test]
fn a_result_is_delivered_once_it_is_there() {
    check("start -> task 1 A | done 1 ok", expect!["deliver turn 2s, done of 1 'ok'"]);
    check(
        "start -> task 1 A | done 1 ok -> complete ok",
        expect![[r#"
        @4: turn 2s, done of 1 'ok', #99 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 2"#]],
    );
    check(
        "start -> task 1 A | done 1 -> nothing",
        expect![[r#"
        @4: turn 2s, done of 1, end
        Running; took 2"#]],
    );
}

#[test]
fn a_failure_keeps_its_details_and_causes() {
    check(
        "start -> task 1 A | failed 1 ValueError:bad<KeyError:worse<OSError:worst -> nothing",
        expect![[r#"
            @4: turn 2s, failed of 1 ValueError(bad) < KeyError(worse) < OSError(worst), end
            Running; took 2"#]],
    );
}

#[test]
fn results_arrive_in_order_of_arrival() {
    check(
        "start -> task 1 A, task 2 B, task 3 C | done 3 c, failed 1 E:a, done 2 b -> nothing",
        expect![[r#"
            @6: turn 2s, done of 3 'c', failed of 1 E(a), done of 2 'b', end
            Running; took 2,3,4"#]],
    );
}

#[test]
fn an_activity_repeated_while_open_means_nothing() {
    check(
        "start -> task 1 A | event Go -> task 1 A, task 2 B",
        expect![[r#"
        @4: turn 2s, event Go, #2 task B, end
        activity #2 B of e1
        Running; took 2"#]],
    );
    check(
        "start -> task 1 A, task 1 A",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A, end
        activity #1 A of e1
        Running; took 1"#]],
    );
}

#[test]
fn an_id_in_use_by_another_kind_of_work_is_not_taken_twice() {
    check(
        "start -> task 1 A | event Go -> timer 1 +9s, child 1 Ship",
        expect![[r#"
        @4: turn 2s, event Go, end
        Running; took 2"#]],
    );
}

#[test]
fn an_id_may_be_used_again_once_answered() {
    check(
        "start -> task 1 A | failed 1 E:no -> task 1 A",
        expect![[r#"
        @4: turn 2s, failed of 1 E(no), #1 task A, end
        activity #1 A of e1
        Running; took 2"#]],
    );
    check(
        "start -> task 1 A | failed 1 E:no -> timer 2 +3s | +3s -> task 1 A",
        expect![[r#"
        @8: turn 6s, fired of 2 for 3s, #1 task A, end
        activity #1 A of e1
        Running; took 3"#]],
    );
    check(
        "start -> task 1 A | failed 1 E:no -> task 1 A | done 1 ok -> complete ok",
        expect![[r#"
        @8: turn 3s, done of 1 'ok', #99 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 3"#]],
    );
}

#[test]
fn answered_and_repeated_in_one_turn_is_scheduled_anew() {
    check(
        "start -> task 1 A | done 1 -> task 1 A, task 2 B",
        expect![[r#"
        @4: turn 2s, done of 1, #1 task A, #2 task B, end
        activity #1 A of e1
        activity #2 B of e1
        Running; took 2"#]],
    );
}

#[test]
fn what_is_scheduled_by_the_last_turn_is_detached() {
    check(
        "start -> task 1 A, complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A, #99 ended Completed 'ok', end
        activity #1 A of e1, detached
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start -> complete ok, task 1 A",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A, #99 ended Completed 'ok', end
        activity #1 A of e1, detached
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start -> fail E:no, task 1 A",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A, #99 ended Failed E(no), end
        activity #1 A of e1, detached
        Failed; failure E(no); drop all; took 1"#]],
    );
    check(
        "start -> task 1 A | done 1 -> task 2 B, again 7",
        expect![[r#"
        cleared
        activity #2 B of e1, detached
        to me: Start [started e2 Checkout '7']
        Running; execution e2 '7'; trace cleared; drop execution; took 2"#]],
    );
}

#[test]
fn an_activity_left_open_at_the_end_is_dropped_with_the_rest() {
    check(
        "start -> task 1 A | event Go -> complete ok",
        expect![[r#"
        @4: turn 2s, event Go, #99 ended Completed 'ok', end
        Completed; output 'ok'; drop all; took 2"#]],
    );
}

#[test]
fn a_turn_without_actions_is_a_turn() {
    check(
        "start -> nothing",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        Running; took 1"#]],
    );
}
