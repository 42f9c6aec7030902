//! Rewinding, over both protocols: with and without workers, with children, again and again, and across a kill.

use crate::support::{Binary, Data, Inside, Worker, code_of, in_hub};
use durahub::{
    model::{error_type, pb},
    workers::embedded::{OrchestrationContext, Registry, TaskError},
};
use pb::history_event::EventType;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tonic::Code;

fn request(id: &str, reason: Option<&str>) -> pb::RewindInstanceRequest {
    pb::RewindInstanceRequest { instance_id: id.into(), reason: reason.map(str::to_owned) }
}

/// Activities that fail as often as they are told to, by input.
#[derive(Clone, Default)]
struct Moods(Arc<Mutex<HashMap<String, (usize, usize)>>>);

impl Moods {
    fn fail(&self, input: &str, times: usize) {
        self.0.lock().unwrap().entry(input.to_owned()).or_default().0 = times;
    }

    fn runs(&self, input: &str) -> usize {
        self.0.lock().unwrap().get(input).map_or(0, |(_, runs)| *runs)
    }

    fn run(&self, input: String) -> Result<String, TaskError> {
        let mut moods = self.0.lock().unwrap();
        let (failures, runs) = moods.entry(input.clone()).or_default();
        *runs += 1;
        match failures.checked_sub(1) {
            Some(left) => {
                *failures = left;
                Err(TaskError::new("Moody", &input))
            }
            None => Ok(input),
        }
    }
}

/// `Leaf` runs one activity; `Branch` two leaves and one activity of its own; `Root` a branch.
fn tree(moods: &Moods) -> Registry {
    let moods = moods.clone();
    Registry::new()
        .activity("Work", move |input: String| {
            let outcome = moods.run(input);
            async move { outcome }
        })
        .orchestrator("Leaf", async |ctx: OrchestrationContext, input: String| {
            ctx.activity::<String>("Work", &input).await
        })
        .orchestrator("Branch", async |ctx: OrchestrationContext, (): ()| {
            let own = ctx.activity::<String>("Work", "own").start();
            let left = ctx.sub_orchestration::<String>("Leaf", "left").id("left").start();
            let right = ctx.sub_orchestration::<String>("Leaf", "right").id("right").start();
            Ok::<_, TaskError>(format!("{} {} {}", own.await?, left.await?, right.await?))
        })
        .orchestrator("Root", async |ctx: OrchestrationContext, (): ()| {
            let first = ctx.activity::<String>("Work", "first").await?;
            let branch = ctx.sub_orchestration::<String>("Branch", &()).id("branch").await?;
            Ok::<_, TaskError>(format!("{first} {branch}"))
        })
}

async fn revisions(server: &Inside, id: &str) -> Vec<Value> {
    let answer = server.get(&format!("/api/v1/instances/{id}/revisions")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_of_three_levels_goes_on_where_it_failed() {
    let moods = Moods::default();
    moods.fail("left", 1);
    moods.fail("right", 1);
    let server = Inside::serving(tree(&moods), |_| {}).await;
    server.start("Root", "trunk", "null").await;
    server.until("trunk", "Failed").await;
    server.until("right", "Failed").await;
    let failed = server.get("instances/trunk?showHistory=true&showHistoryOutput=true").await.json();
    server.control("trunk", "rewind", "again").await;
    assert_eq!(server.output("trunk").await, "first own left right");
    for id in ["branch", "left", "right"] {
        server.until(id, "Completed").await;
        assert_eq!(revisions(&server, id).await[0]["reason"], "again", "{id}");
    }
    // What had succeeded was not run again.
    let runs = ["first", "own", "left", "right"].map(|input| moods.runs(input));
    assert_eq!(runs, [1, 1, 2, 2]);
    // The old history is as it was, with a mark at its end.
    let archived =
        server.get("instances/trunk?showHistory=true&showHistoryOutput=true&historyRevision=1").await.json();
    let rows = |body: &Value| body["historyEvents"].as_array().unwrap().clone();
    let (mut old, new) =
        (rows(&archived), rows(&server.get("instances/trunk?showHistory=true").await.json()));
    let mark = old.pop().unwrap();
    assert_eq!((&mark["EventType"], &mark["Reason"]), (&json!("ExecutionRewound"), &json!("again")));
    assert_eq!(Value::from(old), failed["historyEvents"]);
    assert!(!new.iter().any(|row| row["EventType"] == "ExecutionRewound"), "{new:?}");
    server.get("instances/trunk?showHistory=true&historyRevision=2").await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn rewound_again_and_again_until_it_works() {
    let moods = Moods::default();
    moods.fail("right", 3);
    let server = Inside::serving(tree(&moods), |_| {}).await;
    server.start("Root", "trunk", "null").await;
    for round in 1..=3 {
        let failed = server.until("trunk", "Failed").await;
        assert!(failed["output"].as_str().unwrap().contains("right"), "{failed}");
        server.until("branch", "Failed").await;
        assert_eq!(moods.runs("right"), round);
        server.control("trunk", "rewind", &round.to_string()).await;
        assert_eq!(revisions(&server, "right").await.len(), round);
    }
    assert_eq!(server.output("trunk").await, "first own left right");
    assert_eq!(["first", "own", "left"].map(|input| moods.runs(input)), [1, 1, 1]);
    let reasons: Vec<_> = revisions(&server, "trunk").await.iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(reasons, ["1", "2", "3"]);
    assert_eq!(server.ask("DELETE", "instances/trunk", None).await.status, 200);
    server.get("/api/v1/instances/trunk/revisions").await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_are_gone_or_have_ended_since_are_not_waited_for_in_vain() {
    let moods = Moods::default();
    moods.fail("own", 1);
    moods.fail("left", 1);
    let server = Inside::serving(tree(&moods), |_| {}).await;
    server.start("Branch", "b", "null").await;
    server.until("b", "Failed").await;
    server.until("left", "Failed").await;
    // It ended when nobody listened any more; its answer is delivered late.
    server.until("right", "Completed").await;
    assert_eq!(server.ask("DELETE", "instances/left", None).await.status, 200);
    server.control("b", "rewind", "").await;
    assert_eq!(server.output("b").await, "own left right");
    assert_eq!(["own", "left", "right"].map(|input| moods.runs(input)), [2, 2, 1]);
    assert_eq!(revisions(&server, "left").await, Vec::<Value>::new(), "a new instance");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_rewound_alone_ends_well_and_its_parent_hears_of_it_when_it_is_rewound_itself() {
    let moods = Moods::default();
    moods.fail("left", 1);
    let server = Inside::serving(tree(&moods), |_| {}).await;
    server.start("Branch", "b", "null").await;
    server.until("b", "Failed").await;
    server.until("right", "Completed").await;
    server.control("left", "rewind", "").await;
    assert_eq!(server.output("left").await, "left");
    assert_eq!(server.status("b").await["runtimeStatus"], "Failed");
    server.control("b", "rewind", "").await;
    assert_eq!(server.output("b").await, "own left right");
    assert_eq!(moods.runs("left"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_somebody_else_holds_is_a_failure_that_the_parent_hears_of_again() {
    let moods = Moods::default();
    moods.fail("left", 1);
    let server = Inside::serving(tree(&moods), |_| {}).await;
    server.start("Branch", "b", "null").await;
    server.until("b", "Failed").await;
    server.until("right", "Completed").await;
    assert_eq!(server.ask("DELETE", "instances/left", None).await.status, 200);
    // Nobody serves it, so it lives.
    server.start("Nobody", "left", "").await;
    server.control("b", "rewind", "").await;
    let failed = server.until("b", "Failed").await;
    assert!(failed["output"].as_str().unwrap().contains("left"), "{failed}");
    let history = server.get("instances/b?showHistory=true").await.body;
    assert!(history.contains(error_type::INSTANCE_EXISTS), "{history}");
    assert_eq!(server.status("left").await["name"], "Nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_refuses_what_is_missing_or_has_not_failed() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    server.start("HumanApproval", "a", "").await;
    for missing in ["b", "@a@b", ""] {
        let answer = client.rewind_instance(request(missing, None)).await;
        assert_eq!(code_of(&answer), Code::NotFound, "{missing}");
    }
    assert_eq!(code_of(&client.rewind_instance(in_hub("none", request("a", None))).await), Code::NotFound);
    let long = "x".repeat(5 << 20);
    for reason in [None, Some("why")] {
        let live = client.rewind_instance(request("a", reason)).await;
        assert_eq!(code_of(&live), Code::FailedPrecondition);
        assert!(live.unwrap_err().message().contains("cannot rewind instance a"));
    }
    assert_ne!(code_of(&client.rewind_instance(request("a", Some(&long))).await), Code::Ok);
    server.start("FanOutFanIn", "bad", "10001").await;
    let failed = server.until("bad", "Failed").await;
    // It failed by itself, so it fails again.
    client.rewind_instance(request("bad", None)).await.unwrap();
    let again = server.until("bad", "Failed").await;
    assert_eq!(again["output"], failed["output"]);
}

/// Fails the only activity of an instance and then the instance.
async fn fail(server: &Binary, worker: &mut Worker, id: &str) {
    server.start("F", id, "").await;
    let turn = worker.turn().await;
    worker.schedule(turn, 1, "A").await;
    let activity = worker.activity().await;
    worker.failed(activity, "no luck").await;
    let turn = worker.turn().await;
    worker.fail(turn, "no luck").await;
    server.until(id, "Failed").await;
}

/// Plays the turn after a rewind, which must be one, and lets everything succeed.
async fn succeed(server: &Binary, worker: &mut Worker, id: &str) {
    let turn = worker.turn().await;
    assert!(matches!(turn.events[..], [EventType::OrchestratorStarted(_)]), "{:?}", turn.events);
    let leftover = turn.past.iter().find(|event| {
        matches!(
            event,
            EventType::TaskScheduled(_)
                | EventType::TaskFailed(_)
                | EventType::ExecutionCompleted(_)
                | EventType::ExecutionRewound(_)
        )
    });
    assert_eq!(leftover, None);
    worker.schedule(turn, 1, "A").await;
    let activity = worker.activity().await;
    worker.done(activity, "1").await;
    let turn = worker.turn().await;
    worker.end(turn, "2").await;
    assert_eq!(server.output(id).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewind_that_was_answered_outlives_a_kill_and_needs_no_worker() {
    let data = Data::new();
    let server = data.serve_with(&["--no-samples"]).await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    fail(&server, &mut worker, "one").await;
    fail(&server, &mut worker, "two").await;
    drop(worker);
    server.control("one", "rewind", "why").await;
    let rewound = server.status("one").await;
    assert_eq!((&rewound["runtimeStatus"], rewound["output"].is_null()), (&json!("Running"), true));
    assert_eq!(server.post("instances/one/rewind", "").await.status, 412);
    // Answered in the last moment.
    server.control("two", "rewind", "").await;
    server.kill_nine();
    let server = data.serve_with(&["--no-samples"]).await;
    for id in ["one", "two"] {
        assert_eq!(server.status(id).await["runtimeStatus"], "Running", "{id}");
    }
    server.control("two", "suspend", "").await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    succeed(&server, &mut worker, "one").await;
    server.control("two", "resume", "").await;
    succeed(&server, &mut worker, "two").await;
    assert!(worker.is_idle().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_rewind_one_instance_one_wins() {
    let moods = Moods::default();
    moods.fail("left", 1);
    let server = Inside::serving(tree(&moods), |_| {}).await;
    server.start("Branch", "b", "null").await;
    server.until("b", "Failed").await;
    server.until("right", "Completed").await;
    let answers =
        futures_util::future::join_all((0..16).map(|_| server.post("instances/b/rewind", ""))).await;
    let mut codes: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    codes.sort_unstable();
    assert_eq!((codes[0], codes[1], codes[15]), (202, 412, 412), "{codes:?}");
    assert_eq!(server.output("b").await, "own left right");
    assert_eq!((moods.runs("left"), revisions(&server, "b").await.len()), (2, 1));
}
