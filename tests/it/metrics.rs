//! `/metrics`, as a scraper reads it.

use crate::support::{Binary, Data, Inside, Worker, eventually, soon};
use durahub::{
    auth::{Digest, NamedKey, Reach, Role},
    workers::embedded::Registry,
};
use std::collections::BTreeMap;

/// What was scraped: each sample by its name and labels, as they are written.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    /// Every line must be a comment that is known, or a sample of a metric that was announced.
    fn read(text: &str) -> Self {
        let (mut samples, mut announced) = (BTreeMap::new(), Vec::new());
        let body = text.strip_suffix("# EOF\n").expect("the end is marked");
        for line in body.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (word, name) = (words.next().unwrap(), words.next().unwrap());
                assert!(["HELP", "TYPE", "UNIT"].contains(&word) && words.next().is_some(), "{line}");
                announced.push(name.to_owned());
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
            let name = sample.split('{').next().unwrap();
            assert!(announced.iter().any(|known| name.starts_with(known.as_str())), "{line} is of no metric");
            assert!(name.starts_with("durahub_"), "{line}");
            assert!(
                samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(),
                "{line} comes twice"
            );
        }
        Self(samples)
    }

    /// The value of a sample whose name is this and whose labels contain all of these; 0 if there is none.
    fn value(&self, name: &str, labels: &[&str]) -> f64 {
        let fits = |sample: &&String| {
            sample.split('{').next() == Some(name) && labels.iter().all(|label| sample.contains(label))
        };
        self.0.iter().filter(|(sample, _)| fits(sample)).map(|(_, value)| value).sum()
    }
}

async fn scrape(server: &Binary) -> Samples {
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status, 200);
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    Samples::read(&answer.body)
}

/// Scrapes until it fits.
async fn scraped(server: &Binary, what: &str, fits: impl Fn(&Samples) -> bool) -> Samples {
    eventually(what, async || Some(scrape(server).await).filter(&fits)).await
}

const HUB: &str = "hub=\"default\"";

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted() {
    let data = Data::new();
    let server = data.serve().await;
    let before = scrape(&server).await;
    assert_eq!(
        before.value("durahub_build_info", &[&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))]),
        1.0
    );
    assert_eq!(before.value("durahub_workers", &["embedded=\"true\""]), 1.0);
    assert_eq!(before.value("durahub_instances_created_total", &[]), 0.0);

    server.start("HelloCities", "h", "").await;
    server.until("h", "Completed").await;
    let ended = ["status=\"Completed\"", HUB];
    let after =
        scraped(&server, "an end", |now| now.value("durahub_instances_ended_total", &ended) == 1.0).await;
    assert_eq!(after.value("durahub_instances_created_total", &[HUB]), 1.0);
    let activities = ["kind=\"activity\"", "outcome=\"answered\"", HUB];
    assert_eq!(after.value("durahub_deliveries_total", &activities), 3.0, "three cities");
    assert!(
        after.value("durahub_deliveries_total", &["kind=\"orchestration\"", "outcome=\"answered\""]) >= 2.0
    );
    let commits = |samples: &Samples| samples.value("durahub_commit_seconds_count", &[]);
    assert!(commits(&after) > commits(&before));
    assert_eq!(after.value("durahub_commit_seconds_bucket", &["le=\"+Inf\""]), commits(&after));
    assert!(after.value("durahub_commit_changes_total", &[]) >= commits(&after));
    assert!(
        after.value("durahub_store_bytes", &[]) > 0.0 && after.value("durahub_disk_free_bytes", &[]) > 0.0
    );
    let asked = |samples: &Samples| samples.value("durahub_http_requests_total", &["class=\"2xx\""]);
    assert!(asked(&after) >= asked(&before) + 3.0);
    server.get("/api/v1/instances/nobody").await;
    assert!(scrape(&server).await.value("durahub_http_requests_total", &["class=\"4xx\""]) >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_is_held_is_told_and_any_name_is_a_label() {
    let data = Data::new();
    let server = data.serve_env(&[("DURAHUB__HUBS__LIMITS", "default live=2")]).await;
    let odd = "a \"quoted\\\\ name";
    let url = format!(
        "/runtime/webhooks/durabletask/orchestrators/{}",
        crate::support::escaped("a \"quoted\\ name")
    );
    for _ in 0..2 {
        assert_eq!(server.post(&url, "1").await.status, 202);
    }
    assert_eq!(server.post(&url, "1").await.status, 429);
    let name = format!("name=\"{}\"", odd.replacen('"', "\\\"", 1));
    let samples =
        scraped(&server, "both wait", |now| now.value("durahub_waiting_items", &[HUB]) == 2.0).await;
    let labels = [name.as_str(), "served=\"false\"", "kind=\"orchestration\""];
    assert_eq!(samples.value("durahub_waiting_items", &labels), 2.0, "{:?}", samples.0);
    assert!(samples.value("durahub_waiting_oldest_seconds", &[HUB]) > 0.0);
    assert_eq!(samples.value("durahub_refused_total", &["limit=\"hubs.limits live\""]), 1.0);
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let turn = soon("a turn", worker.turn()).await;
    let held = ["kind=\"orchestration\"", HUB];
    let samples =
        scraped(&server, "both are held", |now| now.value("durahub_held_items", &held) == 2.0).await;
    assert_eq!(samples.value("durahub_workers", &[HUB, "embedded=\"false\""]), 1.0);
    worker.end(turn, "1").await;
    drop(worker);
    let lost = ["kind=\"orchestration\"", "outcome=\"lost\""];
    let samples =
        scraped(&server, "the loss", |now| now.value("durahub_deliveries_total", &lost) == 1.0).await;
    assert_eq!(samples.value("durahub_held_items", &held), 0.0);
    assert!(samples.value("durahub_grpc_calls_total", &["code=\"Ok\""]) >= 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_needs_a_key_that_may_look() {
    let (reader, worker) = ("the-key-that-reads-0123456789-0123456", "the-key-that-works-0123456789-0123456");
    let server = Inside::serving(Registry::new(), |config| {
        config.auth.keys = [(Role::Read, reader), (Role::Worker, worker)]
            .map(|(role, key)| NamedKey {
                name: role.name().into(),
                reach: Reach::ALL,
                role,
                digests: vec![Digest::of(key.as_bytes())],
            })
            .into();
    })
    .await;
    let asked = async |key: Option<&str>| {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<_> = bearer.iter().map(|value| ("authorization", value.as_str())).collect();
        server.ask_headers("GET", "/metrics", &headers, String::new()).await.status
    };
    assert_eq!(asked(None).await, 401);
    assert_eq!(asked(Some(worker)).await, 403);
    assert_eq!(asked(Some(reader)).await, 200);
}
