//! Bad input and bad days: whatever comes in, the answer is clear and the server unharmed.

use super::*;
use crate::store;

#[tokio::test]
async fn a_start_with_a_bad_body_starts_nothing() {
    let world = World::new().await;
    for (body, part) in [
        (&b"{bad"[..], "line 1 column 2"),
        (b"{'a':1}", "not valid JSON"),
        (b"[1,2] trailing", "line 1 column 7"),
        (b"\"\xff\"", "not valid UTF-8"),
        (b" ", "not valid JSON"),
    ] {
        let answer = world.ask("POST", "/orchestrators/F/a", &[], body).await;
        answer.is_error(400, part);
        assert_eq!(answer.json()["ExceptionType"], "Newtonsoft.Json.JsonReaderException");
    }
    assert_eq!(world.store.count(), 0);
}

#[tokio::test]
async fn ids_that_cannot_be_addressed_are_refused() {
    let world = World::new().await;
    for (id, part) in [
        ("@x", "'@'"),
        ("a%3Fb", "'?'"),
        ("a%23b", "'#'"),
        ("a%5Cb", "'\\\\'"),
        ("a%07b", "\\u{7}"),
        ("a%0Ab", "\\n"),
        (&"x".repeat(257), "257"),
        (&"x".repeat(300), "300"),
        (&"%F0%9F%98%80".repeat(129), "258"),
    ] {
        world.post(&format!("/orchestrators/F/{id}"), "").await.is_error(400, part);
    }
    world.post("/orchestrators/F/a%2Fb", "").await.is_empty(404);
    world.post("/orchestrators/F/a%ZZ", "").await.is_empty(404);
    world.post(&format!("/orchestrators/{}", "f".repeat(257)), "").await.is_error(400, "orchestrator name");
    world.post("/orchestrators/%20", "").await.is_error(400, "orchestrator name");
    assert_eq!(world.store.count(), 0);
    assert_eq!(world.post(&format!("/orchestrators/F/{}", "x".repeat(256)), "").await.status, 202);
}

#[tokio::test]
async fn bodies_and_payloads_have_limits_that_the_answer_names() {
    let world = World::new().await;
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    world.post("/orchestrators/F/a", &text(BODY_LIMIT + 1)).await.is_error(413, &BODY_LIMIT.to_string());
    world.post("/orchestrators/F/a", &text(PAYLOAD_LIMIT + 1)).await.is_error(413, "1024");
    assert_eq!(world.store.count(), 0);
    assert_eq!(world.post("/orchestrators/F/a", &text(PAYLOAD_LIMIT)).await.status, 202);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let world = World::new().await;
    let pieces: [Result<&str, std::io::Error>; 2] =
        [Ok("{\"a\""), Err(std::io::ErrorKind::ConnectionReset.into())];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    world.ask("POST", "/orchestrators/F/a", &[], body).await.is_error(400, "could not be read");
    let chunked = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("")]));
    assert_eq!(world.ask("POST", "/orchestrators/F/a", &[], chunked).await.status, 202);
}

#[tokio::test]
async fn wrong_methods_and_unknown_paths_are_404_and_empty() {
    let world = World::new().await;
    world.given("x", Status::Running).await;
    for line in [
        "PUT /instances/x",
        "HEAD /instances/x",
        "OPTIONS /instances/x",
        "PATCH /instances/x",
        "TRACE /instances/x",
        "BREW /instances/x",
        "POST /instances/x",
        "GET /instances/x/terminate",
        "POST /instances/x/foo",
        "POST /instances/x/raiseEvent",
        "GET /orchestrators/f",
        "POST /orchestrators",
        "GET /",
        "POST http://host:7071/",
        "DELETE http://host:7071/dashboard",
        "POST http://host:7071/dashboard/instances",
        "GET http://host:7071/dashboards",
        "GET http://host:7071/runtime/webhooks",
        "GET http://host:7071/runtime/webhooks/durabletaskx/instances/x",
        "POST http://host:7071/healthz",
        "DELETE http://host:7071/readyz",
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        world.ask(method, path, &[], "").await.is_empty(404);
    }
    let path = "http://host:7071/Runtime/WebHooks/durableTask/Instances/x";
    assert_eq!(world.get(path).await.status, 202);
}

#[tokio::test]
async fn storage_trouble_is_told_in_general_terms() {
    type Case = (fn() -> store::Error, u16, &'static str);
    let cases: [Case; 6] = [
        (|| store::Error::Busy("secret".into()), 503, "busy"),
        (|| store::Error::OverBudget(7), 503, "narrow it down"),
        (|| store::Error::Full("secret".into()), 503, "full"),
        (|| store::Error::Closed, 503, "shutting down"),
        (|| store::Error::Corrupt("secret".into()), 500, "storage failed"),
        (|| store::Error::Backend("secret".into()), 500, "storage failed"),
    ];
    for (trouble, code, part) in cases {
        let world = World::new().await;
        world.store.fail_with(trouble);
        for line in [
            "GET /instances/a",
            "POST /orchestrators/F/a",
            "POST /instances/a/raiseEvent/e",
            "DELETE /instances/a",
        ] {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = world.ask(method, path, &[], "").await;
            answer.is_error(code, part);
            assert!(!answer.body.contains("secret"), "{answer:?}");
            assert_eq!(answer.retry_after.is_some(), code == 503);
        }
    }
}

#[tokio::test]
async fn health_and_readiness() {
    let world = World::new().await;
    let answer = world.get("http://host:7071/healthz").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#));
    let answer = world.get("http://host:7071/readyz").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"ready":true,"missing":[]}"#));
    world.probe.0.lock().unwrap().push("storage does not answer".into());
    let answer = world.get("http://host:7071/readyz").await;
    let expected = r#"{"ready":false,"missing":["storage does not answer"]}"#;
    assert_eq!((answer.status, answer.body.as_str()), (503, expected));
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let world = World::new().await;
    world.probe.0.lock().unwrap().push("panic".into());
    let answer = world.get("http://host:7071/readyz").await;
    answer.is_error(500, "mistake");
    assert!(!answer.body.contains("told to panic"));
    assert_eq!(world.get("http://host:7071/healthz").await.status, 200);
}

/// Many clients write their whole body before they read anything; a server that hangs up meanwhile is a broken pipe to them, and
/// not the 413 that would tell them why.
#[tokio::test]
async fn an_oversize_body_is_refused_over_a_real_connection_too() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, world.router.clone()).into_future());
    for length in [BODY_LIMIT + 1, 200_000, 2_000_000, 8_000_000] {
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {WEBHOOK_BASE}/orchestrators/F HTTP/1.1\r\nHost: host\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&vec![b'x'; length]).await.expect("the server reads on");
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 413", "{length}");
    }
    server.abort();
}
