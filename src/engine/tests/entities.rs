//! Batches, their answers, and locks, seen from the entity.

use super::entity_world::EntityWorld;
use expect_test::{Expect, expect};

fn check(script: &str, expected: Expect) {
    let mut world = EntityWorld::default();
    let mut shown = String::new();
    for step in script.split(" | ") {
        shown = world.step(step);
    }
    expected.assert_eq(&shown);
}

#[test]
fn operations_come_in_the_order_of_their_arrival() {
    check(
        "signal add 1, call r1 get from=o/e, signal add 2",
        expect!["deliver signal add '1', call r1 get of o/e, signal add '2'"],
    );
}

#[test]
fn a_call_is_answered_and_a_signal_is_not() {
    check(
        "signal add 1, call r1 get from=o/e -> ok 1, ok 1, state 1",
        expect![[r#"
        to o/e: Result [answered r1 '1']
        state 1; took 1,2"#]],
    );
    check(
        "call r1 get from=o/ -> ok 1",
        expect![[r#"
        to o: Result [answered r1 '1']
        may vanish; took 1"#]],
    );
}

#[test]
fn a_failed_operation_is_told_to_its_caller() {
    check(
        "call r1 add, signal add -> failed E:no, failed E:no",
        expect![[r#"
        to order/e1: Result [refused r1 E(no)]
        may vanish; took 1,2"#]],
    );
}

#[test]
fn what_has_no_result_is_delivered_again() {
    check("signal a, signal b, signal c -> ok, state 1 | ", expect!["deliver state 1: signal b, signal c"]);
}

#[test]
fn the_state_is_kept_changed_and_deleted() {
    check("signal a -> ok, state 1 | signal b -> ok, state 1", expect!["took 2"]);
    check("signal a -> ok, state 1 | signal b -> ok, state 2", expect!["state 2; took 2"]);
    check("signal a -> ok, state 1 | signal b -> ok", expect!["state gone; may vanish; took 2"]);
    check("signal a -> ok, state 1 | signal b -> ok, state", expect!["state gone; may vanish; took 2"]);
}

#[test]
fn a_batch_that_failed_leaves_the_state_alone_and_tells_its_callers() {
    check(
        "signal a -> ok, state 1 | signal b, call r1 c -> batch-failed E:no | signal d",
        expect!["deliver state 1: signal d"],
    );
    check(
        "signal a -> ok, state 1 | signal b, call r1 c -> batch-failed E:no",
        expect![[r#"
        to order/e1: Result [refused r1 E(no)]
        took 2,3"#]],
    );
}

#[test]
fn an_entity_signals_others_and_starts_orchestrations() {
    check(
        "signal a -> ok, signal @Other@K go 5, signal @counter@a again at=+60s, start Report id=x, start Other",
        expect![[r#"
        to @other@K: Event [signal go '5']
        to @counter@a: Event due 60s [signal again at 60s]
        child x/n3 Report of 
        child n4/n5 Other of 
        may vanish; took 1"#]],
    );
}

#[test]
fn an_answer_that_cannot_be_applied_changes_nothing() {
    check(
        "call r1 a -> ok, state 1, signal nobody go",
        expect![[r#"
        to order/e1: Result [refused r1 InvalidInstanceIdError!("nobody" is not the id of an entity: such ids have the form @name@key)]
        may vanish; took 1"#]],
    );
    check(
        "call r1 a -> ok, state 1, start",
        expect![[r#"
        to order/e1: Result [refused r1 ProtocolViolationError!(an entity starts an orchestration without a name)]
        may vanish; took 1"#]],
    );
    check(
        "call r1 a -> ok, state x*3145729",
        expect![[r#"
        to order/e1: Result [refused r1 PayloadTooLargeError!(the entity's state is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes))]
        may vanish; took 1"#]],
    );
    check(
        "call r1 a -> ok x*3145729, state 1",
        expect![[r#"
        to order/e1: Result [refused r1 PayloadTooLargeError!(the operation's result is 3145729 bytes long; the limit is 3145728 (setting limits.payload_bytes))]
        state 1; took 1"#]],
    );
}

#[test]
fn what_travels_beside_an_input_is_bounded() {
    check(
        "call r1 a -> ok, state 1, signal @other@k x*70000 input",
        expect![[r#"
            to order/e1: Result [refused r1 PayloadTooLargeError!(a signal's names and ids are 70018 bytes long; the limit is 65536)]
            may vanish; took 1"#]],
    );
    check(
        "call r1 a -> ok, state 1, start x*70000",
        expect![[r#"
        to order/e1: Result [refused r1 PayloadTooLargeError!(an orchestration's name, version, id and trace context are 70004 bytes long; the limit is 65536)]
        may vanish; took 1"#]],
    );
}

#[test]
fn a_signal_for_later_joins_the_others_when_it_is_due() {
    check("signal late at=+5s, signal a", expect!["deliver signal a"]);
    check("signal late at=+1s | -> ok | ", expect!["wait"]);
    check("signal late at=+5s | ", expect!["wait"]);
}

#[test]
fn a_batch_has_an_end() {
    let many = ["signal a"; 150].join(", ");
    let mut world = EntityWorld::default();
    assert_eq!(world.step(&many).matches("signal a").count(), 100);
    let large = ["signal a x*600000"; 3].join(", ");
    assert_eq!(EntityWorld::default().step(&large).matches("signal a").count(), 1);
    assert_eq!(EntityWorld::default().step("signal a x*2000000").matches("signal a").count(), 1);
}

#[test]
fn a_large_state_leaves_room_for_fewer_operations() {
    let mut world = EntityWorld::default();
    world.step("signal a -> ok, state s*3145728");
    let many = ["signal b x*100000"; 11].join(", ");
    assert_eq!(world.step(&many).matches("signal b").count(), 9);
    let mut world = EntityWorld::default();
    world.step("signal a -> ok, state s*3145728");
    assert_eq!(world.step("signal b x*2000000, signal b").matches("signal b").count(), 1);
}

#[test]
fn a_lock_is_taken_when_everything_before_it_is_done() {
    check("signal a, lock s1 @counter@a", expect!["deliver signal a"]);
    check(
        "signal a, lock s1 @counter@a -> ok | ",
        expect!["locked by order/e1 for s1, then to order/e1: Result [granted s1]; may vanish; took 2"],
    );
}

#[test]
fn a_lock_goes_on_to_the_next_entity_of_the_section() {
    check(
        "lock s1 @counter@a,@counter@b",
        expect![
            "locked by order/e1 for s1, then to @counter@b: Control [lock s1 @counter@a,@counter@b at 1 of order/e1]; may vanish; took 1"
        ],
    );
    check(
        "lock s1 @a@x,@counter@a at=1",
        expect!["locked by order/e1 for s1, then to order/e1: Result [granted s1]; may vanish; took 1"],
    );
}

#[test]
fn while_locked_only_the_owner_calls() {
    let locked = "lock s1 @counter@a from=o/e | ";
    let check = |rest: &str, expected| check(&format!("{locked}{rest}"), expected);
    check(
        "signal a, call r1 b from=p/e, call r2 c from=o/e, call r3 d from=o/other, call r4 e from=o/",
        expect!["deliver call r2 c of o/e, call r4 e of o"],
    );
    check("signal a, call r1 b from=p/e", expect!["wait"]);
    check("lock s2 @counter@a from=p/e", expect!["wait"]);
    check("signal a, unlock s1 from=o/e", expect!["free; may vanish; took 3"]);
    check("signal a, unlock s1 from=o/e |  | ", expect!["deliver signal a"]);
}

#[test]
fn an_unlock_comes_after_the_calls_before_it() {
    check(
        "lock s1 @counter@a from=o/e | call r1 a from=o/e, unlock s1 from=o/e",
        expect!["deliver call r1 a of o/e"],
    );
    check(
        "lock s1 @counter@a from=o/e | call r1 a from=o/e, unlock s1 from=o/e -> ok | ",
        expect!["free; may vanish; took 3"],
    );
}

#[test]
fn a_lock_that_is_gone_lets_the_next_one_in() {
    check(
        "lock s1 @counter@a from=o/e, lock s2 @counter@a from=p/e | gone s1",
        expect!["locked by p/e for s2, then to p/e: Result [granted s2]; may vanish; took 2"],
    );
}

#[test]
fn what_means_nothing_is_taken_out() {
    check("unlock s1", expect!["may vanish; took 1"]);
    check("junk, signal a", expect!["may vanish; took 1"]);
    check("lock s1 @counter@a | lock s1 @counter@a", expect!["may vanish; took 2"]);
    check("lock s1 @counter@a | unlock s2", expect!["may vanish; took 2"]);
    check("lock s1 @counter@a | unlock s1 from=other/e1", expect!["may vanish; took 2"]);
}
