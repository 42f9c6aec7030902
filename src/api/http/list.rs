//! `GET instances` and `DELETE instances`: many instances, by filter.

use super::{
    Call, Error, answer,
    control::PurgeResult,
    filter, links,
    view::{Show, View},
};
use crate::{
    manager::{self, ListQuery, PurgedMany},
    store::{self, Read},
};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use serde::Serialize;
use std::time::Duration;

/// Where the continuation of a list comes and goes.
const CONTINUATION: HeaderName = HeaderName::from_static("x-ms-continuation-token");
/// Where it comes from, too, so that the link to the next page works by itself.
const CONTINUATION_PARAMETER: &str = "continuationToken";
/// A page of large instances ends early, so that an answer is never built of more than about this many bytes.
pub const PAGE_BYTES: usize = 32 * 1024 * 1024;
/// How long one purge may take. Clients give up after minutes; what is left is found by the next call.
const PURGE_TIME: Duration = Duration::from_secs(20);

/// A page of instances, the oldest first unless another order is asked for.
pub async fn list(call: &Call) -> Result<Response, Error> {
    let show = Show { history: false, ..Show::asked(&call.query) };
    let filter = filter::asked(&call.query)?;
    let (order, descending) = filter::order(&call.query, &filter::LIST_ORDERS)?;
    let hub = match call.hub() {
        Ok(hub) => hub,
        // An unknown hub reads as an empty one.
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => {
            return Ok(page::<View<'_>>(call, &[], None));
        }
        Err(other) => return Err(other),
    };
    let query = ListQuery {
        filter,
        order,
        descending,
        top: top(call),
        bytes: PAGE_BYTES,
        read: if show.input { Read::All } else { Read::NoInput },
        continuation: continuation(call),
    };
    let list = call.api.manager.list(hub, query).await?;
    let views: Vec<_> = list.instances.iter().map(|instance| View::new(instance, show, None)).collect();
    Ok(page(call, &views, list.continuation.as_deref()))
}

/// Removes ended instances. Whatever is asked for, live ones stay, and a list of statuses that names none which can be purged
/// matches nothing.
pub async fn purge(call: &Call) -> Result<Response, Error> {
    let mut filter = filter::asked(&call.query)?;
    if filter.created.from.is_none() {
        return Err(Error::NoBeginning);
    }
    // Unlike a list, an empty one asks for nothing here: what is removed does not come back.
    if let Some(statuses) = call.query.statuses("runtimeStatus") {
        filter.statuses = statuses;
    }
    let purge = call.api.manager.purge_matching(call.hub()?, filter, false, PURGE_TIME, &call.api.leaving);
    match purge.await? {
        PurgedMany { deleted: 0, complete: true } => Err(Error::NothingToPurge),
        PurgedMany { deleted: 0, complete: false } => {
            let busy = store::Error::Busy("nothing to purge was found in time".to_owned());
            Err(Error::Manager(busy.into()))
        }
        PurgedMany { deleted, .. } => {
            let instances_deleted = u64::try_from(deleted).unwrap_or(u64::MAX);
            Ok(answer::json(StatusCode::OK, &PurgeResult { instances_deleted }))
        }
    }
}

/// How many rows the caller wants on a page, if he says so.
pub fn top(call: &Call) -> Option<usize> {
    call.query.number("top").and_then(|top| usize::try_from(top).ok())
}

/// Where the caller's page begins.
pub fn continuation(call: &Call) -> Option<String> {
    let header = call.headers.get(CONTINUATION).map(|token| {
        // What is not ASCII is no token of ours and is refused as such.
        String::from_utf8_lossy(token.as_bytes()).into_owned()
    });
    let parameter = || call.query.word(CONTINUATION_PARAMETER).map(str::to_owned);
    header.filter(|token| !token.trim().is_empty()).or_else(parameter)
}

/// The header is there on the last page, too, but empty: that is how clients know it.
pub fn page<Row: Serialize>(call: &Call, rows: &[Row], continuation: Option<&str>) -> Response {
    let response = answer::json(StatusCode::OK, &rows);
    let mut response = match continuation {
        Some(token) => links::to_next(&call.address(), &[(CONTINUATION_PARAMETER, token)], response),
        None => response,
    };
    // Tokens are hex.
    if let Ok(token) = HeaderValue::from_str(continuation.unwrap_or_default()) {
        response.headers_mut().insert(CONTINUATION, token);
    }
    response
}
