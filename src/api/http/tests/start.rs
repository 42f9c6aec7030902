//! Starting: ids, links, inputs, reuse of ids, and waiting for the end.

use super::*;
use crate::model::{failure, pb::history_event::EventType};

pub const LINKS: [&str; 8] = [
    "id",
    "statusQueryGetUri",
    "sendEventPostUri",
    "terminatePostUri",
    "purgeHistoryDeleteUri",
    "restartPostUri",
    "suspendPostUri",
    "resumePostUri",
];

#[tokio::test]
async fn a_start_without_body_answers_with_an_id_and_links() {
    let world = World::new().await;
    for path in ["/orchestrators/f", "/ORCHESTRATORS/f/"] {
        let answer = world.ask("POST", path, &[], "").await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.fields(), LINKS);
        let body = answer.json();
        let id = body["id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{id}");
        assert_eq!(answer.location.as_deref(), body["statusQueryGetUri"].as_str());
        assert_eq!(answer.retry_after.as_deref(), Some("10"));
        assert!(
            answer.location.unwrap().ends_with("?taskHub=Default&connection=Storage"),
            "links name the hub"
        );
        world.store.look(id, |kept| {
            let kept = kept.unwrap();
            assert_eq!((&*kept.record.name, &kept.payloads.input), ("f", &None));
        });
    }
}

#[tokio::test]
async fn every_link_works_for_ids_with_odd_characters() {
    let world = World::new().await;
    for id in ["a b", "a+b", "100%", "%41", "ü😀", "a&b=c;d'e\"f", "x|y~z", " "] {
        let path = format!("/orchestrators/F/{}?connection=My+Conn", super::super::form::encode(id));
        let body = world.post(&path, "").await.json();
        assert_eq!(body["id"], id);
        let link = |name: &str| {
            let link = body[name].as_str().unwrap();
            assert!(link.ends_with("taskHub=Default&connection=My+Conn"), "{link}");
            link.replace("{eventName}", "Go").replace("{text}", "because+of+%7Byou%7D")
        };
        let json = [("content-type", "application/json")];
        assert_eq!(world.get(&link("statusQueryGetUri")).await.json()["instanceId"], id);
        world.ask("POST", &link("sendEventPostUri"), &json, "1").await.is_empty(202);
        world.ask("POST", &link("suspendPostUri"), &[], "").await.is_empty(202);
        world.ask("POST", &link("resumePostUri"), &[], "").await.is_empty(202);
        world.ask("POST", &link("terminatePostUri"), &[], "").await.is_empty(202);
        assert_eq!(world.get(&link("statusQueryGetUri")).await.json()["output"], "because of {you}");
        let purged = world.ask("DELETE", &link("purgeHistoryDeleteUri"), &[], "").await;
        assert_eq!((purged.status, purged.body.as_str()), (200, r#"{"instancesDeleted":1}"#));
    }
}

#[tokio::test]
async fn links_use_the_public_address_when_there_is_one() {
    let public_base_url = Some("https://flows.example.com/durahub/".into());
    let world = World::with(HttpSettings { public_base_url, ..HttpSettings::default() }, false).await;
    let answer = world.post("/orchestrators/F/a", "").await;
    let expected = "https://flows.example.com/durahub/runtime/webhooks/durabletask/instances/a?taskHub=Default&connection=Storage";
    assert_eq!(answer.location.as_deref(), Some(expected));
    let poll = world.get("/instances/a?x=%20y").await;
    let expected = "https://flows.example.com/durahub/runtime/webhooks/durabletask/instances/a?x=%20y";
    assert_eq!(poll.location.as_deref(), Some(expected));
}

#[tokio::test]
async fn input_version_and_trace_reach_the_instance_as_sent() {
    let world = World::new().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("traceparent", parent), ("tracestate", "a=1"), ("tracestate", "b=2")];
    let input = " {\"n\" : 1.50}\n";
    let answer = world.ask("POST", "/orchestrators/F/a?version=2.0", &headers, input).await;
    assert_eq!(answer.status, 202, "the content type of a start does not matter");
    world.store.look("a", |kept| {
        let kept = kept.unwrap();
        assert_eq!(kept.payloads.input.as_deref(), Some(input));
        let Some(EventType::ExecutionStarted(started)) = &kept.inbox[0].events[0].event_type else {
            panic!("the first message starts the execution")
        };
        assert_eq!(started.version.as_deref(), Some("2.0"));
        let trace = started.parent_trace_context.as_ref().unwrap();
        assert_eq!(
            (trace.trace_parent.as_str(), trace.span_id.as_str(), trace.trace_state.as_deref()),
            (parent, "00f067aa0ba902b7", Some("a=1,b=2"))
        );
    });
    assert_eq!(world.get("/instances/a").await.json()["version"], "2.0");
}

#[tokio::test]
async fn an_empty_version_is_a_version_and_none_is_none() {
    let world = World::new().await;
    for (id, query, version) in [("a", "?version=", Some("")), ("b", "", None), ("c", "?version", None)] {
        assert_eq!(world.post(&format!("/orchestrators/F/{id}{query}"), "").await.status, 202);
        world.store.look(id, |kept| {
            let kept = kept.unwrap();
            let Some(EventType::ExecutionStarted(started)) = &kept.inbox[0].events[0].event_type else {
                panic!()
            };
            assert_eq!((started.version.as_deref(), kept.record.version.as_deref()), (version, version));
        });
        let shown = world.get(&format!("/instances/{id}")).await.json();
        assert_eq!(shown.get("version").and_then(|version| version.as_str()), version);
    }
}

#[tokio::test]
async fn a_live_id_is_refused_and_an_ended_one_is_replaced() {
    for status in LIVE {
        let world = World::new().await;
        world.given("a", status).await;
        let answer = world.post("/orchestrators/F/a", "").await;
        answer.is_error(409, "already exists");
        let exception = "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException";
        assert_eq!(answer.json()["ExceptionType"], exception);
    }
    for status in ENDED {
        let world = World::new().await;
        world.given("a", status).await;
        let before = world.get("/instances/a").await.json()["createdTime"].clone();
        world.clock.0.fetch_add(3_000_000, Ordering::Relaxed);
        assert_eq!(world.post("/orchestrators/F/a", "").await.status, 202, "{status:?}");
        let after = world.get("/instances/a").await.json();
        assert_eq!(
            (&before, &after["createdTime"]),
            (&"2026-01-02T03:04:05Z".into(), &"2026-01-02T03:04:08Z".into())
        );
        assert_eq!(after["runtimeStatus"], "Pending");
    }
}

/// Starts `a` with `query` and ends it as `status` once it is there.
async fn start_and_end(world: &World, query: &str, status: Status, output: Option<&str>) -> Answer {
    let store = world.store.clone();
    let output = output.map(str::to_owned);
    let worker = tokio::spawn(async move {
        while store.look("a", |kept| kept.is_none()) {
            tokio::task::yield_now().await;
        }
        store.change("a", |kept| {
            kept.record.status = status;
            kept.payloads.output = output;
            if status == Status::Failed {
                kept.payloads.failure = Some(failure("Boom", "12", false));
            }
        });
    });
    let answer = world.post(&format!("/orchestrators/F/a?{query}"), "7").await;
    worker.await.unwrap();
    answer
}

#[tokio::test]
async fn a_waiting_start_answers_with_the_bare_output() {
    for (query, output, body) in [
        ("timeout=10&pollingInterval=1", Some("\"text\""), "\"text\""),
        ("TIMEOUT=10", Some("{\"a\": 1.0}"), "{\"a\": 1.0}"),
        ("timeout=10", Some("text"), "\"text\""),
        ("timeout=1e9", None, "null"),
    ] {
        let world = World::new().await;
        let answer = start_and_end(&world, query, Status::Completed, output).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{query}");
        assert_eq!((answer.location, answer.retry_after), (None, None));
    }
}

#[tokio::test]
async fn a_waiting_start_answers_with_the_status_of_what_did_not_complete() {
    for (query, status, code) in [
        ("timeout=10", Status::Failed, 200),
        ("timeout=10&pollingInterval=1&returnInternalServerErrorOnFailure=true", Status::Failed, 500),
        ("timeout=10&returnInternalServerErrorOnFailure=true", Status::Terminated, 200),
        ("timeout=10&showInput=false", Status::Canceled, 200),
    ] {
        let world = World::new().await;
        let answer = start_and_end(&world, query, status, None).await;
        let body = answer.json();
        assert_eq!((answer.status, answer.location), (code, None), "{query}");
        assert_eq!(body["instanceId"], "a");
        assert_eq!(
            body["output"],
            if status == Status::Failed { "12".into() } else { serde_json::Value::Null }
        );
        assert_eq!(body["input"].is_null(), query.contains("showInput"));
    }
}

#[tokio::test]
async fn a_wait_that_runs_out_answers_as_if_nobody_had_waited() {
    for query in ["timeout=0&pollingInterval=0", "timeout=-1", "timeout=0.01", "timeout=nonsense"] {
        let world = World::new().await;
        let answer = world.post(&format!("/orchestrators/F/a?{query}"), "").await;
        assert_eq!((answer.status, answer.retry_after.as_deref()), (202, Some("10")), "{query}");
        assert_eq!(answer.fields(), LINKS);
    }
}

#[tokio::test]
async fn a_wait_is_capped() {
    let settings = HttpSettings { wait_cap: Duration::from_millis(10), ..HttpSettings::default() };
    let world = World::with(settings, false).await;
    assert_eq!(world.post("/orchestrators/F/a?timeout=1e300", "").await.status, 202);
}

#[tokio::test]
async fn a_server_that_shuts_down_keeps_nobody_waiting() {
    let world = World::new().await;
    let waiting = world.post("/orchestrators/F/a?timeout=200", "");
    let leaving = async { world.leaving.cancel() };
    let both = async { tokio::join!(waiting, leaving) };
    let (answer, ()) =
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("long before 200 seconds");
    assert_eq!((answer.status, answer.retry_after.as_deref()), (202, Some("10")));
    assert_eq!(answer.fields(), LINKS);
}

#[tokio::test]
async fn impossible_waits_are_refused_before_anything_is_started() {
    let world = World::new().await;
    world.post("/orchestrators/F/a?timeout=1&pollingInterval=2", "").await.is_error(400, "pollingInterval");
    assert_eq!(world.store.count(), 0);
}

#[tokio::test]
async fn an_unknown_hub_is_made_or_refused_with_the_cure() {
    let world = World::new().await;
    world.post("/orchestrators/F/a?taskHub=other", "").await.is_error(400, "hubs.create_on_start");
    assert_eq!(world.store.count(), 0);
    let open = World::with(HttpSettings::default(), true).await;
    let answer = open.post("/orchestrators/F/a?TASKHUB=other", "").await;
    assert_eq!(answer.status, 202);
    let link = answer.location.unwrap();
    assert!(link.ends_with("?taskHub=other&connection=Storage"), "{link}");
    assert_eq!(open.get(&link).await.status, 202);
    open.get("/instances/a").await.is_empty(404);
    open.post("/orchestrators/F/a?taskHub=0+bad", "").await.is_error(400, "task hub name");
}
