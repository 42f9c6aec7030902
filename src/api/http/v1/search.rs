//! `GET /api/v1/instances`: a page of a table of instances.

use super::{
    super::{Call, Error, Query, answer, filter},
    known_hub,
    row::Row,
};
use crate::{
    manager::{SearchQuery, SearchResult},
    model::Short,
    store::Search,
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;
use std::ops::RangeInclusive;

/// How many instances a page may have.
const PAGE: RangeInclusive<u32> = 1..=500;

#[derive(Serialize)]
struct Body {
    instances: Vec<Row>,
    next: Option<String>,
}

/// Besides what a list can be asked for: by how long it took, by texts of failures and custom statuses, and in more orders.
pub async fn search(call: &Call) -> Result<Response, Error> {
    let query =
        SearchQuery { top: top(&call.query)?, continuation: after(&call.query), ..asked(&call.query)? };
    let found = match known_hub(call)? {
        Some(hub) => call.api.manager.search(hub, query).await?,
        None => SearchResult::default(),
    };
    let instances = found.instances.into_iter().map(Row::from).collect();
    Ok(answer::json(StatusCode::OK, &Body { instances, next: found.continuation }))
}

/// What is searched for, from the first page on.
pub fn asked(query: &Query) -> Result<SearchQuery, Error> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let (order, descending) = filter::order(query, &filter::SEARCH_ORDERS)?;
    let search = Search {
        filter: crate::store::Filter { took: filter::took(query)?, ..filter::asked(query)? },
        error: text(query.text("error")),
        custom_status: text(query.text("customStatus")),
        sizes: filter::understood(query, "sizes", filter::FLAG, Query::flag)?.unwrap_or(false),
    };
    Ok(SearchQuery { search, order, descending, top: None, continuation: None })
}

/// How many rows the caller wants on a page, if he says so.
pub fn top(query: &Query) -> Result<Option<usize>, Error> {
    let expected = format!("a number from {} to {}", PAGE.start(), PAGE.end());
    let top = filter::understood(query, "top", &expected, Query::count)?;
    match top.filter(|top| !PAGE.contains(top)) {
        Some(top) => {
            Err(Error::Invalid(format!("top must be {expected}, not {:?}", Short(&top.to_string()))))
        }
        None => Ok(top.and_then(|top| usize::try_from(top).ok())),
    }
}

/// What the page before said.
pub fn after(query: &Query) -> Option<String> {
    query.word("after").map(str::to_owned)
}
