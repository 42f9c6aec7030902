//! What an orchestration hears back from an entity.

use super::older;
use crate::model::{
    Class, InstanceId, NewMessage, Outgoing, Recipient, Timestamp, event,
    pb::{self, TaskFailureDetails, history_event::EventType},
};

/// Who waits for the result of an operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caller {
    instance: InstanceId,
    /// Empty: not known, so any execution hears of it.
    execution: String,
    request: String,
    /// It asked in the older form, and understands no other answer.
    older: bool,
}

impl Caller {
    /// Takes the server's own marks off the call and keeps what a reply needs.
    pub fn of(call: &mut pb::EntityOperationCalledEvent) -> Self {
        let older = std::mem::take(&mut call.older_form);
        Self {
            older,
            instance: InstanceId::lookup(call.parent_instance_id.clone().unwrap_or_default()),
            execution: call.parent_execution_id.clone().unwrap_or_default(),
            request: call.request_id.clone(),
        }
    }

    /// How many bytes `output` takes in what the caller is told.
    pub fn length(&self, output: &str) -> usize {
        if self.older { older::length(output) } else { output.len() }
    }

    /// The message that tells the caller the result.
    pub fn tell(&self, result: Result<Option<String>, TaskFailureDetails>, now: Timestamp) -> Outgoing {
        let request_id = self.request.clone();
        let kind = match result {
            result if self.older => older::replied(request_id, result),
            Ok(output) => {
                EventType::EntityOperationCompleted(pb::EntityOperationCompletedEvent { request_id, output })
            }
            Err(details) => EventType::EntityOperationFailed(pb::EntityOperationFailedEvent {
                request_id,
                failure_details: Some(details),
            }),
        };
        let to = match self.execution.as_str() {
            "" => Recipient::Instance(self.instance.clone()),
            execution => Recipient::Execution(self.instance.clone(), execution.to_owned()),
        };
        Outgoing { to, message: NewMessage::now(Class::Result, event::server_event(now, kind)) }
    }
}

/// The message that tells an orchestration that its critical section begins.
pub(super) fn granted(request: &pb::EntityLockRequestedEvent, now: Timestamp) -> Outgoing {
    let owner = InstanceId::lookup(request.parent_instance_id.clone().unwrap_or_default());
    let critical_section_id = request.critical_section_id.clone();
    let kind = match request.older_form {
        true => older::granted(critical_section_id),
        false => EventType::EntityLockGranted(pb::EntityLockGrantedEvent { critical_section_id }),
    };
    Outgoing {
        to: Recipient::Execution(owner, request.parent_execution_id.clone()),
        message: NewMessage::now(Class::Result, event::server_event(now, kind)),
    }
}
