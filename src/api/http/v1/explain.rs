//! `GET /api/v1/instances/{id}/explain`: why an instance waits.

use super::{
    super::{Call, Error, answer},
    parked,
};
use crate::{
    dispatch::Standing,
    manager::{Explanation, LastError, Wait, WaitKind},
    model::{InstanceId, StatusExt as _, Timestamp},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    instance_id: String,
    name: String,
    runtime_status: &'static str,
    /// One sentence.
    summary: String,
    turn: Option<Stand>,
    waits_for: Vec<Row>,
    last_error: Option<Failed>,
    messages: Messages,
    /// Of an entity: the orchestration that has locked it.
    locked_by: Option<String>,
    /// Nothing is dispatched to it until an operator says so.
    parked: Option<parked::Told>,
}

/// Where something stands on its way to a worker.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stand {
    state: &'static str,
    worker: Option<String>,
    since: Option<String>,
    /// Of what is `limited`: how many of its name may run at a time, and do.
    limit: Option<usize>,
    /// How often it came back.
    returns: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    kind: &'static str,
    id: i32,
    name: String,
    since: String,
    due: Option<String>,
    instance_id: Option<String>,
    runtime_status: Option<&'static str>,
    delivery: Option<Stand>,
    backlog: Option<i64>,
    locked_by: Option<String>,
    /// Nothing that is stored will answer it.
    lost: bool,
}

/// What failed last, and how.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    kind: &'static str,
    name: String,
    error_type: String,
    message: String,
    time: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Messages {
    ready: usize,
    later: usize,
    next_due: Option<String>,
}

/// 404 if there is no such instance.
pub async fn explain(call: &Call, id: String) -> Result<Response, Error> {
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let explanation = call.api.manager.explain(hub, &id, &*call.api.insight).await?;
    Ok(answer::json(StatusCode::OK, &Body::from(explanation)))
}

impl From<Explanation> for Body {
    fn from(explanation: Explanation) -> Self {
        let Explanation {
            record,
            summary,
            turn,
            returns,
            waits,
            last_error,
            ready,
            later,
            next_due,
            lock,
            parked,
        } = explanation;
        Self {
            instance_id: record.id.to_string(),
            name: record.name.to_string(),
            runtime_status: record.status.name(),
            summary,
            turn: turn.map(|turn| stand(turn, returns)),
            waits_for: waits.into_iter().map(Row::from).collect(),
            last_error: last_error.map(Failed::from),
            messages: Messages { ready, later, next_due: next_due.map(|due| due.to_string()) },
            locked_by: lock.map(|lock| lock.owner.to_string()),
            parked: parked.map(Into::into),
        }
    }
}

impl From<Wait> for Row {
    fn from(wait: Wait) -> Self {
        Self {
            kind: kind(wait.kind),
            id: wait.id,
            name: wait.name,
            since: wait.since.to_string(),
            due: wait.due.map(|due| due.to_string()),
            instance_id: wait.instance.map(|id| id.to_string()),
            runtime_status: wait.status.map(|status| status.name()),
            delivery: wait.standing.map(|standing| stand(standing, wait.returns)),
            backlog: wait.backlog,
            locked_by: wait.locked_by.map(|owner| owner.to_string()),
            lost: wait.lost,
        }
    }
}

impl From<LastError> for Failed {
    fn from(LastError { kind: of, name, error_type, message, at }: LastError) -> Self {
        Self { kind: kind(of), name, error_type, message, time: at.to_string() }
    }
}

fn kind(kind: WaitKind) -> &'static str {
    match kind {
        WaitKind::Activity => "activity",
        WaitKind::Timer => "timer",
        WaitKind::SubOrchestration => "subOrchestration",
        WaitKind::EntityCall => "entityCall",
        WaitKind::Lock => "lock",
    }
}

fn stand(standing: Standing, returns: u32) -> Stand {
    let told = |state| Stand { state, worker: None, since: None, limit: None, returns };
    match standing {
        Standing::Unserved => told("unserved"),
        Standing::Queued => told("queued"),
        Standing::Limited { most } => Stand { limit: Some(most), ..told("limited") },
        Standing::Held { worker, since } => {
            Stand { worker: Some(worker), since: Some(Timestamp::to_string(&since)), ..told("held") }
        }
        Standing::Resting => told("resting"),
        Standing::UnderWay => told("underWay"),
        Standing::Parked => told("parked"),
    }
}
