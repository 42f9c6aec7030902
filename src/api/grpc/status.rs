//! Errors as gRPC statuses. UNAVAILABLE is the only code that SDKs repeat silently, DEADLINE_EXCEEDED is for waits only (facts:
//! gRPC protocol, section 1.4), so neither is used for anything else.

use crate::{dispatch::AnswerError, manager::Error, store};
use tonic::{Code, Status};

/// The status for a refused verb.
pub(super) fn of_manager(error: Error) -> Status {
    let code = match error {
        Error::Invalid(_) | Error::KeyReused { .. } => Code::InvalidArgument,
        Error::TooLarge { .. } | Error::Overloaded { .. } | Error::DiskLow { .. } => Code::ResourceExhausted,
        Error::UnknownHub { .. } | Error::NotFound(_) | Error::NoJob { .. } => Code::NotFound,
        Error::AlreadyExists { .. } => Code::AlreadyExists,
        Error::AlreadyEnded { .. }
        | Error::WrongState { .. }
        | Error::InSection { .. }
        | Error::NotParked(_)
        | Error::JobEnded { .. }
        | Error::JobRuns { .. }
        | Error::Crowded { .. }
        | Error::Overtaken { .. } => Code::FailedPrecondition,
        Error::Store(error) => return of_store(&error),
    };
    Status::new(code, error.to_string())
}

/// The status for an answer that was not taken.
pub(super) fn of_answer(error: &AnswerError) -> Status {
    match error {
        AnswerError::Store(error) => of_store(error),
        AnswerError::Closing => Status::unavailable(error.to_string()),
    }
}

fn of_store(error: &store::Error) -> Status {
    match error {
        store::Error::Fenced | store::Error::Busy(_) | store::Error::Closed => {
            Status::unavailable(error.to_string())
        }
        store::Error::OverBudget(_) => Status::resource_exhausted(error.to_string()),
        store::Error::Full(_) => Status::resource_exhausted(error.to_string()),
        store::Error::Corrupt(_) => Status::data_loss(error.to_string()),
        store::Error::Refused(_) | store::Error::Backend(_) => {
            tracing::error!(%error, source = ?std::error::Error::source(error), "storage failed");
            Status::internal("storage failed; see the server's log")
        }
    }
}
