//! The history as gRPC clients stream it: the same as `showHistory` shows and workers replay.

use crate::support::{Client, Inside, Worker, code_of, in_hub, raised, start_request};
use durahub::{
    model::pb::{self, history_event::EventType, orchestrator_action::OrchestratorActionType},
    workers::embedded::Registry,
};
use prost::Message as _;
use serde_json::Value;
use tonic::Code;

/// What an SDK takes in at most by default, less a good margin.
const MESSAGE_LIMIT: usize = 3 * 1024 * 1024;

fn request(id: &str) -> pb::StreamInstanceHistoryRequest {
    pb::StreamInstanceHistoryRequest { instance_id: id.into(), ..Default::default() }
}

/// The messages of a stream, decoded as an SDK would.
async fn pieces(
    client: &mut Client,
    request: pb::StreamInstanceHistoryRequest,
) -> Vec<Vec<pb::HistoryEvent>> {
    let mut stream = client.stream_instance_history(request).await.unwrap().into_inner();
    let mut pieces = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        let bytes = piece.encode_to_vec();
        assert!(bytes.len() < MESSAGE_LIMIT, "{} bytes", bytes.len());
        pieces.push(pb::HistoryChunk::decode(bytes.as_slice()).unwrap().events);
    }
    pieces
}

async fn history(client: &mut Client, id: &str) -> Vec<pb::HistoryEvent> {
    let events = pieces(client, request(id)).await.concat();
    let as_worker = pb::StreamInstanceHistoryRequest { for_work_item_processing: true, ..request(id) };
    assert_eq!(pieces(client, as_worker).await.concat(), events, "workers read the same");
    events
}

/// What `showHistory` should show of an event that it shows: name, moment, and what came out of it.
fn shown(event: &pb::HistoryEvent) -> Option<(&'static str, String, Option<String>)> {
    let (name, result) = match event.event_type.as_ref()? {
        EventType::ExecutionStarted(_) => ("ExecutionStarted", None),
        EventType::TaskCompleted(it) => ("TaskCompleted", it.result.clone()),
        EventType::TimerCreated(_) => ("TimerCreated", None),
        EventType::TimerFired(_) => ("TimerFired", None),
        EventType::EventRaised(it) => ("EventRaised", it.input.clone()),
        EventType::ExecutionCompleted(it) => ("ExecutionCompleted", it.result.clone()),
        EventType::OrchestratorStarted(_) | EventType::OrchestratorCompleted(_) => return None,
        // All have completed, and then the completion stands for both.
        EventType::TaskScheduled(_) => return None,
        other => panic!("not in these histories: {other:?}"),
    };
    let at = event.timestamp.unwrap();
    let moment = chrono::DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).unwrap()).unwrap();
    Some((name, moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(), result))
}

/// The same of a row of `showHistory`.
fn row(row: &Value) -> (String, String, Option<String>) {
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    let moment: chrono::DateTime<chrono::Utc> = text("Timestamp").unwrap().parse().unwrap();
    let name = text("EventType").unwrap();
    let result = if name == "EventRaised" {
        text("Input")
    } else {
        row.get("Result").filter(|result| !result.is_null()).map(Value::to_string)
    };
    (name, moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(), result)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_is_what_show_history_shows() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    server.start("HelloCities", "cities", "").await;
    server.start("SlowChain", "chain", r#"{"steps":3,"delayMs":1}"#).await;
    server.start("HumanApproval", "approval", "").await;
    server.raise("approval", "Approval", "true").await;
    for id in ["cities", "chain", "approval"] {
        server.until(id, "Completed").await;
        let events = history(&mut client, id).await;
        let expected: Vec<_> = events
            .iter()
            .filter_map(shown)
            .map(|(name, moment, result)| (name.to_owned(), moment, result))
            .collect();
        let target = format!("instances/{id}?showHistory=true&showHistoryOutput=true");
        let status = server.get(&target).await.json();
        let rows: Vec<_> = status["historyEvents"].as_array().unwrap().iter().map(row).collect();
        assert_eq!(rows, expected, "{id}");
        assert!(rows.len() >= 3, "{rows:?}");
        let count = |is: fn(&EventType) -> bool| {
            events.iter().filter(|event| event.event_type.as_ref().is_some_and(is)).count()
        };
        assert_eq!(count(|event| matches!(event, EventType::ExecutionStarted(_))), 1);
        assert_eq!(count(|event| matches!(event, EventType::ExecutionCompleted(_))), 1);
        assert!(events.iter().all(|event| event.timestamp.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_instance_streams_what_its_worker_would_replay() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    server.start("F", "i", "").await;
    assert_eq!(history(&mut client, "i").await, [], "no turn yet");
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let turn = worker.turn().await;
    assert_eq!(history(&mut client, "i").await, [], "held, and not answered");
    worker.schedule(turn, 1, "A").await;
    let activity = worker.activity().await;
    worker.done(activity, "7").await;
    let turn = worker.turn().await;
    let kinds = history(&mut client, "i").await.into_iter().filter_map(|event| event.event_type);
    assert_eq!(kinds.collect::<Vec<_>>(), turn.past);
    assert!(!turn.past.is_empty());
    worker.end(turn, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_history_comes_in_order_and_in_pieces_that_every_sdk_takes() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("F", "i", "").await;
    let turn = worker.turn().await;
    // All by one turn, so in one stored chunk that no message could hold.
    let inputs: Vec<String> = (0..5).map(|n| format!("\"{n}{}\"", "x".repeat(700_000))).collect();
    let actions = (0..).zip(&inputs).map(|(id, input)| {
        let input = Some(input.clone());
        let action = pb::ScheduleTaskAction { name: "A".into(), input, ..Default::default() };
        (id, OrchestratorActionType::ScheduleTask(action))
    });
    worker.answer(turn, actions.collect()).await;
    let pieces = pieces(&mut client, request("i")).await;
    assert!(pieces.len() >= 4, "{} pieces", pieces.len());
    let sent: Vec<_> = pieces
        .concat()
        .into_iter()
        .filter_map(|event| match event.event_type {
            Some(EventType::TaskScheduled(scheduled)) => Some((event.event_id, scheduled.input.unwrap())),
            _ => None,
        })
        .collect();
    assert!(sent == (0..).zip(inputs).collect::<Vec<_>>(), "every input once and in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_current_execution_of_an_instance_that_exists_has_a_history() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    let start =
        pb::CreateInstanceRequest { execution_id: Some("one".into()), ..start_request("HelloCities", "i") };
    client.start_instance(start).await.unwrap();
    server.until("i", "Completed").await;
    let whole = history(&mut client, "i").await;
    for (execution, found) in [(Some("one"), true), (Some(""), true), (Some("other"), false)] {
        let asked =
            pb::StreamInstanceHistoryRequest { execution_id: execution.map(Into::into), ..request("i") };
        if found {
            assert_eq!(pieces(&mut client, asked).await.concat(), whole);
        } else {
            assert_eq!(code_of(&client.stream_instance_history(asked).await), Code::NotFound);
        }
    }
    let restart = pb::RestartInstanceRequest { instance_id: "i".into(), ..Default::default() };
    client.restart_instance(restart).await.unwrap();
    let old = pb::StreamInstanceHistoryRequest { execution_id: Some("one".into()), ..request("i") };
    assert_eq!(code_of(&client.stream_instance_history(old).await), Code::NotFound);
    assert_eq!(code_of(&client.stream_instance_history(request("missing")).await), Code::NotFound);
    let elsewhere = client.stream_instance_history(in_hub("none", request("i"))).await;
    assert_eq!(code_of(&elsewhere), Code::NotFound);
}

/// A running instance with a little more than this many bytes in its history.
async fn grown(server: &Inside, worker: &mut Worker, id: &str, bytes: usize) {
    const PIECE: usize = 512 * 1024;
    server.start("F", id, "").await;
    let turn = worker.turn().await;
    worker.wait(turn).await;
    for _ in 0..=bytes / PIECE {
        let event = format!("\"{}\"", "x".repeat(PIECE));
        server.post(&format!("instances/{id}/raiseEvent/E"), &event).await.is_empty(202);
        let turn = worker.turn().await;
        worker.wait(turn).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_can_fetch_histories_outlives_the_limit_of_a_message() {
    let server = Inside::serving(Registry::new(), |_| {}).await;
    let mut worker = Worker::fetching(&server.url, "default").await;
    grown(&server, &mut worker, "long", 5 << 20).await;
    server.post("instances/long/raiseEvent/Last", "1").await.is_empty(202);
    let turn = worker.turn().await;
    assert!(turn.fetch && turn.past.is_empty() && raised(&turn.events, "Last") == ["1"]);
    let as_worker = pb::StreamInstanceHistoryRequest { for_work_item_processing: true, ..request("long") };
    let past = pieces(&mut server.grpc().await, as_worker).await.concat();
    let past: Vec<_> = past.into_iter().filter_map(|event| event.event_type).collect();
    assert_eq!(raised(&past, "E").len(), 11);
    assert!(raised(&past, "Last").is_empty());
    worker.end(turn, "2").await;
    server.until("long", "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_histories_come_with_the_turn_also_to_a_worker_that_can_fetch_them() {
    let server = Inside::serving(Registry::new(), |_| {}).await;
    let mut worker = Worker::fetching(&server.url, "default").await;
    grown(&server, &mut worker, "short", 1).await;
    server.post("instances/short/raiseEvent/Last", "1").await.is_empty(202);
    let turn = worker.turn().await;
    assert!(!turn.fetch);
    assert_eq!(raised(&turn.past, "E").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_fetch_fails_the_instance_and_keeps_its_stream() {
    let server = Inside::serving(Registry::new(), |_| {}).await;
    let mut fetching = Worker::fetching(&server.url, "default").await;
    grown(&server, &mut fetching, "long", 5 << 20).await;
    drop(fetching);
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.post("instances/long/raiseEvent/Last", "1").await.is_empty(202);
    server.until("long", "Failed").await;
    server.start("F", "next", "").await;
    assert_eq!(worker.turn().await.instance, "next");
}
