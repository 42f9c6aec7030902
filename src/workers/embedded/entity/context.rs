//! What an operation of an entity may know and do.

use super::super::{TaskError, error_type, json, timer::not_before};
use crate::model::{
    EntityId, InstanceId,
    pb::{
        OperationAction, SendSignalAction, StartNewOrchestrationAction,
        operation_action::OperationActionType as Action,
    },
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{
    fmt::{self, Display},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// The view that an operation of an entity has of the world. What is sent and started happens together with the commit of the operation,
/// and only if it succeeds.
///
/// ```
/// use durahub::workers::embedded::{Entity, EntityContext, EntityId, Registry, TaskError};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Deserialize, Serialize)]
/// struct Visits(u64);
///
/// impl Visits {
///     async fn enter(&mut self, ctx: EntityContext) -> Result<u64, TaskError> {
///         self.0 += 1;
///         ctx.signal_entity(&EntityId::new("Visits", "all")?, "enter", &());
///         if self.0 == 1_000 {
///             ctx.orchestration("Celebrate", ctx.id().key()).start();
///         }
///         Ok(self.0)
///     }
/// }
///
/// let registry = Registry::new().entity("Visits", Entity::new().operation("enter", Visits::enter));
/// ```
#[derive(Clone)]
pub struct EntityContext(Arc<Operation>);

struct Operation {
    id: EntityId,
    name: String,
    caller: Option<String>,
    effects: Mutex<Effects>,
}

/// What the operation wants to happen when it has succeeded.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub actions: Vec<OperationAction>,
    pub deletes: bool,
    refused: Option<TaskError>,
}

impl EntityContext {
    pub(super) fn new(id: EntityId, name: String, caller: Option<String>) -> Self {
        Self(Arc::new(Operation { id, name, caller, effects: Mutex::default() }))
    }

    /// The entity's id.
    pub fn id(&self) -> &EntityId {
        &self.0.id
    }

    /// The name of the operation, as the sender wrote it.
    pub fn operation(&self) -> &str {
        &self.0.name
    }

    /// The orchestration that waits for the result; `None` if it is a signal.
    pub fn caller(&self) -> Option<&str> {
        self.0.caller.as_deref()
    }

    /// Deletes the state when the operation has succeeded, whatever else is done to it.
    pub fn delete_state(&self) {
        self.effects().deletes = true;
    }

    /// Sends an operation to an entity, which may be this one, and does not wait for it.
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
        self.act(Action::SendSignal(SendSignalAction {
            instance_id: entity.to_string(),
            name: operation.to_owned(),
            input,
            scheduled_time: time.map(|time| not_before(time).to_wire()),
            ..SendSignalAction::default()
        }));
    }

    /// An orchestration to be started with `input` (`&()` for none). Nobody waits for it.
    pub fn orchestration(&self, name: &str, input: &(impl Serialize + ?Sized)) -> NewOrchestration {
        let input = self.encode(format_args!("the input of '{name}'"), input).flatten();
        let action = StartNewOrchestrationAction {
            name: name.to_owned(),
            input,
            ..StartNewOrchestrationAction::default()
        };
        NewOrchestration { context: self.clone(), action }
    }

    /// The operation in words.
    pub(super) fn label(&self) -> impl Display + '_ {
        fmt::from_fn(|f| write!(f, "operation '{}' of entity '{}'", self.0.name, self.0.id))
    }

    /// What is to happen, or why the operation has failed although it does not say so.
    pub(super) fn take_effects(&self) -> Result<Effects, TaskError> {
        let effects = std::mem::take(&mut *self.effects());
        match effects.refused {
            Some(error) => Err(error),
            None => Ok(effects),
        }
    }

    fn encode(&self, what: impl Display, value: &(impl Serialize + ?Sized)) -> Option<Option<String>> {
        let encoded = json::encode(value).map_err(|error| {
            self.refuse(TaskError::data(format_args!("{what} cannot be written as JSON"), &error));
        });
        encoded.ok()
    }

    /// Something that has no meaning fails the operation.
    fn refuse(&self, error: TaskError) {
        self.effects().refused.get_or_insert(error);
    }

    fn act(&self, action: Action) {
        self.effects().actions.push(OperationAction { id: 0, operation_action_type: Some(action) });
    }

    fn effects(&self) -> MutexGuard<'_, Effects> {
        self.0.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for EntityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Operation { id, name, caller, .. } = &*self.0;
        let mut shown = f.debug_struct("EntityContext");
        shown.field("id", id).field("operation", name).field("caller", caller).finish_non_exhaustive()
    }
}

/// An orchestration that an entity starts; made by [`EntityContext::orchestration`].
#[must_use = "nothing is started without `start`"]
#[derive(Debug)]
pub struct NewOrchestration {
    context: EntityContext,
    action: StartNewOrchestrationAction,
}

impl NewOrchestration {
    /// Its instance id. If there is an instance of that id, nothing is started. Without it, one is made up.
    pub fn id(mut self, instance_id: impl Into<String>) -> Self {
        self.action.instance_id = instance_id.into();
        self
    }

    /// Asks for this version of the orchestrator.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.action.version = Some(version.into());
        self
    }

    /// Does not begin before `time`.
    pub fn at(mut self, time: DateTime<Utc>) -> Self {
        self.action.scheduled_time = Some(not_before(time).to_wire());
        self
    }

    /// Has it started when the operation has succeeded. Tells its instance id.
    pub fn start(mut self) -> String {
        if self.action.instance_id.is_empty() {
            self.action.instance_id = Uuid::new_v4().to_string();
        }
        let id = self.action.instance_id.clone();
        match InstanceId::child(&id) {
            Ok(_) if self.action.name.is_empty() => {
                let message = "an orchestration to be started needs a name";
                self.context.refuse(TaskError::new(error_type::INVALID_INPUT, message).non_retriable());
            }
            Ok(_) => self.context.act(Action::StartNewOrchestration(self.action)),
            Err(error) => self.context.refuse(error.into()),
        }
        id
    }
}
