//! `GET instances` and `DELETE instances`: many instances, by filter.

use super::{
    Call, Error, answer,
    control::PurgeResult,
    view::{Show, View},
};
use crate::{
    manager::{self, ListQuery, Order},
    model::StatusSet,
    store::{Filter, Read, Span},
};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use std::time::Duration;

/// Where the continuation of a list comes and goes.
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation-token");
/// A page of large instances ends early, so that an answer is never built of more than about this many bytes.
const PAGE_BYTES: usize = 32 * 1024 * 1024;
/// How long one purge may take. Clients give up after minutes; what is left is found by the next call.
const PURGE_TIME: Duration = Duration::from_secs(20);

/// A page of instances, the oldest first.
pub async fn list(call: &Call) -> Result<Response, Error> {
    let hub = match call.hub() {
        Ok(hub) => hub,
        // An unknown hub reads as an empty one.
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => return Ok(page(&[], None)),
        Err(other) => return Err(other),
    };
    let show = Show { history: false, ..Show::asked(&call.query) };
    // A parameter without a value asks nothing; one with nothing but mistakes asks for nothing.
    let statuses = call.query.word("runtimeStatus").and_then(|_| call.query.statuses("runtimeStatus"));
    let continuation = call.headers.get(CONTINUATION).map(|token| {
        // What is not ASCII is no token of ours and is refused as such.
        String::from_utf8_lossy(token.as_bytes()).into_owned()
    });
    let query = ListQuery {
        filter: Filter {
            statuses: statuses.unwrap_or(StatusSet::ALL),
            created: created(call),
            id_prefix: call.query.text("instanceIdPrefix").unwrap_or_default().to_owned(),
            completed: Span::default(),
        },
        order: Order::Created,
        top: call.query.number("top").and_then(|top| usize::try_from(top).ok()),
        bytes: PAGE_BYTES,
        read: if show.input { Read::All } else { Read::NoInput },
        continuation,
    };
    let list = call.api.manager.list(hub, query).await?;
    let views: Vec<_> = list.instances.iter().map(|instance| View::new(instance, show, None)).collect();
    Ok(page(&views, list.continuation.as_deref()))
}

/// Removes ended instances. Whatever is asked for, live ones stay, and a list of statuses that names none which can be purged
/// matches nothing.
pub async fn purge(call: &Call) -> Result<Response, Error> {
    let created = created(call);
    if created.from.is_none() {
        return Err(Error::NoBeginning);
    }
    let statuses = call.query.statuses("runtimeStatus").unwrap_or(StatusSet::ALL);
    let filter = Filter { statuses, created, ..Filter::default() };
    match call.api.manager.purge_matching(call.hub()?, filter, false, PURGE_TIME).await?.deleted {
        0 => Err(Error::NothingToPurge),
        deleted => {
            let instances_deleted = u64::try_from(deleted).unwrap_or(u64::MAX);
            Ok(answer::json(StatusCode::OK, &PurgeResult { instances_deleted }))
        }
    }
}

/// `createdTimeFrom` and `createdTimeTo`, both included.
fn created(call: &Call) -> Span {
    Span {
        from: call.query.at_or_after("createdTimeFrom"),
        before: call.query.at_or_before("createdTimeTo").map(crate::model::Timestamp::next),
    }
}

/// The header is there on the last page, too, but empty: that is how clients know it.
fn page(views: &[View<'_>], continuation: Option<&str>) -> Response {
    let mut response = answer::json(StatusCode::OK, &views);
    // Tokens are hex.
    if let Ok(token) = HeaderValue::from_str(continuation.unwrap_or_default()) {
        response.headers_mut().insert(CONTINUATION, token);
    }
    response
}
