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

/// JSON has no line breaks of its own, so it is one line of data. Text can always be written.
fn changed(Changes { instances, more }: Changes) -> Bytes {
    let row = |(id, status): (InstanceId, Option<crate::model::Status>)| Row {
        instance_id: id.to_string(),
        runtime_status: status.map(|status| status.name()),
    };
    let body = Told { instances: instances.into_iter().map(row).collect(), more };
    let data = serde_json::to_string(&body).unwrap_or_default();
    format!("event: changed\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dispatch::Waiters,
        model::{HubId, Status},
    };
    use std::{collections::HashSet, sync::Arc};
    use tokio::time::Instant;

    struct Open {
        waiters: Arc<Waiters>,
        told: mpsc::Receiver<Bytes>,
        leaving: CancellationToken,
    }

    impl Open {
        async fn new() -> Self {
            let waiters = Arc::new(Waiters::default());
            let watcher = waiters.watch(HubId(1), HashSet::new()).unwrap();
            let (tell, told) = mpsc::channel(1);
            let leaving = CancellationToken::new();
            tokio::spawn(run(watcher, tell, leaving.clone()));
            let mut open = Self { waiters, told, leaving };
            assert_eq!(open.told.recv().await.unwrap(), ping());
            open
        }

        fn change(&self, id: &str) {
            self.waiters.tell(HubId(1), &InstanceId::lookup(id), Some(Status::Running));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_stream_pings() {
        let mut open = Open::new().await;
        for _ in 0..3 {
            let begin = Instant::now();
            assert_eq!(open.told.recv().await.unwrap(), ping());
            assert_eq!(begin.elapsed(), PING);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_soon_after_a_message_is_in_the_next_one() {
        let mut open = Open::new().await;
        open.change("a");
        let first = open.told.recv().await.unwrap();
        let data = r#"{"instances":[{"instanceId":"a","runtimeStatus":"Running"}],"more":false}"#;
        assert_eq!(first, format!("event: changed\ndata: {data}\n\n"));
        let begin = Instant::now();
        for _ in 0..10 {
            open.change("b");
            tokio::time::sleep(BETWEEN / 20).await;
        }
        let second = open.told.recv().await.unwrap();
        assert_eq!(begin.elapsed(), BETWEEN);
        assert_eq!(second, format!("event: changed\ndata: {}\n\n", data.replace("\"a\"", "\"b\"")));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_server_and_with_a_reader_who_takes_nothing() {
        let mut open = Open::new().await;
        open.leaving.cancel();
        assert_eq!(open.told.recv().await, None);

        let mut open = Open::new().await;
        open.change("a");
        let begin = Instant::now();
        while open.waiters.watching() > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        assert!((PATIENCE..PATIENCE + 2 * PING).contains(&begin.elapsed()), "{:?}", begin.elapsed());
        assert!(open.told.recv().await.unwrap().starts_with(b"event: changed"));
        assert_eq!(open.told.recv().await, None);
    }
}
