//! Why something failed.

use super::super::super::history::Properties;
use crate::model::pb::TaskFailureDetails;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// All that is known of a failure, with what lies beneath.
pub struct Failure<'a>(pub &'a TaskFailureDetails);

impl Serialize for Failure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = self.0;
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("errorType", &details.error_type)?;
        map.serialize_entry("message", &details.error_message)?;
        map.serialize_entry("stackTrace", &details.stack_trace)?;
        map.serialize_entry("innerFailure", &details.inner_failure.as_deref().map(Failure))?;
        map.serialize_entry("isNonRetriable", &details.is_non_retriable)?;
        map.serialize_entry("properties", &Properties(&details.properties))?;
        map.end()
    }
}
