//! `POST instances/{instanceId}/raiseEvent/{eventName}`.

use super::{Call, Error, answer, body};
use crate::{
    manager,
    model::{InstanceId, StatusExt as _},
};
use axum::{body::Body, http::StatusCode, response::Response};

/// 202 once the event is stored. An instance that is unknown (404) or has ended (410) is told before anything is said about the
/// body.
pub async fn raise(call: &Call, id: String, event: String, body: Body) -> Result<Response, Error> {
    let manager = &call.api.manager;
    // Read first and judged later, so that the connection stays usable after an early refusal.
    let bytes = body::read(body, call.api.settings.body_limit_bytes).await;
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let status = match manager.get(hub, &id, false).await? {
        Some(instance) => instance.record.status,
        None => return Err(manager::Error::NotFound(id).into()),
    };
    if status.is_terminal() {
        return Err(manager::Error::AlreadyEnded { id, status }.into());
    }
    body::check_declared_json(&call.headers)?;
    // The JavaScript client sends an empty body when it is given no data.
    let data = body::json_text(&bytes?)?.unwrap_or_else(|| "null".to_owned());
    manager.raise_event(hub, &id, &event, Some(data)).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}
