//! What the audit log is told of gRPC, and what each request is about.

use super::{permit, service};
use crate::{
    api::{
        EdgeMeter,
        audit::{self, Asked, Auditor, Trail},
    },
    audit::Outcome,
    manager::Manager,
    model::pb,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use std::sync::Arc;
use tonic::{Code, Status};

/// What recording a call takes.
#[derive(Clone)]
pub struct Recorder {
    /// Where records go.
    pub auditor: Arc<Auditor>,
    /// Knows how hubs are called.
    pub manager: Manager,
    /// Counts calls.
    pub edge: EdgeMeter,
}

/// Around the door: every call is counted, and written down if it is for the audit log.
pub async fn record(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let edge = recorder.edge.clone();
    let response = written_down(recorder, request, next).await;
    match response.status() {
        StatusCode::OK => edge.grpc(code(&response)),
        // What does not call itself gRPC.
        status => edge.http(status),
    }
    response
}

/// What workers do is recorded only if it is refused.
async fn written_down(recorder: Recorder, mut request: Request, next: Next) -> Response {
    let Recorder { auditor, manager, .. } = recorder;
    if !auditor.audit.is_on() {
        return next.run(request).await;
    }
    let rpc = request.uri().path().trim_start_matches('/').to_owned();
    let (service, name) = rpc.split_once('/').unwrap_or_default();
    let operation = (service == permit::SERVICE_NAME).then(|| permit::operation(name)).flatten();
    let changes = operation.is_some_and(|operation| operation.changes());
    let call = if operation.is_some() { name.to_owned() } else { rpc };
    let trail = Trail::default();
    let hub = request.headers().get(service::HUB).and_then(|name| name.to_str().ok());
    trail.hub(&audit::hub_called(&manager, hub));
    let asked = Asked::new(&auditor, "grpc", call, changes, request.extensions(), request.headers());
    request.extensions_mut().insert(trail.clone());
    audit::watch(auditor, asked, trail, next.run(request), outcome).await
}

/// What does not succeed is told in the head of the answer, because nothing of it has been sent yet.
fn code(response: &Response) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

fn outcome(response: &Response) -> (Outcome, String) {
    let code = code(response);
    match (response.status(), code) {
        (StatusCode::OK, Code::Ok) => (Outcome::Done, format!("{code:?}")),
        (StatusCode::OK, Code::Unauthenticated | Code::PermissionDenied) => {
            (Outcome::Refused, format!("{code:?}"))
        }
        (StatusCode::OK, _) => (Outcome::Failed, format!("{code:?}")),
        (status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), _) => {
            (Outcome::Refused, status.as_u16().to_string())
        }
        (status, _) => (Outcome::Failed, status.as_u16().to_string()),
    }
}

/// What a request is about, as far as its message says.
pub(super) trait Subject {
    /// Tells it.
    fn note(&self, trail: &Trail);
}

macro_rules! about_one {
    ($($message:ident)*) => { $(
        impl Subject for pb::$message {
            fn note(&self, trail: &Trail) {
                trail.instance(&self.instance_id);
            }
        }
    )* };
}

about_one! {
    CreateInstanceRequest RaiseEventRequest TerminateRequest SuspendRequest ResumeRequest RewindInstanceRequest
    RestartInstanceRequest SignalEntityRequest GetInstanceRequest StreamInstanceHistoryRequest GetEntityRequest
}

/// Of which no instance is told: those of workers, which are many, and those of lists.
macro_rules! about_none {
    ($($message:ident)*) => { $(
        impl Subject for pb::$message {
            fn note(&self, _: &Trail) {}
        }
    )* };
}

about_none! {
    QueryInstancesRequest ListInstanceIdsRequest QueryEntitiesRequest CleanEntityStorageRequest GetWorkItemsRequest
    OrchestratorResponse ActivityResponse EntityBatchResult AbandonActivityTaskRequest AbandonOrchestrationTaskRequest
    AbandonEntityTaskRequest
}

impl Subject for pb::PurgeInstancesRequest {
    fn note(&self, trail: &Trail) {
        use pb::purge_instances_request::Request;
        match &self.request {
            Some(Request::InstanceId(id)) => trail.instance(id),
            Some(Request::InstanceBatch(batch)) => trail.about(&counted(batch)),
            Some(Request::PurgeInstanceFilter(_)) => trail.about("filter"),
            None => {}
        }
    }
}

impl Subject for pb::SkipGracefulOrchestrationTerminationsRequest {
    fn note(&self, trail: &Trail) {
        trail.about(&self.instance_batch.as_ref().map_or_else(|| "0 ids".to_owned(), counted));
    }
}

fn counted(batch: &pb::InstanceBatch) -> String {
    format!("{} ids", batch.instance_ids.len())
}
