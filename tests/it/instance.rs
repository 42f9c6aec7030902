//! One instance as the dashboard reads it: its history by the page, its family, and acts upon the whole family.

use crate::support::{Inside, eventually};
use durahub::{
    samples,
    workers::embedded::{OrchestrationContext, Registry, TaskError, future::try_join_all},
};
use serde_json::{Value, json};

async fn read(server: &Inside, target: &str) -> Value {
    let answer = server.ask("GET", &format!("/api/v1/instances/{target}"), None).await;
    assert_eq!(answer.status, 200, "{target}: {answer:?}");
    answer.json()
}

/// Numbers and types of all events that match, page by page.
async fn walk(server: &Inside, query: &str) -> Vec<(i64, String)> {
    let (mut met, mut after) = (Vec::new(), String::new());
    loop {
        let page = read(server, &format!("{query}{after}")).await;
        let events = page["events"].as_array().unwrap().iter();
        met.extend(
            events
                .map(|event| (event["index"].as_i64().unwrap(), event["type"].as_str().unwrap().to_owned())),
        );
        let Some(next) = page["next"].as_str() else { return met };
        after = format!("&after={next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_read_by_the_page() {
    let server = Inside::start().await;
    server.start("FanOutFanIn", "fan", "400").await;
    server.until("fan", "Completed").await;
    let whole = walk(&server, "fan/history?top=5000").await;
    let total = read(&server, "fan").await["historyEvents"].as_i64().unwrap();
    assert_eq!(whole.iter().map(|(index, _)| *index).collect::<Vec<_>>(), (0..total).collect::<Vec<_>>());
    assert_eq!(walk(&server, "fan/history?top=97").await, whole);
    let mut back = walk(&server, "fan/history?top=97&order=desc").await;
    back.reverse();
    assert_eq!(back, whole);
    let done: Vec<_> = whole.iter().filter(|(_, kind)| kind == "TaskCompleted").cloned().collect();
    assert_eq!(done.len(), 400);
    assert_eq!(walk(&server, "fan/history?top=33&type=TaskCompleted").await, done);
    assert_eq!(walk(&server, "fan/history?name=square").await.len(), 400);
    assert_eq!(walk(&server, "fan/history?eventId=7&type=TaskScheduled&type=TaskCompleted").await.len(), 2);
    let (end, _) = whole.iter().find(|(_, kind)| kind == "ExecutionCompleted").unwrap();
    let last = read(&server, &format!("fan/history/{end}")).await;
    assert_eq!((&last["type"], &last["runtimeStatus"]), (&json!("ExecutionCompleted"), &json!("Completed")));
    assert_eq!(read(&server, "fan").await["lastEvent"]["type"], "ExecutionCompleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_histories_are_read_as_well() {
    async fn fails(ctx: OrchestrationContext, (): ()) -> Result<(), TaskError> {
        ctx.activity("Fail", &()).await
    }
    let registry = Registry::new()
        .orchestrator("Fails", fails)
        .activity("Fail", async |(): ()| -> Result<(), TaskError> {
            Err(TaskError::new("Broken", "it broke"))
        });
    let server = Inside::serving(registry, |_| {}).await;
    server.start("Fails", "f", "").await;
    server.until("f", "Failed").await;
    let before = walk(&server, "f/history").await;
    server.post("instances/f/rewind?reason=again", "").await.is_empty(202);
    eventually("another failure", async || {
        let shown = read(&server, "f").await;
        let events = shown["historyEvents"].as_u64().unwrap();
        (shown["runtimeStatus"] == "Failed" && events >= 5).then_some(())
    })
    .await;
    let earlier = walk(&server, "f/history?revision=1").await;
    assert_eq!(earlier[..before.len()], before);
    assert_eq!(earlier.last().unwrap().1, "ExecutionRewound");
    assert_eq!(walk(&server, "f/history?revision=1&failed=true").await.len(), 2);
    let mark = format!("f/history/{}?revision=1", earlier.len() - 1);
    assert_eq!(read(&server, &mark).await["payload"]["text"], "again");
    assert_eq!(server.ask("GET", "/api/v1/instances/f/history?revision=2", None).await.status, 404);
}

async fn parent(ctx: OrchestrationContext, deep: u32) -> Result<(), TaskError> {
    if deep > 0 {
        let below = (0..2).map(|n| {
            ctx.sub_orchestration::<()>("Parent", &(deep - 1)).id(format!("{}.{n}", ctx.instance_id()))
        });
        try_join_all(below).await?;
    }
    ctx.event::<()>("Never").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_seen_ended_and_removed_as_a_whole() {
    let server = Inside::serving(samples::registry().orchestrator("Parent", parent), |_| {}).await;
    server.start("Parent", "p", "2").await;
    let ids = ["p", "p.0", "p.0.0", "p.0.1", "p.1", "p.1.0", "p.1.1"];
    for id in ids {
        eventually(id, async || {
            let shown = server.get(&format!("instances/{id}")).await;
            (shown.status != 404 && shown.json()["runtimeStatus"] == "Running").then_some(())
        })
        .await;
    }
    let tree = read(&server, "p/tree").await;
    assert_eq!(tree["ancestors"], json!([]));
    let first = &tree["node"]["children"][0];
    assert_eq!((&first["instanceId"], first["children"].as_array().unwrap().len()), (&json!("p.0"), 2));
    let above = read(&server, "p.1.0/tree").await["ancestors"].clone();
    assert_eq!((&above[0]["instanceId"], &above[1]["instanceId"]), (&json!("p"), &json!("p.1")));
    assert_eq!(read(&server, "p.1").await["parentInstanceId"], "p");

    server.post("instances/p/terminate?recursive=x", "").await.is_error(400, "recursive");
    server.ask("DELETE", "instances/p?recursive=1", None).await.is_error(400, "recursive");
    server.post("instances/p/terminate?recursive=true", "").await.is_empty(202);
    for id in ids {
        server.until(id, "Terminated").await;
    }
    let purged = server.ask("DELETE", "instances/p?recursive=true", None).await;
    assert_eq!(purged.json(), json!({ "instancesDeleted": 7 }));
    server.get("instances/p.1.1").await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn terminate_and_purge_leave_the_children_alone_unless_told() {
    let server = Inside::serving(Registry::new().orchestrator("Parent", parent), |_| {}).await;
    server.start("Parent", "p", "1").await;
    eventually("children", async || {
        let shown = server.get("instances/p.1").await;
        (shown.status != 404 && shown.json()["runtimeStatus"] == "Running").then_some(())
    })
    .await;
    server.post("instances/p/terminate", "").await.is_empty(202);
    server.until("p", "Terminated").await;
    let purged = server.ask("DELETE", "instances/p", None).await;
    assert_eq!(purged.json(), json!({ "instancesDeleted": 1 }));
    assert_eq!(server.get("instances/p.1").await.json()["runtimeStatus"], "Running");
}
