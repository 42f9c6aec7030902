//! Why something waits, as an operator reads it.

use crate::support::{Inside, Worker, eventually, soon, start_request};
use durahub::{
    model::pb::{
        self, orchestrator_action::OrchestratorActionType, send_entity_message_action::EntityMessageType,
    },
    workers::embedded::{ActivityContext, OrchestrationContext, Registry, RetryPolicy, TaskError},
};
use serde_json::{Value, json};
use std::time::Duration;

async fn explained(server: &Inside, id: &str) -> Value {
    let answer =
        server.ask("GET", &format!("/api/v1/instances/{}/explain", crate::support::escaped(id)), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Waits until the summary says this.
async fn says(server: &Inside, id: &str, part: &str) -> Value {
    eventually(&format!("{id} explained with {part:?}"), async || {
        let told = explained(server, id).await;
        told["summary"].as_str().unwrap().contains(part).then_some(told)
    })
    .await
}

async fn with_nobody() -> Inside {
    Inside::serving(Registry::new(), |_| {}).await
}

fn call(entity: &str, operation: &str, id: i32) -> (i32, OrchestratorActionType) {
    let called = pb::EntityOperationCalledEvent {
        request_id: format!("00000000-0000-0000-0000-{id:012}"),
        operation: operation.into(),
        target_instance_id: Some(entity.into()),
        ..Default::default()
    };
    let sent = Some(EntityMessageType::EntityOperationCalled(called));
    (id, OrchestratorActionType::SendEntityMessage(pb::SendEntityMessageAction { entity_message_type: sent }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_serves_says_so() {
    let server = with_nobody().await;
    server.start("Nobody", "a", "").await;
    let told = says(&server, "a", "no connected worker serves the orchestration \"Nobody\"").await;
    assert_eq!(told["turn"]["state"], "unserved");
    assert_eq!(told["messages"]["ready"], 1);
    let queues = server.ask("GET", "/api/v1/queues", None).await.json();
    assert_eq!(
        queues,
        json!([{"kind": "orchestration", "name": "Nobody", "version": null, "waiting": 1, "more": false, "served": false, "limit": null}])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_again_says_how_it_failed() {
    let charge = async |_: ActivityContext, card: String| -> Result<(), TaskError> {
        Err(TaskError::new("CardDeclined", format!("no money on {card}\nask the bank")))
    };
    let pay = async |ctx: OrchestrationContext| -> Result<(), TaskError> {
        ctx.activity("Charge", "card-7").retry(RetryPolicy::new(2, Duration::from_secs(3600))).await
    };
    let functions = Registry::new().activity("Charge", charge).orchestrator("Pay", pay);
    let server = Inside::serving(functions, |_| {}).await;
    server.start("Pay", "p", "").await;
    let told = says(&server, "p", "timer").await;
    let error = &told["lastError"];
    assert_eq!((&error["kind"], &error["name"]), (&json!("activity"), &json!("Charge")));
    assert_eq!(
        (&error["errorType"], &error["message"]),
        (&json!("CardDeclined"), &json!("no money on card-7"))
    );
    assert!(error["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{told}");
    // Of what has ended, the failure tells it.
    server.ask("POST", "/runtime/webhooks/durabletask/instances/p/terminate", None).await;
    let ended = eventually("the end", async || {
        let told = explained(&server, "p").await;
        (told["runtimeStatus"] == "Terminated").then_some(told)
    });
    assert_eq!(ended.await["lastError"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_waited_for_is_named() {
    let server = with_nobody().await;
    let mut worker = Worker::naming(&server.url, "default", &["Parent"], &["Held"]).await;
    server.start("Parent", "a", "").await;
    let turn = soon("the turn", worker.turn()).await;
    let told = says(&server, "a", "a worker has had its turn since").await;
    assert_eq!(told["turn"]["state"], "held");
    let task = |name: &str| {
        OrchestratorActionType::ScheduleTask(pb::ScheduleTaskAction {
            name: name.into(),
            ..Default::default()
        })
    };
    let child = pb::CreateSubOrchestrationAction {
        name: "Child".into(),
        instance_id: "child".into(),
        ..Default::default()
    };
    let far = durahub::model::Timestamp(4_000_000_000_000_000);
    let timer = pb::CreateTimerAction { fire_at: Some(far.to_wire()) };
    let actions = vec![
        (1, task("Held")),
        (2, task("Unserved")),
        (3, OrchestratorActionType::CreateTimer(timer)),
        (4, OrchestratorActionType::CreateSubOrchestration(child)),
        call("@counter@k", "get", 5),
    ];
    worker.answer(turn, actions).await;
    let held = soon("the activity", worker.activity()).await;
    let told =
        says(&server, "a", "the activity \"Unserved\": no connected worker serves it (and for 4 more)").await;
    let rows = told["waitsFor"].as_array().unwrap();
    let short: Vec<_> =
        rows.iter().map(|row| (row["kind"].as_str().unwrap(), row["name"].as_str().unwrap())).collect();
    assert_eq!(
        short,
        [
            ("activity", "Held"),
            ("activity", "Unserved"),
            ("timer", ""),
            ("subOrchestration", "Child"),
            ("entityCall", "get")
        ]
    );
    assert_eq!(rows[0]["delivery"]["state"], "held");
    assert!(rows[2]["due"].as_str().unwrap().starts_with("2096-"), "{told}");
    assert_eq!((&rows[3]["runtimeStatus"], &rows[3]["instanceId"]), (&json!("Pending"), &json!("child")));
    assert_eq!((&rows[4]["backlog"], &rows[4]["instanceId"]), (&json!(1), &json!("@counter@k")));
    let entity = says(&server, "@counter@k", "no connected worker serves the entity \"counter\"").await;
    assert_eq!(entity["messages"]["ready"], 1);
    worker.done(held, "1").await;
    let turn = soon("the turn with the result", worker.turn()).await;
    worker.wait(turn).await;
    eventually("one thing less", async || {
        let told = explained(&server, "a").await;
        (told["waitsFor"].as_array().unwrap().len() == 4).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_that_are_waited_for_the_first_are_shown_and_the_others_counted() {
    let server = with_nobody().await;
    let mut worker = Worker::naming(&server.url, "default", &["Wide"], &[]).await;
    server.start("Wide", "w", "").await;
    let turn = soon("the turn", worker.turn()).await;
    let child = |id| {
        let child = pb::CreateSubOrchestrationAction {
            instance_id: format!("w-{id}"),
            name: "NobodyServesThis".into(),
            ..Default::default()
        };
        (id, OrchestratorActionType::CreateSubOrchestration(child))
    };
    worker.answer(turn, (0..1200).map(child).collect()).await;
    let told = eventually("it waits", async || {
        let told = explained(&server, "w").await;
        (told["moreWaits"] == 200).then_some(told)
    })
    .await;
    let waits = told["waitsFor"].as_array().unwrap();
    assert_eq!((waits.len(), &waits[99]["runtimeStatus"]), (1000, &json!("Pending")));
    assert_eq!((&waits[100]["runtimeStatus"], &waits[999]["id"]), (&json!(null), &json!(999)));
}

#[tokio::test(flavor = "multi_thread")]
async fn states_explain_themselves() {
    let server = Inside::start().await;
    let later = durahub::model::Timestamp(4_000_000_000_000_000).to_wire();
    let scheduled = pb::CreateInstanceRequest {
        scheduled_start_timestamp: Some(later),
        ..start_request("HelloCities", "later")
    };
    server.grpc().await.start_instance(scheduled).await.unwrap();
    says(&server, "later", "it is scheduled to start at 2096-").await;
    server.start("HumanApproval", "a", r#"{"timeoutSeconds":3600}"#).await;
    server.until_custom("a", |custom| custom["waitingFor"] == "Approval").await;
    says(&server, "a", "it waits for a timer that is due at").await;
    server.control("a", "suspend", "lunch").await;
    server.raise("a", "Approval", "true").await;
    says(&server, "a", "it is suspended; 1 message will be delivered").await;
    server.control("a", "terminate", "enough").await;
    says(&server, "a", "it has ended as Terminated").await;
    assert_eq!(server.ask("GET", "/api/v1/instances/nobody/explain", None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_shown_with_what_they_serve_and_hold() {
    let server = with_nobody().await;
    let mut worker = Worker::naming(&server.url, "default", &["A", "B"], &["X"]).await;
    server.start("A", "a", "").await;
    let turn = soon("the turn", worker.turn()).await;
    let shown = server.ask("GET", "/api/v1/workers", None).await.json();
    let shown = &shown.as_array().unwrap()[0];
    assert_eq!(shown["orchestrations"], json!({"held": 1, "most": 100}));
    assert_eq!(shown["serves"]["orchestrations"], json!(["A", "B"]));
    assert_eq!(
        (&shown["taskHub"], &shown["answered"], &shown["embedded"]),
        (&json!("default"), &json!(0), &json!(false))
    );
    worker.end(turn, "1").await;
    server.until("a", "Completed").await;
    let shown = server.ask("GET", "/api/v1/workers", None).await.json();
    assert_eq!((&shown[0]["answered"], &shown[0]["orchestrations"]["held"]), (&json!(1), &json!(0)));
    drop(worker);
    eventually("the worker gone", async || {
        let shown = server.ask("GET", "/api/v1/workers", None).await.json();
        shown.as_array().unwrap().is_empty().then_some(())
    })
    .await;
    let elsewhere = server.ask("GET", "/api/v1/workers?taskHub=elsewhere", None).await;
    assert_eq!((elsewhere.status, elsewhere.json()), (200, json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_sorted_by_what_went_wrong() {
    let server = Inside::start().await;
    for (number, at) in ["reserve", "ship", "ship"].iter().enumerate() {
        let id = format!("f{number}");
        server.start("FanOutFanIn", &id, &format!("{{\"bad\":\"{at}\"}}")).await;
        server.until(&id, "Failed").await;
    }
    server.start("HelloCities", "fine", "").await;
    server.until("fine", "Completed").await;
    let told = server.ask("GET", "/api/v1/failures?name=FanOutFanIn", None).await.json();
    let groups = told["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &groups[0]["count"], &told["lookedAt"]), (1, &json!(3), &json!(3)), "{told}");
    assert_eq!((&groups[0]["exampleInstanceId"], &told["more"]), (&json!("f2"), &json!(false)));
    let times = groups[0]["times"].as_array().unwrap();
    let times: Vec<_> = times.iter().map(|count| count.as_u64().unwrap()).collect();
    assert!(times.len() == 24 && times[0] > 0 && times[23] > 0, "{told}");
    assert_eq!(times.iter().sum::<u64>(), 3);
    assert_eq!((&told["from"], &told["to"]), (&groups[0]["firstTime"], &groups[0]["lastTime"]));
    let none = server.ask("GET", "/api/v1/failures?name=Other", None).await.json();
    assert_eq!((&none["groups"], &none["from"], &none["to"]), (&json!([]), &json!(null), &json!(null)));
    let hubs = server.ask("GET", "/api/v1/hubs", None).await.json();
    assert_eq!(hubs, json!([{"name": "default", "default": true, "removable": false}]));
}
