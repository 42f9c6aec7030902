//! `/api/v1`: what Durable Functions has no route for. Its parameters and errors are those of the other routes.

mod about;
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
mod revisions;
mod row;
mod search;
mod shared;
mod statistics;
mod stream;
mod workers;

pub use about::Facts;

use super::{Api, Call, Error};
use crate::{auth::Operation, manager, model::HubId};
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{Method, request::Parts},
    middleware,
    response::Response,
    routing::{delete, get, post},
};
use shared::Desk;

/// Where these routes are mounted.
pub const BASE: &str = "/api/v1";

/// The routes below [`BASE`]; another method is 404 like an unknown path.
pub fn router() -> Router<Api> {
    let desk = Desk::default();
    // What every open dashboard asks, whatever it costs.
    let shared = Router::new()
        .route("/counts", get(counts))
        .route("/entities", get(entities))
        .route("/failures", get(failures))
        .route("/histogram", get(histogram))
        .route("/instances", get(search))
        .route("/statistics", get(statistics))
        .route_layer(middleware::from_fn(move |request, next| desk.clone().ask(request, next)));
    Router::new()
        .merge(shared)
        .route("/about", get(about))
        .route("/export", get(export))
        .route("/events", get(events))
        .route("/hubs", get(hubs).post(create_hub))
        .route("/hubs/{name}", delete(remove_hub))
        .route("/instances/{id}", get(instance))
        .route("/instances/{id}/explain", get(explain))
        .route("/instances/{id}/history", get(history))
        .route("/instances/{id}/history/{index}", get(history_event))
        .route("/instances/{id}/payloads/{part}", get(payload))
        .route("/instances/{id}/revisions", get(revisions))
        .route("/instances/{id}/tree", get(tree))
        .route("/jobs", get(jobs).post(start_job))
        .route("/jobs/{id}", get(job).delete(delete_job))
        .route("/jobs/{id}/stop", post(stop_job))
        .route("/queues", get(queues))
        .route("/workers", get(workers))
        .method_not_allowed_fallback(async || Error::NoRoute)
}

/// What the route at `path`, as it was sent, takes, and the instance that it is about; `None` if there is no such route.
pub fn permission(method: &Method, path: &str) -> Option<(Operation, Option<String>)> {
    let segments: Vec<&str> = path.strip_prefix(BASE)?.strip_prefix('/')?.split('/').collect();
    match segments.as_slice() {
        ["hubs"] if *method == Method::GET => Some((Operation::List, None)),
        ["hubs"] | ["hubs", _] => Some((Operation::Administer, None)),
        [
            "about" | "counts" | "entities" | "events" | "export" | "failures" | "histogram" | "instances"
            | "queues" | "statistics" | "workers",
        ] => Some((Operation::List, None)),
        // What a job does takes more, see there.
        ["jobs"] | ["jobs", _] | ["jobs", _, "stop"] => Some((Operation::List, None)),
        ["instances", id]
        | ["instances", id, "explain" | "history" | "revisions"]
        | ["instances", id, "history" | "payloads", _] => {
            let id = percent_encoding::percent_decode_str(id).decode_utf8().ok()?;
            Some((Operation::Status, Some(id.into_owned())))
        }
        // It shows other instances, too: a link to one of them is not enough.
        ["instances", _, "tree"] => Some((Operation::List, None)),
        _ => None,
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

async fn revisions(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    revisions::revisions(&Call::new(api, parts), id).await
}

async fn failures(State(api): State<Api>, parts: Parts) -> Result<Response, Error> {
    failures::failures(&Call::new(api, parts)).await
}

async fn about(State(api): State<Api>, parts: Parts) -> Response {
    about::about(&Call::new(api, parts)).await
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

async fn remove_hub(
    State(api): State<Api>,
    Path(name): Path<String>,
    parts: Parts,
) -> Result<Response, Error> {
    hubs::remove(&Call::new(api, parts), &name).await
}

async fn explain(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    explain::explain(&Call::new(api, parts), id).await
}

async fn instance(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    instance::instance(&Call::new(api, parts), id).await
}

async fn history(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    instance::history(&Call::new(api, parts), id).await
}

async fn history_event(
    State(api): State<Api>,
    Path((id, index)): Path<(String, String)>,
    parts: Parts,
) -> Result<Response, Error> {
    instance::event(&Call::new(api, parts), id, &index).await
}

async fn payload(
    State(api): State<Api>,
    Path((id, part)): Path<(String, String)>,
    parts: Parts,
) -> Result<Response, Error> {
    instance::download(&Call::new(api, parts), id, &part).await
}

async fn tree(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    instance::tree(&Call::new(api, parts), id).await
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

async fn job(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    jobs::get(&Call::new(api, parts), &id).await
}

async fn stop_job(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    jobs::stop(&Call::new(api, parts), &id).await
}

async fn delete_job(State(api): State<Api>, Path(id): Path<String>, parts: Parts) -> Result<Response, Error> {
    jobs::delete(&Call::new(api, parts), &id).await
}
