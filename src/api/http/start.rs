//! `POST orchestrators/{functionName}/{instanceId?}`: starting an orchestration, and waiting for it if asked to.

use super::{
    Call, Error, answer, body,
    embed::Embedded,
    links::CheckStatus,
    retry, status, trace,
    view::Show,
    wait::{self, Patience},
};
use crate::{
    manager::{Instance, Reuse, Start, Started},
    model::{HubId, InstanceId, Short, Status, StatusSet},
};
use axum::{body::Body, http::StatusCode, response::Response};

/// How soon a caller should look at what it started.
const LOOK_AGAIN_SECS: u32 = 10;
/// What `connection` is called in links if the caller does not name one. There is only one store; the name is for show.
const DEFAULT_CONNECTION: &str = "Storage";

/// 202 with the links of the new instance; 200 with its output if the caller asked to wait and it completed meanwhile. Everything
/// is checked before anything is started.
pub async fn start(call: &Call, function: String, id: Option<String>, body: Body) -> Result<Response, Error> {
    let bytes = body::read(body, &call.api.settings).await?;
    let patience = wait::patience(call)?;
    let start = Start {
        name: function,
        id,
        input: body::json_text(&bytes)?,
        version: call.query.text("version").map(str::to_owned),
        trace: trace::context(&call.headers),
        reuse: reuse(call.query.text("onExisting"), call.api.settings.replaces_any_state)?,
        key: retry::key(&call.headers)?,
        ..Start::default()
    };
    let hub = call.hub_or_create().await?;
    let started = call.api.manager.start(hub, start).await?;
    accepted(call, hub, &started, patience).await
}

/// What is to become of a live instance under the same id: what `onExisting` says, else what the setting says. An ended one is replaced
/// in any case.
fn reuse(on_existing: Option<&str>, any_state: bool) -> Result<Reuse, Error> {
    let Some(word) = on_existing.map(str::trim) else { return Ok(Reuse { any_state, ..Reuse::default() }) };
    match word {
        _ if word.eq_ignore_ascii_case("reject") => Ok(Reuse::default()),
        _ if word.eq_ignore_ascii_case("return") => Ok(Reuse { ignore: StatusSet::LIVE, ..Reuse::default() }),
        other => {
            Err(Error::Invalid(format!("onExisting is {:?}; it must be reject or return", Short(other))))
        }
    }
}

/// Answers for an instance that has been started, by whatever verb: waits for its end if there is patience, tells where to find it
/// otherwise. 200 instead of 202 says that nothing was started because the instance was there already; only to callers who do not wait,
/// because for the others 200 means that it has ended.
pub async fn accepted(
    call: &Call,
    hub: HubId,
    started: &Started,
    patience: Option<Patience>,
) -> Result<Response, Error> {
    call.note(|trail| trail.made(started.id.as_str()));
    let ended = match patience {
        Some(patience) => outcome(call, hub, &started.id, patience).await,
        None => None,
    };
    let response = match ended {
        Some(ended) => answer_ended(call, &ended).await?,
        None if started.created || patience.is_some() => {
            pointer(call, hub, &started.id, StatusCode::ACCEPTED)
        }
        None => pointer(call, hub, &started.id, StatusCode::OK),
    };
    Ok(wait::acknowledged(patience, retry::marked(started, response)))
}

/// Where to find the instance.
fn pointer(call: &Call, hub: HubId, id: &InstanceId, code: StatusCode) -> Response {
    let connection = call.query.word("connection").or(call.query.word("connectionName"));
    let links = CheckStatus::new(
        &call.origin(),
        id.as_str(),
        &call.api.manager.hub_name(hub),
        connection.unwrap_or(DEFAULT_CONNECTION),
        call.code(hub, id).as_deref(),
    );
    answer::pointing_to(&links.status_query_get_uri, LOOK_AGAIN_SECS, answer::json(code, &links))
}

/// Waits for the end. `None` if it has not come in time, or if waiting fails: the start has been accepted and that is what counts.
async fn outcome(call: &Call, hub: HubId, id: &InstanceId, patience: Patience) -> Option<Instance> {
    wait::until_ended(call, hub, id, patience, true)
        .await
        .inspect_err(|error| tracing::warn!(%error, "an instance was started but waiting for it failed"))
        .ok()
        .flatten()
        .filter(Instance::has_ended)
}

/// The bare output of a completed instance, the status object of one that ended otherwise.
async fn answer_ended(call: &Call, ended: &Instance) -> Result<Response, Error> {
    let status = ended.record.status;
    if status == Status::Completed {
        return Ok(answer::json(StatusCode::OK, &Embedded(ended.payloads.output.as_deref())));
    }
    let code = status::code(status, call.query.flag("returnInternalServerErrorOnFailure"));
    let show = Show::asked(&call.query);
    let history = match show.history {
        true => Some(call.api.manager.history(ended.record.key).await?),
        false => None,
    };
    Ok(status::describe(ended, history.as_deref(), show, code))
}
