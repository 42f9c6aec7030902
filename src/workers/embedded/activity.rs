//! Running activities.

use super::{Registry, TaskError, error::error_type};
use crate::model::pb;
use futures_util::future::FutureExt as _;
use std::{collections::BTreeMap, panic::AssertUnwindSafe};

/// What an activity may know about the work it does.
///
/// An activity runs at least once: a worker may vanish after the work was done and before that was recorded.
/// [`instance_id`](Self::instance_id), [`execution_id`](Self::execution_id) and [`task_id`](Self::task_id) together make a good
/// idempotency key.
#[derive(Clone, Debug)]
pub struct ActivityContext {
    name: String,
    version: Option<String>,
    tags: BTreeMap<String, String>,
    instance: pb::OrchestrationInstance,
    task_id: i32,
}

impl ActivityContext {
    /// The name by which the activity was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that was asked for.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The labels the orchestrator gave it.
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// The orchestration instance that awaits the result.
    pub fn instance_id(&self) -> &str {
        &self.instance.instance_id
    }

    /// The execution of that instance.
    pub fn execution_id(&self) -> Option<&str> {
        self.instance.execution_id.as_deref()
    }

    /// The number of this task within that execution. A retry has a new one.
    pub fn task_id(&self) -> i32 {
        self.task_id
    }
}

pub(super) async fn run(registry: &Registry, request: pb::ActivityRequest) -> pb::ActivityResponse {
    let instance = request.orchestration_instance.unwrap_or_default();
    let (instance_id, task_id) = (instance.instance_id.clone(), request.task_id);
    let context = ActivityContext {
        name: request.name,
        version: request.version,
        tags: request.tags,
        instance,
        task_id: request.task_id,
    };
    let name = context.name.clone();
    let result = match registry.activity_fn(&name) {
        Some(function) => {
            // The call itself is inside, too: a function may panic before it gives a future.
            let guarded = AssertUnwindSafe(async { function(context, request.input.as_deref()).await });
            guarded.catch_unwind().await.unwrap_or_else(|payload| {
                Err(TaskError::panic(format_args!("activity '{name}'"), payload.as_ref()))
            })
        }
        None => Err(TaskError::new(
            error_type::ACTIVITY_NOT_REGISTERED,
            format_args!("no activity named '{name}' is registered in this process"),
        )
        .non_retriable()),
    };
    let (result, failure_details) = match result {
        Ok(result) => (result, None),
        Err(error) => (None, Some(error.into_wire())),
    };
    pb::ActivityResponse { instance_id, task_id, result, failure_details, completion_token: String::new() }
}
