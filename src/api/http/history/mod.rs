//! `historyEvents`: the stored history as the Durable Functions extension shows it. Pure.
//!
//! Turn boundaries are left out, and an activity or sub-orchestration that has ended is one row: its completion, which takes
//! over name, input and time from the row that scheduled it. Different from the original on purpose: sub-orchestration rows keep
//! the child's id, and every status is a name.

mod page;
mod row;
mod window;

pub use page::{Page, PageAsked};
pub use row::{Properties, Row};

use super::view::Show;
use crate::model::{
    StatusExt as _,
    pb::{HistoryEvent, TaskFailureDetails, history_event::EventType},
};
use row::{Field, time};
use std::collections::HashMap;

/// What kind of call an action id belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Call {
    Activity,
    Child,
}

/// Shows an event that is a row by itself or, if `scheduled` is what it completes, a merged one.
fn show_one<'a>(event: &'a HistoryEvent, scheduled: Option<&'a HistoryEvent>, show: Show) -> Option<Row<'a>> {
    let mut row = row(event, event.event_type.as_ref()?, show)?;
    if let Some(scheduled) = scheduled {
        take_over(&mut row, scheduled, show);
    }
    Some(row)
}

/// Shows `events`, the whole history of one execution in order.
pub fn project(events: &[HistoryEvent], show: Show) -> Vec<Row<'_>> {
    let mut rows: Vec<Option<Row>> = Vec::new();
    // Action ids are not unique within a history (a retry may use one again), so the newest open call counts.
    let mut open: HashMap<(Call, i32), (usize, &HistoryEvent)> = HashMap::new();
    for event in events {
        let Some(kind) = &event.event_type else { continue };
        let Some(mut row) = row(event, kind, show) else { continue };
        if let Some((place, scheduled)) = closes(kind).and_then(|call| open.remove(&call)) {
            if let Some(place) = rows.get_mut(place) {
                *place = None;
            }
            take_over(&mut row, scheduled, show);
        }
        if let Some(call) = opens(kind) {
            open.insert((call, event.event_id), (rows.len(), event));
        }
        rows.push(Some(row));
    }
    rows.into_iter().flatten().collect()
}

fn opens(kind: &EventType) -> Option<Call> {
    match kind {
        EventType::TaskScheduled(_) => Some(Call::Activity),
        EventType::SubOrchestrationInstanceCreated(_) => Some(Call::Child),
        _ => None,
    }
}

fn closes(kind: &EventType) -> Option<(Call, i32)> {
    match kind {
        EventType::TaskCompleted(it) => Some((Call::Activity, it.task_scheduled_id)),
        EventType::TaskFailed(it) => Some((Call::Activity, it.task_scheduled_id)),
        EventType::SubOrchestrationInstanceCompleted(it) => Some((Call::Child, it.task_scheduled_id)),
        EventType::SubOrchestrationInstanceFailed(it) => Some((Call::Child, it.task_scheduled_id)),
        _ => None,
    }
}

/// Adds to a completion what only the row that scheduled it knows.
fn take_over<'a>(row: &mut Row<'a>, scheduled: &'a HistoryEvent, show: Show) {
    let (name, input, child) = match &scheduled.event_type {
        Some(EventType::TaskScheduled(it)) => (&it.name, &it.input, None),
        Some(EventType::SubOrchestrationInstanceCreated(it)) => (&it.name, &it.input, Some(&it.instance_id)),
        _ => return,
    };
    row.put("ScheduledTime", time(scheduled.timestamp.as_ref()));
    row.put("FunctionName", Field::Text(name));
    if show.input {
        row.put("Input", text(input));
    }
    if let Some(child) = child {
        row.put("InstanceId", Field::Text(child));
    }
}

/// The row of one event by itself; `None` for events that are never shown.
fn row<'a>(event: &'a HistoryEvent, kind: &'a EventType, show: Show) -> Option<Row<'a>> {
    let mut row = Row::default();
    row.put("EventType", Field::Text(name(kind)?));
    row.put("Timestamp", time(event.timestamp.as_ref()));
    describe(&mut row, kind, show);
    Some(row)
}

/// The event's name; `None` if it is never shown.
fn name(kind: &EventType) -> Option<&'static str> {
    let is_turn = matches!(kind, EventType::OrchestratorStarted(_) | EventType::OrchestratorCompleted(_));
    (!is_turn).then(|| type_name(kind))
}

/// The name of the event's type.
pub fn type_name(kind: &EventType) -> &'static str {
    match kind {
        EventType::OrchestratorStarted(_) => "OrchestratorStarted",
        EventType::OrchestratorCompleted(_) => "OrchestratorCompleted",
        EventType::ExecutionStarted(_) => "ExecutionStarted",
        EventType::ExecutionCompleted(_) => "ExecutionCompleted",
        EventType::ExecutionTerminated(_) => "ExecutionTerminated",
        EventType::TaskScheduled(_) => "TaskScheduled",
        EventType::TaskCompleted(_) => "TaskCompleted",
        EventType::TaskFailed(_) => "TaskFailed",
        EventType::SubOrchestrationInstanceCreated(_) => "SubOrchestrationInstanceCreated",
        EventType::SubOrchestrationInstanceCompleted(_) => "SubOrchestrationInstanceCompleted",
        EventType::SubOrchestrationInstanceFailed(_) => "SubOrchestrationInstanceFailed",
        EventType::TimerCreated(_) => "TimerCreated",
        EventType::TimerFired(_) => "TimerFired",
        EventType::EventSent(_) => "EventSent",
        EventType::EventRaised(_) => "EventRaised",
        EventType::GenericEvent(_) => "GenericEvent",
        EventType::HistoryState(_) => "HistoryState",
        EventType::ContinueAsNew(_) => "ContinueAsNew",
        EventType::ExecutionSuspended(_) => "ExecutionSuspended",
        EventType::ExecutionResumed(_) => "ExecutionResumed",
        EventType::EntityOperationSignaled(_) => "EntityOperationSignaled",
        EventType::EntityOperationCalled(_) => "EntityOperationCalled",
        EventType::EntityOperationCompleted(_) => "EntityOperationCompleted",
        EventType::EntityOperationFailed(_) => "EntityOperationFailed",
        EventType::EntityLockRequested(_) => "EntityLockRequested",
        EventType::EntityLockGranted(_) => "EntityLockGranted",
        EventType::EntityUnlockSent(_) => "EntityUnlockSent",
        EventType::ExecutionRewound(_) => "ExecutionRewound",
    }
}

fn describe<'a>(row: &mut Row<'a>, kind: &'a EventType, show: Show) {
    let input = |row: &mut Row<'a>, given: &'a Option<String>| {
        if show.input {
            row.put("Input", text(given));
        }
    };
    let result = |row: &mut Row<'a>, given: &'a Option<String>| {
        if show.history_output {
            row.put("Result", Field::Embedded(given.as_deref()));
        }
    };
    match kind {
        EventType::OrchestratorStarted(_) | EventType::OrchestratorCompleted(_) => {}
        EventType::ExecutionStarted(it) => {
            input(row, &it.input);
            row.put("Correlation", Field::Null);
            row.put("ParentTraceContext", Field::Trace(it.parent_trace_context.as_ref()));
            row.put("ScheduledStartTime", time(it.scheduled_start_timestamp.as_ref()));
            row.put("Generation", Field::Null);
            row.put("GenerateNewTrace", Field::Flag(false));
            row.put("FunctionName", Field::Text(&it.name));
        }
        EventType::ExecutionCompleted(it) => {
            row.put("OrchestrationStatus", Field::Text(it.orchestration_status().name()));
            result(row, &it.result);
            row.put("FailureDetails", Field::Failure(it.failure_details.as_ref()));
        }
        EventType::ExecutionTerminated(it) => input(row, &it.input),
        EventType::TaskScheduled(it) => {
            row.put("Name", Field::Text(&it.name));
            input(row, &it.input);
            row.put("ParentTraceContext", Field::Trace(it.parent_trace_context.as_ref()));
            row.put("Tags", Field::Tags(&it.tags));
        }
        EventType::TaskCompleted(it) => result(row, &it.result),
        EventType::TaskFailed(it) => failed(row, it.failure_details.as_ref()),
        EventType::SubOrchestrationInstanceCreated(it) => {
            row.put("Name", Field::Text(&it.name));
            row.put("InstanceId", Field::Text(&it.instance_id));
            input(row, &it.input);
            row.put("ClientSpanId", Field::Null);
            row.put("Tags", Field::Tags(&it.tags));
        }
        EventType::SubOrchestrationInstanceCompleted(it) => result(row, &it.result),
        EventType::SubOrchestrationInstanceFailed(it) => failed(row, it.failure_details.as_ref()),
        EventType::TimerCreated(it) => row.put("FireAt", time(it.fire_at.as_ref())),
        EventType::TimerFired(it) => row.put("FireAt", time(it.fire_at.as_ref())),
        EventType::EventSent(it) => {
            row.put("InstanceId", Field::Text(&it.instance_id));
            row.put("Name", Field::Text(&it.name));
            input(row, &it.input);
        }
        EventType::EventRaised(it) => {
            row.put("Name", Field::Text(&it.name));
            input(row, &it.input);
            row.put("ParentTraceContext", Field::Null);
        }
        EventType::GenericEvent(it) => row.put("Data", text(&it.data)),
        // Never written by this server, which keeps no copy of the state inside a history.
        EventType::HistoryState(_) => row.put("State", Field::Null),
        EventType::ContinueAsNew(it) => {
            row.put("OrchestrationStatus", Field::Text("ContinuedAsNew"));
            row.put("Result", text(&it.input));
            row.put("FailureDetails", Field::Null);
        }
        EventType::ExecutionSuspended(it) => row.put("Reason", text(&it.input)),
        EventType::ExecutionResumed(it) => row.put("Reason", text(&it.input)),
        EventType::EntityOperationSignaled(it) => {
            row.put("InstanceId", text(&it.target_instance_id));
            row.put("Operation", Field::Text(&it.operation));
            input(row, &it.input);
            row.put("RequestId", Field::Text(&it.request_id));
        }
        EventType::EntityOperationCalled(it) => {
            row.put("InstanceId", text(&it.target_instance_id));
            row.put("Operation", Field::Text(&it.operation));
            input(row, &it.input);
            row.put("RequestId", Field::Text(&it.request_id));
        }
        EventType::EntityOperationCompleted(it) => {
            result(row, &it.output);
            row.put("RequestId", Field::Text(&it.request_id));
        }
        EventType::EntityOperationFailed(it) => {
            failed(row, it.failure_details.as_ref());
            row.put("RequestId", Field::Text(&it.request_id));
        }
        EventType::EntityLockRequested(it) => {
            row.put("CriticalSectionId", Field::Text(&it.critical_section_id));
            row.put("LockSet", Field::Texts(&it.lock_set));
        }
        EventType::EntityLockGranted(it) => {
            row.put("CriticalSectionId", Field::Text(&it.critical_section_id));
        }
        EventType::EntityUnlockSent(it) => {
            row.put("InstanceId", text(&it.target_instance_id));
            row.put("CriticalSectionId", Field::Text(&it.critical_section_id));
        }
        EventType::ExecutionRewound(it) => {
            row.put("Reason", text(&it.reason));
            row.put("ParentExecutionId", text(&it.parent_execution_id));
            row.put("InstanceId", text(&it.instance_id));
            row.put("ParentTraceContext", Field::Trace(it.parent_trace_context.as_ref()));
        }
    }
}

fn failed<'a>(row: &mut Row<'a>, details: Option<&'a TaskFailureDetails>) {
    row.put("Reason", details.map_or(Field::Null, |it| Field::Text(&it.error_message)));
    row.put("Details", details.map_or(Field::Null, |it| text(&it.stack_trace)));
    row.put("FailureDetails", Field::Failure(details));
}

fn text(given: &Option<String>) -> Field<'_> {
    given.as_deref().map_or(Field::Null, Field::Text)
}

#[cfg(test)]
mod tests;
