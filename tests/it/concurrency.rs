//! `dispatch.concurrency`: of a name only so much runs at a time, whoever has room.

use crate::support::{Binary, Data, Worker, eventually, soon};
use serde_json::{Value, json};

const LIMITS: &[(&str, &str)] =
    &[("DURAHUB__DISPATCH__CONCURRENCY", "activity 2 Held, orchestration 1 Turn")];

/// The queue of a name, if something waits in it.
async fn queue(server: &Binary, name: &str) -> Option<Value> {
    let queues = server.get("/api/v1/queues").await.json();
    queues.as_array().unwrap().iter().find(|queue| queue["name"] == name).cloned()
}

/// Waits until so much waits, with so much running.
async fn waits(server: &Binary, name: &str, waiting: u64, held: u64) -> Value {
    eventually(&format!("{waiting} of {name} wait and {held} run"), async || {
        let queue = queue(server, name).await?;
        (queue["waiting"] == waiting && queue["limit"]["held"] == held).then_some(queue)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_work_waits_says_so_and_goes_on_when_there_is_room() {
    let data = Data::new();
    let server = data.serve_env(LIMITS).await;
    let mut starter = Worker::naming(&server.url, "default", &["F"], &[]).await;
    for id in ["a", "b", "c"] {
        server.start("F", id, "").await;
        let turn = starter.turn().await;
        starter.schedule(turn, 1, "Held").await;
    }
    server.start("F", "d", "").await;
    let turn = starter.turn().await;
    starter.schedule(turn, 1, "Free").await;

    let mut worker = Worker::naming(&server.url, "default", &[], &["Held", "Free"]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(worker.activity().await);
    }
    held.sort_by_key(|(request, _)| request.name.clone());
    let names: Vec<_> = held.iter().map(|(request, _)| request.name.as_str()).collect();
    assert_eq!(names, ["Free", "Held", "Held"], "the third waits, and what has no limit does not");
    let queue = waits(&server, "Held", 1, 2).await;
    assert_eq!(
        queue,
        json!({"kind": "activity", "name": "Held", "version": null, "waiting": 1, "more": false, "served": true,
               "limit": {"held": 2, "most": 2}})
    );
    assert!(worker.is_idle().await);
    let told = server.get("/api/v1/instances/c/explain").await.json();
    assert_eq!(
        told["summary"],
        "it waits for the activity \"Held\": 2 of 2 at a time are running (setting dispatch.concurrency)"
    );
    let delivery = &told["waitsFor"][0]["delivery"];
    assert_eq!((&delivery["state"], &delivery["limit"]), (&json!("limited"), &json!(2)));
    assert_eq!(server.get("/readyz").await.status, 200, "nobody is at fault");

    // Whoever makes room, the next one goes out at once.
    let done = held.pop().unwrap();
    worker.done(done, "1").await;
    let third = soon("the third", worker.activity()).await;
    assert_eq!(third.0.orchestration_instance.as_ref().unwrap().instance_id, "c");
    worker.done(third, "3").await;
    assert!(queue_is_gone(&server, "Held").await);

    // After a start nothing is out, and the limit holds anew.
    server.kill_nine();
    let server = data.serve_env(LIMITS).await;
    let mut worker = Worker::naming(&server.url, "default", &[], &["Held"]).await;
    let again = soon("what was held", worker.activity()).await;
    worker.done(again, "2").await;
}

async fn queue_is_gone(server: &Binary, name: &str) -> bool {
    eventually("nothing waits", async || queue(server, name).await.is_none().then_some(true)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_an_orchestration_is_on_turns() {
    let data = Data::new();
    let server = data.serve_env(LIMITS).await;
    let mut worker = Worker::naming(&server.url, "default", &["Turn"], &[]).await;
    for id in ["a", "b", "c"] {
        server.start("Turn", id, "").await;
    }
    waits(&server, "Turn", 2, 1).await;
    let told = server.get("/api/v1/instances/c/explain").await.json();
    assert_eq!(
        told["summary"],
        "its next turn waits: of \"Turn\" 1 of 1 at a time are running (setting dispatch.concurrency)"
    );
    assert_eq!(told["turn"]["state"], "limited");
    for id in ["a", "b", "c"] {
        let turn = worker.turn().await;
        assert_eq!(turn.instance, id);
        assert!(worker.is_idle().await, "one at a time");
        // It has begun, and waits; that is no turn.
        worker.wait(turn).await;
    }
    // A worker that goes away makes room as well.
    server.post("/runtime/webhooks/durabletask/instances/a/raiseEvent/E", "1").await;
    server.post("/runtime/webhooks/durabletask/instances/b/raiseEvent/E", "1").await;
    let turn = worker.turn().await;
    assert_eq!(turn.instance, "a");
    drop(worker);
    let mut other = Worker::naming(&server.url, "default", &["Turn"], &[]).await;
    let turn = soon("what the other had", other.turn()).await;
    assert_eq!(turn.instance, "a");
    other.end(turn, "1").await;
    assert_eq!(soon("the next", other.turn()).await.instance, "b");
}
