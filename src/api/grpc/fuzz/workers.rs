//! What workers answer.

use super::*;
use pb::{
    operation_action::OperationActionType, operation_result::ResultType,
    orchestrator_action::OrchestratorActionType as Action,
};
use proptest::sample::select;

/// A worker that is given everything.
struct Worker {
    seat: Seat,
}

impl Worker {
    fn join(target: &Target) -> Self {
        let offer = Offer {
            label: "w".into(),
            hub: Some(target.hub),
            serves: Serves::Everything,
            embedded: false,
            fetches_history: false,
            max_turns: 1_000,
            max_activities: 1_000,
            max_batches: 1_000,
        };
        Self { seat: target.dispatch.join(offer) }
    }

    async fn next(&mut self) -> WorkItem {
        tokio::time::timeout(PATIENCE, self.seat.items.recv()).await.unwrap().unwrap()
    }

    /// The turn of this instance.
    async fn turn(&mut self, id: &str) -> String {
        loop {
            if let WorkItem::Turn(turn) = self.next().await
                && turn.instance.id.as_str() == id
            {
                return turn.token;
            }
        }
    }
}

fn actions() -> Vec<Action> {
    let text = |text: &str| Some(text.to_owned());
    let at = Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 1 });
    vec![
        Action::ScheduleTask(pb::ScheduleTaskAction {
            name: "A".into(),
            input: text("1"),
            tags: [("k".to_owned(), "v".to_owned())].into(),
            ..Default::default()
        }),
        Action::CreateTimer(pb::CreateTimerAction { fire_at: at }),
        Action::CreateSubOrchestration(pb::CreateSubOrchestrationAction {
            instance_id: "child".into(),
            name: "G".into(),
            input: text("1"),
            ..Default::default()
        }),
        Action::SendEvent(pb::SendEventAction {
            instance: Some(pb::OrchestrationInstance { instance_id: "somebody".into(), execution_id: None }),
            name: "E".into(),
            data: text("1"),
        }),
        Action::SendEntityMessage(pb::SendEntityMessageAction {
            entity_message_type: Some(
                pb::send_entity_message_action::EntityMessageType::EntityOperationCalled(
                    pb::EntityOperationCalledEvent {
                        request_id: "0a1b2c3d-0000-4000-8000-00000000abcd".into(),
                        operation: "get".into(),
                        target_instance_id: text("@counter@k"),
                        ..Default::default()
                    },
                ),
            ),
        }),
        Action::CompleteOrchestration(pb::CompleteOrchestrationAction {
            orchestration_status: pb::OrchestrationStatus::ContinuedAsNew.into(),
            result: text("1"),
            new_version: text("2"),
            carryover_events: vec![pb::HistoryEvent::default()],
            ..Default::default()
        }),
        Action::CompleteOrchestration(pb::CompleteOrchestrationAction {
            orchestration_status: pb::OrchestrationStatus::Failed.into(),
            failure_details: Some(pb::TaskFailureDetails {
                error_type: "T".into(),
                error_message: "m".into(),
                inner_failure: Some(Box::default()),
                ..Default::default()
            }),
            ..Default::default()
        }),
    ]
}

/// An answer to a turn: some of the actions, in their order.
fn turn_answer(token: &str, mask: u8) -> Vec<u8> {
    let chosen = actions().into_iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
    let action = |(bit, action)| pb::OrchestratorAction {
        id: i32::try_from(bit).unwrap(),
        orchestrator_action_type: Some(action),
    };
    let answer = pb::OrchestratorResponse {
        instance_id: "victim".into(),
        actions: chosen.map(action).collect(),
        custom_status: Some("{\"a\":1}".into()),
        completion_token: token.into(),
        num_events_processed: Some(2),
        ..Default::default()
    };
    answer.encode_to_vec()
}

fn activity_answer(token: &str, mask: u8) -> Vec<u8> {
    let failed =
        pb::TaskFailureDetails { error_type: "T".into(), error_message: "m".into(), ..Default::default() };
    let answer = pb::ActivityResponse {
        instance_id: "victim".into(),
        task_id: 0,
        result: Some("[1]".into()),
        failure_details: (mask.is_multiple_of(2)).then_some(failed),
        completion_token: token.into(),
    };
    answer.encode_to_vec()
}

fn batch_answer(token: &str, mask: u8) -> Vec<u8> {
    let success =
        ResultType::Success(pb::OperationResultSuccess { result: Some("1".into()), ..Default::default() });
    let failure = ResultType::Failure(pb::OperationResultFailure {
        failure_details: Some(pb::TaskFailureDetails::default()),
        ..Default::default()
    });
    let signal = OperationActionType::SendSignal(pb::SendSignalAction {
        instance_id: "@counter@other".into(),
        name: "add".into(),
        input: Some("1".into()),
        ..Default::default()
    });
    let start = OperationActionType::StartNewOrchestration(pb::StartNewOrchestrationAction {
        instance_id: "started".into(),
        name: "G".into(),
        ..Default::default()
    });
    let action = |(id, action)| pb::OperationAction { id, operation_action_type: Some(action) };
    let answer = pb::EntityBatchResult {
        results: vec![pb::OperationResult {
            result_type: Some(if mask.is_multiple_of(2) { success } else { failure }),
        }],
        actions: [(1, signal), (2, start)].map(action).into(),
        entity_state: Some("{\"n\":1}".into()),
        failure_details: (mask.is_multiple_of(5)).then(pb::TaskFailureDetails::default),
        completion_token: token.into(),
        ..Default::default()
    };
    answer.encode_to_vec()
}

/// What is answered: which rpc, the right answer, and how it is read.
type Kind = (&'static str, fn(&str, u8) -> Vec<u8>, Reread);

const KINDS: [Kind; 3] = [
    ("CompleteOrchestratorTask", turn_answer, reread::<pb::OrchestratorResponse>),
    ("CompleteActivityTask", activity_answer, reread::<pb::ActivityResponse>),
    ("CompleteEntityTask", batch_answer, reread::<pb::EntityBatchResult>),
];

/// A server on which one item is out for whom it concerns, and one for somebody else; both tokens.
async fn given(kind: &str) -> (Target, Worker, String, String) {
    let target = Target::new().await;
    let mut worker = Worker::join(&target);
    target.start("bystander").await;
    let other = worker.turn("bystander").await;
    if kind == "CompleteEntityTask" {
        let signal = crate::manager::Signal {
            entity: crate::model::EntityId::parse("@counter@k").unwrap(),
            operation: "add".into(),
            input: Some("1".into()),
            due: None,
            request_id: None,
        };
        target.manager.signal_entity(target.hub, signal).await.unwrap();
        let token = worker.next().await.token().to_owned();
        return (target, worker, token, other);
    }
    target.start("victim").await;
    let mut token = worker.turn("victim").await;
    if kind == "CompleteActivityTask" {
        // The first of the actions schedules one.
        let told = target.call("CompleteOrchestratorTask", &turn_answer(&token, 1), PATIENCE).await;
        told.unwrap().unwrap();
        token = worker.next().await.token().to_owned();
    }
    (target, worker, token, other)
}

#[test]
fn no_answer_of_a_worker_concerns_anybody_but_whom_it_is_for() {
    let runtime = runtime();
    let case = (select(&KINDS[..]), any::<u8>(), messages::changes());
    proptest!(fuzz::config(250), |(((rpc, right, reread), mask, changes) in case)| {
        runtime.block_on(async {
            let (target, mut worker, token, other) = given(rpc).await;
            let bystander = InstanceId::lookup("bystander");
            let look = async || target.manager.get(target.hub, &bystander, true).await.unwrap().unwrap();
            let before = format!("{:?}", look().await);

            let bytes = messages::changed(&right(&token, mask), &changes);
            let is_message = reread(&bytes)?;
            let told = target.call(rpc, &bytes, PATIENCE).await;
            prop_assert!(told.is_some(), "it does not end");
            is_fair(told.as_ref(), is_message)?;

            // Whatever that did, it did to the one instance: the other one has not moved, and ends as its own worker says.
            prop_assert_eq!(format!("{:?}", look().await), before);
            let end = Action::CompleteOrchestration(pb::CompleteOrchestrationAction {
                orchestration_status: pb::OrchestrationStatus::Completed.into(),
                result: Some("\"fine\"".into()),
                ..Default::default()
            });
            let answer = pb::OrchestratorResponse {
                instance_id: "bystander".into(),
                actions: vec![pb::OrchestratorAction { id: -1, orchestrator_action_type: Some(end) }],
                completion_token: other,
                ..Default::default()
            };
            let told = target.call("CompleteOrchestratorTask", &answer.encode_to_vec(), PATIENCE).await;
            prop_assert!(matches!(told, Some(Ok(()))), "{told:?}");
            let ended = look().await;
            prop_assert_eq!(ended.payloads.output.as_deref(), Some("\"fine\""));

            // And that instance is in nobody's way: it can be ended, and the server takes new work.
            let victim = InstanceId::lookup("victim");
            if let Some(found) = target.manager.get(target.hub, &victim, false).await.unwrap()
                && !found.has_ended()
            {
                target.manager.terminate(target.hub, &victim, None, false).await.unwrap();
            }
            target.start("after all").await;
            worker.turn("after all").await;
            prop_assert!(target.dispatch.missing().is_empty(), "{:?}", target.dispatch.missing());
            Ok(())
        })?;
    });
}
