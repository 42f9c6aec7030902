//! Registered functions: their shapes, their errors, their panics.

use super::{history::*, *};

async fn run_activity(registry: &Registry, name: &str, input: Option<&str>) -> String {
    let instance = pb::OrchestrationInstance { instance_id: "i".into(), execution_id: Some("x".into()) };
    let request = pb::ActivityRequest {
        name: name.into(),
        input: input.map(str::to_owned),
        task_id: 7,
        orchestration_instance: Some(instance),
        ..Default::default()
    };
    let response = registry.run_activity(request).await;
    assert_eq!((&*response.instance_id, response.task_id), ("i", 7));
    match response.failure_details {
        None => response.result.unwrap_or_else(|| "-".into()),
        Some(it) => {
            let mark = if it.is_non_retriable { "!" } else { "" };
            let inner =
                it.inner_failure.map(|inner| format!(" | {}: {}", inner.error_type, inner.error_message));
            format!("{}{mark}: {}{}", it.error_type, it.error_message, inner.unwrap_or_default())
        }
    }
}

async fn both(ctx: ActivityContext, n: u8) -> Result<String, std::num::ParseIntError> {
    Ok(format!("{} {n}", ctx.task_id()))
}
async fn input_only(n: Option<u8>) -> Result<Option<u8>, TaskError> {
    Ok(n)
}
async fn context_only(ctx: ActivityContext) -> Result<String, String> {
    Ok(format!("{} {} {:?}", ctx.name(), ctx.instance_id(), ctx.execution_id()))
}
async fn nothing() -> Result<(), BoxError> {
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read the order")]
struct BadOrder(#[from] std::num::ParseIntError);

async fn fails(text: String) -> Result<u8, BadOrder> {
    Ok(text.parse()?)
}
async fn panics(early: bool) -> Result<(), BoxError> {
    assert!(!early, "early {early}");
    tokio::task::yield_now().await;
    panic!("late")
}
fn panics_at_once(_: ()) -> std::future::Ready<Result<(), TaskError>> {
    panic!("at once")
}

#[tokio::test]
async fn activities_come_in_four_shapes_and_their_errors_are_told() {
    let registry = Registry::new()
        .activity("both", both)
        .activity("input_only", input_only)
        .activity("context_only", context_only)
        .activity("nothing", nothing)
        .activity("fails", fails)
        .activity("panics", panics)
        .activity("panics_at_once", panics_at_once)
        .activity("closure", |n: u32| async move { Ok::<_, TaskError>(n + 1) });
    let cases = [
        ("both", Some("5"), "\"7 5\""),
        (
            "both",
            None,
            "InvalidInputError!: the input of 'both' cannot be used: invalid type: null, expected u8 at line 1 column 4",
        ),
        (
            "both",
            Some("256"),
            "InvalidInputError!: the input of 'both' cannot be used: invalid value: integer `256`, expected u8 at line 1 column 3",
        ),
        ("input_only", Some("5"), "5"),
        ("input_only", None, "-"),
        ("context_only", Some("ignored"), "\"context_only i Some(\\\"x\\\")\""),
        ("nothing", Some("ignored"), "-"),
        ("fails", Some("\"5\""), "5"),
        ("fails", Some("\"x\""), "BadOrder: cannot read the order | Error: invalid digit found in string"),
        ("panics", Some("true"), "PanicError: activity 'panics' panicked: early true"),
        ("panics", Some("false"), "PanicError: activity 'panics' panicked: late"),
        ("panics_at_once", None, "PanicError: activity 'panics_at_once' panicked: at once"),
        ("closure", Some("5"), "6"),
        (
            "missing",
            None,
            "ActivityNotRegisteredError!: no activity named 'missing' is registered in this process",
        ),
    ];
    for (name, input, expected) in cases {
        assert_eq!(run_activity(&registry, name, input).await, expected, "{name} {input:?}");
    }
}

#[test]
fn orchestrators_fail_with_whatever_error_they_return() {
    let opening = [turn(1), started("\"x\"")];
    check(
        &main(async |_: OrchestrationContext, text: String| Ok::<_, BadOrder>(text.parse::<u8>()?)),
        &[],
        &opening,
        expect![[r#"
        0 Failed - | BadOrder: cannot read the order | Error: invalid digit found in string
    "#]],
    );
    check(
        &main(async |_: OrchestrationContext| Err::<(), _>("just text")),
        &[],
        &opening,
        expect![[r#"
        0 Failed - | Error: just text
    "#]],
    );
    check(
        &main(async |_: OrchestrationContext, _: u8| Ok::<_, TaskError>(())),
        &[],
        &opening,
        expect![[r#"
        0 Failed - | InvalidInputError!: the input of 'Main' cannot be used: invalid type: string "x", expected u8 at line 1 column 3
    "#]],
    );
}

#[test]
fn an_unregistered_orchestrator_fails_whatever_its_history() {
    let past = [turn(1), started(""), scheduled(0, "A")];
    check(
        &Registry::new(),
        &past,
        &[turn(2), done(0, "1")],
        expect![[r#"
        0 Failed - | OrchestratorNotRegisteredError!: no orchestrator named 'Main' is registered in this process
    "#]],
    );
}

struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("while cleaning up");
    }
}

#[test]
fn a_panic_is_a_failure() {
    let opening = [turn(1), started("")];
    let early = main(async |_: OrchestrationContext| -> Result<(), TaskError> { panic!("boom {}", 1) });
    check(
        &early,
        &[],
        &opening,
        expect![[r#"
        0 Failed - | PanicError: orchestrator 'Main' panicked: boom 1
    "#]],
    );
    let late = main(async |ctx: OrchestrationContext| -> Result<(), TaskError> {
        ctx.activity::<()>("A", &()).await?;
        panic!("boom")
    });
    let past = [opening.to_vec(), vec![scheduled(0, "A")]].concat();
    check(
        &late,
        &past,
        &[turn(2), done(0, "1")],
        expect![[r#"
        1 Failed - | PanicError: orchestrator 'Main' panicked: boom
    "#]],
    );
    // A turn that only waits drops the code, and that may panic as well.
    let dropped = main(async |ctx: OrchestrationContext| {
        let _grenade = Grenade;
        ctx.activity::<()>("A", &()).await
    });
    check(
        &dropped,
        &[],
        &opening,
        expect![[r#"
        0 activity A -
    "#]],
    );
}

#[test]
fn merged_registries_know_the_functions_of_both() {
    let first = Registry::new().orchestrator("B", nothing_to_do).activity("x", nothing);
    let all = first.merge(Registry::new().orchestrator("A", nothing_to_do));
    assert!(all.orchestrators().eq(["A", "B"]));
    assert!(all.activities().eq(["x"]));
}

async fn nothing_to_do(_: OrchestrationContext) -> Result<(), TaskError> {
    Ok(())
}
