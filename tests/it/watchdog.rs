//! Instances that wait for what will never come: rows are taken away by hand, and that is told.

use crate::support::{Binary, Data, Worker, eventually, soon};
use rusqlite::Connection;
use serde_json::{Value, json};

const WATCH: &[(&str, &str)] = &[("DURAHUB__DISPATCH__WATCHDOG_SECS", "1"), ("DURAHUB__LOG__FORMAT", "json")];

async fn watched(server: &Binary, fits: impl Fn(&Value) -> bool) -> Value {
    eventually("what the watchdog says", async || {
        let about = server.get("/api/v1/about").await.json();
        Some(about["watchdog"].clone()).filter(&fits)
    })
    .await
}

/// Lines of the log about what is lost.
fn barks(server: &Binary) -> Vec<Value> {
    let lines = server.log();
    let lines = lines.lines().filter(|line| line.contains("wait for what will never come"));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_explained_counted_and_logged_once() {
    let data = Data::new();
    let server = data.serve_env(&[]).await;
    let mut worker = Worker::naming(&server.url, "default", &["F"], &[]).await;
    for id in ["lost", "sound", "event"] {
        server.start("F", id, "").await;
        let turn = soon("the turn", worker.turn()).await;
        match id {
            // It waits for an event, and nobody can know that it does not.
            "event" => worker.wait(turn).await,
            _ => worker.schedule(turn, 7, "Nowhere").await,
        }
    }
    server.kill_nine();
    let changed = Connection::open(data.path("d.db"))
        .unwrap()
        .execute("DELETE FROM activity WHERE key = (SELECT key FROM instance WHERE id = 'lost')", []);
    assert_eq!(changed.unwrap(), 1);

    let server = data.serve_env(WATCH).await;
    let first =
        watched(&server, |watch| watch["lost"] != json!([]) && watch["lastLook"] != json!(null)).await;
    assert_eq!(
        first["lost"],
        json!([{"kind": "activity", "count": 1, "taskHub": "default", "instanceId": "lost", "taskId": 7}])
    );
    let told = server.get("/api/v1/instances/lost/explain").await.json();
    let summary = told["summary"].as_str().unwrap();
    assert!(
        summary.starts_with(
            "it waits for the activity \"Nowhere\", which is lost: nothing that is stored will ever answer."
        ),
        "{summary}"
    );
    assert_eq!(told["waitsFor"][0]["lost"], true);
    let sound = server.get("/api/v1/instances/sound/explain").await.json();
    assert_eq!(sound["waitsFor"][0]["lost"], false);
    assert_eq!(server.get("/readyz").await.status, 200);

    // It looks again when something was stored, and says no more.
    server.start("Nobody", "more", "").await;
    watched(&server, |watch| watch["lastLook"] != first["lastLook"]).await;
    let barks = barks(&server);
    assert_eq!(barks.len(), 1, "{barks:?}");
    assert!(barks[0].to_string().contains("activity 7"), "{}", barks[0]);

    // A look at everything finds it, too.
    server.post("/api/v1/check", "").await;
    let found = eventually("the end of the check", async || {
        let check = server.get("/api/v1/check").await.json();
        (check["state"] == "completed").then_some(check["findings"].clone())
    })
    .await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["instanceId"], "lost");

    // What has ended waits for nothing.
    server.control("lost", "terminate", "lost").await;
    server.until("lost", "Terminated").await;
    watched(&server, |watch| watch["lost"] == json!([])).await;
}
