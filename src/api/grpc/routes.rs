//! Where the gRPC services are mounted: all on the one port, all behind the same door.

use super::{
    Sidecar, door, generated::task_hub_sidecar_service_server::TaskHubSidecarServiceServer, health,
    reflection,
};
use crate::api::http::Readiness;
use axum::Router;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

/// Adds the Durable Task service, health checks and server reflection to `router`.
///
/// `message_bytes`: the largest message that is accepted. `stop`: cancelled when the server shuts down.
pub fn mount(
    router: Router,
    sidecar: Sidecar,
    message_bytes: usize,
    readiness: Arc<dyn Readiness>,
    stop: CancellationToken,
) -> Router {
    let sidecar = TaskHubSidecarServiceServer::new(sidecar)
        .max_decoding_message_size(message_bytes)
        .max_encoding_message_size(usize::MAX);
    let door = axum::middleware::from_fn(door);
    router
        .route_service("/TaskHubSidecarService/{rpc}", door.layer(sidecar))
        .route_service("/grpc.health.v1.Health/{rpc}", door.layer(health::service(readiness, stop)))
        .route_service("/grpc.reflection.v1.ServerReflection/{rpc}", door.layer(reflection::current()))
        .route_service("/grpc.reflection.v1alpha.ServerReflection/{rpc}", door.layer(reflection::older()))
}
