//! The audit log: who did what, from where, and what came of it.

use crate::support::{Client, Data, Inside, Worker, eventually, get_request, in_hub, run, start_request};
use durahub::{
    auth::{Digest, NamedKey, Reach, Role},
    config::{SignatureStyle, WebhookSecret},
    model::{HubName, pb},
    workers::embedded::Registry,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};
use tokio::io::AsyncWriteExt as _;
use tonic::Request;

const KEY: &str = "the-key-of-the-operator-0123456789-012";
const ROOT: &str = "the-key-of-the-ruler-0123456789-012345";
const PAYLOAD: &str = "nobody-is-to-read-this";

/// Two hubs, a key for an operator and one for an administrator, and an audit log.
async fn server() -> Inside {
    Inside::serving(Registry::new(), |config| {
        config.hubs.names = ["one", "two", "signed"].map(|name| HubName::parse(name).unwrap()).into();
        config.hubs.webhook_secrets = vec![WebhookSecret {
            hub: HubName::parse("signed").unwrap(),
            style: SignatureStyle::GitHub,
            key: b"It's a Secret to Everybody".to_vec(),
        }];
        let key = |name: &str, role, key: &str| NamedKey {
            name: name.into(),
            role,
            reach: Reach::ALL,
            digests: vec![Digest::of(key.as_bytes())],
        };
        config.auth.keys = vec![key("ops", Role::Operate, KEY), key("root", Role::Admin, ROOT)];
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        let folder = config.store.url.to_string();
        config.audit.file = folder.strip_prefix("sqlite:").unwrap().replace("d.db", "audit").into();
    })
    .await
}

fn text(server: &Inside) -> String {
    fs::read_to_string(server.folder.path().join("audit")).unwrap()
}

fn records(server: &Inside) -> Vec<Value> {
    text(server).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What has been added since `seen` records, and how many there are now.
fn new(server: &Inside, seen: &mut usize) -> Vec<Value> {
    let all = records(server);
    let new = all[*seen..].to_vec();
    *seen = all.len();
    new
}

/// One record without what differs from run to run, which must be there.
fn bare(mut record: Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    let from = fields.remove("from").unwrap();
    assert!(from.as_str().unwrap().starts_with("127.0.0.1:"), "{from}");
    assert!(fields.remove("time").unwrap().as_str().unwrap().ends_with('Z'));
    assert_eq!(fields.remove("request").is_some(), fields["via"] == "http");
    record
}

fn keyed<T>(hub: &str, message: T) -> Request<T> {
    let mut request = in_hub(hub, message);
    request.metadata_mut().insert("x-functions-key", ROOT.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn every_http_call_that_changes_something_is_a_line_and_no_other_is() {
    let server = server().await;
    let mut seen = 0;
    let input = format!("\"{PAYLOAD}\"");
    for (method, target, body, expected) in [
        (
            "POST",
            "orchestrators/F/a?taskHub=TWO",
            input.as_str(),
            Some(json!({"call": "start", "status": "202", "hub": "two", "instance": "a"})),
        ),
        ("GET", "instances/a?taskHub=two", "", None),
        ("GET", "/api/v1/instances", "", None),
        ("GET", "/api/v1/jobs", "", None),
        (
            "POST",
            "instances/a/raiseEvent/E?taskHub=two",
            &input,
            Some(json!({"call": "raise_event", "status": "202", "hub": "two", "instance": "a"})),
        ),
        (
            "POST",
            "instances/a/suspend?taskHub=two&reason=nobody-is-to-read-this",
            "",
            Some(json!({"call": "suspend", "status": "202", "hub": "two", "instance": "a"})),
        ),
        (
            "POST",
            "instances/a/terminate",
            "",
            Some(
                json!({"outcome": "failed", "call": "terminate", "status": "404", "hub": "one", "instance": "a"}),
            ),
        ),
        (
            "POST",
            "instances/a/terminate?taskHub=nowhere",
            "",
            Some(
                json!({"outcome": "failed", "call": "terminate", "status": "404", "hub": "nowhere", "instance": "a"}),
            ),
        ),
        (
            "POST",
            "instances/a/terminate?taskHub=two",
            "",
            Some(json!({"call": "terminate", "status": "202", "hub": "two", "instance": "a"})),
        ),
        (
            "POST",
            "entities/Counter/k?op=add",
            &input,
            Some(json!({"call": "signal_entity", "status": "202", "hub": "one", "instance": "@Counter@k"})),
        ),
        (
            "DELETE",
            "instances?createdTimeFrom=2020-01-01&createdTimeTo=2020-01-02",
            "",
            Some(
                json!({"outcome": "failed", "call": "purge_many", "status": "404", "hub": "one", "about": "?createdTimeFrom=2020-01-01&createdTimeTo=2020-01-02"}),
            ),
        ),
        (
            "POST",
            "/api/v1/hubs",
            r#"{"name":"Third"}"#,
            Some(json!({"call": "POST /api/v1/hubs", "status": "201", "hub": "Third"})),
        ),
        (
            "DELETE",
            "/api/v1/hubs/third",
            "",
            Some(json!({"call": "DELETE /api/v1/hubs/{name}", "status": "200", "hub": "third"})),
        ),
        (
            "DELETE",
            "/api/v1/jobs/j",
            "",
            Some(
                json!({"outcome": "failed", "call": "DELETE /api/v1/jobs/{id}", "status": "404", "hub": "one", "job": "j"}),
            ),
        ),
    ] {
        let headers = [("x-functions-key", ROOT), ("content-type", "application/json")];
        let answer = server.ask_headers(method, target, &headers, body.to_owned()).await;
        // The line is there when the answer is.
        let told: Vec<_> = new(&server, &mut seen).into_iter().map(bare).collect();
        let expected = expected.map(|expected| {
            let mut whole =
                json!({"outcome": "done", "via": "http", "caller": "key", "key": "root", "role": "admin"});
            whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
            whole
        });
        assert_eq!(told, Vec::from_iter(expected), "{method} {target} {answer:?}");
    }
    // What only the answer tells: the id that was made up, what came of a restart, a job.
    let headers = [
        ("x-functions-key", KEY),
        ("content-type", "application/json"),
        ("x-forwarded-for", "9.9.9.9, 1.2.3.4"),
    ];
    let made = server.ask_headers("POST", "orchestrators/F", &headers, "").await.json()["id"].clone();
    let again =
        server.ask_headers("POST", "instances/a/restart?taskHub=two", &headers, "").await.json()["id"]
            .clone();
    let body = r#"{"action":"terminate","filter":"name=F"}"#;
    let job =
        server.ask_headers("POST", "/api/v1/jobs?taskHub=two", &headers, body).await.json()["id"].clone();
    let [start, restart, bulk] = &new(&server, &mut seen)[..] else { panic!("{}", text(&server)) };
    assert_eq!(
        (&start["instance"], &start["key"], &start["forwardedFor"]),
        (&made, &json!("ops"), &json!("1.2.3.4"))
    );
    assert_eq!((&restart["instance"], &restart["made"]), (&json!("a"), &again));
    assert_eq!((&bulk["job"], &bulk["about"]), (&job, &json!("terminate by filter name=F")));
    for secret in [PAYLOAD, KEY, ROOT] {
        assert!(!text(&server).contains(secret), "{}", text(&server));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_lines_whatever_was_asked() {
    let server = server().await;
    let mut seen = 0;
    let link = server
        .ask_headers("POST", "orchestrators/F/a", &[("x-functions-key", KEY)], "")
        .await
        .location()
        .split_once("code=")
        .unwrap()
        .1
        .to_owned();
    assert_eq!(new(&server, &mut seen).len(), 1);
    for (method, target, headers, expected) in [
        (
            "GET",
            "instances/a",
            &[][..],
            json!({"status": "401", "call": "status", "caller": "nobody", "instance": "a"}),
        ),
        ("GET", "/nothing", &[], json!({"status": "401", "call": "unknown", "caller": "nobody"})),
        (
            "GET",
            "/api/v1/about",
            &[("x-functions-key", "wrong")],
            json!({"status": "401", "call": "GET /api/v1/about", "caller": "nobody"}),
        ),
        (
            "POST",
            "/api/v1/hubs",
            &[("x-functions-key", KEY)],
            json!({"status": "403", "call": "POST /api/v1/hubs", "caller": "key", "key": "ops", "role": "operate"}),
        ),
        (
            "GET",
            "instances/b",
            &[("x-functions-key", &link)],
            json!({"status": "403", "call": "status", "caller": "link", "instance": "b"}),
        ),
        (
            "POST",
            "instances/a/terminate",
            &[("x-functions-key", KEY), ("origin", "https://evil.example")],
            json!({"status": "403", "call": "terminate", "caller": "nobody", "instance": "a"}),
        ),
    ] {
        let answer = server.ask_headers(method, target, headers, "").await;
        let told: Vec<_> = new(&server, &mut seen).into_iter().map(bare).collect();
        let mut whole = json!({"outcome": "refused", "via": "http", "hub": "one"});
        whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(told, [whole], "{method} {target} {answer:?}");
    }
    // By link, too, and what it may is done.
    server.ask_headers("POST", &format!("instances/a/terminate?code={link}"), &[], "").await.is_empty(202);
    let told: Vec<_> = new(&server, &mut seen).into_iter().map(bare).collect();
    assert_eq!(
        told,
        [
            json!({"outcome": "done", "status": "202", "via": "http", "call": "terminate", "caller": "link", "hub": "one", "instance": "a"})
        ]
    );
    assert!(!text(&server).contains(&link));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_by_signature_and_say_so() {
    /// Of `Hello, World!`, as GitHub's documentation has it.
    const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let server = server().await;
    let keyed = [("x-functions-key", KEY)];
    assert_eq!(server.ask_headers("POST", "orchestrators/F/i?taskHub=signed", &keyed, "").await.status, 202);
    let mut seen = 1;
    let event = "instances/i/raiseEvent/E?contentType=any&taskHub=signed";
    for (signature, status, outcome) in [(SIGNED, "202", "done"), ("sha256=00", "401", "refused")] {
        let headers = [("x-hub-signature-256", signature)];
        server.ask_headers("POST", event, &headers, "Hello, World!").await;
        let told: Vec<_> = new(&server, &mut seen).into_iter().map(bare).collect();
        assert_eq!(
            told,
            [
                json!({"outcome": outcome, "status": status, "via": "http", "call": "raise_event", "caller": "signature", "hub": "signed", "instance": "i"})
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_calls_are_lines_but_for_those_of_workers() {
    use pb::purge_instances_request::Request as Purge;
    let server = server().await;
    let mut client: Client = server.grpc().await;
    let mut seen = 0;
    let a = || "a".to_owned();
    let made =
        client.start_instance(keyed("two", start_request("F", ""))).await.unwrap().into_inner().instance_id;
    drop(client.start_instance(keyed("two", start_request("F", "a"))).await);
    drop(client.get_instance(keyed("two", get_request("a"))).await);
    drop(
        client
            .raise_event(keyed(
                "two",
                pb::RaiseEventRequest { instance_id: a(), name: "E".into(), input: Some(PAYLOAD.into()) },
            ))
            .await,
    );
    drop(client.suspend_instance(keyed("two", pb::SuspendRequest { instance_id: a(), reason: None })).await);
    drop(client.resume_instance(keyed("two", pb::ResumeRequest { instance_id: a(), reason: None })).await);
    drop(
        client
            .rewind_instance(keyed("two", pb::RewindInstanceRequest { instance_id: a(), reason: None }))
            .await,
    );
    drop(
        client
            .terminate_instance(keyed("two", pb::TerminateRequest { instance_id: a(), ..Default::default() }))
            .await,
    );
    let again = client
        .restart_instance(keyed(
            "two",
            pb::RestartInstanceRequest { instance_id: a(), restart_with_new_instance_id: true },
        ))
        .await;
    let again = again.unwrap().into_inner().instance_id;
    let purge =
        |request| keyed("two", pb::PurgeInstancesRequest { request: Some(request), ..Default::default() });
    drop(client.purge_instances(purge(Purge::InstanceId(a()))).await);
    drop(
        client
            .purge_instances(purge(Purge::InstanceBatch(pb::InstanceBatch { instance_ids: vec![a(), a()] })))
            .await,
    );
    drop(client.purge_instances(purge(Purge::PurgeInstanceFilter(Default::default()))).await);
    let signal = pb::SignalEntityRequest {
        instance_id: "@counter@k".into(),
        name: "add".into(),
        ..Default::default()
    };
    drop(client.signal_entity(keyed("two", signal)).await);
    drop(client.create_task_hub(keyed("third", Default::default())).await);
    drop(client.delete_task_hub(keyed("third", Default::default())).await);
    drop(client.skip_graceful_orchestration_terminations(keyed("two", Default::default())).await);
    drop(client.clean_entity_storage(keyed("two", Default::default())).await);
    drop(client.get_work_items(keyed("two", Default::default())).await);
    drop(client.complete_activity_task(keyed("two", Default::default())).await);
    drop(client.start_instance(in_hub("two", start_request("F", "b"))).await);
    drop(client.get_work_items(in_hub("nowhere", Default::default())).await);

    let told: Vec<_> = new(&server, &mut seen).into_iter().map(bare).collect();
    let seen: Vec<[&str; 6]> = told
        .iter()
        .map(|told| {
            assert_eq!(told["via"], "grpc");
            assert_eq!(told["key"] == "root", told["caller"] == "key");
            ["call", "outcome", "status", "hub", "instance", "about"]
                .map(|field| told[field].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        ["StartInstance", "done", "Ok", "two", &made, ""],
        ["StartInstance", "done", "Ok", "two", "a", ""],
        ["RaiseEvent", "done", "Ok", "two", "a", ""],
        ["SuspendInstance", "done", "Ok", "two", "a", ""],
        ["ResumeInstance", "done", "Ok", "two", "a", ""],
        ["RewindInstance", "failed", "FailedPrecondition", "two", "a", ""],
        ["TerminateInstance", "done", "Ok", "two", "a", ""],
        ["RestartInstance", "done", "Ok", "two", "a", ""],
        ["PurgeInstances", "done", "Ok", "two", "a", ""],
        ["PurgeInstances", "done", "Ok", "two", "", "2 ids"],
        ["PurgeInstances", "done", "Ok", "two", "", "filter"],
        ["SignalEntity", "done", "Ok", "two", "@counter@k", ""],
        ["CreateTaskHub", "done", "Ok", "third", "", ""],
        ["DeleteTaskHub", "done", "Ok", "third", "", ""],
        ["SkipGracefulOrchestrationTerminations", "done", "Ok", "two", "", "0 ids"],
        ["CleanEntityStorage", "done", "Ok", "two", "", ""],
        ["StartInstance", "refused", "Unauthenticated", "two", "", ""],
        ["GetWorkItems", "refused", "Unauthenticated", "nowhere", "", ""],
    ];
    assert_eq!(seen, expected);
    assert_eq!(told[7]["made"], again);
    assert!(!text(&server).contains(PAYLOAD) && !text(&server).contains(ROOT));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_the_answer_is_written_down_all_the_same() {
    let server = server().await;
    let head = format!(
        "POST /runtime/webhooks/durabletask/orchestrators/F/left?timeout=200 HTTP/1.1\r\nhost: localhost\r\nx-functions-key: {KEY}\r\n\
         content-length: 0\r\n\r\n"
    );
    let mut socket = tokio::net::TcpStream::connect(server.server.address()).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let keyed = [("x-functions-key", KEY)];
    eventually("the start", async || {
        (server.ask_headers("GET", "instances/left", &keyed, "").await.status == 202).then_some(())
    })
    .await;
    drop(socket);
    let record = eventually("the record", async || records(&server).pop()).await;
    assert_eq!(
        bare(record),
        json!({"outcome": "unknown", "via": "http", "call": "start", "caller": "key", "key": "ops", "role": "operate", "hub": "one", "instance": "left"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_is_said_loudly() {
    let data = Data::new();
    let nowhere = data.path("no/such/folder/audit");
    let refused = run(
        &["--listen", "127.0.0.1:0", "--store", &data.store()],
        &[("DURAHUB__AUDIT__FILE", nowhere.to_str().unwrap())],
    );
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("audit.file") && told.contains("no/such/folder"), "{told}");
    // One that is full later does not keep the server from its work.
    let server = data.serve_env(&[("DURAHUB__AUDIT__FILE", "/dev/full")]).await;
    assert_eq!(server.post("orchestrators/HelloCities?timeout=20", "").await.status, 200);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("audit.file")).expect("a complaint");
    assert!(line.contains("ERROR") && line.contains("unrecorded"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_the_log_has_them_if_asked() {
    let data = Data::new();
    let server = data.serve_with(&["--log-level", "warn,audit=debug"]).await;
    server.start("HelloCities", "i", "").await;
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls: BTreeSet<_> =
        lines.iter().filter(|line| line["target"] == "audit").map(|line| line["call"].to_string()).collect();
    assert_eq!(calls, BTreeSet::from(["\"start\"".to_owned()]), "{log}");
    let mut worker = Worker::for_everything(&server.url, "default").await;
    assert!(worker.is_idle().await);
}
