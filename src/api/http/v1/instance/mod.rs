//! `GET /api/v1/instances/{id}` and what is below it: one instance as the dashboard shows it. Everything that may be large is
//! shortened here and handed out in full elsewhere.

mod event;
mod failure;
mod filter;
mod history;
mod payload;
mod tree;

pub use history::{event, history};
pub use payload::download;
pub use tree::tree;

use super::{
    super::{Call, Error, answer},
    row::Narrow,
};
use crate::{
    manager::{self, Instance},
    model::{InstanceId, InstanceKey, Payloads, pb::history_event::EventType},
    store::HistorySize,
};
use axum::{http::StatusCode, response::Response};
use event::{is_turn, name, time, type_name};
use failure::Failure;
use payload::Payload;
use serde::Serialize;

/// Most bytes of a payload that are shown with its instance.
const SHOWN_BYTES: usize = 256 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(flatten)]
    narrow: Narrow,
    execution_id: &'a str,
    input: Option<Payload<'a>>,
    output: Option<Payload<'a>>,
    custom_status: Option<Payload<'a>>,
    failure: Option<Failure<'a>>,
    history_events: i64,
    history_bytes: i64,
    trace_parent: Option<String>,
    /// But for what only opens and closes turns.
    last_event: Option<LastEvent>,
}

#[derive(Serialize)]
struct LastEvent {
    r#type: &'static str,
    name: Option<String>,
    time: Option<String>,
}

/// 404 if there is no such instance.
pub async fn instance(call: &Call, id: String) -> Result<Response, Error> {
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let found = call.api.manager.get(hub, &id, true).await?;
    let found = found.ok_or(manager::Error::NotFound(id))?;
    let Instance { record, payloads } = &found;
    let size = call.api.manager.history_size(record.key).await?;
    let (trace_parent, last_event) = ends(call, record.key, size).await?;
    let Payloads { input, output, custom_status, failure } = payloads;
    let shown = |text| Payload::of(text, SHOWN_BYTES);
    let body = Body {
        narrow: record.clone().into(),
        execution_id: &record.execution_id,
        input: input.as_deref().map(shown),
        output: output.as_deref().map(shown),
        custom_status: custom_status.as_deref().map(shown),
        failure: failure.as_ref().map(Failure),
        history_events: size.events,
        history_bytes: size.bytes,
        trace_parent,
        last_event,
    };
    Ok(answer::json(StatusCode::OK, &body))
}

/// What the first and the last event of the history say.
async fn ends(
    call: &Call,
    key: InstanceKey,
    size: HistorySize,
) -> Result<(Option<String>, Option<LastEvent>), Error> {
    let manager = &call.api.manager;
    // The turn is opened first, then the execution.
    let first = manager.history_events(key, 0..size.events.min(2)).await?;
    let trace_parent = first.into_iter().find_map(|event| match event.event_type {
        Some(EventType::ExecutionStarted(started)) => Some(started.parent_trace_context?.trace_parent),
        _ => None,
    });
    // What only opens and closes turns says little.
    let last = manager.history_events(key, size.events.saturating_sub(3).max(0)..size.events).await?;
    let last = last.into_iter().rev().find_map(|event| {
        let kind = event.event_type.as_ref().filter(|kind| !is_turn(kind))?;
        let name = name(kind).map(str::to_owned);
        Some(LastEvent { r#type: type_name(kind), name, time: time(event.timestamp.as_ref()) })
    });
    Ok((trace_parent.filter(|text| !text.is_empty()), last))
}
