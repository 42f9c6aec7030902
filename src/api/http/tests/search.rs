//! `GET /api/v1/instances`.

use super::*;
use crate::model::{InstanceId, ParentRef, failure};
use serde_json::{Value, json};

pub const API: &str = "http://host:7071/api/v1";

async fn search(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{API}/instances?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json()
}

fn ids(page: &Value) -> String {
    let rows = page["instances"].as_array().unwrap().iter();
    rows.map(|row| row["instanceId"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// `a` to `d`, made a second apart; the first two have ended.
async fn four(world: &World) {
    for (id, status, took) in [
        ("a", Status::Completed, Some(2_999_999)),
        ("b", Status::Failed, Some(500)),
        ("c", Status::Running, None),
        ("d", Status::Pending, None),
    ] {
        world.given(id, status).await;
        world.store.change(id, |kept| {
            kept.record.completed_at = took.map(|took| Timestamp(kept.record.created_at.0 + took));
        });
        world.clock.0.fetch_add(1_000_000, Ordering::Relaxed);
    }
    world.store.change("b", |kept| {
        kept.payloads.failure = Some(failure("PaymentError", "declined\nby the bank", false));
        kept.record.name = "A".into();
    });
    world.store.change("c", |kept| {
        kept.payloads.custom_status = Some("\"half\\nway\"".into());
        kept.record.tags.insert("team".into(), "red".into());
        kept.record.version = Some("1".into());
        kept.record.scheduled_at = Some(BEGIN);
        kept.record.parent =
            Some(ParentRef { id: InstanceId::lookup("p"), execution_id: "e".into(), task_id: 1 });
    });
}

#[tokio::test]
async fn a_row_shows_what_a_table_shows() {
    let world = World::new().await;
    four(&world).await;
    let page = search(&world, "").await;
    assert_eq!(page["next"], Value::Null);
    assert_eq!(
        page["instances"][1],
        json!({
            "instanceId": "b", "name": "A", "version": null, "runtimeStatus": "Failed",
            "createdTime": "2026-01-02T03:04:06.999999Z", "lastUpdatedTime": "2026-01-02T03:04:07.000499Z",
            "scheduledStartTime": null, "completedTime": "2026-01-02T03:04:07.000499Z", "durationMs": 0,
            "parentInstanceId": null, "tags": {}, "customStatus": null,
            "failure": { "errorType": "PaymentError", "message": "declined" },
        })
    );
    let row = &search(&world, "instanceIdPrefix=c&sizes=true").await["instances"][0];
    assert_eq!(
        *row,
        json!({
            "instanceId": "c", "name": "F", "version": "1", "runtimeStatus": "Running",
            "createdTime": "2026-01-02T03:04:07.999999Z", "lastUpdatedTime": "2026-01-02T03:04:07.999999Z",
            "scheduledStartTime": "2026-01-02T03:04:05.999999Z", "completedTime": null, "durationMs": null,
            "parentInstanceId": "p", "tags": { "team": "red" }, "customStatus": "half way", "failure": null,
            "historyEvents": 0, "historyBytes": 0,
        })
    );
    assert_eq!(search(&world, "taskHub=nowhere").await, json!({ "instances": [], "next": null }));
}

#[tokio::test]
async fn orders_and_filters_are_those_that_were_asked_for() {
    let world = World::new().await;
    four(&world).await;
    for (query, expected) in [
        ("order=createdTime+desc", "d c b a"),
        ("order=name", "b a c d"),
        ("order=name+desc", "d c a b"),
        ("order=runtimeStatus", "a b d c"),
        ("order=duration", "b a d c"),
        ("order=duration+desc", "a b c d"),
        ("durationFrom=1", "a"),
        ("durationTo=0", "b"),
        ("durationTo=2999&durationFrom=2999", "a"),
        ("error=DECLINED", "b"),
        ("error=payment", ""),
        ("customStatus=Way", "c"),
        ("error=&customStatus=&sizes=&top=&after=&order=&durationFrom=", "a b c d"),
        ("runtimeStatus=Running&name=F", "c"),
    ] {
        assert_eq!(ids(&search(&world, query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_by_their_tokens() {
    let world = World::new().await;
    four(&world).await;
    for order in ["createdTime", "name", "runtimeStatus", "duration", "duration+desc"] {
        let all = ids(&search(&world, &format!("order={order}")).await);
        let (mut met, mut after) = (Vec::new(), String::new());
        loop {
            let page = search(&world, &format!("order={order}&top=1&after={after}")).await;
            met.push(ids(&page));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!(met.join(" "), all, "{order}");
        let other = world.get(&format!("{API}/instances?order=id&after={after}")).await;
        other.is_error(400, "another task hub, other filters or another order");
        let other = world.get(&format!("{API}/instances?order={order}&error=x&after={after}")).await;
        other.is_error(400, "another task hub, other filters or another order");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_by_name() {
    let world = World::new().await;
    for (query, part) in [
        ("top=0", "top must be a number from 1 to 500"),
        ("top=501", "top must be"),
        ("top=-1", "top must be"),
        ("top=x", "top must be"),
        ("order=size", "runtimeStatus or duration"),
        ("sizes=1", "sizes must be true or false"),
        ("durationFrom=1.5", "durationFrom must be a whole number of milliseconds"),
        ("durationTo=-1", "durationTo must be"),
        ("lastUpdatedTimeFrom=yesterday", "lastUpdatedTimeFrom"),
        ("after=x", "continuation token"),
    ] {
        world.get(&format!("{API}/instances?{query}")).await.is_error(400, part);
    }
}
