//! What an orchestrator did, in the few words by which history and code are compared.

use crate::model::pb::{
    EntityLockRequestedEvent, EntityOperationCalledEvent, EntityOperationSignaledEvent,
    EntityUnlockSentEvent, history_event::EventType, orchestrator_action::OrchestratorActionType as Action,
    send_entity_message_action::EntityMessageType as Sent,
};
use std::fmt;

/// Something an orchestrator asks for under an action id.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Activity {
        name: &'a str,
    },
    SubOrchestration {
        name: &'a str,
        id: &'a str,
    },
    Timer,
    SentEvent {
        name: &'a str,
        to: &'a str,
    },
    Signal {
        operation: &'a str,
        to: &'a str,
    },
    /// `request` is what the answer will name.
    Call {
        operation: &'a str,
        to: &'a str,
        request: &'a str,
    },
    /// `request` is what the answer will name.
    Lock {
        entities: &'a [String],
        request: &'a str,
    },
    Unlock {
        entity: &'a str,
    },
}

impl<'a> Step<'a> {
    /// What `action` asks for. The embedded worker issues no other kinds.
    pub fn of_action(action: &'a Action) -> Option<Self> {
        Some(match action {
            Action::ScheduleTask(it) => Step::Activity { name: &it.name },
            Action::CreateSubOrchestration(it) => {
                Step::SubOrchestration { name: &it.name, id: &it.instance_id }
            }
            Action::CreateTimer(_) => Step::Timer,
            Action::SendEvent(it) => Step::SentEvent {
                name: &it.name,
                to: it.instance.as_ref().map_or("", |instance| &instance.instance_id),
            },
            Action::SendEntityMessage(it) => match it.entity_message_type.as_ref()? {
                Sent::EntityOperationSignaled(it) => Self::signal(it),
                Sent::EntityOperationCalled(it) => Self::call(it),
                Sent::EntityLockRequested(it) => Self::lock(it),
                Sent::EntityUnlockSent(it) => Self::unlock(it),
            },
            _ => return None,
        })
    }

    /// What `event` records. `None` if it is no record of an action, or of one that Rust orchestrators cannot ask for.
    pub fn of_event(event: &'a EventType) -> Option<Self> {
        Some(match event {
            EventType::TaskScheduled(it) => Step::Activity { name: &it.name },
            EventType::SubOrchestrationInstanceCreated(it) => {
                Step::SubOrchestration { name: &it.name, id: &it.instance_id }
            }
            EventType::TimerCreated(_) => Step::Timer,
            EventType::EventSent(it) => Step::SentEvent { name: &it.name, to: &it.instance_id },
            EventType::EntityOperationSignaled(it) => Self::signal(it),
            EventType::EntityOperationCalled(it) => Self::call(it),
            EventType::EntityLockRequested(it) => Self::lock(it),
            EventType::EntityUnlockSent(it) => Self::unlock(it),
            _ => return None,
        })
    }

    fn signal(signal: &'a EntityOperationSignaledEvent) -> Self {
        Step::Signal { operation: &signal.operation, to: target(&signal.target_instance_id) }
    }

    fn call(call: &'a EntityOperationCalledEvent) -> Self {
        let to = target(&call.target_instance_id);
        Step::Call { operation: &call.operation, to, request: &call.request_id }
    }

    fn lock(lock: &'a EntityLockRequestedEvent) -> Self {
        Step::Lock { entities: &lock.lock_set, request: &lock.critical_section_id }
    }

    fn unlock(unlock: &'a EntityUnlockSentEvent) -> Self {
        Step::Unlock { entity: target(&unlock.target_instance_id) }
    }

    /// The request id by which the answer will name this deed, if it is one that is answered under such an id.
    pub fn request(self) -> Option<&'a str> {
        match self {
            Step::Call { request, .. } | Step::Lock { request, .. } => Some(request),
            _ => None,
        }
    }

    /// Whether both are the same deed. Inputs and due times may change with the code. Ids of sub-orchestrations count only if the
    /// code chose them (`chosen_id`): the ones made up from the execution id change when an instance is rewound, and so do request ids.
    pub fn is(self, other: Step<'_>, chosen_id: bool) -> bool {
        match (self, other) {
            (Step::Activity { name: a }, Step::Activity { name: b }) => a == b,
            (Step::SubOrchestration { name: a, id: x }, Step::SubOrchestration { name: b, id: y }) => {
                a == b && (!chosen_id || x == y)
            }
            (Step::Timer, Step::Timer) => true,
            (Step::SentEvent { name: a, to: x }, Step::SentEvent { name: b, to: y })
            | (Step::Signal { operation: a, to: x }, Step::Signal { operation: b, to: y })
            | (Step::Call { operation: a, to: x, .. }, Step::Call { operation: b, to: y, .. }) => {
                a == b && x == y
            }
            (Step::Lock { entities: a, .. }, Step::Lock { entities: b, .. }) => a == b,
            (Step::Unlock { entity: a }, Step::Unlock { entity: b }) => a == b,
            _ => false,
        }
    }
}

fn target(id: &Option<String>) -> &str {
    id.as_deref().unwrap_or_default()
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Activity { name } => write!(f, "activity '{name}'"),
            Step::SubOrchestration { name, id } => write!(f, "sub-orchestration '{name}' with id '{id}'"),
            Step::Timer => write!(f, "a timer"),
            Step::SentEvent { name, to } => write!(f, "event '{name}' to '{to}'"),
            Step::Signal { operation, to } => write!(f, "signal '{operation}' to '{to}'"),
            Step::Call { operation, to, .. } => write!(f, "a call of '{operation}' on '{to}'"),
            Step::Lock { entities, .. } => write!(f, "a lock of '{}'", entities.join("', '")),
            Step::Unlock { entity } => write!(f, "an unlock of '{entity}'"),
        }
    }
}
