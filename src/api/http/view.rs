//! The instance status object: an instance as HTTP callers see it.

use super::{Query, embed::Embedded, history::Row};
use crate::{
    manager::Instance,
    model::{Status, StatusExt as _, Timestamp},
};
use serde::{Serialize, Serializer};

/// What a caller wants to see besides the essentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Show {
    /// Inputs, here and in history rows.
    pub input: bool,
    /// `historyEvents`.
    pub history: bool,
    /// `Result` in history rows.
    pub history_output: bool,
}

impl Show {
    /// Reads `showInput` (default true), `showHistory` and `showHistoryOutput` (default false).
    pub fn asked(query: &Query) -> Self {
        Self {
            input: query.flag("showInput").unwrap_or(true),
            history: query.flag("showHistory").unwrap_or(false),
            history_output: query.flag("showHistoryOutput").unwrap_or(false),
        }
    }
}

/// The status object. The fields are sent in this order, and those without a value as `null` (but see `version` and
/// `history_events`, which are left out).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View<'a> {
    name: &'a str,
    instance_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    runtime_status: &'static str,
    input: Embedded<'a>,
    custom_status: Embedded<'a>,
    output: Output<'a>,
    created_time: String,
    last_updated_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    history_events: Option<Vec<Row<'a>>>,
}

impl<'a> View<'a> {
    /// Shows `instance`, which must have been read with payloads. `history`: the rows, if they are wanted and there are any.
    pub fn new(instance: &'a Instance, show: Show, history: Option<Vec<Row<'a>>>) -> Self {
        let Instance { record, payloads } = instance;
        Self {
            name: &record.name,
            instance_id: record.id.as_str(),
            version: record.version.as_deref(),
            runtime_status: record.status.name(),
            input: Embedded(payloads.input.as_deref().filter(|_| show.input)),
            custom_status: Embedded(payloads.custom_status.as_deref()),
            output: output(instance),
            created_time: seconds(record.created_at),
            last_updated_time: seconds(record.updated_at),
            history_events: history,
        }
    }
}

/// What an instance leaves behind.
#[derive(Debug)]
enum Output<'a> {
    Stored(Embedded<'a>),
    /// An error text: always a string, even if it looks like JSON.
    Error(&'a str),
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Output::Stored(text) => text.serialize(serializer),
            Output::Error(text) => serializer.serialize_str(text),
        }
    }
}

/// Nothing before the end; the failure's text if a failed instance has no output of its own.
fn output(instance: &Instance) -> Output<'_> {
    let Instance { record, payloads } = instance;
    match (record.status, &payloads.output, &payloads.failure) {
        (Status::Failed, None, Some(failure)) if failure.error_message.is_empty() => {
            Output::Error(&failure.error_type)
        }
        (Status::Failed, None, Some(failure)) => Output::Error(&failure.error_message),
        (status, output, _) => Output::Stored(Embedded(output.as_deref().filter(|_| status.is_terminal()))),
    }
}

/// A time in whole seconds, the fraction cut off.
fn seconds(time: Timestamp) -> String {
    Timestamp(time.0.div_euclid(1_000_000) * 1_000_000).to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
