//! `POST instances/{instanceId}/terminate`, `/suspend`, `/resume`, `/rewind`, and `DELETE instances/{instanceId}`: no body, one verb each.

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

/// Lets a failed instance go on from before its failures; 412 if it has not failed.
pub async fn rewind(call: &Call, id: String) -> Result<Response, Error> {
    let rewound = async {
        let hub = call.api.manager.hub(call.query.word("taskHub"))?;
        call.api.manager.rewind(hub, &InstanceId::lookup(id), reason(call)).await
    };
    match rewound.await {
        Ok(()) => Ok(answer::empty(StatusCode::ACCEPTED)),
        Err(missing @ (manager::Error::NotFound(_) | manager::Error::UnknownHub { .. })) => {
            Err(Error::NothingToRewind(missing.to_string()))
        }
        Err(state @ (manager::Error::WrongState { .. } | manager::Error::InSection { .. })) => {
            Err(Error::NotFailed(state.to_string()))
        }
        Err(other) => Err(other.into()),
    }
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
