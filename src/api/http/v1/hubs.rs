//! `GET /api/v1/hubs`: the task hubs there are.

use super::super::{Call, answer};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    /// What is meant if a request names none.
    default: bool,
}

/// All of them, the default hub first.
pub fn hubs(call: &Call) -> Response {
    let names = call.api.manager.hub_names();
    let rows: Vec<_> =
        names.into_iter().enumerate().map(|(place, name)| Row { name, default: place == 0 }).collect();
    answer::json(StatusCode::OK, &rows)
}
