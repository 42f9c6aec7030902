//! `GET /metrics`: what goes on, for Prometheus, in its text format (OpenMetrics).
//!
//! Nothing is kept here: the rooms count where things happen, and a scrape puts their numbers together. It reads what is in memory, the sizes
//! of files, and the few parked instances. Labels are bounded: hubs, kinds, outcomes; names of functions only of what waits, the longest queues.

use super::{Api, Error, v1};
use crate::{
    api::EdgeMeter,
    dispatch::{Kind, LostKind, QueueView, Tally},
    manager,
    model::{HubId, StatusExt as _},
    store::CommitMeter,
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

/// Where it is.
pub const PATH: &str = "/metrics";
const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How many names of functions are told of what waits; the others are one.
const NAMES: usize = 100;
/// What the others are called. No function can be: names have no control characters.
const OTHERS: &str = "\u{2026}";
/// How long the store may take to say what is parked.
const PATIENCE: Duration = Duration::from_secs(2);
/// Parked instances of a hub are counted up to here.
const MOST_PARKED: usize = 1_000;

/// What is counted outside of this room. Whoever builds the server fills it in.
#[derive(Clone, Default)]
pub struct Meters {
    pub commits: CommitMeter,
    pub edge: EdgeMeter,
    /// Bytes that are free where the data is.
    pub free_disk: Option<Arc<dyn Fn() -> Option<u64> + Send + Sync>>,
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

type Labels = Vec<(&'static str, String)>;

/// Metrics in the making.
struct Page(Registry);

impl Page {
    fn gauges(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Gauge>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).inc_by(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.0.register(name, help, family);
    }

    fn counters(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    fn seconds(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, Duration)>) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).set(value.as_secs_f64());
        }
        self.0.register_with_unit(name, help, Unit::Seconds, family);
    }

    /// What has no labels. What cannot be told is left out.
    fn moment(&mut self, name: &str, help: &str, value: Option<Duration>) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        if let Some(value) = value {
            gauge.set(value.as_secs_f64());
            self.0.register_with_unit(name, help, Unit::Seconds, gauge);
        }
    }

    /// The same for a size.
    fn bytes(&mut self, name: &str, help: &str, value: Option<u64>) {
        let gauge = Gauge::<i64>::default();
        if let Some(value) = value {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            self.0.register_with_unit(name, help, Unit::Bytes, gauge);
        }
    }
}

/// The page. What the store does not answer in time is left out: a scrape is wanted most when something is wrong.
pub async fn metrics(State(api): State<Api>) -> Result<Response, Error> {
    let mut page = Page(Registry::with_prefix("durahub"));
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    page.0.register("build", "What this server is", Info::new(version));
    let started = Duration::from_micros(u64::try_from(api.facts.started.0).unwrap_or(0));
    page.moment("start_time", "When the server started, since 1970", Some(started));
    work(&mut page, &api);
    storage(&mut page, &api).await;
    parked(&mut page, &api).await;
    edges(&mut page, &api);
    let mut text = String::new();
    encode(&mut text, &page.0).map_err(|fmt::Error| Error::Panicked)?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, TYPE)], text).into_response())
}

/// What workers do, and what waits for them.
fn work(page: &mut Page, api: &Api) {
    let hub = |id: HubId| ("hub", api.manager.hub_name(id));
    let mut workers: BTreeMap<(Option<HubId>, bool), u64> = BTreeMap::new();
    for worker in api.insight.workers() {
        *workers.entry((worker.hub, worker.embedded)).or_default() += 1;
    }
    let rows = workers.into_iter().map(|((id, embedded), count)| {
        let name = id.map_or_else(String::new, |id| api.manager.hub_name(id));
        (vec![("hub", name), ("embedded", embedded.to_string())], count)
    });
    page.gauges("workers", "Connected workers; those without a hub serve all hubs", rows);

    let Tally { deliveries, created, ended, held } = api.insight.tally();
    let rows = held.into_iter().map(|((id, of), count)| (vec![hub(id), ("kind", kind(of))], count));
    page.gauges("held_items", "Turns, activities and batches in the hands of workers", rows);
    let rows = deliveries.into_iter().map(|((id, of, outcome), count)| {
        (vec![hub(id), ("kind", kind(of)), ("outcome", outcome.name().to_owned())], count)
    });
    page.counters(
        "deliveries",
        "Turns, activities and batches that workers were given, by how that ended",
        rows,
    );
    let rows = created.into_iter().map(|(id, count)| (vec![hub(id)], count));
    page.counters("instances_created", "Orchestrations that were created, sub-orchestrations included", rows);
    let rows = ended
        .into_iter()
        .map(|((id, status), count)| (vec![hub(id), ("status", status.name().to_owned())], count));
    page.counters("instances_ended", "Orchestrations that have ended", rows);

    let queues = api.insight.queues();
    let now = api.clock.now();
    let mut oldest: BTreeMap<(HubId, String), Duration> = BTreeMap::new();
    for queue in &queues {
        let age = oldest.entry((queue.hub, kind(queue.kind))).or_default();
        *age = queue.since.until(now).max(*age);
    }
    let rows = oldest.into_iter().map(|((id, kind), age)| (vec![hub(id), ("kind", kind)], age));
    page.seconds("waiting_oldest", "For how long somebody has been waiting in a queue without a break", rows);
    let rows = longest(queues).into_iter().map(|((id, of, name, served), count)| {
        (vec![hub(id), ("kind", of), ("name", name), ("served", served.to_string())], count)
    });
    page.gauges("waiting_items", "What waits for a worker in memory; name: of the longest queues only", rows);

    let watch = api.insight.watch();
    let rows =
        watch.lost.into_iter().map(|LostKind { kind, count, .. }| (vec![("kind", kind.to_owned())], count));
    page.gauges(
        "lost_tasks",
        "What is waited for and will never come, as of the last look; there should be none",
        rows,
    );
    let overlooked = Counter::<u64>::default();
    overlooked.inc_by(watch.taken_up);
    page.0.register(
        "overlooked",
        "Instances with something to deliver, and queued activities, of which nobody knew; there should be none",
        overlooked,
    );
}

/// What waits, by hub, kind, name and whether somebody serves it: the longest queues, and the others together.
fn longest(mut queues: Vec<QueueView>) -> BTreeMap<(HubId, String, String, bool), u64> {
    queues.sort_by_key(|queue| Reverse(queue.waiting));
    let mut rows: BTreeMap<_, u64> = BTreeMap::new();
    for (place, queue) in queues.into_iter().enumerate() {
        let name = if place < NAMES { queue.name.to_string() } else { OTHERS.to_owned() };
        let row = rows.entry((queue.hub, kind(queue.kind), name, queue.served)).or_default();
        *row += u64::try_from(queue.waiting).unwrap_or(u64::MAX);
    }
    rows
}

/// What is written, and where to.
async fn storage(page: &mut Page, api: &Api) {
    let Meters { commits, free_disk, .. } = &api.meters;
    page.0.register_with_unit("commit", "How long commits took", Unit::Seconds, commits.seconds.clone());
    page.0.register("commit_changes", "Changes in all commits together", commits.changes.clone());
    page.0.register("commit_failures", "Commits that failed as a whole", commits.failed.clone());
    page.moment("last_commit_age", "How long ago the last commit was made", commits.since_last());
    let (file, wal) = v1::store_bytes(api).await;
    page.bytes("store", "Size of the database file", file);
    page.bytes("store_wal", "Size of its write-ahead log", wal);
    let free = free_disk.clone();
    let free = tokio::task::spawn_blocking(move || free.and_then(|free| free())).await;
    page.bytes("disk_free", "Room on the disk of the database", free.unwrap_or_default());
}

/// How many instances nothing is dispatched to.
async fn parked(page: &mut Page, api: &Api) {
    let counts = async {
        let mut rows = Vec::new();
        for name in api.manager.hub_names() {
            let hub = api.manager.hub(Some(&name))?;
            let parked = api.manager.parked(hub, Some(MOST_PARKED), None).await?.parked.len();
            rows.push((vec![("hub", name)], u64::try_from(parked).unwrap_or(u64::MAX)));
        }
        Ok::<_, manager::Error>(rows)
    };
    let rows = match tokio::time::timeout(PATIENCE, counts).await {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => {
            return tracing::warn!(%error, "the parked instances could not be counted for /metrics");
        }
        Err(_) => return tracing::warn!("the parked instances could not be counted in time for /metrics"),
    };
    page.gauges("parked_instances", "Instances that nothing is dispatched to, at most 1000 of a hub", rows);
}

/// What is asked, and what is refused.
fn edges(page: &mut Page, api: &Api) {
    let labelled = |label: &'static str| move |(value, count)| (vec![(label, value)], count);
    let edge = &api.meters.edge;
    page.counters(
        "http_requests",
        "HTTP requests by class of status",
        edge.by_class().map(labelled("class")),
    );
    page.counters(
        "grpc_calls",
        "gRPC calls by code, as of the head of the answer",
        edge.by_code().map(labelled("code")),
    );
    let refused = api.manager.refused().into_iter().map(|(limit, count)| (limit.to_owned(), count));
    page.counters("refused", "New work that was refused, by limit", refused.map(labelled("limit")));
}

fn kind(kind: Kind) -> String {
    kind.name().to_owned()
}
