//! What dispatch knows of one instance. A slot is a cache entry with a stage: whatever it holds can be read again.

use super::{lease::Returns, queue::Place, worker::WorkerId};
use crate::{
    engine::{Batch, Entity, Execution, Turn},
    model::{
        Chunk, Class, HistoryChange, InstanceRecord, InstanceRef, Lock, Message, MessageId, Pending, Status,
    },
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
    Leased { token: String, delivery: Delivery },
    /// The answer is being applied, outside the lock.
    Applying,
    /// The change is on its way to the store.
    Committing(Box<Swap>),
    /// Put back by a worker, or the store failed; waits a little before it is tried again.
    Resting,
    /// Nothing is dispatched to it until an operator says so; see `board/poison`.
    Parked,
}

/// What a worker has.
#[derive(Debug)]
pub(super) enum Delivery {
    Turn(Turn),
    Batch(Batch),
}

/// What is known of an instance, as of its last commit.
#[derive(Debug)]
pub(super) enum State {
    Orchestration(Box<Execution>),
    Entity(Box<Entity>),
}

impl State {
    pub fn status(&self) -> Status {
        match self {
            State::Orchestration(execution) => execution.record.status,
            State::Entity(_) => Status::Running,
        }
    }

    /// The entity is not, or no longer, locked by `lock`.
    fn unlock(&mut self, lock: &Lock) {
        if let State::Entity(entity) = self
            && entity.lock.as_ref() == Some(lock)
        {
            entity.lock = None;
        }
    }

    fn bytes(&self) -> usize {
        match self {
            State::Orchestration(_) => 0,
            State::Entity(entity) => entity.state.as_ref().map_or(0, |state| state.len()),
        }
    }
}

/// What replaces the instance's state once its commit is durable.
#[derive(Debug)]
pub(super) struct Swap {
    pub turn: i64,
    pub state: State,
    pub consumed: Vec<MessageId>,
    pub pending: Pending,
    pub history: HistoryChange,
}

/// State read from the store and kept up to date since.
#[derive(Debug)]
pub(super) struct Known {
    /// Absent while the stage is Applying or Committing.
    pub state: Option<State>,
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
    /// How many messages in `inbox` are of class Control.
    controls: usize,
    /// Locks that have gone while the state was away.
    unlocked: Vec<Lock>,
    /// What is being read may be from before a change: it is to be read once more.
    pub stale: bool,
    /// It is parked. Control messages are acted on all the same, so the stage may be another one for a while.
    pub parked: bool,
    /// What is being committed was decided without having read it all.
    pub unread: bool,
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
            controls: 0,
            unlocked: Vec::new(),
            stale: false,
            parked: false,
            unread: false,
        }
    }

    /// A slot for an instance that was not in memory and gets a message. Of one that has just been made everything is known.
    pub fn for_message(reference: InstanceRef, status: Status, message: &Message) -> Self {
        let newborn = match status {
            Status::Pending if reference.id.is_entity() => {
                Some(State::Entity(Box::new(Entity::new(reference.clone()))))
            }
            Status::Pending => InstanceRecord::newborn(&reference, message)
                .map(|record| State::Orchestration(Box::new(Execution::empty(record, None)))),
            _ => None,
        };
        let known = newborn.map(|state| Box::new(Known { state: Some(state), history: Vec::new() }));
        Self { known, ..Self::new(reference, status) }
    }

    /// Forgets everything that would have to be read again.
    pub fn forget(&mut self) {
        self.known = None;
        self.inbox.clear();
        self.controls = 0;
    }

    /// A message that has arrived, unless it is here already.
    pub fn receive(&mut self, message: Message) {
        let control = message.class == Class::Control;
        if self.inbox.insert(message.id, message).is_none() && control {
            self.controls += 1;
        }
    }

    /// Bytes of the committed history.
    pub fn history_bytes(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.history.iter().map(|chunk| chunk.bytes.len()).sum())
    }

    /// Bytes this slot takes in the cache.
    pub fn cost(&self) -> usize {
        let state = self.state().map_or(0, State::bytes);
        BASE_COST + self.history_bytes() + state
    }

    pub fn has_control(&self) -> bool {
        self.controls > 0
    }

    /// The state, if it is here and not under way.
    pub fn state(&self) -> Option<&State> {
        self.known.as_ref()?.state.as_ref()
    }

    /// Takes the state away, to decide with it.
    pub fn take_state(&mut self) -> Option<State> {
        self.known.as_mut()?.state.take()
    }

    /// Brings in a state that was read, or is the outcome of a decision.
    pub fn adjusted(&mut self, mut state: State) -> State {
        self.unlocked.drain(..).for_each(|lock| state.unlock(&lock));
        state
    }

    /// The entity is not, or no longer, locked by `lock`. `false`: that could not be seen to yet.
    pub fn unlock(&mut self, lock: Lock) -> bool {
        if let Stage::Committing(swap) = &mut self.stage {
            swap.state.unlock(&lock);
        } else if let Some(state) = self.known.as_mut().and_then(|known| known.state.as_mut()) {
            state.unlock(&lock);
        } else if matches!(self.stage, Stage::Loading(_) | Stage::Applying) {
            self.unlocked.push(lock);
        } else {
            return false;
        }
        true
    }

    /// Takes the state over that has just become durable. The messages that went with it are returned.
    pub fn swap(&mut self, swap: Swap) -> Vec<Message> {
        let Swap { state, consumed, pending, history, .. } = swap;
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
        let is_control = |message: &&Message| message.class == Class::Control;
        self.controls -= gone.iter().filter(is_control).count();
        self.status = state.status();
        if let State::Orchestration(execution) = &state {
            self.reference.version.clone_from(&execution.record.version);
        }
        self.returns = Returns::default();
        let known = self.known.get_or_insert_with(|| Box::new(Known { state: None, history: Vec::new() }));
        match history {
            HistoryChange::Append(chunk) => known.history.push(chunk),
            HistoryChange::Clear => known.history.clear(),
            HistoryChange::Rewrite(rewrite) => known.history = rewrite.chunks,
            HistoryChange::Keep => {}
        }
        known.state = Some(state);
        gone
    }
}
