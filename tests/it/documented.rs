//! `openapi.yaml` and the router say the same, seen from outside. From within: `src/api/http/tests/contract.rs`.

use crate::support::Inside;
use std::collections::{BTreeMap, BTreeSet};
use yaml_serde::Value;

const DESCRIPTION: &str = include_str!("../../openapi.yaml");

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
    ("GET", "/api/v1/counts"),
    ("GET", "/api/v1/workers"),
    ("GET", "/api/v1/failures"),
    ("GET", "/api/v1/hubs"),
    ("GET", "/api/v1/queues"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/openapi.yaml"),
    ("GET", "/docs"),
];

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "options", "head"];

/// The operations of the description: method and path, without the base of the API, and whether they are for a later version.
fn documented() -> BTreeMap<(String, String), bool> {
    let document: Value = yaml_serde::from_str(DESCRIPTION).unwrap();
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_mapping().unwrap() {
        let path = path.as_str().unwrap();
        let path = path.strip_prefix("/runtime/webhooks/durabletask/").unwrap_or(path);
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let later = operation["responses"].get("501").is_some();
                operations.insert((method.to_uppercase(), path.to_owned()), later);
            }
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_documented_is_served_and_what_is_not_is_not() {
    let documented = documented();
    let server = Inside::start().await;
    let methods = METHODS.map(str::to_uppercase);
    let paths: BTreeSet<&str> =
        documented.keys().map(|(_, path)| path.as_str()).chain(KNOWN.iter().map(|(_, path)| *path)).collect();
    let mut number = 0;
    for path in paths {
        for method in &methods {
            number += 1;
            let existing = format!("i-{number}");
            server.start("HumanApproval", &existing, "").await;
            let id = if path.starts_with("orchestrators") { "new" } else { &existing };
            let target = path
                .replace("{functionName}", "HumanApproval")
                .replace("{instanceId}", id)
                .replace("{eventName}", "E")
                .replace("{entityName}", "counter")
                .replace("{entityKey}", "k");
            let answer = server.ask(method, &target, Some("{}")).await;
            let told = format!("{method} {path}: {answer:?}");
            let described = documented.get(&(method.clone(), path.to_owned()));
            if described == Some(&true) {
                answer.is_error(501, "not in this version");
            } else if described.is_some() {
                assert!(!matches!(answer.status, 404 | 405 | 501), "documented, but {told}");
            } else if method == "HEAD"
                && documented.contains_key(&("GET".to_owned(), path.to_owned()))
                && path.starts_with('/')
            {
                // What lies beside the API may be asked for without its body.
                assert_eq!(answer.status, 200, "{told}");
            } else if path == "makeprimary" {
                // Every method does the same, and one of them stands for all in the description.
                assert_eq!(answer.status, 200, "{told}");
            } else if KNOWN.contains(&(method, path)) && answer.status != 404 {
                answer.is_error(501, "not in this version");
            } else {
                assert!(matches!(answer.status, 404 | 501), "not documented, but {told}");
            }
        }
    }
    for (method, path) in documented.keys() {
        assert!(KNOWN.contains(&(method, path)), "{method} {path} is missing in this test's list");
    }
}
