//! Entities: what their next batch holds, what its answer changes, and who has the lock (facts: gRPC protocol, section 11).
//!
//! What always holds:
//! - Operations of one sender run in the order in which they were sent; an operation that waits for a time joins the others then.
//! - While an orchestration has the lock, its own calls run, and nobody else's.
//! - Lock and unlock need no worker, but each has its place: a lock is taken when everything before it is done.

mod apply;
mod discard;
mod locks;
mod older;
mod reply;
mod sender;

pub use apply::{answer, refuse};
pub use discard::{discard, discard_unread, is_order};
pub use locks::serve;
pub(super) use sender::{Outbound, check, check_older, outbound, outbound_older};

use super::turn::by_arrival;
use crate::model::{
    Commit, EntityChange, InstanceRef, Lock, Message, MessageId, Status, Timestamp,
    pb::{HistoryEvent, history_event::EventType},
};
use prost::Message as _;
use reply::Caller;
use std::sync::Arc;

/// Most operations in one batch.
const MAX_BATCH: usize = 100;
/// Operations of one batch stay below this many bytes (one always fits), for the same reason as those of a turn.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// An entity as of its last commit.
#[derive(Clone, Debug)]
pub struct Entity {
    pub reference: InstanceRef,
    /// How many commits it has seen; the fence of the next one.
    pub turn: i64,
    pub state: Option<Arc<str>>,
    pub lock: Option<Lock>,
}

/// One delivery to an entity, not answered yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The messages taken, each of one operation.
    taken: Vec<MessageId>,
    /// Who waits for the result of each, in the same order.
    callers: Vec<Option<Caller>>,
    /// The operations, in the same order, as a worker gets them.
    pub operations: Vec<HistoryEvent>,
}

/// What to do with an entity's inbox now.
#[derive(Clone, Debug, PartialEq)]
pub enum NextBatch {
    /// Nothing can be done.
    Wait,
    /// Hand this to a worker.
    Deliver(Batch),
    /// This message is for the server itself: see [`serve`].
    Serve(Message),
    /// An operator has given up on this batch: see [`discard()`].
    Discard(Batch, Message),
}

/// A decision: the change to commit, and the entity as it is once that is committed.
#[derive(Debug)]
pub struct EntityOutcome {
    pub commit: Commit,
    /// Valid only after the commit has succeeded.
    pub entity: Entity,
}

/// What a message asks of an entity, and on whose behalf, as far as that matters.
enum Request<'a> {
    Operation {
        caller: Option<(&'a str, &'a str)>,
    },
    Lock,
    /// Unlock, or nothing an entity knows.
    Other,
}

impl<'a> Request<'a> {
    fn of(message: &'a Message) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        match message.events.first().and_then(|event| event.event_type.as_ref()) {
            Some(EventType::EntityOperationSignaled(_)) => Self::Operation { caller: None },
            Some(EventType::EntityOperationCalled(call)) => {
                let caller = (text(&call.parent_instance_id), text(&call.parent_execution_id));
                Self::Operation { caller: Some(caller) }
            }
            Some(EventType::EntityLockRequested(_)) => Self::Lock,
            _ => Self::Other,
        }
    }
}

impl Entity {
    /// An entity that nothing has happened to.
    pub fn new(reference: InstanceRef) -> Self {
        Self { reference, turn: 0, state: None, lock: None }
    }

    /// Looks at `inbox` (in arrival order) and decides. `item_bytes`: state and operations should not be larger together, because they
    /// travel as one; a batch of one operation may be.
    pub fn next<'a>(
        &self,
        inbox: impl Iterator<Item = &'a Message> + Clone,
        now: Timestamp,
        item_bytes: usize,
    ) -> NextBatch {
        let Some(order) = inbox.clone().find(|message| is_order(message)) else {
            return self.first(inbox, now, item_bytes);
        };
        match self.first(inbox.filter(|message| !is_order(message)), now, item_bytes) {
            NextBatch::Deliver(batch) => NextBatch::Discard(batch, order.clone()),
            _ => NextBatch::Discard(Batch::default(), order.clone()),
        }
    }

    /// The same but for what operators say.
    fn first<'a>(
        &self,
        inbox: impl Iterator<Item = &'a Message>,
        now: Timestamp,
        item_bytes: usize,
    ) -> NextBatch {
        let mut batch = Batch::default();
        let state = self.state.as_deref().map_or(0, str::len);
        let (mut bytes, most) = (0, item_bytes.saturating_sub(state).min(MAX_BATCH_BYTES));
        for message in by_arrival(inbox.filter(|message| message.due.is_none_or(|due| due <= now))) {
            match Request::of(message) {
                Request::Operation { caller } if self.admits(caller) => {
                    bytes += message.events[0].encoded_len();
                    if batch.len() >= MAX_BATCH || (bytes > most && !batch.is_empty()) {
                        break;
                    }
                    batch.add(message);
                }
                Request::Operation { .. } => {}
                // Somebody else's turn comes when the lock is free; asked for twice, it has been granted.
                Request::Lock if self.lock.is_some() && !locks::has(self, message) => {}
                Request::Lock | Request::Other if batch.is_empty() => {
                    return NextBatch::Serve(message.clone());
                }
                Request::Lock | Request::Other => break,
            }
        }
        if batch.is_empty() { NextBatch::Wait } else { NextBatch::Deliver(batch) }
    }

    /// Whether an operation may run now, by who called it (`None`: nobody waits for it).
    fn admits(&self, caller: Option<(&str, &str)>) -> bool {
        let Some(lock) = &self.lock else { return true };
        // A client that does not know the caller's execution leaves it empty.
        caller.is_some_and(|(id, execution)| {
            id == lock.owner.as_str() && (execution.is_empty() || execution == lock.execution_id)
        })
    }

    /// A commit that changes nothing but the turn number and the time.
    fn blank_commit(&self, now: Timestamp) -> Commit {
        let InstanceRef { hub, key, .. } = self.reference;
        Commit::blank(hub, key, self.turn + 1, Status::Running, now)
    }

    /// Closes a decision.
    fn decided(mut self, mut commit: Commit, change: EntityChange) -> EntityOutcome {
        self.turn = commit.turn;
        // Whether there is a lock is for the store to say: its owner may end before this is committed.
        let vanishes = self.state.is_none();
        commit.entity = Some(EntityChange { vanishes, ..change });
        EntityOutcome { commit, entity: self }
    }
}

impl Batch {
    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    fn add(&mut self, message: &Message) {
        let mut operation = message.events[0].clone();
        let caller = match &mut operation.event_type {
            Some(EventType::EntityOperationCalled(call)) => Some(Caller::of(call)),
            _ => None,
        };
        self.taken.push(message.id);
        self.callers.push(caller);
        self.operations.push(operation);
    }
}
