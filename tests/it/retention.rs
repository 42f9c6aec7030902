//! What goes by itself some time after its end, on the binary.

use crate::support::{Binary, Data, Http, eventually, run, start_request};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

const PREVIEW: &str = "/api/v1/retention/preview";

fn environment(rules: &'static str) -> [(&'static str, &'static str); 3] {
    [
        ("DURAHUB__RETENTION__RULES", rules),
        ("DURAHUB__RETENTION__EVERY_SECS", "1"),
        ("DURAHUB__HUBS__NAMES", "default,other"),
    ]
}

async fn there(server: &Http, id: &str, hub: &str) -> bool {
    let status =
        server.get(&format!("/runtime/webhooks/durabletask/instances/{id}?taskHub={hub}")).await.status;
    assert!(matches!(status, 200 | 202 | 404), "{status}");
    status != 404
}

async fn rules(server: &Http) -> Vec<Value> {
    server.get("/api/v1/retention").await.json()["rules"].as_array().unwrap().clone()
}

async fn count(server: &Http, filter: &str) -> u64 {
    server.get(&format!("/api/v1/counts?{filter}")).await.json()["total"].as_u64().unwrap()
}

/// An instance with this tag.
async fn tagged(server: &Binary, id: &str, tag: &str) {
    let mut start = start_request("HelloCities", id);
    start.tags.insert(tag.into(), "yes".into());
    server.grpc().await.start_instance(start).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_takes_goes_and_nothing_else_does() {
    let data = Data::new();
    let server = data
        .serve_env(&environment("default after=1s status=Completed name=Hello* unless_tag=keep=yes"))
        .await;
    server.start("HumanApproval", "live", "").await;
    tagged(&server, "kept", "keep").await;
    server.until("kept", "Completed").await;
    server.start("Unserved", "terminated", "").await;
    server.control("terminated", "terminate", "").await;
    server.post("/runtime/webhooks/durabletask/orchestrators/HelloCities/elsewhere?taskHub=other", "").await;
    for number in 0..5 {
        server.start("HelloCities", &format!("h{number}"), "").await;
    }
    tagged(&server, "other-tag", "kept").await;
    eventually("they are gone", async || (rules(&server).await[0]["removed"] == 6).then_some(())).await;
    for id in ["h0", "h1", "h2", "h3", "h4", "other-tag"] {
        assert!(!there(&server, id, "default").await, "{id}");
    }
    // Another pass has looked at what is left.
    server.start("HelloCities", "last", "").await;
    eventually("another pass", async || (rules(&server).await[0]["removed"] == 7).then_some(())).await;
    for id in ["live", "kept", "terminated"] {
        assert!(there(&server, id, "default").await, "{id}");
    }
    assert!(there(&server, "elsewhere", "other").await);
    let row = rules(&server).await[0].clone();
    assert_eq!(row["rule"], "default after=1s status=Completed name=Hello* unless_tag=keep=yes");
    assert_eq!(row["trouble"], Value::Null);
    assert!(server.log().contains("retention has removed what was old enough"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_what_would_go_and_removes_nothing() {
    let data = Data::new();
    let mut environment = environment("* after=1s name=Parent, default after=36500d");
    // The one pass is that of the start.
    environment[1].1 = "86400";
    let server = data.serve_env(&environment).await;
    eventually("the first pass", async || {
        rules(&server).await.iter().all(|row| row["lastPass"] != Value::Null).then_some(())
    })
    .await;
    let mut worker = crate::support::Worker::naming(&server.url, "default", &["Parent", "Child"], &[]).await;
    server.start("Parent", "parent", "").await;
    let turn = worker.turn().await;
    worker.call_child(turn, 0, "Child", "child").await;
    let turn = worker.turn().await;
    worker.end(turn, "1").await;
    let turn = worker.turn().await;
    worker.end(turn, "2").await;
    server.until("parent", "Completed").await;
    let seen = eventually("both are old enough", async || {
        let seen = server.get(PREVIEW).await.json();
        (seen["count"] == 2).then_some(seen)
    })
    .await;
    let short: Vec<_> = seen["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["taskHub"], row["instanceId"], row["goesWith"], row["runtimeStatus"]]))
        .collect();
    assert_eq!(
        short,
        [json!(["default", "child", "parent", "Completed"]), json!(["default", "parent", null, "Completed"])]
    );
    assert_eq!((&seen["more"], &seen["rule"]), (&json!(false), &json!("* after=1s name=Parent")));
    let one = server.get(&format!("{PREVIEW}?rule=0&top=1")).await.json();
    assert_eq!((one["instances"].as_array().unwrap().len(), &one["count"]), (1, &json!(2)));
    assert_eq!(server.get(&format!("{PREVIEW}?rule=1")).await.json()["count"], 0);
    assert_eq!(count(&server, "").await, 2);
    server.get(&format!("{PREVIEW}?rule=2")).await.is_error(400, "rule must be a number from 0 to 1, not 2");
    server.get(&format!("{PREVIEW}?rule=x")).await.is_error(400, "rule must be a number from 0 on");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rules_nothing_goes_and_there_is_nothing_to_preview() {
    let server = Data::new();
    let server = server.serve().await;
    assert_eq!(rules(&server).await, Vec::<Value>::new());
    server.get(PREVIEW).await.is_error(400, "there is no retention rule");
}

#[test]
fn a_rule_that_cannot_be_used_stops_the_start() {
    let refused =
        run(&["--store", "sqlite::memory:"], &[("DURAHUB__RETENTION__RULES", "default after=1 fortnight")]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(told.contains("rule 1 (\"default after=1 fortnight\"): after is \"1\"; after must be"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_goes_on_after_a_crash_and_the_file_becomes_shorter() {
    const MANY: usize = 240;
    let data = Data::new();
    let server = data.serve().await;
    let input = format!("\"{}\"", "x".repeat(100_000));
    let end = |number| {
        let (server, input) = (&server, &input);
        async move {
            let id = format!("i{number:03}");
            assert_eq!(server.start("Unserved", &id, input).await.status, 202);
            server.control(&id, "terminate", "").await;
        }
    };
    stream::iter(0..MANY).map(end).buffer_unordered(16).for_each(async |()| {}).await;
    server.start("Unserved", "live", &input).await;
    server.kill_nine();
    let size = || std::fs::metadata(data.path("d.db")).unwrap().len();
    let full = size();
    assert!(full > 20_000_000, "{full}");

    let mut environment = environment("default after=1s").to_vec();
    environment.push(("DURAHUB__RETENTION__PER_SECOND", "10"));
    let server = data.serve_env(&environment).await;
    let left =
        eventually("some are gone", async || Some(count(&server, "").await).filter(|left| *left <= 220))
            .await;
    assert!(left > 1, "it must be slow enough to be met on its way");
    assert_eq!(rules(&server).await[0]["running"], true);
    server.kill_nine();
    environment.pop();
    let server = data.serve_env(&environment).await;
    eventually("all are gone", async || (count(&server, "").await == 1).then_some(())).await;
    assert!(there(&server, "live", "default").await);
    eventually("the file is shorter", async || (size() < full / 3).then_some(())).await;
    let removed = rules(&server).await[0]["removed"].as_u64().unwrap();
    assert!((1..=left - 1).contains(&removed), "{removed} of {left}");
    server.start("HelloCities", "h", "").await;
    server.until("h", "Completed").await;
    drop(server);
    let checked = run(&["check", "--store", &data.store()], &[]);
    assert!(checked.status.success(), "{checked:?}");
}
