//! Task hubs are worlds of their own.

use crate::support::{Client, Inside, Worker, code_of, get_request, in_hub, start_request};
use durahub::{
    model::{HubName, pb},
    workers::embedded::Registry,
};
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

async fn create(client: &mut Client, hub: &str, recreate_if_exists: bool) {
    let request = in_hub(hub, pb::CreateTaskHubRequest { recreate_if_exists });
    client.create_task_hub(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_makes_empties_and_deletes_a_hub() {
    let server = two_hubs().await;
    let mut client = server.grpc().await;
    for _ in 0..2 {
        create(&mut client, "Mine", false).await;
        let _ = client.start_instance(in_hub("mine", start_request("F", "i"))).await;
        assert_eq!(server.get("instances/i?taskHub=mine").await.status, 202);
    }
    create(&mut client, "mine", true).await;
    server.get("instances/i?taskHub=mine").await.is_empty(404);
    start_in(&mut client, "mine", "i").await;
    for _ in 0..2 {
        client.delete_task_hub(in_hub("mine", pb::DeleteTaskHubRequest {})).await.unwrap();
        server.get("instances/i?taskHub=mine").await.is_empty(404);
        let refused = client.start_instance(in_hub("mine", start_request("F", "i"))).await;
        assert_eq!(code_of(&refused), Code::NotFound);
    }
    let bad = client.create_task_hub(in_hub("1bad", pb::CreateTaskHubRequest::default())).await;
    assert_eq!(code_of(&bad), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_of_the_settings_is_emptied_and_stays() {
    let server = two_hubs().await;
    let mut client = server.grpc().await;
    start_in(&mut client, "two", "i").await;
    start_in(&mut client, "one", "i").await;
    client.delete_task_hub(in_hub("two", pb::DeleteTaskHubRequest {})).await.unwrap();
    server.get("instances/i?taskHub=two").await.is_empty(404);
    start_in(&mut client, "two", "j").await;
    assert_eq!(server.status("i").await["runtimeStatus"], "Pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_a_deleted_hub_serves_it_again_when_it_is_made_anew() {
    let server = two_hubs().await;
    let mut client = server.grpc().await;
    create(&mut client, "mine", false).await;
    let mut worker = Worker::for_everything(&server.url, "mine").await;
    start_in(&mut client, "mine", "old").await;
    let stale = worker.turn().await;
    client.delete_task_hub(in_hub("mine", pb::DeleteTaskHubRequest {})).await.unwrap();
    create(&mut client, "mine", false).await;
    start_in(&mut client, "mine", "old").await;
    let turn = worker.turn().await;
    worker.end(stale, "\"stale\"").await;
    assert_eq!(server.get("instances/old?taskHub=mine").await.status, 202);
    worker.end(turn, "\"fresh\"").await;
    let ended = client.wait_for_instance_completion(in_hub("mine", get_request("old"))).await.unwrap();
    assert_eq!(ended.into_inner().orchestration_state.unwrap().output.as_deref(), Some("\"fresh\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_terminated_without_workers_and_what_could_not_be_is_named() {
    let server = two_hubs().await;
    let mut client = server.grpc().await;
    let ids: Vec<String> = (0..40).map(|number| format!("i{number}")).collect();
    for id in &ids {
        start_in(&mut client, "one", id).await;
    }
    let batch = |ids: &[String]| pb::SkipGracefulOrchestrationTerminationsRequest {
        instance_batch: Some(pb::InstanceBatch { instance_ids: ids.to_vec() }),
        reason: Some("\"over\"".to_owned()),
    };
    let mut wanted = ids.clone();
    wanted.push("missing".to_owned());
    for left in [vec!["missing".to_owned()], wanted.clone()] {
        let request = in_hub("one", batch(&wanted));
        let answer = client.skip_graceful_orchestration_terminations(request).await.unwrap().into_inner();
        assert_eq!(answer.unterminated_instance_ids, left);
    }
    for id in &ids {
        let status = server.status(id).await;
        assert_eq!((&status["runtimeStatus"], &status["output"]), (&"Terminated".into(), &"over".into()));
    }
    let many = vec!["x".to_owned(); 501];
    let refused = client.skip_graceful_orchestration_terminations(in_hub("one", batch(&many))).await;
    assert_eq!(code_of(&refused), Code::InvalidArgument);
}
