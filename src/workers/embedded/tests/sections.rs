//! Critical sections.

use super::{future::*, history::*, *};

fn entity(key: &str) -> EntityId {
    EntityId::new("E", key).unwrap()
}

async fn both(ctx: OrchestrationContext) -> Result<u8, TaskError> {
    let section = ctx.lock_entities([entity("b"), entity("a"), entity("b")]).await?;
    let read: u8 = ctx.call_entity(&entity("a"), "get", &()).await?;
    section.unlock();
    ctx.activity("After", &read).await
}

fn until_locked() -> Vec<HistoryEvent> {
    vec![turn(1), started(""), lock(0, "s", &["@e@a", "@e@b"]), turn(2), granted("s")]
}

#[test]
fn locks_are_asked_for_in_order_and_given_back_one_by_one() {
    let main = main(both);
    check(
        &main,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 lock @e@a @e@b #01d9
    "#]],
    );
    let past = until_locked();
    check(
        &main,
        &past[..3],
        &past[3..],
        expect![[r#"
        1 call get of @e@a - #f265
    "#]],
    );
    let past = [past, vec![called(1, "get", "@e@a", "r")]].concat();
    check(&main, &past, &[turn(3)], expect![""]);
    // The unlocks name the section as history does.
    check(
        &main,
        &past,
        &[turn(3), call_done("r", "7")],
        expect![[r#"
        2 unlock @e@a #s
        3 unlock @e@b #s
        4 activity After 7
    "#]],
    );
    let third = vec![
        turn(3),
        call_done("r", "7"),
        unlocked(2, "s", "@e@a"),
        unlocked(3, "s", "@e@b"),
        scheduled(4, "After"),
    ];
    check(
        &main,
        &[past, third].concat(),
        &[turn(4), done(4, "8")],
        expect![[r#"
        5 Completed 8
    "#]],
    );
}

#[test]
fn whatever_ends_the_code_gives_the_locks_back() {
    let past = [until_locked(), vec![called(1, "get", "@e@a", "r")]].concat();
    check(
        &main(both),
        &past,
        &[turn(3), call_failed("r", "Broken")],
        expect![[r#"
        2 unlock @e@a #s
        3 unlock @e@b #s
        4 Failed - | TaskFailedError: operation 'get' of entity '@e@a' failed: Broken: oops | Broken: oops
    "#]],
    );
    check(
        &main(both),
        &past,
        &[turn(3), terminated("1")],
        expect![[r#"
        2 unlock @e@a #s
        3 unlock @e@b #s
        4 Terminated 1
    "#]],
    );
    let panics = main(async |ctx: OrchestrationContext| -> Result<(), TaskError> {
        let _section = ctx.lock_entities([&entity("a")]).await?;
        panic!("boom")
    });
    let past = [turn(1), started(""), lock(0, "s", &["@e@a"])];
    check(
        &panics,
        &past,
        &[turn(2), granted("s")],
        expect![[r#"
        1 unlock @e@a #s
        2 Failed - | PanicError: orchestrator 'Main' panicked: boom
    "#]],
    );
    let again = main(async |ctx: OrchestrationContext| -> Result<(), TaskError> {
        let _section = ctx.lock_entities([&entity("a")]).await?;
        ctx.continue_as_new(&1).await
    });
    check(
        &again,
        &past,
        &[turn(2), granted("s")],
        expect![[r#"
        1 unlock @e@a #s
        2 ContinuedAsNew 1
    "#]],
    );
}

#[test]
fn a_turn_that_ends_within_a_section_keeps_the_locks() {
    let waits = main(async |ctx: OrchestrationContext| {
        let _section = ctx.lock_entities([&entity("a")]).await?;
        ctx.event::<()>("Go").await
    });
    let past = [turn(1), started(""), lock(0, "s", &["@e@a"])];
    check(&waits, &past, &[turn(2), granted("s")], expect![""]);
    let past = [past.to_vec(), vec![turn(2), granted("s")]].concat();
    check(
        &waits,
        &past,
        &[turn(3), raised("go", "1")],
        expect![[r#"
        1 unlock @e@a #s
        2 Completed -
    "#]],
    );
}

#[test]
fn locks_that_are_no_longer_wanted_go_back_when_they_come() {
    let main = main(async |ctx: OrchestrationContext| {
        let late = ctx.timeout(SECOND, ctx.lock_entities([&entity("a"), &entity("b")])).await.is_err();
        // Outside of any section: this is allowed, and so is another section.
        ctx.call_entity::<()>(&entity("c"), "get", &late).await?;
        let _section = ctx.lock_entities([&entity("a")]).await?;
        Ok::<_, TaskError>(late)
    });
    let past = [
        turn(1),
        started(""),
        lock(0, "s", &["@e@a", "@e@b"]),
        timer(1),
        turn(2),
        fired(1),
        called(2, "get", "@e@c", "r"),
    ];
    check(
        &main,
        &past[..4],
        &past[4..6],
        expect![[r#"
        2 call get of @e@c true #f33a
    "#]],
    );
    check(
        &main,
        &past,
        &[turn(3), granted("s"), call_done("r", "1")],
        expect![[r#"
        3 unlock @e@a #s
        4 unlock @e@b #s
        5 lock @e@a #a5cc
    "#]],
    );
    check(
        &main,
        &past,
        &[turn(3), call_done("r", "1"), granted("s")],
        expect![[r#"
        3 lock @e@a #567b
        4 unlock @e@a #s
        5 unlock @e@b #s
    "#]],
    );
    let third = vec![
        turn(3),
        call_done("r", "1"),
        granted("s"),
        lock(3, "t", &["@e@a"]),
        unlocked(4, "s", "@e@a"),
        unlocked(5, "s", "@e@b"),
    ];
    check(
        &main,
        &[past.to_vec(), third].concat(),
        &[turn(4), granted("t")],
        expect![[r#"
        6 unlock @e@a #t
        7 Completed true
    "#]],
    );
}

#[test]
fn locks_that_came_but_were_never_looked_at_go_back() {
    // Both come in one turn, and the left one wins.
    let main = main(async |ctx: OrchestrationContext| {
        let race = select(ctx.event::<()>("Go"), ctx.lock_entities([&entity("a")])).await;
        let went = matches!(race, Either::Left(_));
        if let Either::Left((_, locks)) = race {
            let pause = ctx.event::<()>("Pause").await;
            drop((pause, locks));
        }
        ctx.activity::<()>("After", &went).await
    });
    let past = [turn(1), started(""), lock(0, "s", &["@e@a"])];
    check(&main, &past, &[turn(2), raised("go", "1"), granted("s")], expect![""]);
    check(
        &main,
        &past,
        &[turn(2), raised("go", "1"), granted("s"), raised("pause", "1")],
        expect![[r#"
        1 unlock @e@a #s
        2 activity After true
    "#]],
    );
}

/// Runs `misuse` within a section that locks `@e@a`, and tells what it answers.
fn within(
    misuse: impl AsyncFn(OrchestrationContext) -> Result<(), TaskError> + Send + Sync + Clone + 'static,
) -> String {
    let main = main(move |ctx: OrchestrationContext| {
        let misuse = misuse.clone();
        async move {
            let _section = ctx.lock_entities([&entity("a")]).await?;
            misuse(ctx.clone()).await
        }
    });
    let past = [turn(1), started(""), lock(0, "s", &["@e@a"])];
    answer(&main, &past, &[turn(2), granted("s")])
}

#[test]
fn what_may_not_be_done_within_a_section_is_refused_with_the_reason() {
    expect![[r#"
        1 unlock @e@a #s
        2 Failed - | CriticalSectionError!: entity '@e@b' cannot be called in this critical section, because it is not one of those locked
    "#]].assert_eq(&within(async |ctx| ctx.call_entity(&entity("b"), "get", &()).await));
    expect![[r#"
        1 unlock @e@a #s
        2 Failed - | CriticalSectionError!: entity '@e@a' cannot be signalled in a critical section that locks it; call it instead
    "#]].assert_eq(&within(async |ctx| {
        ctx.signal_entity(&entity("a"), "get", &());
        Ok(())
    }));
    expect![[r#"
        1 unlock @e@a #s
        2 Failed - | CriticalSectionError!: a critical section cannot begin before the one before it has ended
    "#]]
    .assert_eq(&within(async |ctx| ctx.lock_entities([&entity("b")]).await.map(drop)));
    expect![[r#"
        1 unlock @e@a #s
        2 Failed - | CriticalSectionError!: sub-orchestration 'C' cannot be called in a critical section
    "#]]
    .assert_eq(&within(async |ctx| ctx.sub_orchestration("C", &()).await));
    // These are fine.
    expect![[r#"
        1 signal get to @e@b -
        2 call x of @e@a 1 #f33a
        3 call y of @e@a 2 #567b
    "#]]
    .assert_eq(&within(async |ctx| {
        ctx.signal_entity(&entity("b"), "get", &());
        try_join(ctx.call_entity::<()>(&entity("a"), "x", &1), ctx.call_entity::<()>(&entity("a"), "y", &2))
            .await
            .map(drop)
    }));
}

#[test]
fn misuse_around_a_section_is_refused_with_the_reason() {
    let nothing =
        main(async |ctx: OrchestrationContext| ctx.lock_entities([] as [EntityId; 0]).await.map(drop));
    check(
        &nothing,
        &[],
        &[turn(1), started("")],
        expect![[r#"
        0 Failed - | CriticalSectionError!: a critical section needs at least one entity to lock
    "#]],
    );
    let impatient = main(async |ctx: OrchestrationContext| {
        let call = ctx.call_entity::<()>(&entity("a"), "get", &());
        join(ctx.lock_entities([&entity("a")]), call).await.1
    });
    let past = [turn(1), started(""), lock(0, "s", &["@e@a"])];
    check(
        &impatient,
        &past,
        &[turn(2), granted("s")],
        expect![[r#"
        1 unlock @e@a #s
        2 Failed - | CriticalSectionError!: entity '@e@a' cannot be called while locks are waited for
    "#]],
    );
}

#[test]
fn a_misuse_can_be_caught() {
    let text = within(async |ctx| {
        let refused = ctx.call_entity::<()>(&entity("b"), "get", &()).await.unwrap_err();
        ctx.call_entity(&entity("a"), "note", refused.error_type()).await
    });
    expect![[r#"
        1 call note of @e@a "CriticalSectionError" #f265
    "#]]
    .assert_eq(&text);
}

/// Everybody moves 1 from its left to its right, in a ring, under locks; nobody waits for ever, and nothing is lost.
#[test]
fn sections_that_overlap_take_turns() {
    async fn mover(ctx: OrchestrationContext, n: u32) -> Result<(), TaskError> {
        let (left, right) = (entity(&n.to_string()), entity(&((n + 1) % 4).to_string()));
        let _section = ctx.lock_entities([&left, &right]).await?;
        let had: i64 = ctx.call_entity(&left, "get", &()).await?;
        ctx.activity::<()>("Pause", &()).await?;
        ctx.call_entity::<()>(&left, "set", &(had - 1)).await?;
        let had: i64 = ctx.call_entity(&right, "get", &()).await?;
        ctx.call_entity::<()>(&right, "set", &(had + 1)).await?;
        if n == 2 { Err(TaskError::new("Late", "the work is done")) } else { Ok(()) }
    }
    let cell = || {
        Entity::<i64>::new().operation("get", async |state: &i64| Ok::<_, TaskError>(*state)).operation(
            "set",
            async |state: &mut i64, to: i64| {
                *state = to;
                Ok::<_, TaskError>(())
            },
        )
    };
    for seed in 0..20 {
        let registry = Registry::new()
            .orchestrator("Mover", mover)
            .activity("Pause", async || Ok::<_, TaskError>(()))
            .entity("E", cell());
        let mut simulator = Simulator::new(registry).shuffled(seed);
        for (id, n) in [("0", "0"), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "0"), ("5", "2")] {
            simulator.start(id, "Mover", n);
        }
        simulator.run();
        for id in ["0", "1", "3", "4"] {
            assert_eq!(simulator.outcome(id), "Completed ", "seed {seed}");
        }
        assert_eq!(simulator.outcome("5"), "Failed Late: the work is done", "seed {seed}");
        let ends = ["@e@0", "@e@1", "@e@2", "@e@3"].map(|id| simulator.entity(id));
        assert_eq!(ends, ["-1", "1", "-1", "1"].map(|state| (Some(state), None)), "seed {seed}");
    }
}
