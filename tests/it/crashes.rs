//! The binary killed with -9: whatever was acknowledged is there when it comes back.

use crate::support::{Binary, Data};
use serde_json::json;

const CHAIN: &str = r#"{"steps":8,"delayMs":30}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_chain_killed_again_and_again_still_counts_right() {
    let data = Data::new();
    let mut server = data.serve().await;
    server.start("SlowChain", "chain", CHAIN).await;
    for done in [1, 3, 5] {
        server.until_custom("chain", |custom| custom["done"].as_u64() >= Some(done)).await;
        server.kill_nine();
        server = data.serve().await;
    }
    assert_eq!(server.output("chain").await, 8);
    let history = server.get("instances/chain?showHistory=true&showHistoryOutput=true").await.json();
    let kinds: Vec<_> = history["historyEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["EventType"].as_str().unwrap())
        .collect();
    let expected = [vec!["ExecutionStarted"], vec!["TaskCompleted"; 8], vec!["ExecutionCompleted"]].concat();
    assert_eq!(kinds, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_waits_outlives_a_kill_and_so_does_an_event_nobody_has_seen() {
    let data = Data::new();
    let server = data.serve().await;
    server.start("HumanApproval", "waits", "").await;
    server.start("HumanApproval", "raised", "").await;
    for id in ["waits", "raised"] {
        server.until_custom(id, |custom| custom["waitingFor"] == "Approval").await;
    }
    let server = again(server, &data, &["--no-samples"]).await;
    server.raise("raised", "Approval", "false").await;
    let server = again(server, &data, &[]).await;
    assert_eq!(server.output("raised").await, "Rejected");
    assert_eq!(server.status("waits").await["runtimeStatus"], "Running");
    server.raise("waits", "Approval", "true").await;
    assert_eq!(server.output("waits").await, "Approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_suspended_stays_suspended_and_goes_on_when_resumed() {
    let data = Data::new();
    let server = data.serve().await;
    server.start("SlowChain", "chain", r#"{"steps":1000,"delayMs":30}"#).await;
    server.until_custom("chain", |custom| custom["done"].as_u64() >= Some(2)).await;
    server.control("chain", "suspend", "lunch").await;
    let before = server.status("chain").await;
    assert_eq!(before["runtimeStatus"], "Suspended");
    let server = again(server, &data, &[]).await;
    let after = server.status("chain").await;
    assert_eq!(after["runtimeStatus"], "Suspended");
    // Other work goes on, this does not.
    server.is_well().await;
    assert_eq!(server.status("chain").await["customStatus"], after["customStatus"]);
    server.control("chain", "resume", "").await;
    let done = after["customStatus"]["done"].as_u64();
    server.until_custom("chain", |custom| custom["done"].as_u64() > done).await;
    server.control("chain", "terminate", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_take_effect_at_once_without_a_worker_and_survive_a_kill_right_after() {
    let data = Data::new();
    let server = data.serve_with(&["--no-samples"]).await;
    for id in ["ended", "paused", "resumed", "paused-then-ended"] {
        server.start("HumanApproval", id, r#"{"timeoutSeconds":300}"#).await;
        assert_eq!(server.status(id).await["runtimeStatus"], "Pending");
    }
    server.control("paused", "suspend", "").await;
    assert_eq!(server.status("paused").await["runtimeStatus"], "Suspended");
    server.control("resumed", "suspend", "").await;
    server.control("resumed", "resume", "").await;
    let resumed = server.status("resumed").await;
    assert!(["Pending", "Running"].contains(&resumed["runtimeStatus"].as_str().unwrap()), "{resumed}");
    server.control("paused-then-ended", "suspend", "").await;
    server.control("paused-then-ended", "terminate", "both").await;
    server.control("ended", "terminate", "no need").await;
    let server = again(server, &data, &["--no-samples"]).await;

    for (id, reason) in [("ended", "no need"), ("paused-then-ended", "both")] {
        let ended = server.status(id).await;
        assert_eq!(
            (&ended["runtimeStatus"], &ended["output"]),
            (&json!("Terminated"), &json!(reason)),
            "{id}"
        );
        server.post(&format!("instances/{id}/terminate"), "").await.is_empty(410);
    }
    assert_eq!(server.status("paused").await["runtimeStatus"], "Suspended");
    server.post("instances/paused/suspend", "").await.is_error(409, "suspend");
    server.raise("paused", "Approval", "true").await;

    let server = again(server, &data, &[]).await;
    server.raise("resumed", "Approval", "false").await;
    assert_eq!(server.output("resumed").await, "Rejected");
    assert_eq!(server.status("paused").await["runtimeStatus"], "Suspended");
    server.control("paused", "resume", "").await;
    assert_eq!(server.output("paused").await, "Approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_control_answered_in_the_last_moment_is_there_after_the_kill() {
    let data = Data::new();
    let mut server = data.serve_with(&["--no-samples"]).await;
    for (verb, expected) in [("suspend", "Suspended"), ("resume", "Pending"), ("terminate", "Terminated")] {
        if verb == "suspend" {
            server.start("HumanApproval", "one", "").await;
        }
        let answer = server.post(&format!("instances/one/{verb}"), "").await;
        server = again(server, &data, &["--no-samples"]).await;
        assert_eq!(answer.status, 202, "{verb}");
        server.until("one", expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_terminated_and_purged_stays_so() {
    let data = Data::new();
    let server = data.serve().await;
    for id in ["ended", "purged"] {
        server.start("SlowChain", id, r#"{"steps":1000,"delayMs":50}"#).await;
        server.until_custom(id, |custom| custom["done"].as_u64() >= Some(3)).await;
        server.control(id, "terminate", "enough").await;
        assert_eq!(server.status(id).await["runtimeStatus"], "Terminated");
    }
    assert_eq!(server.ask("DELETE", "instances/purged", None).await.status, 200);
    let server = again(server, &data, &[]).await;
    assert_eq!(server.status("ended").await["output"], "enough");
    server.get("instances/purged").await.is_empty(404);
    server.start("SlowChain", "purged", r#"{"steps":1,"delayMs":0}"#).await;
    assert_eq!(server.output("purged").await, 1);
}

async fn again(server: Binary, data: &Data, arguments: &[&str]) -> Binary {
    server.kill_nine();
    data.serve_with(arguments).await
}
