//! Which functions there are.

use super::{
    OrchestrationContext, TaskError,
    activity::{self, ActivityContext},
    entity::{self, Entity, EntityState, Operations},
    function::{ActivityFn, OrchestratorFn},
    replay,
};
use crate::model::{EntityId, pb};
use futures_util::future::{BoxFuture, LocalBoxFuture};
use std::{collections::BTreeMap, fmt, sync::Arc};

type Outcome = Result<Option<String>, TaskError>;
type Orchestrator =
    dyn Fn(OrchestrationContext, Option<&str>) -> LocalBoxFuture<'static, Outcome> + Send + Sync;
type Activity = dyn Fn(ActivityContext, Option<&str>) -> BoxFuture<'static, Outcome> + Send + Sync;

/// The orchestrators, activities and entities of this process, by name. Names are case-sensitive, except those of entities.
///
/// ```
/// use durahub::workers::embedded::{OrchestrationContext, Registry, TaskError};
///
/// async fn hello(ctx: OrchestrationContext, city: Option<String>) -> Result<String, TaskError> {
///     ctx.activity("SayHello", &city.unwrap_or("world".into())).await
/// }
///
/// async fn say_hello(name: String) -> Result<String, TaskError> {
///     Ok(format!("Hello, {name}!"))
/// }
///
/// let registry = Registry::new().orchestrator("Hello", hello).activity("SayHello", say_hello);
/// assert!(registry.orchestrators().eq(["Hello"]));
/// assert!(registry.activities().eq(["SayHello"]));
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    orchestrators: BTreeMap<String, Arc<Orchestrator>>,
    activities: BTreeMap<String, Arc<Activity>>,
    entities: BTreeMap<String, Operations>,
}

impl Registry {
    /// No functions at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an orchestrator: `async fn(OrchestrationContext) -> Result<O, E>`, or with an input as second argument. Replaces one
    /// of the same name.
    #[must_use]
    pub fn orchestrator<Shape>(
        mut self,
        name: impl Into<String>,
        function: impl OrchestratorFn<Shape>,
    ) -> Self {
        let function =
            move |context: OrchestrationContext, input: Option<&str>| function.call(context, input);
        self.orchestrators.insert(name.into(), Arc::new(function));
        self
    }

    /// Adds an activity: `async fn(ActivityContext, I) -> Result<O, E>`, where both arguments may be left out. Replaces one of the
    /// same name.
    #[must_use]
    pub fn activity<Shape>(mut self, name: impl Into<String>, function: impl ActivityFn<Shape>) -> Self {
        let function = move |context: ActivityContext, input: Option<&str>| function.call(context, input);
        self.activities.insert(name.into(), Arc::new(function));
        self
    }

    /// Adds a kind of entity: see [`Entity`]. Names are put into lower case. Replaces one of the same name.
    ///
    /// # Panics
    ///
    /// If no entity can have that name: it is blank, or holds an `@`.
    #[must_use]
    pub fn entity<S: EntityState>(mut self, name: impl AsRef<str>, entity: Entity<S>) -> Self {
        match EntityId::new(name.as_ref(), "") {
            Ok(id) => self.entities.insert(id.name().to_string(), entity.into_operations()),
            Err(error) => panic!("'{}' cannot be registered: {error}", name.as_ref()),
        };
        self
    }

    /// Adds all of `other`'s functions, which replace those of the same name.
    #[must_use]
    pub fn merge(mut self, other: Registry) -> Self {
        self.orchestrators.extend(other.orchestrators);
        self.activities.extend(other.activities);
        self.entities.extend(other.entities);
        self
    }

    /// Whether there is no function at all.
    pub fn is_empty(&self) -> bool {
        self.orchestrators.is_empty() && self.activities.is_empty() && self.entities.is_empty()
    }

    /// The names of the orchestrators, in alphabetical order.
    pub fn orchestrators(&self) -> impl Iterator<Item = &str> {
        self.orchestrators.keys().map(String::as_str)
    }

    /// The names of the activities, in alphabetical order.
    pub fn activities(&self) -> impl Iterator<Item = &str> {
        self.activities.keys().map(String::as_str)
    }

    /// The names of the entities, in lower case and alphabetical order.
    pub fn entities(&self) -> impl Iterator<Item = &str> {
        self.entities.keys().map(String::as_str)
    }

    /// Runs a batch of operations of one entity. Each has its result, and whatever goes wrong in user code is one. The completion token is
    /// left to the caller.
    pub async fn run_entity(&self, request: pb::EntityRequest) -> pb::EntityBatchResult {
        entity::run(self, request).await
    }

    /// Runs one turn: replays the history, takes in the new events, answers with actions. Pure; whatever goes wrong in user code
    /// is part of the answer. The completion token is left to the caller.
    pub fn run_orchestrator(&self, request: pb::OrchestratorRequest) -> pb::OrchestratorResponse {
        replay::run(self, request)
    }

    /// Runs one activity. Whatever goes wrong in user code is part of the answer. The completion token is left to the caller.
    pub async fn run_activity(&self, request: pb::ActivityRequest) -> pb::ActivityResponse {
        activity::run(self, request).await
    }

    pub(super) fn orchestrator_fn(&self, name: &str) -> Option<&Orchestrator> {
        self.orchestrators.get(name).map(Arc::as_ref)
    }

    pub(super) fn activity_fn(&self, name: &str) -> Option<&Activity> {
        self.activities.get(name).map(Arc::as_ref)
    }

    pub(super) fn entity_operations(&self, name: &str) -> Option<&Operations> {
        self.entities.get(name)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("orchestrators", &self.orchestrators.keys())
            .field("activities", &self.activities.keys())
            .field("entities", &self.entities)
            .finish()
    }
}
