//! What an orchestration has asked for and not got.

use crate::{
    dispatch::{Insight, InstanceView, Kind, Standing},
    model::{
        FailureBrief, HubId, InstanceId, Status, Timestamp,
        pb::{HistoryEvent, TaskFailureDetails, history_event::EventType},
    },
};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    Activity,
    Timer,
    SubOrchestration,
    /// An answer of an entity.
    EntityCall,
    /// The beginning of a critical section.
    Lock,
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub kind: WaitKind,
    /// The action's id.
    pub id: i32,
    /// The activity, the orchestrator, the operation; empty if there is none.
    pub name: String,
    pub since: Timestamp,
    /// Of a timer.
    pub due: Option<Timestamp>,
    /// Of a sub-orchestration or an entity: which one. Of a section: the entity that it locks first.
    pub instance: Option<InstanceId>,
    /// Of a sub-orchestration: how it stands; `None`: it is gone.
    pub status: Option<Status>,
    /// Of an activity: how it stands; `None`: dispatch does not know of it at this moment.
    pub standing: Option<Standing>,
    /// Of an activity: how often it came back.
    pub returns: u32,
    /// Of an entity: how many messages wait there, and who has locked it.
    pub backlog: Option<i64>,
    pub locked_by: Option<InstanceId>,
    /// Nothing that is stored will answer it.
    pub lost: bool,
    /// Of an activity.
    version: Option<String>,
    /// Under which its answer comes, if that is not the action's id.
    request: Option<String>,
}

impl Wait {
    fn new(kind: WaitKind, event: &HistoryEvent, name: &str) -> Self {
        Self {
            kind,
            id: event.event_id,
            name: name.to_owned(),
            since: event.timestamp.as_ref().map(Timestamp::at_or_after).unwrap_or_default(),
            due: None,
            instance: None,
            status: None,
            standing: None,
            returns: 0,
            backlog: None,
            locked_by: None,
            lost: false,
            version: None,
            request: None,
        }
    }

    /// Takes over what dispatch knows of it.
    pub fn see(&mut self, hub: HubId, view: &InstanceView, insight: &dyn Insight) {
        if self.kind != WaitKind::Activity {
            return;
        }
        match view.activities.iter().find(|activity| activity.task_id == self.id) {
            Some(activity) => {
                self.standing = Some(activity.standing.clone());
                self.returns = activity.returns;
            }
            None => self.standing = insight.behind(hub, Kind::Activity, &self.name, self.version.as_deref()),
        }
    }
}

/// The failure that an orchestration was told of last: of what it waits for a timer now, it may be the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct LastError {
    pub kind: WaitKind,
    /// Of the activity, the orchestrator, the operation.
    pub name: String,
    pub error_type: String,
    /// The first line, shortened.
    pub message: String,
    pub at: Timestamp,
}

/// What a history says of what is open.
#[derive(Default)]
pub struct Open {
    /// In the order in which it was asked for.
    pub waits: Vec<Wait>,
    pub last_error: Option<LastError>,
}

impl Open {
    /// Takes one event of the history into account.
    pub fn follow(&mut self, event: HistoryEvent) {
        let at = event.timestamp.as_ref().map(Timestamp::at_or_after).unwrap_or_default();
        if let Some((answered, failure)) = follow(&mut self.waits, event) {
            let FailureBrief { error_type, message } = FailureBrief::of(&failure);
            let Wait { kind, name, .. } = answered;
            self.last_error = Some(LastError { kind, name, error_type, message, at });
        }
    }
}

/// What was answered with a failure, if that is what the event says.
fn follow(waits: &mut Vec<Wait>, event: HistoryEvent) -> Option<(Wait, TaskFailureDetails)> {
    let new = |kind, name: &str| Wait::new(kind, &event, name);
    let asked = match &event.event_type {
        Some(EventType::TaskScheduled(it)) => {
            Wait { version: it.version.clone(), ..new(WaitKind::Activity, &it.name) }
        }
        Some(EventType::TimerCreated(it)) => {
            let due = it.fire_at.as_ref().map(Timestamp::at_or_after);
            Wait { due, ..new(WaitKind::Timer, "") }
        }
        Some(EventType::SubOrchestrationInstanceCreated(it)) => {
            let instance = Some(InstanceId::lookup(it.instance_id.as_str()));
            Wait { instance, ..new(WaitKind::SubOrchestration, &it.name) }
        }
        Some(EventType::EntityOperationCalled(it)) => {
            let instance = it.target_instance_id.as_deref().map(InstanceId::lookup);
            Wait {
                instance,
                request: Some(it.request_id.clone()),
                ..new(WaitKind::EntityCall, &it.operation)
            }
        }
        Some(EventType::EntityLockRequested(it)) => {
            let instance = it.lock_set.iter().min().map(|id| InstanceId::lookup(id.as_str()));
            Wait { instance, request: Some(it.critical_section_id.clone()), ..new(WaitKind::Lock, "") }
        }
        _ => return answer(waits, event.event_type?),
    };
    waits.push(asked);
    None
}

fn answer(waits: &mut Vec<Wait>, event: EventType) -> Option<(Wait, TaskFailureDetails)> {
    use WaitKind::{Activity, SubOrchestration, Timer};
    let by_id = |kind, id| move |wait: &Wait| wait.kind == kind && wait.id == id;
    let (answered, failure) = match event {
        EventType::TaskCompleted(it) => (remove(waits, by_id(Activity, it.task_scheduled_id)), None),
        EventType::TaskFailed(it) => {
            (remove(waits, by_id(Activity, it.task_scheduled_id)), it.failure_details)
        }
        EventType::TimerFired(it) => (remove(waits, by_id(Timer, it.timer_id)), None),
        EventType::SubOrchestrationInstanceCompleted(it) => {
            (remove(waits, by_id(SubOrchestration, it.task_scheduled_id)), None)
        }
        EventType::SubOrchestrationInstanceFailed(it) => {
            (remove(waits, by_id(SubOrchestration, it.task_scheduled_id)), it.failure_details)
        }
        EventType::EntityOperationCompleted(it) => (remove(waits, named(&it.request_id)), None),
        EventType::EntityOperationFailed(it) => (remove(waits, named(&it.request_id)), it.failure_details),
        EventType::EntityLockGranted(it) => (remove(waits, named(&it.critical_section_id)), None),
        _ => (None, None),
    };
    answered.zip(failure)
}

fn named(request: &str) -> impl Fn(&Wait) -> bool {
    move |wait| wait.request.as_deref() == Some(request)
}

/// The first that fits: what was asked for early is usually answered early.
fn remove(waits: &mut Vec<Wait>, fits: impl Fn(&Wait) -> bool) -> Option<Wait> {
    waits.iter().position(fits).map(|at| waits.remove(at))
}
