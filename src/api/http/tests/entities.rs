//! Entities over the store that the server uses. There is no worker: the tests answer in its place.

use super::*;
use crate::{
    engine::{Context, Entity, NextBatch, entity},
    model::{
        HubId, InstanceId, InstanceRef,
        pb::{EntityBatchResult, OperationResult, history_event::EventType, operation_result::ResultType},
    },
    store::sqlite::{SqliteOptions, SqliteStore},
};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

type Real = World<SqliteStore>;

async fn world() -> Real {
    with(false).await
}

async fn with(create_hubs: bool) -> Real {
    let store = SqliteStore::open(SqliteOptions::memory(), unbounded_channel().0).unwrap();
    let settings = HttpSettings { body_limit_bytes: BODY_LIMIT, ..HttpSettings::default() };
    World::over(Arc::new(store), Arc::default(), settings, create_hubs, Gate::open).await
}

/// An operation as it reached the entity: its name, and its input if there is one.
type Arrived = (String, Option<String>);

impl Real {
    fn hub(&self) -> HubId {
        self.manager.hub(None).unwrap()
    }

    /// Answers whatever waits for the entity by setting its state; tells what it was.
    async fn answer(&self, id: &str, state: Option<&str>) -> Vec<Arrived> {
        let id = InstanceId::lookup(id);
        let (record, _) = self.store.instance_get(self.hub(), id.clone(), false).await.unwrap().unwrap();
        let loaded = self.store.instance_load(record.key).await.unwrap().unwrap();
        let reference =
            InstanceRef { key: record.key, hub: record.hub, id, name: record.name, version: None };
        let state_now = loaded.entity.unwrap().state.map(Into::into);
        let entity = Entity { turn: record.turn, state: state_now, ..Entity::new(reference) };
        let now = self.clock.now();
        let NextBatch::Deliver(batch) = entity.next(loaded.inbox.iter(), now, usize::MAX) else {
            panic!("nothing waits for {}", entity.reference.id);
        };
        let arrived = batch.operations.iter().map(|event| match &event.event_type {
            Some(EventType::EntityOperationSignaled(signal)) => {
                uuid::Uuid::parse_str(&signal.request_id).unwrap();
                (signal.operation.clone(), signal.input.clone())
            }
            other => panic!("{other:?}"),
        });
        let arrived: Vec<_> = arrived.collect();
        let done = || OperationResult { result_type: Some(ResultType::Success(Default::default())) };
        let result = EntityBatchResult {
            results: arrived.iter().map(|_| done()).collect(),
            entity_state: state.map(str::to_owned),
            ..EntityBatchResult::default()
        };
        let mut fresh_id = || unreachable!("nothing is started");
        let mut context = Context { now, fresh_id: &mut fresh_id, payload_bytes: PAYLOAD_LIMIT };
        let outcome = entity::answer(entity, batch, result, &mut context);
        self.store.turn_commit(outcome.commit).await.unwrap();
        arrived
    }

    /// Makes an entity with this state; a second passes.
    async fn has(&self, name: &str, key: &str, state: &str) {
        self.post(&format!("/entities/{name}/{key}?op=set"), "").await.is_empty(202);
        self.answer(&format!("@{name}@{key}"), Some(state)).await;
        self.clock.0.fetch_add(1_000_000, Ordering::Relaxed);
    }

    /// The ids on a page, and where the next begins.
    async fn page(&self, path: &str, token: &str) -> (Vec<String>, String) {
        let answer = self.ask("GET", path, &[("x-ms-continuation-token", token)], "").await;
        let rows: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
        let id =
            |row: &Value| format!("{}/{}", text(&row["entityId"]["name"]), text(&row["entityId"]["key"]));
        (rows.iter().map(id).collect(), answer.continuation.unwrap())
    }

    async fn listed(&self, query: &str) -> String {
        self.page(&format!("/entities{query}"), "").await.0.join(" ")
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn op(name: &str, input: Option<&str>) -> Arrived {
    (name.to_owned(), input.map(str::to_owned))
}

#[tokio::test]
async fn signals_arrive_with_operation_and_input() {
    let world = world().await;
    let plain = [("content-type", "text/plain")];
    let json = [("content-type", "Application/JSON; charset=utf-8")];
    world.ask("POST", "/entities/Counter/k?op=add+op", &json, "5").await.is_empty(202);
    world.ask("POST", "/entities/COUNTER/k?OP=say", &plain, "a \"b\"").await.is_empty(202);
    world.ask("POST", "/entities/counter/k", &json, "").await.is_empty(202);
    world.ask("POST", "/entities/counter/k/?op=", &[], "x").await.is_empty(202);
    world.ask("DELETE", "/entities/counter/k?op=not", &json, "null").await.is_empty(202);
    world.ask("POST", "http://host:7071/durabletask/entities/counter/k?op=rpc", &[], "").await.is_empty(202);
    let arrived = world.answer("@counter@k", None).await;
    assert_eq!(
        arrived,
        [
            op("add op", Some("5")),
            op("say", Some(r#""a \"b\"""#)),
            op("", None),
            op("", Some(r#""x""#)),
            op("delete", Some("null")),
            op("rpc", None),
        ]
    );
}

#[tokio::test]
async fn the_empty_key_is_a_missing_one_or_a_dollar() {
    let world = world().await;
    for (method, path) in [
        ("POST", "/entities/counter"),
        ("POST", "/entities/counter/"),
        ("POST", "/entities/counter/$"),
        ("POST", "/entities/counter/%24"),
        ("DELETE", "/entities/counter"),
        ("DELETE", "/entities/counter/$"),
    ] {
        world.ask(method, path, &[], "").await.is_empty(202);
    }
    assert_eq!(world.answer("@counter@", Some("7")).await.len(), 6);
    assert_eq!(world.get("/entities/Counter/$").await.body, "7");
    let rows = world.get("/entities/counter").await.json();
    assert_eq!(rows[0]["entityId"], json!({"name": "counter", "key": ""}));
}

#[tokio::test]
async fn what_cannot_be_signalled_is_refused_by_name() {
    let world = world().await;
    let long = "k".repeat(256);
    for (method, path, part) in [
        ("POST", "/entities".to_owned(), "name of an entity must not be empty"),
        ("DELETE", "/entities".to_owned(), "name of an entity must not be empty"),
        ("POST", "/entities/%20/k".to_owned(), "name of an entity must not be empty"),
        ("POST", "/entities/a@b/k".to_owned(), "must not contain '@'"),
        ("POST", "/entities/c/a%5Cb".to_owned(), "must not contain '\\\\'"),
        ("POST", "/entities/c/a%3Fb".to_owned(), "must not contain '?'"),
        ("POST", "/entities/c%23/b".to_owned(), "must not contain '#'"),
        ("DELETE", "/entities/c/a%09b".to_owned(), "must not contain '\\t'"),
        ("POST", format!("/entities/c/{long}"), "the limit is 256"),
        ("POST", format!("/entities/c/k?op={}", "o".repeat(257)), "the limit is 256"),
        ("POST", "/entities/c/k?op=%00".to_owned(), "operation must not contain"),
        ("POST", "/entities/c/k?taskHub=nowhere".to_owned(), "nowhere"),
    ] {
        world.ask(method, &path, &[], "").await.is_error(400, part);
    }
    world.post("/entities/c/k", "{bad").await.is_error(400, "not valid JSON");
    world.ask("POST", "/entities/c/k", &[], vec![0xff]).await.is_error(400, "UTF-8 from byte 0");
    let large = "1".repeat(PAYLOAD_LIMIT + 1);
    world.post("/entities/c/k", &large).await.is_error(413, "input is 1025 bytes");
    world.post("/entities/c/k", &" ".repeat(BODY_LIMIT + 1)).await.is_error(413, "limits.body_bytes");
    assert_eq!(world.get("/instances").await.json(), json!([]), "none of them made anything");
}

#[tokio::test]
async fn a_state_is_read_as_the_json_it_is() {
    let world = world().await;
    for (state, shown) in
        [(r#"{"n" : 1.50}"#, r#"{"n" : 1.50}"#), ("null", "null"), ("not json", r#""not json""#)]
    {
        world.has("counter", "k", state).await;
        for path in
            ["/entities/counter/k", "/entities/Counter/k", "http://host:7071/durabletask/entities/counter/k"]
        {
            let answer = world.get(path).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, shown), "{path}");
        }
    }
    for path in ["/entities/counter/K", "/entities/other/k", "/entities/%20/k", "/entities/a@b/k"] {
        world.get(path).await.is_empty(404);
    }
    world.get(&format!("/entities/counter/{}", "k".repeat(256))).await.is_empty(404);
    world.get("/entities/counter/k?taskHub=nowhere").await.is_empty(404);
    world.post("/entities/counter/waiting", "").await.is_empty(202);
    world.get("/entities/counter/waiting").await.is_empty(404);
    world.ask("DELETE", "/entities/counter/k", &[], "").await.is_empty(202);
    world.answer("@counter@k", None).await;
    world.get("/entities/counter/k").await.is_empty(404);
}

#[tokio::test]
async fn a_list_has_every_entity_with_a_state_once() {
    let world = world().await;
    for (name, key) in [("counter", "b"), ("counter", "a"), ("counters", "x"), ("cart", "1")] {
        world.has(name, key, &format!(r#"{{"of":"{key}"}}"#)).await;
    }
    world.post("/entities/counter/waiting", "").await.is_empty(202);
    assert_eq!(world.listed("").await, "cart/1 counter/a counter/b counters/x");
    assert_eq!(world.listed("/COUNTER").await, "counter/a counter/b");
    for nobody in ["/count", "/%20", "/a@b", "?taskHub=nowhere", "/counter%25", "/%25"] {
        assert_eq!(world.listed(nobody).await, "", "{nobody}");
    }
    let mut token = String::new();
    let mut met = Vec::new();
    for _ in 0..4 {
        let (page, next) = world.page("/entities?top=1", &token).await;
        met.extend(page);
        token = next;
    }
    assert_eq!((met.join(" ").as_str(), token.as_str()), ("cart/1 counter/a counter/b counters/x", ""));
    let (_, token) = world.page("/entities/counter?top=1", "").await;
    assert_eq!(world.page("/entities/counter", &token).await, (vec!["counter/b".to_owned()], String::new()));
    let other = world.ask("GET", "/entities", &[("x-ms-continuation-token", &token)], "").await;
    other.is_error(400, "continuation");
    let first = world.get("/entities?top=1").await;
    let link = first.link.unwrap();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    assert!(world.get(next).await.body.contains("\"a\""), "{link}");
}

#[tokio::test]
async fn a_row_has_its_state_only_if_it_is_asked_for() {
    let world = world().await;
    world.has("counter", "My@k", "[1,  2]").await;
    let rows = world.get("/entities?fetchState=True").await;
    assert_eq!(
        rows.body,
        r#"[{"entityId":{"name":"counter","key":"My@k"},"lastOperationTime":"2026-01-02T03:04:05.999999Z","state":[1,  2]}]"#
    );
    for query in ["", "?fetchState=false", "?fetchState=1"] {
        let row = &world.get(&format!("/entities{query}")).await.json()[0];
        assert_eq!(row.get("state"), Some(&Value::Null), "{query}");
    }
}

#[tokio::test]
async fn a_list_may_be_of_those_that_had_an_operation_within_a_time() {
    let world = world().await;
    for key in ["a", "b", "c"] {
        world.has("n", key, "1").await;
    }
    // At 03:04:05.999999, 06.999999 and 07.999999.
    for (query, keys) in [
        ("lastOperationTimeFrom=2026-01-02T03:04:06.999999Z", "n/b n/c"),
        ("lastOperationTimeTo=2026-01-02T03:04:06.999999Z", "n/a n/b"),
        ("lastOperationTimeFrom=2026-01-02T03:04:06Z&lastOperationTimeTo=2026-01-02T03:04:07Z", "n/b"),
        ("lastOperationTimeFrom=2026-01-02T03:04:08Z", ""),
        ("lastOperationTimeFrom=garbage", "n/a n/b n/c"),
    ] {
        assert_eq!(world.listed(&format!("/n?{query}")).await, keys, "{query}");
    }
    world.post("/entities/n/a?op=set", "").await.is_empty(202);
    world.answer("@n@a", Some("2")).await;
    assert_eq!(
        world.listed("?lastOperationTimeFrom=2026-01-02T03:04:08Z").await,
        "n/a",
        "it was written again"
    );
}

#[tokio::test]
async fn an_entity_is_an_instance_to_look_at_and_to_purge_and_to_nothing_else() {
    let world = world().await;
    world.has("counter", "k", r#"{"n":1}"#).await;
    let seen = world.get("/instances/@counter@k").await;
    assert_eq!(seen.status, 202);
    let body = seen.json();
    assert_eq!(
        (&body["instanceId"], &body["runtimeStatus"], &body["input"], &body["output"]),
        (&json!("@counter@k"), &json!("Running"), &json!({"n": 1}), &Value::Null)
    );
    assert_eq!(world.get("/instances?instanceIdPrefix=@").await.json()[0]["instanceId"], "@counter@k");
    for id in ["@counter@k", "@counter@nobody", "@x"] {
        for verb in ["terminate", "suspend", "resume", "raiseEvent/E"] {
            world.post(&format!("/instances/{id}/{verb}"), "1").await.is_empty(404);
        }
        let rewind = world.post(&format!("/instances/{id}/rewind"), "").await;
        assert_eq!((rewind.status, rewind.json().is_string()), (404, true), "{id}");
        // As for everything that is not there.
        world.post(&format!("/instances/{id}/restart"), "").await.is_error(400, "entit");
    }
    world.post("/orchestrators/F/@counter@k", "").await.is_error(400, "'@'");
    world.ask("DELETE", "/instances?createdTimeFrom=2000-01-01", &[], "").await.is_empty(404);
    assert_eq!(world.get("/entities/counter/k").await.status, 200);

    let purged = world.ask("DELETE", "/instances/@counter@k", &[], "").await;
    assert_eq!((purged.status, purged.body.as_str()), (200, r#"{"instancesDeleted":1}"#));
    for id in ["@counter@k", "@counter@nobody", "@x"] {
        world.ask("DELETE", &format!("/instances/{id}"), &[], "").await.is_empty(404);
    }
    world.get("/instances/@counter@k").await.is_empty(404);
    world.get("/entities/counter/k").await.is_empty(404);
}

#[tokio::test]
async fn each_hub_has_its_own() {
    let world = with(true).await;
    world.post("/entities/n/k?taskHub=blue&connectionName=c", "1").await.is_empty(202);
    world.get("/instances/@n@k").await.is_empty(404);
    assert_eq!(world.get("/instances/@n@k?taskHub=BLUE").await.status, 202);
}
