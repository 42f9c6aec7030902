//! The pieces of the hot path, each alone: `cargo bench --bench micro`. Without disk and network, so the figures say what code costs; how much of
//! the whole that is, `docs/performance.md` says.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first thing that goes wrong")]

use divan::{Bencher, black_box, counter::ItemsCount};
use durahub::{
    clock::{Clock as _, SystemClock},
    engine::{self, Context, Execution, Next, Turn},
    model::{
        Chunk, Class, Commit, HistoryChange, HubId, HubName, InstanceId, InstanceKey, InstanceRecord,
        Message, MessageId, NewActivity, NewInstance, NewMessage, Status, StatusSet, Timestamp, event,
        pb::{self, history_event::EventType},
    },
    store::{
        Created, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
    workers::grpc::wire,
};
use prost::Message as _;
use std::sync::Arc;

fn main() {
    divan::main();
}

/// How long histories are, in events.
const HISTORIES: [i32; 3] = [10, 1_000, 10_000];

fn new_instance(id: &str) -> NewInstance {
    let started = pb::ExecutionStartedEvent {
        name: "Micro".into(),
        orchestration_instance: Some(pb::OrchestrationInstance {
            instance_id: id.into(),
            execution_id: Some(format!("{id:0>32}")),
        }),
        input: Some("\"input\"".into()),
        ..pb::ExecutionStartedEvent::default()
    };
    NewInstance {
        hub: HubId(1),
        id: InstanceId::lookup(id),
        created_at: SystemClock.now(),
        start_at: None,
        started,
    }
}

fn activity(id: i32) -> NewActivity {
    let request = pb::ActivityRequest { name: "Step".into(), task_id: id, ..pb::ActivityRequest::default() };
    NewActivity { name: "Step".into(), version: None, detached: false, request }
}

/// A history that ends with an activity that has not answered, in chunks of five events as turns write them.
fn history(events: i32) -> Vec<Chunk> {
    let now = SystemClock.now();
    let scheduled = |id| {
        let step = pb::TaskScheduledEvent { name: "Step".into(), ..pb::TaskScheduledEvent::default() };
        event::with_id(id, now, EventType::TaskScheduled(step))
    };
    let started = event::server_event(now, EventType::ExecutionStarted(new_instance("1").started));
    let mut chunks = vec![Chunk::encode(0, vec![event::orchestrator_started(now), started, scheduled(0)])];
    for id in 1..events / 4 {
        let events = vec![
            event::orchestrator_started(now),
            event::task_completed(now, id - 1, Some("\"done\"".into())),
            scheduled(id),
            event::orchestrator_completed(now),
        ];
        chunks.push(Chunk::encode(chunks.last().unwrap().end(), events));
    }
    chunks
}

/// An execution with such a history, and the turn that delivers the missing answer.
fn execution(events: i32) -> (Execution, Turn, i32) {
    let record = InstanceRecord { status: Status::Running, ..new_instance("1").record(InstanceKey(1)) };
    let chunks = history(events);
    let open = i32::try_from(chunks.len()).unwrap() - 1;
    let execution = Execution::read(record, None, &chunks).unwrap();
    let now = SystemClock.now();
    let done = NewMessage::now(Class::Result, event::task_completed(now, open, Some("\"done\"".into())));
    let message = Message { id: MessageId(1), class: done.class, due: done.due, events: done.events };
    let Next::Deliver(turn) = engine::next(&execution, [message].iter(), now) else { panic!("a turn") };
    (execution, turn, open)
}

/// One turn of the engine: an activity has answered, the next one is called. Must not depend on the length of the history.
#[divan::bench(args = HISTORIES)]
fn engine_apply(bencher: Bencher<'_, '_>, events: i32) {
    let (execution, turn, open) = execution(events);
    let action = pb::OrchestratorAction {
        id: open + 1,
        orchestrator_action_type: Some(pb::orchestrator_action::OrchestratorActionType::ScheduleTask(
            pb::ScheduleTaskAction { name: "Step".into(), ..pb::ScheduleTaskAction::default() },
        )),
    };
    let response = pb::OrchestratorResponse {
        instance_id: "1".into(),
        actions: vec![action],
        ..pb::OrchestratorResponse::default()
    };
    let mut fresh_id = String::new;
    bencher.with_inputs(|| (execution.clone(), turn.clone(), response.clone())).bench_local_values(
        |(execution, turn, response)| {
            let mut context = Context { now: Timestamp(1), fresh_id: &mut fresh_id, payload_bytes: 1 << 20 };
            engine::apply(execution, turn, response, &mut context)
        },
    );
}

/// Reading an execution that has left the cache.
#[divan::bench(args = HISTORIES)]
fn engine_read(bencher: Bencher<'_, '_>, events: i32) {
    let chunks = history(events);
    let record = InstanceRecord { status: Status::Running, ..new_instance("1").record(InstanceKey(1)) };
    bencher
        .counter(ItemsCount::new(u32::try_from(events).unwrap()))
        .bench_local(|| Execution::read(record.clone(), None, black_box(&chunks)).unwrap());
}

/// A work item as it is sent to a worker, from the bytes of its history.
#[divan::bench(args = HISTORIES)]
fn history_hand_over(bencher: Bencher<'_, '_>, events: i32) {
    let chunks = history(events);
    let now = SystemClock.now();
    bencher.counter(ItemsCount::new(u32::try_from(events).unwrap())).bench_local(|| {
        let past_events = black_box(&chunks).iter().flat_map(|chunk| chunk.slices().unwrap()).collect();
        let request = wire::OrchestratorRequest {
            instance_id: "1".into(),
            past_events,
            new_events: vec![event::orchestrator_started(now), event::task_completed(now, 1, None)],
            ..wire::OrchestratorRequest::default()
        };
        let request = Some(wire::Request::Orchestrator(request));
        wire::WorkItem { completion_token: "token".into(), request }.encode_to_vec()
    });
}

/// An orchestration in the store, in memory: created, a turn that calls an activity, a turn that ends it. So many side by side.
#[divan::bench(args = [1, 64])]
fn store_commits(bencher: Bencher<'_, '_>, side_by_side: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (effects, _) = tokio::sync::mpsc::unbounded_channel();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(SqliteOptions::memory(), effects).unwrap());
    let hub = runtime.block_on(store.hub_ensure(HubName::parse("default").unwrap())).unwrap();
    let mut number = 0;
    bencher.counter(ItemsCount::new(side_by_side)).bench_local(|| {
        runtime.block_on(async {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..side_by_side {
                number += 1;
                all.spawn(one(store.clone(), hub, number));
            }
            all.join_all().await
        })
    });
}

async fn one(store: Arc<dyn Store>, hub: HubId, number: u64) {
    let id = number.to_string();
    let now = SystemClock.now();
    let created =
        store.instance_create(NewInstance { hub, ..new_instance(&id) }, StatusSet::NONE.into()).await;
    let Created::New(key) = created.unwrap() else { panic!("a new id") };
    let chunk = Chunk::encode(0, vec![event::orchestrator_started(now), event::orchestrator_completed(now)]);
    let mut first = Commit::blank(hub, key, 1, Status::Running, now);
    first.history = HistoryChange::Append(chunk.clone());
    first.activities.push(activity(1));
    store.turn_commit(first).await.unwrap();
    let mut last = Commit::blank(hub, key, 2, Status::Completed, now);
    last.update.completed_at = Some(now);
    last.pending = durahub::model::Pending::DropAll;
    last.history = HistoryChange::Append(Chunk { first: chunk.end(), ..chunk });
    store.turn_commit(last).await.unwrap();
}
