//! Every refusal this API can give, and the one place that turns it into a status and a body.
//!
//! The bodies are those of the Durable Functions extension (facts: HTTP API, section 1.6). Where it is an object we always send all
//! four fields, because the stock Python client reads `ExceptionMessage` from any 400. What the caller reads and what the log
//! keeps are separate: storage trouble is told to the caller in general terms and logged here, once.

use super::answer;
use crate::{manager, model::Short, store};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::time::Duration;

const ARGUMENT: &str = "System.ArgumentException";
const INVALID_OPERATION: &str = "System.InvalidOperationException";
const ALREADY_EXISTS: &str = "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException";
const JSON_READER: &str = "Newtonsoft.Json.JsonReaderException";
const TIMEOUT: &str = "System.TimeoutException";
const UNAUTHORIZED: &str = "System.UnauthorizedAccessException";
const EXCEPTION: &str = "System.Exception";

/// When to come back after storage was busy or full.
const BUSY_RETRY_SECS: HeaderValue = HeaderValue::from_static("1");

/// A refused or failed request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The verb was refused.
    #[error(transparent)]
    Manager(#[from] manager::Error),
    /// Input that this room itself refuses; the text names it and the rule.
    #[error("{0}")]
    Invalid(String),
    /// The body is not JSON; the text says where.
    #[error("{0}")]
    NotJson(String),
    /// The body is larger than the limit.
    #[error("the request body is longer than {limit} bytes (setting limits.body_bytes)")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body broke off.
    #[error("the request body could not be read to its end")]
    BodyCut,
    /// The body stood still.
    #[error("nothing of the request body came for {patience_secs} s (setting http.body_idle_secs)")]
    BodyStalled {
        /// How long it may stand still.
        patience_secs: u64,
    },
    /// An event without the signature that its hub asks for. The text is for the log.
    #[error("{0}")]
    Unsigned(&'static str),
    /// Purge of an instance that has not ended.
    #[error("{0}")]
    NotEnded(String),
    /// Rewind of an instance that is not there.
    #[error("{0}")]
    NothingToRewind(String),
    /// Rewind of an instance that has not failed.
    #[error("{0}")]
    NotFailed(String),
    /// Purge by filter without saying from when on.
    #[error("createdTimeFrom must be given, as a date such as 2026-01-02T03:04:05Z")]
    NoBeginning,
    /// Purge by filter found nothing.
    #[error("nothing to purge")]
    NothingToPurge,
    /// There is no such entity, or it has no state.
    #[error("there is no such entity")]
    NoEntity,
    /// The instance was not rewound that often.
    #[error("there is no such revision")]
    NoRevision,
    /// No key or link, or one that nobody knows.
    #[error("a key is needed")]
    Unauthenticated,
    /// A known key or link that does not permit this.
    #[error("the key or link does not permit this")]
    Forbidden,
    /// Without keys, a host by which this server is not known.
    #[error(
        "this server is not known by the name {:?}: without keys it answers to addresses, to localhost, to the host of \
         server.public_base_url and to those in the setting server.allowed_hosts",
        Short(.0)
    )]
    StrangeHost(String),
    /// A page in a browser that came from elsewhere wants to change something.
    #[error(
        "a page of another origin ({}) may change nothing here: name it in the setting http.cors_origins, or, if it is a proxy's \
         address of this server, in server.public_base_url",
        Short(.0)
    )]
    OtherOrigin(String),
    /// A page in a browser wants to change something, and none may.
    #[error("pages in a browser may only look here (setting dashboard.read_only)")]
    ReadOnly,
    /// Too many streams of changes are open.
    #[error("too many callers listen already; try again shortly")]
    TooManyListen,
    /// No such route.
    #[error("no such route")]
    NoRoute,
    /// The handler panicked.
    #[error("the server made a mistake; its log says more")]
    Panicked,
}

/// How a refusal is told.
enum Shape {
    /// E0: no body.
    Empty,
    /// E2: the four fields, with this exception type and text.
    Object(&'static str, String),
    /// E3: a bare JSON string.
    Bare(String),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    message: &'a str,
    exception_message: &'a str,
    exception_type: &'a str,
    stack_trace: Option<&'a str>,
}

impl Error {
    fn told(&self) -> (StatusCode, Shape) {
        let object = |exception| Shape::Object(exception, self.to_string());
        match self {
            Error::Manager(error) => manager_told(error),
            Error::Invalid(_) => (StatusCode::BAD_REQUEST, object(ARGUMENT)),
            Error::NotJson(_) => (StatusCode::BAD_REQUEST, object(JSON_READER)),
            Error::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, object(ARGUMENT)),
            Error::BodyStalled { .. } => (StatusCode::REQUEST_TIMEOUT, object(TIMEOUT)),
            Error::Unsigned(_) => (StatusCode::UNAUTHORIZED, Shape::Empty),
            Error::BodyCut => (StatusCode::BAD_REQUEST, object(ARGUMENT)),
            Error::NothingToRewind(text) => (StatusCode::NOT_FOUND, Shape::Bare(text.clone())),
            Error::NotEnded(text) | Error::NotFailed(text) => {
                (StatusCode::PRECONDITION_FAILED, Shape::Bare(text.clone()))
            }
            Error::NoBeginning => (StatusCode::BAD_REQUEST, Shape::Bare(self.to_string())),
            Error::NothingToPurge => (StatusCode::NOT_FOUND, Shape::Empty),
            Error::Unauthenticated => (StatusCode::UNAUTHORIZED, Shape::Empty),
            Error::Forbidden => (StatusCode::FORBIDDEN, Shape::Empty),
            Error::StrangeHost(_) | Error::OtherOrigin(_) | Error::ReadOnly => {
                (StatusCode::FORBIDDEN, object(UNAUTHORIZED))
            }
            Error::TooManyListen => (StatusCode::SERVICE_UNAVAILABLE, object(EXCEPTION)),
            Error::NoRoute | Error::NoRevision | Error::NoEntity => (StatusCode::NOT_FOUND, Shape::Empty),
            Error::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, object(EXCEPTION)),
        }
    }
}

// No `_` arm: a new variant must choose its answer here.
fn manager_told(error: &manager::Error) -> (StatusCode, Shape) {
    let object = |exception| Shape::Object(exception, error.to_string());
    match error {
        manager::Error::Invalid(_) => (StatusCode::BAD_REQUEST, object(ARGUMENT)),
        manager::Error::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, object(ARGUMENT)),
        // An unknown hub reads as an empty one.
        manager::Error::UnknownHub { .. } | manager::Error::NotFound(_) | manager::Error::NoJob { .. } => {
            (StatusCode::NOT_FOUND, Shape::Empty)
        }
        manager::Error::AlreadyEnded { .. } => (StatusCode::GONE, Shape::Empty),
        manager::Error::AlreadyExists { .. } => (StatusCode::CONFLICT, object(ALREADY_EXISTS)),
        manager::Error::WrongState { .. }
        | manager::Error::InSection { .. }
        | manager::Error::NotParked(_)
        | manager::Error::JobEnded { .. }
        | manager::Error::JobRuns { .. }
        | manager::Error::Crowded { .. }
        | manager::Error::Overtaken { .. } => (StatusCode::CONFLICT, object(INVALID_OPERATION)),
        manager::Error::Overloaded { .. } => (StatusCode::TOO_MANY_REQUESTS, object(EXCEPTION)),
        manager::Error::DiskLow { .. } => (StatusCode::SERVICE_UNAVAILABLE, object(EXCEPTION)),
        manager::Error::KeyReused { .. } => (StatusCode::UNPROCESSABLE_ENTITY, object(ARGUMENT)),
        manager::Error::Store(error) => store_told(error),
    }
}

fn store_told(error: &store::Error) -> (StatusCode, Shape) {
    let (status, text) = match error {
        store::Error::Busy(_) => (StatusCode::SERVICE_UNAVAILABLE, "storage is busy; try again shortly"),
        store::Error::OverBudget(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "this took longer than a read may (setting store.read_budget_ms); narrow it down: a shorter span of time, one status, a name",
        ),
        store::Error::Full(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "storage is full or read-only; the server's log says more")
        }
        store::Error::Closed => (StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down"),
        store::Error::Fenced
        | store::Error::Corrupt(_)
        | store::Error::Refused(_)
        | store::Error::Backend(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "storage failed; the server's log says more")
        }
    };
    (status, Shape::Object(EXCEPTION, text.to_owned()))
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Error::Manager(manager::Error::Store(error)) = &self {
            tracing::error!(error = error as &dyn std::error::Error, "storage refused or failed a request");
        }
        if let Error::Unsigned(why) = &self {
            tracing::info!(why, "an event without a good signature was refused");
        }
        let (status, shape) = self.told();
        let again = match &self {
            Error::Manager(manager::Error::Overloaded { again, .. }) => Some(whole_seconds(*again)),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(BUSY_RETRY_SECS),
            _ => None,
        };
        let mut response = match &shape {
            Shape::Empty => answer::empty(status),
            Shape::Bare(text) => answer::json(status, text),
            Shape::Object(exception_type, text) => answer::json(
                status,
                &Body { message: text, exception_message: text, exception_type, stack_trace: None },
            ),
        };
        if let Some(seconds) = again {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// At least one: `Retry-After: 0` would be no pause at all.
fn whole_seconds(pause: Duration) -> HeaderValue {
    HeaderValue::from(u16::try_from(pause.as_millis().div_ceil(1_000).clamp(1, 3_600)).unwrap_or(3_600))
}
