//! Whatever fails, and in whatever order results come in: a rewound history is one that the orchestrator could have had.

use super::world::World;
use crate::{
    engine::Next,
    model::{
        Class, NewMessage, Status, StatusExt as _, answered_action, event, failure,
        pb::{self, HistoryEvent, history_event::EventType},
    },
    workers::embedded::{OrchestrationContext, Registry, RetryPolicy, TaskError},
};
use futures_util::future::join_all;
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

/// What an orchestrator does about a failure.
#[derive(Clone, Copy, Debug)]
enum Care {
    Fails,
    UndoesAndGoesOn,
    UndoesAndFails,
}

/// Tasks that run together: so many chains, each with so many steps one after the other.
#[derive(Clone, Copy, Debug)]
struct Phase {
    chains: usize,
    steps: usize,
    retries: bool,
    children: bool,
    care: Care,
}

async fn run(ctx: OrchestrationContext, phases: Vec<Phase>) -> Result<(), TaskError> {
    for (number, phase) in phases.into_iter().enumerate() {
        let chains = (0..phase.chains).map(|chain| {
            let ctx = ctx.clone();
            async move {
                for step in 0..phase.steps {
                    let (name, input) = (format!("Step{step}"), (number, chain));
                    let policy = RetryPolicy::new(if phase.retries { 3 } else { 1 }, Duration::from_secs(1));
                    match phase.children {
                        true => ctx.sub_orchestration::<u8>(&name, &input).retry(policy).await?,
                        false => ctx.activity::<u8>(&name, &input).retry(policy).await?,
                    };
                }
                Ok::<_, TaskError>(())
            }
        });
        let failed = join_all(chains).await.into_iter().find_map(Result::err);
        match (failed, phase.care) {
            (None, _) => {}
            (Some(error), Care::Fails) => return Err(error),
            (Some(_), Care::UndoesAndGoesOn) => drop(ctx.activity::<u8>("Undo", &number).await),
            (Some(error), Care::UndoesAndFails) => {
                ctx.activity::<u8>("Undo", &number).await?;
                return Err(error);
            }
        }
    }
    Ok(())
}

/// What is asked for, not answered, and not on its way; with whether it is a child.
fn open(world: &World) -> Vec<(i32, bool)> {
    let mut open = BTreeMap::new();
    let mailed = world.inbox.values().flat_map(|message| message.events.clone());
    for HistoryEvent { event_id, event_type, .. } in world.history().into_iter().chain(mailed) {
        let Some(kind) = event_type else { continue };
        match kind {
            EventType::TaskScheduled(_) => {
                open.insert(event_id, false);
            }
            EventType::SubOrchestrationInstanceCreated(_) => {
                open.insert(event_id, true);
            }
            other => {
                answered_action(&other).and_then(|id| open.remove(&id));
            }
        }
    }
    open.into_iter().collect()
}

/// Plays turns until the instance ends. `luck` decides how many results come in before the next turn, which ones, and which are good.
fn live(world: &mut World, registry: &Registry, mut luck: impl FnMut(usize) -> usize, all_good: bool) {
    for _ in 0..10_000 {
        if world.execution().record.status.is_terminal() {
            return;
        }
        for _ in 0..=luck(3) {
            let open = open(world);
            if open.is_empty() {
                break;
            }
            let (id, child) = open[luck(open.len())];
            let (now, good) = (world.now, all_good || luck(3) > 0);
            let details = failure("Unlucky", format!("{id}"), false);
            world.mail(NewMessage::now(
                Class::Result,
                match (child, good) {
                    (false, true) => event::task_completed(now, id, Some("1".into())),
                    (false, false) => event::task_failed(now, id, details),
                    (true, true) => event::child_completed(now, id, Some("1".into())),
                    (true, false) => event::child_failed(now, id, details),
                },
            ));
        }
        world.now = world.now.plus(Duration::from_millis(700));
        match world.next() {
            Next::Deliver(turn) => {
                let request = pb::OrchestratorRequest {
                    instance_id: "order".into(),
                    execution_id: Some("e1".into()),
                    past_events: world.history(),
                    new_events: turn.events.clone(),
                    ..pb::OrchestratorRequest::default()
                };
                let response = registry.run_orchestrator(request);
                let told = format!("{:?}", response.actions);
                assert!(!told.contains("NonDeterminis"), "{told}\n{:#?}", world.history());
                world.answer(turn, response);
            }
            Next::Discard(late) => drop(world.discard(late)),
            Next::Wait => {}
            Next::Control(_) => unreachable!("nobody controls it"),
        }
    }
    panic!("it never ends: {:#?}", world.history());
}

/// Numbers below a bound, drawn from `seed`.
fn luck(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    }
}

/// Lives, is rewound each time it has failed, and in its last life has nothing but luck. Returns how it ends.
fn life(phases: Vec<Phase>, seed: u64) -> Status {
    let registry = Registry::new()
        .orchestrator("Checkout", move |ctx: OrchestrationContext, (): ()| run(ctx, phases.clone()));
    let mut world = World::default();
    let mut luck = luck(seed);
    world.arrive("start");
    for rewinds in 0..4 {
        live(&mut world, &registry, &mut luck, rewinds == 3);
        if world.execution().record.status != Status::Failed {
            break;
        }
        if rewinds < 3 {
            world.step("rewind");
        }
    }
    world.execution().record.status
}

fn phase() -> impl Strategy<Value = Phase> {
    let care = prop_oneof![Just(Care::Fails), Just(Care::UndoesAndGoesOn), Just(Care::UndoesAndFails)];
    (1..5_usize, 1..4_usize, any::<bool>(), any::<bool>(), care)
        .prop_map(|(chains, steps, retries, children, care)| Phase { chains, steps, retries, children, care })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_rewound_history_is_one_that_the_orchestrator_could_have_had(
        phases in prop::collection::vec(phase(), 1..4),
        seed in any::<u64>(),
    ) {
        life(phases, seed);
    }

    #[test]
    fn what_fails_without_being_handled_completes_after_enough_rewinds(
        phases in prop::collection::vec(phase(), 1..4),
        seed in any::<u64>(),
    ) {
        let plain = |phase: Phase| Phase { steps: 1, care: Care::Fails, ..phase };
        prop_assert_eq!(life(phases.into_iter().map(plain).collect(), seed), Status::Completed);
    }
}
