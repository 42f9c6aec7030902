//! Hostile messages, as they arrive: framed, at the service with manager, dispatch and store behind it, without a network.

mod clients;
mod workers;

use super::{Sidecar, generated::task_hub_sidecar_service_server::TaskHubSidecarServiceServer};
use crate::{
    auth::Caller,
    clock::{Clock, SystemClock},
    config::Config,
    dispatch::{self, Dispatch, Offer, Seat, Serves, Waiters, WorkItem},
    fuzz::{self, messages},
    manager::{Hubs, Limits, Manager, Start},
    model::{HubId, HubName, InstanceId, pb},
    server::dispatch_settings,
    store::{
        Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
    workers::grpc,
};
use axum::http::Request;
use http_body_util::{BodyExt as _, Full};
use proptest::{prelude::*, test_runner::TestCaseError};
use prost::Message;
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Runtime, sync::mpsc::unbounded_channel};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};
use tower::ServiceExt as _;

/// How long an answer or an item may take; long, because it only matters when something is broken.
const PATIENCE: Duration = Duration::from_secs(120);
const PAYLOAD_BYTES: usize = 2_048;

/// A server with its store in memory.
struct Target {
    service: TaskHubSidecarServiceServer<Sidecar>,
    manager: Manager,
    dispatch: Dispatch,
    hub: HubId,
}

impl Drop for Target {
    /// Each case has one, and what goes on by itself would go on beside all that follow.
    fn drop(&mut self) {
        self.dispatch.stop();
    }
}

impl Target {
    async fn new() -> Self {
        let (effects, told) = unbounded_channel();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(SqliteOptions::memory(), effects).unwrap());
        let (waiters, clock) = (Arc::new(Waiters::default()), Arc::new(SystemClock));
        let hubs = Hubs::open(&*store, &[HubName::parse("default").unwrap()], false).await.unwrap();
        let hub = hubs.find(None).unwrap();
        let limits = Limits { payload_bytes: PAYLOAD_BYTES, idempotency: Duration::from_secs(60) };
        let clock: Arc<dyn Clock> = clock;
        let manager = Manager::new(store.clone(), waiters.clone(), clock.clone(), Arc::new(hubs), limits);
        let settings =
            dispatch::Settings { payload_bytes: PAYLOAD_BYTES, ..dispatch_settings(&Config::default()) };
        let dispatch = Dispatch::start(store, told, clock, waiters, settings);
        let places = grpc::Settings { max_turns: 9, max_activities: 9, max_batches: 9, ping: PATIENCE };
        let sidecar = Sidecar::new(manager.clone(), dispatch.clone(), places, CancellationToken::new());
        Self { service: TaskHubSidecarServiceServer::new(sidecar), manager, dispatch, hub }
    }

    async fn start(&self, id: &str) {
        let start = Start {
            name: "F".to_owned(),
            id: Some(id.to_owned()),
            input: Some("1".to_owned()),
            ..Start::default()
        };
        self.manager.start(self.hub, start).await.unwrap();
    }

    /// How a call ends, or `None` if it goes on: a wait, or a stream of work.
    async fn call(&self, rpc: &str, message: &[u8], patience: Duration) -> Option<Result<(), Status>> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let framed = [&[0], length.as_slice(), message].concat();
        let request =
            Request::post(format!("/TaskHubSidecarService/{rpc}")).header("content-type", "application/grpc");
        // As the door lets callers in where there are no keys.
        let request = request.extension(Caller::Anyone);
        let request = request.body(Body::new(Full::from(framed).map_err(|never| match never {}))).unwrap();
        let answer = async {
            let Ok(response) = self.service.clone().oneshot(request).await;
            let (head, body) = response.into_parts();
            let told = Status::from_header_map(&head.headers);
            match told {
                Some(status) => Err(status),
                None => {
                    let rest = body.collect().await?;
                    let told = rest.trailers().and_then(Status::from_header_map);
                    told.filter(|status| status.code() != Code::Ok).map_or(Ok(()), Err)
                }
            }
        };
        tokio::time::timeout(patience, answer).await.ok()
    }
}

/// Whether the bytes are a message of this kind; one that is comes back the same when it is written and read again.
type Reread = fn(&[u8]) -> Result<bool, TestCaseError>;

fn reread<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let Ok(message) = M::decode(bytes) else { return Ok(false) };
    let again = M::decode(message.encode_to_vec().as_slice());
    prop_assert!(again.as_ref() == Ok(&message), "{message:?} is read again as {again:?}");
    Ok(true)
}

/// What is not a message is told so (`Internal` is what the protocol has for it), and whatever a message says is no failure of the server.
fn is_fair(told: Option<&Result<(), Status>>, is_message: bool) -> Result<(), TestCaseError> {
    let Some(Err(status)) = told else {
        prop_assert!(is_message || told.is_none(), "taken, and no message");
        return Ok(());
    };
    let refusals = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::FailedPrecondition,
        Code::ResourceExhausted,
    ];
    let fair = if is_message { refusals.contains(&status.code()) } else { status.code() == Code::Internal };
    prop_assert!(fair && !status.message().is_empty(), "{status:?}");
    prop_assert!(status.message().len() < 4_096, "it repeats too much: {status:?}");
    Ok(())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
