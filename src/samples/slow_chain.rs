//! `SlowChain`: activities that take their time, one after another; good to suspend, terminate, or pull the plug on.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/SlowChain \
//!      -H 'Content-Type: application/json' -d '{"steps":20,"delayMs":500}'
//! ```
//!
//! Input: how many steps (at most 10,000; 10 if nothing is said) and how long each takes (at most 60,000 ms; 1,000 if nothing is said).
//! The custom status tells how far it is: `{"done":7,"of":20}`. Output: the number of steps.

use super::invalid_input;
use crate::workers::embedded::{OrchestrationContext, Registry, TaskError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const WORK: &str = "Samples.Work";
const MAX_STEPS: u64 = 10_000;
const MAX_DELAY_MS: u64 = 60_000;

pub(super) fn register(registry: Registry) -> Registry {
    registry.orchestrator("SlowChain", slow_chain).activity(WORK, work)
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    steps: u64,
    delay_ms: u64,
}

impl Default for Input {
    fn default() -> Self {
        Self { steps: 10, delay_ms: 1_000 }
    }
}

#[derive(Serialize)]
struct Progress {
    done: u64,
    of: u64,
}

async fn slow_chain(ctx: OrchestrationContext, input: Option<Input>) -> Result<u64, TaskError> {
    let Input { steps, delay_ms } = input.unwrap_or_default();
    if steps > MAX_STEPS {
        return Err(invalid_input(format_args!("SlowChain makes at most {MAX_STEPS} steps, not {steps}")));
    }
    if delay_ms > MAX_DELAY_MS {
        let message = format_args!("a step of SlowChain takes at most {MAX_DELAY_MS} ms, not {delay_ms}");
        return Err(invalid_input(message));
    }
    for done in 0..steps {
        ctx.set_custom_status(&Progress { done, of: steps });
        ctx.activity::<()>(WORK, &delay_ms).await?;
    }
    ctx.set_custom_status(&Progress { done: steps, of: steps });
    Ok(steps)
}

/// Takes `delay_ms` milliseconds.
async fn work(delay_ms: u64) -> Result<(), TaskError> {
    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    Ok(())
}
