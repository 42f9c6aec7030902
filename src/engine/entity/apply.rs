//! A worker's answer to a batch: results become replies, the state is replaced, actions become messages and orchestrations.

use super::{Batch, Entity, EntityOutcome, reply::Caller};
use crate::{
    engine::{
        Context,
        check::{beside, size, within},
    },
    model::{
        Class, Commit, EntityChange, EntityId, InstanceId, NewChild, NewInstance, NewMessage, Outgoing,
        Recipient, Timestamp, bounded, error_type, event, failure,
        pb::{
            self, EntityBatchResult, EntityOperationSignaledEvent, TaskFailureDetails,
            history_event::EventType, operation_action::OperationActionType as Action,
            operation_result::ResultType,
        },
    },
};
use prost::Message as _;

/// Applies a worker's answer. Operations without a result stay in the inbox, in their place. An answer that cannot be applied changes no
/// state: its operations fail with the reason, as far as somebody waits for them.
pub fn answer(
    entity: Entity,
    batch: Batch,
    result: EntityBatchResult,
    context: &mut Context<'_>,
) -> EntityOutcome {
    if let Err(details) = check(&result, context.payload_bytes) {
        return refuse(entity, batch, details, context.now);
    }
    let mut commit = entity.blank_commit(context.now);
    let now = context.now;
    for ((message, caller), result) in batch.taken.into_iter().zip(batch.callers).zip(result.results) {
        commit.consumed.push(message);
        let outcome = outcome(result, caller.as_ref(), context.payload_bytes);
        commit.outbox.extend(caller.map(|caller| caller.tell(outcome, now)));
    }
    for action in result.actions.into_iter().filter_map(|action| action.operation_action_type) {
        act(&entity, action, &mut commit, context);
    }
    let mut entity = entity;
    let state = result.entity_state.filter(|state| !state.is_empty());
    let changed = entity.state.as_deref() != state.as_deref();
    entity.state = state.map(Into::into);
    let state = changed.then(|| entity.state.clone());
    entity.decided(commit, EntityChange { state, ..EntityChange::default() })
}

/// Takes the batch out of the inbox without any effect: whoever waits for one of its operations is told that it failed with `details`.
pub fn refuse(entity: Entity, batch: Batch, details: TaskFailureDetails, now: Timestamp) -> EntityOutcome {
    let mut commit = entity.blank_commit(now);
    commit.outbox =
        batch.callers.iter().flatten().map(|caller| caller.tell(Err(details.clone()), now)).collect();
    commit.consumed = batch.taken;
    entity.decided(commit, EntityChange::default())
}

/// What no worker may answer.
fn check(result: &EntityBatchResult, limit: usize) -> Result<(), TaskFailureDetails> {
    let invalid =
        |error: crate::model::IdError| failure(error_type::INVALID_INSTANCE_ID, error.to_string(), true);
    size("the entity's state", result.entity_state.as_ref(), limit)?;
    for action in &result.actions {
        match &action.operation_action_type {
            None => {
                let text = "an action in the worker's answer has no content that this server knows";
                return Err(failure(error_type::PROTOCOL_VIOLATION, text, true));
            }
            Some(Action::SendSignal(signal)) => {
                EntityId::parse(&signal.instance_id).map_err(invalid)?;
                size("the input of a signal", signal.input.as_ref(), limit)?;
                beside("a signal's names and ids", signal.encoded_len(), signal.input.as_ref())?;
            }
            Some(Action::StartNewOrchestration(start)) => {
                if start.name.is_empty() {
                    let text = "an entity starts an orchestration without a name";
                    return Err(failure(error_type::PROTOCOL_VIOLATION, text, true));
                }
                if !start.instance_id.is_empty() {
                    InstanceId::child(&start.instance_id).map_err(invalid)?;
                }
                size("an orchestration's input", start.input.as_ref(), limit)?;
                let what = "an orchestration's name, version, id and trace context";
                beside(what, start.encoded_len(), start.input.as_ref())?;
            }
        }
    }
    Ok(())
}

/// How one operation ended, as far as `caller` can be told.
fn outcome(
    result: pb::OperationResult,
    caller: Option<&Caller>,
    limit: usize,
) -> Result<Option<String>, TaskFailureDetails> {
    let length = |output: &String| caller.map_or(0, |caller| caller.length(output));
    match result.result_type {
        Some(ResultType::Success(success)) => match success.result {
            Some(output) => within("the operation's result", length(&output), limit).map(|()| Some(output)),
            None => Ok(None),
        },
        Some(ResultType::Failure(failed)) => Err(bounded(failed.failure_details.unwrap_or_default(), limit)),
        None => {
            let text = "the worker's answer has neither a result nor a failure for this operation";
            Err(failure(error_type::PROTOCOL_VIOLATION, text, true))
        }
    }
}

/// Does what an operation asks for. [`check`] has seen it.
fn act(entity: &Entity, action: Action, commit: &mut Commit, context: &mut Context<'_>) {
    let now = context.now;
    let due = |at: &Option<prost_types::Timestamp>| {
        at.as_ref().map(Timestamp::at_or_after).filter(|due| *due > now)
    };
    match action {
        Action::SendSignal(signal) => {
            let Ok(to) = EntityId::parse(&signal.instance_id) else { return };
            let due = due(&signal.scheduled_time);
            let kind = EventType::EntityOperationSignaled(EntityOperationSignaledEvent {
                request_id: (context.fresh_id)(),
                operation: signal.name,
                scheduled_time: signal.scheduled_time,
                input: signal.input,
                target_instance_id: None,
            });
            let message = NewMessage { due, ..NewMessage::now(Class::Event, event::server_event(now, kind)) };
            commit.outbox.push(Outgoing { to: Recipient::Entity(to), message });
        }
        Action::StartNewOrchestration(start) => {
            let start_at = due(&start.scheduled_time);
            let id = match start.instance_id.as_str() {
                "" => (context.fresh_id)(),
                _ => start.instance_id,
            };
            let instance = pb::OrchestrationInstance {
                instance_id: id.clone(),
                execution_id: Some((context.fresh_id)()),
            };
            let started = pb::ExecutionStartedEvent {
                name: start.name,
                version: start.version,
                input: start.input,
                orchestration_instance: Some(instance),
                scheduled_start_timestamp: start_at.map(Timestamp::to_wire),
                parent_trace_context: start.parent_trace_context,
                ..pb::ExecutionStartedEvent::default()
            };
            let (hub, id) = (entity.reference.hub, InstanceId::lookup(id));
            let instance = NewInstance { hub, id, created_at: now, start_at, started };
            commit.children.push(NewChild { instance, replaces: false, otherwise: None });
        }
    }
}
