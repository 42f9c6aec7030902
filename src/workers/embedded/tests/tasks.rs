//! Activities, timers, sub-orchestrations, retries.

use super::{future::*, history::*, *};

async fn two_steps(ctx: OrchestrationContext, input: String) -> Result<Vec<String>, TaskError> {
    let first = ctx.activity("A", &input).await?;
    let second = ctx.activity("B", &first).await?;
    Ok(vec![first, second])
}

#[test]
fn one_activity_after_another() {
    let main = main(two_steps);
    let first = [turn(1), started("\"x\"")];
    check(
        &main,
        &[],
        &first,
        expect![[r#"
        0 activity A "x"
    "#]],
    );
    let past = [first.to_vec(), vec![scheduled(0, "A")]].concat();
    check(
        &main,
        &past,
        &[turn(2), done(0, "\"a\"")],
        expect![[r#"
        1 activity B "a"
    "#]],
    );
    let past = [past, vec![turn(2), done(0, "\"a\""), scheduled(1, "B")]].concat();
    check(
        &main,
        &past,
        &[turn(3), done(1, "\"b\"")],
        expect![[r#"
        2 Completed ["a","b"]
    "#]],
    );
}

#[test]
fn an_unhandled_failure_is_the_inner_failure_of_the_orchestration() {
    let past = [turn(1), started("\"x\""), scheduled(0, "A")];
    check(
        &main(two_steps),
        &past,
        &[turn(2), failed(0, "Declined")],
        expect![[r#"
        1 Failed - | TaskFailedError: activity 'A' failed: Declined: oops | Declined: oops
    "#]],
    );
}

#[test]
fn a_result_of_the_wrong_type_says_so() {
    let past = [turn(1), started("\"x\""), scheduled(0, "A")];
    check(
        &main(two_steps),
        &past,
        &[turn(2), done(0, "7")],
        expect![[r#"
        1 Failed - | InvalidDataError!: the result of activity 'A' cannot be used: invalid type: integer `7`, expected a string at line 1 column 1
    "#]],
    );
}

#[test]
fn repetitions_unknown_ids_and_other_kinds_of_results_are_ignored() {
    let past = [turn(1), started("\"x\""), scheduled(0, "A"), turn(2), done(0, "\"a\""), scheduled(1, "B")];
    let new = [turn(3), done(0, "\"z\""), failed(0, "Late"), done(9, "1"), fired(1), child_done(1, "1")];
    check(&main(two_steps), &past, &new, expect![""]);
    let unknown = event::server_event(Timestamp(0), EventType::GenericEvent(pb::GenericEvent { data: None }));
    let new = [turn(3), unknown, HistoryEvent::default(), started("\"again\""), done(1, "\"b\"")];
    check(
        &main(two_steps),
        &past,
        &new,
        expect![[r#"
        2 Completed ["a","b"]
    "#]],
    );
}

#[test]
fn options_of_a_call_reach_the_action() {
    let main = main(async |ctx: OrchestrationContext| {
        let child = ctx.sub_orchestration::<()>("C", &1).id("mine").version("2").tag("k", "v").start();
        ctx.activity::<()>("A", &()).version("3").tag("a", "b").await?;
        child.await
    });
    let response = main.run_orchestrator(request(&[], &[turn(1), started("")]));
    let mut actions = response.actions.into_iter().map(|action| action.orchestrator_action_type.unwrap());
    let Some(Action::CreateSubOrchestration(child)) = actions.next() else { panic!() };
    assert_eq!((&*child.instance_id, child.version.as_deref(), &*child.tags["k"]), ("mine", Some("2"), "v"));
    let Some(Action::ScheduleTask(task)) = actions.next() else { panic!() };
    assert_eq!((task.input, task.version.as_deref(), &*task.tags["a"]), (None, Some("3"), "b"));
}

#[test]
fn sub_orchestrations_get_ids_that_differ_between_executions() {
    let main = main(async |ctx: OrchestrationContext| {
        join(ctx.sub_orchestration::<u8>("C", &1), ctx.sub_orchestration::<u8>("C", &2)).await.0
    });
    check(
        &main,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 child C x:0000 1
        1 child C x:0001 2
    "#]],
    );
    // After a rewind the execution id is another one, and the history still counts.
    let past = [turn(1), started(""), child(0, "C", "y:0000"), child(1, "C", "y:0001"), child_done(0, "8")];
    check(
        &main,
        &past,
        &[turn(2), child_failed(1, "Gone")],
        expect![[r#"
        2 Completed 8
    "#]],
    );
}

async fn stubborn(ctx: OrchestrationContext, attempts: u32) -> Result<u8, TaskError> {
    let policy = RetryPolicy::new(attempts, SECOND).backoff(2.0).when(|error| error.error_type() != "Fatal");
    ctx.activity("A", &1).retry(policy).await
}

#[test]
fn a_retry_waits_for_a_durable_timer() {
    let first = vec![turn(10), started("3"), scheduled(0, "A"), turn(20), failed(0, "Busy")];
    check(
        &main(stubborn),
        &first[..3],
        &first[3..],
        expect![[r#"
        1 timer at 21s
    "#]],
    );
    let past = [first, vec![timer(1)]].concat();
    check(
        &main(stubborn),
        &past,
        &[turn(30), fired(1)],
        expect![[r#"
        2 activity A 1
    "#]],
    );
    let past = [past, vec![turn(30), fired(1), scheduled(2, "A")]].concat();
    check(
        &main(stubborn),
        &past,
        &[turn(40), failed(2, "Busy")],
        expect![[r#"
        3 timer at 42s
    "#]],
    );
    check(
        &main(stubborn),
        &past,
        &[turn(40), failed(2, "Fatal")],
        expect![[r#"
        3 Failed - | TaskFailedError: activity 'A' failed: Fatal: oops | Fatal: oops
    "#]],
    );
    let past =
        [past, vec![turn(40), failed(2, "Busy"), timer(3), turn(50), fired(3), scheduled(4, "A")]].concat();
    check(
        &main(stubborn),
        &past,
        &[turn(60), failed(4, "Busy")],
        expect![[r#"
        5 Failed - | TaskFailedError: activity 'A' failed: Busy: oops | Busy: oops
    "#]],
    );
    check(
        &main(stubborn),
        &past,
        &[turn(60), done(4, "7")],
        expect![[r#"
        5 Completed 7
    "#]],
    );
}

#[test]
fn a_sub_orchestration_with_an_id_is_retried_under_it() {
    let main = main(async |ctx: OrchestrationContext| {
        ctx.sub_orchestration::<u8>("C", &()).id("mine").retry(RetryPolicy::new(2, SECOND)).await
    });
    let past = [turn(1), started(""), child(0, "C", "mine"), turn(2), child_failed(0, "E"), timer(1)];
    check(
        &main,
        &past,
        &[turn(3), fired(1)],
        expect![[r#"
        2 child C mine -
    "#]],
    );
}

#[test]
fn timers_count_from_the_turn_that_sets_them() {
    let main = main(async |ctx: OrchestrationContext| {
        ctx.timer(5 * SECOND).await;
        ctx.timer_at(ctx.now() + Duration::from_secs(60)).await;
        ctx.timer(Duration::MAX).await;
        Ok::<_, TaskError>(())
    });
    check(
        &main,
        &[],
        &[turn(100), started("")],
        expect![[r#"
        0 timer at 105s
    "#]],
    );
    let past = [turn(100), started(""), timer(0)];
    check(
        &main,
        &past,
        &[turn(200), fired(0)],
        expect![[r#"
        1 timer at 260s
    "#]],
    );
    let past = [turn(100), started(""), timer(0), turn(200), fired(0), timer(1)];
    check(
        &main,
        &past,
        &[turn(300), fired(1)],
        expect![[r#"
        2 timer at 253402300799s
    "#]],
    );
}

#[test]
fn what_is_given_up_goes_on_but_is_ignored() {
    let main = main(async |ctx: OrchestrationContext| {
        let slow = ctx.timeout(SECOND, ctx.activity::<u8>("Slow", &())).await;
        let fast: u8 = ctx.activity("Fast", &slow.is_err()).await?;
        Ok::<_, TaskError>(fast)
    });
    let past = [turn(1), started(""), scheduled(0, "Slow"), timer(1)];
    check(
        &main,
        &past,
        &[turn(2), fired(1)],
        expect![[r#"
        2 activity Fast true
    "#]],
    );
    let past =
        [turn(1), started(""), scheduled(0, "Slow"), timer(1), turn(2), fired(1), scheduled(2, "Fast")];
    check(
        &main,
        &past,
        &[turn(3), done(0, "1"), done(2, "2")],
        expect![[r#"
        3 Completed 2
    "#]],
    );
}

#[test]
fn a_timeout_can_be_the_error_of_the_orchestration() {
    let main = main(async |ctx: OrchestrationContext| -> Result<u8, TaskError> {
        ctx.timeout(SECOND, ctx.activity("Slow", &())).await?
    });
    let past = [turn(1), started(""), scheduled(0, "Slow"), timer(1)];
    check(
        &main,
        &past,
        &[turn(2), fired(1)],
        expect![[r#"
        2 Failed - | TimeoutError: timed out after 1s
    "#]],
    );
}

#[test]
fn select_takes_what_came_first_in_history() {
    let main = main(async |ctx: OrchestrationContext| {
        let winner = match select(ctx.activity::<u8>("A", &()), ctx.activity::<u8>("B", &())).await {
            Either::Left(_) => "A",
            Either::Right(_) => "B",
        };
        Ok::<_, TaskError>(winner)
    });
    let past = [turn(1), started(""), scheduled(0, "A"), scheduled(1, "B")];
    check(
        &main,
        &past,
        &[turn(2), done(1, "1"), done(0, "1")],
        expect![[r#"
        2 Completed "B"
    "#]],
    );
}
