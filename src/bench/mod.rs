//! `durahub bench`: a load generator and a worker in one.
//!
//! It speaks the public protocols only, so the same command measures any server of the Durable Task protocol (the HTTP workloads need the
//! Durable Functions HTTP API as well). What it starts has ids that begin with `bench-`, and functions of its own names, which its worker
//! serves; a server's other work is left alone.
//!
//! - `options`, `plan`: what was asked for, and what that means for each workload;
//! - `target`, `spawn`, `dial`, `channel`, `http`: the server, and the ways to it;
//! - `worker`, `functions`: the worker, and what its functions decide;
//! - `drive`: so many operations at a time until the time or the count is over;
//! - `workloads`, `entities`, `over_http`: what one operation is;
//! - `figures`: what was measured, as a table or as JSON.
#![warn(missing_docs)]

mod channel;
mod dial;
mod drive;
mod entities;
mod figures;
mod functions;
mod http;
mod options;
mod over_http;
mod plan;
mod spawn;
mod target;
mod worker;
mod workloads;

pub use figures::Figures;
pub use options::{Options, Workload};
pub use spawn::Spawned;

use figures::Report;
use plan::Plan;
use target::Target;

/// Measures what the options ask for and reports each workload as soon as it is over. The error is for a person; figures without a single
/// success are one.
pub async fn run(options: &Options) -> Result<(), String> {
    let plans = Plan::of(options)?;
    let mut report = Report::new(options.json);
    let mut left = None;
    for plan in &plans {
        let spawned = match options.spawn {
            true => Some(Spawned::start().await?),
            false => None,
        };
        let url = spawned.as_ref().map_or(options.target(), Spawned::url);
        let (ca, key, hub) = (options.ca.as_deref(), options.key.as_deref(), options.hub.as_deref());
        let target = Target::connect(url, ca, key, hub).await?;
        let figures = measure(plan, &target, options.json).await?;
        report.add(&figures)?;
        if figures.count == 0 {
            return Err(figures.failed());
        }
        left = spawned.is_none().then(|| target.run.clone());
    }
    if let Some(run) = left
        && !options.json
    {
        eprintln!("What was started is still there; its ids begin with {run}.");
    }
    Ok(())
}

async fn measure(plan: &Plan, target: &Target, quiet: bool) -> Result<Figures, String> {
    let worker = worker::connect(target).await?;
    let figures = match plan.workload {
        Workload::Sequence | Workload::Fanout | Workload::Timers | Workload::Suborchestrations => {
            workloads::orchestrations(plan, target, quiet).await
        }
        Workload::Events => workloads::events(plan, target, quiet).await,
        Workload::Entities => entities::signals(plan, target, quiet).await,
        Workload::Purge => workloads::purge(plan, target, quiet).await,
        Workload::Start | Workload::Status | Workload::List => over_http::requests(plan, target, quiet).await,
        Workload::All => Err("`all` is several workloads".to_owned()),
    };
    worker.abort();
    figures
}
