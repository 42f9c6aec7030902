//! The HTTP management API of Durable Functions.
//!
//! A request is matched (`route`), becomes one call on the [`Manager`], and its outcome one answer; every refusal is told in
//! `error`. JSON shapes and status codes live here and nowhere else; rules about instances do not live here at all. Payloads
//! are never parsed into values: they are checked to be JSON and passed on as the text they came as.
//!
//! Routing is our own rather than axum's, because the path rules to be compatible with are unusual; see `route`.

mod answer;
mod body;
mod control;
mod embed;
mod error;
mod events;
mod form;
mod health;
mod history;
mod links;
mod list;
mod prefer;
mod query;
mod restart;
mod retry;
mod route;
mod settings;
mod start;
mod status;
#[cfg(test)]
mod tests;
mod trace;
mod view;
mod wait;

pub use error::Error;
pub use health::Readiness;
pub use settings::HttpSettings;

use crate::{
    manager::{self, Manager},
    model::HubId,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, request::Parts},
    response::{IntoResponse as _, Response},
    routing::get,
};
use query::Query;
use route::Route;
use std::{any::Any, sync::Arc};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

/// Where the API is mounted, and where every link leads.
pub const WEBHOOK_BASE: &str = "/runtime/webhooks/durabletask";
/// The second mount of the same API, for clients that are configured with an `rpcBaseUrl`. Their links lead to [`WEBHOOK_BASE`], too.
pub const RPC_BASE: &str = "/durabletask";

/// What the routes work with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// The verbs.
    pub manager: Manager,
    /// Limits and the public address.
    pub settings: Arc<HttpSettings>,
    /// Asked by `/readyz`.
    pub readiness: Arc<dyn Readiness>,
    /// Cancelled when the server shuts down, so that callers who wait are answered.
    pub leaving: CancellationToken,
}

/// All HTTP routes: the management API below [`WEBHOOK_BASE`] and [`RPC_BASE`], `/healthz` and `/readyz`. Any other path or method is 404 with an
/// empty body. The router has a fallback of its own, so others are added to it with `route` and not with `merge`.
pub fn router(state: Api) -> Router {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(async || Error::NoRoute)
        .fallback(manage)
        .layer(CatchPanicLayer::custom(after_panic))
        .with_state(state)
}

/// The entry of the management API: finds the operation, runs it within a span that names it, and answers.
async fn manage(State(api): State<Api>, request: Request) -> Response {
    let method = request.method().clone();
    let path = request.uri().path();
    let below = route::below(WEBHOOK_BASE, path).or_else(|| route::below(RPC_BASE, path));
    let route = match below {
        Some(path) => route::matches(&method, path),
        None => Route::Unknown,
    };
    // Neither path nor query: they carry keys, names of the caller's making, and reasons.
    let span = tracing::info_span!(
        "http",
        %method,
        route = route.name(),
        instance.id = route.instance(),
    );
    async move {
        let (parts, body) = request.into_parts();
        let outcome = serve(&Call::new(api, parts), route, body).await;
        let response = outcome.unwrap_or_else(Error::into_response);
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}

async fn serve(call: &Call, route: Route, body: Body) -> Result<Response, Error> {
    match route {
        Route::Start { function, id } => start::start(call, function, id, body).await,
        Route::Status { id } => status::status(call, id).await,
        Route::Purge { id } => control::purge(call, id).await,
        Route::RaiseEvent { id, event } => events::raise(call, id, event, body).await,
        Route::Terminate { id } => control::terminate(call, id).await,
        Route::Suspend { id } => control::suspend(call, id).await,
        Route::Resume { id } => control::resume(call, id).await,
        Route::Rewind { .. } => Err(Error::NotYet("rewinding an instance")),
        Route::Restart { id } => restart::restart(call, id).await,
        Route::List => list::list(call).await,
        Route::PurgeMany => list::purge(call).await,
        Route::ListEntities { .. } => Err(Error::NotYet("listing entities")),
        Route::ReadEntity { .. } => Err(Error::NotYet("reading an entity")),
        Route::SignalEntity { .. } => Err(Error::NotYet("signalling an entity")),
        // There is one server and so no lease to take: whoever asks is answered by the primary.
        Route::MakePrimary => Ok(answer::empty(StatusCode::OK)),
        Route::Unknown => Err(Error::NoRoute),
    }
}

/// A request without its body, as the operations see it.
struct Call {
    api: Api,
    uri: Uri,
    headers: HeaderMap,
    query: Query,
}

impl Call {
    fn new(api: Api, parts: Parts) -> Self {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Self { api, uri: parts.uri, headers: parts.headers, query }
    }

    /// The hub that `taskHub` names, the default one if it names none. An unknown one reads as empty.
    fn hub(&self) -> Result<HubId, Error> {
        Ok(self.api.manager.hub(self.query.word("taskHub"))?)
    }

    /// The same for a start, which may make the hub, or is told why not.
    async fn hub_for_start(&self) -> Result<HubId, Error> {
        match self.api.manager.hub_or_create(self.query.word("taskHub")).await {
            Err(unknown @ manager::Error::UnknownHub { .. }) => Err(Error::Invalid(unknown.to_string())),
            hub => Ok(hub?),
        }
    }
}

/// Answers for a handler that panicked. The panic itself has been reported by the hook.
fn after_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    Error::Panicked.into_response()
}
