//! Where the gRPC services are mounted: all on the one port, all behind the same door.

use super::{
    Porter, Recorder, Sidecar, Sizes, audit, door,
    generated::task_hub_sidecar_service_server::TaskHubSidecarServiceServer, health, reflection,
};
use crate::{api::http::Readiness, auth::Gate};
use axum::{Router, middleware};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

/// Adds the Durable Task service, health checks and server reflection to `router`.
///
/// `sizes`: how large messages may be. `gate`: decides who may call what. `recorder`: writes down who did. `stop`: cancelled when the server
/// shuts down.
pub fn mount(
    router: Router,
    sidecar: Sidecar,
    sizes: Sizes,
    readiness: Arc<dyn Readiness>,
    gate: Arc<Gate>,
    recorder: Recorder,
    stop: CancellationToken,
) -> Router {
    let sidecar = TaskHubSidecarServiceServer::new(sidecar)
        .max_decoding_message_size(sizes.received)
        .max_encoding_message_size(sizes.sent);
    let porter = Porter { gate, manager: recorder.manager.clone() };
    let around = middleware::from_fn_with_state(recorder, audit::record);
    let door = tower::layer::util::Stack::new(middleware::from_fn_with_state(porter, door), around);
    router
        .route_service("/TaskHubSidecarService/{rpc}", door.layer(sidecar))
        .route_service("/grpc.health.v1.Health/{rpc}", door.layer(health::service(readiness, stop)))
        .route_service("/grpc.reflection.v1.ServerReflection/{rpc}", door.layer(reflection::current()))
        .route_service("/grpc.reflection.v1alpha.ServerReflection/{rpc}", door.layer(reflection::older()))
}
