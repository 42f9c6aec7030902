//! `openapi.yaml` and the router say the same, seen from outside. From within: `src/api/http/tests/contract.rs`.

use crate::support::{Inside, Worker, eventually};
use std::collections::BTreeSet;
use yaml_serde::Value;

const DESCRIPTION: &str = include_str!("../../openapi.yaml");

/// Not described and yet not unknown: told what is missing.
const WITHOUT_NAME: [(&str, &str); 2] = [("POST", "entities"), ("DELETE", "entities")];

/// Every route of the API in this version or a later one: method, and path as the description writes it.
const KNOWN: &[(&str, &str)] = &[
    ("POST", "orchestrators/{functionName}"),
    ("POST", "orchestrators/{functionName}/{instanceId}"),
    ("GET", "instances"),
    ("DELETE", "instances"),
    ("GET", "instances/{instanceId}"),
    ("DELETE", "instances/{instanceId}"),
    ("POST", "instances/{instanceId}/raiseEvent/{eventName}"),
    ("POST", "instances/{instanceId}/terminate"),
    ("POST", "instances/{instanceId}/suspend"),
    ("POST", "instances/{instanceId}/resume"),
    ("POST", "instances/{instanceId}/rewind"),
    ("POST", "instances/{instanceId}/restart"),
    ("POST", "instances/{instanceId}/restartWithOptions"),
    ("GET", "entities"),
    ("GET", "entities/{entityName}"),
    ("GET", "entities/{entityName}/{entityKey}"),
    ("POST", "entities/{entityName}"),
    ("POST", "entities/{entityName}/{entityKey}"),
    ("DELETE", "entities/{entityName}"),
    ("DELETE", "entities/{entityName}/{entityKey}"),
    ("POST", "makeprimary"),
    ("GET", "/api/v1/instances/{instanceId}/revisions"),
    ("GET", "/api/v1/instances/{instanceId}/explain"),
    ("GET", "/api/v1/instances"),
    ("GET", "/api/v1/export"),
    ("GET", "/api/v1/histogram"),
    ("GET", "/api/v1/statistics"),
    ("GET", "/api/v1/entities"),
    ("GET", "/api/v1/instances/{instanceId}"),
    ("GET", "/api/v1/instances/{instanceId}/payloads/{part}"),
    ("GET", "/api/v1/instances/{instanceId}/history"),
    ("GET", "/api/v1/instances/{instanceId}/history/{index}"),
    ("GET", "/api/v1/instances/{instanceId}/tree"),
    ("GET", "/api/v1/counts"),
    ("GET", "/api/v1/workers"),
    ("GET", "/api/v1/failures"),
    ("GET", "/api/v1/hubs"),
    ("GET", "/api/v1/queues"),
    ("POST", "/api/v1/hubs"),
    ("DELETE", "/api/v1/hubs/{name}"),
    ("GET", "/api/v1/about"),
    ("GET", "/api/v1/check"),
    ("POST", "/api/v1/check"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/jobs"),
    ("POST", "/api/v1/jobs"),
    ("GET", "/api/v1/parked"),
    ("GET", "/api/v1/retention"),
    ("GET", "/api/v1/retention/preview"),
    ("POST", "/api/v1/instances/{instanceId}/retry"),
    ("POST", "/api/v1/instances/{instanceId}/discard"),
    ("GET", "/api/v1/jobs/{jobId}"),
    ("DELETE", "/api/v1/jobs/{jobId}"),
    ("POST", "/api/v1/jobs/{jobId}/stop"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/openapi.yaml"),
    ("GET", "/docs"),
    ("GET", "/dashboard"),
    ("GET", "/dashboard/{page}"),
];

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "options", "head"];

/// The operations of the description: method and path, without the base of the API.
fn documented() -> BTreeSet<(String, String)> {
    let document: Value = yaml_serde::from_str(DESCRIPTION).unwrap();
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_mapping().unwrap() {
        let path = path.as_str().unwrap();
        let path = path.strip_prefix("/runtime/webhooks/durabletask/").unwrap_or(path);
        for method in METHODS {
            if item.get(method).is_some() {
                operations.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_documented_is_served_and_what_is_not_is_not() {
    let documented = documented();
    let rule = "default after=365d".parse().unwrap();
    let server = Inside::with(|config| config.retention.rules = vec![rule]).await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    server.post("entities/documented/k", "").await.is_empty(202);
    let batch = worker.batch().await;
    worker.keep(batch, "42").await;
    eventually("a state", async || {
        (server.ask("GET", "entities/documented/k", None).await.status == 200).then_some(())
    })
    .await;
    let methods = METHODS.map(str::to_uppercase);
    let paths: BTreeSet<&str> =
        documented.iter().map(|(_, path)| path.as_str()).chain(KNOWN.iter().map(|(_, path)| *path)).collect();
    let mut number = 0;
    for path in paths {
        for method in &methods {
            number += 1;
            let existing = format!("i-{number}");
            server.start("HumanApproval", &existing, "{}").await;
            if path.contains("{index}") {
                // Its first event is there when it has had a turn.
                eventually("a turn", async || {
                    let shown = server.get(&format!("instances/{existing}")).await.json();
                    (shown["runtimeStatus"] == "Running").then_some(())
                })
                .await;
            }
            let id = if path.starts_with("orchestrators") { "new" } else { &existing };
            let (hub, jobs) = (format!("hub-{number}"), "/api/v1/jobs");
            server.post("/api/v1/hubs", &format!(r#"{{"name":"{hub}"}}"#)).await;
            let job = server.post(jobs, r#"{"action":"purge","instanceIds":[]}"#).await.json();
            if path == "/api/v1/events" && matches!(method.as_str(), "GET" | "HEAD") {
                // It does not end. See events.rs.
                continue;
            }
            let target = path
                .replace("{functionName}", "HumanApproval")
                .replace("{instanceId}", id)
                .replace("{eventName}", "E")
                .replace("{entityName}", "documented")
                .replace("{entityKey}", "k")
                .replace("{index}", "0")
                .replace("{part}", "input")
                .replace("{page}", "instances")
                .replace("{name}", &hub)
                .replace("{jobId}", job["id"].as_str().unwrap());
            let answer = server.ask(method, &target, Some("{}")).await;
            let told = format!("{method} {path}: {answer:?}");
            let described = documented.contains(&(method.clone(), path.to_owned()));
            if WITHOUT_NAME.contains(&(method, path)) {
                answer.is_error(400, "name of an entity must not be empty");
            } else if described {
                assert!(!matches!(answer.status, 404 | 405 | 501), "documented, but {told}");
            } else if method == "HEAD"
                && documented.contains(&("GET".to_owned(), path.to_owned()))
                && path.starts_with('/')
            {
                // What lies beside the API may be asked for without its body.
                assert_eq!(answer.status, 200, "{told}");
            } else if path == "makeprimary" {
                // Every method does the same, and one of them stands for all in the description.
                assert_eq!(answer.status, 200, "{told}");
            } else {
                assert_eq!(answer.status, 404, "not documented, but {told}");
            }
        }
    }
    for (method, path) in &documented {
        assert!(KNOWN.contains(&(method, path)), "{method} {path} is missing in this test's list");
    }
}
