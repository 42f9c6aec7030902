//! One event of a history, as it is kept.

use super::{super::row::ShortFailure, failure::Failure, payload::Payload};
use crate::model::{
    FailureBrief, StatusExt as _, Timestamp,
    pb::{HistoryEvent, TaskFailureDetails, history_event::EventType},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most bytes of a payload in a page.
const PREVIEW_BYTES: usize = 1024;

/// How much of an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    NoPayloads,
    /// The beginning of each payload.
    Preview,
    Whole,
}

/// Fields that the type of the event does not have are `null`, those that only few types have are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    /// Place in the history, from 0.
    index: i64,
    event_id: i32,
    r#type: &'static str,
    time: Option<String>,
    name: Option<&'a str>,
    /// Id of the event that this one answers.
    task_id: Option<i32>,
    fire_at: Option<String>,
    instance_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    critical_section_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_set: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a BTreeMap<String, String>>,
    payload: Option<Payload<'a>>,
    failure: Option<Why<'a>>,
}

/// A failure, as much of it as is wanted.
#[derive(Serialize)]
#[serde(untagged)]
enum Why<'a> {
    Short(ShortFailure),
    Whole(Failure<'a>),
}

impl<'a> Event<'a> {
    /// Shows event number `index`; `None` if it is of a kind that nobody knows.
    pub fn of(index: i64, event: &'a HistoryEvent, detail: Detail) -> Option<Self> {
        let kind = event.event_type.as_ref()?;
        let payload = payload(kind).map(|text| match detail {
            Detail::Whole => Payload::of(text, usize::MAX),
            Detail::Preview | Detail::NoPayloads => Payload::of(text, PREVIEW_BYTES),
        });
        let mut shown = Self {
            index,
            event_id: event.event_id,
            r#type: type_name(kind),
            time: time(event.timestamp.as_ref()),
            name: name(kind),
            task_id: answers(kind),
            fire_at: None,
            instance_id: other_instance(kind),
            version: None,
            runtime_status: None,
            request_id: None,
            critical_section_id: None,
            lock_set: None,
            tags: None,
            payload: payload.filter(|_| detail != Detail::NoPayloads),
            failure: failure(kind).map(|details| match detail {
                Detail::Whole => Why::Whole(Failure(details)),
                Detail::Preview | Detail::NoPayloads => Why::Short(FailureBrief::of(details).into()),
            }),
        };
        shown.describe(kind);
        Some(shown)
    }

    /// What only few types have.
    fn describe(&mut self, kind: &'a EventType) {
        let some = |tags: &'a BTreeMap<String, String>| Some(tags).filter(|tags| !tags.is_empty());
        match kind {
            EventType::ExecutionStarted(it) => {
                (self.version, self.tags) = (it.version.as_deref(), some(&it.tags));
                self.fire_at = time(it.scheduled_start_timestamp.as_ref());
            }
            EventType::ExecutionCompleted(it) => self.runtime_status = Some(it.orchestration_status().name()),
            EventType::TaskScheduled(it) => {
                (self.version, self.tags) = (it.version.as_deref(), some(&it.tags));
            }
            EventType::SubOrchestrationInstanceCreated(it) => {
                (self.version, self.tags) = (it.version.as_deref(), some(&it.tags));
            }
            EventType::TimerCreated(it) => self.fire_at = time(it.fire_at.as_ref()),
            EventType::TimerFired(it) => self.fire_at = time(it.fire_at.as_ref()),
            EventType::EntityOperationSignaled(it) => {
                self.request_id = Some(&it.request_id);
                self.fire_at = time(it.scheduled_time.as_ref());
            }
            EventType::EntityOperationCalled(it) => {
                self.request_id = Some(&it.request_id);
                self.fire_at = time(it.scheduled_time.as_ref());
            }
            EventType::EntityOperationCompleted(it) => self.request_id = Some(&it.request_id),
            EventType::EntityOperationFailed(it) => self.request_id = Some(&it.request_id),
            EventType::EntityLockRequested(it) => {
                self.critical_section_id = Some(&it.critical_section_id);
                self.lock_set = Some(&it.lock_set);
            }
            EventType::EntityLockGranted(it) => self.critical_section_id = Some(&it.critical_section_id),
            EventType::EntityUnlockSent(it) => self.critical_section_id = Some(&it.critical_section_id),
            _ => {}
        }
    }
}

/// A wire time as the other routes of this room write times.
pub fn time(wire: Option<&prost_types::Timestamp>) -> Option<String> {
    wire.map(|wire| Timestamp::at_or_after(wire).to_string())
}

/// The type as the protocol calls it.
pub fn type_name(kind: &EventType) -> &'static str {
    super::super::super::history::type_name(kind)
}

/// What the event is about: an activity, an orchestrator, an event, an operation.
pub fn name(kind: &EventType) -> Option<&str> {
    match kind {
        EventType::ExecutionStarted(it) => Some(&it.name),
        EventType::TaskScheduled(it) => Some(&it.name),
        EventType::SubOrchestrationInstanceCreated(it) => Some(&it.name),
        EventType::EventSent(it) => Some(&it.name),
        EventType::EventRaised(it) => Some(&it.name),
        EventType::EntityOperationSignaled(it) => Some(&it.operation),
        EventType::EntityOperationCalled(it) => Some(&it.operation),
        EventType::ExecutionRewound(it) => it.name.as_deref(),
        _ => None,
    }
}

/// Whether it only opens or closes a turn.
pub fn is_turn(kind: &EventType) -> bool {
    matches!(kind, EventType::OrchestratorStarted(_) | EventType::OrchestratorCompleted(_))
}

/// The id of the event that this one answers.
pub fn answers(kind: &EventType) -> Option<i32> {
    match kind {
        EventType::TaskCompleted(it) => Some(it.task_scheduled_id),
        EventType::TaskFailed(it) => Some(it.task_scheduled_id),
        EventType::SubOrchestrationInstanceCompleted(it) => Some(it.task_scheduled_id),
        EventType::SubOrchestrationInstanceFailed(it) => Some(it.task_scheduled_id),
        EventType::TimerFired(it) => Some(it.timer_id),
        _ => None,
    }
}

/// Whether it tells of a failure.
pub fn is_failed(kind: &EventType) -> bool {
    failure(kind).is_some()
        || matches!(
            kind,
            EventType::TaskFailed(_)
                | EventType::SubOrchestrationInstanceFailed(_)
                | EventType::EntityOperationFailed(_)
        )
}

/// All its texts, for searching.
pub fn texts(kind: &EventType) -> Vec<&str> {
    let mut texts: Vec<&str> =
        [name(kind), payload(kind), other_instance(kind)].into_iter().flatten().collect();
    let mut why = failure(kind);
    while let Some(details) = why {
        texts.extend([details.error_type.as_str(), &details.error_message]);
        why = details.inner_failure.as_deref();
    }
    match kind {
        EventType::EntityOperationSignaled(it) => texts.push(&it.request_id),
        EventType::EntityOperationCalled(it) => texts.push(&it.request_id),
        EventType::EntityOperationCompleted(it) => texts.push(&it.request_id),
        EventType::EntityOperationFailed(it) => texts.push(&it.request_id),
        EventType::EntityLockRequested(it) => {
            texts.push(&it.critical_section_id);
            texts.extend(it.lock_set.iter().map(String::as_str));
        }
        EventType::EntityLockGranted(it) => texts.push(&it.critical_section_id),
        EventType::EntityUnlockSent(it) => texts.push(&it.critical_section_id),
        _ => {}
    }
    texts
}

/// The other instance that it is about.
fn other_instance(kind: &EventType) -> Option<&str> {
    match kind {
        EventType::SubOrchestrationInstanceCreated(it) => Some(&it.instance_id),
        EventType::EventSent(it) => Some(&it.instance_id),
        EventType::EntityOperationSignaled(it) => it.target_instance_id.as_deref(),
        EventType::EntityOperationCalled(it) => it.target_instance_id.as_deref(),
        EventType::EntityUnlockSent(it) => it.target_instance_id.as_deref(),
        EventType::ExecutionRewound(it) => it.instance_id.as_deref(),
        _ => None,
    }
}

/// The text that it carries: an input, a result, a reason.
fn payload(kind: &EventType) -> Option<&str> {
    match kind {
        EventType::ExecutionStarted(it) => it.input.as_deref(),
        EventType::ExecutionCompleted(it) => it.result.as_deref(),
        EventType::ExecutionTerminated(it) => it.input.as_deref(),
        EventType::TaskScheduled(it) => it.input.as_deref(),
        EventType::TaskCompleted(it) => it.result.as_deref(),
        EventType::SubOrchestrationInstanceCreated(it) => it.input.as_deref(),
        EventType::SubOrchestrationInstanceCompleted(it) => it.result.as_deref(),
        EventType::EventSent(it) => it.input.as_deref(),
        EventType::EventRaised(it) => it.input.as_deref(),
        EventType::GenericEvent(it) => it.data.as_deref(),
        EventType::ContinueAsNew(it) => it.input.as_deref(),
        EventType::ExecutionSuspended(it) => it.input.as_deref(),
        EventType::ExecutionResumed(it) => it.input.as_deref(),
        EventType::EntityOperationSignaled(it) => it.input.as_deref(),
        EventType::EntityOperationCalled(it) => it.input.as_deref(),
        EventType::EntityOperationCompleted(it) => it.output.as_deref(),
        EventType::ExecutionRewound(it) => it.reason.as_deref(),
        EventType::OrchestratorStarted(_)
        | EventType::OrchestratorCompleted(_)
        | EventType::TaskFailed(_)
        | EventType::SubOrchestrationInstanceFailed(_)
        | EventType::TimerCreated(_)
        | EventType::TimerFired(_)
        | EventType::HistoryState(_)
        | EventType::EntityOperationFailed(_)
        | EventType::EntityLockRequested(_)
        | EventType::EntityLockGranted(_)
        | EventType::EntityUnlockSent(_) => None,
    }
}

fn failure(kind: &EventType) -> Option<&TaskFailureDetails> {
    match kind {
        EventType::ExecutionCompleted(it) => it.failure_details.as_ref(),
        EventType::TaskFailed(it) => it.failure_details.as_ref(),
        EventType::SubOrchestrationInstanceFailed(it) => it.failure_details.as_ref(),
        EventType::EntityOperationFailed(it) => it.failure_details.as_ref(),
        _ => None,
    }
}
