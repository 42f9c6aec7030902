//! Which operation a request asks for. One pure function, because the rules are not those of a usual router: the path is
//! form-decoded *before* it is split, literals match in any case, slashes at the ends do not matter, and a wrong method is
//! simply no match (404, never 405).

use super::form;
use crate::auth::Operation;
use axum::http::Method;

/// An operation of the API with the parameters of its path, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Start {
        function: String,
        id: Option<String>,
    },
    Status {
        id: String,
    },
    Purge {
        id: String,
    },
    RaiseEvent {
        id: String,
        event: String,
    },
    Terminate {
        id: String,
    },
    Suspend {
        id: String,
    },
    Resume {
        id: String,
    },
    Rewind {
        id: String,
    },
    Restart {
        id: String,
    },
    List,
    PurgeMany,
    ListEntities {
        name: Option<String>,
    },
    ReadEntity {
        name: String,
        key: String,
    },
    SignalEntity {
        name: Option<String>,
        key: Option<String>,
        /// The operation is `delete`, whatever `op` says.
        delete: bool,
    },
    MakePrimary,
    /// No operation has this method and path.
    Unknown,
}

impl Route {
    /// The operation's name in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Route::Start { .. } => "start",
            Route::Status { .. } => "status",
            Route::Purge { .. } => "purge",
            Route::RaiseEvent { .. } => "raise_event",
            Route::Terminate { .. } => "terminate",
            Route::Suspend { .. } => "suspend",
            Route::Resume { .. } => "resume",
            Route::Rewind { .. } => "rewind",
            Route::Restart { .. } => "restart",
            Route::List => "list",
            Route::PurgeMany => "purge_many",
            Route::ListEntities { .. } => "list_entities",
            Route::ReadEntity { .. } => "read_entity",
            Route::SignalEntity { .. } => "signal_entity",
            Route::MakePrimary => "make_primary",
            Route::Unknown => "unknown",
        }
    }

    /// What a caller must be permitted to do. No `_` arm: a new route must say here what it takes.
    pub fn operation(&self) -> Operation {
        match self {
            Route::Start { .. } => Operation::Start,
            Route::Status { .. } => Operation::Status,
            Route::Purge { .. } => Operation::Purge,
            Route::RaiseEvent { .. } => Operation::RaiseEvent,
            Route::Terminate { .. } => Operation::Terminate,
            Route::Suspend { .. } => Operation::Suspend,
            Route::Resume { .. } => Operation::Resume,
            Route::Rewind { .. } => Operation::Rewind,
            Route::Restart { .. } => Operation::Restart,
            Route::List | Route::ListEntities { .. } | Route::ReadEntity { .. } => Operation::List,
            Route::PurgeMany => Operation::PurgeMany,
            Route::SignalEntity { .. } => Operation::Signal,
            Route::MakePrimary => Operation::Administer,
            Route::Unknown => Operation::Greet,
        }
    }

    /// The instance the path names, if it names one.
    pub fn instance(&self) -> Option<&str> {
        match self {
            Route::Start { id, .. } => id.as_deref(),
            Route::Status { id }
            | Route::Purge { id }
            | Route::RaiseEvent { id, .. }
            | Route::Terminate { id }
            | Route::Suspend { id }
            | Route::Resume { id }
            | Route::Rewind { id }
            | Route::Restart { id } => Some(id),
            Route::List
            | Route::PurgeMany
            | Route::ListEntities { .. }
            | Route::ReadEntity { .. }
            | Route::SignalEntity { .. }
            | Route::MakePrimary
            | Route::Unknown => None,
        }
    }
}

/// What follows `base` in `path`, if `path` is below it. Compared in any case; the rest is returned as it stands.
pub fn below<'a>(base: &str, path: &'a str) -> Option<&'a str> {
    let head = path.get(..base.len())?;
    let rest = &path[base.len()..];
    (head.eq_ignore_ascii_case(base) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// Finds the operation. `path` is what follows the base path, still encoded.
pub fn matches(method: &Method, path: &str) -> Route {
    let Some(path) = form::decode(path) else { return Route::Unknown };
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Route::Unknown;
    }
    match segments.as_slice() {
        [area, rest @ ..] if area.eq_ignore_ascii_case("orchestrators") => orchestrators(method, rest),
        [area, rest @ ..] if area.eq_ignore_ascii_case("entities") => entities(method, rest),
        [area, rest @ ..] if area.eq_ignore_ascii_case("instances") => instances(method, rest),
        [area] if area.eq_ignore_ascii_case("makeprimary") => Route::MakePrimary,
        _ => Route::Unknown,
    }
}

fn orchestrators(method: &Method, rest: &[&str]) -> Route {
    match (method, rest) {
        (&Method::POST, [function]) => Route::Start { function: own(function), id: None },
        (&Method::POST, [function, id]) => Route::Start { function: own(function), id: Some(own(id)) },
        _ => Route::Unknown,
    }
}

fn entities(method: &Method, rest: &[&str]) -> Route {
    let (name, key) = match rest {
        [] => (None, None),
        [name] => (Some(own(name)), None),
        [name, key] => (Some(own(name)), Some(own(key))),
        _ => return Route::Unknown,
    };
    match (method, name, key) {
        (&Method::GET, Some(name), Some(key)) => Route::ReadEntity { name, key },
        (&Method::GET, name, _) => Route::ListEntities { name },
        (&Method::POST, name, key) => Route::SignalEntity { name, key, delete: false },
        (&Method::DELETE, name, key) => Route::SignalEntity { name, key, delete: true },
        _ => Route::Unknown,
    }
}

fn instances(method: &Method, rest: &[&str]) -> Route {
    match (method, rest) {
        (&Method::GET, []) => Route::List,
        (&Method::DELETE, []) => Route::PurgeMany,
        (&Method::GET, [id]) => Route::Status { id: own(id) },
        (&Method::DELETE, [id]) => Route::Purge { id: own(id) },
        (&Method::POST, [id, operation]) => verb(operation, own(id)),
        (&Method::POST, [id, operation, event]) if operation.eq_ignore_ascii_case("raiseEvent") => {
            Route::RaiseEvent { id: own(id), event: own(event) }
        }
        _ => Route::Unknown,
    }
}

fn verb(operation: &str, id: String) -> Route {
    match operation.to_ascii_lowercase().as_str() {
        "terminate" => Route::Terminate { id },
        "suspend" => Route::Suspend { id },
        "resume" => Route::Resume { id },
        "rewind" => Route::Rewind { id },
        "restart" | "restartwithoptions" => Route::Restart { id },
        _ => Route::Unknown,
    }
}

fn own(segment: &str) -> String {
    segment.to_owned()
}

#[cfg(test)]
mod tests;
