//! What clients ask for.

use super::*;
use pb::purge_instances_request::Request as Purge;
use proptest::sample::select;
use prost_types::Timestamp;

/// An rpc, a message as clients send it, and how it is read.
type Rpc = (&'static str, Vec<u8>, Reread);

fn rpcs() -> Vec<Rpc> {
    fn rpc<M: Message + Default + PartialEq + std::fmt::Debug + 'static>(
        name: &'static str,
        message: M,
    ) -> Rpc {
        (name, message.encode_to_vec(), reread::<M>)
    }
    let text = |text: &str| Some(text.to_owned());
    let id = || "a".to_owned();
    let at = |seconds| Some(Timestamp { seconds, nanos: 1 });
    let completed = pb::OrchestrationStatus::Completed.into();
    let get = || pb::GetInstanceRequest { instance_id: id(), get_inputs_and_outputs: true };
    let purge = |request| pb::PurgeInstancesRequest { request: Some(request), ..Default::default() };
    vec![
        rpc("Hello", ()),
        rpc(
            "StartInstance",
            pb::CreateInstanceRequest {
                instance_id: "new".into(),
                name: "F".into(),
                version: text("1"),
                input: text("{}"),
                scheduled_start_timestamp: at(4_000_000_000),
                orchestration_id_reuse_policy: Some(pb::OrchestrationIdReusePolicy {
                    replaceable_status: vec![completed],
                    action: pb::CreateOrchestrationAction::ReuseActionTerminate.into(),
                }),
                execution_id: text("0a1b"),
                tags: [("k".to_owned(), "v".to_owned())].into(),
                parent_trace_context: Some(pb::TraceContext {
                    trace_parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
                    span_id: "00f067aa0ba902b7".into(),
                    trace_state: None,
                }),
                request_time: at(1),
            },
        ),
        rpc("GetInstance", get()),
        rpc("WaitForInstanceStart", get()),
        rpc("WaitForInstanceCompletion", get()),
        rpc("RaiseEvent", pb::RaiseEventRequest { instance_id: id(), name: "E".into(), input: text("1") }),
        rpc(
            "TerminateInstance",
            pb::TerminateRequest { instance_id: id(), output: text("1"), recursive: true },
        ),
        rpc("SuspendInstance", pb::SuspendRequest { instance_id: id(), reason: text("r") }),
        rpc("ResumeInstance", pb::ResumeRequest { instance_id: id(), reason: text("r") }),
        rpc("RewindInstance", pb::RewindInstanceRequest { instance_id: "done".into(), reason: text("r") }),
        rpc(
            "RestartInstance",
            pb::RestartInstanceRequest { instance_id: "done".into(), restart_with_new_instance_id: true },
        ),
        rpc(
            "QueryInstances",
            pb::QueryInstancesRequest {
                query: Some(pb::InstanceQuery {
                    runtime_status: vec![completed, 99],
                    created_time_from: at(0),
                    created_time_to: at(4_000_000_000),
                    task_hub_names: vec!["default".to_owned()],
                    max_instance_count: 2,
                    continuation_token: text("0300"),
                    instance_id_prefix: text("a"),
                    fetch_inputs_and_outputs: true,
                }),
            },
        ),
        rpc(
            "ListInstanceIds",
            pb::ListInstanceIdsRequest { page_size: 2, completed_time_from: at(0), ..Default::default() },
        ),
        rpc("PurgeInstances", purge(Purge::InstanceId("done".to_owned()))),
        rpc(
            "PurgeInstances",
            purge(Purge::PurgeInstanceFilter(pb::PurgeInstanceFilter {
                created_time_from: at(0),
                created_time_to: at(1),
                runtime_status: vec![completed],
                timeout: Some(prost_types::Duration { seconds: 1, nanos: 1 }),
            })),
        ),
        rpc(
            "PurgeInstances",
            purge(Purge::InstanceBatch(pb::InstanceBatch { instance_ids: vec![id(), "done".to_owned()] })),
        ),
        rpc(
            "StreamInstanceHistory",
            pb::StreamInstanceHistoryRequest { instance_id: id(), ..Default::default() },
        ),
        rpc(
            "SignalEntity",
            pb::SignalEntityRequest {
                instance_id: "@counter@k".into(),
                name: "add".into(),
                input: text("1"),
                request_id: "0a1b2c3d-0000-4000-8000-00000000abcd".into(),
                scheduled_time: at(4_000_000_000),
                ..Default::default()
            },
        ),
        rpc("GetEntity", pb::GetEntityRequest { instance_id: "@counter@k".into(), include_state: true }),
        rpc(
            "QueryEntities",
            pb::QueryEntitiesRequest {
                query: Some(pb::EntityQuery {
                    instance_id_starts_with: text("@counter"),
                    last_modified_from: at(0),
                    include_transient: true,
                    page_size: Some(2),
                    ..Default::default()
                }),
            },
        ),
        rpc("CleanEntityStorage", pb::CleanEntityStorageRequest::default()),
        rpc(
            "SkipGracefulOrchestrationTerminations",
            pb::SkipGracefulOrchestrationTerminationsRequest {
                instance_batch: Some(pb::InstanceBatch { instance_ids: vec![id()] }),
                reason: text("r"),
            },
        ),
        rpc(
            "CompleteActivityTask",
            pb::ActivityResponse { instance_id: id(), result: text("1"), ..Default::default() },
        ),
        rpc("CompleteOrchestratorTask", pb::OrchestratorResponse { instance_id: id(), ..Default::default() }),
        rpc("CompleteEntityTask", pb::EntityBatchResult { entity_state: text("1"), ..Default::default() }),
        rpc(
            "AbandonTaskOrchestratorWorkItem",
            pb::AbandonOrchestrationTaskRequest { completion_token: "t".into() },
        ),
        rpc(
            "GetWorkItems",
            pb::GetWorkItemsRequest {
                max_concurrent_orchestration_work_items: 1,
                max_concurrent_activity_work_items: -1,
                work_item_filters: Some(pb::WorkItemFilters {
                    orchestrations: vec![pb::OrchestrationFilter {
                        name: "nobody".into(),
                        versions: vec!["1".to_owned()],
                    }],
                    ..Default::default()
                }),
                ..Default::default()
            },
        ),
    ]
}

#[test]
fn no_message_of_a_client_fails_the_server_and_what_is_read_is_written_the_same() {
    let runtime = runtime();
    let target = runtime.block_on(async {
        let target = Target::new().await;
        for id in ["a", "b", "done"] {
            target.start(id).await;
        }
        target.manager.terminate(target.hub, &InstanceId::lookup("done"), None, false).await.unwrap();
        target
    });
    let message =
        (select(rpcs()), messages::changes(), fuzz::edits(&["", "\u{0}", "ü"]), any::<prop::sample::Index>());
    proptest!(fuzz::config(1_500), |(((rpc, seed, reread), changes, edits, dice) in message)| {
        let mut bytes = messages::changed(&seed, &changes);
        if dice.index(5) == 0 {
            bytes = fuzz::edited(&bytes, &edits);
        }
        let is_message = reread(&bytes)?;
        // Some wait for what does not come, and workers' streams do not end.
        let waits = rpc.starts_with("WaitFor") || rpc == "GetWorkItems";
        let patience = if waits { Duration::from_millis(2) } else { PATIENCE };
        let told = runtime.block_on(target.call(rpc, &bytes, patience));
        prop_assert!(told.is_some() || waits, "{rpc} does not end");
        is_fair(told.as_ref(), is_message)?;
    });
    runtime.block_on(async {
        assert!(target.dispatch.missing().is_empty());
        target.start("after all").await;
    });
}
