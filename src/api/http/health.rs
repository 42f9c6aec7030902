//! `/healthz` and `/readyz`, for whatever supervises the process. No key, no instance, no log line.

use super::{Api, answer};
use async_trait::async_trait;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;

/// Knows whether the server can do its work.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// What is missing, each in a few words for an operator (`storage does not answer`); nothing if the server is ready. Must
    /// answer within seconds.
    async fn missing(&self) -> Vec<String>;
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    missing: Vec<String>,
}

/// 200 as long as the process can answer at all.
pub async fn live() -> Response {
    answer::json(StatusCode::OK, &Health { status: "ok" })
}

/// 200 when requests and work are served, else 503 naming what is missing.
pub async fn ready(State(api): State<Api>) -> Response {
    let missing = api.readiness.missing().await;
    let ready = missing.is_empty();
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer::json(code, &Ready { ready, missing })
}
