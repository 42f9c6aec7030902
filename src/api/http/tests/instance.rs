//! `/api/v1/instances/{id}` and what is below it.

use super::*;
use crate::{
    auth::{Digest, Keys, LinkSigner, NamedKey, Reach, Role},
    model::{
        ParentRef, event, failure,
        pb::{self, HistoryEvent, history_event::EventType},
    },
};
use serde_json::{Value, json};

const BASE: &str = "http://host:7071/api/v1/instances";

fn scheduled(id: i32, name: &str, input: &str) -> HistoryEvent {
    let task = pb::TaskScheduledEvent { name: name.into(), input: Some(input.into()), ..Default::default() };
    event::with_id(id, BEGIN, EventType::TaskScheduled(task))
}

/// Ten activities one after the other, of which number 7 fails.
fn ten() -> Vec<HistoryEvent> {
    let one = |id: i32| {
        let answer = match id {
            7 => event::task_failed(BEGIN, id, failure("PaymentError", "declined\nsecond line", false)),
            _ => event::task_completed(BEGIN, id, Some(format!("\"Result {id}\""))),
        };
        [
            event::orchestrator_started(BEGIN),
            scheduled(id, if id % 2 == 0 { "Even" } else { "Odd" }, "1"),
            event::orchestrator_completed(BEGIN),
            answer,
        ]
    };
    (0..10).flat_map(one).collect()
}

async fn with(history: Vec<HistoryEvent>) -> World {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    world.store.change("a", |kept| kept.history = history);
    world
}

async fn page(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{BASE}/a/history?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn indexes(page: &Value) -> Vec<i64> {
    page["events"].as_array().unwrap().iter().map(|event| event["index"].as_i64().unwrap()).collect()
}

/// The events of all pages, by number.
async fn walk(world: &World, query: &str) -> Vec<i64> {
    let (mut met, mut after) = (Vec::new(), String::new());
    loop {
        let page = page(world, &format!("{query}{after}")).await;
        met.extend(indexes(&page));
        let Some(next) = page["next"].as_str() else { return met };
        after = format!("&after={next}");
    }
}

#[tokio::test]
async fn pages_meet_every_event_once_in_either_direction() {
    let world = with(ten()).await;
    for top in [1, 3, 7, 39, 40, 41, 5_000] {
        assert_eq!(walk(&world, &format!("top={top}")).await, (0..40).collect::<Vec<_>>(), "{top}");
        let back: Vec<_> = (0..40).rev().collect();
        assert_eq!(walk(&world, &format!("top={top}&order=desc")).await, back, "{top}");
    }
    let first = page(&world, "top=40").await;
    assert_eq!((&first["next"], &first["total"]), (&Value::Null, &json!(40)));
    assert_eq!(indexes(&page(&world, "after=37").await), [38, 39]);
    assert_eq!(indexes(&page(&world, "after=2&order=desc").await), [1, 0]);
    for beyond in ["after=39", "after=4711", "after=0&order=desc"] {
        assert_eq!(page(&world, beyond).await["events"], json!([]), "{beyond}");
    }
}

#[tokio::test]
async fn filters_hold_together_and_say_where_to_go_on() {
    let world = with(ten()).await;
    for (query, found) in [
        ("failed=true", vec![31]),
        ("type=TaskFailed", vec![31]),
        ("type=taskfailed&type=TaskScheduled&eventId=7", vec![29, 31]),
        ("eventId=3", vec![13, 15]),
        ("name=eVe&top=2&eventId=4", vec![17]),
        ("text=RESULT+9", vec![39]),
        ("text=declined", vec![31]),
        ("text=second+line", vec![31]),
        ("text=nowhere", vec![]),
        ("type=NoSuchType", vec![]),
        ("name=odd&text=nowhere", vec![]),
        ("failed=true&name=Odd", vec![]),
    ] {
        assert_eq!(walk(&world, query).await, found, "{query}");
        assert_eq!(page(&world, query).await["total"], 40, "{query}");
    }
    let turns = walk(&world, "turns=false&top=3").await;
    assert_eq!(turns, (0..40).filter(|index| index % 2 == 1).collect::<Vec<_>>());
    let back: Vec<_> = turns.into_iter().rev().collect();
    assert_eq!(walk(&world, "turns=false&top=3&order=desc").await, back);
}

#[tokio::test]
async fn an_event_shows_what_its_type_has() {
    let mut history = ten();
    let fire_at = Some(BEGIN.to_wire());
    history.push(event::with_id(11, BEGIN, EventType::TimerCreated(pb::TimerCreatedEvent { fire_at })));
    history.push(event::event_raised(BEGIN, "Big".into(), Some("ü".repeat(1_000))));
    let world = with(history).await;
    let shown = page(&world, "payloads=preview").await["events"].clone();
    assert_eq!(
        shown[1],
        json!({
            "index": 1, "eventId": 0, "type": "TaskScheduled", "time": "2026-01-02T03:04:05.999999Z", "name": "Even", "taskId": null,
            "fireAt": null, "instanceId": null, "payload": { "bytes": 1, "text": "1", "whole": true }, "failure": null,
        })
    );
    assert_eq!((&shown[3]["taskId"], &shown[3]["eventId"]), (&json!(0), &json!(-1)));
    assert_eq!(shown[31]["failure"], json!({ "errorType": "PaymentError", "message": "declined" }));
    assert_eq!(shown[40]["fireAt"], "2026-01-02T03:04:05.999999Z");
    let cut = &shown[41]["payload"];
    assert_eq!((&cut["bytes"], &cut["whole"]), (&json!(2_000), &json!(false)));
    assert_eq!(cut["text"].as_str().unwrap(), "ü".repeat(512));
    assert!(page(&world, "").await["events"][1]["payload"].is_null());

    let whole = world.get(&format!("{BASE}/a/history/41")).await.json();
    assert_eq!((&whole["payload"]["whole"], &whole["index"]), (&json!(true), &json!(41)));
    assert_eq!(whole["payload"]["text"].as_str().unwrap(), "ü".repeat(1_000));
    let failed = world.get(&format!("{BASE}/a/history/31")).await.json();
    assert_eq!(failed["failure"]["message"], "declined\nsecond line");
    assert_eq!(failed["failure"]["innerFailure"], Value::Null);
    assert_eq!(world.get(&format!("{BASE}/a/history/0")).await.json()["type"], "OrchestratorStarted");
    for missing in ["a/history/42", "a/history/-1", "a/history/x", "b/history/0", "b/history", "b", "b/tree"]
    {
        world.get(&format!("{BASE}/{missing}")).await.is_empty(404);
    }
}

#[tokio::test]
async fn a_page_reads_what_it_needs() {
    let world = with((0..500).flat_map(|_| ten()).collect()).await;
    for query in ["top=10", "top=10&after=10000", "top=10&order=desc", "top=10&order=desc&after=900"] {
        world.store.events_read();
        assert_eq!(indexes(&page(&world, query).await).len(), 10);
        let read = world.store.events_read();
        assert!(read < 100, "{read} events read for 10 rows, {query}");
    }
}

#[tokio::test]
async fn a_search_that_takes_long_ends_early_and_goes_on() {
    let world = with(vec![event::orchestrator_started(BEGIN); 30_000]).await;
    let found = page(&world, "failed=true").await;
    assert_eq!((&found["events"], &found["next"]), (&json!([]), &json!("19999")));
    let found = page(&world, "failed=true&after=19999").await;
    assert_eq!((&found["events"], &found["next"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn parameters_are_strict() {
    let world = with(ten()).await;
    for (query, part) in [
        ("top=0", "top"),
        ("top=5001", "top"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("order=down", "order"),
        ("payloads=all", "payloads"),
        ("revision=0", "revision"),
        ("failed=1", "failed"),
        ("turns=no", "turns"),
        ("eventId=x", "eventId"),
    ] {
        world.get(&format!("{BASE}/a/history?{query}")).await.is_error(400, part);
    }
    world.get(&format!("{BASE}/a/history?revision=1")).await.is_empty(404);
    world.get(&format!("{BASE}/a/history?taskHub=other")).await.is_empty(404);
    world.ask("POST", &format!("{BASE}/a/history"), &[], "").await.is_empty(404);
}

#[tokio::test]
async fn an_instance_is_shown_with_the_beginnings_of_its_payloads() {
    let world = with(ten()).await;
    world.store.change("a", |kept| {
        kept.record.completed_at = Some(Timestamp(BEGIN.0 + 1_234_567));
        kept.record.version = Some("2".into());
        kept.record.tags = [("team".to_owned(), "red".to_owned())].into();
        kept.record.parent = Some(ParentRef {
            id: crate::model::InstanceId::lookup("p"),
            execution_id: "e".into(),
            task_id: 1,
        });
        kept.payloads.output = Some("x".repeat(300_000));
        kept.payloads.custom_status = Some(r#"{"percent":12345678901234567890}"#.into());
        kept.payloads.failure = Some(failure("E", "m", true));
    });
    let shown = world.get(&format!("{BASE}/a")).await.json();
    for (field, value) in [
        ("instanceId", json!("a")),
        ("name", json!("F")),
        ("version", json!("2")),
        ("runtimeStatus", json!("Completed")),
        ("createdTime", json!("2026-01-02T03:04:05.999999Z")),
        ("durationMs", json!(1_234)),
        ("parentInstanceId", json!("p")),
        ("tags", json!({ "team": "red" })),
        ("scheduledStartTime", Value::Null),
        ("input", json!({ "bytes": 7, "text": "{\"n\":1}", "whole": true })),
        ("historyEvents", json!(40)),
        ("traceParent", Value::Null),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["customStatus"]["text"], r#"{"percent":12345678901234567890}"#);
    let output = &shown["output"];
    assert_eq!((&output["bytes"], &output["whole"]), (&json!(300_000), &json!(false)));
    assert_eq!(output["text"].as_str().unwrap().len(), 262_144);
    assert_eq!(
        (&shown["failure"]["errorType"], &shown["failure"]["isNonRetriable"]),
        (&json!("E"), &json!(true))
    );
    assert_eq!(shown["lastEvent"]["type"], "TaskCompleted");
    assert!(shown["historyBytes"].as_i64().unwrap() > 400);

    let (status, headers) = world.raw(&format!("{BASE}/a/payloads/output")).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["content-disposition"], "attachment");
    assert_eq!(headers["content-length"], "300000");
    for missing in ["a/payloads/other", "a/payloads/Input", "b/payloads/input"] {
        world.get(&format!("{BASE}/{missing}")).await.is_empty(404);
    }
}

#[tokio::test]
async fn a_pending_instance_has_neither_history_nor_end() {
    let world = World::new().await;
    world.given("a", Status::Pending).await;
    let shown = world.get(&format!("{BASE}/a")).await.json();
    for field in
        ["durationMs", "completedTime", "lastEvent", "output", "customStatus", "failure", "traceParent"]
    {
        assert!(shown[field].is_null(), "{field}: {shown}");
    }
    assert_eq!(shown["historyEvents"], 0);
    assert_eq!(page(&world, "").await["events"], json!([]));
    world.get(&format!("{BASE}/a/history/0")).await.is_empty(404);
    world.get(&format!("{BASE}/a/payloads/output")).await.is_empty(404);
}

#[tokio::test]
async fn hostile_ids_are_ids() {
    for id in ["'\"><img src=x>", "a b&c=d%", "ü😀\u{202e}", "..a", "%2e%2e", "@entity@key"] {
        let world = World::new().await;
        let encoded =
            percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string();
        if id.starts_with('@') {
            world.get(&format!("{BASE}/{encoded}")).await.is_empty(404);
            continue;
        }
        world.given(id, Status::Running).await;
        world.store.change(id, |kept| kept.history = ten());
        let shown = world.get(&format!("{BASE}/{encoded}")).await.json();
        assert_eq!(shown["instanceId"], id);
        assert_eq!(world.get(&format!("{BASE}/{encoded}/history?top=1")).await.json()["total"], 40);
        assert_eq!(world.get(&format!("{BASE}/{encoded}/tree")).await.json()["node"]["instanceId"], id);
    }
}

#[tokio::test]
async fn a_family_is_shown_as_deep_as_it_says() {
    let world = World::new().await;
    let mut parent: Option<String> = None;
    for id in ["top", "above", "a", "l1", "l2", "l3", "l4", "l5"] {
        world.given(id, Status::Running).await;
        let of = parent.replace(id.to_owned());
        world.store.change(id, |kept| {
            kept.record.parent = of.map(|of| ParentRef {
                id: crate::model::InstanceId::lookup(of),
                execution_id: "e".into(),
                task_id: 1,
            });
        });
    }
    let tree = world.get(&format!("{BASE}/a/tree")).await.json();
    let above: Vec<_> =
        tree["ancestors"].as_array().unwrap().iter().map(|node| node["instanceId"].clone()).collect();
    assert_eq!(above, ["top", "above"]);
    let mut node = &tree["node"];
    for id in ["a", "l1", "l2", "l3"] {
        assert_eq!((&node["instanceId"], &node["more"]), (&json!(id), &json!(false)));
        node = &node["children"][0];
    }
    assert_eq!(
        (&node["instanceId"], &node["more"], &node["children"]),
        (&json!("l4"), &json!(true), &json!([]))
    );
}

#[tokio::test]
async fn a_large_family_is_shown_in_part() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    for number in 0..510 {
        let id = format!("child-{number:03}");
        world.given(&id, Status::Completed).await;
        world.store.change(&id, |kept| {
            let id = crate::model::InstanceId::lookup("a");
            kept.record.parent = Some(ParentRef { id, execution_id: "e".into(), task_id: number });
        });
    }
    let tree = world.get(&format!("{BASE}/a/tree")).await.json();
    assert_eq!(
        (tree["node"]["children"].as_array().unwrap().len(), &tree["node"]["more"]),
        (500, &json!(true))
    );
}

#[tokio::test]
async fn a_path_that_is_not_utf_8_names_nothing() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    for below in [
        "instances/%ff",
        "instances/%ed%a0%80/history",
        "instances/a/history/%C3",
        "instances/a/payloads/%80",
    ] {
        world.get(&format!("http://host:7071/api/v1/{below}")).await.is_empty(404);
    }
    world.ask("DELETE", "http://host:7071/api/v1/hubs/%ff", &[], "").await.is_empty(404);
}

#[tokio::test]
async fn who_may_look_may_look_and_others_may_not() {
    let key = |role: Role| format!("the-key-to-{role}");
    let world = World::guarded(HttpSettings::default(), false, |clock| {
        let keys = Role::ALL.map(|role| NamedKey {
            name: role.name().into(),
            role,
            reach: Reach::ALL,
            digests: vec![Digest::of(key(role).as_bytes())],
        });
        let signer = LinkSigner::new(b"a secret of at least thirty-two bytes");
        Gate::guarded(Keys::new(keys.into()), signer, Duration::ZERO, clock)
    })
    .await;
    let admin = key(Role::Admin);
    let started = world.ask("POST", "/orchestrators/F/a", &[("x-functions-key", &admin)], r#"{"n":1}"#).await;
    assert_eq!(started.status, 202);
    for path in ["", "/history", "/tree", "/payloads/input"] {
        let path = format!("{BASE}/a{path}");
        assert_eq!(world.raw(&path).await.0, 401, "{path}");
        for (role, status) in
            [(Role::Read, 200), (Role::Operate, 200), (Role::Admin, 200), (Role::Worker, 403)]
        {
            let target = format!("{path}?code={}", key(role));
            assert_eq!(world.raw(&target).await.0, status, "{path} {role}");
        }
    }
}
