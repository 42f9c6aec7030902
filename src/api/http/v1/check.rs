//! `/api/v1/check`: looking at everything that is stored.

use super::super::{Call, answer};
use crate::{
    manager::{Check, CheckState},
    store::Finding,
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// `none` if there was no check since the server started.
    state: &'static str,
    started_time: Option<String>,
    ended_time: Option<String>,
    instances: u64,
    /// `null` as long as they have not been counted.
    total: Option<u64>,
    found: u64,
    findings: Vec<Row>,
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    task_hub: Option<String>,
    instance_id: Option<String>,
    part: &'static str,
    problem: String,
}

/// 202 with the check that is under way.
pub fn start(call: &Call) -> Response {
    answer::json(StatusCode::ACCEPTED, &Body::from(call.api.manager.start_check()))
}

/// The latest check.
pub fn latest(call: &Call) -> Response {
    let latest = call.api.manager.latest_check().map(Body::from);
    answer::json(StatusCode::OK, &latest.unwrap_or(Body { state: "none", ..Body::default() }))
}

impl From<Check> for Body {
    fn from(check: Check) -> Self {
        let (state, error) = match check.state {
            CheckState::Running => ("running", None),
            CheckState::Completed => ("completed", None),
            CheckState::Failed(why) => ("failed", Some(why)),
        };
        Self {
            state,
            started_time: Some(check.started_at.to_string()),
            ended_time: check.ended_at.map(|at| at.to_string()),
            instances: check.instances,
            total: check.total,
            found: check.found,
            findings: check.findings.into_iter().map(Row::from).collect(),
            error,
        }
    }
}

impl From<Finding> for Row {
    fn from(Finding { hub, instance, part, problem }: Finding) -> Self {
        Self { task_hub: hub, instance_id: instance, part, problem }
    }
}
