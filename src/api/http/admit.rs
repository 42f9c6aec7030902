//! The door of this room: whoever does not show a key or a link that permits what he asks for is sent away before anything else is
//! looked at. Every route passes here; one that [`door`] does not know exists for administrators only.

use super::{
    Api, Error, Query, RPC_BASE, WEBHOOK_BASE, dashboard, guard, links, metrics, route, signature, v1,
};
use crate::{
    api::{
        audit::Trail,
        caller::{self, Peer},
    },
    auth::{Caller, Operation, Place, Verdict},
};
use axum::{extract::Request, http::Method};
use route::Route;

/// What tells nothing but whether the server is well and how to talk to it.
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/openapi.yaml", "/docs"];

/// Which rule a request falls under.
pub(super) enum Door {
    /// Nobody is asked.
    Open,
    /// An operation of the API, at the second mount or not.
    Api { route: Route, rpc_mount: bool },
    /// One of durahub's own routes.
    Own(v1::Asked),
    /// Anything else.
    Elsewhere,
}

/// Which one `path` is behind.
pub(super) fn door(method: &Method, path: &str) -> Door {
    // The files of the dashboard hold no data; it asks for a key and shows it with every request it makes.
    if OPEN.contains(&path) || dashboard::is_file(path) {
        return Door::Open;
    }
    if path == metrics::PATH {
        return Door::Own(v1::Asked { operation: Operation::Measure, instance: None, path: metrics::PATH });
    }
    if let Some(asked) = v1::asked(method, path) {
        return Door::Own(asked);
    }
    let (below, rpc_mount) = match (route::below(WEBHOOK_BASE, path), route::below(RPC_BASE, path)) {
        (Some(below), _) => (below, false),
        (None, Some(below)) => (below, true),
        (None, None) => return Door::Elsewhere,
    };
    Door::Api { route: route::matches(method, below), rpc_mount }
}

/// Puts the request's [`Caller`] into its extensions, or refuses it: 401 for somebody unknown, 403 for somebody who may not.
pub fn admit(api: &Api, request: &mut Request) -> Result<(), Error> {
    // Browsers ask for permission without showing a key; no route does anything for OPTIONS.
    let caller = match request.method() {
        &Method::OPTIONS => Caller::Anyone,
        _ => judge(api, request)?,
    };
    if let Some(trail) = Trail::of(request.extensions()) {
        trail.caller(&caller);
    }
    request.extensions_mut().insert(caller);
    Ok(())
}

fn judge(api: &Api, request: &Request) -> Result<Caller, Error> {
    if api.gate.is_open() {
        return Ok(Caller::Anyone);
    }
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let credential =
        caller::credential(request.headers()).or_else(|| query.word(links::CODE).map(str::as_bytes));
    let (operation, verdict) = match door(request.method(), request.uri().path()) {
        Door::Open => return Ok(Caller::Anyone),
        Door::Api { rpc_mount: true, .. } if credential.is_none() && is_local(api, request) => {
            return Ok(Caller::Local);
        }
        Door::Api { route, .. } => {
            let operation = route.operation();
            match api.gate.decide(credential, operation, || place(api, &query, route.instance())) {
                // A signature stands in for a key. It is checked together with the body that it is made over.
                Verdict::Unauthenticated | Verdict::Forbidden(_) if is_signed(api, &query, &route) => {
                    return Ok(Caller::Anyone);
                }
                verdict => (operation, verdict),
            }
        }
        Door::Own(v1::Asked { operation, instance, .. }) => {
            (operation, api.gate.decide(credential, operation, || place(api, &query, instance.as_deref())))
        }
        Door::Elsewhere => {
            match api.gate.decide(credential, Operation::Administer, || place(api, &query, None)) {
                Verdict::Forbidden(_) => return Err(Error::NoRoute),
                verdict => (Operation::Administer, verdict),
            }
        }
    };
    match verdict {
        Verdict::Allowed(caller) => Ok(caller),
        Verdict::Unauthenticated => {
            tracing::debug!("refused: no key, or an unknown one");
            Err(Error::Unauthenticated)
        }
        Verdict::Forbidden(caller) => {
            if let Some(trail) = Trail::of(request.extensions()) {
                trail.caller(&caller);
            }
            tracing::info!(%caller, ?operation, "refused: the key or link does not permit this");
            Err(Error::Forbidden)
        }
    }
}

/// Where the path and `taskHub` lead, whether that exists or not.
fn place(api: &Api, query: &Query, instance: Option<&str>) -> Place {
    let hub = api.manager.hub_meant(query.word("taskHub")).to_owned();
    Place { hub, instance: instance.map(str::to_owned) }
}

/// Whether this is an event for a hub whose events are signed.
fn is_signed(api: &Api, query: &Query, route: &Route) -> bool {
    let is_event = matches!(route, Route::RaiseEvent { .. });
    let hub = api.manager.hub(query.word("taskHub")).ok().filter(|_| is_event);
    hub.is_some_and(|hub| signature::is_asked(&api.settings.webhook_secrets, &api.manager.hub_name(hub)))
}

/// Whether this is a client on this machine, at a mount that the settings open to it. A proxy on this machine is not: it speaks for
/// somebody else.
fn is_local(api: &Api, request: &Request) -> bool {
    let near = request.extensions().get::<Peer>().is_some_and(|peer| peer.address().is_loopback());
    // Nor is a page whose name was made to point here.
    let known = guard::calls_known_host(api, request);
    api.settings.open_rpc_mount && near && known && !caller::was_forwarded(request.headers())
}
