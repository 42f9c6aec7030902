//! `GET /api/v1/events`: what changes, as it does, as server-sent events. A hint to look again, not a log: changes are told together, about
//! twice a second at most, and only by name; who was away looks for himself.

use super::super::{Call, Error};
use crate::{
    dispatch::{Changes, Watcher},
    model::{InstanceId, StatusExt as _},
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use serde::Serialize;
use std::{convert::Infallible, time::Duration};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

/// The least time between two messages about changes. What happens meanwhile is in the next one.
const BETWEEN: Duration = Duration::from_millis(500);
/// How long it may be silent, so that both sides notice when the other is gone.
const PING: Duration = Duration::from_secs(15);
/// How long a reader may take nothing before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Serialize)]
struct Told {
    instances: Vec<Row>,
    more: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    instance_id: String,
    /// Absent: it is gone.
    runtime_status: Option<&'static str>,
}

/// Begins with a ping, so that the caller knows from when on nothing is missed. 404 for a hub that does not exist, 503 if too many listen.
pub fn stream(call: &Call) -> Result<Response, Error> {
    let only = call.query.values("instanceId").map(InstanceId::lookup).collect();
    let watcher = call.api.manager.watch(call.hub()?, only).ok_or(Error::TooManyListen)?;
    // One message at most is on its way; what a slow reader has not taken collects in the watcher.
    let (tell, told) = mpsc::channel(1);
    tokio::spawn(run(watcher, tell, call.api.leaving.clone()));
    let body = Body::from_stream(ReceiverStream::new(told).map(Ok::<_, Infallible>));
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // nginx would collect the messages otherwise.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

/// Ends when the reader is gone, or takes nothing, or the server shuts down.
async fn run(watcher: Watcher, tell: mpsc::Sender<Bytes>, leaving: CancellationToken) {
    let mut message = ping();
    loop {
        let is_change = !message.starts_with(b"event: ping");
        tokio::select! {
            () = leaving.cancelled() => return,
            sent = tell.send_timeout(message, PATIENCE) => if sent.is_err() { return },
        }
        if is_change {
            tokio::select! {
                () = leaving.cancelled() => return,
                () = tell.closed() => return,
                () = tokio::time::sleep(BETWEEN) => {}
            }
        }
        message = tokio::select! {
            () = leaving.cancelled() => return,
            () = tell.closed() => return,
            changes = watcher.next() => changed(changes),
            () = tokio::time::sleep(PING) => ping(),
        };
    }
}

fn ping() -> Bytes {
    Bytes::from_static(b"event: ping\ndata: {}\n\n")
}

/// JSON has no line breaks of its own, so it is one line of data.
fn changed(Changes { instances, more }: Changes) -> Bytes {
    let row = |(id, status): (InstanceId, Option<crate::model::Status>)| Row {
        instance_id: id.to_string(),
        runtime_status: status.map(|status| status.name()),
    };
    let body = Told { instances: instances.into_iter().map(row).collect(), more };
    let data = serde_json::to_string(&body).unwrap_or_default();
    format!("event: changed\ndata: {data}\n\n").into()
}
