//! Reading the status of one instance.

use super::*;
use crate::model::{event, failure};
use expect_test::expect;

#[tokio::test]
async fn a_live_instance_says_where_to_look_again() {
    let world = World::new().await;
    for status in LIVE {
        world.given(status.as_str_name(), status).await;
        let path = format!("/Instances/{}?taskHub=&x=%20Y", status.as_str_name());
        let answer = world.get(&path).await;
        assert_eq!((answer.status, answer.retry_after.as_deref()), (202, Some("5")));
        assert_eq!(answer.location, Some(format!("http://host:7071{WEBHOOK_BASE}{path}")));
    }
}

#[tokio::test]
async fn an_ended_instance_is_200_and_a_failed_one_500_only_on_request() {
    let world = World::new().await;
    for status in ENDED {
        let id = status.as_str_name();
        world.given(id, status).await;
        for (query, code) in [
            ("", 200),
            ("?returnInternalServerErrorOnFailure=1", 200),
            ("?returnInternalServerErrorOnFailure=True", if status == Status::Failed { 500 } else { 200 }),
        ] {
            let answer = world.get(&format!("/instances/{id}{query}")).await;
            assert_eq!(
                (answer.status, answer.location, answer.retry_after),
                (code, None, None),
                "{id}{query}"
            );
            assert_eq!(answer.body, world.get(&format!("/instances/{id}")).await.body);
        }
    }
}

#[tokio::test]
async fn the_status_object_keeps_its_order_and_embeds_what_is_stored() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    world.store.change("a", |kept| {
        kept.payloads.custom_status = Some("half way".into());
        kept.record.updated_at = Timestamp(BEGIN.0 + 1);
    });
    expect![[r#"{"name":"F","instanceId":"a","runtimeStatus":"Running","input":{"n":1},"customStatus":"half way","output":null,"createdTime":"2026-01-02T03:04:05Z","lastUpdatedTime":"2026-01-02T03:04:06Z"}"#]]
        .assert_eq(&world.get("/instances/a").await.body);
    world.store.change("a", |kept| {
        kept.record.status = Status::Completed;
        kept.record.version = Some("1.0".into());
        kept.payloads.output = Some("[1.10, null]".into());
        kept.payloads.custom_status = None;
    });
    expect![[r#"{"name":"F","instanceId":"a","version":"1.0","runtimeStatus":"Completed","input":null,"customStatus":null,"output":[1.10, null],"createdTime":"2026-01-02T03:04:05Z","lastUpdatedTime":"2026-01-02T03:04:06Z"}"#]]
        .assert_eq(&world.get("/instances/a?SHOWINPUT=False").await.body);
}

#[tokio::test]
async fn values_that_cannot_be_parsed_count_as_absent() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    for query in
        ["showInput=0", "showInput=", "showInput", "showInput=false&showInput=false", "showHistory=1"]
    {
        let body = world.get(&format!("/instances/a?{query}")).await.json();
        assert_eq!(body["input"]["n"], 1, "{query}");
        assert!(body.get("historyEvents").is_none());
    }
}

#[tokio::test]
async fn a_failure_is_shown_as_text_and_a_reason_as_what_it_is() {
    let world = World::new().await;
    world.given("a", Status::Failed).await;
    for (output, message, shown) in
        [(None, "123", r#""123""#), (None, "", r#""Boom""#), (Some("{\"own\":1}"), "123", r#"{"own":1}"#)]
    {
        world.store.change("a", |kept| {
            kept.payloads.output = output.map(str::to_owned);
            kept.payloads.failure = Some(failure("Boom", message, false));
        });
        assert_eq!(world.get("/instances/a").await.json()["output"].to_string(), shown);
    }
    for (reason, shown) in [("5+minutes+late", r#""5 minutes late""#), ("123", "123"), ("", r#""""#)] {
        world.given("b", Status::Running).await;
        world.post(&format!("/instances/b/terminate?reason={reason}"), "").await.is_empty(202);
        assert_eq!(world.get("/instances/b").await.json()["output"].to_string(), shown);
    }
}

#[tokio::test]
async fn history_is_shown_on_request_and_never_while_pending() {
    let world = World::new().await;
    world.given("a", Status::Pending).await;
    let history = "/instances/a?showHistory=true";
    assert!(world.get(history).await.json().get("historyEvents").is_none());
    world.store.change("a", |kept| kept.record.status = Status::Running);
    assert!(world.get(history).await.body.ends_with(r#","historyEvents":[]}"#));
    world.store.change("a", |kept| {
        kept.history = vec![
            event::orchestrator_started(BEGIN),
            event::event_raised(BEGIN, "Go".into(), Some("1".into())),
        ];
    });
    let rows = |answer: Answer| answer.json()["historyEvents"].to_string();
    expect![[r#"[{"EventType":"EventRaised","Input":"1","Name":"Go","ParentTraceContext":null,"Timestamp":"2026-01-02T03:04:05.999999Z"}]"#]]
        .assert_eq(&rows(world.get(history).await));
    expect![[r#"[{"EventType":"EventRaised","Name":"Go","ParentTraceContext":null,"Timestamp":"2026-01-02T03:04:05.999999Z"}]"#]]
        .assert_eq(&rows(world.get(&format!("{history}&showInput=false")).await));
}

#[tokio::test]
async fn an_id_with_a_space_is_found_either_way() {
    let world = World::new().await;
    world.given("a b", Status::Running).await;
    for path in ["/instances/a%20b", "/instances/a+b", "/INSTANCES/a+b///"] {
        assert_eq!(world.get(path).await.json()["instanceId"], "a b");
    }
}

#[tokio::test]
async fn what_is_unknown_is_404_and_empty() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    for path in
        ["/instances/b", "/instances/A", "/instances/a?taskHub=other", "/instances/a%2Fb", "/instances/%ff"]
    {
        world.get(path).await.is_empty(404);
    }
}
