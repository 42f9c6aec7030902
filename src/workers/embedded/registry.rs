//! Which functions there are.

use super::{
    OrchestrationContext, TaskError,
    activity::{self, ActivityContext},
    function::{ActivityFn, OrchestratorFn},
    replay,
};
use crate::model::pb;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use std::{collections::BTreeMap, fmt, sync::Arc};

type Outcome = Result<Option<String>, TaskError>;
type Orchestrator =
    dyn Fn(OrchestrationContext, Option<&str>) -> LocalBoxFuture<'static, Outcome> + Send + Sync;
type Activity = dyn Fn(ActivityContext, Option<&str>) -> BoxFuture<'static, Outcome> + Send + Sync;

/// The orchestrators and activities of this process, by name. Names are case-sensitive.
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

    /// Adds all of `other`'s functions, which replace those of the same name.
    #[must_use]
    pub fn merge(mut self, other: Registry) -> Self {
        self.orchestrators.extend(other.orchestrators);
        self.activities.extend(other.activities);
        self
    }

    /// The names of the orchestrators, in alphabetical order.
    pub fn orchestrators(&self) -> impl Iterator<Item = &str> {
        self.orchestrators.keys().map(String::as_str)
    }

    /// The names of the activities, in alphabetical order.
    pub fn activities(&self) -> impl Iterator<Item = &str> {
        self.activities.keys().map(String::as_str)
    }

    /// The names of the entities, in lower case.
    pub fn entities(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// Runs a batch of operations of one entity.
    pub async fn run_entity(&self, _request: pb::EntityRequest) -> pb::EntityBatchResult {
        pb::EntityBatchResult::default()
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
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("orchestrators", &self.orchestrators.keys())
            .field("activities", &self.activities.keys())
            .finish()
    }
}
