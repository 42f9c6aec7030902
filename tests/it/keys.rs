//! Keys, links and proxies with the shipped binary, as a client on the network sees them.

use crate::support::{Answer, Binary, Data, Http, channel, code_of, get_request, in_hub, run, start_request};
use durahub::{
    api::grpc::generated::task_hub_sidecar_service_client::TaskHubSidecarServiceClient, model::pb,
};
use std::fs;
use tonic::{Code, Request, metadata::AsciiMetadataValue};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_client::ServerReflectionClient};

const ADMIN: &str = "admin-key-0123456789-0123456789-01234";
const OPERATE: &str = "operate-key-0123456789-0123456789-0123";
const READ: &str = "read-key-0123456789-0123456789-0123456";
const WORK: &str = "work-key-0123456789-0123456789-0123456";
const WRONG: &str = "wrong-key-0123456789-0123456789-012345";

/// The digest of a key, as the binary makes it.
fn digest(key: &str) -> String {
    let data = Data::new();
    let file = data.path("key");
    fs::write(&file, key).unwrap();
    let output = crate::support::run_with(&["key", "hash"], &[], fs::File::open(&file).unwrap().into());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A file with the four keys and `more` settings of `[auth]`, below which other sections may follow.
fn settings(data: &Data, more: &str, sections: &str) -> String {
    let keys = [
        ("root", "admin", ADMIN),
        ("ops", "operate", OPERATE),
        ("eyes", "read", READ),
        ("runner", "worker", WORK),
    ];
    let tables = keys.map(|(name, role, key)| {
        format!("[[auth.keys]]\nname = \"{name}\"\nrole = \"{role}\"\nsha256 = [\"{}\"]\n", digest(key))
    });
    let file = data.path("durahub.toml");
    fs::write(&file, format!("[auth]\n{more}\n{}\n{sections}", tables.concat())).unwrap();
    file.to_str().unwrap().to_owned()
}

async fn serve(data: &Data) -> Binary {
    data.serve_with(&["--config", &settings(data, "", "")]).await
}

async fn with(http: &Http, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    http.ask_headers(method, target, headers, "").await
}

async fn keyed(http: &Http, key: &str, method: &str, target: &str) -> Answer {
    with(http, method, target, &[("x-functions-key", key)]).await
}

type Client = TaskHubSidecarServiceClient<tonic::transport::Channel>;

async fn grpc(server: &Binary) -> Client {
    Client::new(channel(&server.url).await)
}

/// A request with a key in this field of its metadata.
fn showing<T>(message: T, field: &'static str, value: &str) -> Request<T> {
    let mut request = in_hub("default", message);
    request.metadata_mut().insert(field, AsciiMetadataValue::try_from(value).unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_header_covers_a_bad_code_and_not_the_other_way_round() {
    let data = Data::new();
    let server = serve(&data).await;
    for (header, code, status) in [
        (Some(READ), Some(WRONG), 200),
        (Some(WRONG), Some(READ), 401),
        (Some(READ), None, 200),
        (None, Some(READ), 200),
        (None, Some(WRONG), 401),
        (None, None, 401),
    ] {
        let headers: Vec<_> = header.iter().map(|key| ("x-functions-key", *key)).collect();
        let target = code.map_or("instances".into(), |code| format!("instances?code={code}"));
        let answer = with(&server, "GET", &target, &headers).await;
        assert_eq!(answer.status, status, "{header:?} {code:?}");
        if status == 401 {
            answer.is_empty(401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    keyed(&server, READ, "POST", "orchestrators/HelloCities").await.is_empty(403);
    keyed(&server, WORK, "GET", "instances").await.is_empty(403);
    with(&server, "GET", "/nothing", &[]).await.is_empty(401);
    with(&server, "POST", "/TaskHubSidecarService/Hello", &[]).await.is_empty(401);
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_alone_run_an_instance_through_its_life_also_after_a_restart_of_the_server() {
    let data = Data::new();
    let server = serve(&data).await;
    let started = keyed(&server, OPERATE, "POST", "orchestrators/HumanApproval/trip").await;
    assert_eq!(started.status, 202, "{started:?}");
    let links = started.json();
    let other = keyed(&server, OPERATE, "POST", "orchestrators/HumanApproval/other").await;
    assert_eq!(other.status, 202);
    let old = server.url.clone();
    server.kill_nine();

    let server = serve(&data).await;
    let link = |name: &str| {
        let link = links[name].as_str().unwrap().replace("{text}", "why").replace("{eventName}", "Approval");
        link.replace(&old, &server.url)
    };
    for name in ["suspendPostUri", "resumePostUri"] {
        server.post(&link(name), "").await.is_empty(202);
    }
    server.get(&link("statusQueryGetUri").replace("instances/trip", "instances/other")).await.is_empty(403);
    server
        .post(&link("terminatePostUri").replace("instances/trip", "instances/other"), "")
        .await
        .is_empty(403);
    server.get(&link("statusQueryGetUri").replace("/instances/trip", "/instances")).await.is_empty(403);
    let start = link("statusQueryGetUri").replace("instances/trip", "orchestrators/HelloCities");
    server.post(&start, "").await.is_empty(403);
    server.post(&link("sendEventPostUri"), "true").await.is_empty(202);
    // Polls lead on from one to the next until the end.
    let mut next = link("statusQueryGetUri");
    let ended = loop {
        let poll = server.get(&next).await;
        match poll.status {
            202 => next = poll.location().to_owned(),
            _ => break poll,
        }
    };
    assert_eq!((ended.status, &ended.json()["output"]), (200, &"Approved".into()));
    let again = server.post(&link("restartPostUri"), "").await;
    assert_eq!(again.status, 202);
    assert_eq!(server.get(again.location()).await.status, 202);
    let purged = server.ask("DELETE", &link("purgeHistoryDeleteUri"), None).await;
    assert_eq!((purged.status, purged.body.as_str()), (200, r#"{"instancesDeleted":1}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_link_secret_makes_earlier_links_useless() {
    let data = Data::new();
    let one = "link_secret = \"one secret, which is long enough to sign with\"";
    let server = data.serve_with(&["--config", &settings(&data, one, "")]).await;
    let link = keyed(&server, ADMIN, "POST", "orchestrators/HumanApproval/a").await.location().to_owned();
    assert_eq!(server.get(&link).await.status, 202);
    let target = link.replace(&server.url, "");
    drop(server);
    for (secret, status) in [(one, 202), (&one.replace("one", "another"), 401), ("", 401), (one, 202)] {
        let server = data.serve_with(&["--config", &settings(&data, secret, "")]).await;
        assert_eq!(server.get(&target).await.status, status, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_after_its_time() {
    let data = Data::new();
    let server = data.serve_with(&["--config", &settings(&data, "link_ttl_secs = 1", "")]).await;
    let link = keyed(&server, ADMIN, "POST", "orchestrators/HumanApproval/a").await.location().to_owned();
    crate::support::eventually("the link to end", async || {
        let answer = server.get(&link).await;
        assert!(matches!(answer.status, 202 | 403), "{answer:?}");
        (answer.status == 403).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_digests_of_a_key_live_at_once() {
    let data = Data::new();
    let (old, new) = (digest(WRONG), digest(OPERATE));
    for (keys, accepted) in [
        (format!("ops:operate:{old}"), [200, 401]),
        (format!("ops:operate:{old},ops:operate:{new}"), [200, 200]),
        (format!("ops:operate:{new}"), [401, 200]),
    ] {
        let server = data.serve_env(&[("DURAHUB__AUTH__KEYS", &keys)]).await;
        for (key, status) in [WRONG, OPERATE].into_iter().zip(accepted) {
            assert_eq!(keyed(&server, key, "GET", "instances").await.status, status, "{keys}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_served_with_a_key_and_refused_without() {
    let data = Data::new();
    let store = data.store();
    let refused = run(&["--listen", "0.0.0.0:0", "--store", &store], &[]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("durahub key new") && told.contains("--insecure"), "{told}");
    // Which address is taken is the same decision; a server of a test listens on this machine only.
    let listen = ["config", "--listen", "0.0.0.0:0"];
    assert_eq!(run(&listen, &[]).status.code(), Some(2));
    let keys = format!("ops:operate:{}", digest(OPERATE));
    let accepted = run(&listen, &[("DURAHUB__AUTH__KEYS", &keys)]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    let shown = String::from_utf8(accepted.stdout).unwrap();
    let line = shown.lines().find(|line| line.starts_with("keys = ")).unwrap();
    let beginning = &digest(OPERATE)[..8];
    assert!(line.contains("ops") && line.contains("operate") && line.contains(beginning), "{line}");
    assert!(!shown.contains(&digest(OPERATE)[..16]), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_asks_for_the_same_keys() {
    let data = Data::new();
    let server = serve(&data).await;
    let mut client = grpc(&server).await;
    let start = || start_request("HelloCities", "a");
    for (field, key, code) in [
        ("authorization", format!("Bearer {OPERATE}"), None),
        ("x-functions-key", OPERATE.to_owned(), Some(Code::AlreadyExists)),
        ("authorization", format!("Bearer {WRONG}"), Some(Code::Unauthenticated)),
        ("authorization", OPERATE.to_owned(), Some(Code::Unauthenticated)),
        ("x-functions-key", WRONG.to_owned(), Some(Code::Unauthenticated)),
        ("x-functions-key", READ.to_owned(), Some(Code::PermissionDenied)),
        ("x-functions-key", WORK.to_owned(), Some(Code::PermissionDenied)),
    ] {
        let answer = client.start_instance(showing(start(), field, &key)).await;
        match code {
            None => assert!(answer.is_ok(), "{answer:?}"),
            // Taken, or replaced when it has ended already: past the door either way.
            Some(Code::AlreadyExists) => assert!(answer.is_ok() || code_of(&answer) == Code::AlreadyExists),
            Some(code) => {
                let refused = answer.unwrap_err();
                assert_eq!(refused.code(), code, "{field}");
                assert!(!refused.message().is_empty() && !refused.message().contains(&key), "{refused}");
            }
        }
    }
    let get = client.get_instance(in_hub("default", get_request("a"))).await;
    assert_eq!(code_of(&get), Code::Unauthenticated);
    // Streams are refused before they begin.
    let work = || pb::GetWorkItemsRequest::default();
    assert_eq!(code_of(&client.get_work_items(in_hub("default", work())).await), Code::Unauthenticated);
    for key in [READ, OPERATE] {
        let refused = client.get_work_items(showing(work(), "x-functions-key", key)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains("GetWorkItems"), "{refused}");
    }
    assert!(client.get_work_items(showing(work(), "x-functions-key", WORK)).await.is_ok());
    let history = |key| {
        let asked = pb::StreamInstanceHistoryRequest { instance_id: "a".into(), ..Default::default() };
        showing(asked, "x-functions-key", key)
    };
    for key in [READ, WORK, ADMIN] {
        assert!(client.stream_instance_history(history(key)).await.is_ok());
    }
    // Health checks are open here as they are over HTTP; the description is for whoever has any key.
    let mut health = HealthClient::new(channel(&server.url).await);
    assert!(health.check(HealthCheckRequest::default()).await.is_ok());
    let mut reflection = ServerReflectionClient::new(channel(&server.url).await);
    let nothing = || tokio_stream::empty::<ServerReflectionRequest>();
    let refused = reflection.server_reflection_info(in_hub("default", nothing())).await;
    assert_eq!(code_of(&refused), Code::Unauthenticated);
    assert!(reflection.server_reflection_info(showing(nothing(), "x-functions-key", WORK)).await.is_ok());
    // A link is for HTTP.
    let link = keyed(&server, ADMIN, "POST", "orchestrators/HumanApproval/b").await.location().to_owned();
    let link = link.split("code=").nth(1).unwrap();
    let get = client.get_instance(showing(get_request("b"), "x-functions-key", link)).await;
    assert_eq!(code_of(&get), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_many_takes_an_administrator_however_it_is_asked_for() {
    use pb::purge_instances_request::Request as Asked;
    let data = Data::new();
    let server = serve(&data).await;
    let mut client = grpc(&server).await;
    let mut purge = async |key, request| {
        let asked = pb::PurgeInstancesRequest { request: Some(request), ..Default::default() };
        client.purge_instances(showing(asked, "x-functions-key", key)).await
    };
    let batch = || Asked::InstanceBatch(pb::InstanceBatch { instance_ids: vec!["x".into()] });
    let filter = || Asked::PurgeInstanceFilter(pb::PurgeInstanceFilter::default());
    assert!(purge(OPERATE, Asked::InstanceId("x".into())).await.is_ok());
    for many in [batch, filter as fn() -> Asked] {
        assert_eq!(code_of(&purge(OPERATE, many()).await), Code::PermissionDenied);
        assert_eq!(code_of(&purge(READ, many()).await), Code::PermissionDenied);
        assert!(purge(ADMIN, many()).await.is_ok());
    }
    let target = "instances?createdTimeFrom=2000-01-01";
    keyed(&server, OPERATE, "DELETE", target).await.is_empty(403);
    keyed(&server, ADMIN, "DELETE", target).await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_mount_is_open_to_this_machine_only_when_told_so() {
    let data = Data::new();
    let server = serve(&data).await;
    server.get("/durabletask/instances").await.is_empty(401);
    drop(server);
    let server = data.serve_with(&["--config", &settings(&data, "open_rpc_mount = true", "")]).await;
    assert_eq!(server.get("/durabletask/instances").await.status, 200);
    server.get("instances").await.is_empty(401);
    for header in ["x-forwarded-for", "forwarded", "via"] {
        with(&server, "GET", "/durabletask/instances", &[(header, "x")]).await.is_empty(401);
    }
    let started = server.post("/durabletask/orchestrators/HumanApproval/a", "").await;
    assert_eq!(server.get(started.location()).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_names_the_address_in_links() {
    let said = [("x-forwarded-host", "flows.example.com"), ("x-forwarded-proto", "https")];
    for (trusted, origin) in
        [("[\"127.0.0.0/8\"]", Some("https://flows.example.com")), ("[\"10.0.0.1\"]", None), ("[]", None)]
    {
        let data = Data::new();
        let proxies = format!("[server]\ntrusted_proxies = {trusted}");
        let server = data.serve_with(&["--config", &settings(&data, "", &proxies)]).await;
        let headers = [said.as_slice(), &[("x-functions-key", OPERATE)]].concat();
        let started = with(&server, "POST", "orchestrators/HumanApproval/a", &headers).await;
        let origin = origin.unwrap_or(&server.url);
        let base = format!("{origin}/runtime/webhooks/durabletask/instances/a");
        assert!(started.location().starts_with(&base), "{started:?}");
        let poll = with(&server, "GET", "instances/a", &headers).await;
        assert_eq!(poll.location(), base);
    }
}

/// Whatever is logged, and whatever is answered, holds no key: not one that is right, not one that is nearly right.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_ever_written_anywhere() {
    let data = Data::new();
    let keys = [ADMIN, OPERATE, READ, WORK, WRONG];
    let config = settings(&data, "link_secret = \"a secret that nobody may ever read in a log\"", "");
    let server = data.serve_with(&["--config", &config, "--log-level", "trace"]).await;
    let mut said = String::new();
    for key in keys {
        let bearer = format!("Bearer {key}");
        for target in [
            "orchestrators/HumanApproval/a",
            "instances/a",
            "instances",
            "makeprimary",
            "nothing",
            "/nothing",
        ] {
            for method in ["GET", "POST", "DELETE", "PUT"] {
                for headers in [[("x-functions-key", key)], [("authorization", bearer.as_str())]] {
                    said += &format!("{:?}", with(&server, method, target, &headers).await);
                }
                for base in ["", "/durabletask/"] {
                    let target = format!("{base}{target}?code={key}&runtimeStatus={{").replace("//", "/");
                    said += &format!("{:?}", with(&server, method, &target, &[]).await);
                }
            }
        }
        let mut client = grpc(&server).await;
        for (field, value) in [("x-functions-key", key), ("authorization", bearer.as_str())] {
            said += &format!("{:?}", client.hello(showing((), field, value)).await);
            said += &format!("{:?}", client.get_instance(showing(get_request("a"), field, value)).await);
            said += &format!("{:?}", client.get_work_items(showing(Default::default(), field, value)).await);
            let create = client.create_task_hub(showing(Default::default(), field, value)).await;
            said += &format!("{:?}", create);
        }
    }
    let link =
        keyed(&server, ADMIN, "POST", "orchestrators/HumanApproval/linked").await.location().to_owned();
    assert_eq!(server.get(&link).await.status, 202);
    server.get(&link.replace("/linked", "/other")).await.is_empty(403);
    let link = link.split("code=").nth(1).unwrap();
    let asked =
        grpc(&server).await.get_instance(showing(get_request("linked"), "x-functions-key", link)).await;
    assert_eq!(code_of(&asked), Code::PermissionDenied);
    let log = server.log();
    assert!(!log.contains(link), "links are as good as keys");
    assert!(log.contains("TRACE") && log.contains("refused"), "nothing was logged at all");
    for key in keys {
        for (what, text) in [("log", &log), ("answers", &said)] {
            let at = text.find(key).map(|at| &text[at.saturating_sub(300)..(at + 100).min(text.len())]);
            assert_eq!(at, None, "{key} is in the {what}");
        }
        assert!(!log.contains(&digest(key)), "the digest of {key} is in the log");
    }
    assert!(!log.contains("nobody may ever read"));
    // Nor does the program write one where it refuses to start.
    for (name, value) in [
        ("DURAHUB__AUTH__KEYS", format!("ops:operate:{OPERATE}")),
        ("DURAHUB__AUTH__KEYS", format!("{OPERATE}:ops:operate:x")),
        ("DURAHUB__AUTH__KEYS", OPERATE.to_owned()),
        ("DURAHUB__AUTH__LINK_SECRET", OPERATE[..31].to_owned()),
    ] {
        let output = run(&[], &[(name, &value)]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("auth.") && !told.contains(&OPERATE[..31]), "{told}");
    }
}

/// GitHub's signature of "Hello, World!" under this secret, as GitHub documents it.
const SECRET: &str = "It's a Secret to Everybody";
const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_stands_in_for_a_key_where_events_are_signed_and_nowhere_else() {
    let data = Data::new();
    let sections = format!(
        "[hubs]\nnames = [\"default\", \"signed\"]\nwebhook_secrets = [\"signed github {SECRET}\"]\n"
    );
    let server = data.serve_with(&["--config", &settings(&data, "", &sections)]).await;
    for hub in ["default", "signed"] {
        let target = format!("orchestrators/HumanApproval/i?taskHub={hub}");
        assert_eq!(keyed(&server, OPERATE, "POST", &target).await.status, 202);
    }
    let send = async |target: &str, headers: &[(&str, &str)]| {
        server.ask_headers("POST", target, headers, "Hello, World!").await
    };
    let signature = ("x-hub-signature-256", SIGNED);
    let event = "instances/i/raiseEvent/E?contentType=any&taskHub=signed";
    send(event, &[signature]).await.is_empty(202);
    send(event, &[signature, ("x-functions-key", WRONG)]).await.is_empty(202);
    send(event, &[]).await.is_empty(401);
    // A key does not stand in for a signature.
    send(event, &[("x-functions-key", ADMIN)]).await.is_empty(401);
    send("instances/i/raiseEvent/E?contentType=any", &[signature]).await.is_empty(401);
    send("instances/i/terminate?taskHub=signed", &[signature]).await.is_empty(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn durahubs_own_routes_ask_for_keys_and_what_describes_them_does_not() {
    let data = Data::new();
    let server = serve(&data).await;
    let started = keyed(&server, OPERATE, "POST", "orchestrators/HelloCities/i").await;
    let link = started.json()["statusQueryGetUri"].as_str().unwrap().to_owned();
    let code = link.split_once("code=").unwrap().1.to_owned();
    crate::support::eventually("the instance's end", async || {
        (keyed(&server, READ, "GET", "instances/i").await.status == 200).then_some(())
    })
    .await;
    for (target, read, by_link) in [
        ("/api/v1/counts", 200, 403),
        ("/api/v1/instances", 200, 403),
        ("/api/v1/export", 200, 403),
        ("/api/v1/histogram", 200, 403),
        ("/api/v1/statistics", 200, 403),
        ("/api/v1/entities", 200, 403),
        ("/api/v1/instances/i/revisions", 200, 200),
        ("/api/v1/instances/j/revisions", 404, 403),
        ("/api/v1/instances/i", 200, 200),
        ("/api/v1/instances/j", 404, 403),
        ("/api/v1/instances/i/history", 200, 200),
        ("/api/v1/instances/j/history", 404, 403),
        ("/api/v1/instances/i/history/0", 200, 200),
        ("/api/v1/instances/i/payloads/input", 404, 404),
        ("/api/v1/instances/j/payloads/input", 404, 403),
        ("/api/v1/instances/i/tree", 200, 403),
    ] {
        with(&server, "GET", target, &[]).await.is_empty(401);
        assert_eq!(keyed(&server, READ, "GET", target).await.status, read, "{target}");
        assert_eq!(keyed(&server, WORK, "GET", target).await.status, 403, "{target}");
        let linked = with(&server, "GET", &format!("{target}?code={code}"), &[]).await;
        assert_eq!(linked.status, by_link, "{target}");
    }
    for target in ["/openapi.yaml", "/docs", "/healthz"] {
        assert_eq!(with(&server, "GET", target, &[]).await.status, 200, "{target}");
    }
    let page = with(&server, "GET", &format!("instances?top=1&code={READ}"), &[]).await;
    assert_eq!(page.status, 200);
    keyed(&server, OPERATE, "POST", "orchestrators/HelloCities/j").await;
    let page = with(&server, "GET", &format!("instances?top=1&code={READ}"), &[]).await;
    let next = page.headers["link"].to_str().unwrap();
    assert!(next.contains("continuationToken=") && !next.contains(READ), "{next}");
}
