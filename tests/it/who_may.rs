//! Who may do what: every route of `openapi.yaml` and every rpc that the server describes, for every kind of caller, with two hubs.
//!
//! That the router has no route beyond `openapi.yaml` is held in `src/api/http/tests/contract.rs`; a route or rpc without a row here fails.

use crate::support::{Answer, Inside, channel, in_hub, soon, start_request};
use axum::http::uri::PathAndQuery;
use durahub::{
    auth::{Digest, NamedKey, Reach, Role},
    model::{HubName, pb},
    workers::embedded::Registry,
};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use tokio_stream::StreamExt as _;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::AsciiMetadataValue,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use yaml_serde::Value;

const DESCRIPTION: &str = include_str!("../../openapi.yaml");

/// Who asks: nobody, somebody with a wrong key, the four roles, and the holder of the link to instance `a` in the first hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Nobody,
    Wrong,
    Read,
    Work,
    Operate,
    Admin,
    Link,
}
use Who::{Admin, Link, Nobody, Operate, Read, Work, Wrong};

const EVERYBODY: [Who; 7] = [Nobody, Wrong, Read, Work, Operate, Link, Admin];
pub const ALL: &[Who] = &EVERYBODY;
const LOOK: &[Who] = &[Read, Operate, Admin];
const LOOK_AT_ONE: &[Who] = &[Read, Operate, Admin, Link];
const ACT: &[Who] = &[Operate, Admin];
const ACT_ON_ONE: &[Who] = &[Operate, Admin, Link];
const RUN: &[Who] = &[Work, Admin];
const RULE: &[Who] = &[Admin];

/// By `operationId`: what is asked for, with a body where it needs one, and who may. The id is `a` of the first hub wherever there is one.
#[rustfmt::skip]
pub const ROUTES: &[(&str, &str, &str, &[Who])] = &[
    ("startOrchestration",         "orchestrators/F",                            "",  ACT),
    ("startOrchestrationWithId",   "orchestrators/F/new",                        "",  ACT),
    ("listInstances",              "instances",                                  "",  LOOK),
    ("purgeInstances",             "instances?createdTimeFrom=2020-01-01&createdTimeTo=2020-01-02", "", RULE),
    ("getInstance",                "instances/a",                                "",  LOOK_AT_ONE),
    ("purgeInstance",              "instances/a",                                "",  ACT_ON_ONE),
    ("raiseEvent",                 "instances/a/raiseEvent/E",                   "1", ACT_ON_ONE),
    ("terminateInstance",          "instances/a/terminate",                      "",  ACT_ON_ONE),
    ("suspendInstance",            "instances/a/suspend",                        "",  ACT_ON_ONE),
    ("resumeInstance",             "instances/a/resume",                         "",  ACT_ON_ONE),
    ("rewindInstance",             "instances/a/rewind",                         "",  ACT_ON_ONE),
    ("restartInstance",            "instances/a/restart",                        "",  ACT_ON_ONE),
    ("restartInstanceWithOptions", "instances/a/restartWithOptions",             "",  ACT_ON_ONE),
    ("listEntities",               "entities",                                   "",  LOOK),
    ("listEntitiesByName",         "entities/counter",                           "",  LOOK),
    ("signalEntityWithoutKey",     "entities/counter",                           "1", ACT),
    ("deleteEntityWithoutKey",     "entities/counter",                           "",  ACT),
    ("readEntity",                 "entities/counter/k",                         "",  LOOK),
    ("signalEntity",               "entities/counter/k?op=add",                  "1", ACT),
    ("deleteEntity",               "entities/counter/k",                         "",  ACT),
    ("makePrimary",                "makeprimary",                                "",  RULE),
    ("searchInstances",            "/api/v1/instances",                          "",  LOOK),
    ("exportInstances",            "/api/v1/export",                             "",  LOOK),
    ("instanceHistogram",          "/api/v1/histogram",                          "",  LOOK),
    ("instanceStatistics",         "/api/v1/statistics",                         "",  LOOK),
    ("searchEntities",             "/api/v1/entities",                           "",  LOOK),
    ("listRevisions",              "/api/v1/instances/a/revisions",              "",  LOOK_AT_ONE),
    ("explainInstance",            "/api/v1/instances/a/explain",                "",  LOOK_AT_ONE),
    ("showInstance",               "/api/v1/instances/a",                        "",  LOOK_AT_ONE),
    ("downloadPayload",            "/api/v1/instances/a/payloads/input",         "",  LOOK_AT_ONE),
    ("listHistory",                "/api/v1/instances/a/history",                "",  LOOK_AT_ONE),
    ("showHistoryEvent",           "/api/v1/instances/a/history/0",              "",  LOOK_AT_ONE),
    ("showTree",                   "/api/v1/instances/a/tree",                   "",  LOOK),
    ("listWorkers",                "/api/v1/workers",                            "",  LOOK),
    ("listQueues",                 "/api/v1/queues",                             "",  LOOK),
    ("listFailures",               "/api/v1/failures",                           "",  LOOK),
    ("listTaskHubs",               "/api/v1/hubs?counts=true",                   "",  LOOK),
    ("createTaskHub",              "/api/v1/hubs",                               r#"{"name":"third"}"#, RULE),
    ("deleteTaskHub",              "/api/v1/hubs/third",                         "",  RULE),
    ("about",                      "/api/v1/about",                              "",  LOOK),
    ("listen",                     "/api/v1/events",                             "",  LOOK),
    ("listParked",                 "/api/v1/parked",                             "",  LOOK),
    ("showRetention",              "/api/v1/retention",                          "",  LOOK),
    ("previewRetention",           "/api/v1/retention/preview",                  "",  LOOK),
    ("retryParkedInstance",        "/api/v1/instances/a/retry",                  "",  ACT_ON_ONE),
    ("discardParkedInstance",      "/api/v1/instances/a/discard",                "",  ACT_ON_ONE),
    ("startCheck",                 "/api/v1/check",                              "",  RULE),
    ("latestCheck",                "/api/v1/check",                              "",  RULE),
    ("listJobs",                   "/api/v1/jobs",                               "",  LOOK),
    ("startJob",                   "/api/v1/jobs",                               r#"{"action":"suspend","instanceIds":["a"]}"#, ACT),
    ("getJob",                     "/api/v1/jobs/j",                             "",  LOOK),
    // Who may depends on what the job does; of one that is not there, who may look learns that.
    ("deleteJob",                  "/api/v1/jobs/j",                             "",  LOOK),
    ("stopJob",                    "/api/v1/jobs/j/stop",                        "",  LOOK),
    ("countInstances",             "/api/v1/counts",                             "",  LOOK),
    ("metrics",                    "/metrics",                                   "",  LOOK),
    ("live",                       "/healthz",                                   "",  ALL),
    ("ready",                      "/readyz",                                    "",  ALL),
    ("description",                "/openapi.yaml",                              "",  ALL),
    ("reference",                  "/docs",                                      "",  ALL),
    ("root",                       "/",                                          "",  ALL),
    ("dashboard",                  "/dashboard",                                 "",  ALL),
    ("dashboardPage",              "/dashboard/instances/a",                     "",  ALL),
];

fn key_of(who: Who) -> Option<&'static str> {
    match who {
        Nobody | Link => None,
        Wrong => Some("a-key-that-nobody-has-made-0123456789"),
        Read => Some("the-key-that-reads-0123456789-0123456"),
        Work => Some("the-key-that-works-0123456789-0123456"),
        Operate => Some("the-key-that-operates-0123456789-0123"),
        Admin => Some("the-key-that-rules-0123456789-0123456"),
    }
}

/// Two hubs, keys of every role, good for both or for the second only, and in the first hub the instance `a`, which nobody serves.
pub struct World {
    pub server: Inside,
    link: String,
}

/// An administrator's key for the hub `missing`, which is not there.
pub const KEY_OF_NOTHING: &str = "the-key-to-a-hub-that-is-not-there-0123";

/// The key of this role that is for the hub `two`.
pub fn bound_key(role: Role) -> String {
    format!("the-key-of-one-who-may-{role}-in-two")
}

impl World {
    pub async fn new() -> Self {
        let keys = [(Read, Role::Read), (Work, Role::Worker), (Operate, Role::Operate), (Admin, Role::Admin)];
        let server = Inside::serving(Registry::new(), |config| {
            config.hubs.names = ["one", "two"].map(|name| HubName::parse(name).unwrap()).into();
            config.auth.keys = keys
                .iter()
                .map(|(who, role)| NamedKey {
                    name: role.name().into(),
                    role: *role,
                    reach: Reach::ALL,
                    digests: vec![Digest::of(key_of(*who).unwrap().as_bytes())],
                })
                .collect();
            let bound = Role::ALL.map(|role| NamedKey {
                name: format!("{role}-in-two").into(),
                role,
                reach: Reach::only([&HubName::parse("two").unwrap()]),
                digests: vec![Digest::of(bound_key(role).as_bytes())],
            });
            config.auth.keys.extend(bound);
            config.auth.keys.push(NamedKey {
                name: "of-nothing".into(),
                role: Role::Admin,
                reach: Reach::only([&HubName::parse("missing").unwrap()]),
                digests: vec![Digest::of(KEY_OF_NOTHING.as_bytes())],
            });
        })
        .await;
        let mut world = Self { server, link: String::new() };
        let started = world.http(Admin, "POST", "orchestrators/F/a", "").await;
        assert_eq!(started.status, 202, "{started:?}");
        started.location().split_once("code=").unwrap().1.clone_into(&mut world.link);
        world
    }

    /// An answer, or its head if it is one that does not end.
    async fn http(&self, who: Who, method: &str, target: &str, body: &str) -> Answer {
        match who {
            Link => self.http_as(None, method, &and(target, &format!("code={}", self.link)), body).await,
            _ => self.http_as(key_of(who), method, target, body).await,
        }
    }

    /// The same for the holder of any key.
    pub async fn http_as(&self, key: Option<&str>, method: &str, target: &str, body: &str) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| ("x-functions-key", key)));
        if target.starts_with("/api/v1/events") {
            return self.server.ask_head(method, target, &headers).await;
        }
        self.server.ask_headers(method, target, &headers, body.to_owned()).await
    }
}

/// `target` with one more piece in its query.
pub fn and(target: &str, piece: &str) -> String {
    format!("{target}{}{piece}", if target.contains('?') { '&' } else { '?' })
}

/// By `operationId`: the method.
pub fn described() -> BTreeMap<String, String> {
    let document: Value = yaml_serde::from_str(DESCRIPTION).unwrap();
    let mut operations = BTreeMap::new();
    for item in document["paths"].as_mapping().unwrap().values() {
        for (method, operation) in item.as_mapping().unwrap() {
            if let Some(id) = operation.get("operationId") {
                operations.insert(id.as_str().unwrap().to_owned(), method.as_str().unwrap().to_uppercase());
            }
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_for_those_whom_the_table_names_and_refuses_all_others_alike() {
    let world = World::new().await;
    let described = described();
    let rows: BTreeSet<&str> = ROUTES.iter().map(|(id, ..)| *id).collect();
    assert_eq!(rows, described.keys().map(String::as_str).collect(), "a route without a row, or the reverse");
    for (id, target, body, may) in ROUTES {
        let method = &described[*id];
        let mounts = match target.starts_with('/') {
            true => vec![(*target).to_owned()],
            false => vec![(*target).to_owned(), format!("/durabletask/{target}")],
        };
        for target in mounts {
            // Whoever may goes last: it may end things.
            for who in EVERYBODY {
                let answer = world.http(who, method, &target, body).await;
                let told = format!("{who:?} {method} {target}: {answer:?}");
                match (may.contains(&who), who) {
                    (true, _) => assert!(!matches!(answer.status, 401 | 403 | 405), "{told}"),
                    (false, Nobody | Wrong) => is_refusal(&answer, 401, &told),
                    (false, _) => is_refusal(&answer, 403, &told),
                }
            }
        }
    }
}

/// Nothing but the status, so that nothing can be learnt from it.
pub fn is_refusal(answer: &Answer, status: u16, told: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{told}");
    assert_eq!(answer.header("www-authenticate"), (status == 401).then_some("Bearer"), "{told}");
    assert_eq!(answer.header("content-type"), None, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_tell_whether_a_hub_or_an_instance_exists() {
    let world = World::new().await;
    for (id, target, body, may) in ROUTES.iter().filter(|(_, _, _, may)| *may != ALL) {
        let method = &described()[*id];
        for who in EVERYBODY.into_iter().filter(|who| !may.contains(who)) {
            let mut seen = BTreeSet::new();
            for id in ["/a", "/nobody", "/%20", "/@counter@k"] {
                let target = target.replace("instances/a", &format!("instances{id}"));
                for hub in ["one", "two", "nowhere", "1bad", ""] {
                    let target = and(&target, &format!("taskHub={hub}"));
                    seen.insert(all_of(world.http(who, method, &target, body).await));
                }
            }
            assert_eq!(seen.len(), 1, "{who:?} {method} {target}: {seen:?}");
        }
    }
}

/// Everything that an answer tells.
pub fn all_of(answer: Answer) -> (u16, String, Vec<String>) {
    let lines = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}"));
    let mut lines: Vec<_> =
        lines.filter(|line| !line.starts_with("date") && !line.starts_with("x-request-id")).collect();
    lines.sort();
    (answer.status, answer.body, lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_for_its_hub_and_instance_only() {
    let world = World::new().await;
    assert_eq!(world.http(Admin, "POST", "orchestrators/F/a?taskHub=two", "2").await.status, 202);
    assert_eq!(world.http(Admin, "POST", "orchestrators/F/b", "3").await.status, 202);
    for (id, target, body, may) in ROUTES.iter().filter(|(_, _, _, may)| may.contains(&Link) && *may != ALL) {
        assert!(target.contains("instances/a"), "{id} {may:?}");
        for elsewhere in [
            and(target, "taskHub=two"),
            target.replace("instances/a", "instances/b"),
            target.replace("instances/a", "instances/A"),
            target.replace("instances/a", "instances/a%20"),
            target.replace("instances/a", "instances/nobody"),
        ] {
            let answer = world.http(Link, &described()[*id], &elsewhere, body).await;
            is_refusal(&answer, 403, &elsewhere);
        }
    }
    for target in ["instances/a?taskHub=two", "instances/b"] {
        assert_eq!(world.http(Admin, "GET", target, "").await.json()["runtimeStatus"], "Pending");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_take_what_their_action_takes() {
    let world = World::new().await;
    for (action, by_filter, may) in [
        (r#""action":"terminate""#, true, ACT),
        (r#""action":"restart""#, true, ACT),
        (r#""action":"rewind""#, true, ACT),
        (r#""action":"resume""#, true, ACT),
        (r#""action":"suspend""#, true, ACT),
        (r#""action":"raiseEvent","eventName":"E""#, true, ACT),
        (r#""action":"purge""#, true, RULE),
        (r#""action":"purge""#, false, ACT),
    ] {
        let targets = if by_filter { r#""filter":"name=nobody""# } else { r#""instanceIds":["nobody"]"# };
        let body = format!("{{{action},{targets}}}");
        let mut job = None;
        for who in EVERYBODY {
            let answer = world.http(who, "POST", "/api/v1/jobs", &body).await;
            match may.contains(&who) {
                true => {
                    assert_eq!(answer.status, 202, "{who:?} {body} {answer:?}");
                    job = Some(answer.json()["id"].as_str().unwrap().to_owned());
                }
                false => is_refusal(&answer, if matches!(who, Nobody | Wrong) { 401 } else { 403 }, &body),
            }
        }
        let job = format!("/api/v1/jobs/{}", job.unwrap());
        for (method, target) in [("POST", format!("{job}/stop")), ("DELETE", job)] {
            for who in EVERYBODY {
                let answer = world.http(who, method, &target, "").await;
                let refused = matches!(answer.status, 401 | 403);
                assert_eq!(refused, !may.contains(&who), "{who:?} {method} {body}: {answer:?}");
            }
        }
    }
}

/// Every rpc: what is sent, and who may. Links are for HTTP and permit nothing here.
pub fn rpcs() -> BTreeMap<&'static str, (Vec<u8>, &'static [Who])> {
    use pb::purge_instances_request::Request as Purge;
    let a = || "a".to_owned();
    let get = || pb::GetInstanceRequest { instance_id: a(), ..Default::default() }.encode_to_vec();
    let missing =
        || pb::GetInstanceRequest { instance_id: "missing".to_owned(), ..Default::default() }.encode_to_vec();
    let purge = |request| pb::PurgeInstancesRequest { request: Some(request), ..Default::default() };
    let entity = || "@counter@k".to_owned();
    // As wide a message as will do: its field is the first of all these, and is a text in all.
    let of_a = get;
    let none = Vec::new;
    BTreeMap::from([
        ("TaskHubSidecarService/Hello", (none(), &[Read, Work, Operate, Admin][..])),
        ("TaskHubSidecarService/StartInstance", (start_request("F", "new").encode_to_vec(), ACT)),
        ("TaskHubSidecarService/GetInstance", (get(), LOOK)),
        // For what is not there nobody waits.
        ("TaskHubSidecarService/WaitForInstanceStart", (missing(), LOOK)),
        ("TaskHubSidecarService/WaitForInstanceCompletion", (missing(), LOOK)),
        ("TaskHubSidecarService/RaiseEvent", (of_a(), ACT)),
        ("TaskHubSidecarService/TerminateInstance", (of_a(), ACT)),
        ("TaskHubSidecarService/SuspendInstance", (of_a(), ACT)),
        ("TaskHubSidecarService/ResumeInstance", (of_a(), ACT)),
        ("TaskHubSidecarService/RewindInstance", (of_a(), ACT)),
        ("TaskHubSidecarService/RestartInstance", (of_a(), ACT)),
        ("TaskHubSidecarService/QueryInstances", (none(), LOOK)),
        ("TaskHubSidecarService/ListInstanceIds", (none(), LOOK)),
        ("TaskHubSidecarService/PurgeInstances", (purge(Purge::InstanceId(a())).encode_to_vec(), ACT)),
        ("TaskHubSidecarService/StreamInstanceHistory", (of_a(), &[Read, Work, Operate, Admin])),
        ("TaskHubSidecarService/CreateTaskHub", (none(), RULE)),
        ("TaskHubSidecarService/DeleteTaskHub", (none(), RULE)),
        (
            "TaskHubSidecarService/SignalEntity",
            (
                pb::SignalEntityRequest { instance_id: entity(), name: "add".into(), ..Default::default() }
                    .encode_to_vec(),
                ACT,
            ),
        ),
        (
            "TaskHubSidecarService/GetEntity",
            (pb::GetEntityRequest { instance_id: entity(), ..Default::default() }.encode_to_vec(), LOOK),
        ),
        ("TaskHubSidecarService/QueryEntities", (none(), LOOK)),
        ("TaskHubSidecarService/CleanEntityStorage", (none(), RULE)),
        ("TaskHubSidecarService/GetWorkItems", (none(), RUN)),
        ("TaskHubSidecarService/CompleteActivityTask", (none(), RUN)),
        ("TaskHubSidecarService/CompleteOrchestratorTask", (none(), RUN)),
        ("TaskHubSidecarService/CompleteEntityTask", (none(), RUN)),
        ("TaskHubSidecarService/AbandonTaskActivityWorkItem", (none(), RUN)),
        ("TaskHubSidecarService/AbandonTaskOrchestratorWorkItem", (none(), RUN)),
        ("TaskHubSidecarService/AbandonTaskEntityWorkItem", (none(), RUN)),
        ("TaskHubSidecarService/SkipGracefulOrchestrationTerminations", (none(), RULE)),
        ("grpc.health.v1.Health/Check", (none(), ALL)),
        ("grpc.health.v1.Health/Watch", (none(), ALL)),
        (
            "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            (none(), &[Read, Work, Operate, Link, Admin]),
        ),
        (
            "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            (none(), &[Read, Work, Operate, Link, Admin]),
        ),
    ])
}

impl World {
    /// How far a call gets: `Ok` if it is past the door, whatever becomes of it. Unary and streaming calls look alike to their callers.
    async fn rpc(&self, who: Who, rpc: &str, message: Vec<u8>, hub: &str) -> Result<(), Status> {
        let shown = key_of(who).or((who == Link).then_some(self.link.as_str()));
        self.rpc_as(shown, rpc, message, hub).await
    }

    /// The same for the holder of any key.
    pub async fn rpc_as(
        &self,
        key: Option<&str>,
        rpc: &str,
        message: Vec<u8>,
        hub: &str,
    ) -> Result<(), Status> {
        let mut grpc = Grpc::new(channel(&self.server.url).await);
        grpc.ready().await.unwrap();
        let mut request = in_hub(hub, message);
        if let Some(key) = key {
            request.metadata_mut().insert("x-functions-key", AsciiMetadataValue::try_from(key).unwrap());
        }
        let path: PathAndQuery = format!("/{rpc}").parse().unwrap();
        let call = grpc.server_streaming(request, path, Raw);
        soon(rpc, call).await.map(drop)
    }

    /// All services and their rpcs, as the server itself describes them.
    async fn described(&self) -> BTreeSet<String> {
        let ask = |question| ServerReflectionRequest { host: String::new(), message_request: Some(question) };
        let ask_all = async |questions: Vec<ServerReflectionRequest>| {
            let mut reflection = ServerReflectionClient::new(channel(&self.server.url).await);
            let mut request = Request::new(tokio_stream::iter(questions));
            request.metadata_mut().insert("x-functions-key", key_of(Admin).unwrap().parse().unwrap());
            let answers = reflection.server_reflection_info(request).await.unwrap().into_inner();
            let answers: Vec<_> = soon("the description", answers.collect::<Vec<_>>()).await;
            answers.into_iter().map(|answer| answer.unwrap().message_response.unwrap()).collect::<Vec<_>>()
        };
        let listed = ask_all(vec![ask(MessageRequest::ListServices(String::new()))]).await.remove(0);
        let MessageResponse::ListServicesResponse(listed) = listed else { panic!("{listed:?}") };
        let names: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
        let files = names.iter().map(|name| ask(MessageRequest::FileContainingSymbol(name.clone())));
        let mut rpcs = BTreeSet::new();
        for file in ask_all(files.collect()).await {
            let MessageResponse::FileDescriptorResponse(file) = file else { panic!("{file:?}") };
            for bytes in file.file_descriptor_proto {
                let file = prost_types::FileDescriptorProto::decode(bytes.as_slice()).unwrap();
                for service in &file.service {
                    let prefix = if file.package().is_empty() {
                        String::new()
                    } else {
                        format!("{}.", file.package())
                    };
                    let rpc = |rpc: &prost_types::MethodDescriptorProto| {
                        format!("{prefix}{}/{}", service.name(), rpc.name())
                    };
                    rpcs.extend(service.method.iter().map(rpc));
                }
            }
        }
        rpcs
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_is_for_those_whom_the_table_names_and_refuses_all_others_alike() {
    let world = World::new().await;
    let table = rpcs();
    let mut described = world.described().await;
    // Reflection describes the others, and not always itself.
    let reflection = |rpc: &&str| rpc.starts_with("grpc.reflection");
    described.extend(table.keys().filter(|rpc| reflection(rpc)).map(|rpc| (*rpc).to_owned()));
    assert_eq!(table.keys().map(|rpc| (*rpc).to_owned()).collect::<BTreeSet<_>>(), described);
    for (rpc, (message, may)) in &table {
        let mut refusals: BTreeMap<Who, BTreeSet<String>> = BTreeMap::new();
        // The hub that a call names last is the one that it may end.
        for who in EVERYBODY {
            for hub in ["nowhere", "one", "two", "1bad"] {
                let refused = match world.rpc(who, rpc, message.clone(), hub).await {
                    Err(status)
                        if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied) =>
                    {
                        status
                    }
                    Err(status) if status.code() == Code::Unimplemented => panic!("{rpc}: {status}"),
                    Ok(()) | Err(_) => {
                        assert!(may.contains(&who), "{who:?} may {rpc}");
                        continue;
                    }
                };
                assert!(!may.contains(&who), "{who:?} may not {rpc}: {refused}");
                let expected = if matches!(who, Nobody | Wrong) {
                    Code::Unauthenticated
                } else {
                    Code::PermissionDenied
                };
                assert_eq!(refused.code(), expected, "{who:?} {rpc}");
                refusals.entry(who).or_default().insert(refused.message().to_owned());
            }
        }
        for (who, told) in &refusals {
            assert_eq!(told.len(), 1, "{who:?} {rpc} learns which hubs exist: {told:?}");
        }
        assert_eq!(refusals.get(&Nobody), refusals.get(&Wrong), "{rpc}: whether a key is known is not told");
    }
    for who in EVERYBODY {
        let refused = world.rpc(who, "TaskHubSidecarService/Nothing", Vec::new(), "one").await.unwrap_err();
        let expected =
            if matches!(who, Nobody | Wrong) { Code::Unauthenticated } else { Code::Unimplemented };
        assert_eq!(refused.code(), expected, "{who:?}");
    }
}

/// Messages as the bytes they are.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(to, &message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = bytes::Buf::remaining(from);
        Ok(Some(bytes::Buf::copy_to_bytes(from, length).to_vec()))
    }
}
