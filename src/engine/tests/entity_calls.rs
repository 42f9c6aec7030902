//! Entities, seen from the orchestration.

use super::check;
use expect_test::expect;

#[test]
fn messages_to_entities_are_written_and_mailed() {
    check(
        "start -> signal 1 @Counter@K add 5, call 2 @counter@k get, signal 3 @counter@k late at=+60s",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 signal add '5' to @Counter@K, #2 call r2 get to @counter@k, #3 signal late at 60s to @counter@k, end
        to @counter@K: Event [signal add '5']
        to @counter@k: Event [call r2 get of order/e1]
        to @counter@k: Event due 60s [signal late at 60s]
        Running; took 1"#]],
    );
    check(
        "start -> lock 1 @b@2,@A@1,@b@2",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 lock s1 @b@2,@A@1,@b@2 at 0, end
        to @a@1: Control [lock s1 @a@1,@b@2 at 0 of order/e1]
        Running; took 1"#]],
    );
    check(
        "start -> unlock 1 @a@1 section=s9",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 unlock s9 to @a@1, end
        to @a@1: Control [unlock s9 of order]
        Running; took 1"#]],
    );
}

#[test]
fn an_answer_is_delivered_once_and_only_if_somebody_waits() {
    check(
        "start -> call 1 @c@k get | answered r1 5, answered r1 6, answered r9 7",
        expect!["deliver turn 2s, answered r1 '5'"],
    );
    check("start -> call 1 @c@k get | refused r1 E:no", expect!["deliver turn 2s, refused r1 E(no)"]);
    check(
        "start -> call 1 @c@k get | answered r1 5 -> nothing | refused r1 E:no",
        expect!["discard; Running; took 3"],
    );
    check("start -> lock 1 @c@k | granted s2", expect!["discard; Running; took 2"]);
    check("start -> lock 1 @c@k | granted s1, granted s1", expect!["deliver turn 2s, granted s1"]);
}

#[test]
fn repeated_messages_mean_nothing() {
    let sent = "call 1 @c@k get, signal 2 @c@k add, lock 3 @d@k, unlock 4 @e@k";
    check(
        &format!("start -> {sent} | event X -> {sent}"),
        expect![[r#"
        @7: turn 2s, event X, end
        Running; took 2"#]],
    );
}

#[test]
fn entities_hear_of_what_comes_with_the_end() {
    check(
        "start -> signal 1 @c@k add, unlock 2 @c@k section=s, complete ok",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 signal add to @c@k, #2 unlock s to @c@k, #99 ended Completed 'ok', end
        to @c@k: Event [signal add]
        to @c@k: Control [unlock s of order]
        Completed; output 'ok'; drop all; took 1"#]],
    );
    check(
        "start -> complete ok, call 1 @c@k get",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 call r1 get to @c@k, #99 ended Completed 'ok', end
        to @c@k: Event [call r1 get of order/e1]
        Completed; output 'ok'; drop all; took 1"#]],
    );
}

#[test]
fn what_is_no_entity_fails_the_orchestration() {
    check(
        "start -> signal 1 counter add",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 sends a message to an entity: "counter" is not the id of an entity: such ids have the form @name@key), end
        Failed; failure ProtocolViolationError!(action 1 sends a message to an entity: "counter" is not the id of an entity: such ids have the form @name@key); drop all; took 1"#]],
    );
    check(
        "start -> lock 1 ,",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed ProtocolViolationError!(action 1 sends a message to an entity: lockSet must not be empty), end
        Failed; failure ProtocolViolationError!(action 1 sends a message to an entity: lockSet must not be empty); drop all; took 1"#]],
    );
    check(
        "start -> call 1 @c@k get x*3145729",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #-1 ended Failed PayloadTooLargeError!(the input of an entity's operation is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)), end
        Failed; failure PayloadTooLargeError!(the input of an entity's operation is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes)); drop all; took 1"#]],
    );
}

#[test]
fn answers_of_an_earlier_execution_are_dropped() {
    check("start -> call 1 @c@k get, again | ", expect!["deliver turn 2s, started e2 Checkout"]);
    check("start -> call 1 @c@k get, again | answered r1 5", expect!["deliver turn 2s, started e2 Checkout"]);
}

#[test]
fn a_rewind_calls_again_what_was_not_answered_or_failed() {
    check(
        "start -> call 1 @c@k a, call 2 @c@k b | answered r1 1, refused r2 E -> fail E | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, #1 call r1 a to @c@k, end
        @4: turn 2s, answered r1 '1', end
        put aside, then rewound 'why'
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
    check(
        "start -> call 1 @c@k a, task 2 T | failed 2 E -> fail E | rewind",
        expect![[r#"
        @0: turn 1s, started e1 Checkout, end
        @3: turn 2s, end
        put aside, then rewound 'why'
        to me: Rewind [rewound 'why']
        Running; reopened; drop detached; took -"#]],
    );
}

#[test]
#[should_panic(expected = "InSection")]
fn an_execution_that_failed_in_a_critical_section_is_not_rewound() {
    check("start -> lock 1 @c@k | granted s1 -> task 2 T | failed 2 E -> fail E | rewind", expect![[""]]);
}

#[test]
#[should_panic(expected = "InSection")]
fn one_that_failed_while_it_waited_for_a_critical_section_is_not_rewound() {
    check("start -> lock 1 @b@k,@c@k, task 2 T | failed 2 E -> fail E | rewind", expect![[""]]);
}

#[test]
#[should_panic(expected = "InSection")]
fn one_that_asked_for_a_critical_section_when_it_failed_is_not_rewound() {
    check("start -> lock 1 @c@k, fail E | rewind", expect![[""]]);
}

#[test]
fn one_that_had_left_its_critical_section_is_rewound() {
    check(
        "start -> lock 1 @c@k | granted s1 -> unlock 2 @c@k section=s1, task 3 T | failed 3 E -> fail E | rewind",
        expect![[r#"
            @0: turn 1s, started e1 Checkout, #1 lock s1 @c@k at 0, end
            @4: turn 2s, granted s1, #2 unlock s1 to @c@k, end
            @8: turn 3s, end
            put aside, then rewound 'why'
            to me: Rewind [rewound 'why']
            Running; reopened; drop detached; took -"#]],
    );
}
