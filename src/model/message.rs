//! Messages in an inbox, and activities waiting for a worker.

use super::{ActivityKey, HubId, InstanceId, MessageId, Timestamp, pb::HistoryEvent};
use bytes::Bytes;
use std::sync::Arc;

/// What a message is, as far as storing and delivering it goes. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Opens an execution: `ExecutionStarted`, and whatever was carried over to it. Delivered before everything else.
    Start = 0,
    /// Belongs to the instance and outlives continue-as-new: raised events, operations on an entity, and suspend or resume of an
    /// instance that has not begun.
    Event = 1,
    /// Answers something one execution asked for (activity, timer, child). Worthless to the next execution.
    Result = 2,
    /// Suspend, resume, terminate: the server acts on it itself, with or without a worker, ahead of other messages. To an entity: lock
    /// and unlock, which the server does itself as well, but each in its place among the others.
    Control = 3,
    /// Asks for a turn after a rewind. It brings no event: the turn is a lone `OrchestratorStarted`, with whatever else waits.
    Rewind = 4,
}

impl Class {
    /// The inverse of `class as u8`.
    pub fn from_number(number: i64) -> Option<Self> {
        [Class::Start, Class::Event, Class::Result, Class::Control, Class::Rewind]
            .into_iter()
            .find(|class| *class as i64 == number)
    }
}

/// A message on its way to an inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    pub class: Class,
    /// Not to be delivered before this time. `None`: at once.
    pub due: Option<Timestamp>,
    /// Usually one event. A start message also holds the events carried over from the execution before.
    pub events: Vec<HistoryEvent>,
}

impl NewMessage {
    /// A message of one event, to be delivered at once.
    pub fn now(class: Class, event: HistoryEvent) -> Self {
        Self { class, due: None, events: vec![event] }
    }
}

/// A message in an inbox that no turn has consumed yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub class: Class,
    pub due: Option<Timestamp>,
    pub events: Vec<HistoryEvent>,
}

/// An activity waiting for a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityTask {
    pub key: ActivityKey,
    pub hub: HubId,
    pub instance: InstanceId,
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
    /// The action id under which the orchestrator waits for the result.
    pub task_id: i32,
    /// Nobody waits for the result (see `NewActivity::detached`).
    pub detached: bool,
    /// One encoded `ActivityRequest`, complete.
    pub request: Bytes,
}
