//! The rpcs.

use super::{
    audit::Subject,
    entity,
    generated::task_hub_sidecar_service_server::TaskHubSidecarService,
    history::{self, HistoryStream},
    permit, query, restart, state, status,
};
use crate::{
    api::audit::Trail,
    auth::{Caller, Operation},
    dispatch::{Dispatch, Kind},
    manager::{Error, Manager, Reuse, Start, WaitFor},
    model::{HubId, InstanceId, StatusSet, Timestamp, pb},
    workers::grpc::{self, WorkStream},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// The metadata that names the task hub.
pub(super) const HUB: &str = "taskhub";

type Answer<T> = Result<Response<T>, Status>;

/// The service behind the protocol.
#[derive(Clone)]
pub struct Sidecar {
    manager: Manager,
    dispatch: Dispatch,
    workers: grpc::Settings,
    stop: CancellationToken,
}

impl Sidecar {
    /// `stop`: cancelled when the server shuts down, so that callers who wait are sent away.
    pub fn new(
        manager: Manager,
        dispatch: Dispatch,
        workers: grpc::Settings,
        stop: CancellationToken,
    ) -> Self {
        Self { manager, dispatch, workers, stop }
    }

    /// The hub of a request, which the audit log is told about at the same time.
    fn hub<T: Subject>(&self, request: &Request<T>) -> Result<HubId, Status> {
        note(request);
        self.manager.hub(hub_name(request.metadata())?).map_err(|error| unknown(error, request))
    }

    /// The hub for starting or working in it, made if the settings allow.
    async fn hub_or_create<T: Subject + Sync>(&self, request: &Request<T>) -> Result<HubId, Status> {
        note(request);
        let hub = self.manager.hub_or_create(hub_name(request.metadata())?).await;
        hub.map_err(|error| unknown(error, request))
    }

    /// Waits for an instance. The caller's own deadline ends it: the client hangs up, and this future is dropped.
    async fn wait(
        &self,
        request: Request<pb::GetInstanceRequest>,
        what: WaitFor,
    ) -> Answer<pb::GetInstanceResponse> {
        let hub = self.hub(&request)?;
        let pb::GetInstanceRequest { instance_id, get_inputs_and_outputs: payloads } = request.into_inner();
        let id = InstanceId::lookup(instance_id);
        if id.is_entity() {
            // Entities are instances that these rpcs do not see.
            return Ok(Response::new(state::answer(None, payloads)));
        }
        tokio::select! {
            found = self.manager.wait(hub, &id, what, payloads) => {
                Ok(Response::new(state::answer(found.map_err(status::of_manager)?, payloads)))
            }
            () = self.stop.cancelled() => Err(closing()),
        }
    }
}

fn note<T: Subject>(request: &Request<T>) {
    if let Some(trail) = Trail::of(request.extensions()) {
        request.get_ref().note(trail);
    }
}

/// Names no hub that the caller may not know of.
fn unknown<T>(error: Error, request: &Request<T>) -> Status {
    let caller = request.extensions().get::<Caller>();
    status::of_manager(error.naming_hubs(|hub| caller.is_some_and(|caller| caller.may_know(hub))))
}

fn closing() -> Status {
    Status::unavailable("the server is shutting down; connect again")
}

fn hub_name(metadata: &MetadataMap) -> Result<Option<&str>, Status> {
    text(metadata, HUB).map_err(|()| Status::invalid_argument("metadata taskhub must be printable ASCII"))
}

fn text<'a>(metadata: &'a MetadataMap, key: &str) -> Result<Option<&'a str>, ()> {
    metadata.get(key).map(|value| value.to_str().map_err(drop)).transpose()
}

/// For the messages whose verbs do not mind that there is nothing left to act on (facts: section 4.3).
fn unless_over(result: Result<(), Error>) -> Result<(), Status> {
    match result {
        Ok(()) | Err(Error::AlreadyEnded { .. } | Error::WrongState { .. }) => Ok(()),
        Err(error) => Err(status::of_manager(error)),
    }
}

/// How an id in use is dealt with (facts: sections 10.4 and 10.5). No policy: ended instances are replaced.
fn reuse(policy: Option<pb::OrchestrationIdReusePolicy>) -> Reuse {
    let Some(policy) = policy else { return Reuse::default() };
    let listed: StatusSet = policy.replaceable_status().collect();
    match policy.action() {
        pb::CreateOrchestrationAction::ReuseActionIgnore => {
            Reuse { replace: StatusSet::NONE, ignore: listed, any_state: false }
        }
        pb::CreateOrchestrationAction::ReuseActionTerminate
        | pb::CreateOrchestrationAction::ReuseActionError => Reuse { replace: listed, ..Reuse::default() },
    }
}

#[tonic::async_trait]
impl TaskHubSidecarService for Sidecar {
    /// Also how workers find out whether to connect: the Go SDK pauses only if this fails.
    async fn hello(&self, _: Request<()>) -> Answer<()> {
        if self.stop.is_cancelled() {
            return Err(closing());
        }
        Ok(Response::new(()))
    }

    async fn start_instance(
        &self,
        request: Request<pb::CreateInstanceRequest>,
    ) -> Answer<pb::CreateInstanceResponse> {
        let hub = self.hub_or_create(&request).await?;
        let trail = Trail::of(request.extensions()).cloned();
        let request = request.into_inner();
        let start = Start {
            name: request.name,
            id: Some(request.instance_id),
            input: request.input,
            version: request.version,
            start_at: request.scheduled_start_timestamp.as_ref().map(Timestamp::at_or_after),
            tags: request.tags,
            trace: request.parent_trace_context,
            execution_id: request.execution_id,
            reuse: reuse(request.orchestration_id_reuse_policy),
            key: None,
        };
        let started = self.manager.start(hub, start).await.map_err(status::of_manager)?;
        trail.iter().for_each(|trail| trail.made(started.id.as_str()));
        Ok(Response::new(pb::CreateInstanceResponse { instance_id: started.id.to_string() }))
    }

    async fn get_instance(
        &self,
        request: Request<pb::GetInstanceRequest>,
    ) -> Answer<pb::GetInstanceResponse> {
        let hub = self.hub(&request)?;
        let pb::GetInstanceRequest { instance_id, get_inputs_and_outputs: payloads } = request.into_inner();
        let id = InstanceId::lookup(instance_id);
        let found = match id.is_entity() {
            true => None,
            false => self.manager.get(hub, &id, payloads).await.map_err(status::of_manager)?,
        };
        Ok(Response::new(state::answer(found, payloads)))
    }

    async fn wait_for_instance_start(
        &self,
        request: Request<pb::GetInstanceRequest>,
    ) -> Answer<pb::GetInstanceResponse> {
        self.wait(request, WaitFor::Start).await
    }

    async fn wait_for_instance_completion(
        &self,
        request: Request<pb::GetInstanceRequest>,
    ) -> Answer<pb::GetInstanceResponse> {
        self.wait(request, WaitFor::End).await
    }

    async fn raise_event(&self, request: Request<pb::RaiseEventRequest>) -> Answer<pb::RaiseEventResponse> {
        let hub = self.hub(&request)?;
        let pb::RaiseEventRequest { instance_id, name, input } = request.into_inner();
        unless_over(self.manager.raise_event(hub, &InstanceId::lookup(instance_id), &name, input).await)?;
        Ok(Response::new(pb::RaiseEventResponse {}))
    }

    async fn terminate_instance(
        &self,
        request: Request<pb::TerminateRequest>,
    ) -> Answer<pb::TerminateResponse> {
        let hub = self.hub(&request)?;
        let pb::TerminateRequest { instance_id, output, recursive } = request.into_inner();
        let id = InstanceId::lookup(instance_id);
        unless_over(self.manager.terminate(hub, &id, output, recursive).await)?;
        Ok(Response::new(pb::TerminateResponse {}))
    }

    async fn suspend_instance(&self, request: Request<pb::SuspendRequest>) -> Answer<pb::SuspendResponse> {
        let hub = self.hub(&request)?;
        let pb::SuspendRequest { instance_id, reason } = request.into_inner();
        unless_over(self.manager.suspend(hub, &InstanceId::lookup(instance_id), reason).await)?;
        Ok(Response::new(pb::SuspendResponse {}))
    }

    async fn resume_instance(&self, request: Request<pb::ResumeRequest>) -> Answer<pb::ResumeResponse> {
        let hub = self.hub(&request)?;
        let pb::ResumeRequest { instance_id, reason } = request.into_inner();
        unless_over(self.manager.resume(hub, &InstanceId::lookup(instance_id), reason).await)?;
        Ok(Response::new(pb::ResumeResponse {}))
    }

    async fn purge_instances(
        &self,
        request: Request<pb::PurgeInstancesRequest>,
    ) -> Answer<pb::PurgeInstancesResponse> {
        let hub = self.hub(&request)?;
        if query::is_of_many(request.get_ref()) {
            permit::also(request.extensions(), Operation::PurgeMany, "a purge of many instances")?;
        }
        query::purge(&self.manager, hub, request.into_inner(), &self.stop).await.map(Response::new)
    }

    async fn query_instances(
        &self,
        request: Request<pb::QueryInstancesRequest>,
    ) -> Answer<pb::QueryInstancesResponse> {
        let hub = self.hub(&request)?;
        query::instances(&self.manager, hub, request.into_inner()).await.map(Response::new)
    }

    async fn list_instance_ids(
        &self,
        request: Request<pb::ListInstanceIdsRequest>,
    ) -> Answer<pb::ListInstanceIdsResponse> {
        let hub = self.hub(&request)?;
        query::ended_ids(&self.manager, hub, request.into_inner()).await.map(Response::new)
    }

    type GetWorkItemsStream = WorkStream;

    async fn get_work_items(&self, request: Request<pb::GetWorkItemsRequest>) -> Answer<WorkStream> {
        if self.stop.is_cancelled() {
            return Err(closing());
        }
        let hub = self.hub_or_create(&request).await?;
        let label = ["workerid", "x-user-agent", "user-agent"]
            .iter()
            .find_map(|key| text(request.metadata(), key).ok().flatten())
            .unwrap_or("unnamed")
            .to_owned();
        // The hub's name belongs into what people read; dispatch knows its number only.
        let label = format!("{label} in hub {}", self.manager.hub_name(hub));
        let older_batches = entity::wants_older_batches(request.metadata())?;
        let offer = grpc::offer(hub, label, request.into_inner(), self.workers);
        Ok(Response::new(WorkStream::open(self.dispatch.clone(), offer, older_batches, self.workers)))
    }

    async fn complete_orchestrator_task(
        &self,
        request: Request<pb::OrchestratorResponse>,
    ) -> Answer<pb::CompleteTaskResponse> {
        let hub = self.hub(&request)?;
        let done = self.dispatch.complete_turn(hub, request.into_inner()).await;
        done.map_err(|error| status::of_answer(&error))?;
        Ok(Response::new(pb::CompleteTaskResponse {}))
    }

    async fn complete_activity_task(
        &self,
        request: Request<pb::ActivityResponse>,
    ) -> Answer<pb::CompleteTaskResponse> {
        let hub = self.hub(&request)?;
        let done = self.dispatch.complete_activity(hub, request.into_inner()).await;
        done.map_err(|error| status::of_answer(&error))?;
        Ok(Response::new(pb::CompleteTaskResponse {}))
    }

    async fn abandon_task_activity_work_item(
        &self,
        request: Request<pb::AbandonActivityTaskRequest>,
    ) -> Answer<pb::AbandonActivityTaskResponse> {
        let hub = self.hub(&request)?;
        self.dispatch.abandon(hub, &request.into_inner().completion_token, Kind::Activity);
        Ok(Response::new(pb::AbandonActivityTaskResponse {}))
    }

    async fn abandon_task_orchestrator_work_item(
        &self,
        request: Request<pb::AbandonOrchestrationTaskRequest>,
    ) -> Answer<pb::AbandonOrchestrationTaskResponse> {
        let hub = self.hub(&request)?;
        self.dispatch.abandon(hub, &request.into_inner().completion_token, Kind::Turn);
        Ok(Response::new(pb::AbandonOrchestrationTaskResponse {}))
    }

    async fn restart_instance(
        &self,
        request: Request<pb::RestartInstanceRequest>,
    ) -> Answer<pb::RestartInstanceResponse> {
        let hub = self.hub(&request)?;
        let trail = Trail::of(request.extensions()).cloned();
        let restarted = restart::restart(&self.manager, hub, request.into_inner()).await?;
        trail.iter().for_each(|trail| trail.made(&restarted.instance_id));
        Ok(Response::new(restarted))
    }

    async fn rewind_instance(
        &self,
        request: Request<pb::RewindInstanceRequest>,
    ) -> Answer<pb::RewindInstanceResponse> {
        let hub = self.hub(&request)?;
        let pb::RewindInstanceRequest { instance_id, reason } = request.into_inner();
        let id = InstanceId::lookup(instance_id);
        self.manager.rewind(hub, &id, reason).await.map_err(status::of_manager)?;
        Ok(Response::new(pb::RewindInstanceResponse {}))
    }

    type StreamInstanceHistoryStream = HistoryStream;

    async fn stream_instance_history(
        &self,
        request: Request<pb::StreamInstanceHistoryRequest>,
    ) -> Answer<HistoryStream> {
        let hub = self.hub(&request)?;
        history::stream(&self.manager, hub, request.into_inner()).await.map(Response::new)
    }

    async fn create_task_hub(
        &self,
        request: Request<pb::CreateTaskHubRequest>,
    ) -> Answer<pb::CreateTaskHubResponse> {
        let name = hub_name(request.metadata())?;
        let anew = request.get_ref().recreate_if_exists;
        self.manager.create_hub(name, anew).await.map_err(status::of_manager)?;
        Ok(Response::new(pb::CreateTaskHubResponse {}))
    }

    async fn delete_task_hub(
        &self,
        request: Request<pb::DeleteTaskHubRequest>,
    ) -> Answer<pb::DeleteTaskHubResponse> {
        let name = hub_name(request.metadata())?;
        match self.manager.delete_hub(name).await {
            // Deleting is what makes it so.
            Ok(()) | Err(Error::UnknownHub { .. }) => Ok(Response::new(pb::DeleteTaskHubResponse {})),
            Err(error) => Err(status::of_manager(error)),
        }
    }

    async fn skip_graceful_orchestration_terminations(
        &self,
        request: Request<pb::SkipGracefulOrchestrationTerminationsRequest>,
    ) -> Answer<pb::SkipGracefulOrchestrationTerminationsResponse> {
        let hub = self.hub(&request)?;
        let pb::SkipGracefulOrchestrationTerminationsRequest { instance_batch, reason } =
            request.into_inner();
        let ids = instance_batch.unwrap_or_default().instance_ids.into_iter().map(InstanceId::lookup);
        let left =
            self.manager.terminate_batch(hub, ids.collect(), reason).await.map_err(status::of_manager)?;
        let unterminated_instance_ids = left.iter().map(ToString::to_string).collect();
        Ok(Response::new(pb::SkipGracefulOrchestrationTerminationsResponse { unterminated_instance_ids }))
    }

    async fn signal_entity(
        &self,
        request: Request<pb::SignalEntityRequest>,
    ) -> Answer<pb::SignalEntityResponse> {
        let hub = self.hub_or_create(&request).await?;
        entity::signal(&self.manager, hub, request.into_inner()).await.map(Response::new)
    }

    async fn get_entity(&self, request: Request<pb::GetEntityRequest>) -> Answer<pb::GetEntityResponse> {
        let hub = self.hub(&request)?;
        entity::get(&self.manager, hub, request.into_inner()).await.map(Response::new)
    }

    async fn query_entities(
        &self,
        request: Request<pb::QueryEntitiesRequest>,
    ) -> Answer<pb::QueryEntitiesResponse> {
        let hub = self.hub(&request)?;
        entity::query(&self.manager, hub, request.into_inner()).await.map(Response::new)
    }

    /// What is empty is removed at once, and a lock goes with its owner: there is never anything left to clean.
    async fn clean_entity_storage(
        &self,
        request: Request<pb::CleanEntityStorageRequest>,
    ) -> Answer<pb::CleanEntityStorageResponse> {
        self.hub(&request)?;
        Ok(Response::new(pb::CleanEntityStorageResponse::default()))
    }

    async fn complete_entity_task(
        &self,
        request: Request<pb::EntityBatchResult>,
    ) -> Answer<pb::CompleteTaskResponse> {
        let hub = self.hub(&request)?;
        let done = self.dispatch.complete_batch(hub, request.into_inner()).await;
        done.map_err(|error| status::of_answer(&error))?;
        Ok(Response::new(pb::CompleteTaskResponse {}))
    }

    async fn abandon_task_entity_work_item(
        &self,
        request: Request<pb::AbandonEntityTaskRequest>,
    ) -> Answer<pb::AbandonEntityTaskResponse> {
        let hub = self.hub(&request)?;
        self.dispatch.abandon(hub, &request.into_inner().completion_token, Kind::Batch);
        Ok(Response::new(pb::AbandonEntityTaskResponse {}))
    }
}
