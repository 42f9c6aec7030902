//! The stream of changes: what is told, to whom, how often, and that nobody has to wait for a listener.

use crate::support::{Data, Http, Inside, eventually, soon};
use durahub::{model::HubName, workers::embedded::Registry};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// One message.
#[derive(Debug)]
struct Told {
    event: String,
    data: Value,
}

/// An open stream.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// Opens it and reads the ping with which it begins.
    async fn open(url: &str, query: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        // As a browser asks, which would like everything to be compressed.
        let request = client.get(format!("{url}/api/v1/events{query}")).header("accept-encoding", "gzip");
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        assert!(!response.headers().contains_key("content-encoding"));
        let mut stream = Self { response, text: String::new() };
        assert_eq!(stream.next().await.unwrap().event, "ping");
        stream
    }

    /// The next message; `None`: it has ended.
    async fn next(&mut self) -> Option<Told> {
        soon("a message", async {
            loop {
                if let Some((message, rest)) = self.text.split_once("\n\n") {
                    let (event, data) = message.split_once('\n').unwrap();
                    let told = Told {
                        event: event.strip_prefix("event: ").unwrap().to_owned(),
                        data: serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap(),
                    };
                    self.text = rest.to_owned();
                    return Some(told);
                }
                let chunk = self.response.chunk().await.unwrap()?;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
    }

    /// Reads until an instance is told to have this status.
    async fn until(&mut self, id: &str, status: Option<&str>) {
        let wanted = json!({ "instanceId": id, "runtimeStatus": status });
        loop {
            let told = self.next().await.expect("it goes on");
            if told.event == "changed" && told.data["instances"].as_array().unwrap().contains(&wanted) {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_told_and_what_is_gone_too() {
    let server = Inside::start().await;
    let mut all = Stream::open(&server.url, "").await;
    let mut some = Stream::open(&server.url, "?instanceId=b&instanceId=c").await;
    server.start("Unserved", "a", "").await;
    all.until("a", Some("Pending")).await;
    server.control("a", "suspend", "").await;
    all.until("a", Some("Suspended")).await;
    server.start("HelloCities", "b", "").await;
    some.until("b", Some("Completed")).await;
    all.until("b", Some("Completed")).await;
    assert_eq!(server.ask("DELETE", "instances/b", None).await.status, 200);
    for stream in [&mut all, &mut some] {
        stream.until("b", None).await;
    }
    server.post("entities/samples.counter/k?op=add", "1").await.is_empty(202);
    all.until("@samples.counter@k", Some("Running")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_elsewhere_is_not_told() {
    let server = Inside::serving(Registry::new(), |config| {
        config.hubs.names = ["one", "two"].map(|name| HubName::parse(name).unwrap()).into();
    })
    .await;
    let mut two = Stream::open(&server.url, "?taskHub=TWO").await;
    let mut only = Stream::open(&server.url, "?taskHub=two&instanceId=mine").await;
    server.start("F", "other", "").await;
    assert_eq!(server.post("orchestrators/F/yours?taskHub=two", "").await.status, 202);
    assert_eq!(server.post("orchestrators/F/mine?taskHub=two", "").await.status, 202);
    let mine = json!({ "instanceId": "mine", "runtimeStatus": "Pending" });
    assert_eq!(only.next().await.unwrap().data, json!({ "instances": [mine], "more": false }));
    let mut seen = Vec::new();
    while !seen.contains(&json!("mine")) {
        let told = two.next().await.unwrap().data["instances"].take();
        seen.extend(told.as_array().unwrap().iter().map(|row| row["instanceId"].clone()));
    }
    assert!(!seen.contains(&json!("other")), "{seen:?}");
    server.get("/api/v1/events?taskHub=nowhere").await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_are_one_message_that_names_some_of_them() {
    let server = Inside::serving(Registry::new(), |_| {}).await;
    let mut stream = Stream::open(&server.url, "").await;
    server.start("F", "first", "").await;
    assert_eq!(stream.next().await.unwrap().data["instances"].as_array().unwrap().len(), 1);
    // Nothing is read from here on: what comes collects.
    let begin = Instant::now();
    let start = |number| {
        let http: &Http = &server.http;
        async move { http.start("F", &format!("i-{number}"), "").await }
    };
    stream::iter(0..400).map(start).buffer_unordered(32).for_each(async |_| {}).await;
    let (mut messages, mut named, mut more) = (0, 0, false);
    while !more {
        let told = stream.next().await.unwrap();
        messages += 1;
        let rows = told.data["instances"].as_array().unwrap().len();
        assert!(rows <= 200, "{rows}");
        (named, more) = (named + rows, told.data["more"] == true);
        if named == 400 {
            // A slow machine may have taken that long over it that nothing had to be left out.
            assert!(begin.elapsed() > Duration::from_millis(500), "{messages} messages");
            return;
        }
    }
    // One each half second, however much changes.
    assert!(messages <= begin.elapsed().as_millis() / 500 + 2, "{messages}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_takes_nothing_holds_nobody_up() {
    let server = Inside::start().await;
    // Open, and never read.
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(Stream::open(&server.url, "").await);
    }
    for number in 0..300 {
        server.start("HelloCities", &format!("h-{number}"), "").await;
    }
    eventually("all of them", async || {
        let counts = server.get("/api/v1/counts?runtimeStatus=Completed").await.json();
        (counts["total"] == 300).then_some(())
    })
    .await;
    server.is_well().await;
    drop(idle);
    server.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_server_shuts_down() {
    let data = Data::new();
    let mut server = data.serve().await;
    let mut stream = Stream::open(&server.url, "").await;
    server.signal("TERM");
    while stream.next().await.is_some() {}
    let (code, took) = server.ended().await;
    assert!(code == Some(0) && took < Duration::from_secs(9), "{code:?} after {took:?}: {}", server.log());
}
