//! `POST instances/{instanceId}/terminate`, `/suspend`, `/resume`, and `DELETE instances/{instanceId}`: no body, one verb each.

use super::{Call, Error, answer};
use crate::{manager, model::InstanceId};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

/// Ends the instance; `reason` becomes its output. Its sub-orchestrations go on.
pub async fn terminate(call: &Call, id: String) -> Result<Response, Error> {
    call.api.manager.terminate(call.hub()?, &InstanceId::lookup(id), reason(call), false).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// Pauses the instance; 409 if it is suspended already.
pub async fn suspend(call: &Call, id: String) -> Result<Response, Error> {
    call.api.manager.suspend(call.hub()?, &InstanceId::lookup(id), reason(call)).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// Lets a suspended instance go on; 409 if it is not suspended.
pub async fn resume(call: &Call, id: String) -> Result<Response, Error> {
    call.api.manager.resume(call.hub()?, &InstanceId::lookup(id), reason(call)).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// What a purge answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PurgeResult {
    pub instances_deleted: u64,
}

/// Removes an ended instance; 412 while it lives.
pub async fn purge(call: &Call, id: String) -> Result<Response, Error> {
    match call.api.manager.purge(call.hub()?, &InstanceId::lookup(id)).await {
        Ok(()) => Ok(answer::json(StatusCode::OK, &PurgeResult { instances_deleted: 1 })),
        Err(live @ manager::Error::WrongState { .. }) => Err(Error::NotEnded(live.to_string())),
        Err(other) => Err(other.into()),
    }
}

fn reason(call: &Call) -> Option<String> {
    call.query.text("reason").map(str::to_owned)
}
