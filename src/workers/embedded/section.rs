//! Critical sections: an orchestration that holds the locks of some entities, so that nobody else can call them meanwhile.
//!
//! The rules are those of the SDKs (facts: gRPC protocol, section 11.4): entities are locked in one fixed order, so that no two sections
//! wait for each other; one section at a time; within it calls go to its entities only.

use super::{
    TaskError,
    entity_call::request_id,
    error::error_type,
    journal::{Shared, Task, TaskKind},
};
use crate::model::{
    EntityId,
    pb::{
        EntityLockRequestedEvent, EntityUnlockSentEvent, SendEntityMessageAction,
        orchestrator_action::OrchestratorActionType as Action,
        send_entity_message_action::EntityMessageType as Sent,
    },
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The critical sections of one execution, by the action that asked for each.
#[derive(Debug, Default)]
pub(super) struct Sections(BTreeMap<i32, Section>);

#[derive(Debug)]
struct Section {
    /// As history calls it; the unlocks must do the same.
    id: String,
    entities: Vec<EntityId>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The code waits for the locks.
    Waiting,
    /// The code is inside.
    Held,
    /// The code has stopped waiting; the locks are given back when they come.
    GivenUp,
}

impl Sections {
    /// The section that the code is in, or waits for.
    fn current(&self) -> Option<&Section> {
        self.0.values().find(|section| section.stage != Stage::GivenUp)
    }

    /// Whether a new section may be asked for.
    fn check_entry(&self, entities: &[EntityId]) -> Result<(), TaskError> {
        match self.current() {
            Some(_) => Err(misuse("a critical section cannot begin before the one before it has ended")),
            None if entities.is_empty() => {
                Err(misuse("a critical section needs at least one entity to lock"))
            }
            None => Ok(()),
        }
    }

    /// Whether `entity` may be called.
    pub fn check_call(&self, entity: &EntityId) -> Result<(), TaskError> {
        match self.current() {
            Some(Section { stage: Stage::Waiting, .. }) => {
                Err(misuse(format_args!("entity '{entity}' cannot be called while locks are waited for")))
            }
            Some(section) if !section.entities.contains(entity) => {
                let message =
                    "cannot be called in this critical section, because it is not one of those locked";
                Err(misuse(format_args!("entity '{entity}' {message}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether `entity` may be signalled.
    pub fn check_signal(&self, entity: &EntityId) -> Result<(), TaskError> {
        match self.current() {
            Some(section) if section.entities.contains(entity) => Err(misuse(format_args!(
                "entity '{entity}' cannot be signalled in a critical section that locks it; call it instead"
            ))),
            _ => Ok(()),
        }
    }

    /// Whether sub-orchestration `name` may be called: it could wait for the very locks its parent holds.
    pub fn check_child(&self, name: &str) -> Result<(), TaskError> {
        match self.current() {
            Some(_) => {
                Err(misuse(format_args!("sub-orchestration '{name}' cannot be called in a critical section")))
            }
            None => Ok(()),
        }
    }

    /// History calls the section that action `id` asked for `section`.
    pub fn recorded(&mut self, id: i32, section: &str) {
        if let Some(known) = self.0.get_mut(&id) {
            section.clone_into(&mut known.id);
        }
    }

    /// All locks are there. Returns the unlocks if nobody wants them any more.
    pub fn granted(&mut self, id: i32) -> Vec<Action> {
        match self.0.get_mut(&id) {
            Some(section) if section.stage == Stage::GivenUp => self.end(id),
            Some(section) => {
                section.stage = Stage::Held;
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The code leaves the section, or no longer waits for it. Returns the unlocks.
    pub fn leave(&mut self, id: i32) -> Vec<Action> {
        match self.0.get_mut(&id) {
            Some(section) if section.stage == Stage::Waiting => {
                section.stage = Stage::GivenUp;
                Vec::new()
            }
            Some(section) if section.stage == Stage::Held => self.end(id),
            _ => Vec::new(),
        }
    }

    fn end(&mut self, id: i32) -> Vec<Action> {
        let Some(section) = self.0.remove(&id) else { return Vec::new() };
        let unlock = |entity: &EntityId| {
            let unlock = EntityUnlockSentEvent {
                critical_section_id: section.id.clone(),
                parent_instance_id: None,
                target_instance_id: Some(entity.to_string()),
            };
            message(Sent::EntityUnlockSent(unlock))
        };
        section.entities.iter().map(unlock).collect()
    }
}

fn misuse(message: impl Display) -> TaskError {
    TaskError::new(error_type::CRITICAL_SECTION, message).non_retriable()
}

/// An entity message as an action.
pub(super) fn message(sent: Sent) -> Action {
    Action::SendEntityMessage(SendEntityMessageAction { entity_message_type: Some(sent) })
}

/// Waits for the locks of some entities; made by
/// [`OrchestrationContext::lock_entities`](super::OrchestrationContext::lock_entities).
///
/// They are asked for when it is first awaited. One that is dropped while it waits gives the locks back as soon as it has them.
#[must_use = "locks are asked for when this is awaited"]
pub struct LockEntities {
    journal: Shared,
    execution: String,
    entities: Vec<EntityId>,
    task: Option<Task>,
}

impl LockEntities {
    pub(super) fn new(journal: Shared, execution: &str, mut entities: Vec<EntityId>) -> Self {
        entities.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        entities.dedup();
        Self { journal, execution: execution.to_owned(), entities, task: None }
    }

    fn begin(&self) -> Result<Task, TaskError> {
        let action = self.journal.borrow().next_action();
        self.journal.borrow().sections.check_entry(&self.entities)?;
        let id = request_id(&self.execution, action);
        let request = EntityLockRequestedEvent {
            critical_section_id: id.clone(),
            lock_set: self.entities.iter().map(ToString::to_string).collect(),
            ..EntityLockRequestedEvent::default()
        };
        let section = Section { id, entities: self.entities.clone(), stage: Stage::Waiting };
        self.journal.borrow_mut().sections.0.insert(action, section);
        Ok(Task::begin(&self.journal, TaskKind::Lock, message(Sent::EntityLockRequested(request)), false))
    }
}

impl Future for LockEntities {
    type Output = Result<CriticalSection, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let task = match &mut self.task {
            Some(task) => task,
            None => {
                let task = self.begin()?;
                self.task.insert(task)
            }
        };
        // It cannot fail: nobody refuses a lock.
        let _ = ready!(Pin::new(&mut *task).poll(context));
        let id = task.id;
        // From here on the guard gives them back.
        self.task = None;
        Poll::Ready(Ok(CriticalSection { journal: self.journal.clone(), id }))
    }
}

impl Drop for LockEntities {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            self.journal.borrow_mut().leave_section(task.id);
        }
    }
}

impl fmt::Debug for LockEntities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockEntities").field(&self.entities).finish()
    }
}

/// The locks of some entities, held until this is dropped; given by
/// [`OrchestrationContext::lock_entities`](super::OrchestrationContext::lock_entities).
#[must_use = "the locks are given back when this is dropped"]
pub struct CriticalSection {
    journal: Shared,
    id: i32,
}

impl CriticalSection {
    /// Gives the locks back. The same as dropping it, in plain words.
    pub fn unlock(self) {}
}

impl Drop for CriticalSection {
    fn drop(&mut self) {
        self.journal.borrow_mut().leave_section(self.id);
    }
}

impl fmt::Debug for CriticalSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CriticalSection").field(&self.id).finish()
    }
}
