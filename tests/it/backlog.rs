//! More work than the server keeps in memory: it waits in the file, is told of, and is all done in the end.

use crate::support::{Binary, Data, Worker, eventually};
use serde_json::Value;

const COUNT: usize = 60;

async fn serve(data: &Data) -> Binary {
    data.serve_env(&[("DURAHUB__DISPATCH__WINDOW", "10"), ("DURAHUB__SAMPLES__ENABLED", "false")]).await
}

/// The queue of this kind, as soon as it is known to have more behind it.
async fn queue(server: &Binary, kind: &str) -> Value {
    eventually("a queue with more behind it", async || {
        let queues = server.get("/api/v1/queues").await.json();
        let found = queues.as_array().unwrap().iter().find(|queue| queue["kind"] == kind)?.clone();
        (found["more"] == true).then_some(found)
    })
    .await
}

async fn explained(server: &Binary, id: &str) -> String {
    let answer = server.get(&format!("/api/v1/instances/{id}/explain")).await.json();
    answer["summary"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_beyond_memory_is_told_of_survives_kills_and_is_done() {
    let data = Data::new();
    let server = serve(&data).await;
    for number in 0..COUNT {
        server.start("Later", &format!("i{number}"), "1").await;
    }
    let waiting = queue(&server, "orchestration").await;
    assert_eq!((&waiting["waiting"], &waiting["served"]), (&10.into(), &false.into()));
    let last = format!("i{}", COUNT - 1);
    assert!(
        explained(&server, &last).await.contains("no connected worker serves the orchestration \"Later\"")
    );

    server.kill_nine();
    let server = serve(&data).await;
    queue(&server, "orchestration").await;
    let mut worker = Worker::naming(&server.url, "default", &["Later"], &[]).await;
    for _ in 0..COUNT {
        let turn = worker.turn().await;
        worker.schedule(turn, 1, "Work").await;
    }
    assert_eq!(queue(&server, "activity").await["waiting"], 10);
    assert!(explained(&server, &last).await.contains("\"Work\""));
    assert!(explained(&server, &last).await.contains("no connected worker serves"));

    server.kill_nine();
    let server = serve(&data).await;
    let mut worker = Worker::naming(&server.url, "default", &[], &["Work"]).await;
    for _ in 0..COUNT {
        let activity = worker.activity().await;
        worker.done(activity, "2").await;
    }
    assert!(worker.is_idle().await);
    let mut finisher = Worker::naming(&server.url, "default", &["Later"], &[]).await;
    for _ in 0..COUNT {
        let turn = finisher.turn().await;
        finisher.end(turn, "3").await;
    }
    for number in 0..COUNT {
        assert_eq!(server.output(&format!("i{number}")).await, 3);
    }
    let queues = server.get("/api/v1/queues").await.json();
    assert_eq!(queues, serde_json::json!([]));
}
