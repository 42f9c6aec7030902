//! `/api/v1/parked`: instances to which nothing is dispatched any more, and `/retry` and `/discard` of one of them.

use super::{
    super::{Call, Error, answer},
    known_hub,
    search::{after, top},
};
use crate::{
    auth::Caller,
    manager::ParkedList,
    model::{InstanceId, Parked, ParkedFor, Parking, Short, StatusExt as _},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    parked: Vec<Row>,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    instance_id: String,
    name: String,
    version: Option<String>,
    runtime_status: &'static str,
    #[serde(flatten)]
    told: Told,
}

/// How an instance is parked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    since: String,
    cause: &'static str,
    deliveries: u32,
    reason: String,
}

impl From<Parking> for Told {
    fn from(Parking { at, cause, deliveries, reason }: Parking) -> Self {
        let cause = match cause {
            ParkedFor::Deliveries => "deliveries",
            ParkedFor::Data => "data",
            ParkedFor::History => "history",
        };
        Self { since: at.to_string(), cause, deliveries, reason }
    }
}

/// A page of them.
pub async fn list(call: &Call) -> Result<Response, Error> {
    let (top, after) = (top(&call.query)?, after(&call.query));
    let list = match known_hub(call)? {
        Some(hub) => call.api.manager.parked(hub, top, after).await?,
        None => ParkedList::default(),
    };
    let row = |Parked { instance, status, parking }: Parked| Row {
        instance_id: instance.id.to_string(),
        name: instance.name.to_string(),
        version: instance.version.as_deref().map(str::to_owned),
        runtime_status: status.name(),
        told: parking.into(),
    };
    let parked = list.parked.into_iter().map(row).collect();
    Ok(answer::json(StatusCode::OK, &Body { parked, next: list.continuation }))
}

/// 202 once it is back in dispatch; 409 if it is not parked.
pub async fn retry(call: &Call, id: String) -> Result<Response, Error> {
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let parking = call.api.manager.retry_parked(hub, &id).await?;
    told(call, "retried", &id, &parking);
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// 202 once it has failed, or, of an entity, once that is ordered; 409 if it is not parked.
pub async fn discard(call: &Call, id: String) -> Result<Response, Error> {
    let (hub, id) = (call.hub()?, InstanceId::lookup(id));
    let reason = call.query.text("reason").map(str::to_owned);
    let parking = call.api.manager.discard_parked(hub, &id, reason).await?;
    told(call, "discarded", &id, &parking);
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// Who has decided what about whom.
fn told(call: &Call, action: &str, id: &InstanceId, parking: &Parking) {
    let by = call.caller.as_ref().unwrap_or(&Caller::Anyone);
    let (since, reason) = (parking.at.to_string(), Short(&parking.reason));
    tracing::info!(%by, instance.id = %id, parked.since = since, parked.reason = %reason, "a parked instance was {action}");
}
