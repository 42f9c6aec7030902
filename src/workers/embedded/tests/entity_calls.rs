//! Calling and signalling entities from an orchestration.

use super::{future::*, history::*, *};

fn counter(key: &str) -> EntityId {
    EntityId::new("Counter", key).unwrap()
}

async fn add_twice(ctx: OrchestrationContext) -> Result<i64, TaskError> {
    let one = ctx.call_entity::<i64>(&counter("A"), "add", &1).await?;
    ctx.signal_entity(&counter("B"), "add", &one);
    ctx.signal_entity_at(ctx.now() + SECOND, &counter("B"), "reset", &());
    ctx.call_entity(&counter("A"), "add", &one).await
}

#[test]
fn calls_are_answered_under_the_request_id_in_history() {
    let main = main(add_twice);
    let first = [turn(1), started("")];
    check(
        &main,
        &[],
        &first,
        expect![[r#"
        0 call add of @counter@A 1 #01d9
    "#]],
    );
    // The id in history counts, also if this code would make another one.
    let past = [first.to_vec(), vec![called(0, "add", "@counter@A", "r0")]].concat();
    check(
        &main,
        &past,
        &[turn(2), call_done("r0", "5")],
        expect![[r#"
        1 signal add to @counter@B 5
        2 signal reset to @counter@B - at 3s
        3 call add of @counter@A 5 #567b
    "#]],
    );
    let second = vec![
        turn(2),
        call_done("r0", "5"),
        signaled(1, "add", "@counter@B"),
        signaled(2, "reset", "@counter@B"),
        called(3, "add", "@counter@A", "r3"),
    ];
    let past = [past, second].concat();
    check(
        &main,
        &past,
        &[turn(3), call_done("r0", "9"), call_done("zz", "9"), granted("r3")],
        expect![[r#""#]],
    );
    check(
        &main,
        &past,
        &[turn(3), call_done("r3", "10")],
        expect![[r#"
        4 Completed 10
    "#]],
    );
}

#[test]
fn a_failed_operation_is_an_error_with_type_and_message() {
    let past = [turn(1), started(""), called(0, "add", "@counter@A", "r0")];
    check(
        &main(add_twice),
        &past,
        &[turn(2), call_failed("r0", "Overflow")],
        expect![[r#"
        1 Failed - | TaskFailedError: operation 'add' of entity '@counter@A' failed: Overflow: oops | Overflow: oops
    "#]],
    );
    check(
        &main(add_twice),
        &past,
        &[turn(2), call_done("r0", "\"x\"")],
        expect![[r#"
        1 Failed - | InvalidDataError!: the result of operation 'add' of entity '@counter@A' cannot be used: invalid type: string "x", expected i64 at line 1 column 3
    "#]],
    );
    let caught =
        main(async |ctx: OrchestrationContext| match ctx.call_entity::<()>(&counter("A"), "add", &1).await {
            Ok(()) => Ok("fine".to_owned()),
            Err(error) if error.kind() == ErrorKind::Entity => Ok(error.error_type().to_owned()),
            Err(other) => Err(other),
        });
    check(
        &caught,
        &past,
        &[turn(2), call_failed("r0", "Overflow")],
        expect![[r#"
        1 Completed "Overflow"
    "#]],
    );
}

#[test]
fn calls_can_be_started_joined_and_left_alone() {
    let main = main(async |ctx: OrchestrationContext| {
        let early = ctx.call_entity::<i64>(&counter("A"), "get", &()).start();
        let late = ctx.timeout(SECOND, ctx.call_entity::<i64>(&counter("B"), "get", &())).await;
        let both = join(early, ctx.call_entity::<i64>(&counter("C"), "get", &())).await;
        Ok::<_, TaskError>((late.is_err(), both.0?, both.1?))
    });
    check(
        &main,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 call get of @counter@A - #01d9
        1 call get of @counter@B - #f265
        2 timer at 2s
    "#]],
    );
    let past = [
        turn(1),
        started(""),
        called(0, "get", "@counter@A", "a"),
        called(1, "get", "@counter@B", "b"),
        timer(2),
        turn(2),
        fired(2),
        called(3, "get", "@counter@C", "c"),
    ];
    let new = [turn(3), call_done("c", "3"), call_done("b", "2"), call_done("a", "1")];
    check(
        &main,
        &past,
        &new,
        expect![[r#"
        4 Completed [true,1,3]
    "#]],
    );
}

#[test]
fn while_suspended_answers_wait() {
    let past = [turn(1), started(""), called(0, "add", "@counter@A", "r0"), turn(2), suspended()];
    check(&main(add_twice), &past, &[turn(3), call_failed("r0", "E")], expect![""]);
    check(
        &main(add_twice),
        &past,
        &[turn(3), call_failed("r0", "E"), resumed()],
        expect![[r#"
        1 Failed - | TaskFailedError: operation 'add' of entity '@counter@A' failed: E: oops | E: oops
    "#]],
    );
}

#[test]
fn history_and_code_must_agree_on_entity_operation_and_kind() {
    for record in [
        called(0, "get", "@counter@A", "r"),
        called(0, "add", "@counter@B", "r"),
        signaled(0, "add", "@counter@A"),
        lock(0, "s", &["@counter@A", "@counter@B"]),
        unlocked(0, "s", "@counter@A"),
        scheduled(0, "add"),
    ] {
        let text = answer(&main(add_twice), &[turn(1), started(""), record], &[turn(2)]);
        assert!(
            text.contains("NonDeterminismError!: ")
                && text.contains("but the code asks for a call of 'add' on '@counter@A'"),
            "{text}"
        );
    }
    let past =
        [turn(1), started(""), called(0, "add", "@counter@A", "a"), called(1, "get", "@counter@A", "b")];
    let text = answer(&main(add_twice), &past, &[turn(2)]);
    assert!(
        text.contains("history has a call of 'get' on '@counter@A', but the code asks for nothing more"),
        "{text}"
    );
}

#[test]
fn an_input_that_json_cannot_express_is_an_error() {
    fn odd() -> std::collections::BTreeMap<Vec<u8>, u8> {
        std::collections::BTreeMap::from([(vec![1], 2)])
    }
    let call =
        main(async |ctx: OrchestrationContext| ctx.call_entity::<()>(&counter("A"), "add", &odd()).await);
    check(
        &call,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 Failed - | InvalidDataError!: the input of 'add' for '@counter@A' cannot be written as JSON: key must be a string
    "#]],
    );
    let signal = main(async |ctx: OrchestrationContext| {
        ctx.signal_entity(&counter("A"), "add", &odd());
        Ok::<_, TaskError>(())
    });
    check(
        &signal,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 Failed - | InvalidDataError!: the input of signal 'add' to '@counter@A' cannot be written as JSON: key must be a string
    "#]],
    );
    let no_id = main(async |_: OrchestrationContext| {
        EntityId::new("", "k")?;
        Ok::<_, TaskError>(())
    });
    check(
        &no_id,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 Failed - | InvalidIdError!: the name of an entity must not be empty
    "#]],
    );
}
