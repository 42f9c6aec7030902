//! Long histories, and whole runs in the simulator.

use super::{future::*, *};

/// How often futures were polled on this thread: the currency in which replay must not be wasteful.
mod polls {
    use std::{cell::Cell, pin::pin};

    thread_local!(static COUNT: Cell<usize> = const { Cell::new(0) });

    pub async fn counted<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            COUNT.set(COUNT.get() + 1);
            future.as_mut().poll(context)
        })
        .await
    }

    pub fn take() -> usize {
        COUNT.take()
    }
}

async fn fan_out(ctx: OrchestrationContext, n: u32) -> Result<u64, TaskError> {
    let all = try_join_all((0..n).map(|i| polls::counted(ctx.activity::<u64>("Same", &i)))).await?;
    Ok(all.iter().sum())
}

async fn chain(ctx: OrchestrationContext, n: u32) -> Result<u64, TaskError> {
    let mut sum = 0;
    for i in 0..n {
        sum += polls::counted(ctx.activity::<u64>("Same", &i)).await?;
    }
    Ok(sum)
}

/// Replays `n` activities that were all scheduled in `per_turn` at a time. Answers how many polls that took.
fn replay(function: &Registry, n: i32, per_turn: i32) -> usize {
    let mut past = vec![history::turn(1), history::started(&n.to_string())];
    for first in (0..n).step_by(usize::try_from(per_turn).unwrap()) {
        past.extend((first..first + per_turn).map(|id| history::scheduled(id, "Same")));
        past.push(history::turn(i64::from(first)));
        past.extend((first..first + per_turn).rev().map(|id| history::done(id, &id.to_string())));
    }
    let last = past.split_off(past.len() - 1);
    let request = request(&past, &last);
    polls::take();
    let actions = function.run_orchestrator(request).actions;
    let sum: i64 = (0..i64::from(n)).sum();
    assert_eq!((actions.len(), words(&actions[0])), (1, format!("Completed {sum}")));
    polls::take()
}

#[test]
fn replay_polls_an_activity_once_to_schedule_it_and_once_when_it_is_done() {
    for n in [100, 10_000] {
        let twice_each = usize::try_from(2 * n).unwrap();
        assert_eq!(replay(&main(fan_out), n, n), twice_each);
        assert_eq!(replay(&main(chain), n, 1), twice_each);
    }
}

#[test]
fn parents_and_children_run_to_the_end_in_any_order() {
    async fn parent(ctx: OrchestrationContext) -> Result<Vec<u64>, TaskError> {
        let children = (1..=3u32).map(|n| ctx.sub_orchestration("Child", &n).id(format!("child-{n}")));
        let results = join_all(children).await;
        for n in 1..=3 {
            ctx.send_event(&format!("child-{n}"), "Late", &());
        }
        results.into_iter().collect()
    }
    async fn child(ctx: OrchestrationContext, n: u32) -> Result<u64, TaskError> {
        ctx.timer(n * SECOND).await;
        fan_out(ctx, n * 10).await
    }
    for seed in 0..20 {
        let registry = Registry::new()
            .orchestrator("Parent", parent)
            .orchestrator("Child", child)
            .activity("Same", async |i: u64| Ok::<_, TaskError>(i));
        let mut simulator = Simulator::new(registry).shuffled(seed);
        simulator.start("p", "Parent", None);
        simulator.run();
        assert_eq!(simulator.outcome("p"), "Completed [45,190,435]", "seed {seed}");
        assert_eq!(simulator.outcome("child-2"), "Completed 190", "seed {seed}");
    }
}

#[test]
fn a_failure_travels_up_with_its_causes() {
    let registry = Registry::new()
        .orchestrator("Parent", async |ctx: OrchestrationContext| {
            ctx.sub_orchestration::<()>("Child", &()).await
        })
        .orchestrator("Child", async |ctx: OrchestrationContext| ctx.activity::<()>("Bad", &()).await)
        .activity("Bad", async || Err::<(), _>(TaskError::new("Declined", "no money").non_retriable()));
    let mut simulator = Simulator::new(registry);
    simulator.start("p", "Parent", None);
    simulator.run();
    let failure = simulator.instance("p").failure.clone().unwrap();
    let types: Vec<_> = std::iter::successors(Some(&failure), |it| it.inner_failure.as_deref())
        .map(|it| &*it.error_type)
        .collect();
    assert_eq!(types, ["TaskFailedError", "TaskFailedError", "Declined"]);
    assert!(failure.is_non_retriable);
}
