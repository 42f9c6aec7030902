//! `GET /api/v1/export`: all instances that a search finds, as a file.
//!
//! It is written page by page while it is sent, so that its size costs no memory. A search that fails in between breaks the answer off.

use super::{
    super::{Call, Error},
    csv,
    histogram::one_of,
    known_hub,
    row::Row,
    search,
};
use crate::{
    manager::{Manager, SearchQuery, SearchResult},
    model::HubId,
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Instances that are read at a time.
const PAGE: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Csv,
    NdJson,
}

/// The parameters are those of a search, without pages.
pub async fn export(call: &Call) -> Result<Response, Error> {
    let query = SearchQuery { top: Some(PAGE), ..search::asked(&call.query)? };
    let formats = [("csv", Format::Csv), ("ndjson", Format::NdJson)];
    let format = one_of(call.query.word("format"), "format", &formats)?;
    let sizes = query.search.sizes;
    let hub = known_hub(call)?;
    // What can be refused is refused before the answer begins.
    let first = match hub {
        Some(hub) => call.api.manager.search(hub, query.clone()).await?,
        None => SearchResult::default(),
    };
    let head = match format {
        Format::Csv => csv::head(sizes),
        Format::NdJson => String::new(),
    };
    let pages = pages(call, hub, query, first).map_ok(move |rows| text(&rows, format, sizes));
    let body = Body::from_stream(stream::once(async { Ok(Bytes::from(head)) }).chain(pages));
    let (kind, name) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"instances.csv\""),
        Format::NdJson => ("application/x-ndjson", "attachment; filename=\"instances.ndjson\""),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
    ];
    Ok((headers, body).into_response())
}

/// The pages from `first` on, one after another.
fn pages(
    call: &Call,
    hub: Option<HubId>,
    query: SearchQuery,
    first: SearchResult,
) -> impl stream::Stream<Item = Result<Vec<Row>, Broken>> + use<> {
    let (manager, leaving) = (call.api.manager.clone(), call.api.leaving.clone());
    stream::try_unfold(Some(Ahead::Read(first)), move |ahead| {
        let (manager, leaving, query) = (manager.clone(), leaving.clone(), query.clone());
        async move {
            let page = match (ahead, hub) {
                (None, _) | (Some(Ahead::Behind(_)), None) => return Ok(None),
                (Some(_), _) if leaving.is_cancelled() => return Err(Broken::Leaving),
                (Some(Ahead::Read(page)), _) => page,
                (Some(Ahead::Behind(token)), Some(hub)) => next(&manager, hub, query, token).await?,
            };
            let rows = page.instances.into_iter().map(Row::from).collect();
            Ok(Some((rows, page.continuation.map(Ahead::Behind))))
        }
    })
}

async fn next(
    manager: &Manager,
    hub: HubId,
    query: SearchQuery,
    token: String,
) -> Result<SearchResult, Broken> {
    let query = SearchQuery { continuation: Some(token), ..query };
    manager.search(hub, query).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "an export is broken off");
        Broken::Failed(error)
    })
}

/// What comes next.
enum Ahead {
    Read(SearchResult),
    Behind(String),
}

/// Why an export ends too early.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the server is shutting down")]
    Leaving,
    #[error(transparent)]
    Failed(crate::manager::Error),
}

fn text(rows: &[Row], format: Format, sizes: bool) -> Bytes {
    let mut text = String::new();
    for row in rows {
        match format {
            Format::Csv => csv::write(&mut text, row, sizes),
            Format::NdJson => {
                // Rows have no map keys that are not text.
                text.push_str(&serde_json::to_string(row).unwrap_or_default());
                text.push('\n');
            }
        }
    }
    text.into()
}
