//! Why a verb was refused, in the words of the domain. Each transport maps these once, in one exhaustive match.

use crate::{
    model::{IdError, InstanceId, Short, Status, StatusExt as _},
    store,
};
use std::time::Duration;

/// A refused or failed verb. Unless it is [`Error::Store`], nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's input breaks a rule; the text names the field and the rule.
    #[error("{0}")]
    Invalid(String),
    /// A payload is larger than the configured limit.
    #[error("{what} is {got} bytes long; the limit is {limit} (setting limits.payload_bytes)")]
    TooLarge {
        /// Which payload.
        what: &'static str,
        /// Its size in bytes.
        got: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// There is no task hub of this name.
    #[error(
        "task hub {:?} does not exist; known hubs: {} (setting hubs.names, or hubs.create_on_start)",
        Short(name),
        Short(&listed(known))
    )]
    UnknownHub {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// There is no such instance.
    #[error("instance {} does not exist", Short(.0.as_str()))]
    NotFound(InstanceId),
    /// The instance has ended, so the verb has nothing to act on.
    #[error("instance {} has already ended as {}", Short(id.as_str()), status.name())]
    AlreadyEnded {
        /// Which instance.
        id: InstanceId,
        /// How it ended.
        status: Status,
    },
    /// The id is taken by an instance that may not be replaced.
    #[error("instance {} already exists and is {}", Short(id.as_str()), status.name())]
    AlreadyExists {
        /// The id asked for.
        id: InstanceId,
        /// The status of the instance that holds it.
        status: Status,
    },
    /// Another request had this idempotency key.
    #[error(
        "Idempotency-Key {:?} belongs to a request for something else; a key may be sent again with the same request only",
        Short(key)
    )]
    KeyReused {
        /// The key.
        key: String,
    },
    /// What the verb was to act on was purged, replaced or restarted by somebody else at the same moment.
    #[error("cannot {verb} instance {}: somebody else has purged, replaced or restarted it in this moment", Short(id.as_str()))]
    Overtaken {
        /// What was asked for.
        verb: &'static str,
        /// Which instance.
        id: InstanceId,
    },
    /// The instance failed inside a critical section, or while it waited for one, so it cannot go on from before that.
    #[error("cannot rewind instance {}: {}", Short(id.as_str()), crate::engine::NotRewound::InSection)]
    InSection {
        /// Which instance.
        id: InstanceId,
    },
    /// The verb does not apply to an instance in this status.
    #[error("cannot {verb} instance {}: it is {}", Short(id.as_str()), status.name())]
    WrongState {
        /// What was asked for (`suspend`, `purge`...).
        verb: &'static str,
        /// Which instance.
        id: InstanceId,
        /// The status it is in.
        status: Status,
    },
    /// Only what is parked can be retried or discarded.
    #[error("instance {} is not parked", Short(.0.as_str()))]
    NotParked(InstanceId),
    /// There is no such bulk job.
    #[error("there is no bulk job {:?}", Short(id))]
    NoJob {
        /// What was asked for.
        id: String,
    },
    /// The bulk job has ended, so there is nothing to stop.
    #[error("bulk job {} has already ended", Short(id))]
    JobEnded {
        /// Which job.
        id: String,
    },
    /// The bulk job runs; it has to be stopped before it is removed.
    #[error("bulk job {} runs; stop it first", Short(id))]
    JobRuns {
        /// Which job.
        id: String,
    },
    /// Too many bulk jobs run.
    #[error("{running} bulk jobs run already; wait for one of them, or stop it")]
    Crowded {
        /// How many.
        running: usize,
    },
    /// More new work than is let in at a time; see `admission`.
    #[error("{why}; try again in {} ms", again.as_millis())]
    Overloaded {
        /// Which limit, and of what.
        why: String,
        /// After how long it is worth trying again.
        again: Duration,
    },
    /// There is too little room on the disk for anything new.
    #[error(
        "only {free} bytes are free where the data is; new work is taken in while there are {least} (setting limits.free_disk_bytes). \
         Make room: purge what has ended, or enlarge the disk"
    )]
    DiskLow {
        /// What is free, in bytes.
        free: u64,
        /// What must be.
        least: u64,
    },
    /// Storage refused or failed; see the source.
    #[error("storage is not answering as it should")]
    Store(#[from] store::Error),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Error {
    /// The same, naming no hubs but these to whoever asked for one that is not there.
    #[must_use]
    pub fn naming_hubs(mut self, may_know: impl Fn(&str) -> bool) -> Self {
        if let Self::UnknownHub { known, .. } = &mut self {
            known.retain(|hub| may_know(hub));
        }
        self
    }
}

impl From<IdError> for Error {
    fn from(error: IdError) -> Self {
        Self::Invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_repeats_more_of_what_a_caller_sent_than_an_answer_can_carry() {
        let long = "ü".repeat(100_000);
        let id = || InstanceId::lookup(long.as_str());
        let (verb, status) = ("purge", Status::Running);
        let errors = [
            Error::UnknownHub { name: long.clone(), known: vec![long.clone()] },
            Error::NotFound(id()),
            Error::NotParked(id()),
            Error::AlreadyEnded { id: id(), status },
            Error::AlreadyExists { id: id(), status },
            Error::KeyReused { key: long.clone() },
            Error::Overtaken { verb, id: id() },
            Error::WrongState { verb, id: id(), status },
            Error::InSection { id: id() },
            Error::NoJob { id: long.clone() },
            IdError::HubName(long.clone()).into(),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.len() < 1_500 && text.contains("üüü"), "{} bytes", text.len());
        }
        assert_eq!(Error::NotFound(InstanceId::lookup("a")).to_string(), "instance a does not exist");
    }
}
