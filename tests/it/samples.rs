//! Each sample as its page and the README show it, followed as a user with curl would.

use crate::support::{Answer, Data, Http, Inside, eventually};
use serde_json::{Value, json};

/// Polls as the answers say until there is an end: 202 with `Location` and `Retry-After`, then 200 without.
async fn follow(http: &Http, started: &Answer) -> Value {
    assert_eq!((started.status, started.header("retry-after")), (202, Some("10")), "{started:?}");
    assert_eq!(started.location(), started.json()["statusQueryGetUri"]);
    let mut target = started.location().to_owned();
    eventually(&target.clone(), async || {
        let answer = http.get(&target).await;
        let status = answer.json();
        if answer.status == 202 {
            assert!(matches!(status["runtimeStatus"].as_str(), Some("Pending" | "Running")), "{status}");
            assert_eq!((answer.header("retry-after"), &status["output"]), (Some("5"), &Value::Null));
            assert_eq!(answer.location(), target);
            target = answer.location().to_owned();
            return None;
        }
        assert_eq!((answer.status, answer.headers.get("location")), (200, None), "{answer:?}");
        Some(status)
    })
    .await
}

/// Starts a sample and checks how it completes.
async fn completes(http: &Http, sample: &str, input: &str, expected: Value) -> Value {
    let ended = follow(http, &http.post(&format!("orchestrators/{sample}"), input).await).await;
    assert_eq!((&ended["runtimeStatus"], &ended["output"]), (&json!("Completed"), &expected), "{ended}");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_cities_answers_at_once_when_waited_for() {
    let server = Inside::start().await;
    let answer = server.post("orchestrators/HelloCities?timeout=60", "").await;
    assert_eq!(answer.body, r#"["Hello, Tokyo!","Hello, Seattle!","Hello, London!"]"#);
    assert_eq!((answer.status, answer.headers.get("location")), (200, None));
    let expected = json!(["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"]);
    completes(&server, "HelloCities", "", expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fan_out_fan_in_sums_the_squares() {
    let server = Inside::start().await;
    completes(&server, "FanOutFanIn", "10", json!(385)).await;
    completes(&server, "FanOutFanIn", "", json!(385)).await;
    completes(&server, "FanOutFanIn", "200", json!(2_686_700)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_that_cannot_use_its_input_fails_with_the_reason() {
    let server = Inside::start().await;
    let ended = follow(&server, &server.post("orchestrators/FanOutFanIn", "10001").await).await;
    assert_eq!(ended["runtimeStatus"], "Failed");
    assert!(ended["output"].as_str().unwrap().contains("at most 10000"), "{ended}");
    let waited = "orchestrators/FanOutFanIn?timeout=60&returnInternalServerErrorOnFailure=";
    for (asked, code) in [("false", 200), ("true", 500)] {
        let answer = server.post(&format!("{waited}{asked}"), "\"many\"").await;
        assert_eq!((answer.status, &answer.json()["runtimeStatus"]), (code, &json!("Failed")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn human_approval_ends_as_the_human_says_or_in_time() {
    let server = Inside::start().await;
    for (id, event, expected) in [("yes", "true", "Approved"), ("no", "false", "Rejected")] {
        let started = server.start("HumanApproval", id, r#"{"timeoutSeconds":300}"#).await;
        server.until_custom(id, |custom| custom["waitingFor"] == "Approval").await;
        server.raise(id, "Approval", "\"perhaps\"").await;
        server.until_custom(id, |custom| custom["ignored"] == 1).await;
        server.raise(id, "approval", event).await;
        assert_eq!(follow(&server, &started).await["output"], expected);
    }
    completes(&server, "HumanApproval", r#"{"timeoutSeconds":0}"#, json!("TimedOut")).await;
    completes(&server, "HumanApproval", r#"{"timeoutSeconds":1}"#, json!("TimedOut")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_given_before_the_first_turn_counts() {
    let data = Data::new();
    let server = data.serve_with(&["--no-samples"]).await;
    server.start("HumanApproval", "early", r#"{"timeoutSeconds":300}"#).await;
    server.raise("early", "Approval", "true").await;
    server.raise("early", "Approval", "false").await;
    assert_eq!(server.status("early").await["runtimeStatus"], "Pending");
    drop(server);
    let server = data.serve().await;
    assert_eq!(server.output("early").await, "Approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn order_saga_ships_or_takes_back_what_was_done() {
    let server = Inside::start().await;
    let shipped = json!({"item": "book", "amount": 10, "outcome": "Shipped", "done": ["reserve", "charge", "ship"], "undone": []});
    completes(&server, "OrderSaga", r#"{"item":"book","amount":10}"#, shipped).await;
    for (step, done, undone) in [
        ("reserve", json!([]), json!([])),
        ("charge", json!(["reserve"]), json!(["reserve"])),
        ("ship", json!(["reserve", "charge"]), json!(["charge", "reserve"])),
    ] {
        let input = format!(r#"{{"item":"book","amount":10,"failAt":"{step}"}}"#);
        let mut ended = follow(&server, &server.post("orchestrators/OrderSaga", &input).await).await;
        let reason = ended["output"]["reason"].take();
        assert!(reason.as_str().unwrap().contains("asked to fail"), "{reason}");
        let expected = json!({"item": "book", "amount": 10, "outcome": "Cancelled", "done": done, "undone": undone, "reason": null});
        assert_eq!(ended["output"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn monitor_goes_round_as_often_as_asked_in_a_short_history() {
    let server = Inside::start().await;
    completes(&server, "Monitor", r#"{"checks":3,"intervalSeconds":0,"done":0}"#, json!({"done": 3})).await;
    let ended =
        completes(&server, "Monitor", r#"{"checks":20,"intervalSeconds":0}"#, json!({"done": 20})).await;
    let id = ended["instanceId"].as_str().unwrap();
    let history = server.get(&format!("instances/{id}?showHistory=true")).await.json();
    assert_eq!(history["input"]["done"], 19);
    assert!(history["historyEvents"].as_array().unwrap().len() < 8, "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_chain_shows_how_far_it_is() {
    let server = Inside::start().await;
    let started = server.start("SlowChain", "chain", r#"{"steps":4,"delayMs":60}"#).await;
    server.until_custom("chain", |custom| custom["of"] == 4 && custom["done"].as_u64() > Some(0)).await;
    let ended = follow(&server, &started).await;
    assert_eq!((&ended["output"], &ended["customStatus"]), (&json!(4), &json!({"done": 4, "of": 4})));
}
