//! `POST instances/{instanceId}/raiseEvent/{eventName}`.

use super::{
    Call, Error, answer, body,
    event_body::{self, Accepted},
    signature::{self, Verdict},
};
use crate::{
    manager,
    model::{HubId, InstanceId, StatusExt as _},
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};

/// 202 once the event is stored. A missing signature is told before anything else; then an instance that is unknown (404) or has
/// ended (410), before anything is said about the body.
pub async fn raise(call: &Call, id: String, event: String, body: Body) -> Result<Response, Error> {
    let manager = &call.api.manager;
    // Read first and judged later, so that the connection stays usable after an early refusal.
    let mut bytes = body::read(body, &call.api.settings).await;
    let hub = call.hub()?;
    if signature::is_asked(&call.api.settings.webhook_secrets, &manager.hub_name(hub)) {
        // What could not be read cannot be checked.
        bytes = Ok(signed(call, hub, bytes?)?);
    }
    let id = InstanceId::lookup(id);
    let status = match manager.get(hub, &id, false).await? {
        Some(instance) => instance.record.status,
        None => return Err(manager::Error::NotFound(id).into()),
    };
    if status.is_terminal() {
        return Err(manager::Error::AlreadyEnded { id, status }.into());
    }
    let accepted = call.query.word("contentType").and_then(Accepted::named);
    let accepted = accepted.unwrap_or(call.api.settings.events_accepted);
    let data = event_body::event_text(accepted, &call.headers, bytes)?;
    manager.raise_event(hub, &id, &event, Some(data)).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// The body, as it was received, if it is signed with a secret of the hub.
fn signed(call: &Call, hub: HubId, bytes: Bytes) -> Result<Bytes, Error> {
    let hub = call.api.manager.hub_name(hub);
    let (secrets, now) = (&call.api.settings.webhook_secrets, call.api.clock.now());
    match signature::verify(secrets, &hub, &call.headers, &bytes, now) {
        Verdict::Good | Verdict::NotAsked => Ok(bytes),
        Verdict::Refused(why) => Err(Error::Unsigned(why)),
    }
}
