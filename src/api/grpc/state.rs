//! An instance as `OrchestrationState` (facts: gRPC protocol, section 4.2).

use crate::{
    manager::Instance,
    model::{Timestamp, pb},
};

/// `payloads`: whether input, output and custom status were asked for.
pub(super) fn of(instance: Instance, payloads: bool) -> pb::OrchestrationState {
    let Instance { record, payloads: read } = instance;
    let asked = |payload: Option<String>| payload.filter(|_| payloads);
    pb::OrchestrationState {
        instance_id: record.id.to_string(),
        name: record.name.to_string(),
        version: record.version.as_deref().map(str::to_owned),
        orchestration_status: record.status.into(),
        scheduled_start_timestamp: record.scheduled_at.map(Timestamp::to_wire),
        // .NET reads both without looking whether they are there.
        created_timestamp: Some(record.created_at.to_wire()),
        last_updated_timestamp: Some(record.updated_at.to_wire()),
        input: asked(read.input),
        output: asked(read.output),
        custom_status: asked(read.custom_status),
        failure_details: read.failure,
        execution_id: Some(record.execution_id),
        completed_timestamp: record.completed_at.map(Timestamp::to_wire),
        parent_instance_id: record.parent.map(|parent| parent.id.to_string()),
        tags: record.tags,
    }
}

/// The answer to a question about one instance. An instance that is not there is an answer, not an error.
pub(super) fn answer(instance: Option<Instance>, payloads: bool) -> pb::GetInstanceResponse {
    pb::GetInstanceResponse {
        exists: instance.is_some(),
        orchestration_state: instance.map(|instance| of(instance, payloads)),
    }
}
