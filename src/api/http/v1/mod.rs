//! `/api/v1`: what Durable Functions has no route for. Its parameters and errors are those of the other routes.

mod about;
mod check;
mod counts;
mod csv;
mod entities;
mod explain;
mod export;
mod failures;
mod histogram;
mod hubs;
mod instance;
mod jobs;
mod parked;
mod retention;
mod revisions;
mod row;
mod search;
mod shared;
mod statistics;
mod stream;
mod workers;

pub use about::{Facts, store_bytes};

use super::{Api, Call, Error};
use crate::{auth::Operation, manager, model::HubId};
use axum::{
    Router,
    extract::{FromRequestParts, Path, Request, State},
    http::{Method, request::Parts},
    middleware,
    response::Response,
    routing::{MethodRouter, delete, get, post},
};
use serde::de::DeserializeOwned;
use shared::Desk;

/// Where these routes are mounted.
pub const BASE: &str = "/api/v1";

/// One route: its method and its path below [`BASE`], what it takes, and who answers.
struct Own {
    method: Method,
    path: &'static str,
    operation: Operation,
    answer: fn() -> MethodRouter<Api>,
    /// What every open dashboard asks, whatever it costs.
    shared: bool,
}

const fn own(
    method: Method,
    path: &'static str,
    operation: Operation,
    answer: fn() -> MethodRouter<Api>,
) -> Own {
    Own { method, path, operation, answer, shared: false }
}

/// One whose answer may go to all who ask the same at the same time: it depends on path and query, and never on who asks or on a header.
const fn shared(path: &'static str, answer: fn() -> MethodRouter<Api>) -> Own {
    Own { method: Method::GET, path, operation: Operation::List, answer, shared: true }
}

/// Every route. Who may ask stands beside it, so that none is without.
static ROUTES: [Own; 33] = [
    own(Method::GET, "/about", Operation::Look, || get(about)),
    own(Method::GET, "/check", Operation::Administer, || get(latest_check)),
    own(Method::POST, "/check", Operation::Administer, || post(start_check)),
    shared("/counts", || get(counts)),
    shared("/entities", || get(entities)),
    own(Method::GET, "/export", Operation::List, || get(export)),
    own(Method::GET, "/events", Operation::List, || get(events)),
    shared("/failures", || get(failures)),
    shared("/histogram", || get(histogram)),
    own(Method::GET, "/hubs", Operation::Look, || get(hubs)),
    own(Method::POST, "/hubs", Operation::Administer, || post(create_hub)),
    own(Method::DELETE, "/hubs/{name}", Operation::Administer, || delete(remove_hub)),
    shared("/instances", || get(search)),
    own(Method::GET, "/instances/{id}", Operation::Status, || get(instance)),
    own(Method::POST, "/instances/{id}/discard", Operation::Terminate, || post(discard_parked)),
    own(Method::GET, "/instances/{id}/explain", Operation::Status, || get(explain)),
    own(Method::GET, "/instances/{id}/history", Operation::Status, || get(history)),
    own(Method::GET, "/instances/{id}/history/{index}", Operation::Status, || get(history_event)),
    own(Method::GET, "/instances/{id}/payloads/{part}", Operation::Status, || get(payload)),
    own(Method::POST, "/instances/{id}/retry", Operation::Resume, || post(retry_parked)),
    own(Method::GET, "/instances/{id}/revisions", Operation::Status, || get(revisions)),
    // It shows other instances, too: a link to one of them is not enough.
    own(Method::GET, "/instances/{id}/tree", Operation::List, || get(tree)),
    own(Method::GET, "/jobs", Operation::List, || get(jobs)),
    // What a job does takes more, see there.
    own(Method::POST, "/jobs", Operation::List, || post(start_job)),
    own(Method::GET, "/jobs/{id}", Operation::List, || get(job)),
    own(Method::DELETE, "/jobs/{id}", Operation::List, || delete(delete_job)),
    own(Method::POST, "/jobs/{id}/stop", Operation::List, || post(stop_job)),
    own(Method::GET, "/parked", Operation::List, || get(parked)),
    own(Method::GET, "/queues", Operation::List, || get(queues)),
    own(Method::GET, "/retention", Operation::List, || get(retention)),
    own(Method::GET, "/retention/preview", Operation::List, || get(preview_retention)),
    shared("/statistics", || get(statistics)),
    own(Method::GET, "/workers", Operation::List, || get(workers)),
];

/// The routes below [`BASE`]; another method is 404 like an unknown path.
pub fn router() -> Router<Api> {
    let desk = Desk::default();
    let share = middleware::from_fn(move |request, next| desk.clone().ask(request, next));
    let mut routes = Router::new();
    for own in &ROUTES {
        let answer = (own.answer)();
        let answer = if own.shared { answer.route_layer(share.clone()) } else { answer };
        routes = routes.route(own.path, answer);
    }
    routes.method_not_allowed_fallback(async || Error::NoRoute)
}

/// Method and path of every route, for tests that ask whether each is described.
#[cfg(test)]
pub fn listed() -> impl Iterator<Item = (Method, String)> {
    ROUTES.iter().map(|own| (own.method.clone(), format!("{BASE}{}", own.path)))
}

/// What is known of a request before it is answered.
pub struct Asked {
    /// What it takes.
    pub operation: Operation,
    /// The instance that it is about.
    pub instance: Option<String>,
    /// The route, below [`BASE`], with the names of its parameters.
    pub path: &'static str,
}

/// The route at `path`, as it was sent; `None` if there is no such route.
pub fn asked(method: &Method, path: &str) -> Option<Asked> {
    let below = path.strip_prefix(BASE)?;
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let own = ROUTES.iter().find(|own| own.method == *method && is_at(own.path, below))?;
    let instance = own.path.starts_with("/instances/{id}").then(|| below.split('/').nth(2)).flatten();
    let instance = instance.map(|id| percent_encoding::percent_decode_str(id).decode_utf8());
    let instance = instance.transpose().ok()?.map(Into::into);
    Some(Asked { operation: own.operation, instance, path: own.path })
}

/// Whether `path` has the shape of `pattern`, piece by piece.
fn is_at(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

/// The hub that is asked for; `None`: there is none of this name, which reads as an empty one.
fn known_hub(call: &Call) -> Result<Option<HubId>, Error> {
    match call.hub() {
        Ok(hub) => Ok(Some(hub)),
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The parameters of the path. What is not UTF-8 is the name of nothing.
struct At<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let found = Path::from_request_parts(parts, state).await;
        found.map(|Path(found)| Self(found)).map_err(|_| Error::NoRoute)
    }
}

async fn search(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    search::search(&Call::new(api, parts)).await
}

async fn export(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    export::export(&Call::new(api, parts)).await
}

async fn histogram(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    histogram::histogram(&Call::new(api, parts)).await
}

async fn statistics(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    statistics::statistics(&Call::new(api, parts)).await
}

async fn entities(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    entities::entities(&Call::new(api, parts)).await
}

async fn counts(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    counts::counts(&Call::new(api, parts)).await
}

async fn revisions(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    revisions::revisions(&Call::new(api, parts), id).await
}

async fn failures(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    failures::failures(&Call::new(api, parts)).await
}

async fn about(State(api): State<Api>, parts: Parts) -> Response {
    about::about(&Call::new(api, parts)).await
}

async fn latest_check(State(api): State<Api>, parts: Parts) -> Response {
    check::latest(&Call::new(api, parts))
}

async fn start_check(State(api): State<Api>, parts: Parts) -> Response {
    check::start(&Call::new(api, parts))
}

async fn events(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    stream::stream(&Call::new(api, parts))
}

async fn hubs(State(api): State<Api>, parts: Parts) -> Response {
    hubs::list(&Call::new(api, parts)).await
}

async fn create_hub(State(api): State<Api>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    hubs::create(&Call::new(api, parts), body).await
}

async fn remove_hub(State(api): State<Api>, At(name): At<String>, parts: Parts) -> Result<Response, Error> {
    hubs::remove(&Call::new(api, parts), &name).await
}

async fn explain(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    explain::explain(&Call::new(api, parts), id).await
}

async fn instance(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    instance::instance(&Call::new(api, parts), id).await
}

async fn history(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    instance::history(&Call::new(api, parts), id).await
}

async fn history_event(
    State(api): State<Api>,
    At((id, index)): At<(String, String)>,
    parts: Parts,
) -> Result<Response, Error> {
    instance::event(&Call::new(api, parts), id, &index).await
}

async fn payload(
    State(api): State<Api>,
    At((id, part)): At<(String, String)>,
    parts: Parts,
) -> Result<Response, Error> {
    instance::download(&Call::new(api, parts), id, &part).await
}

async fn tree(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    instance::tree(&Call::new(api, parts), id).await
}

async fn parked(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    parked::list(&Call::new(api, parts)).await
}

async fn retry_parked(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    parked::retry(&Call::new(api, parts), id).await
}

async fn discard_parked(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    parked::discard(&Call::new(api, parts), id).await
}

async fn retention(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    retention::rules(&Call::new(api, parts))
}

async fn preview_retention(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    retention::preview(&Call::new(api, parts)).await
}

async fn queues(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    workers::queues(&Call::new(api, parts))
}

async fn workers(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    workers::workers(&Call::new(api, parts))
}

async fn jobs(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    jobs::list(&Call::new(api, parts)).await
}

async fn start_job(State(api): State<Api>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    jobs::start(&Call::new(api, parts), body).await
}

async fn job(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    jobs::get(&Call::new(api, parts), &id).await
}

async fn stop_job(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    jobs::stop(&Call::new(api, parts), &id).await
}

async fn delete_job(State(api): State<Api>, At(id): At<String>, parts: Parts) -> Result<Response, Error> {
    jobs::delete(&Call::new(api, parts), &id).await
}
