//! `Monitor`: looks at something again and again, in a history that does not grow.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/Monitor \
//!      -H 'Content-Type: application/json' -d '{"checks":3,"intervalSeconds":1,"done":0}'
//! ```
//!
//! Input: how many checks, how far apart, and how many have been done; 3, 1 and 0 where nothing is said. Each execution makes one check,
//! waits, and continues as new with `done` increased. Output: `{"done":3}`.

use crate::workers::embedded::{OrchestrationContext, Registry, TaskError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const CHECK: &str = "Samples.Check";

pub(super) fn register(registry: Registry) -> Registry {
    registry.orchestrator("Monitor", monitor).activity(CHECK, check)
}

#[derive(Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    checks: u64,
    interval_seconds: u64,
    done: u64,
}

impl Default for Input {
    fn default() -> Self {
        Self { checks: 3, interval_seconds: 1, done: 0 }
    }
}

#[derive(Serialize)]
struct Output {
    done: u64,
}

async fn monitor(ctx: OrchestrationContext, input: Option<Input>) -> Result<Output, TaskError> {
    let mut input = input.unwrap_or_default();
    if input.done < input.checks {
        ctx.activity::<()>(CHECK, &input.done).await?;
        input.done += 1;
    }
    if input.done >= input.checks {
        return Ok(Output { done: input.done });
    }
    ctx.timer(Duration::from_secs(input.interval_seconds)).await;
    ctx.continue_as_new(&input).await
}

/// Would look at whatever is being watched.
async fn check(_done: u64) -> Result<bool, TaskError> {
    Ok(true)
}
