//! Work that kills its workers, on the binary, with workers that die.

use crate::support::{Binary, Data, Worker, escaped, eventually, soon};
use serde_json::{Value, json};

const LIMITS: [(&str, &str); 3] = [
    ("DURAHUB__DISPATCH__TURN_DELIVERIES", "4"),
    ("DURAHUB__DISPATCH__ACTIVITY_DELIVERIES", "3"),
    ("DURAHUB__DISPATCH__MAX_BACKOFF_MS", "20"),
];

async fn serve(data: &Data) -> Binary {
    data.serve_env(&LIMITS).await
}

async fn explained(server: &Binary, id: &str) -> Value {
    server.ask("GET", &format!("/api/v1/instances/{}/explain", escaped(id)), None).await.json()
}

async fn parked(server: &Binary) -> Vec<Value> {
    let told = server.ask("GET", "/api/v1/parked", None).await.json();
    told["parked"].as_array().unwrap().clone()
}

/// The workers of `name` die whenever they are given something, until the instance is parked.
async fn dies_until_parked(server: &Binary, name: &str, id: &str) -> Value {
    for delivery in 1..=4 {
        let mut worker = Worker::naming(&server.url, "default", &[name], &[]).await;
        let turn = soon("a delivery", worker.turn()).await;
        assert_eq!(turn.instance, id, "delivery {delivery}");
    }
    eventually("it is parked", async || parked(server).await.into_iter().find(|row| row["instanceId"] == id))
        .await
}

async fn act(server: &Binary, id: &str, verb: &str) -> u16 {
    server.ask("POST", &format!("/api/v1/instances/{}/{verb}", escaped(id)), None).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_kills_its_workers_is_parked_while_others_go_on_and_stays_so_after_a_crash() {
    let data = Data::new();
    let server = serve(&data).await;
    server.start("Killer", "k", "1").await;
    let row = dies_until_parked(&server, "Killer", "k").await;
    assert_eq!(
        (&row["cause"], &row["deliveries"], &row["runtimeStatus"]),
        (&json!("deliveries"), &json!(4), &json!("Pending"))
    );
    let reason = row["reason"].as_str().unwrap();
    assert!(reason.starts_with("its turn was delivered 4 times in a row to 4 workers"), "{reason}");
    server.start("HelloCities", "h", "").await;
    server.until("h", "Completed").await;

    server.kill_nine();
    let server = serve(&data).await;
    assert_eq!(parked(&server).await, std::slice::from_ref(&row));
    server.raise("k", "Go", "1").await;
    let mut worker = Worker::naming(&server.url, "default", &["Killer", "Other"], &[]).await;
    server.start("Other", "o", "").await;
    let turn = soon("a delivery", worker.turn()).await;
    assert_eq!(turn.instance, "o", "nothing is delivered to what is parked");
    worker.end(turn, "1").await;
    let told = explained(&server, "k").await;
    let summary = told["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("it has been parked since") && summary.contains("4 times in a row"),
        "{told}"
    );
    assert!(summary.contains("/retry") && summary.contains("/discard"), "{told}");
    assert_eq!((&told["turn"]["state"], &told["parked"]["since"]), (&json!("parked"), &row["since"]));

    assert_eq!(act(&server, "k", "retry").await, 202);
    let turn = soon("it is delivered again", worker.turn()).await;
    assert_eq!((turn.instance.as_str(), turn.events.len()), ("k", 3), "{turn:?}");
    worker.end(turn, "7").await;
    assert_eq!(server.until("k", "Completed").await["output"], 7);
    assert!(parked(&server).await.is_empty());
    assert_eq!((act(&server, "k", "retry").await, act(&server, "nobody", "discard").await), (410, 404));
    assert_eq!(act(&server, "o", "retry").await, 410);
    let log = server.log();
    assert!(log.contains("a parked instance was retried") && log.contains("anyone"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_discarded_fails_and_says_why_it_was_parked() {
    let data = Data::new();
    let server = serve(&data).await;
    server.start("Killer", "k", "").await;
    dies_until_parked(&server, "Killer", "k").await;
    assert_eq!(act(&server, "k", "discard?reason=hopeless").await, 202);
    let failed = server.until("k", "Failed").await;
    let details = server.ask("GET", "/api/v1/instances/k", None).await.json();
    let failure = details["failure"].to_string();
    assert!(failure.contains("DiscardedError") && failure.contains("(hopeless)"), "{details} {failed}");
    assert!(failure.contains("delivered 4 times in a row"), "{failure}");
    server.start("Live", "l", "").await;
    assert_eq!(act(&server, "l", "discard").await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_instance_is_suspended_resumed_terminated_and_purged() {
    let data = Data::new();
    let server = serve(&data).await;
    server.start("Killer", "k", "").await;
    dies_until_parked(&server, "Killer", "k").await;
    server.control("k", "suspend", "").await;
    server.until("k", "Suspended").await;
    assert_eq!(parked(&server).await[0]["runtimeStatus"], "Suspended");
    server.control("k", "resume", "").await;
    server.until("k", "Pending").await;
    server.control("k", "terminate", "enough").await;
    assert_eq!(server.until("k", "Terminated").await["output"], "enough");
    assert!(parked(&server).await.is_empty());
    let gone = server.ask("DELETE", "/runtime/webhooks/durabletask/instances/k", None).await;
    assert_eq!(gone.status, 200, "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_that_kills_its_workers_fails_in_a_way_that_can_be_caught() {
    let data = Data::new();
    let server = serve(&data).await;
    let mut orchestrator = Worker::naming(&server.url, "default", &["Parent"], &[]).await;
    server.start("Parent", "p", "").await;
    let turn = soon("the turn", orchestrator.turn()).await;
    orchestrator.schedule(turn, 1, "Killer").await;
    for _ in 0..3 {
        let mut dying = Worker::naming(&server.url, "default", &[], &["Killer"]).await;
        soon("a delivery", dying.activity()).await;
    }
    let turn = soon("the failure", orchestrator.turn()).await;
    let told = format!("{:?}", turn.events);
    assert!(
        told.contains("TooManyDeliveriesError") && told.contains("dispatch.activity_deliveries"),
        "{told}"
    );
    orchestrator.end(turn, "\"caught\"").await;
    assert_eq!(server.until("p", "Completed").await["output"], "caught");
    let mut late = Worker::naming(&server.url, "default", &["Later"], &["Killer"]).await;
    server.start("Later", "l", "").await;
    assert_eq!(soon("other work", late.turn()).await.instance, "l", "nobody gets the activity any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_kill_their_workers_are_parked_and_discarded() {
    let data = Data::new();
    let server = serve(&data).await;
    let signal = "/runtime/webhooks/durabletask/entities/killer/k?op=die";
    assert_eq!(server.ask("POST", signal, Some("1")).await.status, 202);
    for _ in 0..4 {
        let mut dying = Worker::for_everything(&server.url, "default").await;
        assert_eq!(soon("a delivery", dying.batch()).await.0.instance_id, "@killer@k");
    }
    let row = eventually("it is parked", async || parked(&server).await.pop()).await;
    assert_eq!(row["instanceId"], "@killer@k");
    assert_eq!(act(&server, "@killer@k", "discard").await, 202);
    eventually("nothing is left", async || {
        let gone = server.ask("GET", "/api/v1/entities", None).await.json();
        (gone["entities"] == json!([])).then_some(())
    })
    .await;
    assert_eq!(server.ask("POST", signal, Some("2")).await.status, 202);
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let (request, _) = soon("what comes later", worker.batch()).await;
    assert_eq!(request.operation_requests.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_grows_too_long_parks_its_instance_and_goes_on_when_it_may_be_longer() {
    let data = Data::new();
    let limit = |events| [("DURAHUB__LIMITS__HISTORY_EVENTS", events)];
    let server = data.serve_env(&limit("20")).await;
    server.start("FanOutFanIn", "f", "30").await;
    let row = eventually("it is parked", async || parked(&server).await.into_iter().next()).await;
    assert_eq!((&row["instanceId"], &row["cause"]), (&json!("f"), &json!("history")));
    assert!(row["reason"].as_str().unwrap().contains("limits.history_events, 20"), "{row}");
    server.start("HelloCities", "h", "").await;
    server.until("h", "Completed").await;
    assert_eq!(act(&server, "f", "retry").await, 202);
    eventually("it is parked again", async || parked(&server).await.into_iter().next()).await;
    server.kill_nine();

    let server = data.serve_env(&limit("1000")).await;
    assert_eq!(act(&server, "f", "retry").await, 202);
    server.until("f", "Completed").await;
}
