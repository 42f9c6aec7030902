//! What an orchestrator did, in the few words by which history and code are compared.

use crate::model::pb::{history_event::EventType, orchestrator_action::OrchestratorActionType as Action};
use std::fmt;

/// Something an orchestrator asks for under an action id.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Activity { name: &'a str },
    SubOrchestration { name: &'a str, id: &'a str },
    Timer,
    SentEvent { name: &'a str, to: &'a str },
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
            _ => return None,
        })
    }

    /// Whether both are the same deed. Inputs and due times may change with the code. Ids of sub-orchestrations count only if the
    /// code chose them (`chosen_id`): the ones made up from the execution id change when an instance is rewound.
    pub fn is(self, other: Step<'_>, chosen_id: bool) -> bool {
        match (self, other) {
            (Step::Activity { name: a }, Step::Activity { name: b }) => a == b,
            (Step::SubOrchestration { name: a, id: x }, Step::SubOrchestration { name: b, id: y }) => {
                a == b && (!chosen_id || x == y)
            }
            (Step::Timer, Step::Timer) => true,
            (Step::SentEvent { name: a, to: x }, Step::SentEvent { name: b, to: y }) => a == b && x == y,
            _ => false,
        }
    }
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Activity { name } => write!(f, "activity '{name}'"),
            Step::SubOrchestration { name, id } => write!(f, "sub-orchestration '{name}' with id '{id}'"),
            Step::Timer => write!(f, "a timer"),
            Step::SentEvent { name, to } => write!(f, "event '{name}' to '{to}'"),
        }
    }
}
