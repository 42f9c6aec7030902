//! Rewinding, and the histories it puts aside.

use super::*;
use crate::model::{StatusExt as _, event, failure, pb};

/// A failed instance whose activity failed.
async fn given_failed(world: &World, id: &str) {
    world.given(id, Status::Failed).await;
    let kind = pb::history_event::EventType::TaskScheduled;
    let scheduled = kind(pb::TaskScheduledEvent { name: "Pay".into(), ..Default::default() });
    world.store.change(id, |kept| {
        kept.payloads.failure = Some(failure("E", "m", false));
        kept.payloads.output = Some("\"m\"".into());
        kept.history = vec![
            event::orchestrator_started(BEGIN),
            event::with_id(0, BEGIN, scheduled),
            event::orchestrator_started(BEGIN),
            event::task_failed(BEGIN, 0, failure("E", "m", false)),
            event::execution_completed(1, BEGIN, Status::Failed, None, Some(failure("E", "m", false))),
        ];
    });
}

async fn rewind(world: &World, target: &str) -> Answer {
    world.ask("POST", &format!("/instances/{target}"), &[], "").await
}

#[tokio::test]
async fn only_what_has_failed_is_rewound() {
    for status in LIVE.into_iter().chain(ENDED) {
        let world = World::new().await;
        world.given("a", status).await;
        let answer = rewind(&world, "a/rewind?reason=why").await;
        if status == Status::Failed {
            answer.is_empty(202);
            assert_eq!(world.get("/instances/a").await.json()["runtimeStatus"], "Running");
            continue;
        }
        assert_eq!(answer.status, 412, "{status:?}");
        let text = format!("cannot rewind instance a: it is {}", status.name());
        assert_eq!(answer.json(), text.as_str());
        assert_eq!(world.get("/instances/a").await.json()["runtimeStatus"], status.name());
    }
}

#[tokio::test]
async fn what_is_unknown_is_told_in_a_bare_string() {
    let world = World::new().await;
    for target in ["b/rewind", "%40a%40b/rewind"] {
        let answer = rewind(&world, target).await;
        assert_eq!(answer.status, 404, "{target}");
        assert!(answer.json().as_str().unwrap().contains("does not exist"), "{answer:?}");
    }
    let answer = rewind(&world, "a/rewind?taskHub=other").await;
    assert_eq!(answer.status, 404);
    assert!(answer.json().as_str().unwrap().contains("task hub"), "{answer:?}");
}

#[tokio::test]
async fn the_reason_is_limited_and_may_be_missing() {
    let world = World::new().await;
    given_failed(&world, "a").await;
    let long = "x".repeat(PAYLOAD_LIMIT + 1);
    rewind(&world, &format!("a/rewind?reason={long}")).await.is_error(413, "reason");
    rewind(&world, "a/rewind").await.is_empty(202);
    let revisions = world.get("http://host:7071/api/v1/instances/a/revisions").await.json();
    assert!(revisions[0]["reason"].is_null(), "{revisions}");
}

#[tokio::test]
async fn a_rewound_instance_has_no_output_and_shows_its_histories() {
    let world = World::new().await;
    given_failed(&world, "a b").await;
    rewind(&world, "a+b/rewind?reason=too+early").await.is_empty(202);
    let body = world.get("/instances/a%20b?showHistory=true").await;
    assert_eq!(body.status, 202);
    let body = body.json();
    assert_eq!((body["output"].is_null(), body["historyEvents"].to_string()), (true, "[]".to_owned()));

    let body = world.get("/instances/a%20b?showHistory=true&historyRevision=1").await.json();
    assert_eq!(body["runtimeStatus"], "Running");
    let kinds = |body: &serde_json::Value| {
        let rows = body["historyEvents"].as_array().unwrap().iter();
        rows.map(|row| row["EventType"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&body), ["TaskFailed", "ExecutionCompleted", "ExecutionRewound"]);
    assert_eq!(body["historyEvents"][2]["Reason"], "too early");
    // Asked for no history, or for no number: as always.
    for query in ["historyRevision=1", "historyRevision=9", "showHistory=true&historyRevision=first"] {
        assert_eq!(world.get(&format!("/instances/a%20b?{query}")).await.status, 202, "{query}");
    }
    for revision in ["0", "2", "-1"] {
        let path = format!("/instances/a%20b?showHistory=true&historyRevision={revision}");
        world.get(&path).await.is_empty(404);
    }
    world.get("/instances/c?showHistory=true&historyRevision=1").await.is_empty(404);
}

#[tokio::test]
async fn revisions_are_listed_oldest_first() {
    let world = World::new().await;
    let id = "a b+c%:ü";
    given_failed(&world, id).await;
    let encoded = "a%20b%2Bc%25%3A%C3%BC";
    let list = format!("http://host:7071/api/v1/instances/{encoded}/revisions");
    assert_eq!(world.get(&list).await.body, "[]");
    for reason in ["one", "two"] {
        world.store.change(id, |kept| kept.record.status = Status::Failed);
        rewind(&world, &format!("{encoded}/rewind?reason={reason}")).await.is_empty(202);
        world.clock.0.fetch_add(1_000_000, Ordering::Relaxed);
    }
    assert_eq!(
        world.get(&format!("{list}?taskHub=DEFAULT")).await.body,
        r#"[{"revision":1,"rewoundTime":"2026-01-02T03:04:05.999999Z","reason":"one","events":6},{"revision":2,"rewoundTime":"2026-01-02T03:04:06.999999Z","reason":"two","events":3}]"#
    );
    world.get("http://host:7071/api/v1/instances/missing/revisions").await.is_empty(404);
    world.get(&format!("{list}?taskHub=other")).await.is_empty(404);
    world.ask("POST", &list, &[], "").await.is_empty(404);
}
