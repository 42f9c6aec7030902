//! `GET /api/v1/failures`: what has failed, sorted by what went wrong.

use super::super::{Call, Error, answer, filter};
use crate::manager::{self, FAILURE_PARTS as PARTS, FailureGroup, Failures};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    groups: Vec<Row>,
    looked_at: usize,
    more: bool,
    /// What `times` of the groups cut into parts.
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    error_type: String,
    message: String,
    count: usize,
    first_time: String,
    last_time: String,
    example_instance_id: String,
    times: [u32; PARTS],
}

/// The filters are those of a list.
pub async fn failures(call: &Call) -> Result<Response, Error> {
    let filter = filter::asked(&call.query)?;
    let failures = match call.hub() {
        Ok(hub) => call.api.manager.failures(hub, filter).await?,
        // An unknown hub reads as an empty one.
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => Failures::default(),
        Err(other) => return Err(other),
    };
    let Failures { groups, looked_at, more, span } = failures;
    let groups = groups.into_iter().map(Row::from).collect();
    let (from, to) = span.map(|(from, to)| (from.to_string(), to.to_string())).unzip();
    Ok(answer::json(StatusCode::OK, &Body { groups, looked_at, more, from, to }))
}

impl From<FailureGroup> for Row {
    fn from(group: FailureGroup) -> Self {
        Self {
            name: group.name,
            error_type: group.error_type,
            message: group.message,
            count: group.count,
            first_time: group.first.to_string(),
            last_time: group.last.to_string(),
            example_instance_id: group.example.to_string(),
            times: group.times,
        }
    }
}
