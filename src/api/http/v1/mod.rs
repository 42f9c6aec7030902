//! `/api/v1`: what durahub answers beyond the Durable Functions API. Ordinary routes with ordinary rules: path segments are
//! percent-encoded, names match as they are written.

mod revisions;

use super::Api;
use axum::{Router, routing::get};

/// The routes below `/api/v1`.
pub fn routes() -> Router<Api> {
    Router::new().route("/api/v1/instances/{id}/revisions", get(revisions::list))
}
