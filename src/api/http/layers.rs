//! What lies around the routes of this room, and not around gRPC: names for requests, browsers' permissions, compression, what browsers are
//! told to be careful about, and a net under handlers that panic.

use super::{Error, HttpSettings, request_id};
use crate::api::EdgeMeter;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use std::{any::Any, sync::Arc, time::Duration};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate as _, SizeAbove},
    },
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};

/// Smaller answers are not worth the work.
const COMPRESSED_FROM_BYTES: u64 = 1024;
/// How long a browser may remember what it is permitted.
const PERMITTED_FOR: Duration = Duration::from_secs(60 * 60);
/// What scripts may read of an answer besides what browsers show them anyway.
const EXPOSED: [HeaderName; 6] = [
    header::LOCATION,
    header::RETRY_AFTER,
    HeaderName::from_static("x-ms-continuation-token"),
    header::LINK,
    request_id::REQUEST_ID,
    HeaderName::from_static("preference-applied"),
];

/// The routes with everything around them, the last one outermost.
pub fn around(routes: Router, settings: &HttpSettings, edge: EdgeMeter) -> Router {
    let mut routes = routes.layer(CatchPanicLayer::custom(after_panic));
    if settings.compression {
        let layer = CompressionLayer::new().quality(CompressionLevel::Fastest);
        routes = routes
            .layer(layer.compress_when(SizeAbove::new(COMPRESSED_FROM_BYTES).and(NotForContentType::SSE)));
    }
    if !settings.cors_origins.is_empty() {
        routes = routes.layer(cors(&settings.cors_origins));
    }
    let hardened: Arc<[_]> = hardening(settings).into();
    routes.layer(middleware::from_fn(move |request, next| {
        let (hardened, edge) = (hardened.clone(), edge.clone());
        async move {
            let response = harden(&hardened, request_id::tag(request, next).await);
            edge.http(response.status());
            response
        }
    }))
}

/// What browsers are told with every answer that does not say it otherwise: that it is what it is called, loads nothing, stands in no frame
/// and in no page of another site, is kept nowhere, and that its address, which may hold a link, is told to nobody.
fn hardening(settings: &HttpSettings) -> Vec<(HeaderName, HeaderValue)> {
    let fixed = HeaderValue::from_static;
    let mut headers = vec![
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::CONTENT_SECURITY_POLICY, fixed("default-src 'none'; frame-ancestors 'none'")),
        (header::REFERRER_POLICY, fixed("no-referrer")),
        (header::CACHE_CONTROL, fixed("no-store")),
        (HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin")),
    ];
    if settings.tls && settings.hsts_secs > 0 {
        let age = HeaderValue::try_from(format!("max-age={}", settings.hsts_secs));
        headers.push((header::STRICT_TRANSPORT_SECURITY, age.expect("digits are a header value")));
    }
    headers
}

fn harden(headers: &[(HeaderName, HeaderValue)], mut response: Response) -> Response {
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// Answers preflight requests by itself, before anybody asks for a key: browsers send none with them. Keys travel in headers that a
/// script must set, never in cookies, so credentials need no permission.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = match origins {
        [all] if all == "*" => AllowOrigin::any(),
        some => AllowOrigin::list(some.iter().filter_map(|origin| HeaderValue::try_from(origin).ok())),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(PERMITTED_FOR)
}

/// Answers for a handler that panicked. The panic itself has been reported by the hook.
fn after_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    Error::Panicked.into_response()
}
