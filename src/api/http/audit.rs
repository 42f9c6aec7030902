//! What the audit log is told of HTTP.

use super::{
    Api, Query, RequestId,
    admit::{Door, door},
    links,
    route::Route,
    v1,
};
use crate::{
    api::audit::{self, Asked, Trail},
    audit::Outcome,
};
use axum::{
    extract::Request,
    http::{Method, StatusCode},
    response::Response,
};

/// Answers a request by what `answer` makes of it, and records that, if anything is recorded.
pub async fn record<F: Future<Output = Response>>(
    api: Api,
    mut request: Request,
    answer: impl FnOnce(Api, Request) -> F,
) -> Response {
    if !api.auditor.audit.is_on() {
        return answer(api, request).await;
    }
    let trail = Trail::default();
    let (call, changes) = describe(&api, &request, &trail);
    let mut asked = Asked::new(&api.auditor, "http", call, changes, request.extensions(), request.headers());
    asked.request = request.extensions().get().map(RequestId::as_str).map(str::to_owned);
    request.extensions_mut().insert(trail.clone());
    audit::watch(api.auditor.clone(), asked, trail, answer(api, request), outcome).await
}

/// What is asked for, and whether it would change something.
fn describe(api: &Api, request: &Request, trail: &Trail) -> (String, bool) {
    let (method, uri) = (request.method(), request.uri());
    let query = Query::parse(uri.query().unwrap_or_default());
    trail.hub(&audit::hub_called(&api.manager, query.word("taskHub")));
    match door(method, uri.path()) {
        Door::Api { route, .. } => {
            match &route {
                Route::SignalEntity { name: Some(name), key: Some(key), .. } => {
                    trail.instance(&format!("@{name}@{key}"));
                }
                Route::PurgeMany => {
                    let query = format!("?{}", uri.query().unwrap_or_default());
                    trail.about(&links::without_code(&query));
                }
                other => {
                    if let Some(id) = other.instance() {
                        trail.instance(id);
                    }
                }
            }
            (route.name().to_owned(), route.operation().changes())
        }
        Door::Own(v1::Asked { instance, path, .. }) => {
            if let Some(id) = &instance {
                trail.instance(id);
            }
            let reads = matches!(*method, Method::GET | Method::HEAD);
            (format!("{method} {}{path}", v1::BASE), !reads)
        }
        Door::Open | Door::Elsewhere => (Route::Unknown.name().to_owned(), false),
    }
}

fn outcome(response: &Response) -> (Outcome, String) {
    let status = response.status();
    let outcome = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Refused,
        status if status.is_client_error() || status.is_server_error() => Outcome::Failed,
        _ => Outcome::Done,
    };
    (outcome, status.as_u16().to_string())
}
