//! `FanOutFanIn`: many activities at once, and the sum of their results.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/FanOutFanIn \
//!      -H 'Content-Type: application/json' -d 10
//! ```
//!
//! Input: how many activities, a whole number from 0 to 10,000; 10 if there is none. Activity number `i` gives `i * i`, counting from
//! 1. Output: the sum `1*1 + 2*2 + ... + n*n`, so 385 for 10.

use super::invalid_input;
use crate::workers::embedded::{OrchestrationContext, Registry, TaskError, future::try_join_all};

const SQUARE: &str = "Samples.Square";
const MAX: u64 = 10_000;

pub(super) fn register(registry: Registry) -> Registry {
    registry.orchestrator("FanOutFanIn", fan_out_fan_in).activity(SQUARE, square)
}

async fn fan_out_fan_in(ctx: OrchestrationContext, n: Option<u64>) -> Result<u64, TaskError> {
    let n = n.unwrap_or(10);
    if n > MAX {
        return Err(invalid_input(format_args!("FanOutFanIn starts at most {MAX} activities, not {n}")));
    }
    let squares = try_join_all((1..=n).map(|i| ctx.activity::<u64>(SQUARE, &i))).await?;
    Ok(squares.iter().sum())
}

async fn square(n: u64) -> Result<u64, TaskError> {
    n.checked_mul(n).ok_or_else(|| invalid_input(format_args!("the square of {n} is too large")))
}
