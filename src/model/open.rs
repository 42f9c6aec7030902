//! What an execution has asked for and not been answered, as its history says.

use super::{
    InstanceId,
    pb::{HistoryEvent, history_event::EventType},
};
use std::collections::HashMap;

/// A child with this tag never reports to its parent (DurableTask.Core, OrchestrationTags).
pub const FIRE_AND_FORGET: &str = "FireAndForget";

/// Something scheduled and not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenTask {
    Activity,
    Timer,
    /// `reports`: it tells its parent how it ends.
    Child {
        id: InstanceId,
        reports: bool,
    },
    /// An entity's answer to a call, or the beginning of a critical section, under this request id.
    Request(String),
}

/// What is open, by action id.
#[derive(Clone, Debug, Default)]
pub struct OpenTasks {
    by_id: HashMap<i32, OpenTask>,
    /// The action ids of those that are answered under a request id.
    requests: HashMap<String, i32>,
}

impl OpenTasks {
    /// Takes one event of the history into account.
    pub fn note(&mut self, event: &HistoryEvent) {
        let id = event.event_id;
        match &event.event_type {
            Some(EventType::TaskScheduled(_)) => {
                self.by_id.insert(id, OpenTask::Activity);
            }
            Some(EventType::TimerCreated(_)) => {
                self.by_id.insert(id, OpenTask::Timer);
            }
            Some(EventType::SubOrchestrationInstanceCreated(child)) => {
                let reports = !child.tags.contains_key(FIRE_AND_FORGET);
                let child = InstanceId::lookup(child.instance_id.as_str());
                self.by_id.insert(id, OpenTask::Child { id: child, reports });
            }
            Some(EventType::EntityOperationCalled(call)) => self.asked(id, &call.request_id),
            Some(EventType::EntityLockRequested(request)) => self.asked(id, &request.critical_section_id),
            Some(other) => {
                if let Some(answered) = self.answered_by(other)
                    && let Some(OpenTask::Request(request)) = self.by_id.remove(&answered)
                {
                    self.requests.remove(&request);
                }
            }
            None => {}
        }
    }

    fn asked(&mut self, id: i32, request: &str) {
        self.by_id.insert(id, OpenTask::Request(request.to_owned()));
        self.requests.insert(request.to_owned(), id);
    }

    /// Whether the action is open.
    pub fn contains(&self, id: i32) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Whether an entity has not answered yet.
    pub fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// All that is open, by action id.
    pub fn in_order(&self) -> Vec<(i32, &OpenTask)> {
        let mut open: Vec<_> = self.by_id.iter().map(|(id, task)| (*id, task)).collect();
        open.sort_unstable_by_key(|(id, _)| *id);
        open
    }

    /// The action id that `event` answers, if it is an answer to anything that could be open.
    pub fn answered_by(&self, event: &EventType) -> Option<i32> {
        match answered_request(event) {
            Some(request) => self.requests.get(request).copied(),
            None => answer(event).map(|(id, _)| id),
        }
    }

    /// Whether `event` answers something that is open. `None`: it is not an answer at all.
    pub fn wants(&self, event: &EventType) -> Option<bool> {
        if let Some(request) = answered_request(event) {
            return Some(self.requests.contains_key(request));
        }
        let (id, kind) = answer(event)?;
        Some(match (self.by_id.get(&id), kind) {
            (Some(OpenTask::Activity), Answer::Activity)
            | (Some(OpenTask::Timer), Answer::Timer)
            | (Some(OpenTask::Child { .. }), Answer::Child) => true,
            (
                Some(OpenTask::Activity | OpenTask::Timer | OpenTask::Child { .. } | OpenTask::Request(_))
                | None,
                _,
            ) => false,
        })
    }
}

/// What kind of thing an event answers.
enum Answer {
    Activity,
    Timer,
    Child,
}

/// The request id that an entity's event answers.
fn answered_request(event: &EventType) -> Option<&str> {
    match event {
        EventType::EntityOperationCompleted(done) => Some(&done.request_id),
        EventType::EntityOperationFailed(done) => Some(&done.request_id),
        EventType::EntityLockGranted(granted) => Some(&granted.critical_section_id),
        _ => None,
    }
}

/// The action id an event answers, if it is an answer that names one.
#[cfg(test)]
pub fn answered_action(event: &EventType) -> Option<i32> {
    answer(event).map(|(id, _)| id)
}

/// The action id an event answers, and what that action must have been.
fn answer(event: &EventType) -> Option<(i32, Answer)> {
    match event {
        EventType::TaskCompleted(done) => Some((done.task_scheduled_id, Answer::Activity)),
        EventType::TaskFailed(done) => Some((done.task_scheduled_id, Answer::Activity)),
        EventType::TimerFired(done) => Some((done.timer_id, Answer::Timer)),
        EventType::SubOrchestrationInstanceCompleted(done) => Some((done.task_scheduled_id, Answer::Child)),
        EventType::SubOrchestrationInstanceFailed(done) => Some((done.task_scheduled_id, Answer::Child)),
        _ => None,
    }
}
