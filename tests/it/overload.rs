//! More new work than a hub takes in is refused in the words of each protocol; what was taken in, and control, go on.

use crate::support::{Data, Worker, code_of, eventually, in_hub, start_request};
use futures_util::future::join_all;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_full_refuses_starts_until_something_ends_and_everything_else_goes_on() {
    let data = Data::new();
    let server = data
        .serve_env(&[
            ("DURAHUB__HUBS__NAMES", "default,other"),
            ("DURAHUB__HUBS__LIMITS", "default live=2"),
            ("DURAHUB__SAMPLES__ENABLED", "false"),
        ])
        .await;
    for id in ["a", "b"] {
        server.start("Later", id, "").await;
    }
    let refused = server.post("orchestrators/Later/c", "").await;
    refused.is_error(429, "2 instances of task hub default have not ended (setting hubs.limits, live)");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let mut client = server.grpc().await;
    let refused = client.start_instance(in_hub("default", start_request("Later", "d"))).await;
    assert_eq!(code_of(&refused), Code::ResourceExhausted);
    client.start_instance(in_hub("other", start_request("Later", "d"))).await.unwrap();

    // Events, work and control are not starts.
    server.raise("a", "Go", "1").await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    for _ in 0..2 {
        let turn = worker.turn().await;
        worker.wait(turn).await;
    }
    server.control("a", "terminate", "enough").await;
    eventually("a place is free", async || {
        let answer = server.post("orchestrators/Later/c", "").await;
        (answer.status == 202).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_takes_in_so_much_a_second_and_says_when_to_come_back() {
    let data = Data::new();
    let limits = "default per_second=3, other bytes_per_second=1000";
    let server =
        data.serve_env(&[("DURAHUB__HUBS__NAMES", "default,other"), ("DURAHUB__HUBS__LIMITS", limits)]).await;
    let mut taken = 0;
    let refused = eventually("one too many", async || {
        // At once, or a slow machine would never be too fast.
        let answers = join_all((0..8).map(|_| server.post("orchestrators/HelloCities", ""))).await;
        taken += answers.iter().filter(|answer| answer.status == 202).count();
        answers.into_iter().find(|answer| answer.status != 202)
    })
    .await;
    assert!(taken >= 3, "{taken}");
    refused.is_error(
        429,
        "task hub default takes in 3 starts, events and signals a second (setting hubs.limits)",
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    let large = format!("\"{}\"", "x".repeat(50_000));
    let other = "orchestrators/HelloCities?taskHub=other";
    assert_eq!(server.post(other, &large).await.status, 202, "one is taken in, however large");
    let refused = server.post(other, "1").await;
    refused.is_error(429, "task hub other takes in 1000 bytes a second");
    let pause: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=51).contains(&pause), "{pause}");
}
