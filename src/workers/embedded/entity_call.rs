//! What an orchestrator does with entities: call them, signal them, lock them.

use super::{
    ErrorKind, LockEntities, OrchestrationContext, TaskError,
    journal::{Shared, Task, TaskKind},
    json,
    section::message,
    timer::not_before,
};
use crate::model::{
    EntityId,
    pb::{
        EntityOperationCalledEvent, EntityOperationSignaledEvent,
        send_entity_message_action::EntityMessageType as Sent,
    },
};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};
use uuid::Uuid;

/// Namespace of request ids. SDKs read them as GUIDs, so they are no plain numbers.
const REQUESTS: Uuid = Uuid::from_u128(0x6f0c_3b8e_9c41_4d0b_8a56_27d1_b3f4_90ce);

/// The request id of the action with this number: the same on each replay.
pub(super) fn request_id(execution: &str, action: i32) -> String {
    Uuid::new_v5(&REQUESTS, format!("{execution}\n{action}").as_bytes()).to_string()
}

impl OrchestrationContext {
    /// Calls an operation of an entity with `input` (`&()` for none) and gives its result.
    ///
    /// ```
    /// # use durahub::workers::embedded::{EntityId, OrchestrationContext, TaskError};
    /// # async fn count(ctx: OrchestrationContext) -> Result<u64, TaskError> {
    /// let counter = EntityId::new("Counter", "visits")?;
    /// let count = ctx.call_entity(&counter, "add", &1).await?;
    /// # Ok(count) }
    /// ```
    ///
    /// Asking for `()` accepts whatever the operation returns. Within a [critical section](Self::lock_entities) only its entities can be
    /// called; anything else is an error of type `CriticalSectionError`.
    pub fn call_entity<O>(
        &self,
        entity: &EntityId,
        operation: &str,
        input: &(impl Serialize + ?Sized),
    ) -> EntityCall<O> {
        let phase = match json::encode(input) {
            Ok(input) => Phase::Idle(input),
            Err(error) => {
                let what =
                    format_args!("the input of '{operation}' for '{entity}' cannot be written as JSON");
                Phase::Refused(TaskError::data(what, &error))
            }
        };
        EntityCall {
            journal: self.journal.clone(),
            execution: self.execution_id().to_owned(),
            entity: entity.clone(),
            operation: operation.to_owned(),
            phase,
            output: PhantomData,
        }
    }

    /// Sends an operation to an entity and does not wait for it. To signal an entity that this orchestration has locked fails the
    /// orchestration.
    pub fn signal_entity(&self, entity: &EntityId, operation: &str, input: &(impl Serialize + ?Sized)) {
        self.signal(entity, operation, input, None);
    }

    /// The same, to be delivered at `time`.
    pub fn signal_entity_at(
        &self,
        time: DateTime<Utc>,
        entity: &EntityId,
        operation: &str,
        input: &(impl Serialize + ?Sized),
    ) {
        self.signal(entity, operation, input, Some(time));
    }

    fn signal(
        &self,
        entity: &EntityId,
        operation: &str,
        input: &(impl Serialize + ?Sized),
        time: Option<DateTime<Utc>>,
    ) {
        let what = format_args!("the input of signal '{operation}' to '{entity}'");
        let Some(input) = self.encode(what, input) else { return };
        let mut journal = self.journal.borrow_mut();
        if let Err(error) = journal.sections.check_signal(entity) {
            return journal.refuse(error);
        }
        let signal = EntityOperationSignaledEvent {
            request_id: request_id(self.execution_id(), journal.next_action()),
            operation: operation.to_owned(),
            scheduled_time: time.map(|time| not_before(time).to_wire()),
            input,
            target_instance_id: Some(entity.to_string()),
        };
        journal.issue(message(Sent::EntityOperationSignaled(signal)), false);
    }

    /// Locks entities and gives a guard: until it is dropped, nobody but this orchestration can call them.
    ///
    /// ```
    /// # use durahub::workers::embedded::{EntityId, OrchestrationContext, TaskError};
    /// # async fn swap(ctx: OrchestrationContext) -> Result<(), TaskError> {
    /// let (left, right) = (EntityId::new("Cell", "left")?, EntityId::new("Cell", "right")?);
    /// let section = ctx.lock_entities([&left, &right]).await?;
    /// let value: u64 = ctx.call_entity(&left, "get", &()).await?;
    /// let other: u64 = ctx.call_entity(&right, "set", &value).await?;
    /// ctx.call_entity::<()>(&left, "set", &other).await?;
    /// section.unlock();
    /// # Ok(()) }
    /// ```
    ///
    /// Bind the guard to a name: `let _ = ...` would drop it at once. All locks go with the execution as well, however it ends.
    /// Sections cannot be nested; inside, entities that are not locked cannot be called, those that are cannot be signalled, and
    /// sub-orchestrations cannot be called. The error is of type `CriticalSectionError`.
    pub fn lock_entities<E: std::borrow::Borrow<EntityId>>(
        &self,
        entities: impl IntoIterator<Item = E>,
    ) -> LockEntities {
        let entities = entities.into_iter().map(|entity| entity.borrow().clone()).collect();
        LockEntities::new(self.journal.clone(), self.execution_id(), entities)
    }
}

/// A call of an entity's operation; made by [`OrchestrationContext::call_entity`].
///
/// It is sent when first awaited (or polled by a combinator), or by [`start`](Self::start).
#[must_use = "an entity is called when this is awaited or started"]
pub struct EntityCall<O> {
    journal: Shared,
    execution: String,
    entity: EntityId,
    operation: String,
    phase: Phase,
    output: PhantomData<fn() -> O>,
}

enum Phase {
    /// Not sent; holds the input.
    Idle(Option<String>),
    Running(Task),
    /// Cannot be sent.
    Refused(TaskError),
    Done,
}

impl<O> EntityCall<O> {
    /// Sends it now; the result is to be awaited later.
    pub fn start(mut self) -> Self {
        self.send();
        self
    }

    fn send(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Idle(input) => {
                let allowed = self.journal.borrow().sections.check_call(&self.entity);
                match allowed {
                    Ok(()) => Phase::Running(self.task(input)),
                    Err(error) => Phase::Refused(error),
                }
            }
            other => other,
        };
    }

    fn task(&self, input: Option<String>) -> Task {
        let action = self.journal.borrow().next_action();
        let call = EntityOperationCalledEvent {
            request_id: request_id(&self.execution, action),
            operation: self.operation.clone(),
            input,
            target_instance_id: Some(self.entity.to_string()),
            ..EntityOperationCalledEvent::default()
        };
        let action = message(Sent::EntityOperationCalled(call));
        Task::begin(&self.journal, TaskKind::Operation, action, false)
    }

    fn label(&self) -> String {
        format!("operation '{}' of entity '{}'", self.operation, self.entity)
    }
}

impl<O: DeserializeOwned + 'static> Future for EntityCall<O> {
    type Output = Result<O, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.send();
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Running(mut task) => match Pin::new(&mut task).poll(context) {
                Poll::Pending => {
                    self.phase = Phase::Running(task);
                    Poll::Pending
                }
                Poll::Ready(Ok(output)) => Poll::Ready(json::decode(output.as_deref()).map_err(|error| {
                    TaskError::data(format_args!("the result of {} cannot be used", self.label()), &error)
                })),
                Poll::Ready(Err(details)) => {
                    let details = details.map(|details| *details);
                    Poll::Ready(Err(TaskError::of_task(ErrorKind::Entity, self.label(), details)))
                }
            },
            Phase::Refused(error) => Poll::Ready(Err(error)),
            Phase::Idle(_) | Phase::Done => Poll::Pending,
        }
    }
}

impl<O> fmt::Debug for EntityCall<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EntityCall").field(&self.entity).field(&self.operation).finish()
    }
}
