//! Task hubs are worlds of their own.

use crate::support::{Client, Inside, Worker, code_of, get_request, in_hub, start_request};
use durahub::{model::HubName, workers::embedded::Registry};
use tonic::Code;

async fn two_hubs() -> Inside {
    Inside::serving(Registry::new(), |config| {
        config.hubs.names = ["One", "two"].map(|name| HubName::parse(name).unwrap()).into();
    })
    .await
}

async fn start_in(client: &mut Client, hub: &str, id: &str) {
    client.start_instance(in_hub(hub, start_request("F", id))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_in_two_hubs_is_two_instances() {
    let server = two_hubs().await;
    let first = server.post("orchestrators/F/same", "1").await;
    assert!(first.location().ends_with("?taskHub=One&connection=Storage"), "{first:?}");
    let second = server.post("orchestrators/F/same?taskHub=TWO", "2").await;
    assert!(second.location().ends_with("?taskHub=two&connection=Storage"), "{second:?}");
    assert_eq!(server.post("orchestrators/F/same?taskHub=one", "3").await.status, 409);
    for (target, input) in [
        ("instances/same", 1),
        ("instances/same?taskhub=oNe", 1),
        (second.location(), 2),
        ("instances/same?taskHub=", 1),
    ] {
        assert_eq!(server.get(target).await.json()["input"], input, "{target}");
    }
    server.post("instances/same/terminate?taskHub=two", "").await.is_empty(202);
    assert_eq!(server.get(second.location()).await.json()["runtimeStatus"], "Terminated");
    assert_eq!(server.status("same").await["runtimeStatus"], "Pending");
    let purged = server.ask("DELETE", "instances/same?taskHub=two", None).await;
    assert_eq!(purged.status, 200);
    assert_eq!(server.status("same").await["input"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_one_hub_never_reaches_a_worker_of_another() {
    let server = two_hubs().await;
    let mut one = Worker::for_everything(&server.url, "one").await;
    let mut two = Worker::for_everything(&server.url, "two").await;
    let mut client = server.grpc().await;
    for _ in 0..5 {
        start_in(&mut client, "two", "same").await;
        let turn = two.turn().await;
        assert_eq!(turn.instance, "same");
        two.schedule(turn, 1, "A").await;
        let activity = two.activity().await;
        two.done(activity, "7").await;
        let turn = two.turn().await;
        two.end(turn, "8").await;
        let ended = client.wait_for_instance_completion(in_hub("two", get_request("same"))).await.unwrap();
        assert_eq!(ended.into_inner().orchestration_state.unwrap().output.as_deref(), Some("8"));
    }
    assert!(one.is_idle().await && two.is_idle().await);
    start_in(&mut client, "one", "same").await;
    let turn = one.turn().await;
    one.end(turn, "1").await;
    assert!(two.is_idle().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_hub_means_nothing_in_another() {
    let server = two_hubs().await;
    let mut two = Worker::for_everything(&server.url, "two").await;
    start_in(&mut server.grpc().await, "two", "i").await;
    let turn = two.turn().await;
    two.claim_hub("one");
    let token = turn.clone();
    two.end(turn, "\"stolen\"").await;
    assert_eq!(server.get("instances/i?taskHub=two").await.status, 202);
    two.claim_hub("two");
    two.end(token, "\"own\"").await;
    let mut client = server.grpc().await;
    let ended = client.wait_for_instance_completion(in_hub("two", get_request("i"))).await.unwrap();
    assert_eq!(ended.into_inner().orchestration_state.unwrap().output.as_deref(), Some("\"own\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_hub_reads_as_empty_and_refuses_starts_and_workers() {
    let server = two_hubs().await;
    server.start("F", "i", "").await;
    server.get("instances/i?taskHub=three").await.is_empty(404);
    server.post("instances/i/terminate?taskHub=three", "").await.is_empty(404);
    server.ask("DELETE", "instances/i?taskHub=three", None).await.is_empty(404);
    server.post("orchestrators/F/i?taskHub=three", "").await.is_error(400, "\"three\"");
    let mut client = server.grpc().await;
    let started = client.start_instance(in_hub("three", start_request("F", "x"))).await;
    assert_eq!(code_of(&started), Code::NotFound);
    assert!(started.unwrap_err().message().contains("One, two"));
    assert_eq!(code_of(&client.get_work_items(in_hub("three", Default::default())).await), Code::NotFound);
    assert_eq!(code_of(&client.get_instance(in_hub("three", get_request("i"))).await), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_makes_its_hub_if_the_settings_allow() {
    let server = Inside::with(|config| config.hubs.create_on_start = true).await;
    let answer = server.post("orchestrators/HelloCities/i?taskHub=New-1&timeout=20", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(server.get("instances/i?taskHub=new-1").await.status, 200);
    server.get("instances/i").await.is_empty(404);
    server.get("instances/i?taskHub=unmade").await.is_empty(404);
    server.post("orchestrators/HelloCities?taskHub=1bad", "").await.is_error(400, "task hub name");
}
