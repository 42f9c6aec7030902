//! Workers beside the samples: who gets what, and what happens when somebody leaves.

use crate::support::{Http, Inside, Worker, get_request, raised, start_request};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_names_hello_cities_wins_over_the_sample_until_it_leaves() {
    let server = Inside::start().await;
    let mut worker = Worker::naming(&server.url, "default", &["HelloCities"], &[]).await;
    for i in 0..3 {
        let id = format!("mine-{i}");
        server.start("HelloCities", &id, "").await;
        let turn = worker.turn().await;
        assert_eq!(turn.instance, id);
        worker.end(turn, "\"from the worker\"").await;
        assert_eq!(server.output(&id).await, "from the worker");
    }
    // The other samples, and the activities of this one, are still the server's.
    server.start("FanOutFanIn", "sum", "3").await;
    assert_eq!(server.output("sum").await, 14);
    server.start("HelloCities", "mixed", "").await;
    let turn = worker.turn().await;
    worker.schedule(turn, 1, "Samples.SayHello").await;
    let turn = worker.turn().await;
    worker.end(turn, "1").await;

    // A turn it holds goes to the sample when it leaves.
    server.start("HelloCities", "held", "").await;
    worker.turn().await;
    drop(worker);
    assert_eq!(server.output("held").await[0], "Hello, Tokyo!");
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_names_an_activity_gets_it_from_the_sample() {
    let server = Inside::start().await;
    let mut worker = Worker::naming(&server.url, "default", &[], &["Samples.SayHello"]).await;
    server.start("HelloCities", "i", "").await;
    for city in ["Tokyo", "Seattle", "London"] {
        let (request, token) = worker.activity().await;
        assert_eq!(
            (request.name.as_str(), request.input),
            ("Samples.SayHello", Some(json!(city).to_string()))
        );
        let request = durahub::model::pb::ActivityRequest { input: None, ..request };
        worker.done((request, token), &json!(format!("Servus, {city}!")).to_string()).await;
    }
    assert_eq!(server.output("i").await, json!(["Servus, Tokyo!", "Servus, Seattle!", "Servus, London!"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_filters_never_gets_a_sample_but_everything_else() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    for (sample, input) in
        [("HelloCities", ""), ("FanOutFanIn", "50"), ("SlowChain", r#"{"steps":3,"delayMs":0}"#)]
    {
        server.start(sample, sample, input).await;
        server.until(sample, "Completed").await;
    }
    assert!(worker.is_idle().await);
    server.start("Other", "other", "").await;
    let turn = worker.turn().await;
    assert_eq!(turn.instance, "other");
    worker.end(turn, "1").await;
    assert_eq!(server.output("other").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_held_by_a_worker_that_vanishes_goes_to_the_next() {
    let server = Inside::start().await;
    let mut first = Worker::for_everything(&server.url, "default").await;
    server.start("F", "i", "").await;
    let turn = first.turn().await;
    first.schedule(turn, 1, "A").await;
    first.activity().await;
    let mut second = Worker::for_everything(&server.url, "default").await;
    assert!(second.is_idle().await);
    drop(first);
    let activity = second.activity().await;
    assert_eq!(activity.0.name, "A");
    second.done(activity, "5").await;
    let turn = second.turn().await;
    second.end(turn, "6").await;
    assert_eq!(server.output("i").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_its_stream_is_gone_changes_nothing() {
    let server = Inside::start().await;
    let mut first = Worker::for_everything(&server.url, "default").await;
    server.start("F", "i", "").await;
    let late = first.turn().await;
    let mut second = Worker::for_everything(&server.url, "default").await;
    let mut first = first.hang_up();
    let turn = second.turn().await;
    first.end(late, "\"late\"").await;
    assert_eq!(server.status("i").await["runtimeStatus"], "Pending");
    second.end(turn, "\"in time\"").await;
    assert_eq!(server.output("i").await, "in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_a_worker_once_and_in_order() {
    let server = Inside::start().await;
    for i in 0..3 {
        if i == 0 {
            server.start("F", "i", "").await;
        }
        server.raise("i", "E", &i.to_string()).await;
    }
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let turn = worker.turn().await;
    assert_eq!(raised(&turn.events, "E"), ["0", "1", "2"]);
    // Arrives while the worker thinks.
    server.raise("i", "E", "3").await;
    worker.wait(turn).await;
    let turn = worker.turn().await;
    assert_eq!(raised(&turn.events, "E"), ["3"]);
    assert_eq!(raised(&turn.past, "E"), ["0", "1", "2"]);
    worker.end(turn, "1").await;
    assert_eq!(server.output("i").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_instance_is_given_to_nobody() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("F", "i", "").await;
    let turn = worker.turn().await;
    server.control("i", "suspend", "").await;
    // The turn was taken away by the suspension.
    worker.end(turn, "\"too late\"").await;
    server.raise("i", "E", "1").await;
    server.is_well().await;
    assert!(worker.is_idle().await);
    assert_eq!(server.status("i").await["runtimeStatus"], "Suspended");
    server.control("i", "resume", "").await;
    let turn = worker.turn().await;
    assert_eq!(raised(&turn.events, "E"), ["1"]);
    worker.end(turn, "1").await;
    assert_eq!(server.output("i").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_callers_who_wait_on_both_protocols_are_told_of_the_same_end() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let mut client = server.grpc().await;
    let over_http = {
        let http = Http::new(server.url.clone());
        tokio::spawn(async move { http.post("orchestrators/F/i?timeout=20", "").await })
    };
    let turn = worker.turn().await;
    let mut second = client.clone();
    let over_grpc = tokio::spawn(async move { second.wait_for_instance_completion(get_request("i")).await });
    worker.end(turn, "{\"a\" : 1.0}").await;
    let (answer, state) = (over_http.await.unwrap(), over_grpc.await.unwrap().unwrap().into_inner());
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"a\" : 1.0}"));
    assert_eq!(state.orchestration_state.unwrap().output.as_deref(), Some("{\"a\" : 1.0}"));
    client.start_instance(start_request("F", "i")).await.unwrap();
}
