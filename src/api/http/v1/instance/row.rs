//! The narrow part of an instance: all that a list could show without reading payloads.

use crate::model::{InstanceRecord, StatusExt as _, Tags, Timestamp};
use serde::Serialize;

/// Fields as a list has them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    instance_id: &'a str,
    name: &'a str,
    version: Option<&'a str>,
    runtime_status: &'static str,
    created_time: String,
    last_updated_time: String,
    scheduled_start_time: Option<String>,
    completed_time: Option<String>,
    /// Only of what has ended.
    duration_ms: Option<i64>,
    parent_instance_id: Option<&'a str>,
    tags: &'a Tags,
}

impl<'a> Row<'a> {
    /// Shows `record`.
    pub fn of(record: &'a InstanceRecord) -> Self {
        let text = |time: Timestamp| time.to_string();
        Self {
            instance_id: record.id.as_str(),
            name: &record.name,
            version: record.version.as_deref(),
            runtime_status: record.status.name(),
            created_time: text(record.created_at),
            last_updated_time: text(record.changed_at()),
            scheduled_start_time: record.scheduled_at.map(text),
            completed_time: record.completed_at.map(text),
            duration_ms: record.completed_at.map(|end| (end.0 - record.created_at.0).max(0) / 1_000),
            parent_instance_id: record.parent.as_ref().map(|parent| parent.id.as_str()),
            tags: &record.tags,
        }
    }
}
