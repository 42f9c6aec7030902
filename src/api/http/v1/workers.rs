//! `GET /api/v1/workers` and `GET /api/v1/queues`: who works, and what waits for somebody to do it.

use super::{
    super::{Call, Error, answer},
    known_hub,
};
use crate::{
    dispatch::{Places, QueueView, WorkerView},
    model::HubId,
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Worker {
    /// Its number since the server started.
    id: u64,
    label: String,
    /// Absent: it serves all hubs.
    task_hub: Option<String>,
    embedded: bool,
    connected_since: String,
    orchestrations: Held,
    activities: Held,
    entities: Held,
    answered: u64,
    /// What it names; absent: it takes everything.
    serves: Option<Serves>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    held: usize,
    most: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Serves {
    orchestrations: Vec<String>,
    activities: Vec<String>,
    /// Absent: all of them.
    entities: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    kind: &'static str,
    name: String,
    version: Option<String>,
    /// Those in memory; `more`: others wait behind them.
    waiting: usize,
    more: bool,
    served: bool,
    /// Of a name with a limit.
    limit: Option<Held>,
}

/// The workers that serve the hub.
pub fn workers(call: &Call) -> Result<Response, Error> {
    let workers = match known_hub(call)? {
        Some(hub) => {
            call.api.insight.workers().into_iter().filter(|it| it.hub.is_none_or(|own| own == hub)).collect()
        }
        None => Vec::new(),
    };
    let name = |hub| call.api.manager.hub_name(hub);
    let rows: Vec<_> = workers.into_iter().map(|worker| Worker::of(worker, name)).collect();
    Ok(answer::json(StatusCode::OK, &rows))
}

/// The hub's work that waits for a worker.
pub fn queues(call: &Call) -> Result<Response, Error> {
    let rows: Vec<_> = match known_hub(call)? {
        Some(hub) => {
            let queues = call.api.insight.queues().into_iter();
            queues.filter(|queue| queue.hub == hub).map(Queue::from).collect()
        }
        None => Vec::new(),
    };
    Ok(answer::json(StatusCode::OK, &rows))
}

impl Worker {
    fn of(worker: WorkerView, name: impl Fn(HubId) -> String) -> Self {
        Self {
            id: worker.id.number(),
            label: worker.label,
            task_hub: worker.hub.map(name),
            embedded: worker.embedded,
            connected_since: worker.since.to_string(),
            orchestrations: worker.turns.into(),
            activities: worker.activities.into(),
            entities: worker.batches.into(),
            answered: worker.answered,
            serves: worker.names.map(|names| Serves {
                orchestrations: names.orchestrations,
                activities: names.activities,
                entities: names.entities,
            }),
        }
    }
}

impl From<Places> for Held {
    fn from(Places { held, most }: Places) -> Self {
        Self { held, most }
    }
}

impl From<QueueView> for Queue {
    fn from(queue: QueueView) -> Self {
        Self {
            kind: queue.kind.name(),
            name: queue.name.to_string(),
            version: queue.version.map(|version| version.to_string()),
            waiting: queue.waiting,
            more: queue.more,
            served: queue.served,
            limit: queue.limit.map(Held::from),
        }
    }
}
