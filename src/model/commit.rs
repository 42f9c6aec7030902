//! Everything one turn changes. The engine writes it, the store applies it in one transaction, neither knows the other.

use super::{
    Chunk, EntityChange, EntityId, HubId, InstanceId, InstanceKey, MessageId, NewInstance, NewMessage,
    Rewrite, Status, Timestamp,
    pb::{self, TaskFailureDetails},
};
use std::sync::Arc;

/// The outcome of one turn: applied wholly or not at all, in the order of the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub hub: HubId,
    pub key: InstanceKey,
    /// The fence: the instance must have seen exactly `turn - 1` commits, and has seen `turn` afterwards.
    pub turn: i64,
    /// Messages this turn has dealt with; they leave the inbox.
    pub consumed: Vec<MessageId>,
    pub history: HistoryChange,
    pub update: InstanceUpdate,
    /// What becomes of work and messages that wait. Applies to what was there before this commit, not to what it adds.
    pub pending: Pending,
    pub children: Vec<NewChild>,
    pub activities: Vec<NewActivity>,
    pub outbox: Vec<Outgoing>,
    /// Only in the turn of an entity.
    pub entity: Option<EntityChange>,
}

impl Commit {
    /// Turn number `turn` of the instance, which changes nothing but that number, the status and the time.
    pub fn blank(hub: HubId, key: InstanceKey, turn: i64, status: Status, updated_at: Timestamp) -> Self {
        Self {
            hub,
            key,
            turn,
            consumed: Vec::new(),
            history: HistoryChange::Keep,
            update: InstanceUpdate {
                status,
                updated_at,
                completed_at: None,
                reopens: false,
                custom_status: None,
                trace: None,
                output: None,
                failure: None,
                execution: None,
            },
            pending: Pending::Keep,
            children: Vec::new(),
            activities: Vec::new(),
            outbox: Vec::new(),
            entity: None,
        }
    }
}

/// What happens to the history of the current execution.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryChange {
    /// Grows by a chunk.
    Append(Chunk),
    /// Continue-as-new: a new execution begins with an empty history.
    Clear,
    /// Rewind: what is there becomes an earlier revision of the instance, and another history of the same execution takes its place.
    Rewrite(Rewrite),
    /// Stays.
    Keep,
}

impl HistoryChange {
    /// How many events the history has afterwards; `None`: as many as before.
    pub fn length(&self) -> Option<i64> {
        match self {
            Self::Append(chunk) => Some(chunk.end()),
            Self::Clear => Some(0),
            Self::Rewrite(rewrite) => Some(rewrite.length()),
            Self::Keep => None,
        }
    }
}

/// What becomes of the messages and activities that wait for, or on behalf of, the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// They stay.
    Keep,
    /// The execution ends, the instance goes on: results, timers and activities go, events and controls stay. Entities that it has
    /// locked are free.
    DropExecution,
    /// The instance ends: everything goes, except activities that its last turn detached. Entities that it has locked are free.
    DropAll,
    /// The ended instance comes alive again: those go, too. Replay schedules them anew, now with somebody waiting.
    DropDetached,
}

/// New values of the instance row. Fields that are `None` stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceUpdate {
    pub status: Status,
    pub updated_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    /// The instance had ended and goes on: its completion time, output and failure are removed.
    pub reopens: bool,
    /// `Some(None)` clears the custom status.
    pub custom_status: Option<Option<String>>,
    pub trace: Option<Vec<u8>>,
    pub output: Option<String>,
    pub failure: Option<TaskFailureDetails>,
    /// A new execution of the same instance.
    pub execution: Option<NewExecution>,
}

/// What continue-as-new changes in the instance row.
#[derive(Clone, Debug, PartialEq)]
pub struct NewExecution {
    pub execution_id: String,
    pub version: Option<Arc<str>>,
    pub input: Option<String>,
}

/// An orchestration to be created: a sub-orchestration, or one without a parent that an entity starts.
#[derive(Clone, Debug, PartialEq)]
pub struct NewChild {
    pub instance: NewInstance,
    /// An instance that has ended under the same id makes room.
    pub replaces: bool,
    /// Put into the sender's own inbox instead if a live instance holds the id. `None`: nobody will wait for the answer.
    pub otherwise: Option<NewMessage>,
}

/// An activity to be queued.
#[derive(Clone, Debug, PartialEq)]
pub struct NewActivity {
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
    /// Nobody waits for the result: it was scheduled by the very turn that ended the execution. It runs all the same, outlives
    /// [`Pending::DropExecution`] and [`Pending::DropAll`], and its result is thrown away.
    pub detached: bool,
    /// The complete work item, as a worker will get it.
    pub request: pb::ActivityRequest,
}

/// A message to put into an inbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub to: Recipient,
    pub message: NewMessage,
}

/// Whose inbox. A message to another instance is dropped when that instance does not exist, has ended, or is no longer the one
/// that was meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipient {
    /// The instance whose turn this is.
    Myself,
    /// Any live instance with this id in the same hub.
    Instance(InstanceId),
    /// This execution of the instance and no later one (a child answering its parent).
    Execution(InstanceId, String),
    /// The entity, which is made if it is not there.
    Entity(EntityId),
    /// The instance, if it was created by `parent` in execution `parent_execution`.
    ChildOf { id: InstanceId, parent: InstanceId, parent_execution: String },
}
