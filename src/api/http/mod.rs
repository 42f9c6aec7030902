//! The HTTP management API of Durable Functions.
//!
//! A request is matched (`route`), becomes one call on the [`Manager`], and its outcome one answer; every refusal is told in
//! `error`. JSON shapes and status codes live here and nowhere else; rules about instances do not live here at all. Payloads
//! are never parsed into values: they are checked to be JSON and passed on as the text they came as.
//!
//! Routing is our own rather than axum's, because the path rules to be compatible with are unusual; see `route`.

mod admit;
mod answer;
mod audit;
mod body;
mod control;
mod dashboard;
mod docs;
mod embed;
mod entities;
mod error;
mod event_body;
mod events;
mod filter;
mod form;
mod forwarded;
mod guard;
mod health;
mod history;
mod layers;
mod links;
mod list;
mod metrics;
mod prefer;
mod query;
mod request_id;
mod restart;
mod retry;
mod route;
mod settings;
mod signature;
mod start;
mod status;
#[cfg(test)]
mod tests;
mod trace;
mod v1;
mod view;
mod wait;

pub use error::Error;
pub use event_body::Accepted;
pub use health::Readiness;
pub use metrics::Meters;
pub use settings::HttpSettings;
pub use signature::{Secret, Style};
pub use v1::Facts;

use crate::{
    api::{
        Peer,
        audit::{Auditor, Trail},
    },
    auth::{Caller, Gate},
    clock::Clock,
    dispatch::Insight,
    manager::{self, Manager},
    model::{HubId, InstanceId},
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header, request::Parts},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use query::Query;
use request_id::RequestId;
use route::Route;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
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
    /// Shows what goes on.
    pub insight: Arc<dyn Insight>,
    /// Tells how old a signature is.
    pub clock: Arc<dyn Clock>,
    /// Decides who may do what.
    pub gate: Arc<Gate>,
    /// Records who did what.
    pub auditor: Arc<Auditor>,
    /// What the server is.
    pub facts: Arc<Facts>,
    /// What is counted elsewhere.
    pub meters: Meters,
    /// Cancelled when the server shuts down, so that callers who wait are answered.
    pub leaving: CancellationToken,
}

/// All HTTP routes: the management API below [`WEBHOOK_BASE`] and [`RPC_BASE`], `/api/v1`, their description, the dashboard, `/metrics`,
/// `/healthz` and `/readyz`. Any other path or method is 404 with an empty body. The router has a fallback of its own, so others are added to it with `route` and not
/// with `merge`; what lies around these routes does not lie around those.
pub fn router(state: Api) -> Router {
    let (settings, edge) = (state.settings.clone(), state.meters.edge.clone());
    let routes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route(metrics::PATH, get(metrics::metrics))
        .nest(v1::BASE, v1::router())
        .merge(dashboard::router())
        .route("/openapi.yaml", get(docs::description))
        .route("/docs", get(docs::reference))
        .method_not_allowed_fallback(async || Error::NoRoute)
        .fallback(manage)
        .layer(middleware::from_fn_with_state(state.clone(), enter))
        .with_state(state);
    layers::around(routes, &settings, edge)
}

/// What every request goes through before a route sees it: the audit log, what browsers may not do, and who may do what. One layer, because
/// axum clones and boxes what is below each of them for every request.
async fn enter(State(api): State<Api>, request: Request, next: middleware::Next) -> Response {
    let answer = async |api: Api, mut request: Request| {
        if let Err(refusal) = guard::guard(&api, &request) {
            tracing::info!(%refusal, "a request was refused");
            return refusal.into_response();
        }
        match admit::admit(&api, &mut request) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        }
    };
    audit::record(api, request, answer).await
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
        request.id = request.extensions().get().map(RequestId::as_str),
        caller = request.extensions().get().filter(|caller| **caller != Caller::Anyone).map(Caller::to_string),
    );
    let one_request_a_time = request.version() < Version::HTTP_2;
    async move {
        let (parts, body) = request.into_parts();
        let outcome = serve(&Call::new(api, parts), route, body).await;
        let mut response = outcome.unwrap_or_else(Error::into_response);
        if response.status() == StatusCode::REQUEST_TIMEOUT && one_request_a_time {
            // The rest of the body would be taken for the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
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
        Route::Rewind { id } => control::rewind(call, id).await,
        Route::Restart { id } => restart::restart(call, id).await,
        Route::List => list::list(call).await,
        Route::PurgeMany => list::purge(call).await,
        Route::ListEntities { name } => entities::list(call, name).await,
        Route::ReadEntity { name, key } => entities::read(call, &name, &key).await,
        Route::SignalEntity { name, key, delete } => entities::signal(call, name, key, delete, body).await,
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
    peer: Option<Peer>,
    caller: Option<Caller>,
    /// What the audit log will know of it, if it is recorded.
    trail: Option<Trail>,
}

impl Call {
    fn new(api: Api, mut parts: Parts) -> Self {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let (peer, caller, trail) =
            (parts.extensions.remove(), parts.extensions.remove(), parts.extensions.remove());
        Self { api, uri: parts.uri, headers: parts.headers, query, peer, caller, trail }
    }

    /// Tells the audit log more, if there is one.
    fn note(&self, tell: impl FnOnce(&Trail)) {
        if let Some(trail) = &self.trail {
            tell(trail);
        }
    }

    /// Scheme, host and port for links.
    fn origin(&self) -> String {
        links::origin(&self.api.settings, self.peer, &self.uri, &self.headers)
    }

    /// The `code` of a link to this instance, for whoever made this request. `None` if links need none.
    fn code(&self, hub: HubId, id: &InstanceId) -> Option<String> {
        self.api.gate.link(self.caller.as_ref()?, &self.api.manager.hub_name(hub), id.to_string())
    }

    /// The address of this very request about this instance, for looking again. It never repeats a key: a link to the instance takes
    /// the place of whatever stands in `code`.
    fn itself(&self, hub: HubId, id: &InstanceId) -> String {
        let bare = self.query.text(links::CODE).is_none() && self.caller != Some(Caller::Local);
        let code = if bare { None } else { self.code(hub, id) };
        links::itself(&self.origin(), &self.uri, code.as_deref())
    }

    /// The address of this very request, without what stands in `code`.
    fn address(&self) -> String {
        links::without_code(&links::itself(&self.origin(), &self.uri, None))
    }

    /// The hub that `taskHub` names, the default one if it names none. An unknown one reads as empty.
    fn hub(&self) -> Result<HubId, Error> {
        Ok(self.find_hub()?)
    }

    /// The same; the error names no hub that the caller may not know of.
    fn find_hub(&self) -> Result<HubId, manager::Error> {
        let found = self.api.manager.hub(self.query.word("taskHub"));
        found.map_err(|error| self.discreet(error))
    }

    fn discreet(&self, error: manager::Error) -> manager::Error {
        match &self.caller {
            Some(caller) => error.naming_hubs(|hub| caller.may_know(hub)),
            None => error,
        }
    }

    /// The same for a start or a signal, which may make the hub, or is told why not.
    async fn hub_or_create(&self) -> Result<HubId, Error> {
        match self.api.manager.hub_or_create(self.query.word("taskHub")).await {
            Err(unknown @ manager::Error::UnknownHub { .. }) => {
                Err(Error::Invalid(self.discreet(unknown).to_string()))
            }
            hub => Ok(hub?),
        }
    }
}
