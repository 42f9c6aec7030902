//! Instances: what is kept of one, and what is needed to make one.

use super::{
    Class, HubId, InstanceId, InstanceKey, Message, NewMessage, Status, Timestamp, event,
    pb::{self, TaskFailureDetails, history_event::EventType},
};
use std::{collections::BTreeMap, sync::Arc};

/// Labels given at the start.
pub type Tags = BTreeMap<String, String>;

/// Enough of an instance to route work to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRef {
    pub key: InstanceKey,
    pub hub: HubId,
    pub id: InstanceId,
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
}

/// Who waits for a sub-orchestration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRef {
    pub id: InstanceId,
    pub execution_id: String,
    /// The parent's action id.
    pub task_id: i32,
}

/// The narrow row of an instance: everything but payloads.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceRecord {
    pub key: InstanceKey,
    pub hub: HubId,
    pub id: InstanceId,
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
    pub execution_id: String,
    pub status: Status,
    /// How many commits the instance has seen; the fence of the next one.
    pub turn: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Set when the status is terminal.
    pub completed_at: Option<Timestamp>,
    /// When the first turn may run, for a start that was scheduled.
    pub scheduled_at: Option<Timestamp>,
    pub parent: Option<ParentRef>,
    pub tags: Tags,
    /// `OrchestrationTraceContext` as the worker last returned it, encoded.
    pub trace: Option<Vec<u8>>,
}

impl InstanceRecord {
    /// The row of an instance that has just been made, from the message that opens it; `None` if it is another message.
    pub fn newborn(reference: &InstanceRef, opening: &Message) -> Option<Self> {
        let first = opening.events.first().filter(|_| opening.class == Class::Start)?;
        let Some(EventType::ExecutionStarted(started)) = &first.event_type else { return None };
        let created_at = Timestamp::at_or_after(first.timestamp.as_ref()?);
        Some(Self::pending(reference.clone(), started, created_at, opening.due))
    }

    /// The row of an instance that has not had a turn.
    fn pending(
        reference: InstanceRef,
        started: &pb::ExecutionStartedEvent,
        created_at: Timestamp,
        scheduled_at: Option<Timestamp>,
    ) -> Self {
        let InstanceRef { key, hub, id, name, version } = reference;
        Self {
            key,
            hub,
            id,
            name,
            version,
            execution_id: execution_of(started).to_owned(),
            status: Status::Pending,
            turn: 0,
            created_at,
            updated_at: created_at,
            completed_at: None,
            scheduled_at,
            parent: parent_of(started),
            tags: started.tags.clone(),
            trace: None,
        }
    }

    /// When it last changed: the end of what has ended.
    pub fn changed_at(&self) -> Timestamp {
        self.completed_at.unwrap_or(self.updated_at)
    }

    /// From creation to end, in microseconds; `None` until it has ended.
    pub fn took(&self) -> Option<i64> {
        self.completed_at.map(|at| at.0.saturating_sub(self.created_at.0))
    }

    /// The part that routes work.
    pub fn reference(&self) -> InstanceRef {
        InstanceRef {
            key: self.key,
            hub: self.hub,
            id: self.id.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
        }
    }
}

/// Payloads of an instance: text as it was given, usually JSON. `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payloads {
    pub input: Option<String>,
    pub output: Option<String>,
    pub custom_status: Option<String>,
    pub failure: Option<TaskFailureDetails>,
}

/// An instance to be made. Name, version, input, execution id, parent, tags and trace context are those of `started`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewInstance {
    pub hub: HubId,
    pub id: InstanceId,
    pub created_at: Timestamp,
    /// First turn not before this time.
    pub start_at: Option<Timestamp>,
    pub started: pb::ExecutionStartedEvent,
}

impl NewInstance {
    /// The id of its first execution; empty only if whoever made it forgot to set one.
    pub fn execution_id(&self) -> &str {
        execution_of(&self.started)
    }

    /// The row it has right after it was made under `key`.
    pub fn record(&self, key: InstanceKey) -> InstanceRecord {
        let reference = InstanceRef {
            key,
            hub: self.hub,
            id: self.id.clone(),
            name: self.started.name.as_str().into(),
            version: self.started.version.as_deref().map(Into::into),
        };
        InstanceRecord::pending(reference, &self.started, self.created_at, self.start_at)
    }

    /// Who waits for it.
    pub fn parent(&self) -> Option<ParentRef> {
        parent_of(&self.started)
    }

    /// The message that opens its first execution.
    pub fn start_message(&self) -> NewMessage {
        let started = event::server_event(self.created_at, EventType::ExecutionStarted(self.started.clone()));
        NewMessage { class: Class::Start, due: self.start_at, events: vec![started] }
    }
}

/// The execution id in an `ExecutionStarted` event.
fn execution_of(started: &pb::ExecutionStartedEvent) -> &str {
    let instance = started.orchestration_instance.as_ref();
    instance.and_then(|instance| instance.execution_id.as_deref()).unwrap_or_default()
}

/// The parent named in an `ExecutionStarted` event.
pub fn parent_of(started: &pb::ExecutionStartedEvent) -> Option<ParentRef> {
    let info = started.parent_instance.as_ref()?;
    let instance = info.orchestration_instance.as_ref()?;
    Some(ParentRef {
        id: InstanceId::lookup(instance.instance_id.as_str()),
        execution_id: instance.execution_id.clone().unwrap_or_default(),
        task_id: info.task_scheduled_id,
    })
}
