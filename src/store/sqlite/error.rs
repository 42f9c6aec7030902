//! What SQLite's result codes mean to the callers of a store.

use crate::store::Error;
use rusqlite::{Error as Sql, ErrorCode, ffi};

impl From<Sql> for Error {
    fn from(error: Sql) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                Sql::FromSqlConversionFailure(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::InvalidColumnType(..)
                | Sql::Utf8Error(..) => Self::Corrupt(error.to_string()),
                other => Self::Backend(Box::new(other)),
            };
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy(error.to_string()),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt(error.to_string()),
            // The reader that knows the budget puts it in.
            ErrorCode::OperationInterrupted => Self::OverBudget(0),
            ErrorCode::DiskFull | ErrorCode::ReadOnly => Self::Full(error.to_string()),
            // A write that failed was not made. A failed fsync is another matter: nobody can tell, so it stays Backend.
            ErrorCode::SystemIoFailure if extended(&error) == Some(ffi::SQLITE_IOERR_WRITE) => {
                Self::Full(error.to_string())
            }
            _ => Self::Backend(Box::new(error)),
        }
    }
}

fn extended(error: &Sql) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// The same error for one more caller of a group that failed as a whole.
pub fn again(error: &Error) -> Error {
    match error {
        Error::Fenced => Error::Fenced,
        Error::Busy(text) => Error::Busy(text.clone()),
        Error::OverBudget(ms) => Error::OverBudget(*ms),
        Error::Corrupt(text) => Error::Corrupt(text.clone()),
        Error::Refused(text) => Error::Refused(text.clone()),
        Error::Full(text) => Error::Full(text.clone()),
        Error::Closed => Error::Closed,
        Error::Backend(source) => Error::Backend(source.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: i32) -> Error {
        Sql::SqliteFailure(ffi::Error::new(code), None).into()
    }

    #[test]
    fn every_code_a_caller_can_act_upon_has_its_own_error() {
        assert!(matches!(code(ffi::SQLITE_FULL), Error::Full(_)));
        assert!(matches!(code(ffi::SQLITE_READONLY), Error::Full(_)));
        assert!(matches!(code(ffi::SQLITE_IOERR_WRITE), Error::Full(_)));
        assert!(matches!(code(ffi::SQLITE_BUSY), Error::Busy(_)));
        assert!(matches!(code(ffi::SQLITE_BUSY_SNAPSHOT), Error::Busy(_)));
        assert!(matches!(code(ffi::SQLITE_LOCKED), Error::Busy(_)));
        assert!(matches!(code(ffi::SQLITE_CORRUPT), Error::Corrupt(_)));
        assert!(matches!(code(ffi::SQLITE_NOTADB), Error::Corrupt(_)));
        assert!(matches!(code(ffi::SQLITE_INTERRUPT), Error::OverBudget(_)));
        assert!(matches!(code(ffi::SQLITE_MISUSE), Error::Backend(_)));
    }

    #[test]
    fn a_failed_fsync_leaves_it_open_whether_the_change_was_made() {
        assert!(matches!(code(ffi::SQLITE_IOERR_FSYNC), Error::Backend(_)));
    }
}
