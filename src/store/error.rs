//! What can go wrong below the trait, sorted by what the caller can do about it.

use crate::model::CorruptHistory;

/// A failed store call. Unless said otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The instance has moved on since it was read: drop what is known of it and read again.
    #[error("the instance has changed in the meantime")]
    Fenced,
    /// Nothing was changed; the same call may be repeated.
    #[error("storage is busy: {0}")]
    Busy(String),
    /// A read took longer than its time budget and was stopped.
    #[error("the query took longer than {0} ms and was stopped; narrow it down")]
    OverBudget(u64),
    /// What is stored is not what was written.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// The data belongs to somebody else, or to another version. The text says whom and what to do.
    #[error("{0}")]
    Refused(String),
    /// The disk is full or the file cannot be written.
    #[error("storage is full or read-only: {0}")]
    Full(String),
    /// The store has been closed.
    #[error("storage is closed")]
    Closed,
    /// Anything else the backend reported. It is not known whether the change was made.
    #[error("storage failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<CorruptHistory> for Error {
    fn from(error: CorruptHistory) -> Self {
        Self::Corrupt(error.to_string())
    }
}
