//! Suspension, termination, status, time, ids.

use super::{history::*, *};

async fn one(ctx: OrchestrationContext) -> Result<u8, TaskError> {
    ctx.activity("A", &()).await
}

#[test]
fn while_suspended_nothing_reaches_the_code() {
    let past = [turn(1), started(""), scheduled(0, "A")];
    check(&main(one), &past, &[turn(2), suspended(), done(0, "1")], expect![""]);
    let past = [past.to_vec(), vec![turn(2), suspended(), done(0, "1")]].concat();
    check(
        &main(one),
        &past,
        &[turn(3), resumed()],
        expect![[r#"
        1 Completed 1
    "#]],
    );
}

#[test]
fn what_was_asked_for_before_a_suspension_is_matched_after_it() {
    let first = [turn(1), started(""), suspended()];
    check(
        &main(one),
        &[],
        &first,
        expect![[r#"
        0 activity A -
    "#]],
    );
    let past = [first.to_vec(), vec![scheduled(0, "A")]].concat();
    check(
        &main(one),
        &past,
        &[turn(2), resumed(), done(0, "1")],
        expect![[r#"
        1 Completed 1
    "#]],
    );
}

#[test]
fn a_suspended_instance_does_not_begin() {
    check(&main(one), &[], &[turn(1), suspended(), started("")], expect![""]);
    check(
        &main(one),
        &[],
        &[turn(1), suspended(), started(""), resumed()],
        expect![[r#"
        0 activity A -
    "#]],
    );
}

#[test]
fn termination_ends_it_even_while_suspended() {
    let past = [turn(1), started(""), scheduled(0, "A"), turn(2), suspended()];
    check(
        &main(one),
        &past,
        &[turn(3), terminated("\"enough\""), resumed(), done(0, "1")],
        expect![[r#"
        1 Terminated "enough"
    "#]],
    );
}

#[test]
fn the_first_ending_counts_but_termination_stops_continue_as_new() {
    let past = [turn(1), started(""), scheduled(0, "A")];
    check(
        &main(one),
        &past,
        &[turn(2), done(0, "1"), terminated("1")],
        expect![[r#"
        1 Completed 1
    "#]],
    );
    let again =
        main(async |ctx: OrchestrationContext| -> Result<(), TaskError> { ctx.continue_as_new(&1).await });
    check(
        &again,
        &[],
        &[turn(1), started(""), terminated("1")],
        expect![[r#"
        0 Terminated 1
    "#]],
    );
}

#[test]
fn the_custom_status_is_told_on_each_turn() {
    let main = main(async |ctx: OrchestrationContext| {
        ctx.set_custom_status("begun");
        ctx.activity::<()>("A", &()).await?;
        ctx.activity::<()>("B", &()).await?;
        ctx.set_custom_status(&());
        Ok::<_, TaskError>(())
    });
    let past = [turn(1), started(""), scheduled(0, "A")];
    check(
        &main,
        &past,
        &[turn(2), done(0, "1")],
        expect![[r#"
        1 activity B -
        status "begun"
    "#]],
    );
    let past = [past.to_vec(), vec![turn(2), done(0, "1"), scheduled(1, "B")]].concat();
    check(
        &main,
        &past,
        &[turn(3), done(1, "1")],
        expect![[r#"
        2 Completed -
    "#]],
    );
}

#[test]
fn a_value_that_json_cannot_express_fails_the_orchestration() {
    let main = main(async |ctx: OrchestrationContext| {
        ctx.set_custom_status(&std::collections::BTreeMap::from([(vec![1], 2)]));
        ctx.activity::<()>("A", &()).await
    });
    check(
        &main,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 activity A -
        1 Failed - | InvalidDataError!: the custom status cannot be written as JSON: key must be a string
    "#]],
    );
}

#[test]
fn time_and_ids_are_those_of_the_first_run() {
    let main = main(async |ctx: OrchestrationContext| {
        let early = (ctx.now().timestamp(), ctx.new_uuid().to_string(), ctx.new_uuid().to_string());
        ctx.activity::<()>("A", &early).await?;
        Ok::<_, TaskError>((early, ctx.now().timestamp(), ctx.new_uuid().to_string(), ctx.is_replaying()))
    });
    let past = [turn(1), started(""), scheduled(0, "A")];
    check(
        &main,
        &[],
        &past[..2],
        expect![[r#"
            0 activity A [1,"a1da8cc5-7281-50b5-b62b-e69b9af12db5","2de9ea53-2176-598c-a0ca-6faac975db1d"]
        "#]],
    );
    check(
        &main,
        &past,
        &[turn(2), done(0, "1")],
        expect![[r#"
            1 Completed [[1,"a1da8cc5-7281-50b5-b62b-e69b9af12db5","2de9ea53-2176-598c-a0ca-6faac975db1d"],2,"d8239061-b44b-55a3-99c5-73d4f7e3c8f4",false]
        "#]],
    );
}

#[test]
fn replaying_ends_where_new_events_begin() {
    let main = main(async |ctx: OrchestrationContext| {
        let mut seen = vec![ctx.is_replaying()];
        for name in ["A", "B"] {
            ctx.activity::<()>(name, &()).await?;
            seen.push(ctx.is_replaying());
        }
        Ok::<_, TaskError>(seen)
    });
    let past = [turn(1), started(""), scheduled(0, "A"), turn(2), done(0, "1"), scheduled(1, "B")];
    check(
        &main,
        &past,
        &[turn(3), done(1, "1")],
        expect![[r#"
        2 Completed [true,true,false]
    "#]],
    );
}

#[test]
fn the_context_knows_its_instance() {
    let main = main(async |ctx: OrchestrationContext| {
        let parent = ctx.parent().unwrap();
        assert_eq!((&*parent.instance_id, parent.name.as_deref()), ("p", Some("Parent")));
        assert_eq!((ctx.instance_id(), ctx.execution_id(), ctx.name()), ("i", "e", "Main"));
        assert_eq!((ctx.version(), &*ctx.tags()["k"]), (Some("2"), "v"));
        ctx.log("all is well");
        Ok::<_, TaskError>(())
    });
    let instance = |id: &str, execution: &str| {
        Some(pb::OrchestrationInstance { instance_id: id.into(), execution_id: Some(execution.into()) })
    };
    let parent = pb::ParentInstanceInfo {
        name: Some("Parent".into()),
        orchestration_instance: instance("p", "q"),
        ..Default::default()
    };
    let started = pb::ExecutionStartedEvent {
        name: "Main".into(),
        version: Some("2".into()),
        orchestration_instance: instance("i", "e"),
        parent_instance: Some(parent),
        tags: [("k".into(), "v".into())].into(),
        ..Default::default()
    };
    let started = event::server_event(Timestamp(0), EventType::ExecutionStarted(started));
    check(
        &main,
        &[],
        &[turn(1), started],
        expect![[r#"
        0 Completed -
    "#]],
    );
}
