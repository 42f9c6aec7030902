//! Requests that are sent again because their answer was lost, and polls that wait.

use crate::support::{Binary, Data, Http, Inside, Worker, eventually};
use durahub::model::pb::history_event::EventType;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::{Barrier, Notify},
    task::JoinSet,
};

const CALLERS: usize = 64;
const START: &str = "orchestrators/Unserved";
const ALL: &str = "instances?top=1000&showInput=false";

async fn count(http: &Http) -> usize {
    http.get(ALL).await.json().as_array().unwrap().len()
}

/// Has all callers send one request together: the ids they are told, and how many of them that it was a repetition.
async fn together(http: &Http, target: &str, key: &str) -> (BTreeSet<String>, usize) {
    let barrier = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (http, barrier) = (Http::new(http.url.clone()), barrier.clone());
        let (target, key) = (target.to_owned(), key.to_owned());
        callers.spawn(async move {
            barrier.wait().await;
            http.post_with_key(&target, &key, "7").await.unwrap()
        });
    }
    let answers = callers.join_all().await;
    for answer in &answers {
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.location(), answer.json()["statusQueryGetUri"].as_str().unwrap());
    }
    let ids = answers.iter().map(|answer| answer.json()["id"].as_str().unwrap().to_owned()).collect();
    (ids, answers.iter().filter(|answer| answer.header("idempotency-replayed") == Some("true")).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_http_clients_with_one_key_one_starts_and_all_get_the_same_answer() {
    let server = Inside::start().await;
    for (round, target) in [START, "orchestrators/Unserved/chosen"].into_iter().enumerate() {
        let (ids, replayed) = together(&server, target, &format!("key-{round}")).await;
        assert_eq!((ids.len(), replayed, count(&server).await), (1, CALLERS - 1, round + 1), "{ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_http_clients_with_one_key_one_restarts_under_either_kind_of_id() {
    let server = Inside::start().await;
    server.start("Unserved", "a", "").await;
    server.control("a", "terminate", "").await;
    let (ids, replayed) = together(&server, "instances/a/restart", "new").await;
    assert_eq!((ids.len(), replayed, count(&server).await), (1, CALLERS - 1, 2), "{ids:?}");
    // What is in the way of the same id is the very instance that the first of them has made.
    let (ids, replayed) =
        together(&server, "instances/a/restart?restartWithNewInstanceId=false", "same").await;
    assert_eq!((ids, replayed), (BTreeSet::from(["a".to_owned()]), CALLERS - 1));
    assert_eq!(
        (server.status("a").await["runtimeStatus"].as_str(), count(&server).await),
        (Some("Pending"), 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_repeated_after_a_kill_right_behind_its_answer_is_the_same_start() {
    let data = Data::new();
    let mut server = data.serve_with(&["--no-samples"]).await;
    let mut ids = BTreeSet::new();
    for round in 0..3 {
        let (start, restart) = (format!("start-{round}"), format!("restart-{round}"));
        let first = server.post_with_key(START, &start, "7").await.unwrap();
        let id = first.json()["id"].as_str().unwrap().to_owned();
        let again = format!("instances/{id}/restart?newInstanceId=again-{round}&version=2");
        let second = server.post_with_key(&again, &restart, "").await.unwrap();
        server = revived(server, &data).await;
        for (target, key, body, told) in [(START, &start, "7", &first), (&again, &restart, "", &second)] {
            let repeated = server.post_with_key(target, key, body).await.unwrap();
            assert_eq!((repeated.status, repeated.header("idempotency-replayed")), (202, Some("true")));
            assert_eq!(repeated.json()["id"], told.json()["id"]);
        }
        let other = server.post_with_key(START, &start, "8").await.unwrap();
        other.is_error(422, &start);
        ids.insert(id);
        assert_eq!((ids.len(), count(&server).await), (round + 1, 2 * (round + 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_cut_short_by_a_kill_can_all_be_repeated_and_none_is_doubled() {
    const STARTS: usize = 150;
    let data = Data::new();
    let mut server = data.serve_with(&["--no-samples"]).await;
    for (round, answers) in [1, 40, 100].into_iter().enumerate() {
        let enough = Arc::new(Notify::new());
        let mut callers = JoinSet::new();
        let done = Arc::new(AtomicUsize::new(0));
        for i in 0..STARTS {
            let (http, enough, done) = (Http::new(server.url.clone()), enough.clone(), done.clone());
            callers.spawn(async move {
                let key = format!("{round}-{i}");
                // Cut off by the kill is one of the outcomes.
                let answer = http.post_with_key(START, &key, "7").await.ok();
                if done.fetch_add(usize::from(answer.is_some()), Ordering::Relaxed) + 1 == answers {
                    enough.notify_one();
                }
                (key, answer.map(|answer| answer.json()["id"].as_str().unwrap().to_owned()))
            });
        }
        enough.notified().await;
        server = revived(server, &data).await;
        let told = callers.join_all().await;
        let answered = told.iter().filter(|(_, id)| id.is_some()).count();
        assert!(answered >= answers, "{answered}");
        let mut ids = BTreeSet::new();
        for (key, id) in told {
            let repeated = server.post_with_key(START, &key, "7").await.unwrap();
            assert_eq!(repeated.status, 202, "{repeated:?}");
            let now = repeated.json()["id"].as_str().unwrap().to_owned();
            if let Some(id) = id {
                assert_eq!((&now, repeated.header("idempotency-replayed")), (&id, Some("true")), "{key}");
            }
            ids.insert(now);
        }
        assert_eq!((ids.len(), count(&server).await), (STARTS, (round + 1) * STARTS));
    }
}

async fn revived(server: Binary, data: &Data) -> Binary {
    server.kill_nine();
    data.serve_with(&["--no-samples"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_restart_and_purge_one_id_together_exactly_one_gets_it() {
    let server = Inside::start().await;
    for round in 0..10 {
        let id = format!("a{round}");
        server.start("Unserved", &id, "").await;
        server.control(&id, "terminate", "").await;
        let barrier = Arc::new(Barrier::new(CALLERS));
        let mut callers = JoinSet::new();
        for i in 0..CALLERS {
            let (http, barrier, id) = (Http::new(server.url.clone()), barrier.clone(), id.clone());
            callers.spawn(async move {
                barrier.wait().await;
                let restart = format!("instances/{id}/restart?restartWithNewInstanceId=false");
                match i % 4 {
                    0 => http.ask("DELETE", &format!("instances/{id}"), None).await.status,
                    _ => http.post(&restart, "").await.status,
                }
            });
        }
        let told = callers.join_all().await;
        let won: Vec<_> = told.iter().filter(|status| matches!(status, 200 | 202)).collect();
        assert_eq!(won.len(), 1, "whoever was overtaken has changed nothing: {told:?}");
        assert!(told.iter().all(|status| matches!(status, 200 | 202 | 400 | 404 | 409 | 412)), "{told:?}");
        let there = server.get(&format!("instances/{id}")).await.status;
        assert_eq!(there, if *won[0] == 200 { 404 } else { 202 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_version_reaches_the_worker_as_an_empty_version() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    for (query, version) in [("", None), ("?version=", Some("")), ("?version=1.0%20b", Some("1.0 b"))] {
        let answer = server.post(&format!("orchestrators/F{query}"), "").await;
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let turn = worker.turn().await;
        let started = turn.events.iter().find_map(|event| match event {
            EventType::ExecutionStarted(started) => Some(started.version.clone()),
            _ => None,
        });
        assert_eq!((&turn.instance, started.unwrap().as_deref()), (&id, version));
        worker.end(turn, "1").await;
        assert_eq!(server.until(&id, "Completed").await.get("version").and_then(|v| v.as_str()), version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_waits_is_answered_when_the_instance_ends() {
    let server = Inside::start().await;
    server.start("HumanApproval", "a", r#"{"timeoutSeconds":300}"#).await;
    server.until("a", "Running").await;
    let mut polls = JoinSet::new();
    for i in 0..CALLERS {
        let http = Http::new(server.url.clone());
        polls.spawn(async move {
            match i % 2 {
                0 => http.get("instances/a?timeout=100").await,
                _ => {
                    http.ask_with_headers("GET", "instances/a", &[("prefer", "wait=100")], "").await.unwrap()
                }
            }
        });
    }
    let manager = server.server.manager();
    eventually("all wait", async || (manager.waiting() == CALLERS).then_some(())).await;
    server.raise("a", "Approval", "true").await;
    for answer in polls.join_all().await {
        assert_eq!((answer.status, &answer.json()["output"]), (200, &"Approved".into()));
    }
    eventually("nobody waits", async || (manager.waiting() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_is_waited_for_no_longer() {
    let server = Inside::start().await;
    server.start("Unserved", "a", "").await;
    let manager = server.server.manager();
    let base = "/runtime/webhooks/durabletask";
    for request in [
        format!("GET {base}/instances/a?timeout=200 HTTP/1.1\r\n"),
        format!("GET {base}/instances/a HTTP/1.1\r\nPrefer: wait=200\r\n"),
        format!("POST {base}/orchestrators/Unserved?timeout=200 HTTP/1.1\r\nContent-Length: 0\r\n"),
    ] {
        let mut socket = TcpStream::connect(server.server.address()).await.unwrap();
        socket.write_all(format!("{request}Host: localhost\r\n\r\n").as_bytes()).await.unwrap();
        eventually("it waits", async || (manager.waiting() == 1).then_some(())).await;
        drop(socket);
        eventually("it is gone", async || (manager.waiting() == 0).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_answers_polls_that_wait_at_once() {
    let Inside { server, http, folder } = Inside::start().await;
    http.start("Unserved", "a", "").await;
    let polls: Vec<_> = (0..8)
        .map(|_| {
            let http = Http::new(http.url.clone());
            tokio::spawn(async move { http.get("instances/a?timeout=200").await })
        })
        .collect();
    eventually("all wait", async || (server.manager().waiting() == 8).then_some(())).await;
    let begin = Instant::now();
    server.shutdown().await;
    for poll in polls {
        let answer = poll.await.unwrap();
        assert_eq!((answer.status, answer.json()["runtimeStatus"].as_str()), (202, Some("Pending")));
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    drop(folder);
}
