//! `POST instances/{instanceId}/restart`: running an instance again, and waiting for it if asked to. `restartWithOptions` is the same;
//! clients that name an id or a version call that, so that a server which knows neither refuses.

use super::{Call, Error, retry, start, trace, wait};
use crate::{
    manager::{self, Restart, Under},
    model::InstanceId,
};
use axum::response::Response;

/// Starts it under a new id, which `newInstanceId` may choose, or under the same one for `restartWithNewInstanceId=false`; then answers
/// as a start does. An unknown instance is 400 and not 404, because clients know it so.
pub async fn restart(call: &Call, id: String) -> Result<Response, Error> {
    let patience = wait::patience(call)?;
    let restart = Restart {
        under: under(call)?,
        version: call.query.text("version").map(str::to_owned),
        ended_only: false,
        trace: trace::context(&call.headers),
        key: retry::key(&call.headers)?,
    };
    let hub = call.hub().map_err(unknown_is_invalid)?;
    let restarted = call.api.manager.restart(hub, &InstanceId::lookup(id), restart).await;
    let started = restarted.map_err(|error| unknown_is_invalid(error.into()))?;
    start::accepted(call, hub, &started, patience).await
}

fn under(call: &Call) -> Result<Under, Error> {
    let chosen = call.query.text("newInstanceId").filter(|id| !id.is_empty());
    match (chosen, call.query.flag("restartWithNewInstanceId").unwrap_or(true)) {
        (Some(chosen), true) => Ok(Under::Chosen(chosen.to_owned())),
        (None, true) => Ok(Under::MadeUp),
        (None, false) => Ok(Under::Same),
        (Some(_), false) => Err(Error::Invalid(
            "newInstanceId and restartWithNewInstanceId=false contradict each other: the id is either new or the same".to_owned(),
        )),
    }
}

fn unknown_is_invalid(error: Error) -> Error {
    match error {
        Error::Manager(unknown @ (manager::Error::NotFound(_) | manager::Error::UnknownHub { .. })) => {
            Error::Invalid(unknown.to_string())
        }
        other => other,
    }
}
