//! Makers of the history events that the server itself writes. All carry event id -1: a positive id is how some SDKs
//! recognise an event they have seen (facts: gRPC protocol, section 6).

use super::{
    Timestamp,
    pb::{self, HistoryEvent, OrchestrationStatus, TaskFailureDetails, history_event::EventType},
};

/// Wraps `kind` as an event of the server's own.
pub fn server_event(at: Timestamp, kind: EventType) -> HistoryEvent {
    with_id(-1, at, kind)
}

/// Wraps `kind` as the record of action `id`.
pub fn with_id(id: i32, at: Timestamp, kind: EventType) -> HistoryEvent {
    HistoryEvent { event_id: id, timestamp: Some(at.to_wire()), event_type: Some(kind) }
}

/// The opening of a turn; its time is the orchestrator's current time.
pub fn orchestrator_started(at: Timestamp) -> HistoryEvent {
    server_event(at, EventType::OrchestratorStarted(pb::OrchestratorStartedEvent {}))
}

/// The end of a turn.
pub fn orchestrator_completed(at: Timestamp) -> HistoryEvent {
    server_event(at, EventType::OrchestratorCompleted(pb::OrchestratorCompletedEvent {}))
}

/// An external event named `name`.
pub fn event_raised(at: Timestamp, name: String, input: Option<String>) -> HistoryEvent {
    server_event(at, EventType::EventRaised(pb::EventRaisedEvent { name, input }))
}

/// A request to terminate; `reason` becomes the output.
pub fn execution_terminated(at: Timestamp, reason: Option<String>, recurse: bool) -> HistoryEvent {
    server_event(at, EventType::ExecutionTerminated(pb::ExecutionTerminatedEvent { input: reason, recurse }))
}

/// A request to suspend.
pub fn execution_suspended(at: Timestamp, reason: Option<String>) -> HistoryEvent {
    server_event(at, EventType::ExecutionSuspended(pb::ExecutionSuspendedEvent { input: reason }))
}

/// A request to resume.
pub fn execution_resumed(at: Timestamp, reason: Option<String>) -> HistoryEvent {
    server_event(at, EventType::ExecutionResumed(pb::ExecutionResumedEvent { input: reason }))
}

/// A rewind: what follows was run again.
pub fn execution_rewound(at: Timestamp, reason: Option<String>) -> HistoryEvent {
    let rewound = pb::ExecutionRewoundEvent { reason, ..pb::ExecutionRewoundEvent::default() };
    server_event(at, EventType::ExecutionRewound(rewound))
}

/// The end of an execution. `id` is the completing action's, or -1 when the server ended it.
pub fn execution_completed(
    id: i32,
    at: Timestamp,
    status: OrchestrationStatus,
    result: Option<String>,
    failure_details: Option<TaskFailureDetails>,
) -> HistoryEvent {
    let orchestration_status = status.into();
    let completed = pb::ExecutionCompletedEvent { orchestration_status, result, failure_details };
    with_id(id, at, EventType::ExecutionCompleted(completed))
}

/// Activity `task` succeeded.
pub fn task_completed(at: Timestamp, task: i32, result: Option<String>) -> HistoryEvent {
    server_event(at, EventType::TaskCompleted(pb::TaskCompletedEvent { task_scheduled_id: task, result }))
}

/// Activity `task` failed.
pub fn task_failed(at: Timestamp, task: i32, details: TaskFailureDetails) -> HistoryEvent {
    let failed = pb::TaskFailedEvent { task_scheduled_id: task, failure_details: Some(details) };
    server_event(at, EventType::TaskFailed(failed))
}

/// Sub-orchestration `task` completed.
pub fn child_completed(at: Timestamp, task: i32, result: Option<String>) -> HistoryEvent {
    let completed = pb::SubOrchestrationInstanceCompletedEvent { task_scheduled_id: task, result };
    server_event(at, EventType::SubOrchestrationInstanceCompleted(completed))
}

/// Sub-orchestration `task` failed.
pub fn child_failed(at: Timestamp, task: i32, details: TaskFailureDetails) -> HistoryEvent {
    let failed =
        pb::SubOrchestrationInstanceFailedEvent { task_scheduled_id: task, failure_details: Some(details) };
    server_event(at, EventType::SubOrchestrationInstanceFailed(failed))
}

/// Timer `timer` is due.
pub fn timer_fired(at: Timestamp, timer: i32, fire_at: prost_types::Timestamp) -> HistoryEvent {
    server_event(at, EventType::TimerFired(pb::TimerFiredEvent { fire_at: Some(fire_at), timer_id: timer }))
}
