//! What lies around the routes of this room, and not around gRPC: names for requests, browsers' permissions, compression, and a
//! net under handlers that panic.

use super::{Error, HttpSettings, request_id};
use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use std::{any::Any, time::Duration};
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
pub fn around(routes: Router, settings: &HttpSettings) -> Router {
    let mut routes = routes.layer(CatchPanicLayer::custom(after_panic));
    if settings.compression {
        let layer = CompressionLayer::new().quality(CompressionLevel::Fastest);
        routes = routes
            .layer(layer.compress_when(SizeAbove::new(COMPRESSED_FROM_BYTES).and(NotForContentType::SSE)));
    }
    if !settings.cors_origins.is_empty() {
        routes = routes.layer(cors(&settings.cors_origins));
    }
    routes.layer(middleware::from_fn(request_id::tag))
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
