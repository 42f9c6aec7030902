//! What a worker may answer.

use super::entity;
use crate::model::{
    MAX_BESIDE_PAYLOAD, Short, Status, error_type, failure,
    pb::{
        self, TaskFailureDetails, history_event::EventType,
        orchestrator_action::OrchestratorActionType as Action,
        send_entity_message_action::EntityMessageType as Sent,
    },
};
use prost::Message as _;

/// What no worker may answer. Everything else can be applied without failing half way.
pub(super) fn check(response: &pb::OrchestratorResponse, limit: usize) -> Result<(), TaskFailureDetails> {
    let broken = |what: String| Err(failure(error_type::PROTOCOL_VIOLATION, what, true));
    let unsupported = |what: &str| {
        let text = format!("the orchestrator used {what}, which this version of durahub does not support");
        Err(failure(error_type::NOT_SUPPORTED, text, true))
    };
    let size = |what: &str, payload: Option<&String>| size(what, payload, limit);
    size("the custom status", response.custom_status.as_ref())?;
    for action in &response.actions {
        let id = action.id;
        match &action.orchestrator_action_type {
            None => {
                return broken(format!(
                    "action {id} in the worker's answer has no content that this server knows"
                ));
            }
            Some(Action::ScheduleTask(task)) => {
                if task.name.is_empty() {
                    return broken(format!("action {id} schedules an activity without a name"));
                }
                size("an activity's input", task.input.as_ref())?;
                beside(
                    "an activity's name, version, tags and trace context",
                    task.encoded_len(),
                    task.input.as_ref(),
                )?;
            }
            Some(Action::CreateSubOrchestration(child)) => {
                if child.name.is_empty() {
                    return broken(format!("action {id} starts a sub-orchestration without a name"));
                }
                size("a sub-orchestration's input", child.input.as_ref())?;
                beside(
                    "a sub-orchestration's name, version, tags and trace context",
                    child.encoded_len(),
                    child.input.as_ref(),
                )?;
            }
            Some(Action::CreateTimer(timer)) => {
                if timer.fire_at.is_none() {
                    return broken(format!("action {id} creates a timer without a time"));
                }
            }
            Some(Action::SendEvent(sent)) => {
                let to = sent.instance.as_ref().map_or("", |to| to.instance_id.as_str());
                if to.is_empty() || sent.name.is_empty() {
                    return broken(format!("action {id} sends an event without a name or a receiver"));
                }
                size("an event", sent.data.as_ref())?;
                if to.starts_with('@')
                    && let Err(reason) = entity::check_older(to, &sent.name, sent.data.as_deref())
                {
                    let (name, to) = (Short(&sent.name), Short(to));
                    return broken(format!("action {id} sends the event {name} to {to}: {reason}"));
                }
            }
            Some(Action::CompleteOrchestration(complete)) => {
                size("the orchestrator's output", complete.result.as_ref())?;
                for carried in &complete.carryover_events {
                    if let Some(EventType::EventRaised(raised)) = &carried.event_type {
                        size("an event carried over", raised.input.as_ref())?;
                    }
                }
                match Status::try_from(complete.orchestration_status) {
                    Ok(
                        Status::Completed
                        | Status::Failed
                        | Status::Canceled
                        | Status::Terminated
                        | Status::ContinuedAsNew,
                    ) => {}
                    Ok(Status::Running | Status::Pending | Status::Suspended) | Err(_) => {
                        let status = complete.orchestration_status;
                        return broken(format!(
                            "action {id} completes the orchestration with status number {status}"
                        ));
                    }
                }
            }
            Some(Action::TerminateOrchestration(terminate)) => {
                size("a reason to terminate", terminate.reason.as_ref())?;
            }
            Some(Action::SendEntityMessage(sent)) => {
                if let Err(reason) = entity::check(sent) {
                    return broken(format!("action {id} sends a message to an entity: {reason}"));
                }
                let input = match &sent.entity_message_type {
                    Some(Sent::EntityOperationSignaled(signal)) => signal.input.as_ref(),
                    Some(Sent::EntityOperationCalled(call)) => call.input.as_ref(),
                    _ => None,
                };
                size("the input of an entity's operation", input)?;
                beside("names and ids in a message to an entity", sent.encoded_len(), input)?;
            }
            Some(Action::RewindOrchestration(_)) => return unsupported("rewind by the worker"),
        }
    }
    Ok(())
}

/// Refuses a payload above `limit`. `what` says what it is.
pub(super) fn size(what: &str, payload: Option<&String>, limit: usize) -> Result<(), TaskFailureDetails> {
    within(what, payload.map_or(0, String::len), limit)
}

/// The same of a payload that takes `got` bytes where it is going to be.
pub(super) fn within(what: &str, got: usize, limit: usize) -> Result<(), TaskFailureDetails> {
    if got <= limit {
        return Ok(());
    }
    let text = format!("{what} is {got} bytes long; the limit is {limit} (setting limits.payload_bytes)");
    Err(failure(error_type::PAYLOAD_TOO_LARGE, text, true))
}

/// Refuses a message that is too large without its `input`; with it, it is `whole` bytes long. `what` says what that is.
pub(super) fn beside(what: &str, whole: usize, input: Option<&String>) -> Result<(), TaskFailureDetails> {
    match whole.saturating_sub(input.map_or(0, String::len)) {
        got if got > MAX_BESIDE_PAYLOAD => {
            let text = format!("{what} are {got} bytes long; the limit is {MAX_BESIDE_PAYLOAD}");
            Err(failure(error_type::PAYLOAD_TOO_LARGE, text, true))
        }
        _ => Ok(()),
    }
}
