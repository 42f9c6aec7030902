//! `HumanApproval`: waits for somebody to decide, but not for ever.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/HumanApproval/trip-1 \
//!      -H 'Content-Type: application/json' -d '{"timeoutSeconds":300}'
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/instances/trip-1/raiseEvent/Approval \
//!      -H 'Content-Type: application/json' -d true
//! ```
//!
//! Input: how long to wait; 300 seconds if there is none. The event `Approval` carries `true` or `false`. Any other payload is no
//! decision: it is ignored, except that the custom status counts it (`{"waitingFor":"Approval","ignored":1}`), and the waiting goes
//! on until the same deadline. Output: `"Approved"`, `"Rejected"` or `"TimedOut"`.

use crate::workers::embedded::{
    OrchestrationContext, Registry, TaskError,
    future::{Either, select},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const APPROVAL: &str = "Approval";

pub(super) fn register(registry: Registry) -> Registry {
    registry.orchestrator("HumanApproval", human_approval)
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    timeout_seconds: u64,
}

impl Default for Input {
    fn default() -> Self {
        Self { timeout_seconds: 300 }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    waiting_for: &'static str,
    ignored: u32,
}

#[derive(Serialize)]
enum Decision {
    Approved,
    Rejected,
    TimedOut,
}

async fn human_approval(ctx: OrchestrationContext, input: Option<Input>) -> Result<Decision, TaskError> {
    let mut deadline = ctx.timer(Duration::from_secs(input.unwrap_or_default().timeout_seconds)).start();
    let mut progress = Progress { waiting_for: APPROVAL, ignored: 0 };
    let decision = loop {
        ctx.set_custom_status(&progress);
        match select(ctx.event::<bool>(APPROVAL), &mut deadline).await {
            Either::Left((Ok(true), _)) => break Decision::Approved,
            Either::Left((Ok(false), _)) => break Decision::Rejected,
            Either::Left((Err(_), _)) => progress.ignored += 1,
            Either::Right(_) => break Decision::TimedOut,
        }
    };
    ctx.set_custom_status(&());
    Ok(decision)
}
