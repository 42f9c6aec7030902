//! Running an instance again, over both protocols.

use crate::support::{Inside, Worker, code_of, in_hub, start_request};
use durahub::model::pb;
use serde_json::json;
use std::collections::BTreeMap;
use tonic::Code;

fn restart_request(id: &str, restart_with_new_instance_id: bool) -> pb::RestartInstanceRequest {
    pb::RestartInstanceRequest { instance_id: id.into(), restart_with_new_instance_id }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_instance_runs_again_under_both_kinds_of_id() {
    let server = Inside::start().await;
    server.start("FanOutFanIn", "sum", "3").await;
    assert_eq!(server.output("sum").await, 14);
    let history = "instances/sum?showHistory=true";
    let old = server.get(history).await.json();

    // Waited for, with a new id: the bare output, and the old one is as it was.
    let answer = server.post("instances/sum/restart?timeout=20", "").await;
    assert_eq!((answer.status, answer.body.as_str(), answer.header("location")), (200, "14", None));
    assert_eq!(server.get(history).await.json(), old);

    // Followed by the links of the answer.
    let answer = server.post("instances/sum/restart", "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (202, Some("10")));
    let (target, id) = (answer.location().to_owned(), answer.json()["id"].as_str().unwrap().to_owned());
    let again = server.until(&id, "Completed").await;
    assert_eq!((&again["input"], &again["output"]), (&json!(3), &json!(14)));
    assert_eq!(server.get(&target).await.json(), again);

    // Under its own id: a new history of the same length, begun later.
    let answer = server.post("instances/sum/restart?restartWithNewInstanceId=false&timeout=20", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "14"));
    let new = server.get(history).await.json();
    let rows = |status: &serde_json::Value| status["historyEvents"].as_array().unwrap().clone();
    assert_eq!(rows(&new).len(), rows(&old).len());
    let began = |status: &serde_json::Value| rows(status)[0]["Timestamp"].as_str().unwrap().to_owned();
    assert!(began(&new) > began(&old), "{new}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_instance_runs_again_and_may_fail_again() {
    let server = Inside::start().await;
    server.start("FanOutFanIn", "bad", "10001").await;
    let failed = server.until("bad", "Failed").await;
    let answer = server.post("instances/bad/restart?timeout=20&restartWithNewInstanceId=false", "").await;
    assert_eq!(answer.status, 200);
    let again = answer.json();
    assert_eq!((&again["runtimeStatus"], &again["output"]), (&json!("Failed"), &failed["output"]));
    let asked = "instances/bad/restart?timeout=20&returnInternalServerErrorOnFailure=true";
    assert_eq!(server.post(asked, "").await.status, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_keeps_its_id_and_goes_on_beside_its_double() {
    let server = Inside::start().await;
    server.start("HumanApproval", "a", "").await;
    server.until("a", "Running").await;
    let same = "instances/a/restart?restartWithNewInstanceId=false";
    server.post(same, "").await.is_error(409, "cannot restart instance a: it is Running");
    let double = server.post("instances/a/restart", "").await;
    assert_eq!(double.status, 202);
    let double = double.json()["id"].as_str().unwrap().to_owned();
    server.until(&double, "Running").await;
    server.control("a", "terminate", "enough").await;
    assert_eq!(server.status("a").await["output"], "enough");
    assert_eq!(server.status(&double).await["runtimeStatus"], "Running");
    assert_eq!(server.post(same, "").await.status, 202);
    server.until("a", "Running").await;
    server.post("instances/b/restart", "").await.is_error(400, "instance b does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_runs_out_leaves_the_new_instance_running() {
    let server = Inside::start().await;
    server.start("HumanApproval", "a", "").await;
    server.control("a", "terminate", "").await;
    let answer = server.post("instances/a/restart?restartWithNewInstanceId=false&timeout=0.05", "").await;
    assert_eq!((answer.status, answer.json()["id"].as_str()), (202, Some("a")));
    server.until("a", "Running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_gets_input_version_and_tags_as_they_were_and_a_new_execution() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let mut client = server.grpc().await;
    let input = "{\"a\" : 1.50, \"b\":\"\\u00fc\"} ";
    let tags = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    let mut executions = Vec::new();
    for (version, input) in [(Some("2.1"), Some(input)), (None, None), (Some(""), Some(""))] {
        let id = format!("i-{version:?}");
        let start = pb::CreateInstanceRequest {
            version: version.map(Into::into),
            input: input.map(Into::into),
            tags: tags.clone(),
            ..start_request("F", &id)
        };
        client.start_instance(start).await.unwrap();
        for round in 0..3 {
            let turn = worker.turn().await;
            let started = started_of(&turn.events);
            let instance = started.orchestration_instance.clone().unwrap();
            assert_eq!(instance.instance_id, turn.instance);
            executions.push(instance.execution_id.unwrap());
            assert_eq!(
                (started.name.as_str(), started.version.as_deref(), started.input.as_deref(), &started.tags),
                ("F", version, input, &tags)
            );
            assert_eq!(turn.past, [], "nothing of the old history is left");
            assert_eq!(turn.instance == id, round < 2);
            let ended = turn.instance.clone();
            worker.end(turn, "1").await;
            server.output(&ended).await;
            // First the same id, then a new one.
            let answer = client.restart_instance(restart_request(&ended, round == 1)).await;
            if round < 2 {
                let used = answer.unwrap().into_inner().instance_id;
                assert_eq!(used == ended, round == 0, "{used}");
            } else {
                worker.turn().await;
            }
        }
    }
    let all = executions.len();
    executions.sort();
    executions.dedup();
    assert_eq!((executions.len(), all), (9, 9));
}

fn started_of(events: &[pb::history_event::EventType]) -> &pb::ExecutionStartedEvent {
    let started = events.iter().find_map(|event| match event {
        pb::history_event::EventType::ExecutionStarted(started) => Some(started),
        _ => None,
    });
    started.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_runs_again_as_nobodys_child() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    server.start("F", "parent", "").await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let turn = worker.turn().await;
    worker.call_child(turn, 1, "G", "parent:1/odd?").await;
    let child = worker.turn().await;
    worker.end(child, "1").await;
    let parent = worker.turn().await;
    worker.end(parent, "2").await;
    server.output("parent").await;
    // Its id is one that no caller could choose, and still its own.
    let used = client.restart_instance(restart_request("parent:1/odd?", false)).await.unwrap();
    assert_eq!(used.into_inner().instance_id, "parent:1/odd?");
    let child = worker.turn().await;
    assert_eq!(started_of(&child.events).parent_instance, None);
    worker.end(child, "3").await;
    server.is_well().await;
    assert!(worker.is_idle().await, "the old parent hears nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_refuses_what_is_missing_or_has_not_ended() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    server.start("HumanApproval", "a", "").await;
    for new_id in [false, true] {
        let missing = client.restart_instance(restart_request("b", new_id)).await;
        assert_eq!(code_of(&missing), Code::NotFound);
        let elsewhere = client.restart_instance(in_hub("none", restart_request("a", new_id))).await;
        assert_eq!(code_of(&elsewhere), Code::NotFound);
        let live = client.restart_instance(restart_request("a", new_id)).await;
        assert_eq!(code_of(&live), Code::FailedPrecondition);
        assert!(live.unwrap_err().message().contains("cannot restart instance a"));
    }
    let entity = client.restart_instance(restart_request("@counter@k", true)).await;
    assert_eq!(code_of(&entity), Code::InvalidArgument);
    server.control("a", "terminate", "").await;
    let used = client.restart_instance(restart_request("a", true)).await.unwrap().into_inner().instance_id;
    assert_ne!(used, "a");
    server.until(&used, "Running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_restart_one_id_one_wins() {
    let server = Inside::start().await;
    server.start("HumanApproval", "a", "").await;
    server.control("a", "terminate", "").await;
    let target = "instances/a/restart?restartWithNewInstanceId=false";
    let answers = futures_util::future::join_all((0..16).map(|_| server.post(target, ""))).await;
    let mut codes: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    codes.sort_unstable();
    assert_eq!((codes[0], codes[1], codes[15]), (202, 409, 409), "{codes:?}");
    server.until("a", "Running").await;
}
