//! The few shapes an answer can have.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

/// Every body this API sends is JSON in UTF-8.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer without a body: no content type, length 0.
pub fn empty(status: StatusCode) -> Response {
    status.into_response()
}

/// An answer with a compact JSON body.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, JSON)], Body::from(bytes)).into_response(),
        Err(error) => {
            // Not reachable with the types of this room: none has map keys that are not text.
            tracing::error!(%error, "an answer could not be written as JSON");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// `response` with `Location` and, in seconds, `Retry-After`.
pub fn pointing_to(location: &str, retry_after_secs: u32, mut response: Response) -> Response {
    let headers = response.headers_mut();
    // Bytes, because a request target may hold raw UTF-8. A target with control characters never gets this far.
    if let Ok(location) = HeaderValue::from_bytes(location.as_bytes()) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::RETRY_AFTER, retry_after_secs.into());
    response
}
