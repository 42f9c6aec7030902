//! Entities: small durable objects whose operations run one after the other.
//!
//! [`definition`](Entity) says what an entity is made of, [`EntityContext`] what an operation may do; here a batch of operations is run.

mod context;
mod definition;

pub use context::{EntityContext, NewOrchestration};
pub use definition::{Entity, EntityState, OperationFn};

use super::{Registry, TaskError, error::error_type};
use crate::model::{
    EntityId,
    pb::{self, OperationAction, history_event::EventType, operation_result::ResultType},
};
pub(super) use definition::{Operations, Ran};
use futures_util::future::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// The operation that every entity has unless it defines one itself: it deletes the state.
const DELETE: &str = "delete";

/// One operation of a batch.
struct Request {
    operation: String,
    input: Option<String>,
    caller: Option<String>,
}

impl Request {
    fn of(event: pb::HistoryEvent) -> Option<Self> {
        match event.event_type? {
            EventType::EntityOperationSignaled(it) => {
                Some(Self { operation: it.operation, input: it.input, caller: None })
            }
            EventType::EntityOperationCalled(it) => {
                Some(Self { operation: it.operation, input: it.input, caller: it.parent_instance_id })
            }
            _ => None,
        }
    }
}

/// Runs a batch. What an operation changes counts from its success on; of one that fails nothing is left.
pub(super) async fn run(registry: &Registry, request: pb::EntityRequest) -> pb::EntityBatchResult {
    let mut state = request.entity_state.filter(|state| !state.is_empty());
    let mut batch = pb::EntityBatchResult::default();
    for event in request.operation_requests {
        let done = operate(registry, &request.instance_id, state.as_deref(), event).await;
        let result = match done {
            Ok((Ran { output, state: changed }, actions)) => {
                state = changed.unwrap_or(state);
                batch.actions.extend(actions);
                ResultType::Success(pb::OperationResultSuccess { result: output, ..Default::default() })
            }
            Err(error) => {
                let failure_details = Some(error.into_wire());
                ResultType::Failure(pb::OperationResultFailure { failure_details, ..Default::default() })
            }
        };
        batch.results.push(pb::OperationResult { result_type: Some(result) });
    }
    batch.entity_state = state;
    for (id, action) in (0..).zip(&mut batch.actions) {
        action.id = id;
    }
    batch
}

async fn operate(
    registry: &Registry,
    entity: &str,
    state: Option<&str>,
    event: pb::HistoryEvent,
) -> Result<(Ran, Vec<OperationAction>), TaskError> {
    let id = EntityId::parse(entity)?;
    let Some(Request { operation, input, caller }) = Request::of(event) else {
        let message = format_args!("entity '{id}' was given something that is no operation");
        return Err(TaskError::new(error_type::UNKNOWN_OPERATION, message).non_retriable());
    };
    let Some(operations) = registry.entity_operations(id.name()) else {
        let message = format_args!("no entity named '{}' is registered in this process", id.name());
        return Err(TaskError::new(error_type::ENTITY_NOT_REGISTERED, message).non_retriable());
    };
    let Some(run) = operations.get(&operation) else {
        if operation.eq_ignore_ascii_case(DELETE) {
            return Ok((Ran { output: None, state: Some(None) }, Vec::new()));
        }
        let known = operations.names().collect::<Vec<_>>().join(", ");
        let message =
            format_args!("entity '{id}' has no operation '{operation}'; it has {known} and {DELETE}");
        return Err(TaskError::new(error_type::UNKNOWN_OPERATION, message).non_retriable());
    };
    let context = EntityContext::new(id, operation, caller);
    // The call itself is inside, too: reading the state runs user code before there is a future.
    let guarded = AssertUnwindSafe(async { run(context.clone(), state, input.as_deref()).await });
    let ran = guarded
        .catch_unwind()
        .await
        .unwrap_or_else(|payload| Err(TaskError::panic(context.label(), payload.as_ref())))?;
    let effects = context.take_effects()?;
    let state = if effects.deletes { Some(None) } else { ran.state };
    Ok((Ran { state, ..ran }, effects.actions))
}
