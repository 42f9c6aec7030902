//! `openapi.yaml` and the routes say the same, seen from within: every documented operation is routed, every route is documented, and
//! every parameter that is read is described. That the answers are as described is tested from outside, in `tests/openapi`.

use super::{
    super::{RPC_BASE, docs, route, route::Route, v1},
    WEBHOOK_BASE, World,
};
use crate::model::{Status, event};
use axum::http::Method;
use docs::spec::{Operation, Spec, text};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

/// The operations that describe a route. No `_`: a new route must say where it is described.
fn described_by(route: &Route) -> &'static [&'static str] {
    match route {
        Route::Start { id: None, .. } => &["startOrchestration"],
        Route::Start { id: Some(_), .. } => &["startOrchestrationWithId"],
        Route::Status { .. } => &["getInstance"],
        Route::Purge { .. } => &["purgeInstance"],
        Route::RaiseEvent { .. } => &["raiseEvent"],
        Route::Terminate { .. } => &["terminateInstance"],
        Route::Suspend { .. } => &["suspendInstance"],
        Route::Resume { .. } => &["resumeInstance"],
        Route::Rewind { .. } => &["rewindInstance"],
        Route::Restart { .. } => &["restartInstance", "restartInstanceWithOptions"],
        Route::List => &["listInstances"],
        Route::PurgeMany => &["purgeInstances"],
        Route::ListEntities { name: None } => &["listEntities"],
        Route::ListEntities { name: Some(_) } => &["listEntitiesByName"],
        Route::ReadEntity { .. } => &["readEntity"],
        Route::SignalEntity { key: Some(_), delete: false, .. } => &["signalEntity"],
        Route::SignalEntity { key: None, delete: false, .. } => &["signalEntityWithoutKey"],
        Route::SignalEntity { key: Some(_), delete: true, .. } => &["deleteEntity"],
        Route::SignalEntity { key: None, delete: true, .. } => &["deleteEntityWithoutKey"],
        Route::MakePrimary => &["makePrimary"],
        Route::Unknown => &[],
    }
}

/// One of each, so that an operation that is described nowhere is missed.
fn every_route() -> Vec<Route> {
    let id = || "i".to_owned();
    vec![
        Route::Start { function: id(), id: None },
        Route::Start { function: id(), id: Some(id()) },
        Route::Status { id: id() },
        Route::Purge { id: id() },
        Route::RaiseEvent { id: id(), event: id() },
        Route::Terminate { id: id() },
        Route::Suspend { id: id() },
        Route::Resume { id: id() },
        Route::Rewind { id: id() },
        Route::Restart { id: id() },
        Route::List,
        Route::PurgeMany,
        Route::ListEntities { name: None },
        Route::ListEntities { name: Some(id()) },
        Route::ReadEntity { name: id(), key: id() },
        Route::SignalEntity { name: Some(id()), key: Some(id()), delete: false },
        Route::SignalEntity { name: Some(id()), key: None, delete: false },
        Route::SignalEntity { name: Some(id()), key: Some(id()), delete: true },
        Route::SignalEntity { name: Some(id()), key: None, delete: true },
        Route::MakePrimary,
    ]
}

/// What is served beside the management API and changes something.
const WRITES: [(&str, &str); 8] = [
    ("startCheck", "/api/v1/check"),
    ("createTaskHub", "/api/v1/hubs"),
    ("deleteTaskHub", "/api/v1/hubs/nightly"),
    ("retryParkedInstance", "/api/v1/instances/order-7/retry"),
    ("discardParkedInstance", "/api/v1/instances/order-7/discard"),
    ("startJob", "/api/v1/jobs"),
    ("stopJob", "/api/v1/jobs/6f1c2f3a4b5c4d5e8f90a1b2c3d4e5f6/stop"),
    ("deleteJob", "/api/v1/jobs/6f1c2f3a4b5c4d5e8f90a1b2c3d4e5f6"),
];

/// What is served beside the management API and changes nothing.
const BESIDE: [(&str, &str); 33] = [
    ("latestCheck", "/api/v1/check"),
    ("about", "/api/v1/about"),
    ("listen", "/api/v1/events"),
    ("listJobs", "/api/v1/jobs"),
    ("getJob", "/api/v1/jobs/6f1c2f3a4b5c4d5e8f90a1b2c3d4e5f6"),
    ("live", "/healthz"),
    ("ready", "/readyz"),
    ("metrics", "/metrics"),
    ("description", "/openapi.yaml"),
    ("reference", "/docs"),
    ("root", "/"),
    ("dashboard", "/dashboard"),
    ("dashboardPage", "/dashboard/instances"),
    ("countInstances", "/api/v1/counts"),
    ("searchInstances", "/api/v1/instances"),
    ("exportInstances", "/api/v1/export"),
    ("instanceHistogram", "/api/v1/histogram"),
    ("instanceStatistics", "/api/v1/statistics"),
    ("searchEntities", "/api/v1/entities"),
    ("listRevisions", "/api/v1/instances/order-7/revisions"),
    ("showInstance", "/api/v1/instances/order-7"),
    ("downloadPayload", "/api/v1/instances/order-7/payloads/input"),
    ("listHistory", "/api/v1/instances/order-7/history"),
    ("showHistoryEvent", "/api/v1/instances/order-7/history/0"),
    ("showTree", "/api/v1/instances/order-7/tree"),
    ("explainInstance", "/api/v1/instances/order-7/explain"),
    ("listWorkers", "/api/v1/workers"),
    ("listFailures", "/api/v1/failures"),
    ("listTaskHubs", "/api/v1/hubs"),
    ("listQueues", "/api/v1/queues"),
    ("listParked", "/api/v1/parked"),
    ("showRetention", "/api/v1/retention"),
    ("previewRetention", "/api/v1/retention/preview"),
];

fn id(operation: &Operation<'_>) -> String {
    text(operation.told, "operationId").unwrap().to_owned()
}

/// A path to request: every parameter replaced by its example.
fn sample(operation: &Operation<'_>) -> String {
    operation.parameters.iter().filter(|told| text(told, "in") == Some("path")).fold(
        operation.path.to_owned(),
        |path, told| {
            let name = format!("{{{}}}", text(told, "name").unwrap());
            assert!(path.contains(&name), "{name} is not in {path}");
            path.replace(&name, text(told, "example").unwrap())
        },
    )
}

#[test]
fn every_operation_that_is_described_is_routed_at_both_mounts() {
    let spec = Spec::parse(docs::DESCRIPTION).unwrap();
    let mut beside = BTreeSet::new();
    for operation in spec.operations() {
        let (id, path) = (id(&operation), sample(&operation));
        assert!(!path.contains('{'), "{path}: a parameter is not described");
        if route::below(WEBHOOK_BASE, &path).is_none() {
            beside.insert((id, path));
            continue;
        }
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        for mount in [WEBHOOK_BASE, RPC_BASE] {
            let path = path.replace(WEBHOOK_BASE, mount);
            let route = route::matches(&method, route::below(mount, &path).unwrap());
            assert!(described_by(&route).contains(&id.as_str()), "{method} {path} is {route:?}, not {id}");
        }
    }
    let served = BESIDE.iter().chain(&WRITES).map(|(id, path)| ((*id).to_owned(), (*path).to_owned()));
    assert_eq!(beside, served.collect());
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(told: &'a Value, found: &mut Vec<&'a str>) {
        match told {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let description: Value = yaml_serde::from_str(docs::DESCRIPTION).unwrap();
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 100, "{found:?}");
    let lost =
        |reference: &&&str| reference.strip_prefix('#').and_then(|path| description.pointer(path)).is_none();
    assert_eq!(found.iter().find(lost), None);
}

#[test]
fn every_route_is_described() {
    let spec = Spec::parse(docs::DESCRIPTION).unwrap();
    let described: BTreeSet<String> = spec.operations().iter().map(id).collect();
    let routes = every_route();
    let wanted = routes.iter().flat_map(described_by).chain(BESIDE.iter().chain(&WRITES).map(|(id, _)| id));
    assert_eq!(described, wanted.map(ToString::to_string).collect());
}

/// A path without the names of its parameters, which the router and the description choose for themselves.
fn shape(path: &str) -> String {
    let piece = |piece: &str| if piece.starts_with('{') { "{}".to_owned() } else { piece.to_owned() };
    path.split('/').map(piece).collect::<Vec<_>>().join("/")
}

#[test]
fn every_own_route_of_the_router_is_described_and_no_other() {
    let spec = Spec::parse(docs::DESCRIPTION).unwrap();
    let operations = spec.operations();
    let own = operations.iter().filter(|operation| operation.path.starts_with(v1::BASE));
    let told = own.map(|operation| (operation.method.to_uppercase(), shape(operation.path)));
    let served = v1::listed().map(|(method, path)| (method.to_string(), shape(&path)));
    assert_eq!(told.collect::<BTreeSet<_>>(), served.collect());
}

/// The router tells its paths when it is printed for debugging. Whoever adds one has to describe it, and so to say in
/// `tests/it/who_may.rs` who may use it.
#[tokio::test]
async fn the_router_has_no_path_that_is_not_described() {
    let spec = Spec::parse(docs::DESCRIPTION).unwrap();
    let mut told: BTreeSet<String> =
        spec.operations().iter().map(|operation| shape(operation.path)).collect();
    told.retain(|path| route::below(WEBHOOK_BASE, path).is_none());
    let printed = format!("{:?}", World::new().await.router);
    let quoted = printed.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
    let mut served: BTreeSet<String> = quoted.map(shape).collect();
    // The same page twice, and the fallback, which is the API itself.
    served.retain(|path| !matches!(path.as_str(), "/dashboard/" | "/{}" | "/{*__private__axum_fallback}"));
    assert_eq!(told, served);
}

#[tokio::test]
async fn what_is_served_beside_the_api_is_served() {
    let world = World::new().await;
    world.given("order-7", Status::Failed).await;
    world.store.change("order-7", |kept| kept.history = vec![event::orchestrator_started(super::BEGIN)]);
    for (id, path) in BESIDE {
        let (status, _) = world.raw(path).await;
        let expected = match id {
            "root" => 307,
            "getJob" => 404,
            // There is no rule.
            "previewRetention" => 400,
            _ => 200,
        };
        assert_eq!(status, expected, "{id}");
    }
}

#[test]
fn every_query_parameter_that_is_read_is_described() {
    let spec = Spec::parse(docs::DESCRIPTION).unwrap();
    let operations = spec.operations();
    let parameters = operations.iter().flat_map(|operation| &operation.parameters);
    let queries = parameters.filter(|told| text(told, "in") == Some("query"));
    let described: BTreeSet<&str> = queries.filter_map(|told| text(told, "name")).collect();

    let code = code();
    let mut read = BTreeSet::new();
    for code in &code {
        for call in code.split("query.").skip(1) {
            let getter = call
                .split_once("(\"")
                .filter(|(getter, _)| getter.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            let name = getter.and_then(|(_, rest)| rest.split('"').next());
            let is_name = |name: &&str| name.chars().all(char::is_alphanumeric);
            read.extend(name.filter(is_name).map(str::to_owned));
        }
    }
    assert!(read.len() > 15, "the code is not written as this test believes: {read:?}");
    for name in &read {
        assert!(described.contains(name.as_str()), "{name} is read and not described");
    }
    for name in described {
        let literal = format!("\"{name}\"");
        assert!(code.iter().any(|code| code.contains(&literal)), "{name} is described and not read");
    }
}

/// The files of this room and the rooms within, except tests, and the getters of queries, which are tested with names of their own.
fn code() -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/http")];
    let mut code = Vec::new();
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("query.rs") {
                code.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    code
}
