//! `POST orchestrators/{functionName}/{instanceId?}`: starting an orchestration, and waiting for it if asked to.

use super::{
    Call, Error, Query, answer, body, embed::Embedded, links::CheckStatus, status, trace, view::Show,
};
use crate::{
    manager::{Instance, Start, WaitFor},
    model::{HubId, InstanceId, Status, StatusExt as _},
};
use axum::{body::Body, http::StatusCode, response::Response};
use std::time::Duration;

/// How soon a caller should look at what it started.
const LOOK_AGAIN_SECS: u32 = 10;
/// What `connection` is called in links if the caller does not name one. There is only one store; the name is for show.
const DEFAULT_CONNECTION: &str = "Storage";

/// 202 with the links of the new instance; 200 with its output if `timeout` asked to wait and it completed meanwhile. Everything
/// is checked before anything is started.
pub async fn start(call: &Call, function: String, id: Option<String>, body: Body) -> Result<Response, Error> {
    let bytes = body::read(body, call.api.settings.body_limit_bytes).await?;
    let patience = patience(call)?;
    let start = Start {
        name: function,
        id,
        input: body::json_text(&bytes)?,
        version: call.query.text("version").map(str::to_owned),
        trace: trace::context(&call.headers),
        ..Start::default()
    };
    let hub = call.hub_for_start().await?;
    let id = call.api.manager.start(hub, start).await?.id;
    accepted(call, hub, &id, patience).await
}

/// Answers for an instance that has just been started, by whatever verb: waits for its end if there is `patience`, tells where
/// to find it otherwise.
pub async fn accepted(
    call: &Call,
    hub: HubId,
    id: &InstanceId,
    patience: Option<Duration>,
) -> Result<Response, Error> {
    if let Some(patience) = patience
        && let Some(ended) = outcome(call, hub, id, patience).await
    {
        return answer_ended(call, &ended).await;
    }
    let connection = call.query.word("connection").or(call.query.word("connectionName"));
    let links = CheckStatus::new(
        &call.origin(),
        id.as_str(),
        &call.api.manager.hub_name(hub),
        connection.unwrap_or(DEFAULT_CONNECTION),
        call.code(hub, id).as_deref(),
    );
    let response = answer::json(StatusCode::ACCEPTED, &links);
    Ok(answer::pointing_to(&links.status_query_get_uri, LOOK_AGAIN_SECS, response))
}

/// How long to wait for the end, if `timeout` asks for that. `pollingInterval` has no effect, because nothing is polled; but one
/// that is longer than `timeout` is a mistake worth telling.
pub fn patience(call: &Call) -> Result<Option<Duration>, Error> {
    patience_of(&call.query, call.api.settings.wait_cap)
}

fn patience_of(query: &Query, cap: Duration) -> Result<Option<Duration>, Error> {
    let Some(timeout) = query.seconds("timeout") else { return Ok(None) };
    match query.seconds("pollingInterval") {
        Some(interval) if interval > timeout => Err(Error::Invalid(format!(
            "pollingInterval ({interval} s) must not be longer than timeout ({timeout} s)"
        ))),
        _ if timeout <= 0.0 => Ok(Some(Duration::ZERO)),
        _ => Ok(Some(Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX).min(cap))),
    }
}

/// Waits for the end. `None` if patience runs out, if the server shuts down, or if waiting fails: the start has been accepted and
/// that is what counts.
async fn outcome(call: &Call, hub: HubId, id: &InstanceId, patience: Duration) -> Option<Instance> {
    let manager = &call.api.manager;
    let found = tokio::select! {
        found = manager.wait(hub, id, WaitFor::End, true) => found,
        // One last look, so that a timeout of 0 is one look and not none.
        () = tokio::time::sleep(patience) => manager.get(hub, id, true).await,
        () = call.api.leaving.cancelled() => manager.get(hub, id, true).await,
    };
    found
        .inspect_err(|error| tracing::warn!(%error, "an instance was started but waiting for it failed"))
        .ok()
        .flatten()
        .filter(|instance| instance.record.status.is_terminal())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_needs_only_a_timeout_and_is_capped() {
        let cap = Duration::from_secs(230);
        for (query, expected) in [
            ("", Some(None)),
            ("pollingInterval=5", Some(None)),
            ("timeout=soon", Some(None)),
            ("timeout=nan", Some(None)),
            ("timeout=1.5", Some(Some(Duration::from_millis(1500)))),
            ("timeout=10&pollingInterval=1", Some(Some(Duration::from_secs(10)))),
            ("timeout=10&pollingInterval=10", Some(Some(Duration::from_secs(10)))),
            ("timeout=0&pollingInterval=0", Some(Some(Duration::ZERO))),
            ("timeout=-5", Some(Some(Duration::ZERO))),
            ("timeout=1e300", Some(Some(cap))),
            ("timeout=infinity", Some(Some(cap))),
            ("timeout=1&pollingInterval=2", None),
        ] {
            assert_eq!(patience_of(&Query::parse(query), cap).ok(), expected, "{query}");
        }
    }
}
