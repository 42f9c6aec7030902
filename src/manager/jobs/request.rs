//! What a job is asked to do, how that is written down, and the rules about it.

use super::super::{Error, Manager, check_name};
use crate::{
    model::{Short, Timestamp},
    store::{self, Filter},
};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Most ids in one job; a filter has no limit.
const MAX_IDS: usize = 10_000;
/// Longest id there can be, in UTF-16 units: that of a sub-orchestration.
const MAX_ID_UNITS: usize = 1_024;

/// A request for a job.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// What is done.
    pub action: BulkAction,
    /// To which instances.
    pub targets: Targets,
    /// Who asks, if that is known.
    pub by: Option<String>,
}

/// What is done to each instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BulkAction {
    /// See [`Manager::terminate`].
    Terminate {
        /// The output.
        reason: Option<String>,
        /// With its sub-orchestrations.
        recursive: bool,
    },
    /// See [`Manager::suspend`].
    Suspend {
        /// For the history.
        reason: Option<String>,
    },
    /// See [`Manager::resume`].
    Resume {
        /// For the history.
        reason: Option<String>,
    },
    /// See [`Manager::rewind`].
    Rewind {
        /// For the history.
        reason: Option<String>,
    },
    /// See [`Manager::restart`].
    Restart {
        /// Under an id that is made up; otherwise under its own, which replaces it.
        new_id: bool,
    },
    /// See [`Manager::raise_event`].
    RaiseEvent {
        /// Of the event.
        name: String,
        /// Its data, as text.
        data: Option<String>,
    },
    /// See [`Manager::purge`].
    Purge {
        /// With the ended sub-orchestrations below it.
        recursive: bool,
    },
}

/// Which instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Targets {
    /// These.
    Ids(Vec<String>),
    /// All that match, entities never.
    Filter {
        /// The filter in the words of who asked.
        text: String,
        /// What they mean.
        filter: Box<Filter>,
    },
}

impl BulkAction {
    /// In one word, as requests and answers call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Terminate { .. } => "terminate",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Rewind { .. } => "rewind",
            Self::Restart { .. } => "restart",
            Self::RaiseEvent { .. } => "raiseEvent",
            Self::Purge { .. } => "purge",
        }
    }

    /// Why, in the words of who asked.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Terminate { reason, .. }
            | Self::Suspend { reason }
            | Self::Resume { reason }
            | Self::Rewind { reason } => reason.as_deref(),
            Self::Restart { .. } | Self::RaiseEvent { .. } | Self::Purge { .. } => None,
        }
    }
}

/// A job's request, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub action: BulkAction,
    pub targets: Targets,
}

impl Request {
    pub fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| store::Error::Backend(Box::new(error)).into())
    }

    pub fn from_text(text: &str) -> Result<Self, store::Error> {
        serde_json::from_str(text).map_err(|error| store::Error::Corrupt(format!("a bulk job: {error}")))
    }
}

impl Manager {
    /// What every instance would refuse is refused at once.
    pub(super) fn check_action(&self, action: &BulkAction) -> Result<(), Error> {
        self.check_payload("reason", action.reason())?;
        match action {
            BulkAction::RaiseEvent { name, data } => {
                check_name("event name", name)?;
                self.check_payload("event", data.as_deref())
            }
            _ => Ok(()),
        }
    }
}

/// Each id once, in the order given.
pub(super) fn checked_ids(ids: Vec<String>) -> Result<Vec<String>, Error> {
    let got = ids.len();
    if got > MAX_IDS {
        return Err(Error::Invalid(format!(
            "{got} instanceIds in one job; the limit is {MAX_IDS}: give a filter instead, or make several jobs"
        )));
    }
    let bad = |id: &&String| id.is_empty() || id.encode_utf16().count() > MAX_ID_UNITS;
    if let Some(bad) = ids.iter().find(bad) {
        return Err(Error::Invalid(format!(
            "instanceIds must each have 1 to {MAX_ID_UNITS} characters, not {:?}",
            Short(bad)
        )));
    }
    let mut seen = HashSet::new();
    Ok(ids.into_iter().filter(|id| seen.insert(id.clone())).collect())
}

/// What there is at `now` and not later, and no entities: their state is nobody's to remove by accident.
pub(super) fn bounded(mut filter: Filter, now: Timestamp) -> Filter {
    let end = now.next();
    filter.created.before = Some(filter.created.before.map_or(end, |before| before.min(end)));
    filter.entities = false;
    filter
}
