//! `GET instances/{instanceId}`: the status of one instance, with its history or one from before a rewind.

use super::{
    Call, Error, answer,
    history::{Page, PageAsked, project},
    links,
    view::{Show, View},
    wait,
};
use crate::{
    manager::{self, Instance},
    model::{HubId, InstanceId, Status, StatusExt as _, pb::HistoryEvent},
};
use axum::{
    http::{HeaderName, StatusCode},
    response::Response,
};

/// How soon a caller should look again while the instance lives.
const LOOK_AGAIN_SECS: u32 = 5;
/// What to give as `historyAfter` for the next page of the history.
const HISTORY_NEXT: HeaderName = HeaderName::from_static("x-durahub-history-next");

/// 200 for an ended instance (500 for a failed one if that was asked for), 202 with the address to poll for a live one. A caller who
/// is ready to wait is answered when it has ended, or when patience runs out; in the same way.
pub async fn status(call: &Call, id: String) -> Result<Response, Error> {
    let patience = wait::patience(call)?;
    let manager = &call.api.manager;
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let show = Show::asked(&call.query);
    let (page, revision) = (PageAsked::asked(&call.query, show)?, call.query.number("historyRevision"));
    if page.is_some() && revision.is_some() {
        return Err(Error::Invalid(
            "historyRevision gives a whole history: historyTop and historyAfter do not go with it".to_owned(),
        ));
    }
    let waited = match patience {
        Some(patience) => {
            let found = wait::until_ended(call, hub, &id, patience, !show.history).await?;
            Some(found.ok_or_else(|| manager::Error::NotFound(id.clone()))?)
        }
        None => None,
    };
    if let Some(page) = page {
        let response = with_page(call, hub, id, show, page).await?;
        return Ok(wait::acknowledged(patience, response));
    }
    let found = match (show.history, revision, waited) {
        (true, Some(revision), _) => {
            let found = manager.get_with_revision(hub, &id, i64::from(revision)).await?;
            let (instance, history) = found.ok_or(Error::NoRevision)?;
            Some((instance, Some(history)))
        }
        // Together, so that status and history are of one moment.
        (true, None, _) => {
            manager.get_with_history(hub, &id).await?.map(|(instance, history)| (instance, Some(history)))
        }
        (false, _, Some(instance)) => Some((instance, None)),
        (false, _, None) => manager.get(hub, &id, true).await?.map(|instance| (instance, None)),
    };
    let (instance, history) = found.ok_or(manager::Error::NotFound(id))?;
    let code = code(instance.record.status, call.query.flag("returnInternalServerErrorOnFailure"));
    let response = describe(&instance, history.as_deref(), show, code);
    Ok(look_again(call, hub, &instance.record.id, code, wait::acknowledged(patience, response)))
}

/// The same with a page of the history instead of all of it.
async fn with_page(
    call: &Call,
    hub: HubId,
    id: InstanceId,
    show: Show,
    asked: PageAsked,
) -> Result<Response, Error> {
    let manager = &call.api.manager;
    let (instance, page) = loop {
        let found = manager.get(hub, &id, true).await?;
        let instance = found.ok_or_else(|| manager::Error::NotFound(id.clone()))?;
        let page = Page::read(manager, instance.record.key, asked).await;
        // Every commit raises the turn number, so an equal one means that the page is of the same moment.
        let now = manager.get(hub, &id, false).await?;
        let moment = |found: &Instance| (found.record.key, found.record.turn);
        if now.is_some_and(|now| moment(&now) == moment(&instance)) {
            break (instance, page?);
        }
    };
    let rows = (instance.record.status != Status::Pending).then(|| page.rows(show));
    let code = code(instance.record.status, call.query.flag("returnInternalServerErrorOnFailure"));
    let mut response = answer::json(code, &View::new(&instance, show, rows));
    if let Some(next) = page.next {
        response.headers_mut().insert(HISTORY_NEXT, next.into());
        let next = next.to_string();
        response = links::to_next(&call.itself(hub, &id), &[("historyAfter", &next)], response);
    }
    Ok(look_again(call, hub, &id, code, response))
}

/// Tells a caller whose instance has not ended where and when to look again.
fn look_again(call: &Call, hub: HubId, id: &InstanceId, code: StatusCode, response: Response) -> Response {
    if code != StatusCode::ACCEPTED {
        return response;
    }
    answer::pointing_to(&call.itself(hub, id), LOOK_AGAIN_SECS, response)
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
