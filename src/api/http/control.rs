//! `POST instances/{instanceId}/terminate`, `/suspend`, `/resume`, `/rewind`, and `DELETE instances/{instanceId}`: no body, one verb each.

use super::{Call, Error, answer};
use crate::{
    manager,
    model::{InstanceId, Short},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

/// Ends the instance; `reason` becomes its output. Its sub-orchestrations go on, unless `recursive` says that they end, too.
pub async fn terminate(call: &Call, id: String) -> Result<Response, Error> {
    let recursive = recursive(call)?;
    call.api.manager.terminate(call.hub()?, &InstanceId::lookup(id), reason(call), recursive).await?;
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
        let hub = call.find_hub()?;
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

/// Removes an ended instance, with the ended sub-orchestrations below it if `recursive` says so; 412 while it lives.
pub async fn purge(call: &Call, id: String) -> Result<Response, Error> {
    let (hub, id, manager) = (call.hub()?, InstanceId::lookup(id), &call.api.manager);
    let purged = match recursive(call)? && !id.is_entity() {
        true => manager.purge_tree(hub, &id).await.map(|deleted| u64::try_from(deleted).unwrap_or(u64::MAX)),
        false => manager.purge(hub, &id).await.map(|()| 1),
    };
    match purged {
        Ok(instances_deleted) => Ok(answer::json(StatusCode::OK, &PurgeResult { instances_deleted })),
        Err(live @ manager::Error::WrongState { .. }) => Err(Error::NotEnded(live.to_string())),
        Err(other) => Err(other.into()),
    }
}

/// durahub's own: `Invalid` unless it is a flag.
fn recursive(call: &Call) -> Result<bool, Error> {
    match (call.query.word("recursive"), call.query.flag("recursive")) {
        (Some(given), None) => {
            Err(Error::Invalid(format!("recursive must be true or false, not {:?}", Short(given))))
        }
        (_, flag) => Ok(flag.unwrap_or(false)),
    }
}

fn reason(call: &Call) -> Option<String> {
    call.query.text("reason").map(str::to_owned)
}
