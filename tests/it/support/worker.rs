//! Callers and workers on gRPC, with the client generated from our own description.

use super::soon;
use durahub::{
    api::grpc::generated::task_hub_sidecar_service_client::TaskHubSidecarServiceClient, model::pb,
    workers::grpc::wire,
};
use pb::{
    history_event::EventType, operation_result::ResultType, orchestrator_action::OrchestratorActionType,
};
use prost::Message as _;
use std::ops::{Deref, DerefMut};
use tonic::{
    Code, Request, Status, Streaming,
    transport::{Channel, Endpoint},
};

pub type Client = TaskHubSidecarServiceClient<Channel>;

pub async fn channel(url: &str) -> Channel {
    soon("a gRPC connection", Endpoint::from_shared(url.to_owned()).unwrap().connect()).await.unwrap()
}

pub async fn client(url: &str) -> Client {
    TaskHubSidecarServiceClient::new(channel(url).await)
}

/// `message` for the hub called `hub`.
pub fn in_hub<T>(hub: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("taskhub", hub.parse().unwrap());
    request
}

pub fn start_request(name: &str, id: &str) -> pb::CreateInstanceRequest {
    pb::CreateInstanceRequest { instance_id: id.into(), name: name.into(), ..Default::default() }
}

pub fn get_request(id: &str) -> pb::GetInstanceRequest {
    pb::GetInstanceRequest { instance_id: id.into(), get_inputs_and_outputs: true }
}

/// The code of an answer, `Ok` included.
pub fn code_of<T>(answer: &Result<T, Status>) -> Code {
    answer.as_ref().err().map_or(Code::Ok, Status::code)
}

/// A worker that does what the test tells it to, one item at a time.
pub struct Worker {
    hands: Hands,
    stream: Streaming<wire::WorkItem>,
}

/// The part of a worker that answers. Works without a stream, too.
pub struct Hands {
    client: Client,
    hub: String,
    key: Option<String>,
}

/// A turn as a worker sees it.
#[derive(Clone, Debug)]
pub struct Turn {
    pub instance: String,
    pub events: Vec<EventType>,
    pub past: Vec<EventType>,
    /// The past is to be fetched.
    pub fetch: bool,
    token: String,
}

/// What a worker is given.
#[derive(Debug)]
pub enum Work {
    Turn(Turn),
    Activity(pb::ActivityRequest, String),
    Batch(pb::EntityRequest, String),
}

impl Worker {
    /// Joins without filters.
    pub async fn for_everything(url: &str, hub: &str) -> Self {
        Self::join(url, hub, pb::GetWorkItemsRequest::default()).await
    }

    /// Joins without filters, as one that can fetch histories.
    pub async fn fetching(url: &str, hub: &str) -> Self {
        let capabilities = vec![pb::WorkerCapability::HistoryStreaming.into()];
        Self::join(url, hub, pb::GetWorkItemsRequest { capabilities, ..Default::default() }).await
    }

    /// Joins for these orchestrations and activities.
    pub async fn naming(url: &str, hub: &str, orchestrations: &[&str], activities: &[&str]) -> Self {
        let orchestration =
            |name: &&str| pb::OrchestrationFilter { name: (*name).into(), versions: Vec::new() };
        let activity = |name: &&str| pb::ActivityFilter { name: (*name).into(), versions: Vec::new() };
        let filters = pb::WorkItemFilters {
            orchestrations: orchestrations.iter().map(orchestration).collect(),
            activities: activities.iter().map(activity).collect(),
            ..Default::default()
        };
        let request = pb::GetWorkItemsRequest { work_item_filters: Some(filters), ..Default::default() };
        Self::join(url, hub, request).await
    }

    /// Joins without filters, showing a key.
    pub async fn with_key(url: &str, hub: &str, key: &str) -> Self {
        Self::join_as(Some(key), url, hub, pb::GetWorkItemsRequest::default()).await
    }

    async fn join(url: &str, hub: &str, request: pb::GetWorkItemsRequest) -> Self {
        Self::join_as(None, url, hub, request).await
    }

    async fn join_as(key: Option<&str>, url: &str, hub: &str, request: pb::GetWorkItemsRequest) -> Self {
        let mut hands = Hands { client: client(url).await, hub: hub.to_owned(), key: key.map(str::to_owned) };
        let request = hands.asking(request);
        let stream = soon("the work stream opens", hands.client.get_work_items(request)).await;
        Self { stream: stream.unwrap().into_inner(), hands }
    }

    /// Ends the stream, but keeps the connection.
    pub fn hang_up(self) -> Hands {
        self.hands
    }

    /// The next item, or how the stream ended. Pings are passed over.
    pub async fn try_next(&mut self) -> Result<Work, Option<Status>> {
        loop {
            let item = soon("a work item", self.stream.message()).await.map_err(Some)?.ok_or(None)?;
            let token = item.completion_token;
            match item.request.unwrap() {
                wire::Request::HealthPing(_) => {}
                wire::Request::OlderEntity(request) => panic!("nobody asked for this form: {request:?}"),
                wire::Request::Entity(request) => return Ok(Work::Batch(request, token)),
                wire::Request::Activity(bytes) => {
                    return Ok(Work::Activity(pb::ActivityRequest::decode(bytes).unwrap(), token));
                }
                wire::Request::Orchestrator(request) => {
                    let past = request.past_events.into_iter();
                    let past = past.map(|bytes| pb::HistoryEvent::decode(bytes).unwrap());
                    let kinds = |event: pb::HistoryEvent| event.event_type;
                    return Ok(Work::Turn(Turn {
                        instance: request.instance_id,
                        fetch: request.requires_history_streaming,
                        past: past.filter_map(kinds).collect(),
                        events: request.new_events.into_iter().filter_map(kinds).collect(),
                        token,
                    }));
                }
            }
        }
    }

    pub async fn turn(&mut self) -> Turn {
        match self.try_next().await {
            Ok(Work::Turn(turn)) => turn,
            other => panic!("not a turn: {other:?}"),
        }
    }

    pub async fn batch(&mut self) -> (pb::EntityRequest, String) {
        match self.try_next().await {
            Ok(Work::Batch(request, token)) => (request, token),
            other => panic!("not a batch: {other:?}"),
        }
    }

    pub async fn activity(&mut self) -> (pb::ActivityRequest, String) {
        match self.try_next().await {
            Ok(Work::Activity(request, token)) => (request, token),
            other => panic!("not an activity: {other:?}"),
        }
    }

    /// Whether anything but pings has come already.
    pub async fn is_idle(&mut self) -> bool {
        loop {
            tokio::select! {
                biased;
                item = self.stream.message() => match item.unwrap().unwrap().request {
                    Some(wire::Request::HealthPing(_)) => {}
                    _ => return false,
                },
                () = std::future::ready(()) => return true,
            }
        }
    }
}

impl Deref for Worker {
    type Target = Hands;

    fn deref(&self) -> &Hands {
        &self.hands
    }
}

impl DerefMut for Worker {
    fn deref_mut(&mut self) -> &mut Hands {
        &mut self.hands
    }
}

impl Hands {
    /// A request to the hub, with the key if there is one.
    fn asking<T>(&self, message: T) -> Request<T> {
        let mut request = in_hub(&self.hub, message);
        if let Some(key) = &self.key {
            request.metadata_mut().insert("x-functions-key", key.parse().unwrap());
        }
        request
    }

    /// Answers in the name of another hub from now on.
    pub fn claim_hub(&mut self, hub: &str) {
        hub.clone_into(&mut self.hub);
    }

    /// Ends the turn's instance with `output`.
    pub async fn end(&mut self, turn: Turn, output: &str) {
        let action = OrchestratorActionType::CompleteOrchestration(pb::CompleteOrchestrationAction {
            orchestration_status: pb::OrchestrationStatus::Completed.into(),
            result: Some(output.to_owned()),
            ..Default::default()
        });
        self.answer(turn, vec![(-1, action)]).await;
    }

    /// Ends the turn's instance as failed, for `why`.
    pub async fn fail(&mut self, turn: Turn, why: &str) {
        let action = OrchestratorActionType::CompleteOrchestration(pb::CompleteOrchestrationAction {
            orchestration_status: pb::OrchestrationStatus::Failed.into(),
            failure_details: Some(failure(why)),
            ..Default::default()
        });
        self.answer(turn, vec![(-1, action)]).await;
    }

    /// Schedules an activity as task `id`.
    pub async fn schedule(&mut self, turn: Turn, id: i32, activity: &str) {
        let action = pb::ScheduleTaskAction { name: activity.to_owned(), ..Default::default() };
        self.answer(turn, vec![(id, OrchestratorActionType::ScheduleTask(action))]).await;
    }

    /// Calls a sub-orchestration as task `id`, under an id of the caller's choice.
    pub async fn call_child(&mut self, turn: Turn, id: i32, name: &str, instance_id: &str) {
        let action = pb::CreateSubOrchestrationAction {
            name: name.to_owned(),
            instance_id: instance_id.to_owned(),
            ..Default::default()
        };
        self.answer(turn, vec![(id, OrchestratorActionType::CreateSubOrchestration(action))]).await;
    }

    /// Waits for whatever comes.
    pub async fn wait(&mut self, turn: Turn) {
        self.answer(turn, Vec::new()).await;
    }

    /// Answers with actions, each under its id.
    pub async fn answer(&mut self, turn: Turn, actions: Vec<(i32, OrchestratorActionType)>) {
        let actions = actions
            .into_iter()
            .map(|(id, action)| pb::OrchestratorAction { id, orchestrator_action_type: Some(action) });
        let response = pb::OrchestratorResponse {
            instance_id: turn.instance,
            actions: actions.collect(),
            completion_token: turn.token,
            ..Default::default()
        };
        let request = self.asking(response);
        self.client.complete_orchestrator_task(request).await.unwrap();
    }

    /// Completes every operation of an entity's batch, and keeps `state`.
    pub async fn keep(&mut self, (request, token): (pb::EntityRequest, String), state: &str) {
        let success = ResultType::Success(pb::OperationResultSuccess::default());
        let done = pb::OperationResult { result_type: Some(success) };
        let result = pb::EntityBatchResult {
            results: vec![done; request.operation_requests.len()],
            entity_state: Some(state.to_owned()),
            completion_token: token,
            ..Default::default()
        };
        let request = self.asking(result);
        self.client.complete_entity_task(request).await.unwrap();
    }

    /// Completes an activity with `result`.
    pub async fn done(&mut self, activity: (pb::ActivityRequest, String), result: &str) {
        self.complete(activity, Some(result.to_owned()), None).await;
    }

    /// Fails an activity, for `why`.
    pub async fn failed(&mut self, activity: (pb::ActivityRequest, String), why: &str) {
        self.complete(activity, None, Some(failure(why))).await;
    }

    async fn complete(
        &mut self,
        (request, token): (pb::ActivityRequest, String),
        result: Option<String>,
        failure_details: Option<pb::TaskFailureDetails>,
    ) {
        let response = pb::ActivityResponse {
            instance_id: request
                .orchestration_instance
                .map(|instance| instance.instance_id)
                .unwrap_or_default(),
            task_id: request.task_id,
            result,
            failure_details,
            completion_token: token,
        };
        let request = self.asking(response);
        self.client.complete_activity_task(request).await.unwrap();
    }
}

fn failure(why: &str) -> pb::TaskFailureDetails {
    pb::TaskFailureDetails {
        error_type: "Unlucky".to_owned(),
        error_message: why.to_owned(),
        ..Default::default()
    }
}

/// The payloads of the events called `name`, in order.
pub fn raised(events: &[EventType], name: &str) -> Vec<String> {
    let raised = events.iter().filter_map(|event| match event {
        EventType::EventRaised(event) if event.name == name => event.input.clone(),
        _ => None,
    });
    raised.collect()
}
