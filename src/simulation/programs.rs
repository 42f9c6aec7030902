//! What the simulated workers know: orchestrations that between them use everything, and an entity that keeps what it is given.
//!
//! All of them end if nothing goes wrong, those that wait for events at the latest with the event [`STOP`].

use super::world::World;
use crate::workers::embedded::{
    Entity, EntityId, OrchestrationContext, Registry, RetryPolicy, TaskError,
    future::{join_all, select, try_join_all},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// The event that all who wait for events wait for.
pub const EVENT: &str = "Go";
/// Its data, at the end of a run, begins with this.
pub const STOP: &str = "stop";
/// What [`gather`] is registered as: its output is what it was sent.
pub const GATHER: &str = "Gather";
/// What [`mixed`] is registered as: a bit of everything, with the same output each time.
pub const MIXED: &str = "Mixed";
/// The error of one that finds what nobody else could have written while it was locked.
pub const INTRUDER: &str = "Intruder";
/// The error of an activity that had bad luck.
pub const UNLUCKY: &str = "Unlucky";
/// The kind of entity there is, and the keys that are used.
pub const LOG: &str = "log";
pub const KEYS: [&str; 3] = ["a", "b", "c"];

/// The orchestrations that callers start.
pub const NAMES: [&str; 9] = ["Chain", "Fan", GATHER, "Gate", "Parent", "Flaky", "Writer", "Locker", "Nap"];

pub fn registry(world: &Arc<World>) -> Registry {
    let (work, luck, plain) = (world.clone(), world.clone(), world.clone());
    Registry::new()
        .orchestrator("Chain", chain)
        .orchestrator("Fan", fan)
        .orchestrator(GATHER, gather)
        .orchestrator("Gate", gate)
        .orchestrator("Parent", parent)
        .orchestrator("Flaky", flaky)
        .orchestrator("Writer", writer)
        .orchestrator("Locker", locker)
        .orchestrator("Nap", nap)
        .orchestrator(MIXED, mixed)
        .orchestrator("Part", part)
        .activity("Work", move |tag: String| {
            let result = work.result(&tag);
            async move { Ok::<_, TaskError>(result) }
        })
        .activity("Luck", move |tag: String| {
            let (unlucky, result) = (luck.unlucky(), luck.result(&tag));
            async move { if unlucky { Err(TaskError::new(UNLUCKY, "not this time")) } else { Ok(result) } }
        })
        .activity("Plain", move |what: String| {
            let result = format!("{what} is done");
            plain.state().ledger.results.insert(result.clone(), what);
            async move { Ok::<_, TaskError>(result) }
        })
        .entity(LOG, Entity::new().operation("add", Log::add))
}

impl World {
    /// A worker has run an activity; what comes out is different each time.
    fn result(&self, tag: &str) -> String {
        let mut state = self.state();
        let result = format!("{tag}#{}", state.ledger.results.len());
        state.ledger.results.insert(result.clone(), tag.to_owned());
        result
    }

    fn unlucky(&self) -> bool {
        let mut state = self.state();
        !state.calm && state.rng.often(500)
    }
}

/// What it was given, in order.
#[derive(Default, Deserialize, Serialize)]
struct Log(Vec<String>);

impl Log {
    #[expect(clippy::unused_async, reason = "operations are async functions")]
    async fn add(&mut self, what: String) -> Result<usize, TaskError> {
        self.0.push(what);
        Ok(self.0.len())
    }
}

/// A text that nothing else in the world is called.
fn tag(ctx: &OrchestrationContext, what: impl std::fmt::Display) -> String {
    format!("{}/{what}", ctx.execution_id())
}

fn entity(key: &str) -> Result<EntityId, TaskError> {
    Ok(EntityId::new(LOG, key)?)
}

async fn chain(ctx: OrchestrationContext) -> Result<Vec<String>, TaskError> {
    let mut results = Vec::new();
    for step in 0..3 {
        results.push(ctx.activity("Work", &tag(&ctx, step)).await?);
    }
    Ok(results)
}

async fn fan(ctx: OrchestrationContext) -> Result<Vec<String>, TaskError> {
    let late = ctx.timer(Duration::from_secs(2)).start();
    let results = try_join_all((0..4).map(|leg| ctx.activity("Work", &tag(&ctx, leg)))).await?;
    late.await;
    Ok(results)
}

/// Collects events over many executions. The last one is the one that says stop.
async fn gather(ctx: OrchestrationContext, before: Option<Vec<String>>) -> Result<Vec<String>, TaskError> {
    let mut all = before.unwrap_or_default();
    for _ in 0..2 {
        let next: String = ctx.event(EVENT).await?;
        let stop = next.starts_with(STOP);
        all.push(next);
        if stop {
            return Ok(all);
        }
    }
    ctx.continue_as_new(&all).await
}

/// Waits for an event, but not for ever, and asks again once.
async fn gate(ctx: OrchestrationContext) -> Result<Option<String>, TaskError> {
    for round in 0..2 {
        select(ctx.event::<String>(EVENT), ctx.timer(Duration::from_secs(20))).await;
        ctx.set_custom_status(&round);
        ctx.activity::<String>("Work", &tag(&ctx, round)).await?;
    }
    Ok(Some(ctx.activity("Work", &tag(&ctx, "last")).await?))
}

async fn parent(ctx: OrchestrationContext) -> Result<usize, TaskError> {
    let own = format!("{}.child", ctx.instance_id());
    let named = ctx.sub_orchestration::<Vec<String>>("Chain", &()).id(own).start();
    let waiting = ctx.sub_orchestration::<Option<String>>("Gate", &()).start();
    let flaky = ctx.sub_orchestration::<String>("Flaky", &());
    let luck = flaky.await.is_ok();
    let results = named.await?;
    waiting.await?;
    Ok(results.len() + usize::from(luck))
}

async fn flaky(ctx: OrchestrationContext) -> Result<String, TaskError> {
    let again = RetryPolicy::new(2, Duration::from_secs(1));
    ctx.activity::<String>("Luck", &tag(&ctx, "first")).retry(again).await?;
    ctx.activity("Luck", &tag(&ctx, "second")).await
}

async fn writer(ctx: OrchestrationContext, round: Option<u32>) -> Result<usize, TaskError> {
    let round = round.unwrap_or(0);
    let (a, b) = (entity("a")?, entity("b")?);
    ctx.signal_entity(&a, "add", &tag(&ctx, "signal a"));
    ctx.signal_entity(&b, "add", &tag(&ctx, "signal b"));
    let calls = [(&a, "call a"), (&b, "call b")]
        .map(|(entity, what)| ctx.call_entity::<usize>(entity, "add", &tag(&ctx, what)));
    let lengths = join_all(calls).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    if round < 1 {
        return ctx.continue_as_new(&(round + 1)).await;
    }
    Ok(lengths.iter().sum())
}

async fn locker(ctx: OrchestrationContext) -> Result<usize, TaskError> {
    let all = KEYS.map(entity).into_iter().collect::<Result<Vec<_>, _>>()?;
    let section = ctx.lock_entities(&all[..2]).await?;
    let first: usize = ctx.call_entity(&all[0], "add", &tag(&ctx, "first")).await?;
    ctx.timer(Duration::from_secs(1)).await;
    ctx.call_entity::<usize>(&all[1], "add", &tag(&ctx, "second")).await?;
    let second: usize = ctx.call_entity(&all[0], "add", &tag(&ctx, "third")).await?;
    section.unlock();
    if second != first + 1 {
        return Err(TaskError::new(INTRUDER, "somebody else has written while it was locked"));
    }
    let section = ctx.lock_entities(&all[1..]).await?;
    ctx.call_entity::<usize>(&all[2], "add", &tag(&ctx, "fourth")).await?;
    drop(section);
    Ok(second)
}

async fn nap(ctx: OrchestrationContext) -> Result<(), TaskError> {
    for seconds in [1, 30, 0] {
        ctx.timer(Duration::from_secs(seconds)).await;
    }
    Ok(())
}

async fn mixed(ctx: OrchestrationContext) -> Result<Vec<String>, TaskError> {
    let mut all = vec![ctx.activity("Plain", "one").await?];
    all.extend(try_join_all(["two", "three"].map(|leg| ctx.activity::<String>("Plain", leg))).await?);
    ctx.timer(Duration::from_secs(10)).await;
    all.push(ctx.sub_orchestration("Part", &()).id("part").await?);
    ctx.event::<String>(EVENT).await?;
    let length: usize = ctx.call_entity(&entity("a")?, "add", "mixed").await?;
    all.push(length.to_string());
    Ok(all)
}

async fn part(ctx: OrchestrationContext) -> Result<String, TaskError> {
    ctx.activity("Plain", "the part").await
}
