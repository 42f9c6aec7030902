//! Keys that are for one task hub: the tables of `who_may` once more, for a key of every role that is for the hub `two` only.

use crate::{
    support::{Answer, Worker, client, code_of, in_hub, start_request},
    who_may::{ALL, KEY_OF_NOTHING, ROUTES, Who, World, all_of, and, bound_key, described, is_refusal, rpcs},
};
use durahub::{
    auth::{Operation, Role, Scope},
    model::pb,
};
use prost::Message as _;
use std::collections::BTreeSet;
use tonic::{Code, Request};

const ROLES: [(Role, Who); 4] = [
    (Role::Read, Who::Read),
    (Role::Worker, Who::Work),
    (Role::Operate, Who::Operate),
    (Role::Admin, Who::Admin),
];
/// Hubs that the keys are not for: one that is there, the default one by no name, and some that are not there.
const ELSEWHERE: [&str; 6] = ["one", "", "ONE", "nowhere", "1bad", "two%00"];

/// By `operationId`: what is not about the hub that the query names. Everything else is.
fn scope(id: &str) -> Scope {
    match id {
        "about" | "listTaskHubs" => Operation::Look.scope(),
        "metrics" => Operation::Measure.scope(),
        "makePrimary" | "createTaskHub" | "deleteTaskHub" | "startCheck" | "latestCheck" => {
            Operation::Administer.scope()
        }
        _ => Scope::Hub,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_a_key_of_another_hub_alike_whether_that_hub_exists_or_not() {
    let world = World::new().await;
    let described = described();
    for (id, target, body, may) in ROUTES {
        let method = &described[*id];
        for (role, who) in ROLES {
            let key = bound_key(role);
            let ask = async |hub: &str| {
                let target = and(target, &format!("taskHub={hub}"));
                world.http_as(Some(&key), method, &target, body).await
            };
            let mut refused = BTreeSet::new();
            for hub in ELSEWHERE {
                let answer = ask(hub).await;
                let told = format!("{role} {id} in {hub:?}: {answer:?}");
                if *may == ALL || (may.contains(&who) && scope(id) == Scope::Nowhere) {
                    assert!(!matches!(answer.status, 401 | 403), "{told}");
                } else {
                    is_refusal(&answer, 403, &told);
                    refused.insert(all_of(answer));
                }
            }
            assert!(refused.len() <= 1, "{role} {id}: {refused:?}");
            for hub in ["two", "TWO"] {
                let answer = ask(hub).await;
                let allowed = may.contains(&who) && scope(id) != Scope::Server;
                assert_eq!(
                    !matches!(answer.status, 401 | 403),
                    *may == ALL || allowed,
                    "{role} {id}: {answer:?}"
                );
            }
        }
    }
    let unknown = world.http_as(Some(&bound_key(Role::Admin)), "GET", "/nothing?taskHub=two", "").await;
    assert_eq!((unknown.status, unknown.body.as_str()), (404, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_refuses_a_key_of_another_hub_alike_whether_that_hub_exists_or_not() {
    let world = World::new().await;
    let server_wide = ["TaskHubSidecarService/CreateTaskHub", "TaskHubSidecarService/DeleteTaskHub"];
    for (rpc, (message, may)) in rpcs().iter().filter(|(rpc, _)| rpc.starts_with("TaskHub")) {
        for (role, who) in ROLES {
            let key = bound_key(role);
            let ask = async |hub: &str| world.rpc_as(Some(&key), rpc, message.clone(), hub).await;
            let mut told = BTreeSet::new();
            for hub in ["one", "", "nowhere", "1bad", "two two"] {
                let refused = ask(hub).await.expect_err(&format!("{role} {rpc} in {hub:?}"));
                assert_eq!(refused.code(), Code::PermissionDenied, "{role} {rpc} in {hub:?}: {refused}");
                told.insert(refused.message().to_owned());
            }
            assert_eq!(told.len(), 1, "{role} {rpc}: {told:?}");
            let refused = matches!(ask("Two").await, Err(status) if status.code() == Code::PermissionDenied);
            let allowed = may.contains(&who) && !server_wide.contains(rpc);
            assert_eq!(!refused, allowed, "{role} {rpc}");
        }
    }
    // Without metadata the default hub is meant, and text that is none names no hub.
    let mut client = client(&world.server.url).await;
    let key = bound_key(Role::Admin);
    for hub in [None, Some("tw\u{f6}".as_bytes())] {
        let mut request = Request::new(start_request("F", "x"));
        request.metadata_mut().insert("x-functions-key", key.parse().unwrap());
        if let Some(hub) = hub {
            request.metadata_mut().insert("taskhub", tonic::metadata::MetadataValue::try_from(hub).unwrap());
        }
        assert_eq!(code_of(&client.start_instance(request).await), Code::PermissionDenied, "{hub:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_of_a_key_for_one_hub_sees_no_other_and_nothing_of_the_server() {
    let world = World::new().await;
    let key = bound_key(Role::Admin);
    let ask =
        async |method: &str, target: &str| -> Answer { world.http_as(Some(&key), method, target, "").await };
    let hubs = ask("GET", "/api/v1/hubs?counts=true").await.json();
    assert_eq!(hubs.as_array().unwrap().len(), 1, "{hubs}");
    assert_eq!((&hubs[0]["name"], &hubs[0]["default"]), (&"two".into(), &false.into()));
    let about = ask("GET", "/api/v1/about").await.json();
    assert_eq!(about["caller"]["taskHubs"], serde_json::json!(["two"]), "{about}");
    assert!(about.get("settings").is_none() && about["store"]["path"].is_null(), "{about}");
    let permits = about["caller"]["permits"].as_array().unwrap();
    assert!(permits.contains(&"purgeMany".into()) && !permits.contains(&"administer".into()), "{about}");
    let started = ask("POST", "orchestrators/F/a?taskHub=two").await;
    assert_eq!(started.status, 202, "{started:?}");
    let links = started.json();
    let link = links["statusQueryGetUri"].as_str().unwrap();
    assert_eq!(world.http_as(None, "GET", link, "").await.json()["runtimeStatus"], "Pending");
    let elsewhere = link.replace("taskHub=two", "taskHub=one");
    assert_ne!(elsewhere, link);
    is_refusal(&world.http_as(None, "GET", &elsewhere, "").await, 403, &elsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_own_hub_is_not_there_is_told_of_no_other() {
    let world = World::new().await;
    for (target, status) in [
        ("orchestrators/F", 400),
        ("instances/a/restart", 400),
        ("instances/a/rewind", 404),
        ("entities/e/k", 400),
    ] {
        let target = format!("{target}?taskHub=missing");
        let answer = world.http_as(Some(KEY_OF_NOTHING), "POST", &target, "").await;
        assert_eq!(answer.status, status, "{target} {answer:?}");
        assert!(answer.body.contains("known hubs: none ("), "{target} {answer:?}");
        // To others it says which there are.
        let answer = world.http_as(Some("the-key-that-rules-0123456789-0123456"), "POST", &target, "").await;
        assert!(answer.body.contains("known hubs: one, two ("), "{target} {answer:?}");
    }
    for (rpc, message) in [
        ("TaskHubSidecarService/StartInstance", start_request("F", "x").encode_to_vec()),
        ("TaskHubSidecarService/GetInstance", Vec::new()),
        ("TaskHubSidecarService/GetWorkItems", Vec::new()),
    ] {
        let told = world.rpc_as(Some(KEY_OF_NOTHING), rpc, message, "missing").await.unwrap_err();
        assert!(
            told.code() == Code::NotFound && told.message().contains("known hubs: none ("),
            "{rpc} {told}"
        );
    }
    let hubs = world.http_as(Some(KEY_OF_NOTHING), "GET", "/api/v1/hubs", "").await;
    assert_eq!((hubs.status, hubs.body.as_str()), (200, "[]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_key_for_one_hub_is_given_that_hubs_work_only() {
    let world = World::new().await;
    let operate = bound_key(Role::Operate);
    for id in ["x", "y"] {
        let target = format!("orchestrators/F/{id}?taskHub=two");
        assert_eq!(world.http_as(Some(&operate), "POST", &target, "").await.status, 202);
    }
    let key = bound_key(Role::Worker);
    let mut worker = Worker::with_key(&world.server.url, "two", &key).await;
    let mut given = BTreeSet::new();
    for _ in 0..2 {
        let turn = worker.turn().await;
        given.insert(turn.instance.clone());
        worker.end(turn, "1").await;
    }
    assert_eq!(given, ["x", "y"].map(str::to_owned).into());
    // What waits in the other hub is not for it, and it cannot answer there.
    assert!(worker.is_idle().await);
    let mut client = client(&world.server.url).await;
    let mut answer =
        in_hub("one", pb::OrchestratorResponse { instance_id: "a".into(), ..Default::default() });
    answer.metadata_mut().insert("x-functions-key", key.parse().unwrap());
    assert_eq!(code_of(&client.complete_orchestrator_task(answer).await), Code::PermissionDenied);
    let waiting = world.http_as(Some(&bound_key(Role::Read)), "GET", "instances/x?taskHub=two", "").await;
    assert_eq!(waiting.json()["runtimeStatus"], "Completed");
}
