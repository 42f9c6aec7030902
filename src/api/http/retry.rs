//! `Idempotency-Key`: starts and restarts that may be sent again when their answer was lost.

use super::Error;
use crate::manager::{IdempotencyKey, Started};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of this request, if it has one.
pub fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Error> {
    let mut given = headers.get_all(KEY).iter();
    let Some(key) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(Error::Invalid("Idempotency-Key must be given once".to_owned()));
    }
    // What is not text is not visible ASCII, and is told so.
    Ok(Some(IdempotencyKey::parse(&String::from_utf8_lossy(key.as_bytes()))?))
}

/// Says in `response` that the request had been answered before, if it had.
pub fn marked(started: &Started, mut response: Response) -> Response {
    if started.repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
