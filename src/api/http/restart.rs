//! `POST instances/{instanceId}/restart`: running an instance again, and waiting for it if asked to.

use super::{Call, Error, start, trace};
use crate::{
    manager::{self, Restart},
    model::InstanceId,
};
use axum::response::Response;

/// Starts it under a new id, or under the same one for `restartWithNewInstanceId=false`; then answers as a start does. An unknown
/// instance is 400 and not 404, because clients know it so.
pub async fn restart(call: &Call, id: String) -> Result<Response, Error> {
    let patience = start::patience(call)?;
    let restart = Restart {
        new_instance_id: call.query.flag("restartWithNewInstanceId") != Some(false),
        ended_only: false,
        trace: trace::context(&call.headers),
    };
    let hub = call.hub().map_err(unknown_is_invalid)?;
    let restarted = call.api.manager.restart(hub, &InstanceId::lookup(id), restart).await;
    let id = restarted.map_err(|error| unknown_is_invalid(error.into()))?;
    start::accepted(call, hub, &id, patience).await
}

fn unknown_is_invalid(error: Error) -> Error {
    match error {
        Error::Manager(unknown @ (manager::Error::NotFound(_) | manager::Error::UnknownHub { .. })) => {
            Error::Invalid(unknown.to_string())
        }
        other => other,
    }
}
