//! Errors as durable functions see and raise them, and their form on the wire.
//!
//! Whatever a function returns as `Err` ends up as the protocol's failure details: a type name, a message, the causes. Whoever
//! awaits the failed work gets them back as a [`TaskError`], in whichever language the work was written.

use crate::model::{IdError, pb::TaskFailureDetails};
use prost_types::Value;
use std::{any::Any, collections::BTreeMap, error::Error, fmt, time::Duration};

/// What a function may fail with: every error type, `String`, `&str`, `anyhow::Error` and boxed errors convert into it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Error types that the embedded worker itself makes.
pub mod error_type {
    /// No orchestrator of this name is registered.
    pub const ORCHESTRATOR_NOT_REGISTERED: &str = "OrchestratorNotRegisteredError";
    /// No activity of this name is registered.
    pub const ACTIVITY_NOT_REGISTERED: &str = "ActivityNotRegisteredError";
    /// No entity of this name is registered.
    pub const ENTITY_NOT_REGISTERED: &str = "EntityNotRegisteredError";
    /// The entity has no operation of this name.
    pub const UNKNOWN_OPERATION: &str = "UnknownOperationError";
    /// A text is no id of an instance or entity.
    pub const INVALID_ID: &str = "InvalidIdError";
    /// An orchestrator does what it may not do in a critical section, or asks for one without entities.
    pub const CRITICAL_SECTION: &str = "CriticalSectionError";
    /// The orchestrator's code does something else than its history says it did.
    pub const NON_DETERMINISM: &str = "NonDeterminismError";
    /// The orchestrator awaits something that will never be in its history.
    pub const NOT_DURABLE: &str = "NotDurableError";
    /// The history cannot be replayed.
    pub const INVALID_HISTORY: &str = "InvalidHistoryError";
    /// The input is not what the function takes.
    pub const INVALID_INPUT: &str = "InvalidInputError";
    /// A result, event payload or value cannot be read from, or written as, JSON.
    pub const INVALID_DATA: &str = "InvalidDataError";
    /// The function panicked.
    pub const PANIC: &str = "PanicError";
    /// Something took longer than it was allowed to.
    pub const TIMEOUT: &str = "TimeoutError";
    /// An orchestrator ended because work it awaited had failed; that failure is the inner one.
    pub const TASK_FAILED: &str = "TaskFailedError";
    /// The type of an error of which Rust only knows that it is an error.
    pub const UNKNOWN: &str = "Error";
}

/// Failure details nest; readers of protobuf refuse to follow very deep ones.
const MAX_DEPTH: usize = 32;

/// Where a [`TaskError`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Raised by the function's own code.
    Application,
    /// An activity failed.
    Activity,
    /// A sub-orchestration failed or was terminated.
    SubOrchestration,
    /// An operation of an entity failed.
    Entity,
    /// Time ran out.
    Timeout,
    /// A payload could not be read or written.
    Data,
}

/// The failure of a durable function.
///
/// Awaiting an activity, a sub-orchestration or an entity gives one, with the type name and message that the failed function reported.
/// Functions can also make their own, when a type name, the causes or "do not retry" matter:
///
/// ```
/// use durahub::workers::embedded::TaskError;
///
/// let error = TaskError::new("CardDeclined", "the bank said no").non_retriable();
/// assert_eq!(error.error_type(), "CardDeclined");
/// assert_eq!(error.to_string(), "CardDeclined: the bank said no");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TaskError(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    kind: ErrorKind,
    /// What failed, in words, when it was not the function itself.
    task: Option<String>,
    error_type: String,
    message: String,
    stack_trace: Option<String>,
    cause: Option<TaskError>,
    non_retriable: bool,
    /// Kept for errors that only pass through.
    properties: BTreeMap<String, Value>,
}

impl TaskError {
    /// An error of the function's own.
    pub fn new(error_type: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::of(ErrorKind::Application, error_type, message)
    }

    /// Any error, keeping its type's name (without path), its message and its causes.
    ///
    /// This is what happens to the `Err` of an orchestrator or activity. A `TaskError` stays what it is. A cause's type cannot be
    /// known unless it is a `TaskError`; it reads `Error`.
    pub fn wrap<E: Into<BoxError>>(error: E) -> Self {
        match error.into().downcast::<TaskError>() {
            Ok(error) => *error,
            Err(error) => {
                Self::from_dyn(short_type_name(std::any::type_name::<E>()), error.as_ref(), MAX_DEPTH)
            }
        }
    }

    pub(super) fn of(kind: ErrorKind, error_type: impl Into<String>, message: impl fmt::Display) -> Self {
        Self(Box::new(Inner {
            kind,
            task: None,
            error_type: error_type.into(),
            message: message.to_string(),
            stack_trace: None,
            cause: None,
            non_retriable: false,
            properties: BTreeMap::new(),
        }))
    }

    /// A payload that cannot be read or written.
    pub(super) fn data(what: impl fmt::Display, error: &serde_json::Error) -> Self {
        Self::of(ErrorKind::Data, error_type::INVALID_DATA, format_args!("{what}: {error}")).non_retriable()
    }

    pub(super) fn panic(function: impl fmt::Display, payload: &(dyn Any + Send)) -> Self {
        let said = payload.downcast_ref::<&str>().copied();
        let said =
            said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)");
        Self::new(error_type::PANIC, format_args!("{function} panicked: {said}"))
    }

    fn from_dyn(error_type: &str, error: &(dyn Error + 'static), depth: usize) -> Self {
        let mut wrapped = Self::new(error_type, error);
        wrapped.0.cause =
            error.source().filter(|_| depth > 1).map(|source| match source.downcast_ref::<TaskError>() {
                Some(known) => known.clone(),
                None => Self::from_dyn(error_type::UNKNOWN, source, depth - 1),
            });
        wrapped
    }

    /// Tells retry policies that trying again is of no use.
    #[must_use]
    pub fn non_retriable(mut self) -> Self {
        self.0.non_retriable = true;
        self
    }

    /// Names the cause.
    #[must_use]
    pub fn caused_by<E: Into<BoxError>>(mut self, cause: E) -> Self {
        self.0.cause = Some(Self::wrap(cause));
        self
    }

    /// Where the error comes from.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Type name, as the failed function reported it: `builtins.ValueError` from Python, the bare type name from Rust.
    pub fn error_type(&self) -> &str {
        &self.0.error_type
    }

    /// Message, as the failed function reported it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Stack trace, if the failed function reported one.
    pub fn stack_trace(&self) -> Option<&str> {
        self.0.stack_trace.as_deref()
    }

    /// The cause.
    pub fn inner(&self) -> Option<&TaskError> {
        self.0.cause.as_ref()
    }

    /// The innermost cause: the error itself if it has none.
    pub fn root(&self) -> &TaskError {
        std::iter::successors(Some(self), |error| error.inner()).last().unwrap_or(self)
    }

    /// Whether retry policies must leave it at that.
    pub fn is_non_retriable(&self) -> bool {
        self.0.non_retriable
    }

    /// Whether time ran out.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// The failure of `task` (its name in words), as history tells it.
    pub(super) fn of_task(kind: ErrorKind, task: String, details: Option<TaskFailureDetails>) -> Self {
        let mut error = match details {
            Some(details) => Self::from_wire(kind, details),
            None => Self::of(kind, error_type::UNKNOWN, "the history holds no details"),
        };
        error.0.task = Some(task);
        error
    }

    fn from_wire(kind: ErrorKind, details: TaskFailureDetails) -> Self {
        Self(Box::new(Inner {
            kind,
            task: None,
            error_type: details.error_type,
            message: details.error_message,
            stack_trace: details.stack_trace,
            cause: details.inner_failure.map(|inner| Self::from_wire(kind, *inner)),
            non_retriable: details.is_non_retriable,
            properties: details.properties,
        }))
    }

    /// As failure details. The failure of awaited work becomes the inner failure of a [`error_type::TASK_FAILED`].
    pub(super) fn into_wire(mut self) -> TaskFailureDetails {
        match self.0.task {
            None => self.into_wire_within(MAX_DEPTH),
            Some(_) => {
                let error_message = self.to_string();
                self.0.task = None;
                TaskFailureDetails {
                    error_type: error_type::TASK_FAILED.to_owned(),
                    error_message,
                    is_non_retriable: self.0.non_retriable,
                    inner_failure: Some(Box::new(self.into_wire_within(MAX_DEPTH - 1))),
                    ..TaskFailureDetails::default()
                }
            }
        }
    }

    fn into_wire_within(self, depth: usize) -> TaskFailureDetails {
        let Inner { error_type, message, stack_trace, cause, non_retriable, properties, .. } = *self.0;
        let cause = cause.filter(|_| depth > 1);
        TaskFailureDetails {
            error_type,
            error_message: message,
            stack_trace,
            inner_failure: cause.map(|cause| Box::new(cause.into_wire_within(depth - 1))),
            is_non_retriable: non_retriable,
            properties,
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.0.task {
            write!(f, "{task} failed: ")?;
        }
        write!(f, "{}: {}", self.0.error_type, self.0.message)
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner().map(|inner| inner as &(dyn Error + 'static))
    }
}

/// Time ran out before a future was ready; see [`OrchestrationContext::timeout`](super::OrchestrationContext::timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The time it was given.
    pub after: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "timed out after {:?}", self.after)
    }
}

impl Error for TimedOut {}

impl From<TimedOut> for TaskError {
    fn from(timed_out: TimedOut) -> Self {
        Self::of(ErrorKind::Timeout, error_type::TIMEOUT, timed_out)
    }
}

impl From<IdError> for TaskError {
    fn from(error: IdError) -> Self {
        Self::new(error_type::INVALID_ID, error).non_retriable()
    }
}

/// `my::module::Declined<T>` is `Declined`; what is only known to be an error is [`error_type::UNKNOWN`].
fn short_type_name(full: &str) -> &str {
    let bare = full.split('<').next().unwrap_or(full);
    match bare.rsplit("::").next().unwrap_or(bare) {
        "Box" | "String" | "&str" | "str" => error_type::UNKNOWN,
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("no more {0}")]
    struct OutOfStock(&'static str, #[source] Option<std::num::ParseIntError>);

    #[test]
    fn a_rust_error_keeps_its_type_name_message_and_causes() {
        let cause = "x".parse::<i32>().unwrap_err();
        let details = TaskError::wrap(OutOfStock("books", Some(cause))).into_wire();
        assert_eq!((&*details.error_type, &*details.error_message), ("OutOfStock", "no more books"));
        let inner = details.inner_failure.unwrap();
        assert_eq!((&*inner.error_type, &*inner.error_message), ("Error", "invalid digit found in string"));
    }

    #[test]
    fn text_and_boxed_errors_are_just_errors() {
        assert_eq!(TaskError::wrap("no").to_string(), "Error: no");
        assert_eq!(TaskError::wrap("no".to_owned()).to_string(), "Error: no");
        assert_eq!(TaskError::wrap(BoxError::from("no")).to_string(), "Error: no");
    }

    #[test]
    fn a_task_error_is_not_wrapped_again_even_in_a_box() {
        let error = TaskError::new("Declined", "no money").non_retriable();
        assert_eq!(TaskError::wrap(error.clone()), error);
        assert_eq!(TaskError::wrap(BoxError::from(error.clone())), error);
    }

    #[test]
    fn the_failure_of_awaited_work_becomes_the_inner_failure() {
        let declined = TaskError::new("Declined", "no money").non_retriable().into_wire();
        let error =
            TaskError::of_task(ErrorKind::Activity, "activity 'Charge'".into(), Some(declined.clone()));
        assert_eq!(error.error_type(), "Declined");
        let details = error.into_wire();
        assert_eq!(details.error_type, "TaskFailedError");
        assert_eq!(details.error_message, "activity 'Charge' failed: Declined: no money");
        assert!(details.is_non_retriable);
        assert_eq!(*details.inner_failure.unwrap(), declined);
    }

    #[test]
    fn very_deep_causes_are_cut() {
        let deep = (0..100).fold(TaskError::new("E", 0), |cause, n| TaskError::new("E", n).caused_by(cause));
        let details = deep.into_wire();
        let depth = std::iter::successors(Some(&details), |it| it.inner_failure.as_deref()).count();
        assert_eq!(depth, MAX_DEPTH);
    }
}
