//! `GET instances/{instanceId}`: the status of one instance.

use super::{
    Call, Error, answer,
    history::project,
    links,
    view::{Show, View},
    wait,
};
use crate::{
    manager::{self, Instance},
    model::{InstanceId, Status, StatusExt as _, pb::HistoryEvent},
};
use axum::{http::StatusCode, response::Response};

/// How soon a caller should look again while the instance lives.
const LOOK_AGAIN_SECS: u32 = 5;

/// 200 for an ended instance (500 for a failed one if that was asked for), 202 with the address to poll for a live one. A caller who
/// is ready to wait is answered when it has ended, or when patience runs out; in the same way.
pub async fn status(call: &Call, id: String) -> Result<Response, Error> {
    let patience = wait::patience(call)?;
    let manager = &call.api.manager;
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let show = Show::asked(&call.query);
    let waited = match patience {
        Some(patience) => {
            let found = wait::until_ended(call, hub, &id, patience, !show.history).await?;
            Some(found.ok_or_else(|| manager::Error::NotFound(id.clone()))?)
        }
        None => None,
    };
    let found = match (show.history, waited) {
        // Together, so that status and history are of one moment.
        (true, _) => {
            manager.get_with_history(hub, &id).await?.map(|(instance, history)| (instance, Some(history)))
        }
        (false, Some(instance)) => Some((instance, None)),
        (false, None) => manager.get(hub, &id, true).await?.map(|instance| (instance, None)),
    };
    let (instance, history) = found.ok_or(manager::Error::NotFound(id))?;
    let code = code(instance.record.status, call.query.flag("returnInternalServerErrorOnFailure"));
    let response = describe(&instance, history.as_deref(), show, code);
    let response = wait::acknowledged(patience, response);
    if code != StatusCode::ACCEPTED {
        return Ok(response);
    }
    let itself = links::itself(&call.api.settings, &call.uri, &call.headers);
    Ok(answer::pointing_to(&itself, LOOK_AGAIN_SECS, response))
}

/// The status code for an instance in this status; `failed_is_error`: answer 500 for a failed one.
pub fn code(status: Status, failed_is_error: Option<bool>) -> StatusCode {
    match status {
        Status::Failed if failed_is_error == Some(true) => StatusCode::INTERNAL_SERVER_ERROR,
        ended if ended.is_terminal() => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    }
}

/// The status object of `instance`, with its history if that was read.
pub fn describe(
    instance: &Instance,
    history: Option<&[HistoryEvent]>,
    show: Show,
    code: StatusCode,
) -> Response {
    // A pending instance has no history, only a start message.
    let events = history.filter(|_| instance.record.status != Status::Pending);
    let rows = events.map(|events| project(events, show));
    answer::json(code, &View::new(instance, show, rows))
}
