//! Hostile requests, through the router and everything behind it, without a network: what holds whatever is sent.

mod bodies;
mod headers;
mod ids;
mod targets;
mod tokens;

use super::*;
use crate::{
    config::Config,
    dispatch::{self, Dispatch},
    fuzz,
    server::dispatch_settings,
    store::sqlite::{SqliteOptions, SqliteStore},
};
use axum::{
    body::Bytes,
    http::{Response, Uri},
};
use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc::unbounded_channel};

/// A server with a file and a dispatcher, and no worker: what is started stays, what is sent is kept.
struct Target {
    world: World<SqliteStore>,
    /// Looks at the file from outside.
    outside: rusqlite::Connection,
    _dispatch: Dispatch,
    runtime: Runtime,
    _folder: TempDir,
}

/// What came back.
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Target {
    fn new(settings: HttpSettings) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("d.db");
        let _here = runtime.enter();
        let (effects, told) = unbounded_channel();
        let options = SqliteOptions { synchronous_full: false, ..SqliteOptions::file(&file) };
        let store = Arc::new(SqliteStore::open(options, effects).unwrap());
        let waiters = Arc::new(Waiters::default());
        let clock = Arc::new(ManualClock(AtomicI64::new(BEGIN.0)));
        let settled =
            dispatch::Settings { payload_bytes: PAYLOAD_LIMIT, ..dispatch_settings(&Config::default()) };
        let dispatch = Dispatch::start(store.clone(), told, clock, waiters.clone(), settled);
        let settings = HttpSettings {
            body_limit_bytes: BODY_LIMIT,
            wait_cap: Duration::ZERO,
            compression: false,
            ..settings
        };
        let world = runtime.block_on(World::over(store, waiters, settings, false, Gate::open));
        let outside = rusqlite::Connection::open(&file).unwrap();
        let target = Self { world, outside, _dispatch: dispatch, runtime, _folder: folder };
        target.runtime.block_on(async {
            let world = &target.world;
            for id in ["a", "b", "with space", "ü😀", "done"] {
                let path = format!("/orchestrators/F/{}", super::super::form::encode(id));
                assert_eq!(world.post(&path, r#"{"n":1}"#).await.status, 202);
            }
            assert_eq!(world.post("/instances/done/terminate?reason=enough", "").await.status, 202);
            while !world.get("/instances/done").await.body.contains("Terminated") {
                tokio::task::yield_now().await;
            }
            assert_eq!(world.post("/entities/counter/k?op=add", "1").await.status, 202);
        });
        target
    }

    /// Changes whenever anything that is stored does.
    fn version(&self) -> i64 {
        self.outside.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap()
    }

    /// Asks, and reads the answer, if it is one that ends.
    fn ask(&self, request: Request<Body>) -> Told {
        self.runtime.block_on(async {
            let response = self.world.router.clone().oneshot(request).await.unwrap();
            let (head, body) = Response::into_parts(response);
            let endless = head.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
            let body = if endless { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
            Told { status: head.status.as_u16(), headers: head.headers, body }
        })
    }

    fn get(&self, target: &str) -> Told {
        self.ask(request("GET", target).body(Body::empty()).unwrap())
    }
}

fn request(method: &str, target: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(target).header("host", "host:7071")
}

impl Told {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Result<Value, TestCaseError> {
        serde_json::from_slice(&self.body).map_err(|error| TestCaseError::fail(format!("{error}: {self:?}")))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What holds for every answer: it is no failure of the server, and a refusal that says anything says why, in JSON.
    fn is_fair(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.status < 500, "{self:?}");
        if self.status < 400 || self.body.is_empty() {
            return Ok(());
        }
        prop_assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"), "{:?}", self);
        let told = self.json()?;
        let message = told.as_str().or_else(|| told["Message"].as_str()).unwrap_or_default();
        prop_assert!(!message.trim().is_empty(), "{self:?}");
        prop_assert!(message.len() < 4_096, "it repeats too much: {self:?}");
        Ok(())
    }

    /// The links of an answer lead to the instance that it is about.
    fn leads_back(&self, target: &Target) -> Result<(), TestCaseError> {
        let Ok(told) = serde_json::from_slice::<Value>(&self.body) else { return Ok(()) };
        let links = [told["statusQueryGetUri"].as_str(), self.header("location")];
        let (Some(id), 200 | 202) = (told["id"].as_str().or(told["instanceId"].as_str()), self.status) else {
            return Ok(());
        };
        for link in links.into_iter().flatten() {
            let path = link.strip_prefix("http://host:7071");
            let path = path.ok_or_else(|| TestCaseError::fail(format!("a strange link: {self:?}")))?;
            let found = target.get(path);
            prop_assert!(matches!(found.status, 200 | 202), "{link}: {found:?} after {self:?}");
            let found = found.json()?;
            prop_assert_eq!(found["instanceId"].as_str(), Some(id), "{}", link);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?} {}", self.status, self.headers, body.chars().take(600).collect::<String>())
    }
}
