//! Code that does not do what its history says, and code that cannot be replayed at all.

use super::{history::*, *};

async fn one(ctx: OrchestrationContext) -> Result<u8, TaskError> {
    ctx.activity("A", &()).await
}

/// The completing action, shortened to what differs.
fn verdict(registry: &Registry, past: &[HistoryEvent]) -> String {
    let text = answer(registry, past, &[turn(9)]);
    let end = text.find(". Orchestrators must").unwrap_or(text.len());
    let text = text[..end].trim_end();
    text.strip_prefix(
        "1 Failed - | NonDeterminismError!: orchestrator 'Main' does not do what it did before: as action ",
    )
    .unwrap_or(text)
    .to_owned()
}

#[test]
fn history_and_code_must_agree_on_kind_name_and_number() {
    let opening = [turn(1), started("")];
    let cases = [
        (scheduled(0, "A"), ""),
        (scheduled(0, "B"), "0, history has activity 'B', but the code asks for activity 'A'"),
        (timer(0), "0, history has a timer, but the code asks for activity 'A'"),
        (
            child(0, "A", "c"),
            "0, history has sub-orchestration 'A' with id 'c', but the code asks for activity 'A'",
        ),
        (sent(0, "A", "c"), "0, history has event 'A' to 'c', but the code asks for activity 'A'"),
    ];
    for (record, expected) in cases {
        let past = [opening.to_vec(), vec![record]].concat();
        assert_eq!(verdict(&main(one), &past), expected);
    }
}

#[test]
fn history_may_not_know_more_than_the_code_does() {
    let past = [turn(1), started(""), scheduled(0, "A"), scheduled(1, "B")];
    assert_eq!(verdict(&main(one), &past), "1, history has activity 'B', but the code asks for nothing more");
    let past = [turn(1), started(""), scheduled(0, "A"), turn(2), done(0, "1"), timer(1)];
    assert_eq!(verdict(&main(one), &past), "1, history has a timer, but the code has ended");
}

#[test]
fn a_failure_that_the_first_run_did_not_have_is_the_cause() {
    let broken = main(async |ctx: OrchestrationContext| {
        ctx.activity::<()>("A", &()).await?;
        Err::<(), _>(TaskError::new("NewBug", "oops"))
    });
    let past = [turn(1), started(""), scheduled(0, "A"), turn(2), done(0, "1"), scheduled(1, "B")];
    let text = answer(&broken, &past, &[turn(3)]);
    assert!(
        text.starts_with("1 Failed - | NonDeterminismError!") && text.ends_with("| NewBug: oops\n"),
        "{text}"
    );
}

#[test]
fn a_chosen_child_id_must_be_the_same() {
    let main = main(async |ctx: OrchestrationContext| ctx.sub_orchestration::<()>("C", &()).id("mine").await);
    let past = [turn(1), started(""), child(0, "C", "mine")];
    assert_eq!(verdict(&main, &past), "");
    let past = [turn(1), started(""), child(0, "C", "other")];
    assert_eq!(
        verdict(&main, &past),
        "0, history has sub-orchestration 'C' with id 'other', but the code asks for sub-orchestration 'C' with id 'mine'"
    );
}

#[test]
fn records_may_be_missing_after_a_rewind_and_are_asked_for_again() {
    let main = main(async |ctx: OrchestrationContext| {
        future::try_join(ctx.activity::<u8>("A", &()), ctx.activity::<u8>("B", &())).await
    });
    let past = [turn(1), started(""), scheduled(1, "B"), turn(2), done(1, "2")];
    check(
        &main,
        &past,
        &[turn(3)],
        expect![[r#"
        0 activity A -
    "#]],
    );
}

#[test]
fn awaiting_what_no_history_brings_is_an_error() {
    let forever = main(async |_: OrchestrationContext| {
        std::future::pending::<()>().await;
        Ok::<_, TaskError>(())
    });
    check(
        &forever,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 Failed - | NotDurableError!: orchestrator 'Main' awaits something that is not durable, and would wait for ever. Orchestrators may only await what their context gives them; sleeping, I/O and the like belong in activities.
    "#]],
    );
    let busy = main(async |_: OrchestrationContext| {
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        })
        .await;
        Ok::<_, TaskError>(())
    });
    let text = answer(&busy, &[], &[turn(1), started("")]);
    assert!(text.contains("NotDurableError!: orchestrator 'Main' keeps waking itself"), "{text}");
}

#[test]
fn sleeping_the_tokio_way_is_an_error() {
    let sleepy = main(async |ctx: OrchestrationContext| {
        let early = ctx.activity::<u8>("A", &()).start();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        early.await
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let text = runtime.block_on(async { answer(&sleepy, &[], &[turn(1), started("")]) });
    assert!(text.contains("NotDurableError!"), "{text}");
    // Without a runtime it panics, which is a failure as well.
    let text = answer(&sleepy, &[], &[turn(1), started("")]);
    assert!(text.contains("PanicError: orchestrator 'Main' panicked: there is no reactor running"), "{text}");
}

#[test]
fn things_that_orchestrators_do_among_themselves_may_be_awaited() {
    let main = main(async |ctx: OrchestrationContext| {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let ask = async {
            sender.send(ctx.activity::<u8>("A", &()).await).unwrap();
        };
        future::join(receiver, ask).await.0.unwrap()
    });
    let past = [turn(1), started(""), scheduled(0, "A")];
    check(
        &main,
        &past[..2],
        &[],
        expect![[r#"
        0 activity A -
    "#]],
    );
    check(
        &main,
        &past,
        &[turn(2), done(0, "7")],
        expect![[r#"
        1 Completed 7
    "#]],
    );
}

#[tokio::test]
async fn the_budget_of_the_surrounding_task_does_not_count() {
    let main = main(async |_: OrchestrationContext| {
        for n in 0..1_000u32 {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            sender.send(n).unwrap();
            assert_eq!(receiver.await, Ok(n));
        }
        Ok::<_, TaskError>(())
    });
    check(
        &main,
        &[],
        &[turn(1), started("")],
        expect![[r#"
            0 Completed -
        "#]],
    );
}

#[test]
fn a_history_without_a_beginning_fails() {
    check(
        &main(one),
        &[],
        &[turn(1)],
        expect![[r#"
        0 Failed - | InvalidHistoryError!: the history has no ExecutionStarted
    "#]],
    );
}
