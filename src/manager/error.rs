//! Why a verb was refused, in the words of the domain. Each transport maps these once, in one exhaustive match.

use crate::{
    model::{IdError, InstanceId, Status, StatusExt as _},
    store,
};

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
        "task hub {name:?} does not exist; known hubs: {known} (setting hubs.names, or hubs.create_on_start)"
    )]
    UnknownHub {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// There is no such instance.
    #[error("instance {0} does not exist")]
    NotFound(InstanceId),
    /// The instance has ended, so the verb has nothing to act on.
    #[error("instance {id} has already ended as {}", status.name())]
    AlreadyEnded {
        /// Which instance.
        id: InstanceId,
        /// How it ended.
        status: Status,
    },
    /// The id is taken by an instance that may not be replaced.
    #[error("instance {id} already exists and is {}", status.name())]
    AlreadyExists {
        /// The id asked for.
        id: InstanceId,
        /// The status of the instance that holds it.
        status: Status,
    },
    /// Another request had this idempotency key.
    #[error(
        "Idempotency-Key {key:?} belongs to a request for something else; a key may be sent again with the same request only"
    )]
    KeyReused {
        /// The key.
        key: String,
    },
    /// What the verb was to act on was purged, replaced or restarted by somebody else at the same moment.
    #[error("cannot {verb} instance {id}: somebody else has purged, replaced or restarted it in this moment")]
    Overtaken {
        /// What was asked for.
        verb: &'static str,
        /// Which instance.
        id: InstanceId,
    },
    /// The verb does not apply to an instance in this status.
    #[error("cannot {verb} instance {id}: it is {}", status.name())]
    WrongState {
        /// What was asked for (`suspend`, `purge`...).
        verb: &'static str,
        /// Which instance.
        id: InstanceId,
        /// The status it is in.
        status: Status,
    },
    /// Storage refused or failed; see the source.
    #[error("storage is not answering as it should")]
    Store(#[from] store::Error),
}

impl From<IdError> for Error {
    fn from(error: IdError) -> Self {
        Self::Invalid(error.to_string())
    }
}
