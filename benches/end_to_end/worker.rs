//! A worker that costs as little as a worker can: the orchestrator calls `Step` as often as its input says, one after another, and each
//! activity answers at once.

use crate::server::Client;
use durahub::{
    model::{
        Status,
        pb::{self, history_event::EventType, orchestrator_action::OrchestratorActionType as Action},
    },
    workers::grpc::wire::{Request, WorkItem},
};
use prost::Message as _;

/// Serves until the stream ends.
pub async fn serve(mut client: Client) {
    let mut items = client.get_work_items(pb::GetWorkItemsRequest::default()).await.unwrap().into_inner();
    while let Ok(Some(WorkItem { completion_token, request })) = items.message().await {
        let mut client = client.clone();
        match request {
            Some(Request::Orchestrator(turn)) => {
                let actions = vec![decide(&turn.past_events, &turn.new_events)];
                let instance_id = turn.instance_id;
                let answer =
                    pb::OrchestratorResponse { instance_id, actions, completion_token, ..Default::default() };
                tokio::spawn(async move { client.complete_orchestrator_task(answer).await });
            }
            Some(Request::Activity(request)) => {
                let request = pb::ActivityRequest::decode(request).unwrap();
                let instance_id = request.orchestration_instance.unwrap_or_default().instance_id;
                let result = Some("\"done\"".to_owned());
                let answer = pb::ActivityResponse {
                    instance_id,
                    task_id: request.task_id,
                    result,
                    completion_token,
                    ..Default::default()
                };
                tokio::spawn(async move { client.complete_activity_task(answer).await });
            }
            Some(Request::Entity(batch)) => {
                let answer = count(batch, completion_token);
                tokio::spawn(async move { client.complete_entity_task(answer).await });
            }
            Some(Request::OlderEntity(_) | Request::HealthPing(_)) | None => {}
        }
    }
}

/// An entity that counts its operations.
fn count(batch: pb::EntityRequest, completion_token: String) -> pb::EntityBatchResult {
    let before: usize = batch.entity_state.map_or(0, |state| state.parse().unwrap());
    let success = pb::operation_result::ResultType::Success(pb::OperationResultSuccess::default());
    let done = pb::OperationResult { result_type: Some(success) };
    let operations = batch.operation_requests.len();
    pb::EntityBatchResult {
        results: vec![done; operations],
        entity_state: Some((before + operations).to_string()),
        completion_token,
        ..Default::default()
    }
}

/// Replays: how many steps are done, how many are wanted, what comes next.
fn decide(past: &[bytes::Bytes], new: &[pb::HistoryEvent]) -> pb::OrchestratorAction {
    let past = past.iter().map(|event| pb::HistoryEvent::decode(event.clone()).unwrap());
    let (mut done, mut wanted) = (0, 0);
    for event in past.chain(new.iter().cloned()) {
        match event.event_type {
            Some(EventType::ExecutionStarted(started)) => {
                wanted = started.input.unwrap_or_default().parse().unwrap_or(3);
            }
            Some(EventType::TaskCompleted(_)) => done += 1,
            _ => {}
        }
    }
    let action = if done < wanted {
        Action::ScheduleTask(pb::ScheduleTaskAction { name: "Step".into(), ..Default::default() })
    } else {
        Action::CompleteOrchestration(pb::CompleteOrchestrationAction {
            orchestration_status: Status::Completed.into(),
            result: Some("\"done\"".into()),
            ..Default::default()
        })
    };
    pb::OrchestratorAction { id: done, orchestrator_action_type: Some(action) }
}
