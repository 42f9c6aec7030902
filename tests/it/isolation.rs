//! Nothing that belongs to one hub can be reached by naming another: whatever field carries its id, nothing is shown and nothing changes.

use crate::support::{Client, Inside, Work, Worker, code_of, eventually, get_request, in_hub};
use durahub::{
    model::{HubName, pb},
    workers::embedded::Registry,
};
use serde_json::{Value, json};
use tonic::Code;

const SECRET: &str = "of-the-first-hub-only";

/// Two hubs; in the first one instance that runs, one that has failed, an entity and a job.
struct World {
    server: Inside,
    worker: Worker,
    job: String,
}

async fn world() -> World {
    let server = Inside::serving(Registry::new(), |config| {
        config.hubs.names = ["one", "two"].map(|name| HubName::parse(name).unwrap()).into();
    })
    .await;
    let mut worker = Worker::for_everything(&server.url, "one").await;
    for id in ["failed", "running"] {
        server.start(SECRET, id, &format!("\"{SECRET}\"")).await;
        let turn = worker.turn().await;
        match id {
            "failed" => worker.fail(turn, SECRET).await,
            _ => worker.wait(turn).await,
        }
    }
    server.until("failed", "Failed").await;
    server.until("running", "Running").await;
    assert_eq!(server.post("entities/counter/k?op=add", &format!("\"{SECRET}\"")).await.status, 202);
    let batch = worker.batch().await;
    worker.keep(batch, &format!("\"{SECRET}\"")).await;
    let body = format!(r#"{{"action":"terminate","filter":"name=nobody&instanceIdPrefix={SECRET}"}}"#);
    let job = server.post("/api/v1/jobs", &body).await.json()["id"].as_str().unwrap().to_owned();
    eventually("the job's end", async || {
        let seen = server.get(&format!("/api/v1/jobs/{job}")).await.json();
        (seen["state"] != "running" && seen["state"] != "Running").then_some(())
    })
    .await;
    World { server, worker, job }
}

impl World {
    /// Everything that the first hub has to show.
    async fn all(&self) -> Value {
        let mut all = Vec::new();
        for target in [
            "instances/failed?showHistory=true&showHistoryOutput=true",
            "instances/running?showHistory=true",
            "entities/counter/k",
            "instances",
            "/api/v1/jobs",
            "/api/v1/counts",
        ] {
            let answer = self.server.get(target).await;
            assert!(matches!(answer.status, 200 | 202), "{target} {answer:?}");
            all.push(answer.json());
        }
        all.into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_one_hub_means_nothing_in_another_over_http() {
    let world = world().await;
    let before = world.all().await;
    let job = &world.job;
    for (method, target, body) in [
        ("GET", "instances/{i}?showHistory=true".to_owned(), ""),
        ("DELETE", "instances/{i}".to_owned(), ""),
        ("POST", "instances/{i}/raiseEvent/E".to_owned(), "1"),
        ("POST", "instances/{i}/terminate".to_owned(), ""),
        ("POST", "instances/{i}/suspend".to_owned(), ""),
        ("POST", "instances/{i}/resume".to_owned(), ""),
        ("POST", "instances/{i}/rewind".to_owned(), ""),
        ("POST", "instances/{i}/restart".to_owned(), ""),
        ("POST", "instances/{i}/restart?restartWithNewInstanceId=false".to_owned(), ""),
        ("GET", "entities/counter/k".to_owned(), ""),
        ("GET", "entities/counter?fetchState=true".to_owned(), ""),
        ("GET", "instances".to_owned(), ""),
        ("GET", format!("instances?name={SECRET}"), ""),
        ("GET", "instances?parentInstanceId={i}".to_owned(), ""),
        ("DELETE", "instances?createdTimeFrom=2000-01-01".to_owned(), ""),
        ("GET", "/api/v1/instances".to_owned(), ""),
        ("GET", format!("/api/v1/instances?search={SECRET}"), ""),
        ("GET", "/api/v1/instances/{i}".to_owned(), ""),
        ("GET", "/api/v1/instances/{i}/explain".to_owned(), ""),
        ("GET", "/api/v1/instances/{i}/history".to_owned(), ""),
        ("GET", "/api/v1/instances/{i}/history/0".to_owned(), ""),
        ("GET", "/api/v1/instances/{i}/payloads/input".to_owned(), ""),
        ("GET", "/api/v1/instances/{i}/revisions".to_owned(), ""),
        ("GET", "/api/v1/instances/{i}/tree".to_owned(), ""),
        ("GET", "/api/v1/entities".to_owned(), ""),
        ("GET", "/api/v1/export".to_owned(), ""),
        ("GET", "/api/v1/failures".to_owned(), ""),
        ("GET", "/api/v1/statistics".to_owned(), ""),
        ("GET", "/api/v1/queues".to_owned(), ""),
        ("GET", "/api/v1/workers".to_owned(), ""),
        ("GET", "/api/v1/jobs".to_owned(), ""),
        ("GET", format!("/api/v1/jobs/{job}"), ""),
        ("POST", format!("/api/v1/jobs/{job}/stop"), ""),
        ("DELETE", format!("/api/v1/jobs/{job}"), ""),
        (
            "POST",
            "/api/v1/jobs".to_owned(),
            r#"{"action":"terminate","instanceIds":["running","failed"],"recursive":true}"#,
        ),
        ("POST", "/api/v1/jobs".to_owned(), r#"{"action":"purge","filter":"createdTimeFrom=2000-01-01"}"#),
    ] {
        for id in ["running", "failed", "@counter@k"] {
            let target = target.replace("{i}", &id.replace('@', "%40"));
            let and = if target.contains('?') { '&' } else { '?' };
            for hub in ["two", "nowhere"] {
                let target = format!("{target}{and}taskHub={hub}");
                let answer = world.server.ask(method, &target, (!body.is_empty()).then_some(body)).await;
                answer.is_no_failure();
                let shown = answer.body.contains(SECRET) && !target.contains("createdTimeFrom");
                assert!(!shown, "{method} {target}: {answer:?}");
                let one = target.contains(id) && !target.contains("jobs") && !target.contains("parent");
                let found = matches!(answer.status, 200 | 202);
                assert!(!(one && found), "{method} {target}: {answer:?}");
            }
        }
    }
    let jobs = eventually("the jobs of the second hub", async || {
        let jobs = world.server.get("/api/v1/jobs?taskHub=two").await.json()["jobs"].clone();
        let jobs = jobs.as_array().unwrap().clone();
        jobs.iter().all(|job| job["endedTime"].is_string()).then_some(jobs)
    })
    .await;
    assert!(jobs.iter().all(|job| job["done"] == 0), "{jobs:?}");
    assert_eq!(world.all().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_one_hub_means_nothing_in_another_over_grpc() {
    use pb::purge_instances_request::Request as Purge;
    let world = world().await;
    let before = world.all().await;
    let mut client: Client = world.server.grpc().await;
    for id in ["running", "failed"] {
        let id = || id.to_owned();
        let get = client.get_instance(in_hub("two", get_request(&id()))).await.unwrap().into_inner();
        assert!(!get.exists && get.orchestration_state.is_none());
        let stream = pb::StreamInstanceHistoryRequest { instance_id: id(), ..Default::default() };
        assert_eq!(code_of(&client.stream_instance_history(in_hub("two", stream)).await), Code::NotFound);
        let raise = pb::RaiseEventRequest { instance_id: id(), name: "E".into(), input: None };
        assert_eq!(code_of(&client.raise_event(in_hub("two", raise)).await), Code::NotFound);
        let end = pb::TerminateRequest { instance_id: id(), recursive: true, ..Default::default() };
        assert_eq!(code_of(&client.terminate_instance(in_hub("two", end)).await), Code::NotFound);
        let suspend = pb::SuspendRequest { instance_id: id(), reason: None };
        assert_eq!(code_of(&client.suspend_instance(in_hub("two", suspend)).await), Code::NotFound);
        let resume = pb::ResumeRequest { instance_id: id(), reason: None };
        assert_eq!(code_of(&client.resume_instance(in_hub("two", resume)).await), Code::NotFound);
        let rewind = pb::RewindInstanceRequest { instance_id: id(), reason: None };
        assert_eq!(code_of(&client.rewind_instance(in_hub("two", rewind)).await), Code::NotFound);
        for restart_with_new_instance_id in [true, false] {
            let restart = pb::RestartInstanceRequest { instance_id: id(), restart_with_new_instance_id };
            assert_eq!(code_of(&client.restart_instance(in_hub("two", restart)).await), Code::NotFound);
        }
        let batch = || pb::InstanceBatch { instance_ids: vec![id()] };
        for purge in [
            Purge::InstanceId(id()),
            Purge::InstanceBatch(batch()),
            Purge::PurgeInstanceFilter(pb::PurgeInstanceFilter::default()),
        ] {
            let purge =
                pb::PurgeInstancesRequest { request: Some(purge), recursive: true, ..Default::default() };
            let purged = client.purge_instances(in_hub("two", purge)).await.unwrap().into_inner();
            assert_eq!(purged.deleted_instance_count, 0);
        }
        let skip =
            pb::SkipGracefulOrchestrationTerminationsRequest { instance_batch: Some(batch()), reason: None };
        let left = client.skip_graceful_orchestration_terminations(in_hub("two", skip)).await.unwrap();
        assert_eq!(left.into_inner().unterminated_instance_ids, [id()]);
    }
    let entity = pb::GetEntityRequest { instance_id: "@counter@k".into(), include_state: true };
    assert!(!client.get_entity(in_hub("two", entity)).await.unwrap().into_inner().exists);
    let entities = pb::QueryEntitiesRequest {
        query: Some(pb::EntityQuery { include_state: true, ..Default::default() }),
    };
    assert!(client.query_entities(in_hub("two", entities)).await.unwrap().into_inner().entities.is_empty());
    // A query that names the other hub in its own field is one of the hub that the call names.
    let query = pb::InstanceQuery {
        task_hub_names: vec!["one".into()],
        fetch_inputs_and_outputs: true,
        ..Default::default()
    };
    let query = pb::QueryInstancesRequest { query: Some(query) };
    let found = client.query_instances(in_hub("two", query)).await.unwrap().into_inner();
    assert!(found.orchestration_state.is_empty());
    let ended = client.list_instance_ids(in_hub("two", Default::default())).await.unwrap().into_inner();
    assert!(ended.instance_ids.is_empty());
    assert_eq!(world.all().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_was_given_can_be_answered_only_in_its_hub() {
    let World { server, mut worker, .. } = world().await;
    let mut client: Client = server.grpc().await;
    // One of each kind in the hands of the first hub's worker.
    server.start("F", "a", "").await;
    let turn = worker.turn().await;
    worker.schedule(turn, 7, "A").await;
    let activity = worker.activity().await;
    server.start("F", "b", "").await;
    let turn = worker.turn().await;
    assert_eq!(server.post("entities/counter/k?op=add", "1").await.status, 202);
    let batch = worker.batch().await;
    let (task, token) = &activity;
    for hub in ["two", "nowhere"] {
        // By the token, and as those do who return none: by what it is about.
        for token in [token.clone(), String::new()] {
            let done = pb::ActivityResponse {
                instance_id: "a".into(),
                task_id: task.task_id,
                result: Some("\"stolen\"".into()),
                completion_token: token,
                ..Default::default()
            };
            drop(client.complete_activity_task(in_hub(hub, done)).await);
        }
        let token = token.clone();
        drop(
            client
                .abandon_task_activity_work_item(in_hub(
                    hub,
                    pb::AbandonActivityTaskRequest { completion_token: token },
                ))
                .await,
        );
        drop(
            client
                .abandon_task_entity_work_item(in_hub(
                    hub,
                    pb::AbandonEntityTaskRequest { completion_token: batch.1.clone() },
                ))
                .await,
        );
        let kept = pb::EntityBatchResult {
            entity_state: Some("\"stolen\"".into()),
            completion_token: batch.1.clone(),
            ..Default::default()
        };
        drop(client.complete_entity_task(in_hub(hub, kept)).await);
    }
    worker.claim_hub("two");
    worker.end(turn.clone(), "\"stolen\"").await;
    worker.claim_hub("one");
    // Nothing was handed out a second time, nothing was taken, and the rightful answers count.
    assert!(worker.is_idle().await);
    worker.end(turn, "\"own\"").await;
    assert_eq!(server.output("b").await, "own");
    worker.done(activity, "\"own\"").await;
    let turn = worker.turn().await;
    let result = turn.events.iter().find_map(|event| match event {
        pb::history_event::EventType::TaskCompleted(done) => done.result.clone(),
        _ => None,
    });
    assert_eq!(result.as_deref(), Some("\"own\""));
    worker.keep(batch, "\"own\"").await;
    eventually("the entity's state", async || {
        (server.get("entities/counter/k").await.body == "\"own\"").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_orchestrations_name_is_of_their_own_hub() {
    let World { server, worker: mut one, .. } = world().await;
    let mut two = Worker::for_everything(&server.url, "two").await;
    server.post("orchestrators/F/parent?taskHub=two", "").await;
    let turn = two.turn().await;
    // An id that is taken in the first hub.
    two.call_child(turn, 1, "Child", "running").await;
    let child = two.turn().await;
    assert_eq!(child.instance, "running");
    two.end(child, "\"the child of two\"").await;
    let turn = two.turn().await;
    two.end(turn, "1").await;
    assert_eq!(server.status("running").await["runtimeStatus"], "Running");
    let target = "entities/counter/k?op=add&taskHub=two";
    assert_eq!(server.post(target, "1").await.status, 202);
    match two.try_next().await {
        Ok(Work::Batch(request, token)) => {
            assert_eq!(request.entity_state, None, "the state of another hub's entity");
            two.keep((request, token), "2").await;
        }
        other => panic!("{other:?}"),
    }
    assert!(one.is_idle().await);
    assert_eq!(server.get("entities/counter/k").await.json(), SECRET);
}

#[tokio::test(flavor = "multi_thread")]
async fn continuations_and_idempotency_keys_are_of_one_hub() {
    let World { server, worker: _worker, .. } = world().await;
    for hub in ["one", "two"] {
        for id in ["x", "y", "z"] {
            server.post(&format!("orchestrators/F/{id}?taskHub={hub}"), "").await;
        }
    }
    let page = server.get("instances?top=1&taskHub=one").await;
    let token = page.header("x-ms-continuation-token").unwrap();
    let headers = [("x-ms-continuation-token", token)];
    assert_eq!(server.ask_headers("GET", "instances?top=1&taskHub=one", &headers, "").await.status, 200);
    server.ask_headers("GET", "instances?top=1&taskHub=two", &headers, "").await.is_error(400, "task hub");
    let mut client: Client = server.grpc().await;
    let query = |hub, token| {
        let query =
            pb::InstanceQuery { max_instance_count: 1, continuation_token: token, ..Default::default() };
        in_hub(hub, pb::QueryInstancesRequest { query: Some(query) })
    };
    let first = client.query_instances(query("one", None)).await.unwrap().into_inner();
    let token = first.continuation_token;
    assert!(token.is_some());
    assert_eq!(code_of(&client.query_instances(query("two", token)).await), Code::InvalidArgument);

    let start = |hub: &str| format!("orchestrators/F?taskHub={hub}");
    let mut made = Vec::new();
    for hub in ["one", "two", "one", "two"] {
        made.push(server.post_with_key(&start(hub), "key-1", "").await.unwrap().json()["id"].clone());
    }
    assert!(made[0] == made[2] && made[1] == made[3] && made[0] != made[1], "{made:?}");
    // Another request under the same key is refused in its own hub only.
    assert_eq!(server.post_with_key(&start("one"), "key-2", "1").await.unwrap().status, 202);
    assert_eq!(server.post_with_key(&start("two"), "key-2", "2").await.unwrap().status, 202);
    assert_eq!(server.post_with_key(&start("one"), "key-2", "2").await.unwrap().status, 422);

    // What a signal's request id was used for in one hub does not swallow it in another.
    let signal = |hub| {
        in_hub(
            hub,
            pb::SignalEntityRequest {
                instance_id: "@other@k".into(),
                name: "add".into(),
                request_id: "same".into(),
                ..Default::default()
            },
        )
    };
    for hub in ["one", "two"] {
        client.signal_entity(signal(hub)).await.unwrap();
    }
    let entities = server.get("/api/v1/entities?taskHub=two").await.json();
    assert!(entities.to_string().contains("@other@k"), "{entities}");
    assert_eq!(json!(null), entities["missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_for_whoever_knows_its_token_and_only_once() {
    let World { server, worker: mut first, .. } = world().await;
    // SDKs answer on calls of their own, not on the stream, so the token is what tells whose the answer is; a worker that joins later in the
    // same hub and was told the token may hand in the answer. Nobody guesses it.
    server.start("F", "i", "").await;
    let turn = first.turn().await;
    let mut second = Worker::for_everything(&server.url, "one").await;
    let copy = turn.clone();
    second.end(turn, "\"second\"").await;
    assert_eq!(server.output("i").await, "second");
    first.end(copy, "\"first\"").await;
    assert_eq!(server.output("i").await, "second");
}
