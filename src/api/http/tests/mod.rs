//! The routes over the real manager and a store in memory. Requests are made as a client makes them, answers are looked at as a
//! client sees them.

mod contract;
mod control;
mod dashboard;
mod entities;
mod existing;
mod fuzz;
mod history_pages;
mod input;
mod instance;
mod keys;
mod list;
mod mounts;
mod restart;
mod retry;
mod rewind;
mod search;
mod start;
mod status;
mod store;
mod waiting;

use super::{Api, HttpSettings, Meters, Readiness, WEBHOOK_BASE, router};
use crate::{
    api::{Auditor, Peer},
    audit::Audit,
    auth::Gate,
    clock::Clock,
    dispatch::{Insight, InstanceView, Kind, QueueView, Standing, Tally, Waiters, Watch, WorkerView},
    manager::{Hubs, Limits, Manager},
    model::{HubId, HubName, InstanceKey, Status, Timestamp},
    store::Store,
};
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use http_body_util::BodyExt as _;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::MemoryStore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// 2026-01-02T03:04:05.999999Z, so that a time that is rounded instead of cut shows.
const BEGIN: Timestamp = Timestamp(1_767_323_045_999_999);
const BODY_LIMIT: usize = 4096;
const PAYLOAD_LIMIT: usize = 1024;

/// The four statuses of a live instance, and those of an ended one.
const LIVE: [Status; 4] = [Status::Pending, Status::Running, Status::Suspended, Status::ContinuedAsNew];
const ENDED: [Status; 4] = [Status::Completed, Status::Failed, Status::Terminated, Status::Canceled];

struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Says what it is told to say; panics when told `panic`.
#[derive(Default)]
struct Probe(Mutex<Vec<String>>);

#[async_trait]
impl Readiness for Probe {
    async fn missing(&self) -> Vec<String> {
        let missing = self.0.lock().unwrap().clone();
        assert!(!missing.contains(&"panic".to_owned()), "told to panic");
        missing
    }
}

/// A dispatch that has no workers and no work.
struct NothingGoesOn;

impl Insight for NothingGoesOn {
    fn workers(&self) -> Vec<WorkerView> {
        Vec::new()
    }

    fn queues(&self) -> Vec<QueueView> {
        Vec::new()
    }

    fn instance(&self, _: InstanceKey) -> InstanceView {
        InstanceView::default()
    }

    fn behind(&self, _: HubId, _: Kind, _: &str, _: Option<&str>) -> Option<Standing> {
        None
    }

    fn watch(&self) -> Watch {
        Watch::default()
    }

    fn tally(&self) -> Tally {
        Tally::default()
    }
}

/// A server without sockets.
struct World<S = MemoryStore> {
    store: Arc<S>,
    clock: Arc<ManualClock>,
    probe: Arc<Probe>,
    leaving: CancellationToken,
    manager: Manager,
    router: Router,
}

impl World {
    async fn new() -> Self {
        Self::with(HttpSettings { body_limit_bytes: BODY_LIMIT, ..HttpSettings::default() }, false).await
    }

    async fn with(settings: HttpSettings, create_hubs: bool) -> Self {
        Self::guarded(settings, create_hubs, Gate::open).await
    }

    async fn guarded(
        settings: HttpSettings,
        create_hubs: bool,
        gate: impl FnOnce(Arc<dyn Clock>) -> Gate,
    ) -> Self {
        let waiters = Arc::new(Waiters::default());
        let store = Arc::new(MemoryStore::new(waiters.clone()));
        World::over(store, waiters, settings, create_hubs, gate).await
    }

    /// Makes an instance of this status in the default hub.
    async fn given(&self, id: &str, status: Status) {
        let path = format!("/orchestrators/F/{}", super::form::encode(id));
        assert_eq!(self.post(&path, r#"{"n":1}"#).await.status, 202);
        self.store.change(id, |kept| kept.record.status = status);
    }
}

impl<S: Store> World<S> {
    /// `waiters` hear of the effects of `store`, or of none if nobody is to wait.
    async fn over(
        store: Arc<S>,
        waiters: Arc<Waiters>,
        mut settings: HttpSettings,
        create_hubs: bool,
        gate: impl FnOnce(Arc<dyn Clock>) -> Gate,
    ) -> Self {
        let clock = Arc::new(ManualClock(AtomicI64::new(BEGIN.0)));
        let probe = Arc::new(Probe::default());
        let names = [HubName::parse("Default").unwrap()];
        let hubs = Arc::new(Hubs::open(&*store, &names, create_hubs).await.unwrap());
        let limits = Limits { payload_bytes: PAYLOAD_LIMIT, idempotency: Duration::from_secs(3_600) };
        let manager = Manager::new(store.clone(), waiters, clock.clone(), hubs, limits);
        let leaving = CancellationToken::new();
        let gate = Arc::new(gate(clock.clone()));
        // What requests in these tests call.
        settings.allowed_hosts.push("host".to_owned());
        let (settings, readiness) = (Arc::new(settings), probe.clone());
        let router = router(Api {
            manager: manager.clone(),
            settings,
            readiness,
            insight: Arc::new(NothingGoesOn),
            clock: clock.clone(),
            auditor: Arc::new(Auditor {
                audit: Audit::open(None, clock.clone()).unwrap(),
                trusted_proxies: Vec::new(),
                open: gate.is_open(),
            }),
            gate,
            facts: Arc::default(),
            meters: Meters::default(),
            leaving: leaving.clone(),
        });
        Self { store, clock, probe, leaving, manager, router }
    }

    /// Status and headers of what need not be JSON.
    async fn raw(&self, path: &str) -> (u16, HeaderMap) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        (response.status().as_u16(), response.headers().clone())
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], body.to_owned()).await
    }

    /// `path`: below the base of the API if it begins with a slash, else absolute.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.ask_from(None, method, path, headers, body).await
    }

    /// `peer`: the other end of the connection.
    async fn ask_from(
        &self,
        peer: Option<Peer>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let uri = match path.strip_prefix("http://host:7071") {
            Some(target) => target.to_owned(),
            None => format!("{WEBHOOK_BASE}{path}"),
        };
        let request = Request::builder().method(method).uri(uri).header("host", "host:7071");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(body.into()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let header = |name: &str| {
            response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut answer = Answer {
            status: response.status().as_u16(),
            location: header("location"),
            retry_after: header("retry-after"),
            content_type: header("content-type"),
            content_length: header("content-length"),
            continuation: header("x-ms-continuation-token"),
            challenge: header("www-authenticate"),
            preference_applied: header("preference-applied"),
            replayed: header("idempotency-replayed"),
            link: header("link"),
            history_next: header("x-durahub-history-next"),
            body: String::new(),
        };
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        answer.body = String::from_utf8(bytes.to_vec()).unwrap();
        answer.checked()
    }
}

/// What a client sees.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    retry_after: Option<String>,
    content_type: Option<String>,
    content_length: Option<String>,
    continuation: Option<String>,
    challenge: Option<String>,
    preference_applied: Option<String>,
    replayed: Option<String>,
    link: Option<String>,
    history_next: Option<String>,
    body: String,
}

impl Answer {
    /// What holds for every answer: JSON in UTF-8 and declared so, or nothing at all.
    fn checked(self) -> Self {
        assert_eq!(self.content_length.as_deref(), Some(self.body.len().to_string().as_str()), "{self:?}");
        if self.body.is_empty() {
            assert_eq!(self.content_type, None, "{self:?}");
        } else {
            assert_eq!(self.content_type.as_deref(), Some("application/json; charset=utf-8"), "{self:?}");
            self.json();
        }
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The names of the object's fields, in the order in which they were sent.
    fn fields(&self) -> Vec<String> {
        struct Names(Vec<String>);
        impl<'de> serde::Deserialize<'de> for Names {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = Names;
                    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                        let mut names = Vec::new();
                        while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                            names.push(name);
                        }
                        Ok(Names(names))
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        }
        serde_json::from_str::<Names>(&self.body).unwrap().0
    }

    /// Asserts E0: this status and no body.
    fn is_empty(&self, status: u16) {
        assert_eq!((self.status, self.body.as_str()), (status, ""));
    }

    /// Asserts E2: this status, and an object with exactly the four fields whose text contains `part`.
    fn is_error(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.fields(), ["Message", "ExceptionMessage", "ExceptionType", "StackTrace"]);
        let body = self.json();
        for field in ["Message", "ExceptionMessage"] {
            assert!(body[field].as_str().unwrap().contains(part), "{self:?}");
        }
        assert!(body["ExceptionType"].as_str().unwrap().contains('.'));
        assert!(body["StackTrace"].is_null());
    }
}
