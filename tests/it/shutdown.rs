//! SIGTERM: nobody is left hanging, nothing is lost, and the process ends in time.

use crate::support::{Data, Http, Worker, eventually, get_request, soon, start_request};
use durahub::{
    config::Config,
    model::pb::{self, history_event::EventType},
    samples,
    server::Server,
};
use std::{fs, time::Duration};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tonic::Code;

/// Well below the default deadline: nothing had to be waited for.
const PROMPT: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_waits_is_told_and_the_exit_is_clean() {
    for signal in ["TERM", "INT"] {
        let data = Data::new();
        let mut server = data.serve().await;
        let mut worker = Worker::naming(&server.url, "default", &["Other"], &[]).await;
        let mut client = server.grpc().await;
        client.start_instance(start_request("Unserved", "g")).await.unwrap();
        let http = Http::new(server.url.clone());
        let http_wait =
            tokio::spawn(async move { http.post("orchestrators/Unserved/h?timeout=200", "").await });
        let mut waiting = client.clone();
        let grpc_wait =
            tokio::spawn(async move { waiting.wait_for_instance_completion(get_request("g")).await });
        let mut waiting = client.clone();
        let start_wait = tokio::spawn(async move { waiting.wait_for_instance_start(get_request("g")).await });
        eventually("the start", async || (server.get("instances/h").await.status == 202).then_some(())).await;
        server.is_well().await;
        server.signal(signal);

        let ended = worker.try_next().await.unwrap_err().expect("a stream never ends with OK");
        assert_eq!(ended.code(), Code::Unavailable, "{ended}");
        for wait in [grpc_wait, start_wait] {
            assert_eq!(wait.await.unwrap().unwrap_err().code(), Code::Unavailable);
        }
        let answer = http_wait.await.unwrap();
        assert_eq!((answer.status, answer.json()["id"].as_str()), (202, Some("h")), "{answer:?}");
        let (code, took) = server.ended().await;
        assert!(code == Some(0) && took < PROMPT, "{code:?} after {took:?}: {}", server.log());

        let server = data.serve().await;
        for id in ["g", "h"] {
            assert_eq!(server.status(id).await["runtimeStatus"], "Pending");
        }
    }
}

/// A worker with an activity of instance `i` in its hands.
async fn holding(url: &str) -> (Worker, (pb::ActivityRequest, String)) {
    let mut worker = Worker::for_everything(url, "default").await;
    Http::new(url.to_owned()).start("F", "i", "").await;
    let turn = worker.turn().await;
    worker.schedule(turn, 1, "A").await;
    let activity = worker.activity().await;
    (worker, activity)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_in_a_workers_hands_can_still_be_completed() {
    let data = Data::new();
    let mut server = data.serve().await;
    let (mut worker, activity) = holding(&server.url).await;
    server.signal("TERM");
    assert_eq!(worker.try_next().await.unwrap_err().unwrap().code(), Code::Unavailable);
    // Until then the server says that it is leaving, and takes nobody new.
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (503, &false.into()));
    assert!(ready.json()["missing"].to_string().contains("shutting down"), "{ready:?}");
    assert_eq!(server.get("/healthz").await.status, 200);
    // A worker that asks first and is told that all is well would connect again at once, and again.
    assert_eq!(server.grpc().await.hello(()).await.unwrap_err().code(), Code::Unavailable);
    let refused = server.grpc().await.get_work_items(pb::GetWorkItemsRequest::default()).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    worker.done(activity, "\"in time\"").await;
    let (code, took) = server.ended().await;
    assert!(code == Some(0) && took < PROMPT, "{code:?} after {took:?}");

    let server = data.serve().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let turn = worker.turn().await;
    let done = turn.events.iter().find_map(|event| match event {
        EventType::TaskCompleted(done) => Some(done.clone()),
        _ => None,
    });
    assert_eq!(done.unwrap().result.as_deref(), Some("\"in time\""));
    worker.end(turn, "1").await;
    assert!(worker.is_idle().await);
    assert_eq!(server.output("i").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_never_answers_is_given_up_at_the_deadline_and_handed_out_again() {
    let data = Data::new();
    let config = data.path("config.toml");
    fs::write(&config, "[server]\nshutdown_deadline_secs = 2").unwrap();
    let mut server = data.serve_with(&["--config", config.to_str().unwrap()]).await;
    let (mut worker, _) = holding(&server.url).await;
    server.signal("TERM");
    assert!(worker.try_next().await.is_err());
    let (code, took) = server.ended().await;
    assert!(code == Some(0) && took < PROMPT, "{code:?} after {took:?}");
    let server = data.serve().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let activity = worker.activity().await;
    worker.done(activity, "1").await;
    let turn = worker.turn().await;
    worker.end(turn, "2").await;
    assert_eq!(server.output("i").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let data = Data::new();
    let mut server = data.serve().await;
    let (mut worker, _) = holding(&server.url).await;
    server.signal("TERM");
    assert!(worker.try_next().await.is_err());
    server.signal("INT");
    let (code, took) = server.ended().await;
    assert!(code.is_some_and(|code| code != 0) && took < PROMPT, "{code:?} after {took:?}");
    assert!(server.log().contains("second signal"), "{}", server.log());
    let server = data.serve().await;
    server.is_well().await;
    assert_eq!(server.status("i").await["runtimeStatus"], "Running");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_within_the_process_finish_their_step_and_go_on_after_the_restart() {
    let data = Data::new();
    let mut server = data.serve().await;
    for id in ["a", "b", "c"] {
        server.start("SlowChain", id, r#"{"steps":5,"delayMs":200}"#).await;
    }
    server.until_custom("c", |custom| custom["done"].as_u64() >= Some(1)).await;
    server.start("FanOutFanIn", "fan", "500").await;
    server.signal("TERM");
    let (code, took) = server.ended().await;
    assert!(code == Some(0) && took < PROMPT, "{code:?} after {took:?}");
    let server = data.serve().await;
    for id in ["a", "b", "c"] {
        assert_eq!(server.output(id).await, 5);
    }
    assert_eq!(server.output("fan").await, 41_791_750);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_do_not_hold_it_up() {
    let data = Data::new();
    let mut server = data.serve().await;
    let mut open = Vec::new();
    for said in [
        b"".as_slice(),
        b"P",
        b"GET /healthz HTTP/1.1\r\nhost:",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"POST /runtime/webhooks/durabletask/orchestrators/HelloCities/i HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{",
    ] {
        let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(said).await.unwrap();
        open.push(stream);
    }
    server.is_well().await;
    server.signal("TERM");
    let (code, took) = server.ended().await;
    assert!(code == Some(0) && took < PROMPT, "{code:?} after {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_started_while_it_leaves_is_kept() {
    let data = Data::new();
    let mut server = data.serve().await;
    let (mut worker, activity) = holding(&server.url).await;
    server.signal("TERM");
    assert!(worker.try_next().await.is_err());
    // Answered without waiting for what cannot happen any more.
    let answer = server.post("orchestrators/HelloCities/late?timeout=200", "").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    worker.done(activity, "1").await;
    assert_eq!(server.ended().await.0, Some(0));
    let server = data.serve().await;
    server.until("late", "Completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_can_shut_its_server_down_and_start_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.store.url = format!("sqlite:{}/d.db", folder.path().display()).parse().unwrap();
    // Its second half keeps one connection open.
    let mut half = None;
    for round in 0..4 {
        let server = Server::start(&config, samples::registry()).await.unwrap();
        let http = Http::new(server.url());
        http.is_well().await;
        if round == 2 {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.unwrap();
            half = Some(stream);
        }
        http.start("SlowChain", &format!("chain-{round}"), r#"{"steps":3,"delayMs":50}"#).await;
        let twice = Server::start(&config, samples::registry()).await;
        assert!(twice.err().unwrap().to_string().contains("in use by process"));
        soon("the shutdown", server.shutdown()).await;
    }
    drop(half);
    let server = Server::start(&config, samples::registry()).await.unwrap();
    let http = Http::new(server.url());
    for round in 0..4 {
        assert_eq!(http.output(&format!("chain-{round}")).await, 3);
    }
}
