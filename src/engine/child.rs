//! Making a sub-orchestration from the event that records it: when it is first asked for, and when a rewind finds it gone.

use super::Context;
use crate::model::{
    Class, FIRE_AND_FORGET, InstanceId, InstanceRecord, NewChild, NewInstance, NewMessage, Short, Tags,
    error_type, event, failure,
    pb::{self, SubOrchestrationInstanceCreatedEvent as Created},
};

/// The child that `created`, action `task` of `parent`, asks for; a live instance under its id is a failure that the parent can catch.
/// `Err`: its id is not valid, and that is the failure.
pub(super) fn order(
    parent: &InstanceRecord,
    task: i32,
    created: &Created,
    context: &mut Context<'_>,
) -> Result<NewChild, NewMessage> {
    let now = context.now;
    let refused = |kind: &str, text: String| {
        NewMessage::now(Class::Result, event::child_failed(now, task, failure(kind, text, true)))
    };
    match InstanceId::child(&created.instance_id) {
        Ok(id) => {
            let text = format!("a live instance with the id {} exists already", Short(id.as_str()));
            let otherwise = Some(refused(error_type::INSTANCE_EXISTS, text));
            let instance = instance(parent, task, id, created, context);
            Ok(NewChild { instance, replaces: true, otherwise })
        }
        Err(error) => Err(refused(error_type::INVALID_INSTANCE_ID, error.to_string())),
    }
}

fn instance(
    record: &InstanceRecord,
    task: i32,
    id: InstanceId,
    created: &Created,
    context: &mut Context<'_>,
) -> NewInstance {
    let parent = pb::ParentInstanceInfo {
        task_scheduled_id: task,
        name: Some(record.name.to_string()),
        version: record.version.as_deref().map(str::to_owned),
        orchestration_instance: Some(pb::OrchestrationInstance {
            instance_id: record.id.as_str().to_owned(),
            execution_id: Some(record.execution_id.clone()),
        }),
    };
    // The parent's tags are inherited, the action's own win, and the mark of a child nobody waits for is not inherited.
    let mut tags: Tags = record.tags.clone();
    tags.remove(FIRE_AND_FORGET);
    tags.extend(created.tags.clone());
    let started = pb::ExecutionStartedEvent {
        name: created.name.clone(),
        version: created.version.clone(),
        input: created.input.clone(),
        orchestration_instance: Some(pb::OrchestrationInstance {
            instance_id: id.as_str().to_owned(),
            execution_id: Some((context.fresh_id)()),
        }),
        parent_instance: Some(parent),
        parent_trace_context: created.parent_trace_context.clone(),
        tags,
        ..pb::ExecutionStartedEvent::default()
    };
    NewInstance { hub: record.hub, id, created_at: context.now, start_at: None, started }
}
