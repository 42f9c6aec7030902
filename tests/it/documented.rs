//! `openapi.yaml` and the router say the same.
//!
//! The file is read line by line, for the little that is needed: its paths and their methods stand at fixed indentations.

use crate::support::Inside;
use std::collections::BTreeSet;

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
    ("DELETE", "entities/{entityName}/{entityKey}"),
    ("POST", "makeprimary"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/openapi.yaml"),
];

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "options", "head"];

/// The operations of the description: method and path, without the base of the API.
fn documented() -> BTreeSet<(String, String)> {
    let mut operations = BTreeSet::new();
    let mut path = "";
    for line in DESCRIPTION.lines().skip_while(|line| *line != "paths:").skip(1) {
        if !line.is_empty() && !line.starts_with(' ') {
            break;
        }
        if let Some(key) = line.strip_prefix("  ").and_then(|key| key.strip_suffix(':')) {
            if key.starts_with('/') {
                path = key.strip_prefix("/runtime/webhooks/durabletask/").unwrap_or(key);
            } else if let Some(method) = key.strip_prefix("  ").filter(|method| METHODS.contains(method)) {
                operations.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    assert!(operations.len() >= 10, "the description cannot be read: {operations:?}");
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_documented_is_served_and_what_is_not_is_not() {
    let documented = documented();
    let server = Inside::start().await;
    let methods = METHODS.map(str::to_uppercase);
    let paths: BTreeSet<&str> =
        documented.iter().map(|(_, path)| path.as_str()).chain(KNOWN.iter().map(|(_, path)| *path)).collect();
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
            if documented.contains(&(method.clone(), path.to_owned())) {
                assert!(!matches!(answer.status, 404 | 405 | 501), "documented, but {told}");
            } else if method == "HEAD" && path.ends_with('z') {
                // Health may be asked for without its body.
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
    for (method, path) in &documented {
        assert!(KNOWN.contains(&(method, path)), "{method} {path} is missing in this test's list");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_parameter_in_a_path_is_declared() {
    for (_, path) in documented() {
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            assert!(DESCRIPTION.contains(&format!("name: {name}\n")), "{path}: {name}");
        }
    }
}
