//! `grpc.health.v1.Health`: the truth of `/readyz` for whoever asks over gRPC.

use super::generated::task_hub_sidecar_service_server::SERVICE_NAME;
use crate::api::http::Readiness;
use futures_util::{Stream, StreamExt as _};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{Health, HealthServer},
};

/// How often a watcher's stream looks whether anything has changed. Nobody looks while nobody watches.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The service. `stop`: cancelled when the server shuts down.
pub fn service(readiness: Arc<dyn Readiness>, stop: CancellationToken) -> HealthServer<Probe> {
    HealthServer::new(Probe { readiness, stop })
}

/// Answers health checks for the server as a whole (no name) and for the Durable Task service, which are one.
#[derive(Clone)]
pub struct Probe {
    readiness: Arc<dyn Readiness>,
    stop: CancellationToken,
}

impl Probe {
    async fn now(&self, service: &str) -> ServingStatus {
        if !["", SERVICE_NAME].contains(&service) {
            ServingStatus::ServiceUnknown
        } else if !self.stop.is_cancelled() && self.readiness.missing().await.is_empty() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        }
    }
}

fn told(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Health for Probe {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match self.now(&request.get_ref().service).await {
            ServingStatus::ServiceUnknown => Err(Status::not_found("no service of that name is here")),
            status => Ok(Response::new(told(status))),
        }
    }

    /// The status now, then each other one; ends after NOT_SERVING when the server shuts down.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        struct Watch {
            probe: Probe,
            service: String,
            told: Option<ServingStatus>,
        }
        let watch = Watch { probe: self.clone(), service: request.into_inner().service, told: None };
        let changes = futures_util::stream::unfold(watch, |mut watch| async move {
            loop {
                let last =
                    matches!(watch.told, Some(ServingStatus::NotServing | ServingStatus::ServiceUnknown));
                if last && watch.probe.stop.is_cancelled() {
                    return None;
                }
                let status = watch.probe.now(&watch.service).await;
                if watch.told != Some(status) {
                    watch.told = Some(status);
                    return Some((Ok(told(status)), watch));
                }
                let pause = tokio::time::sleep(LOOK_EVERY);
                tokio::select! { () = pause => {}, () = watch.probe.stop.cancelled() => {} }
            }
        });
        Ok(Response::new(changes.boxed()))
    }
}
