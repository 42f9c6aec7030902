//! What an orchestrator can do.

use super::{
    Activity, Event, SubOrchestration, TaskError, Timeout, Timer,
    journal::{Next, Shared},
    json,
    timer::Due,
};
use crate::model::pb::{
    ExecutionStartedEvent, OrchestrationInstance, SendEventAction,
    orchestrator_action::OrchestratorActionType as Action,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use uuid::Uuid;

/// Namespace of [`OrchestrationContext::new_uuid`]. Changing it would change ids that running instances have already used.
const UUIDS: Uuid = Uuid::from_u128(0x0b5e_7d3c_52f1_4a70_9a3d_6d1f_0c8e_44b2);

/// The orchestrator's view of the world: everything it may do, and everything it may know.
///
/// An orchestrator is an ordinary `async fn` that is run again from the start each time something happens to it, with all that has
/// happened so far answered from history. So that it takes the same path each time, it must depend on nothing but its input and
/// this context: no clock, no random numbers, no I/O, no environment, no iteration over a `HashMap`. Such things belong in
/// activities. The context cannot leave its thread, so spawning does not compile.
///
/// ```
/// use durahub::workers::embedded::{OrchestrationContext, Registry, TaskError};
///
/// async fn greet_all(ctx: OrchestrationContext, names: Vec<String>) -> Result<Vec<String>, TaskError> {
///     let mut greetings = Vec::new();
///     for name in &names {
///         greetings.push(ctx.activity("Greet", name).await?);
///     }
///     Ok(greetings)
/// }
///
/// let registry = Registry::new().orchestrator("GreetAll", greet_all);
/// ```
///
/// ```compile_fail
/// # use durahub::workers::embedded::{OrchestrationContext, TaskError};
/// async fn escape(ctx: OrchestrationContext) -> Result<(), TaskError> {
///     tokio::spawn(async move { ctx.activity::<()>("A", &()).await }); // OrchestrationContext is not Send
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct OrchestrationContext {
    facts: Rc<Facts>,
    pub(super) journal: Shared,
}

/// What holds throughout one execution.
#[derive(Debug)]
struct Facts {
    instance_id: String,
    execution_id: String,
    name: String,
    version: Option<String>,
    tags: BTreeMap<String, String>,
    parent: Option<Parent>,
}

/// The orchestration that waits for this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its instance id.
    pub instance_id: String,
    /// Its orchestrator's name, if history tells.
    pub name: Option<String>,
}

impl OrchestrationContext {
    pub(super) fn new(
        instance_id: String,
        execution_id: Option<String>,
        started: &ExecutionStartedEvent,
        journal: Shared,
    ) -> Self {
        let instance = started.orchestration_instance.as_ref();
        let execution_id = instance.and_then(|it| it.execution_id.clone()).or(execution_id);
        let parent = started.parent_instance.as_ref().and_then(|parent| {
            let instance_id = parent.orchestration_instance.as_ref()?.instance_id.clone();
            Some(Parent { instance_id, name: parent.name.clone() })
        });
        let facts = Facts {
            execution_id: execution_id.unwrap_or_else(|| instance_id.clone()),
            instance_id,
            name: started.name.clone(),
            version: started.version.clone(),
            tags: started.tags.clone(),
            parent,
        };
        Self { facts: Rc::new(facts), journal }
    }

    /// Runs an activity with `input` (`&()` for none) and gives its result.
    ///
    /// ```
    /// # use durahub::workers::embedded::{OrchestrationContext, RetryPolicy, TaskError};
    /// # use std::time::Duration;
    /// # async fn charge(ctx: OrchestrationContext) -> Result<String, TaskError> {
    /// let receipt: String = ctx
    ///     .activity("Charge", &42)
    ///     .retry(RetryPolicy::new(3, Duration::from_secs(5)).backoff(2.0))
    ///     .await?;
    /// # Ok(receipt) }
    /// ```
    ///
    /// Asking for `()` accepts whatever the activity returns.
    pub fn activity<O>(&self, name: &str, input: &(impl Serialize + ?Sized)) -> Activity<O> {
        Activity::new(self.journal.clone(), name, input)
    }

    /// Runs another orchestration as a part of this one and gives its output.
    ///
    /// ```
    /// # use durahub::workers::embedded::{OrchestrationContext, TaskError};
    /// # async fn ship(ctx: OrchestrationContext) -> Result<(), TaskError> {
    /// let parcels = ctx.sub_orchestration::<u32>("Ship", &["book", "lamp"]).id("shipment-7").await?;
    /// # Ok(()) }
    /// ```
    pub fn sub_orchestration<O>(&self, name: &str, input: &(impl Serialize + ?Sized)) -> SubOrchestration<O> {
        SubOrchestration::new(self.journal.clone(), &self.facts.execution_id, name, input)
    }

    /// Waits for `duration`, counted from when the timer is first awaited.
    pub fn timer(&self, duration: Duration) -> Timer {
        Timer::new(self.journal.clone(), Due::In(duration))
    }

    /// Waits until `time`. A time that has passed is fine.
    pub fn timer_at(&self, time: DateTime<Utc>) -> Timer {
        Timer::new(self.journal.clone(), Due::At(time))
    }

    /// Waits for an external event. Names are compared without regard to case; events that came early are kept; several of one
    /// name are consumed one by one, in order.
    ///
    /// ```
    /// # use durahub::workers::embedded::{OrchestrationContext, TaskError};
    /// # use std::time::Duration;
    /// # async fn approval(ctx: OrchestrationContext) -> Result<&'static str, TaskError> {
    /// Ok(match ctx.event("Approval").timeout(Duration::from_secs(300)).await? {
    ///     Some(true) => "Approved",
    ///     Some(false) => "Rejected",
    ///     None => "TimedOut",
    /// })
    /// # }
    /// ```
    ///
    /// A payload that is no `T` is an error of kind [`Data`](super::ErrorKind::Data); the event is consumed all the same. Asking
    /// for `()` accepts any payload.
    pub fn event<T>(&self, name: &str) -> Event<T> {
        Event::new(self.journal.clone(), name)
    }

    /// Gives `future` that long. What it had scheduled goes on, but its outcome is ignored.
    ///
    /// ```
    /// # use durahub::workers::embedded::{OrchestrationContext, TaskError};
    /// # use std::time::Duration;
    /// # async fn quote(ctx: OrchestrationContext) -> Result<u32, TaskError> {
    /// let quote = ctx.timeout(Duration::from_secs(10), ctx.activity("Quote", "book")).await??;
    /// # Ok(quote) }
    /// ```
    pub fn timeout<F: Future>(&self, after: Duration, future: F) -> Timeout<F> {
        Timeout::new(self.journal.clone(), after, future)
    }

    /// Raises an event on another instance. Nothing happens if that one does not exist or has ended.
    pub fn send_event(&self, instance_id: &str, name: &str, data: &(impl Serialize + ?Sized)) {
        if let Some(data) = self.encode(format_args!("the data of event '{name}'"), data) {
            let instance_id = instance_id.to_owned();
            let instance = Some(OrchestrationInstance { instance_id, execution_id: None });
            let action = SendEventAction { instance, name: name.to_owned(), data };
            self.journal.borrow_mut().issue(Action::SendEvent(action), false);
        }
    }

    /// Ends this execution and begins the next one of the same instance with `input` and an empty history. Nothing after it runs.
    ///
    /// ```
    /// # use durahub::workers::embedded::{OrchestrationContext, TaskError};
    /// # use std::time::Duration;
    /// async fn watch(ctx: OrchestrationContext, round: u32) -> Result<u32, TaskError> {
    ///     if ctx.activity("IsDone", &round).await? {
    ///         return Ok(round);
    ///     }
    ///     ctx.timer(Duration::from_secs(60)).await;
    ///     ctx.continue_as_new(&(round + 1)).await
    /// }
    /// ```
    ///
    /// It never returns, so it fits any return type: make it the last expression, or `return` it.
    pub fn continue_as_new<T>(&self, input: &(impl Serialize + ?Sized)) -> ContinueAsNew<T> {
        let input = self.encode("the input of the next execution", input);
        let next = input.map(|input| Next { input, version: None, keep_events: true });
        ContinueAsNew { journal: self.journal.clone(), next, output: PhantomData }
    }

    /// Shows `status` to whoever looks at the instance, until it is replaced. `&()` clears it.
    pub fn set_custom_status(&self, status: &(impl Serialize + ?Sized)) {
        if let Some(status) = self.encode("the custom status", status) {
            self.journal.borrow_mut().custom_status = status;
        }
    }

    /// The current time, as far as the orchestrator can know: when the step that is being run was first run.
    pub fn now(&self) -> DateTime<Utc> {
        self.journal.borrow().now
    }

    /// A new id: unique, yet the same on each replay (and after a rewind).
    pub fn new_uuid(&self) -> Uuid {
        let mut journal = self.journal.borrow_mut();
        journal.ids_made += 1;
        let (id, now) = (&self.facts.instance_id, journal.now.timestamp_micros());
        Uuid::new_v5(&UUIDS, format!("{id}\n{now}\n{}", journal.ids_made).as_bytes())
    }

    /// The id of this instance.
    pub fn instance_id(&self) -> &str {
        &self.facts.instance_id
    }

    /// The id of this execution. Restart, rewind and continue-as-new give an instance a new one.
    pub fn execution_id(&self) -> &str {
        &self.facts.execution_id
    }

    /// The name by which the orchestrator was started.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// The version that was asked for at the start.
    pub fn version(&self) -> Option<&str> {
        self.facts.version.as_deref()
    }

    /// The labels given at the start.
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.facts.tags
    }

    /// Who waits for this orchestration, if it is a part of another.
    pub fn parent(&self) -> Option<&Parent> {
        self.facts.parent.as_ref()
    }

    /// Whether the code is being taken through what it has done before. For logs and metrics only: what the orchestrator does must
    /// not depend on it.
    pub fn is_replaying(&self) -> bool {
        self.journal.borrow().replaying
    }

    /// Logs `message` once, not again on each replay. For other levels and fields, ask [`is_replaying`](Self::is_replaying).
    pub fn log(&self, message: impl Display) {
        if !self.is_replaying() {
            let Facts { instance_id, name, .. } = &*self.facts;
            tracing::info!(instance.id = %instance_id, orchestrator.name = %name, "{message}");
        }
    }

    /// A value that JSON cannot express fails the orchestration: there is no sensible way on.
    pub(super) fn encode(
        &self,
        what: impl Display,
        value: &(impl Serialize + ?Sized),
    ) -> Option<Option<String>> {
        let encoded = json::encode(value).map_err(|error| {
            let what = format_args!("{what} cannot be written as JSON");
            self.journal.borrow_mut().refuse(TaskError::data(what, &error));
        });
        encoded.ok()
    }
}

impl fmt::Debug for OrchestrationContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts.fmt(f)
    }
}

/// The end of this execution and the start of the next; made by [`OrchestrationContext::continue_as_new`].
#[must_use = "the execution goes on until this is awaited"]
pub struct ContinueAsNew<T> {
    journal: Shared,
    next: Option<Next>,
    output: PhantomData<fn() -> T>,
}

impl<T> ContinueAsNew<T> {
    /// Drops the external events that this execution has not consumed. By default the next one gets them.
    pub fn discard_events(mut self) -> Self {
        if let Some(next) = &mut self.next {
            next.keep_events = false;
        }
        self
    }

    /// Goes on as another version.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        if let Some(next) = &mut self.next {
            next.version = Some(version.into());
        }
        self
    }
}

impl<T> Future for ContinueAsNew<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        if let Some(next) = self.next.take() {
            self.journal.borrow_mut().next.get_or_insert(next);
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for ContinueAsNew<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContinueAsNew").field(&self.next).finish()
    }
}
