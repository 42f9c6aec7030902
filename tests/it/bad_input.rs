//! Whatever arrives on the port is answered as documented or turned away, and the server works on.

use crate::support::{
    Http, Inside, Worker, channel, client, code_of, get_request, in_hub, soon, start_request,
};
use axum::http::{HeaderMap, Request};
use durahub::model::pb::{self, history_event::EventType, orchestrator_action::OrchestratorActionType};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use std::iter;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, body::Body};
use tower::ServiceExt as _;

const KIB: usize = 1024;

/// Small limits, so that going over them is quick.
async fn strict() -> Inside {
    Inside::with(|config| {
        config.limits.body_bytes = 64 * KIB;
        config.limits.payload_bytes = 32 * KIB;
        config.limits.grpc_message_bytes = 64 * KIB;
    })
    .await
}

fn json_text(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_json_starts_nothing_and_raises_nothing() {
    let server = strict().await;
    for broken in ["{bad", "{'a':1}", "NaN", "1 2", "\u{feff}1", "  ", "\"\u{1}\""] {
        server.post("orchestrators/HelloCities/i", broken).await.is_error(400, "not valid JSON");
    }
    let garbage = server.ask_with("POST", "orchestrators/HelloCities/i", None, vec![b'"', 0xff, b'"']).await;
    garbage.is_error(400, "not valid UTF-8");
    server.get("instances/i").await.is_empty(404);

    server.start("HumanApproval", "i", "").await;
    for broken in ["{bad", "true false"] {
        server.post("instances/i/raiseEvent/Approval", broken).await.is_error(400, "not valid JSON");
    }
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let answer = server.ask_with("POST", "instances/i/raiseEvent/Approval", content_type, "true").await;
        answer.is_error(400, "application/json");
    }
    // What is wrong with the instance comes before what is wrong with the request.
    server.post("instances/unknown/raiseEvent/Approval", "{bad").await.is_empty(404);
    server.control("i", "terminate", "").await;
    server
        .ask_with("POST", "instances/i/raiseEvent/Approval", Some("text/plain"), "{bad")
        .await
        .is_empty(410);
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_break_the_rules_are_refused_over_http() {
    let server = strict().await;
    let (long, long_in_units) = ("x".repeat(300), "%F0%9F%98%80".repeat(129));
    for (id, why) in [
        (long.as_str(), "300"),
        (&"x".repeat(257), "limit is 256"),
        (&long_in_units, "258"),
        ("a%3Fb", "instanceId"),
        ("a%23b", "instanceId"),
        ("a%5Cb", "instanceId"),
        ("a%0Ab", "instanceId"),
        ("a%00", "instanceId"),
        ("%40counter%40k", "'@'"),
    ] {
        server.post(&format!("orchestrators/HelloCities/{id}"), "").await.is_error(400, why);
        server.get(&format!("instances/{id}")).await.is_empty(404);
        server.post(&format!("instances/{id}/terminate"), "").await.is_empty(404);
        server.ask("DELETE", &format!("instances/{id}"), None).await.is_empty(404);
    }
    // An escaped slash is a slash; an escape that is none, or not UTF-8, matches no route.
    for target in ["orchestrators/HelloCities/a%2Fb", "instances/a%2Fb", "instances/%zz", "instances/%ff"] {
        let method = if target.starts_with('o') { "POST" } else { "GET" };
        server.ask(method, target, None).await.is_empty(404);
    }
    let name = "x".repeat(257);
    server.post(&format!("orchestrators/{name}"), "").await.is_error(400, "orchestrator name");
    server.start("HumanApproval", "i", "").await;
    server.post(&format!("instances/i/raiseEvent/{name}"), "1").await.is_error(400, "event name");
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_break_the_rules_are_refused_over_grpc() {
    let server = strict().await;
    let mut client = server.grpc().await;
    let long = "x".repeat(300);
    for id in ["a/b", "a?b", "a#b", "a\\b", "a\nb", "@counter@k", ".", long.as_str()] {
        let refused = client.start_instance(start_request("HelloCities", id)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{id}");
        assert!(refused.message().contains("instanceId"), "{refused}");
        let state = client.get_instance(get_request(id)).await.unwrap().into_inner();
        assert!(!state.exists);
        let event = pb::RaiseEventRequest { instance_id: id.into(), name: "E".into(), input: None };
        assert_eq!(code_of(&client.raise_event(event).await), Code::NotFound);
    }
    for name in ["", " ", "a\nb", &long] {
        let refused = client.start_instance(start_request(name, "i")).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{name:?}");
    }
    let mut garbage = tonic::Request::new(start_request("HelloCities", "i"));
    garbage
        .metadata_mut()
        .insert("taskhub", tonic::metadata::MetadataValue::try_from("\u{fc}".as_bytes()).unwrap());
    assert_eq!(code_of(&client.start_instance(garbage).await), Code::InvalidArgument);
    assert_eq!(
        code_of(&client.start_instance(in_hub("nowhere", start_request("F", "i"))).await),
        Code::NotFound
    );
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_about_an_endless_id_can_be_read() {
    let server = strict().await;
    let mut client = server.grpc().await;
    let id = "ü".repeat(20_000);
    let event = pb::RaiseEventRequest { instance_id: id.clone(), name: "E".into(), input: None };
    let refused = client.raise_event(event).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
    assert!(refused.message().contains("…"), "{refused}");
    let answer = server.post(&format!("instances/{}/terminate", "x".repeat(5_000)), "").await;
    assert_eq!(answer.status, 404);
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_may_be_given_any_time() {
    let server = strict().await;
    let mut client = server.grpc().await;
    for (seconds, nanos) in [(i64::MIN, 0), (i64::MAX, i32::MAX), (i64::MIN, i32::MIN), (0, -1)] {
        let filter = pb::PurgeInstanceFilter {
            timeout: Some(prost_types::Duration { seconds, nanos }),
            ..Default::default()
        };
        let request = pb::PurgeInstancesRequest {
            request: Some(pb::purge_instances_request::Request::PurgeInstanceFilter(filter)),
            ..Default::default()
        };
        let purged = client.purge_instances(request).await.unwrap().into_inner();
        assert_eq!(purged.is_complete, Some(true), "{seconds} s {nanos} ns");
    }
    server.is_well().await;
}

/// A failure of 90 causes, the first with a message of `bytes` bytes.
fn endless_failure(bytes: usize) -> pb::TaskFailureDetails {
    let cause = pb::TaskFailureDetails { error_type: "Cause".into(), ..Default::default() };
    let chain = (0..90).fold(cause, |inner, _| pb::TaskFailureDetails {
        error_type: "Cause".into(),
        inner_failure: Some(Box::new(inner)),
        ..Default::default()
    });
    pb::TaskFailureDetails { error_message: "m".repeat(bytes), ..chain }
}

fn depth(details: &pb::TaskFailureDetails) -> usize {
    1 + details.inner_failure.as_deref().map_or(0, depth)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_too_deep_and_too_large_is_cut_and_stays_readable() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.start("F", "i", "").await;
    let turn = worker.turn().await;
    worker.schedule(turn, 1, "A").await;
    let (activity, token) = worker.activity().await;
    let mut client = server.grpc().await;
    let response = pb::ActivityResponse {
        instance_id: "i".into(),
        task_id: activity.task_id,
        completion_token: token,
        failure_details: Some(endless_failure(1_000_000)),
        ..Default::default()
    };
    client.complete_activity_task(response).await.unwrap();
    let turn = worker.turn().await;
    let failed = turn.events.iter().find_map(|event| match event {
        EventType::TaskFailed(failed) => failed.failure_details.clone(),
        _ => None,
    });
    assert_eq!(depth(&failed.unwrap()), 64);
    let end = OrchestratorActionType::CompleteOrchestration(pb::CompleteOrchestrationAction {
        orchestration_status: pb::OrchestrationStatus::Failed.into(),
        failure_details: Some(endless_failure(5 << 20)),
        ..Default::default()
    });
    worker.answer(turn, vec![(-1, end)]).await;
    let state = client.wait_for_instance_completion(get_request("i")).await.unwrap().into_inner();
    let details = state.orchestration_state.unwrap().failure_details.unwrap();
    assert_eq!(depth(&details), 64);
    assert!(details.error_message.ends_with("[the rest was left out: the failure was too large]"));
    let all = client.query_instances(pb::QueryInstancesRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.orchestration_state.len(), 1);
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_with_the_name_of_the_limit() {
    let server = strict().await;
    let (body, payload) = (json_text(64 * KIB + 1), json_text(32 * KIB + 1));
    server.post("orchestrators/HelloCities/i", &body).await.is_error(413, "limits.body_bytes");
    server.post("orchestrators/HelloCities/i", &payload).await.is_error(413, "limits.payload_bytes");
    server.get("instances/i").await.is_empty(404);
    server.start("Unserved", "i", &json_text(32 * KIB)).await;
    server.post("instances/i/raiseEvent/E", &body).await.is_error(413, "limits.body_bytes");
    server.post("instances/i/raiseEvent/E", &payload).await.is_error(413, "limits.payload_bytes");
    let reason = "r".repeat(32 * KIB + 1);
    server
        .post(&format!("instances/i/suspend?reason={reason}"), "")
        .await
        .is_error(413, "limits.payload_bytes");
    for reason in [100 * KIB, 1 << 20] {
        let target =
            format!("/runtime/webhooks/durabletask/instances/i/suspend?reason={}", "r".repeat(reason));
        let heard =
            shout(&server, format!("POST {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await;
        let heard = String::from_utf8_lossy(&heard);
        assert!(
            heard.is_empty() || heard.starts_with("HTTP/1.1 414") || heard.starts_with("HTTP/1.1 431"),
            "{heard}"
        );
    }
    // Far more than any limit: the answer arrives all the same.
    server.post("orchestrators/HelloCities/i", &json_text(8 << 20)).await.is_error(413, "limits.body_bytes");

    let mut client = server.grpc().await;
    let start = |input| pb::CreateInstanceRequest { input: Some(input), ..start_request("HelloCities", "j") };
    for (input, limit) in [
        (payload, "limits.payload_bytes"),
        (json_text(80 * KIB), "65536 bytes (limits.grpc_message_bytes)"),
        (json_text(3 << 20), "65536 bytes (limits.grpc_message_bytes)"),
    ] {
        let refused = client.start_instance(start(input)).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        assert!(refused.message().contains(limit), "{refused}");
    }
    assert!(!client.get_instance(get_request("j")).await.unwrap().into_inner().exists);
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_and_paths_are_404_without_a_body() {
    let server = strict().await;
    server.start("HumanApproval", "i", "").await;
    for (method, target) in [
        ("GET", "orchestrators/HelloCities"),
        ("PUT", "orchestrators/HelloCities/i"),
        ("PUT", "instances/i"),
        ("PATCH", "instances/i"),
        ("POST", "instances/i"),
        ("GET", "instances/i/terminate"),
        ("DELETE", "instances/i/suspend"),
        ("POST", "instances/i/foo"),
        ("POST", "instances/i/raiseEvent"),
        ("POST", "instances/i/raiseEvent/a/b"),
        ("POST", "orchestrators"),
        ("POST", "orchestrators//HelloCities"),
        ("GET", ""),
        ("GET", "/runtime/webhooks/durabletaskx/instances/i"),
        ("POST", "/healthz"),
        ("DELETE", "/readyz"),
        ("OPTIONS", "instances/i"),
        ("TRACE", "instances/i"),
        ("BREW", "instances/i"),
        ("GET", "/TaskHubSidecarService"),
    ] {
        server.ask(method, target, None).await.is_empty(404);
    }
    assert_eq!(server.status("i").await["instanceId"], "i");
    server.is_well().await;
}

/// What the server answers to a gRPC request with this body: HTTP status and gRPC status.
async fn raw_grpc(server: &Inside, path: &str, content_type: &str, body: Vec<u8>) -> (u16, Option<i32>) {
    let request = Request::post(path).header("content-type", content_type).header("te", "trailers");
    let request = request.body(Body::new(Full::from(body).map_err(|never| match never {}))).unwrap();
    let channel = channel(&server.url).await;
    let response = soon("an answer", channel.oneshot(request)).await.unwrap();
    let code = |headers: &HeaderMap| headers.get("grpc-status")?.to_str().ok()?.parse().ok();
    let (http, in_head) = (response.status().as_u16(), code(response.headers()));
    let rest = soon("the rest of the answer", response.into_body().collect()).await.unwrap();
    (http, in_head.or_else(|| code(rest.trailers()?)))
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_grpc_frames_and_messages_is_refused() {
    let server = strict().await;
    let good = frame(&start_request("HelloCities", "i").encode_to_vec());
    for rpc in
        ["StartInstance", "GetInstance", "CompleteOrchestratorTask", "CompleteActivityTask", "GetWorkItems"]
    {
        let path = format!("/TaskHubSidecarService/{rpc}");
        for body in [
            vec![],
            vec![0, 0],
            vec![0, 0, 0, 0, 9, 1],
            vec![1, 0, 0, 0, 1, 0],
            vec![9, 0, 0, 0, 0],
            vec![0, 0xff, 0xff, 0xff, 0xff],
            frame(&[0xff; 40]),
            frame(&[0x0a, 0x7f, b'a']),
            frame(&[0x0a, 2, 0xff, 0xfe]),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        ] {
            let (http, code) = raw_grpc(&server, &path, "application/grpc", body.clone()).await;
            assert!(http == 200 && code.is_some_and(|code| code != 0), "{rpc} {body:?}: {http} {code:?}");
        }
    }
    let start = "/TaskHubSidecarService/StartInstance";
    for content_type in ["text/plain", "application/json", "application/grpc-web"] {
        let (http, code) = raw_grpc(&server, start, content_type, good.clone()).await;
        assert!(http >= 400 || code != Some(0), "{content_type}: {http} {code:?}");
    }
    let unknown = raw_grpc(&server, "/TaskHubSidecarService/Nothing", "application/grpc", good.clone()).await;
    assert_eq!(unknown, (200, Some(Code::Unimplemented as i32)));
    server.get("instances/i").await.is_empty(404);
    assert_eq!(raw_grpc(&server, start, "application/grpc", good).await, (200, Some(0)));
    server.is_well().await;
}

/// Sends `bytes` on a connection of its own and reads until the server closes it, if it does.
async fn shout(server: &Inside, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.server.address()).await.unwrap();
    // The server may hang up before it has heard everything.
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    let mut heard = Vec::new();
    drop(soon("the server hangs up", stream.read_to_end(&mut heard)).await);
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_port_is_answered_with_400_or_silence() {
    let server = strict().await;
    let noise: Vec<u8> =
        (0_u32..5_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
    for bytes in [
        b"".as_slice(),
        b"\0",
        b"\r\n\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /runtime/webhooks/durabletask/orchestrators/HelloCities/i HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /runtime/webhooks/durabletask/orchestrators/HelloCities/i HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"POST /runtime/webhooks/durabletask/orchestrators/HelloCities/i HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n{}",
        b"PRI * HTTP/2.0\r\n",
        preface,
        &[preface, &noise].concat(),
        &[preface, &[0, 0, 0, 4, 0, 0, 0, 0, 0], &noise].concat(),
        &noise,
    ] {
        let heard = shout(&server, bytes).await;
        let heard = String::from_utf8_lossy(&heard);
        if let Some(status) = heard.strip_prefix("HTTP/1.1 ") {
            assert!(status.starts_with('4'), "{heard}");
        }
    }
    server.get("instances/i").await.is_empty(404);
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_without_end_are_cut_off() {
    let server = strict().await;
    let head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n";
    let line = format!("x: {}\r\n", "y".repeat(1_000));
    pour(&server, head, line.as_bytes()).await;

    // HTTP/2: a HEADERS frame that CONTINUATION frames go on and on.
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let headers = [0, 0, 0, 1, 0, 0, 0, 0, 1];
    let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings, &headers].concat();
    let field = [[0, 1, b'x', 100].as_slice(), &[b'y'; 100]].concat();
    let block = field.repeat(100);
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    let continuation = [&length[1..], &[9, 0, 0, 0, 0, 1], &block].concat();
    pour(&server, &begin, &continuation).await;
    server.is_well().await;
}

/// Sends `begin` and then `more` again and again. Returns when the server hangs up; panics if it takes in 64 MiB.
async fn pour(server: &Inside, begin: &[u8], more: &[u8]) {
    let stream = TcpStream::connect(server.server.address()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let pouring = async {
        to.write_all(begin).await?;
        for _ in iter::repeat_n((), (64 << 20) / more.len()) {
            to.write_all(more).await?;
        }
        Ok::<(), std::io::Error>(())
    };
    let hearing = async { while matches!(from.read(&mut [0; 4096]).await, Ok(1..)) {} };
    let poured = soon("the server hangs up", async {
        tokio::select! {
            poured = pouring => poured,
            () = hearing => Err(std::io::ErrorKind::ConnectionReset.into()),
        }
    });
    assert!(poured.await.is_err(), "the server takes in anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_do_nothing_are_in_nobodys_way() {
    let server = strict().await;
    let mut idle = Vec::new();
    for i in 0..300 {
        let mut stream = TcpStream::connect(server.server.address()).await.unwrap();
        let said = [
            b"".as_slice(),
            b"P",
            b"GET /healthz HTTP/1.1\r\nhost:",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"POST /runtime/webhooks/durabletask/orchestrators/HelloCities/half HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{",
        ];
        stream.write_all(said[i % said.len()]).await.unwrap();
        idle.push(stream);
    }
    server.is_well().await;
    server.grpc().await.hello(()).await.unwrap();
    // Half of them vanish without a word.
    idle.truncate(150);
    server.is_well().await;
    server.get("instances/half").await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_at_once_are_all_served() {
    let server = strict().await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let http = Http::new(server.url.clone());
        callers.spawn(async move { http.post("orchestrators/HelloCities?timeout=30", "").await.status });
        let url = server.url.clone();
        callers.spawn(async move {
            let mut client = client(&url).await;
            let started = client.start_instance(start_request("HelloCities", "")).await.unwrap().into_inner();
            let ended = client.wait_for_instance_completion(get_request(&started.instance_id)).await.unwrap();
            let state = ended.into_inner().orchestration_state.unwrap();
            if state.output.is_some() { 200 } else { 500 }
        });
    }
    let told = soon("all answers", callers.join_all()).await;
    assert_eq!((told.len(), told.iter().all(|status| *status == 200)), (400, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_caller_does_is_the_servers_failure() {
    let server = strict().await;
    for function in ["HelloCities", "Unknown", "%F0%9F%98%80", "a+b", "%25"] {
        for query in [
            "",
            "?timeout=0",
            "?timeout=nan&pollingInterval=-1",
            "?taskHub=%00",
            "?version=%01",
            "?%%%=&&=&timeout",
            "?showHistory=1&top=-5",
        ] {
            server.post(&format!("orchestrators/{function}/i{query}"), "[1]").await.is_no_failure();
            for target in [
                "instances/i",
                "instances/i/terminate",
                "instances/i/suspend",
                "instances/i/resume",
                "instances/i/raiseEvent/E",
            ] {
                for method in ["GET", "POST", "DELETE", "PUT", "HEAD"] {
                    server.ask(method, &format!("{target}{query}"), Some("1")).await.is_no_failure();
                }
            }
        }
    }
    server.is_well().await;
}
