//! `http.overridable_existing_instance_states = "AnyState"`: a start replaces whatever holds its id.

use crate::support::{Inside, Worker, eventually};
use durahub::config::OverridableStates;

async fn replacing() -> Inside {
    Inside::with(|config| {
        config.http.overridable_existing_instance_states = OverridableStates::AnyState;
        config.samples.enabled = false;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_holds_a_turn_of_what_was_replaced_loses_it_and_nothing_else() {
    let server = replacing().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("Old", "i", "1").await;
    let lost = worker.turn().await;
    assert_eq!(server.post("orchestrators/New/i", "2").await.status, 202);
    let status = server.status("i").await;
    assert_eq!((&status["name"], &status["input"]), (&"New".into(), &2.into()));
    let turn = worker.turn().await;
    worker.end(lost, "\"lost\"").await;
    assert!(worker.is_idle().await);
    worker.end(turn, "\"kept\"").await;
    let status = server.until("i", "Completed").await;
    assert_eq!((&status["name"], &status["output"]), (&"New".into(), &"kept".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_of_what_was_replaced_answer_nobody() {
    let server = replacing().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("Old", "i", "1").await;
    let turn = worker.turn().await;
    worker.schedule(turn, 0, "A").await;
    let lost = worker.activity().await;
    assert_eq!(server.post("orchestrators/New/i", "2").await.status, 202);
    let turn = worker.turn().await;
    // The same id, the same task number: only the key tells the two apart.
    worker.schedule(turn, 0, "A").await;
    let activity = worker.activity().await;
    worker.done(lost, "\"lost\"").await;
    assert!(worker.is_idle().await);
    worker.done(activity, "\"kept\"").await;
    let turn = worker.turn().await;
    assert!(format!("{:?}", turn.events).contains("kept"), "{turn:?}");
    worker.end(turn, "1").await;
    server.until("i", "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parent_of_what_was_replaced_is_told() {
    let server = replacing().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("Parent", "p", "").await;
    let turn = worker.turn().await;
    worker.call_child(turn, 0, "Child", "c").await;
    let lost = worker.turn().await;
    assert_eq!(lost.instance, "c");
    assert_eq!(server.post("orchestrators/New/c", "2").await.status, 202);
    let (first, second) = (worker.turn().await, worker.turn().await);
    let (parent, child) = if first.instance == "p" { (first, second) } else { (second, first) };
    assert!(format!("{:?}", parent.events).contains("replaced by a new start"), "{parent:?}");
    worker.end(lost, "\"lost\"").await;
    worker.end(child, "\"kept\"").await;
    worker.end(parent, "1").await;
    assert_eq!(server.until("c", "Completed").await["output"], "kept");
    server.until("p", "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_what_was_replaced_gets_the_end_of_what_took_its_place() {
    let server = replacing().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("Old", "i", "").await;
    let lost = worker.turn().await;
    let waiting = tokio::spawn({
        let http = server.http.clone();
        async move { http.get("instances/i?timeout=20").await }
    });
    eventually("somebody waits", async || (server.server.manager().waiting() > 0).then_some(())).await;
    assert_eq!(server.post("orchestrators/New/i", "").await.status, 202);
    let turn = worker.turn().await;
    worker.end(lost, "\"lost\"").await;
    worker.end(turn, "\"kept\"").await;
    assert_eq!(waiting.await.unwrap().json()["output"], "kept");
}
