//! What dispatch knows of one instance. A slot is a cache entry with a stage: whatever it holds can be read again.

use super::{lease::Returns, queue::Place, worker::WorkerId};
use crate::{
    engine::{Execution, Turn},
    model::{Chunk, Class, HistoryChange, InstanceRecord, InstanceRef, Message, MessageId, Pending, Status},
};
use std::collections::BTreeMap;

/// Rough cost of an instance in the cache besides its history, in bytes.
const BASE_COST: usize = 2048;

/// Where the instance stands.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing to do, as far as is known.
    Idle,
    /// In the queue of its route, at this place.
    Queued(Place),
    /// Being read from the store; a place at this worker is kept free for it.
    Loading(Option<WorkerId>),
    /// A worker has a turn of it.
    Leased { token: String, turn: Turn },
    /// The answer is being applied, outside the lock.
    Applying,
    /// The change is on its way to the store.
    Committing(Box<Swap>),
    /// Put back by a worker, or the store failed; waits a little before it is tried again.
    Resting,
    /// Its stored data cannot be used; nothing is dispatched to it any more.
    Parked,
}

/// What replaces the instance's state once its commit is durable.
#[derive(Debug)]
pub(super) struct Swap {
    pub turn: i64,
    pub execution: Execution,
    pub consumed: Vec<MessageId>,
    pub pending: Pending,
    pub history: HistoryChange,
}

/// State read from the store and kept up to date since.
#[derive(Debug)]
pub(super) struct Known {
    /// Absent while the stage is Applying or Committing.
    pub execution: Option<Execution>,
    pub history: Vec<Chunk>,
}

/// One instance.
#[derive(Debug)]
pub(super) struct Slot {
    pub reference: InstanceRef,
    pub stage: Stage,
    /// The status when last heard of.
    pub status: Status,
    /// Complete only if `known` is there.
    pub inbox: BTreeMap<MessageId, Message>,
    /// In a box, because most slots of a backlog have none.
    pub known: Option<Box<Known>>,
    /// How often the turn that is next was put back, and by whom.
    pub returns: Returns,
}

impl Slot {
    pub fn new(reference: InstanceRef, status: Status) -> Self {
        Self {
            reference,
            stage: Stage::Idle,
            status,
            inbox: BTreeMap::new(),
            known: None,
            returns: Returns::default(),
        }
    }

    /// A slot for an instance that was not in memory and gets a message. Of one that has just been made everything is known.
    pub fn for_message(reference: InstanceRef, status: Status, message: &Message) -> Self {
        let newborn = match status {
            Status::Pending => InstanceRecord::newborn(&reference, message),
            _ => None,
        };
        let known = newborn
            .map(|record| Known { execution: Some(Execution::empty(record, None)), history: Vec::new() })
            .map(Box::new);
        Self { known, ..Self::new(reference, status) }
    }

    /// Forgets everything that would have to be read again.
    pub fn forget(&mut self) {
        self.known = None;
        self.inbox.clear();
    }

    /// Bytes of the committed history.
    pub fn history_bytes(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.history.iter().map(|chunk| chunk.bytes.len()).sum())
    }

    /// Bytes this slot takes in the cache.
    pub fn cost(&self) -> usize {
        BASE_COST + self.history_bytes()
    }

    pub fn has_control(&self) -> bool {
        self.inbox.values().any(|message| message.class == Class::Control)
    }

    /// The execution, if it is here and not under way.
    pub fn execution(&self) -> Option<&Execution> {
        self.known.as_ref()?.execution.as_ref()
    }

    /// Takes the state over that has just become durable. The messages that went with it are returned.
    pub fn swap(&mut self, swap: Swap) -> Vec<Message> {
        let Swap { execution, consumed, pending, history, .. } = swap;
        let mut gone: Vec<_> = consumed.iter().filter_map(|id| self.inbox.remove(id)).collect();
        match pending {
            // An ended instance, which has no slot, has no inbox either.
            Pending::Keep | Pending::DropDetached => {}
            // What this commit itself adds is a start message, never a result (see engine::complete).
            Pending::DropExecution => gone.extend(
                self.inbox
                    .extract_if(.., |_, message| message.class == Class::Result)
                    .map(|(_, message)| message),
            ),
            Pending::DropAll => gone.extend(std::mem::take(&mut self.inbox).into_values()),
        }
        self.status = execution.record.status;
        self.reference.version.clone_from(&execution.record.version);
        self.returns = Returns::default();
        let known =
            self.known.get_or_insert_with(|| Box::new(Known { execution: None, history: Vec::new() }));
        match history {
            HistoryChange::Append(chunk) => known.history.push(chunk),
            HistoryChange::Clear => known.history.clear(),
            HistoryChange::Rewrite(rewrite) => known.history = rewrite.chunks,
            HistoryChange::Keep => {}
        }
        known.execution = Some(execution);
        gone
    }
}
