//! An instance as a table shows it.

use crate::{
    model::{FailureBrief, InstanceRecord, StatusExt as _, Tags, Timestamp},
    store::Found,
};
use serde::Serialize;

/// Most characters of a custom status.
const CUSTOM_STATUS_CHARS: usize = 200;

/// What there is to show of an instance without reading payloads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Narrow {
    pub instance_id: String,
    pub name: String,
    pub version: Option<String>,
    pub runtime_status: &'static str,
    pub created_time: String,
    pub last_updated_time: String,
    pub scheduled_start_time: Option<String>,
    pub completed_time: Option<String>,
    pub duration_ms: Option<i64>,
    pub parent_instance_id: Option<String>,
    pub tags: Tags,
}

/// The fields are sent in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    #[serde(flatten)]
    pub narrow: Narrow,
    /// On one line, shortened.
    pub custom_status: Option<String>,
    pub failure: Option<ShortFailure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_events: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_bytes: Option<i64>,
}

/// A failure where it is one of many.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShortFailure {
    pub error_type: String,
    /// The first line, shortened.
    pub message: String,
}

impl From<FailureBrief> for ShortFailure {
    fn from(FailureBrief { error_type, message }: FailureBrief) -> Self {
        Self { error_type, message }
    }
}

impl From<InstanceRecord> for Narrow {
    fn from(record: InstanceRecord) -> Self {
        let time = |time: Timestamp| time.to_string();
        Self {
            runtime_status: record.status.name(),
            created_time: time(record.created_at),
            last_updated_time: time(record.changed_at()),
            scheduled_start_time: record.scheduled_at.map(time),
            completed_time: record.completed_at.map(time),
            duration_ms: record.took().map(|micros| micros.div_euclid(1_000)),
            instance_id: record.id.to_string(),
            name: record.name.to_string(),
            version: record.version.map(|version| version.to_string()),
            parent_instance_id: record.parent.map(|parent| parent.id.to_string()),
            tags: record.tags,
        }
    }
}

impl From<Found> for Row {
    fn from(found: Found) -> Self {
        let Found { record, custom_status, failure, size } = found;
        Self {
            narrow: record.into(),
            custom_status: custom_status.as_deref().map(one_line),
            failure: failure.map(ShortFailure::from),
            history_events: size.map(|size| size.events),
            history_bytes: size.map(|size| size.bytes),
        }
    }
}

/// A text on one line, cut if it is long; of a JSON string what it says.
fn one_line(text: &str) -> String {
    let said = serde_json::from_str::<String>(text).ok();
    let words = said.as_deref().unwrap_or(text).split(char::is_whitespace).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CUSTOM_STATUS_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_status_is_one_short_line() {
        let long = "ü".repeat(201);
        for (text, line) in [
            ("\"half\\ndone\"", "half done".to_owned()),
            ("{\n  \"step\": 3\n}", "{ \"step\": 3 }".to_owned()),
            ("\"cut off", "\"cut off".to_owned()),
            ("", String::new()),
            (long.as_str(), format!("{}…", "ü".repeat(200))),
            (&long[..400], "ü".repeat(200)),
        ] {
            assert_eq!(one_line(text), line, "{text}");
        }
    }
}
