//! `OrderSaga`: three steps of which each can fail, and what was done is undone in reverse order.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/OrderSaga \
//!      -H 'Content-Type: application/json' -d '{"item":"book","amount":10,"failAt":"ship"}'
//! ```
//!
//! Input: what to order, for how much, and optionally the step that is to fail: `reserve`, `charge` or `ship`. Output, for the
//! example: `{"item":"book","amount":10,"outcome":"Cancelled","done":["reserve","charge"],"undone":["charge","reserve"],
//! "reason":"..."}`; an order that went through is `"Shipped"`, with nothing undone and no reason. A failed step is not an error of
//! the saga: it completes either way.

use crate::workers::embedded::{OrchestrationContext, Registry, RetryPolicy, TaskError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) fn register(registry: Registry) -> Registry {
    registry
        .orchestrator("OrderSaga", order_saga)
        .activity(Step::Reserve.activity(), async |order: Order| order.perform(Step::Reserve))
        .activity(Step::Charge.activity(), async |order: Order| order.perform(Step::Charge))
        .activity(Step::Ship.activity(), async |order: Order| order.perform(Step::Ship))
        .activity(Step::Reserve.undoing(), undo)
        .activity(Step::Charge.undoing(), undo)
        .activity(Step::Ship.undoing(), undo)
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Order {
    item: String,
    amount: serde_json::Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_at: Option<Step>,
}

#[derive(Clone, Copy, PartialEq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    Reserve,
    Charge,
    Ship,
}

impl Step {
    const ALL: [Step; 3] = [Step::Reserve, Step::Charge, Step::Ship];

    fn activity(self) -> &'static str {
        match self {
            Step::Reserve => "Samples.Reserve",
            Step::Charge => "Samples.Charge",
            Step::Ship => "Samples.Ship",
        }
    }

    /// The activity that takes the step back.
    fn undoing(self) -> &'static str {
        match self {
            Step::Reserve => "Samples.Release",
            Step::Charge => "Samples.Refund",
            Step::Ship => "Samples.CallBack",
        }
    }
}

#[derive(Serialize)]
struct Report {
    item: String,
    amount: serde_json::Number,
    outcome: Outcome,
    done: Vec<Step>,
    undone: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
enum Outcome {
    Shipped,
    Cancelled,
}

async fn order_saga(ctx: OrchestrationContext, order: Order) -> Result<Report, TaskError> {
    let mut report = Report {
        item: order.item.clone(),
        amount: order.amount.clone(),
        outcome: Outcome::Shipped,
        done: Vec::new(),
        undone: Vec::new(),
        reason: None,
    };
    for step in Step::ALL {
        match ctx.activity::<()>(step.activity(), &order).await {
            Ok(()) => report.done.push(step),
            Err(error) => {
                report.outcome = Outcome::Cancelled;
                report.reason = Some(error.to_string());
                break;
            }
        }
    }
    if report.reason.is_some() {
        // Taking back must not be given up lightly.
        let policy =
            RetryPolicy::new(10, Duration::from_secs(1)).backoff(2.0).max_delay(Duration::from_secs(60));
        for &step in report.done.iter().rev() {
            ctx.activity::<()>(step.undoing(), &order).retry(policy.clone()).await?;
            report.undone.push(step);
        }
    }
    Ok(report)
}

impl Order {
    /// Pretends to do `step`.
    fn perform(&self, step: Step) -> Result<(), TaskError> {
        if self.fail_at == Some(step) {
            let message = format_args!("asked to fail at this step, with the {}", self.item);
            return Err(TaskError::new("StepFailed", message).non_retriable());
        }
        Ok(())
    }
}

/// Pretends to take a step back.
async fn undo(_: Order) -> Result<(), TaskError> {
    Ok(())
}
