//! Payloads: shortened where they are shown, whole as a download.

use super::super::super::{Call, Error};
use crate::{manager, model::InstanceId};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

/// The beginning of a text.
#[derive(Serialize)]
pub struct Payload<'a> {
    /// How long all of it is.
    bytes: usize,
    text: &'a str,
    /// `text` is all of it.
    whole: bool,
}

impl<'a> Payload<'a> {
    /// No more than `limit` bytes of `text`, cut between characters.
    pub fn of(text: &'a str, limit: usize) -> Self {
        let end = text.floor_char_boundary(limit);
        Self { bytes: text.len(), text: &text[..end], whole: end == text.len() }
    }
}

/// `GET payloads/{part}`: the bytes of `input`, `output` or `customStatus`. 404 if there is no such instance, or it has none.
pub async fn download(call: &Call, id: String, part: &str) -> Result<Response, Error> {
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let found = call.api.manager.get(hub, &id, true).await?;
    let payloads = found.ok_or(manager::Error::NotFound(id))?.payloads;
    let text = match part {
        "input" => payloads.input,
        "output" => payloads.output,
        "customStatus" => payloads.custom_status,
        _ => None,
    };
    let text = text.ok_or(Error::NoRoute)?;
    // Never shown by a browser in this place, whatever is in it.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((StatusCode::OK, headers, Body::from(text)).into_response())
}
