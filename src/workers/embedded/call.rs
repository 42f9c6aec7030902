//! Awaiting work: activities and sub-orchestrations, with or without retries.

use super::{
    ErrorKind, RetryPolicy, TaskError,
    journal::{Shared, Task, TaskKind},
    json,
    timer::begin_timer,
};
use crate::model::pb::{
    CreateSubOrchestrationAction, ScheduleTaskAction, orchestrator_action::OrchestratorActionType as Action,
};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// An activity to be run; made by [`OrchestrationContext::activity`](super::OrchestrationContext::activity).
///
/// It is scheduled when first awaited (or polled by a combinator), or by [`start`](Self::start).
#[must_use = "an activity is scheduled when it is awaited or started"]
pub struct Activity<O> {
    call: Call,
    output: PhantomData<fn() -> O>,
}

/// An orchestration to be run as part of this one; made by
/// [`OrchestrationContext::sub_orchestration`](super::OrchestrationContext::sub_orchestration).
///
/// It is scheduled when first awaited (or polled by a combinator), or by [`start`](Self::start).
#[must_use = "a sub-orchestration is scheduled when it is awaited or started"]
pub struct SubOrchestration<O> {
    call: Call,
    output: PhantomData<fn() -> O>,
}

macro_rules! common_to_calls {
    ($call:ident) => {
        impl<O> $call<O> {
            /// Tries again when it fails, as `policy` says.
            pub fn retry(mut self, policy: RetryPolicy) -> Self {
                self.call.retry = Some(policy);
                self
            }

            /// Asks for this version of the function.
            pub fn version(mut self, version: impl Into<String>) -> Self {
                self.call.version = Some(version.into());
                self
            }

            /// Adds a label.
            pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                self.call.tags.insert(key.into(), value.into());
                self
            }

            /// Schedules it now, to be awaited later.
            pub fn start(mut self) -> Self {
                self.call.start();
                self
            }
        }

        impl<O: DeserializeOwned + 'static> Future for $call<O> {
            type Output = Result<O, TaskError>;

            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
                let result = ready!(self.call.poll(context))?;
                Poll::Ready(json::decode(result.as_deref()).map_err(|error| {
                    TaskError::data(
                        format_args!("the result of {} cannot be used", self.call.label()),
                        &error,
                    )
                }))
            }
        }

        impl<O> fmt::Debug for $call<O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($call)).field(&self.call.name).field(&self.call.phase).finish()
            }
        }
    };
}

common_to_calls!(Activity);
common_to_calls!(SubOrchestration);

impl<O> Activity<O> {
    pub(super) fn new<I: Serialize + ?Sized>(journal: Shared, name: &str, input: &I) -> Self {
        Self { call: Call::new(journal, Target::Activity, name, input), output: PhantomData }
    }
}

impl<O> SubOrchestration<O> {
    pub(super) fn new<I: Serialize + ?Sized>(
        journal: Shared,
        execution: &str,
        name: &str,
        input: &I,
    ) -> Self {
        let target = Target::SubOrchestration { id: None, execution: execution.to_owned() };
        Self { call: Call::new(journal, target, name, input), output: PhantomData }
    }

    /// Its instance id. Retries use the same one. Without it, each attempt gets `<execution id>:<number>`.
    pub fn id(mut self, instance_id: impl Into<String>) -> Self {
        if let Target::SubOrchestration { id, .. } = &mut self.call.target {
            *id = Some(instance_id.into());
        }
        self
    }
}

#[derive(Debug)]
enum Target {
    Activity,
    /// `execution` is the parent's, from which ids are made when none was chosen.
    SubOrchestration {
        id: Option<String>,
        execution: String,
    },
}

#[derive(Debug)]
enum Phase {
    /// Not scheduled, or between two attempts.
    Idle,
    Running(Task),
    /// Failed; the timer runs until the next attempt.
    Pausing(Task),
    /// Cannot be scheduled.
    Refused(TaskError),
    Done,
}

struct Call {
    journal: Shared,
    target: Target,
    name: String,
    input: Option<String>,
    version: Option<String>,
    tags: BTreeMap<String, String>,
    retry: Option<RetryPolicy>,
    attempt: u32,
    begun: Option<DateTime<Utc>>,
    phase: Phase,
}

impl Call {
    fn new<I: Serialize + ?Sized>(journal: Shared, target: Target, name: &str, input: &I) -> Self {
        let (input, phase) = match json::encode(input) {
            Ok(input) => (input, Phase::Idle),
            Err(error) => {
                let what = format_args!("the input for '{name}' cannot be written as JSON");
                (None, Phase::Refused(TaskError::data(what, &error)))
            }
        };
        let (name, tags) = (name.to_owned(), BTreeMap::new());
        Self {
            journal,
            target,
            name,
            input,
            version: None,
            tags,
            retry: None,
            attempt: 0,
            begun: None,
            phase,
        }
    }

    fn label(&self) -> String {
        match self.target {
            Target::Activity => format!("activity '{}'", self.name),
            Target::SubOrchestration { .. } => format!("sub-orchestration '{}'", self.name),
        }
    }

    fn start(&mut self) {
        if matches!(self.phase, Phase::Idle) {
            if let Err(error) = self.check() {
                self.phase = Phase::Refused(error);
                return;
            }
            self.attempt += 1;
            let now = self.journal.borrow().now;
            self.begun.get_or_insert(now);
            self.phase = Phase::Running(self.schedule());
        }
    }

    fn check(&self) -> Result<(), TaskError> {
        match self.target {
            Target::Activity => Ok(()),
            Target::SubOrchestration { .. } => self.journal.borrow().sections.check_child(&self.name),
        }
    }

    fn schedule(&self) -> Task {
        let (name, input, version) = (self.name.clone(), self.input.clone(), self.version.clone());
        let tags = self.tags.clone();
        // The engine knows which trace the orchestration belongs to.
        let parent_trace_context = None;
        match &self.target {
            Target::Activity => {
                let action = ScheduleTaskAction { name, version, input, tags, parent_trace_context };
                Task::begin(&self.journal, TaskKind::Activity, Action::ScheduleTask(action), false)
            }
            Target::SubOrchestration { id, execution } => {
                let action = self.journal.borrow().next_action();
                let instance_id = id.clone().unwrap_or_else(|| format!("{execution}:{action:04x}"));
                let action = CreateSubOrchestrationAction {
                    instance_id,
                    name,
                    version,
                    input,
                    parent_trace_context,
                    tags,
                };
                let action = Action::CreateSubOrchestration(action);
                Task::begin(&self.journal, TaskKind::SubOrchestration, action, id.is_some())
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<String>, TaskError>> {
        loop {
            match &mut self.phase {
                Phase::Idle => self.start(),
                Phase::Running(task) => {
                    let outcome = ready!(Pin::new(task).poll(context));
                    self.phase = Phase::Done;
                    match outcome {
                        Ok(result) => return Poll::Ready(Ok(result)),
                        Err(details) => self.failed(details.map(|details| *details))?,
                    }
                }
                Phase::Pausing(timer) => {
                    // A timer has no result and cannot fail.
                    let _ = ready!(Pin::new(timer).poll(context));
                    self.phase = Phase::Idle;
                }
                Phase::Refused(_) => {
                    if let Phase::Refused(error) = std::mem::replace(&mut self.phase, Phase::Done) {
                        return Poll::Ready(Err(error));
                    }
                }
                Phase::Done => return Poll::Pending,
            }
        }
    }

    /// Begins the pause before the next attempt, or gives up.
    fn failed(&mut self, details: Option<crate::model::pb::TaskFailureDetails>) -> Result<(), TaskError> {
        let kind = match self.target {
            Target::Activity => ErrorKind::Activity,
            Target::SubOrchestration { .. } => ErrorKind::SubOrchestration,
        };
        let error = TaskError::of_task(kind, self.label(), details);
        let now = self.journal.borrow().now;
        let elapsed = (now - self.begun.unwrap_or(now)).to_std().unwrap_or_default();
        match self.retry.as_ref().and_then(|policy| policy.pause(self.attempt, elapsed, &error)) {
            Some(pause) => {
                self.phase = Phase::Pausing(begin_timer(&self.journal, pause));
                Ok(())
            }
            None => Err(error),
        }
    }
}
