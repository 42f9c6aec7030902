//! Answers that break the protocol fail their instance, with the reason.

use super::check;
use expect_test::expect;

#[test]
fn an_activity_needs_a_name() {
    check(
        "start -> task 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 1"#]],
    );
}

#[test]
fn a_sub_orchestration_needs_a_name() {
    check(
        "start -> child 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 starts a sub-orchestration without a name), end
        Failed; failure ProtocolViolationError!(action 1 starts a sub-orchestration without a name); drop all; took 1"#]],
    );
}

#[test]
fn a_timer_needs_a_time() {
    check(
        "start -> timer 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 creates a timer without a time), end
        Failed; failure ProtocolViolationError!(action 1 creates a timer without a time); drop all; took 1"#]],
    );
}

#[test]
fn an_event_needs_a_name_and_a_receiver() {
    check(
        "start -> send 1 other",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 sends an event without a name or a receiver), end
        Failed; failure ProtocolViolationError!(action 1 sends an event without a name or a receiver); drop all; took 1"#]],
    );
    check(
        "start -> send 1 @counter@x Go",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 sends the event Go to @counter@x: entities know only the events op, op@TIME and release), end
        Failed; failure ProtocolViolationError!(action 1 sends the event Go to @counter@x: entities know only the events op, op@TIME and release); drop all; took 1"#]],
    );
}

#[test]
fn an_orchestration_cannot_end_as_something_else() {
    check(
        "start -> finish 0",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 99 completes the orchestration with status number 0), end
        Failed; failure ProtocolViolationError!(action 99 completes the orchestration with status number 0); drop all; took 1"#]],
    );
    check(
        "start -> finish 6",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 99 completes the orchestration with status number 6), end
        Failed; failure ProtocolViolationError!(action 99 completes the orchestration with status number 6); drop all; took 1"#]],
    );
    check(
        "start -> finish 7",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 99 completes the orchestration with status number 7), end
        Failed; failure ProtocolViolationError!(action 99 completes the orchestration with status number 7); drop all; took 1"#]],
    );
    check(
        "start -> finish 42",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 99 completes the orchestration with status number 42), end
        Failed; failure ProtocolViolationError!(action 99 completes the orchestration with status number 42); drop all; took 1"#]],
    );
    check(
        "start -> finish -1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 99 completes the orchestration with status number -1), end
        Failed; failure ProtocolViolationError!(action 99 completes the orchestration with status number -1); drop all; took 1"#]],
    );
}

#[test]
fn an_action_must_be_known() {
    check(
        "start -> unknown 3",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 3 in the worker's answer has no content that this server knows), end
        Failed; failure ProtocolViolationError!(action 3 in the worker's answer has no content that this server knows); drop all; took 1"#]],
    );
}

#[test]
fn a_message_to_an_entity_must_say_something() {
    check(
        "start -> entity 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 sends a message to an entity: it has no content that this server knows), end
        Failed; failure ProtocolViolationError!(action 1 sends a message to an entity: it has no content that this server knows); drop all; took 1"#]],
    );
}

#[test]
fn a_message_to_an_entity_is_small_without_its_input() {
    check(
        "start -> call 1 @counter@a x*70000 input",
        expect![[r#"
            @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(names and ids in a message to an entity are 70030 bytes long; the limit is 65536), end
            Failed; failure PayloadTooLargeError!(names and ids in a message to an entity are 70030 bytes long; the limit is 65536); drop all; took 1"#]],
    );
}

#[test]
fn rewind_by_the_worker_is_not_there() {
    check(
        "start -> rewind 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed NotSupportedError!(the orchestrator used rewind by the worker, which this version of durahub does not support), end
        Failed; failure NotSupportedError!(the orchestrator used rewind by the worker, which this version of durahub does not support); drop all; took 1"#]],
    );
}

#[test]
fn a_payload_may_be_as_large_as_the_limit() {
    check(
        "start -> task 1 A x*3145728",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 task A 'xxx..' (3145728 bytes), end
        activity #1 A 'xxx..' (3145728 bytes) of e1
        Running; took 1"#]],
    );
}

#[test]
fn a_payload_over_the_limit_names_the_limit() {
    check(
        "start -> task 1 A x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(an activity's input is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(an activity's input is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> child 1 A x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(a sub-orchestration's input is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(a sub-orchestration's input is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> send 1 other Go x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(an event is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(an event is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> complete x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(the orchestrator's output is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(the orchestrator's output is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> status x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(the custom status is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(the custom status is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> again x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(the orchestrator's output is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(the orchestrator's output is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> again carry=A:x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(an event carried over is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(an event carried over is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
    check(
        "start -> kill 1 other x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(a reason to terminate is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(a reason to terminate is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
}

#[test]
fn what_travels_beside_an_input_has_a_limit_of_its_own() {
    check(
        "start -> task 1 A x*3145728 version=x*65536",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(an activity's name, version, tags and trace context are 65557 bytes long; the limit is 65536), end
        Failed; failure PayloadTooLargeError!(an activity's name, version, tags and trace context are 65557 bytes long; the limit is 65536); drop all; took 1"#]],
    );
    check(
        "start -> child 1 A traced=x*65536",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(a sub-orchestration's name, version, tags and trace context are 65547 bytes long; the limit is 65536), end
        Failed; failure PayloadTooLargeError!(a sub-orchestration's name, version, tags and trace context are 65547 bytes long; the limit is 65536); drop all; took 1"#]],
    );
}

#[test]
fn nothing_else_of_such_an_answer_counts() {
    check(
        "start -> task 1 A, send 2 other Go, status x, task 3",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 3 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 3 schedules an activity without a name); drop all; took 1"#]],
    );
    check(
        "start -> again, task 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 1"#]],
    );
    check(
        "start -> complete ok, task 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 1"#]],
    );
}

#[test]
fn the_turns_events_are_taken_in_all_the_same() {
    check(
        "start -> task 1 A | done 1 x, event Go -> task 2",
        expect![[r#"
        @4: turn 2s, done of 1 'x', event Go, #-1 ended Failed ProtocolViolationError!(action 2 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 2 schedules an activity without a name); drop all; took 2,3"#]],
    );
}

#[test]
fn a_violation_in_a_partly_taken_turn_takes_all() {
    check(
        "start, event A, event B -> took 2, task 1",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, event A, event B, #-1 ended Failed ProtocolViolationError!(action 1 schedules an activity without a name), end
        Failed; failure ProtocolViolationError!(action 1 schedules an activity without a name); drop all; took 1,2,3"#]],
    );
}
