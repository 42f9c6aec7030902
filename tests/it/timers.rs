//! What is to happen later happens, not too early, and also when the server was dead in between.

use crate::support::{Data, Inside, eventually, get_request, soon, start_request};
use chrono::{DateTime, TimeDelta, Utc};
use durahub::{
    clock::{Clock as _, SystemClock},
    model::{Timestamp, pb},
};
use tonic::Code;

/// `millis` from now.
fn later(millis: i64) -> Timestamp {
    Timestamp(SystemClock.now().0 + millis * 1_000)
}

fn start_later(id: &str, at: Timestamp) -> pb::CreateInstanceRequest {
    pb::CreateInstanceRequest {
        scheduled_start_timestamp: Some(at.to_wire()),
        ..start_request("HelloCities", id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_at_its_time_although_the_server_was_dead_meanwhile() {
    let data = Data::new();
    let server = data.serve().await;
    let due = later(2_000);
    server.start("HumanApproval", "passed", r#"{"timeoutSeconds":1}"#).await;
    server.start("HumanApproval", "ahead", r#"{"timeoutSeconds":2}"#).await;
    for id in ["passed", "ahead"] {
        // A slow machine may see it only when its time is over.
        eventually("its timer", async || {
            let status = server.status(id).await;
            let waits = status["customStatus"]["waitingFor"] == "Approval";
            (waits || status["runtimeStatus"] == "Completed").then_some(())
        })
        .await;
    }
    server.kill_nine();
    let server = data.serve().await;
    assert_eq!(server.output("passed").await, "TimedOut");
    assert_eq!(server.output("ahead").await, "TimedOut");
    assert!(SystemClock.now() >= due, "fired too early");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_start_waits_for_its_time_over_a_kill() {
    let data = Data::new();
    let server = data.serve().await;
    let due = later(1_500);
    server.grpc().await.start_instance(start_later("later", due)).await.unwrap();
    let status = server.status("later").await;
    assert!(status["runtimeStatus"] == "Pending" || SystemClock.now() >= due, "{status}");
    server.kill_nine();
    let server = data.serve().await;
    // What came later but is due now does not wait for it.
    server.is_well().await;
    let mut client = server.grpc().await;
    let pending = client.get_instance(get_request("later")).await.unwrap().into_inner();
    let pending = pending.orchestration_state.unwrap();
    assert_eq!(pending.scheduled_start_timestamp, Some(due.to_wire()));
    if SystemClock.now() < due {
        assert_eq!(server.status("later").await["input"], serde_json::Value::Null);
    }
    let started = soon("the start", client.wait_for_instance_start(get_request("later"))).await.unwrap();
    assert!(SystemClock.now() >= due, "started too early: {started:?}");
    server.until("later", "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_start_can_be_ended_while_it_is_pending() {
    let data = Data::new();
    let server = data.serve().await;
    let mut client = server.grpc().await;
    for id in ["here", "there"] {
        client.start_instance(start_later(id, later(3_600_000))).await.unwrap();
    }
    server.control("here", "terminate", "not needed").await;
    assert_eq!(server.status("here").await["output"], "not needed");
    server.kill_nine();
    let server = data.serve().await;
    assert_eq!(server.status("here").await["runtimeStatus"], "Terminated");
    assert_eq!(server.status("there").await["runtimeStatus"], "Pending");
    server.control("there", "terminate", "").await;
    assert_eq!(server.status("there").await["runtimeStatus"], "Terminated");
    assert_eq!(server.ask("DELETE", "instances/there", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_start_keeps_the_id_and_a_suspended_one_does_not_start() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    client.start_instance(start_later("taken", later(3_600_000))).await.unwrap();
    let taken = client.start_instance(start_request("HelloCities", "taken")).await.unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
    let due = later(2_500);
    client.start_instance(start_later("later", due)).await.unwrap();
    server.control("later", "suspend", "").await;
    client.start_instance(start_later("control", due)).await.unwrap();
    server.until("control", "Completed").await;
    assert_eq!(server.status("later").await["runtimeStatus"], "Suspended");
    server.control("later", "resume", "").await;
    server.until("later", "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_start_and_the_end() {
    let server = Inside::start().await;
    let begin = SystemClock.now();
    server.start("SlowChain", "chain", r#"{"steps":1,"delayMs":1}"#).await;
    let ended = server.until("chain", "Completed").await;
    let time = |name: &str| ended[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    let (created, updated) = (time("createdTime"), time("lastUpdatedTime"));
    assert!(created + TimeDelta::seconds(1) > begin.to_utc(), "{ended}");
    assert!(created <= updated && updated <= SystemClock.now().to_utc(), "{ended}");
}
