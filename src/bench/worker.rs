//! A worker that costs as little as a worker can. It takes only the work that this program makes.

use super::{
    functions::{self, Replay},
    target::{Client, Target, told},
};
use crate::{
    model::pb,
    workers::grpc::wire::{OrchestratorRequest, Request, WorkItem},
};
use prost::Message as _;
use tokio::task::JoinHandle;

/// Connects; serves until the stream ends or the answer is aborted.
pub async fn connect(target: &Target) -> Result<JoinHandle<()>, String> {
    let mut client = target.other_client().await?;
    let orchestrations =
        functions::ORCHESTRATORS.map(|name| pb::OrchestrationFilter { name: name.into(), versions: vec![] });
    let filters = pb::WorkItemFilters {
        orchestrations: orchestrations.into(),
        activities: vec![pb::ActivityFilter { name: functions::STEP.into(), versions: vec![] }],
        entities: vec![pb::EntityFilter { name: functions::COUNTER.into() }],
    };
    let request = pb::GetWorkItemsRequest { work_item_filters: Some(filters), ..Default::default() };
    // Some servers answer a stream only when they have work for it, so nobody waits for that here.
    Ok(tokio::spawn(async move {
        let mut items = match client.get_work_items(request).await {
            Ok(items) => items.into_inner(),
            Err(status) => {
                return eprintln!("durahub: the worker of this benchmark gets no work: {}", told(status));
            }
        };
        while let Ok(Some(item)) = items.message().await {
            serve(item, client.clone());
        }
    }))
}

/// Answers one item. An answer that is refused will be asked for again; whoever waits for it sees what comes of that.
fn serve(item: WorkItem, mut client: Client) {
    let WorkItem { completion_token, request } = item;
    match request {
        Some(Request::Orchestrator(turn)) => {
            let instance_id = turn.instance_id.clone();
            let actions = decide(turn);
            let answer =
                pb::OrchestratorResponse { instance_id, actions, completion_token, ..Default::default() };
            tokio::spawn(async move { client.complete_orchestrator_task(answer).await });
        }
        Some(Request::Activity(request)) => {
            let Ok(request) = pb::ActivityRequest::decode(request) else { return };
            let instance_id = request.orchestration_instance.unwrap_or_default().instance_id;
            let (task_id, result) = (request.task_id, Some(functions::DONE.to_owned()));
            let answer =
                pb::ActivityResponse { instance_id, task_id, result, completion_token, ..Default::default() };
            tokio::spawn(async move { client.complete_activity_task(answer).await });
        }
        Some(Request::Entity(batch)) => {
            let operations = batch.operation_requests.len();
            let success = pb::operation_result::ResultType::Success(pb::OperationResultSuccess::default());
            let answer = pb::EntityBatchResult {
                results: vec![pb::OperationResult { result_type: Some(success) }; operations],
                entity_state: Some(functions::count(batch.entity_state.as_deref(), operations)),
                completion_token,
                ..Default::default()
            };
            tokio::spawn(async move { client.complete_entity_task(answer).await });
        }
        Some(Request::OlderEntity(_) | Request::HealthPing(_)) | None => {}
    }
}

fn decide(turn: OrchestratorRequest) -> Vec<pb::OrchestratorAction> {
    let mut replay = Replay::default();
    turn.past_events
        .into_iter()
        .filter_map(|event| pb::HistoryEvent::decode(event).ok())
        .for_each(|event| replay.event(event));
    turn.new_events.into_iter().for_each(|event| replay.event(event));
    replay.decide()
}
