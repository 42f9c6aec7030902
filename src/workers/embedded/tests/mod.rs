//! The embedded worker's rules, one history at a time.

mod entities;
mod entity_calls;
mod events;
mod functions;
mod nondeterminism;
mod properties;
mod scale;
mod sections;
mod tasks;
mod turns;

pub(super) use super::{simulator::Simulator, *};
pub(super) use crate::model::{
    StatusExt, Timestamp, event,
    pb::{
        self, HistoryEvent, history_event::EventType, orchestrator_action::OrchestratorActionType as Action,
        send_entity_message_action::EntityMessageType as Sent,
    },
};
pub(super) use expect_test::{Expect, expect};
use std::fmt::Write as _;
pub(super) use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Histories in small words. Times are whole seconds.
pub(super) mod history {
    use super::*;

    const T: Timestamp = Timestamp(0);

    pub fn turn(second: i64) -> HistoryEvent {
        event::orchestrator_started(Timestamp(second * 1_000_000))
    }
    pub fn started(input: &str) -> HistoryEvent {
        let input = Some(input.to_owned()).filter(|input| !input.is_empty());
        let started = pb::ExecutionStartedEvent { name: "Main".into(), input, ..Default::default() };
        event::server_event(T, EventType::ExecutionStarted(started))
    }
    pub fn scheduled(id: i32, name: &str) -> HistoryEvent {
        let it = pb::TaskScheduledEvent { name: name.into(), ..Default::default() };
        event::with_id(id, T, EventType::TaskScheduled(it))
    }
    pub fn done(id: i32, result: &str) -> HistoryEvent {
        event::task_completed(T, id, Some(result.into()))
    }
    pub fn failed(id: i32, error_type: &str) -> HistoryEvent {
        event::task_failed(T, id, TaskError::new(error_type, "oops").into_wire())
    }
    pub fn timer(id: i32) -> HistoryEvent {
        event::with_id(id, T, EventType::TimerCreated(pb::TimerCreatedEvent { fire_at: None }))
    }
    pub fn fired(id: i32) -> HistoryEvent {
        event::timer_fired(T, id, T.to_wire())
    }
    pub fn child(id: i32, name: &str, instance: &str) -> HistoryEvent {
        let (instance_id, name) = (instance.into(), name.into());
        let it = pb::SubOrchestrationInstanceCreatedEvent { instance_id, name, ..Default::default() };
        event::with_id(id, T, EventType::SubOrchestrationInstanceCreated(it))
    }
    pub fn child_done(id: i32, result: &str) -> HistoryEvent {
        event::child_completed(T, id, Some(result.into()))
    }
    pub fn child_failed(id: i32, error_type: &str) -> HistoryEvent {
        event::child_failed(T, id, TaskError::new(error_type, "oops").into_wire())
    }
    pub fn sent(id: i32, name: &str, to: &str) -> HistoryEvent {
        let it = pb::EventSentEvent { instance_id: to.into(), name: name.into(), input: None };
        event::with_id(id, T, EventType::EventSent(it))
    }
    pub fn called(id: i32, operation: &str, to: &str, request: &str) -> HistoryEvent {
        let it = pb::EntityOperationCalledEvent {
            request_id: request.into(),
            operation: operation.into(),
            target_instance_id: Some(to.into()),
            ..Default::default()
        };
        event::with_id(id, T, EventType::EntityOperationCalled(it))
    }
    pub fn call_done(request: &str, result: &str) -> HistoryEvent {
        let (request_id, output) = (request.into(), Some(result.into()));
        let it = pb::EntityOperationCompletedEvent { request_id, output };
        event::server_event(T, EventType::EntityOperationCompleted(it))
    }
    pub fn call_failed(request: &str, error_type: &str) -> HistoryEvent {
        let failure_details = Some(TaskError::new(error_type, "oops").into_wire());
        let it = pb::EntityOperationFailedEvent { request_id: request.into(), failure_details };
        event::server_event(T, EventType::EntityOperationFailed(it))
    }
    pub fn signaled(id: i32, operation: &str, to: &str) -> HistoryEvent {
        let it = pb::EntityOperationSignaledEvent {
            operation: operation.into(),
            target_instance_id: Some(to.into()),
            ..Default::default()
        };
        event::with_id(id, T, EventType::EntityOperationSignaled(it))
    }
    pub fn lock(id: i32, section: &str, entities: &[&str]) -> HistoryEvent {
        let it = pb::EntityLockRequestedEvent {
            critical_section_id: section.into(),
            lock_set: entities.iter().map(|&id| id.to_owned()).collect(),
            ..Default::default()
        };
        event::with_id(id, T, EventType::EntityLockRequested(it))
    }
    pub fn granted(section: &str) -> HistoryEvent {
        let it = pb::EntityLockGrantedEvent { critical_section_id: section.into() };
        event::server_event(T, EventType::EntityLockGranted(it))
    }
    pub fn unlocked(id: i32, section: &str, entity: &str) -> HistoryEvent {
        let it = pb::EntityUnlockSentEvent {
            critical_section_id: section.into(),
            target_instance_id: Some(entity.into()),
            ..Default::default()
        };
        event::with_id(id, T, EventType::EntityUnlockSent(it))
    }
    pub fn raised(name: &str, input: &str) -> HistoryEvent {
        event::event_raised(T, name.into(), Some(input.into()))
    }
    pub fn suspended() -> HistoryEvent {
        event::execution_suspended(T, None)
    }
    pub fn resumed() -> HistoryEvent {
        event::execution_resumed(T, None)
    }
    pub fn terminated(reason: &str) -> HistoryEvent {
        event::execution_terminated(T, Some(reason.into()), false)
    }
}

/// Registers `function` as the orchestrator that [`history::started`] starts.
pub(super) fn main<Shape>(function: impl OrchestratorFn<Shape>) -> Registry {
    Registry::new().orchestrator("Main", function)
}

pub(super) fn request(past: &[HistoryEvent], new: &[HistoryEvent]) -> pb::OrchestratorRequest {
    pb::OrchestratorRequest {
        instance_id: "i".into(),
        execution_id: Some("x".into()),
        past_events: past.to_vec(),
        new_events: new.to_vec(),
        ..Default::default()
    }
}

/// Runs one turn and compares the answer, in words.
pub(super) fn check(registry: &Registry, past: &[HistoryEvent], new: &[HistoryEvent], expected: Expect) {
    expected.assert_eq(&answer(registry, past, new));
}

pub(super) fn answer(registry: &Registry, past: &[HistoryEvent], new: &[HistoryEvent]) -> String {
    let response = registry.run_orchestrator(request(past, new));
    assert_eq!((&*response.instance_id, &*response.completion_token), ("i", ""));
    let mut text = String::new();
    for action in &response.actions {
        writeln!(text, "{} {}", action.id, words(action)).unwrap();
    }
    if let Some(status) = response.custom_status {
        writeln!(text, "status {status}").unwrap();
    }
    text
}

pub(super) fn words(action: &pb::OrchestratorAction) -> String {
    let payload = |payload: &Option<String>| payload.clone().unwrap_or_else(|| "-".into());
    match action.orchestrator_action_type.as_ref().unwrap() {
        Action::ScheduleTask(it) => format!("activity {} {}", it.name, payload(&it.input)),
        Action::CreateTimer(it) => {
            let at = Timestamp::at_or_after(it.fire_at.as_ref().unwrap());
            format!("timer at {}s", at.0 / 1_000_000)
        }
        Action::CreateSubOrchestration(it) => {
            format!("child {} {} {}", it.name, it.instance_id, payload(&it.input))
        }
        Action::SendEvent(it) => {
            format!(
                "event {} to {} {}",
                it.name,
                it.instance.as_ref().unwrap().instance_id,
                payload(&it.data)
            )
        }
        Action::CompleteOrchestration(it) => {
            let mut text = format!("{} {}", it.orchestration_status().name(), payload(&it.result));
            let mut failure = it.failure_details.as_ref();
            while let Some(it) = failure {
                let mark = if it.is_non_retriable { "!" } else { "" };
                write!(text, " | {}{mark}: {}", it.error_type, it.error_message).unwrap();
                failure = it.inner_failure.as_deref();
            }
            for event in &it.carryover_events {
                let Some(EventType::EventRaised(raised)) = &event.event_type else { panic!("{event:?}") };
                write!(text, " + {} {}", raised.name, payload(&raised.input)).unwrap();
            }
            text
        }
        Action::SendEntityMessage(it) => entity_words(it.entity_message_type.as_ref().unwrap()),
        other => format!("{other:?}"),
    }
}

/// Request ids are shortened.
fn entity_words(sent: &Sent) -> String {
    let payload = |payload: &Option<String>| payload.clone().unwrap_or_else(|| "-".into());
    match sent {
        Sent::EntityOperationSignaled(it) => {
            let at = it.scheduled_time.as_ref().map(|at| format!(" at {}s", at.seconds));
            let to = it.target_instance_id.as_ref().unwrap();
            format!("signal {} to {to} {}{}", it.operation, payload(&it.input), at.unwrap_or_default())
        }
        Sent::EntityOperationCalled(it) => {
            let to = it.target_instance_id.as_ref().unwrap();
            format!("call {} of {to} {} #{}", it.operation, payload(&it.input), &it.request_id[..4])
        }
        Sent::EntityLockRequested(it) => {
            assert_eq!(it.position, 0);
            format!("lock {} #{}", it.lock_set.join(" "), &it.critical_section_id[..4])
        }
        Sent::EntityUnlockSent(it) => {
            let short = it.critical_section_id.get(..4).unwrap_or(&it.critical_section_id);
            format!("unlock {} #{short}", it.target_instance_id.as_ref().unwrap())
        }
    }
}
