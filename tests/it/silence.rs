//! Whoever connects and does not go on is turned away; whoever waits for an answer is not.

use crate::support::{Binary, Data, Worker, eventually, soon};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Three seconds for everything, except what a test gives more to show that it was not that.
async fn impatient(data: &Data, more: &str) -> Binary {
    let config = data.path("silence.toml");
    let mut text = String::from("[server]\n");
    for key in ["first_byte_secs", "head_secs", "idle_secs"] {
        text.push_str(&format!("{key} = {}\n", if key == more { 3600 } else { 3 }));
    }
    text.push_str(&format!("[http]\nbody_idle_secs = {}\n", if more == "body_idle_secs" { 3600 } else { 3 }));
    std::fs::write(&config, text).unwrap();
    data.serve_with(&["--config", config.to_str().unwrap()]).await
}

async fn connect(server: &Binary) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What is heard until the server closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    // A connection that is reset is closed, too.
    let _ = soon("the server closes", stream.read_to_end(&mut heard)).await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// One answer with a body, from a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    soon("an answer", async {
        while !heard.ends_with(b"}") {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).await.unwrap();
            assert!(length > 0, "closed after {}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&piece[..length]);
        }
    })
    .await;
    String::from_utf8(heard).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed() {
    let data = Data::new();
    let server = impatient(&data, "idle_secs").await;
    let mut stream = connect(&server).await;
    assert_eq!(rest(&mut stream).await, "");
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let data = Data::new();
    let server = impatient(&data, "first_byte_secs").await;
    for begun in ["G", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut stream = connect(&server).await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut stream).await, "", "{begun}");
    }
    // Not even if a little more keeps coming.
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    eventually("the slow sender is cut off", async || {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(b"x: y\r\n").await.is_err().then_some(())
    })
    .await;
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_after_its_answer() {
    let data = Data::new();
    let server = impatient(&data, "first_byte_secs").await;
    let mut stream = connect(&server).await;
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stands_still_is_408_and_the_connection_is_closed() {
    let data = Data::new();
    let server = impatient(&data, "idle_secs").await;
    server.start("HumanApproval", "i", "").await;
    for (target, expected) in [
        ("orchestrators/HelloCities/never", "HTTP/1.1 408"),
        ("instances/i/raiseEvent/Approval", "HTTP/1.1 408"),
        ("instances/unknown/raiseEvent/Approval", "HTTP/1.1 404"),
    ] {
        let mut stream = connect(&server).await;
        let head = format!(
            "POST /runtime/webhooks/durabletask/{target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{\"a\":"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let heard = rest(&mut stream).await;
        assert!(heard.starts_with(expected), "{target}: {heard}");
        if expected.ends_with("408") {
            assert!(heard.contains("http.body_idle_secs") && heard.contains("connection: close"), "{heard}");
        }
    }
    server.get("instances/never").await.is_empty(404);
    server.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_that_moves_is_read_to_its_end() {
    let data = Data::new();
    let server = impatient(&data, "").await;
    let mut stream = connect(&server).await;
    let input = format!("[{}1]", "1,".repeat(20));
    let head = format!(
        "POST /runtime/webhooks/durabletask/orchestrators/Unserved/slow HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        input.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Longer in all than any deadline.
    let begin = Instant::now();
    for byte in input.bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(begin.elapsed() > Duration::from_secs(4));
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 202"));
    assert_eq!(server.status("slow").await["input"].as_array().unwrap().len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_waiting_callers_nor_streams_are_cut() {
    let data = Data::new();
    let server = impatient(&data, "").await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let begin = Instant::now();
    // Longer than every deadline.
    let waited = server.post("orchestrators/Unserved/waits?timeout=5", "").await;
    assert_eq!(waited.status, 202, "{waited:?}");
    assert!(begin.elapsed() >= Duration::from_secs(5));
    // The same stream still brings work, and its connection takes the answers.
    for id in ["waits", "later"] {
        if id == "later" {
            server.start("Unserved", id, "").await;
        }
        let turn = worker.turn().await;
        assert_eq!(turn.instance, id);
        worker.end(turn, "1").await;
        assert_eq!(server.output(id).await, 1);
    }
}
