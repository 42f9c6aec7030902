//! Bulk jobs: what they do, to which instances, and that nothing stops them but their end or somebody's word.

use crate::support::{Answer, Binary, Data, Http, Inside, eventually};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const JOBS: &str = "/api/v1/jobs";

/// Starts instances of a function that nobody serves, so that they stay as they are.
async fn pending(server: &Http, prefix: &str, many: usize) {
    let start = |number| async move { server.start("Unserved", &format!("{prefix}-{number:04}"), "1").await };
    stream::iter(0..many).map(start).buffer_unordered(32).for_each(async |_| {}).await;
}

async fn begin(server: &Http, asked: Value) -> Value {
    let answer = server.post(JOBS, &asked.to_string()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()
}

async fn look(server: &Http, job: &Value) -> Value {
    server.get(&format!("{JOBS}/{}", job["id"].as_str().unwrap())).await.json()
}

/// Waits until it is over.
async fn over(server: &Http, job: &Value) -> Value {
    eventually("the end of the job", async || {
        Some(look(server, job).await).filter(|seen| seen["state"] != "running")
    })
    .await
}

/// Waits until some of it is done. `false`: all was done when somebody looked, which a slow machine may be guilty of.
async fn half_way(server: &Http, job: &Value) -> bool {
    let seen = eventually("the middle of the job", async || {
        Some(look(server, job).await).filter(|seen| seen["done"].as_u64() > Some(0))
    })
    .await;
    seen["state"] == "running"
}

/// Makes 600 instances, begins a job that ends them, and meets it before it is through, if need be in a later attempt. `meet` gets the
/// prefix of their ids and the job, and tells whether it came in time.
async fn met<T>(server: &Http, meet: impl AsyncFn(&str, &Value) -> Option<T>) -> (String, Value, T) {
    for attempt in 0..5 {
        let prefix = format!("a{attempt}");
        pending(server, &prefix, 600).await;
        let filter = format!("instanceIdPrefix={prefix}-");
        let job = begin(server, json!({ "action": "terminate", "filter": filter })).await;
        if let Some(met) = meet(&prefix, &job).await {
            return (prefix, job, met);
        }
    }
    panic!("never met on its way");
}

fn numbers(job: &Value) -> [u64; 3] {
    ["done", "skipped", "failed"].map(|name| job[name].as_u64().unwrap())
}

async fn count(server: &Http, filter: &str) -> u64 {
    server.get(&format!("/api/v1/counts?{filter}")).await.json()["total"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_acts_on_all_that_match_and_skips_what_has_ended() {
    let server = Inside::start().await;
    pending(&server, "a", 120).await;
    pending(&server, "other", 2).await;
    for number in 0..3 {
        server.control(&format!("a-000{number}"), "terminate", "before").await;
    }
    let job = begin(
        &server,
        json!({ "action": "terminate", "filter": "instanceIdPrefix=a-&name=Unserved", "reason": "enough <b>" }),
    )
    .await;
    assert_eq!((&job["total"], &job["state"], &job["by"]), (&json!(120), &json!("running"), &Value::Null));
    assert_eq!(job["filter"], "instanceIdPrefix=a-&name=Unserved");
    let over = over(&server, &job).await;
    assert_eq!((&over["state"], numbers(&over)), (&json!("completed"), [117, 3, 0]));
    assert_eq!(
        (&over["failures"], &over["reason"], &over["error"]),
        (&json!([]), &json!("enough <b>"), &Value::Null)
    );
    assert!(over["endedTime"].as_str() > over["createdTime"].as_str());
    assert_eq!(count(&server, "runtimeStatus=Terminated").await, 120);
    assert_eq!(server.status("a-0050").await["output"], "enough <b>");
    assert_eq!(server.status("a-0000").await["output"], "before");
    assert_eq!(count(&server, "instanceIdPrefix=other&runtimeStatus=Pending").await, 2);
    let mut listed = server.get(JOBS).await.json()["jobs"].take();
    let mut one = over.clone();
    one.as_object_mut().unwrap().remove("failures");
    assert_eq!(listed[0].take(), one);

    let deleted = server.ask("DELETE", &format!("{JOBS}/{}", job["id"].as_str().unwrap()), None).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(server.get(JOBS).await.json(), json!({ "jobs": [] }));
    server.get(&format!("{JOBS}/{}", job["id"].as_str().unwrap())).await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_applies_where_it_applies() {
    let server = Inside::start().await;
    server.post("entities/samples.counter/k?op=add", "1").await.is_empty(202);
    eventually("the entity", async || {
        (server.get("entities/samples.counter/k").await.status == 200).then_some(())
    })
    .await;
    let ids = json!(["pending", "suspended", "failed", "ended", "nobody", "@samples.counter@k", "ended"]);
    for (action, done, skipped, failed, more) in [
        ("suspend", 1, 5, 0, json!({ "reason": "lunch" })),
        ("resume", 1, 5, 0, json!({})),
        ("raiseEvent", 2, 4, 0, json!({ "eventName": "E", "eventData": { "n": 1 } })),
        ("terminate", 2, 4, 0, json!({ "recursive": true })),
        ("rewind", 1, 5, 0, json!({ "reason": "mended" })),
        ("restart", 2, 3, 1, json!({ "restartWithNewInstanceId": true })),
        ("restart", 2, 3, 1, json!({ "restartWithNewInstanceId": false })),
        ("purge", 3, 3, 0, json!({ "recursive": true })),
    ] {
        for (id, function) in [
            ("pending", "Unserved"),
            ("suspended", "Unserved"),
            ("failed", "FanOutFanIn"),
            ("ended", "HelloCities"),
        ] {
            server.start(function, id, "\"ten\"").await;
        }
        server.control("suspended", "suspend", "").await;
        server.until("failed", "Failed").await;
        server.until("ended", "Completed").await;
        let mut asked = more;
        asked["action"] = action.into();
        asked["instanceIds"] = ids.clone();
        let job = begin(&server, asked).await;
        assert_eq!(job["total"], 6, "each once");
        let over = over(&server, &job).await;
        assert_eq!(
            (&over["state"], numbers(&over)),
            (&json!("completed"), [done, skipped, failed]),
            "{over}"
        );
        if failed > 0 {
            assert_eq!(over["failures"][0]["instanceId"], "@samples.counter@k");
            assert!(over["failures"][0]["why"].as_str().unwrap().contains("entities"), "{over}");
        }
        // Away with all of it for the next one.
        for id in ["pending", "suspended", "failed", "ended"] {
            server.post(&format!("instances/{id}/terminate"), "").await;
            server.ask("DELETE", &format!("instances/{id}"), None).await;
        }
    }
    assert_eq!(server.get("entities/samples.counter/k").await.status, 404, "named, it was purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_by_filter_leaves_entities_alone() {
    let server = Inside::start().await;
    server.post("entities/samples.counter/k?op=add", "1").await.is_empty(202);
    eventually("the entity", async || {
        (server.get("entities/samples.counter/k").await.status == 200).then_some(())
    })
    .await;
    let over =
        over(&server, &begin(&server, json!({ "action": "purge", "filter": "entities=true" })).await).await;
    assert_eq!((&over["total"], numbers(&over)), (&json!(0), [0, 0, 0]));
    assert_eq!(server.get("entities/samples.counter/k").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_mid_job_repeats_nothing_and_loses_nothing() {
    let data = Data::new();
    let server = data.serve_with(&["--no-samples"]).await;
    pending(&server, "k", 400).await;
    let ended = |job: Value| async move { (job["state"].clone(), numbers(&job)) };
    let mut met = 0;
    let job = begin(&server, json!({ "action": "terminate", "filter": "" })).await;
    met += usize::from(half_way(&server, &job).await);
    let server = killed(server, &data).await;
    assert_eq!(ended(over(&server, &job).await).await, (json!("completed"), [400, 0, 0]));
    assert_eq!(count(&server, "runtimeStatus=Terminated").await, 400);

    // Of each there is one more then, not two.
    let job = begin(&server, json!({ "action": "restart", "filter": "runtimeStatus=Terminated" })).await;
    met += usize::from(half_way(&server, &job).await);
    let server = killed(server, &data).await;
    assert_eq!(ended(over(&server, &job).await).await, (json!("completed"), [400, 0, 0]));
    assert_eq!((count(&server, "").await, count(&server, "runtimeStatus=Pending").await), (800, 400));

    // Under their own ids, the new ones of which match the filter again.
    let job = begin(
        &server,
        json!({ "action": "restart", "filter": "instanceIdPrefix=k-", "restartWithNewInstanceId": false }),
    )
    .await;
    met += usize::from(half_way(&server, &job).await);
    let server = killed(server, &data).await;
    assert_eq!(ended(over(&server, &job).await).await, (json!("completed"), [400, 0, 0]));
    assert_eq!(count(&server, "runtimeStatus=Pending&instanceIdPrefix=k-").await, 400);

    begin(&server, json!({ "action": "terminate", "filter": "" })).await;
    eventually("their end", async || (count(&server, "runtimeStatus=Pending").await == 0).then_some(()))
        .await;
    let job = begin(&server, json!({ "action": "purge", "filter": "" })).await;
    met += usize::from(half_way(&server, &job).await);
    let server = killed(server, &data).await;
    assert_eq!(ended(over(&server, &job).await).await, (json!("completed"), [800, 0, 0]));
    assert_eq!(count(&server, "").await, 0);
    assert!(met > 0, "no job was killed on its way");
}

async fn killed(server: Binary, data: &Data) -> Binary {
    server.kill_nine();
    data.serve_with(&["--no-samples"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_puts_a_job_down_and_the_next_start_takes_it_up() {
    let data = Data::new();
    let mut server = data.serve_with(&["--no-samples"]).await;
    pending(&server, "s", 400).await;
    let job = begin(&server, json!({ "action": "raiseEvent", "eventName": "E", "filter": "" })).await;
    half_way(&server, &job).await;
    server.signal("TERM");
    assert_eq!(server.ended().await.0, Some(0), "{}", server.log());
    let server = data.serve_with(&["--no-samples"]).await;
    let over = over(&server, &job).await;
    assert_eq!((&over["state"], numbers(&over)), (&json!("completed"), [400, 0, 0]));
    // After a clean end no event is sent twice.
    for number in [0, 40, 80, 399] {
        let told = server.get(&format!("/api/v1/instances/s-{number:04}/explain")).await.json();
        assert_eq!(told["messages"]["ready"], 2, "the start and one event: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_stopped_goes_no_further() {
    let server = Inside::start().await;
    let target = |job: &Value| format!("{JOBS}/{}", job["id"].as_str().unwrap());
    let (prefix, job, (early, stopped)) = met(&server, async |_, job| {
        half_way(&server, job).await;
        let early = server.ask("DELETE", &target(job), None).await;
        let stopped = server.post(&format!("{}/stop", target(job)), "").await;
        (stopped.status == 200).then_some((early, stopped))
    })
    .await;
    early.is_error(409, "stop it first");
    assert_eq!(stopped.json()["state"], "stopped");
    server.post(&format!("{}/stop", target(&job)), "").await.is_error(409, "already ended");
    // By the time another job has come to all of them, this one would have, too.
    let filter = format!("instanceIdPrefix={prefix}-");
    let other = begin(&server, json!({ "action": "suspend", "filter": filter })).await;
    let [suspended, skipped, failed] = numbers(&over(&server, &other).await);
    assert!(suspended > 0 && suspended + skipped == 600 && failed == 0, "another job goes its way");
    // What was under way when it was stopped is counted.
    let done = eventually("what was under way", async || {
        let done = look(&server, &job).await["done"].as_u64().unwrap();
        (done == count(&server, &format!("runtimeStatus=Terminated&{filter}")).await).then_some(done)
    })
    .await;
    assert!((1..600).contains(&done), "{done}");
    assert_eq!(server.ask("DELETE", &target(&job), None).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_after_the_job_is_none_of_its_business() {
    let server = Inside::start().await;
    // Under an id that the job is still to come to, and that matches as before.
    let (prefix, job, ()) = met(&server, async |prefix, _| {
        let ended = server.post(&format!("instances/{prefix}-0599/terminate"), "").await;
        (ended.status == 202).then_some(())
    })
    .await;
    let last = format!("{prefix}-0599");
    server.start("Unserved", &last, "2").await;
    pending(&server, &format!("{prefix}-new"), 50).await;
    let over = over(&server, &job).await;
    assert_eq!(over["total"], 600);
    assert_eq!(count(&server, &format!("instanceIdPrefix={prefix}-new&runtimeStatus=Pending")).await, 50);
    assert_eq!(server.status(&last).await["runtimeStatus"], "Pending");
    assert_eq!(numbers(&over)[0], 599, "{over}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_on_nothing_ends_at_once() {
    let server = Inside::start().await;
    for targets in [json!({ "filter": "name=Nobody" }), json!({ "instanceIds": [] })] {
        let mut asked = targets;
        asked["action"] = "suspend".into();
        let over = over(&server, &begin(&server, asked).await).await;
        assert_eq!(
            (&over["state"], &over["total"], numbers(&over)),
            (&json!("completed"), &json!(0), [0, 0, 0])
        );
    }
    assert_eq!(server.get(&format!("{JOBS}?taskHub=nowhere")).await.json(), json!({ "jobs": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_and_does_nothing() {
    let server = Inside::start().await;
    pending(&server, "a", 1).await;
    let long = "x".repeat(2_000);
    let many: Vec<_> = (0..10_001).map(|number| number.to_string()).collect();
    for (asked, part) in [
        (json!({ "action": "terminate" }), "either instanceIds or filter"),
        (json!({ "action": "terminate", "filter": "", "instanceIds": ["a"] }), "not both"),
        (json!({ "action": "explode", "filter": "" }), "action must be"),
        (json!({ "filter": "" }), "action"),
        (json!({ "action": "terminate", "filter": "status=Failed" }), "status"),
        (json!({ "action": "terminate", "filter": "createdTimeFrom=yesterday" }), "createdTimeFrom"),
        (json!({ "action": "terminate", "filter": "topLevel=1" }), "topLevel"),
        (json!({ "action": "terminate", "filter": "runtimeStatus" }), "lacks a value"),
        (json!({ "action": "terminate", "filters": "" }), "filters"),
        (json!({ "action": "terminate", "filter": 7 }), "invalid type"),
        (json!({ "action": "suspend", "filter": "", "recursive": true }), "recursive has no meaning"),
        (json!({ "action": "purge", "filter": "", "reason": "x" }), "reason has no meaning"),
        (json!({ "action": "raiseEvent", "filter": "" }), "event name must not be empty"),
        (json!({ "action": "raiseEvent", "filter": "", "eventName": "a\nb" }), "control character"),
        (json!({ "action": "terminate", "instanceIds": [""] }), "instanceIds"),
        (json!({ "action": "terminate", "instanceIds": [long] }), "instanceIds"),
        (json!({ "action": "terminate", "instanceIds": many }), "10001 instanceIds"),
        (json!([]), "invalid"),
    ] {
        let answer = server.post(JOBS, &asked.to_string()).await;
        answer.is_error(400, part);
    }
    for text in ["{", "\u{feff}{}", "null", "\"\\ud800\""] {
        assert_eq!(server.post(JOBS, text).await.status, 400, "{text}");
    }
    let plain =
        server.ask_with("POST", JOBS, Some("text/plain"), r#"{"action":"terminate","filter":""}"#).await;
    plain.is_error(400, "application/json");
    let huge = json!({ "action": "terminate", "filter": "", "reason": "x".repeat(4 << 20) }).to_string();
    server.post(JOBS, &huge).await.is_error(413, "reason");
    assert_eq!(server.get(JOBS).await.json()["jobs"], json!([]));
    for id in ["nothing", "..", "%00", "a%2Fb", "%ff"] {
        let target = format!("{JOBS}/{id}");
        for answer in [
            server.get(&target).await,
            server.ask("DELETE", &target, None).await,
            server.post(&format!("{target}/stop"), "").await,
        ] {
            assert!(matches!(answer.status, 400 | 404), "{id}: {answer:?}");
        }
    }
    assert_eq!(server.status("a-0000").await["runtimeStatus"], "Pending");
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_takes_the_role_that_its_action_takes() {
    let keys: Vec<_> = ["read", "operate", "worker", "admin"]
        .map(|role| {
            let digest: String = Sha256::digest(role).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{role}-key:{role}:{digest}")
        })
        .into();
    let data = Data::new();
    let server = data.serve_env(&[("DURAHUB__AUTH__KEYS", &keys.join(","))]).await;
    let ask = async |role: &str, method: &str, target: &str, asked: Value| -> Answer {
        let headers = [("x-functions-key", role), ("content-type", "application/json")];
        server.ask_headers(method, target, &headers, asked.to_string()).await
    };
    let terminate = json!({ "action": "terminate", "filter": "" });
    for (asked, least) in [
        (terminate.clone(), "operate"),
        (json!({ "action": "restart", "instanceIds": ["a"] }), "operate"),
        (json!({ "action": "purge", "instanceIds": ["a"] }), "operate"),
        (json!({ "action": "purge", "filter": "" }), "admin"),
    ] {
        for role in ["worker", "read", "operate", "admin"] {
            let permitted = role == "admin" || role == least;
            let answer = ask(role, "POST", JOBS, asked.clone()).await;
            assert_eq!(answer.status, if permitted { 202 } else { 403 }, "{role} {asked}: {answer:?}");
            if permitted {
                assert_eq!(answer.json()["by"], format!("{role}-key"));
            }
        }
    }
    let jobs = ask("read", "GET", JOBS, json!(null)).await.json()["jobs"].take();
    let purge =
        jobs.as_array().unwrap().iter().find(|job| job["action"] == "purge" && !job["filter"].is_null());
    let target = format!("{JOBS}/{}", purge.unwrap()["id"].as_str().unwrap());
    assert_eq!(ask("read", "GET", &target, json!(null)).await.status, 200);
    ask("worker", "GET", &target, json!(null)).await.is_empty(403);
    for method in ["POST", "DELETE"] {
        let target = if method == "POST" { format!("{target}/stop") } else { target.clone() };
        ask("operate", method, &target, json!(null)).await.is_empty(403);
        assert_ne!(ask("admin", method, &target, json!(null)).await.status, 403);
    }
    server.post(JOBS, &terminate.to_string()).await.is_empty(401);
}
