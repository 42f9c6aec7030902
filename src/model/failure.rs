//! Failures that the server itself hands to user code.

use super::pb::TaskFailureDetails;

/// Error types the server makes, as user code sees them in `errorType`.
pub mod error_type {
    /// A sub-orchestration asked for an id that a live instance holds.
    pub const INSTANCE_EXISTS: &str = "OrchestrationAlreadyExistsError";
    /// A sub-orchestration asked for an id that is not valid.
    pub const INVALID_INSTANCE_ID: &str = "InvalidInstanceIdError";
    /// The sub-orchestration was terminated.
    pub const TERMINATED: &str = "OrchestrationTerminatedError";
    /// The sub-orchestration was cancelled.
    pub const CANCELED: &str = "OrchestrationCanceledError";
    /// A worker answered with something the protocol does not allow.
    pub const PROTOCOL_VIOLATION: &str = "ProtocolViolationError";
    /// A payload was larger than the configured limit.
    pub const PAYLOAD_TOO_LARGE: &str = "PayloadTooLargeError";
    /// The history has become larger than what a worker can receive.
    pub const HISTORY_TOO_LARGE: &str = "HistoryTooLargeError";
    /// The feature asked for is not part of this version.
    pub const NOT_SUPPORTED: &str = "NotSupportedError";
}

/// Failure details without stack trace or cause. `non_retriable` tells retry policies not to try again.
pub fn failure(error_type: &str, message: impl Into<String>, non_retriable: bool) -> TaskFailureDetails {
    TaskFailureDetails {
        error_type: error_type.to_owned(),
        error_message: message.into(),
        is_non_retriable: non_retriable,
        ..TaskFailureDetails::default()
    }
}
