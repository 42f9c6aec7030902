//! `GET /api/v1/about`: what this server is, how it is set up, and who asks.

use super::super::{Api, Call, RPC_BASE, WEBHOOK_BASE, answer};
use crate::{
    auth::{Caller, Operation, Reach},
    dispatch::{LostKind, Watch},
    model::Timestamp,
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// What does not change while the server runs. Whoever builds the server fills it in.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When it started.
    pub started: Timestamp,
    /// Which store it keeps its data in.
    pub store_kind: &'static str,
    /// The file, if there is one.
    pub store_path: Option<PathBuf>,
    /// Every setting by section, without secrets.
    pub settings: serde_json::Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    version: &'static str,
    started_time: String,
    uptime_ms: u64,
    store: Store,
    endpoints: BTreeMap<&'static str, String>,
    /// Absent: the caller's key is not for the whole server.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'a serde_json::Value>,
    read_only: bool,
    /// Absent: the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    watchdog: Option<Watchdog>,
    caller: Who<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    kind: &'static str,
    path: Option<String>,
    bytes: Option<u64>,
    wal_bytes: Option<u64>,
}

/// Instances that wait for what will never come.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Watchdog {
    last_look: Option<String>,
    lost: Vec<Lost>,
    taken_up: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lost {
    kind: &'static str,
    count: u64,
    /// Of one of them.
    task_hub: String,
    instance_id: String,
    task_id: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Who<'a> {
    name: Option<String>,
    role: &'static str,
    /// Absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_hubs: Option<&'a [String]>,
    permits: Vec<&'static str>,
}

/// What a page may offer, in words of its own.
const PERMITS: [(&str, Operation); 12] = [
    ("read", Operation::List),
    ("start", Operation::Start),
    ("signal", Operation::Signal),
    ("raiseEvent", Operation::RaiseEvent),
    ("terminate", Operation::Terminate),
    ("suspend", Operation::Suspend),
    ("resume", Operation::Resume),
    ("restart", Operation::Restart),
    ("rewind", Operation::Rewind),
    ("purge", Operation::Purge),
    ("purgeMany", Operation::PurgeMany),
    ("administer", Operation::Administer),
];

/// Cheap but for two looks at the sizes of files.
pub async fn about(call: &Call) -> Response {
    let facts = &call.api.facts;
    let whole = !matches!(&call.caller, Some(Caller::Key { reach, .. }) if *reach != Reach::ALL);
    let body = Body {
        version: env!("CARGO_PKG_VERSION"),
        started_time: facts.started.to_string(),
        uptime_ms: u64::try_from(facts.started.until(call.api.clock.now()).as_millis()).unwrap_or(u64::MAX),
        store: store(&call.api, whole).await,
        endpoints: endpoints(&call.origin()),
        settings: whole.then_some(&facts.settings),
        read_only: call.api.settings.read_only,
        watchdog: whole.then(|| watchdog(&call.api)),
        caller: who(call.caller.as_ref()),
    };
    answer::json(StatusCode::OK, &body)
}

/// Where it lies and how large it is concerns who may look at the whole server.
async fn store(api: &Api, whole: bool) -> Store {
    let Facts { store_kind: kind, store_path, .. } = &*api.facts;
    let path = store_path.as_ref().filter(|_| whole);
    let (bytes, wal_bytes) = if whole { store_bytes(api).await } else { (None, None) };
    Store { kind, path: path.map(|path| path.display().to_string()), bytes, wal_bytes }
}

/// The sizes of the database's file and of its log.
pub async fn store_bytes(api: &Api) -> (Option<u64>, Option<u64>) {
    let Some(path) = &api.facts.store_path else { return (None, None) };
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    let (file, wal) = (path.clone(), wal);
    // The files may lie on a disk that takes its time.
    let sizes = tokio::task::spawn_blocking(move || {
        let size = |path: &PathBuf| std::fs::metadata(path).ok().map(|found| found.len());
        (size(&file), size(&wal))
    });
    sizes.await.unwrap_or_default()
}

fn watchdog(api: &Api) -> Watchdog {
    let Watch { looked_at, lost, taken_up } = api.insight.watch();
    let row = |LostKind { kind, count, example }: LostKind| Lost {
        kind,
        count,
        task_hub: api.manager.hub_name(example.hub),
        instance_id: example.instance.to_string(),
        task_id: example.id,
    };
    Watchdog {
        last_look: looked_at.map(|at| at.to_string()),
        lost: lost.into_iter().map(row).collect(),
        taken_up,
    }
}

fn endpoints(origin: &str) -> BTreeMap<&'static str, String> {
    [
        ("grpc", ""),
        ("durableFunctions", WEBHOOK_BASE),
        ("durableFunctionsRpc", RPC_BASE),
        ("own", super::BASE),
        ("dashboard", "/dashboard"),
        ("reference", "/docs"),
        ("description", "/openapi.yaml"),
        ("live", "/healthz"),
        ("ready", "/readyz"),
        ("metrics", "/metrics"),
    ]
    .into_iter()
    .map(|(name, path)| (name, format!("{origin}{path}")))
    .collect()
}

fn who(caller: Option<&Caller>) -> Who<'_> {
    let (name, role, task_hubs) = match caller {
        Some(Caller::Key { name, role, reach }) => (Some(name.to_string()), role.name(), reach.names()),
        _ => (None, "admin", None),
    };
    let permits = |operation| caller.is_some_and(|caller| caller.permits(operation));
    let permits = PERMITS.into_iter().filter(|(_, operation)| permits(*operation)).map(|(word, _)| word);
    Who { name, role, task_hubs, permits: permits.collect() }
}
