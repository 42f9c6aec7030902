//! What each rpc takes, and the door that asks for it: once for unary and streaming calls alike, before any of them begins.

pub(super) use super::generated::task_hub_sidecar_service_server::SERVICE_NAME;
use super::service::HUB;
use crate::{
    api::{audit::Trail, caller},
    auth::{Caller, Gate, Operation, Place, Verdict},
    manager::Manager,
};
use axum::{extract::Request, http::Extensions};
use tonic::Status;

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// What a caller must be permitted to do for this rpc of the Durable Task service. `None`: no such rpc, or one that nobody has decided about, which is not served.
pub(super) fn operation(rpc: &str) -> Option<Operation> {
    Some(match rpc {
        "Hello" => Operation::Hello,
        "StartInstance" => Operation::Start,
        "GetInstance" | "WaitForInstanceStart" | "WaitForInstanceCompletion" => Operation::Status,
        "StreamInstanceHistory" => Operation::History,
        "QueryInstances" | "ListInstanceIds" | "GetEntity" | "QueryEntities" => Operation::List,
        "RaiseEvent" => Operation::RaiseEvent,
        "TerminateInstance" => Operation::Terminate,
        "SuspendInstance" => Operation::Suspend,
        "ResumeInstance" => Operation::Resume,
        "RewindInstance" => Operation::Rewind,
        "RestartInstance" => Operation::Restart,
        // Of one instance; the rpc asks again when its body names more.
        "PurgeInstances" => Operation::Purge,
        "SignalEntity" => Operation::Signal,
        "GetWorkItems"
        | "CompleteActivityTask"
        | "CompleteOrchestratorTask"
        | "CompleteEntityTask"
        | "AbandonTaskActivityWorkItem"
        | "AbandonTaskOrchestratorWorkItem"
        | "AbandonTaskEntityWorkItem" => Operation::Work,
        "CleanEntityStorage" | "SkipGracefulOrchestrationTerminations" => Operation::AdministerHub,
        "CreateTaskHub" | "DeleteTaskHub" => Operation::Administer,
        _ => return None,
    })
}

/// Who calls, if he may. Links are for HTTP: here they permit nothing.
pub(super) fn judge(gate: &Gate, manager: &Manager, request: &Request) -> Result<Caller, Status> {
    let path = request.uri().path();
    let (service, rpc) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let operation = match service {
        SERVICE_NAME => operation(rpc),
        // As open as `/readyz`, whose truth it tells.
        HEALTH => return Ok(Caller::Anyone),
        // What it tells is public, but nobody is greeted without a key.
        service if REFLECTION.contains(&service) => Some(Operation::Greet),
        _ => None,
    };
    let credential = caller::credential(request.headers());
    let verdict = gate.decide(credential, operation.unwrap_or(Operation::Greet), || place(manager, request));
    if let (Some(trail), Verdict::Allowed(caller) | Verdict::Forbidden(caller)) =
        (Trail::of(request.extensions()), &verdict)
    {
        trail.caller(caller);
    }
    match verdict {
        Verdict::Allowed(_) if operation.is_none() => {
            Err(Status::unimplemented("there is no such rpc in this version of durahub"))
        }
        Verdict::Allowed(caller) => Ok(caller),
        Verdict::Unauthenticated => {
            tracing::debug!(rpc, "refused: no key, or an unknown one");
            Err(Status::unauthenticated(
                "this server asks for a key: send it as metadata, authorization: Bearer KEY or x-functions-key: KEY",
            ))
        }
        Verdict::Forbidden(caller) => {
            tracing::info!(rpc, %caller, "refused: the key does not permit this");
            Err(forbidden(&caller, rpc))
        }
    }
}

/// The hub that the metadata means. What is no text names none.
fn place(manager: &Manager, request: &Request) -> Place {
    let named = request.headers().get(HUB).map(|name| name.to_str().unwrap_or("?"));
    Place { hub: manager.hub_meant(named).to_owned(), instance: None }
}

/// Asks once more for what only the body of a request tells.
pub(super) fn also(extensions: &Extensions, operation: Operation, what: &str) -> Result<(), Status> {
    match extensions.get::<Caller>() {
        Some(caller) if caller.permits(operation) => Ok(()),
        Some(caller) => {
            tracing::info!(what, %caller, "refused: the key does not permit this");
            Err(forbidden(caller, what))
        }
        None => Err(Status::internal("the request has not passed the door")),
    }
}

fn forbidden(caller: &Caller, what: &str) -> Status {
    match caller {
        Caller::Key { name, role, reach } => {
            let role = format!("the key {name} has the role {role}");
            Status::permission_denied(match reach.names() {
                None => format!("{role}, which does not permit {what}"),
                Some(hubs) => {
                    format!("{role} in the task hubs {}, which does not permit {what}", hubs.join(", "))
                }
            })
        }
        Caller::Link(_) | Caller::Anyone | Caller::Local => {
            Status::permission_denied(format!("this credential does not permit {what}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;
    use std::collections::BTreeSet;

    /// Every rpc of the service, one on a line, as the description in `proto/` has them.
    const RPCS: &str = include_str!(concat!(env!("OUT_DIR"), "/rpcs"));

    fn permitted(role: Role) -> BTreeSet<&'static str> {
        RPCS.lines().filter(|rpc| operation(rpc).is_some_and(|operation| role.permits(operation))).collect()
    }

    #[test]
    fn every_rpc_of_the_service_has_a_permission() {
        assert!(RPCS.lines().count() >= 29, "{RPCS}");
        for rpc in RPCS.lines() {
            assert!(operation(rpc).is_some(), "nobody has decided who may call {rpc}");
        }
        for none in ["", "hello", "HELLO", "GetWorkItem", "GetWorkItems/"] {
            assert_eq!(operation(none), None, "{none}");
        }
    }

    #[test]
    fn workers_run_functions_and_nothing_else() {
        let expected = [
            "Hello",
            "GetWorkItems",
            "StreamInstanceHistory",
            "CompleteActivityTask",
            "CompleteOrchestratorTask",
            "CompleteEntityTask",
            "AbandonTaskActivityWorkItem",
            "AbandonTaskOrchestratorWorkItem",
            "AbandonTaskEntityWorkItem",
        ];
        assert_eq!(permitted(Role::Worker), expected.into());
    }

    #[test]
    fn readers_look_and_operators_act_but_neither_takes_work() {
        let reads = [
            "Hello",
            "GetInstance",
            "WaitForInstanceStart",
            "WaitForInstanceCompletion",
            "StreamInstanceHistory",
            "QueryInstances",
            "ListInstanceIds",
            "GetEntity",
            "QueryEntities",
        ];
        let acts = [
            "StartInstance",
            "RaiseEvent",
            "TerminateInstance",
            "SuspendInstance",
            "ResumeInstance",
            "RewindInstance",
            "RestartInstance",
            "PurgeInstances",
            "SignalEntity",
        ];
        assert_eq!(permitted(Role::Read), reads.into());
        assert_eq!(permitted(Role::Operate), reads.into_iter().chain(acts).collect());
        assert_eq!(permitted(Role::Admin), RPCS.lines().collect());
    }
}
