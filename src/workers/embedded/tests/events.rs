//! External events: order, names, time limits, and what continue-as-new does with them.

use super::{future::*, history::*, *};

async fn two_events(ctx: OrchestrationContext) -> Result<(u8, u8), TaskError> {
    Ok((ctx.event("Go").await?, ctx.event("Go").await?))
}

#[test]
fn events_are_buffered_and_consumed_in_order_whatever_the_case_of_their_name() {
    let new =
        [turn(1), started(""), raised("go", "1"), raised("other", "5"), raised("GO", "2"), raised("Go", "3")];
    check(
        &main(two_events),
        &[],
        &new,
        expect![[r#"
        0 Completed [1,2]
    "#]],
    );
}

#[test]
fn waiting_for_an_event_asks_for_nothing() {
    check(&main(two_events), &[], &[turn(1), started(""), raised("Go", "1")], expect![""]);
}

#[test]
fn several_who_wait_are_served_in_the_order_in_which_they_asked() {
    let main = main(async |ctx: OrchestrationContext| {
        let waiting = (0..3).map(|_| ctx.event::<u8>("Go"));
        try_join_all(waiting).await
    });
    let new = [turn(1), started(""), raised("Go", "1"), raised("Go", "2"), raised("Go", "3")];
    check(
        &main,
        &[],
        &new,
        expect![[r#"
        0 Completed [1,2,3]
    "#]],
    );
}

#[test]
fn a_payload_of_the_wrong_type_is_an_error_and_consumed() {
    let main = main(async |ctx: OrchestrationContext| {
        let first = ctx.event::<u8>("Go").await.unwrap_err();
        assert_eq!(first.kind(), ErrorKind::Data);
        ctx.event::<u8>("Go").await
    });
    check(
        &main,
        &[],
        &[turn(1), started(""), raised("Go", "\"x\""), raised("Go", "2")],
        expect![[r#"
        0 Completed 2
    "#]],
    );
}

async fn impatient(ctx: OrchestrationContext) -> Result<(Option<u8>, u8), TaskError> {
    Ok((ctx.event("Go").timeout(SECOND).await?, ctx.event("Go").await?))
}

#[test]
fn an_event_in_time_wins_and_a_late_one_is_kept() {
    let past = [turn(1), started(""), timer(0)];
    check(
        &main(impatient),
        &[],
        &past[..2],
        expect![[r#"
        0 timer at 2s
    "#]],
    );
    check(
        &main(impatient),
        &past,
        &[turn(2), raised("Go", "1"), fired(0), raised("Go", "2")],
        expect![[r#"
        1 Completed [1,2]
    "#]],
    );
    check(
        &main(impatient),
        &past,
        &[turn(2), fired(0), raised("Go", "1")],
        expect![[r#"
        1 Completed [null,1]
    "#]],
    );
}

#[test]
fn an_event_that_is_already_there_needs_no_timer() {
    let main = main(async |ctx: OrchestrationContext| {
        ctx.activity::<()>("A", &()).await?;
        ctx.event::<u8>("Go").timeout(SECOND).await
    });
    let past = [turn(1), started(""), raised("Go", "1"), scheduled(0, "A")];
    check(
        &main,
        &past,
        &[turn(2), done(0, "0")],
        expect![[r#"
        1 Completed 1
    "#]],
    );
}

#[test]
fn an_event_in_the_hand_of_one_who_leaves_goes_to_the_next() {
    // Both are ready in the same poll; the left one wins, and the right one gives its event back.
    let main = main(async |ctx: OrchestrationContext| {
        ctx.activity::<()>("A", &()).await?;
        let both = select(ctx.event::<u8>("X"), ctx.event::<u8>("X")).await;
        let Either::Left((first, right)) = both else { panic!() };
        drop(right);
        Ok::<_, TaskError>((first?, ctx.event::<u8>("X").await?))
    });
    let past = [turn(1), started(""), raised("X", "1"), raised("X", "2"), scheduled(0, "A")];
    check(
        &main,
        &past,
        &[turn(2), done(0, "0")],
        expect![[r#"
        1 Completed [1,2]
    "#]],
    );
}

#[test]
fn unit_accepts_any_payload() {
    let main = main(async |ctx: OrchestrationContext| ctx.event::<()>("Go").await);
    check(
        &main,
        &[],
        &[turn(1), started(""), raised("Go", "not even json")],
        expect![[r#"
        0 Completed -
    "#]],
    );
}

#[test]
fn continue_as_new_carries_unconsumed_events_over_in_order() {
    let main = main(async |ctx: OrchestrationContext, round: u8| -> Result<(), TaskError> {
        ctx.send_event("other", "Ping", &round);
        let unused = ctx.event::<u8>("c");
        let next: u8 = ctx.event("a").await?;
        drop(unused);
        ctx.continue_as_new(&(round + next)).await
    });
    let new = [turn(1), started("1"), raised("b", "1"), raised("a", "2"), raised("c", "3"), raised("a", "4")];
    check(
        &main,
        &[],
        &new,
        expect![[r#"
        0 event Ping to other 1
        1 ContinuedAsNew 3 + b 1 + c 3 + a 4
    "#]],
    );
}

#[test]
fn continue_as_new_may_discard_events_and_change_the_version() {
    let main = main(async |ctx: OrchestrationContext| -> Result<u8, TaskError> {
        ctx.continue_as_new(&()).discard_events().version("2").await
    });
    let new = [turn(1), started(""), raised("a", "1")];
    check(
        &main,
        &[],
        &new,
        expect![[r#"
        0 ContinuedAsNew -
    "#]],
    );
    let response = main.run_orchestrator(request(&[], &new));
    let Some(Action::CompleteOrchestration(it)) = &response.actions[0].orchestrator_action_type else {
        panic!()
    };
    assert_eq!(it.new_version.as_deref(), Some("2"));
}

#[test]
fn nothing_runs_after_continue_as_new() {
    let main = main(async |ctx: OrchestrationContext| -> Result<u8, TaskError> {
        let _: u8 = ctx.continue_as_new(&1).await;
        ctx.activity("A", &()).await
    });
    check(
        &main,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 ContinuedAsNew 1
    "#]],
    );
}
