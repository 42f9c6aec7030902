//! Entities for clients (facts: gRPC protocol, section 11.6).

use super::status;
use crate::{
    manager::{EntityQuery, Manager, Signal},
    model::{EntityId, EntityRecord, HubId, Timestamp, pb},
    store::EntityFilter,
};
use tonic::metadata::{MetadataMap, MetadataValue};

type Answer<T> = Result<T, tonic::Status>;

/// SDKs refuse messages above 4 MiB, and a page is one message.
const PAGE_BYTES: usize = 3 * 1024 * 1024;

/// With which a worker of an older SDK says that it understands `EntityBatchRequest` only.
const REQUESTS: &str = "durahub-entity-requests";

/// Which form of batches the worker asks for: `v2`, which is sent unless it says otherwise, or `v1`.
pub(super) fn wants_older_batches(metadata: &MetadataMap) -> Answer<bool> {
    match metadata.get(REQUESTS).map(MetadataValue::as_bytes) {
        None | Some(b"v2") => Ok(false),
        Some(b"v1") => Ok(true),
        Some(_) => Err(tonic::Status::invalid_argument(format!("metadata {REQUESTS} must be v1 or v2"))),
    }
}

pub(super) async fn signal(
    manager: &Manager,
    hub: HubId,
    request: pb::SignalEntityRequest,
) -> Answer<pb::SignalEntityResponse> {
    let signal = Signal {
        entity: entity(&request.instance_id)?,
        operation: request.name,
        input: request.input,
        due: request.scheduled_time.as_ref().map(Timestamp::at_or_after),
        request_id: Some(request.request_id),
    };
    manager.signal_entity(hub, signal).await.map_err(status::of_manager)?;
    Ok(pb::SignalEntityResponse {})
}

pub(super) async fn get(
    manager: &Manager,
    hub: HubId,
    request: pb::GetEntityRequest,
) -> Answer<pb::GetEntityResponse> {
    let entity = entity(&request.instance_id)?;
    let found = manager.entity(hub, &entity, request.include_state).await.map_err(status::of_manager)?;
    Ok(pb::GetEntityResponse { exists: found.is_some(), entity: found.map(metadata) })
}

pub(super) async fn query(
    manager: &Manager,
    hub: HubId,
    request: pb::QueryEntitiesRequest,
) -> Answer<pb::QueryEntitiesResponse> {
    let query = request.query.unwrap_or_default();
    let filter = EntityFilter {
        prefix: query.instance_id_starts_with,
        modified_from: query.last_modified_from.as_ref().map(Timestamp::at_or_after),
        // The bound itself does not count here, and what is kept is whole microseconds.
        modified_to: query.last_modified_to.as_ref().map(|to| Timestamp::at_or_after(to).previous()),
        has_state: (!query.include_transient).then_some(true),
    };
    let query = EntityQuery {
        filter,
        top: query.page_size.and_then(|size| usize::try_from(size).ok()),
        bytes: PAGE_BYTES,
        with_state: query.include_state,
        continuation: query.continuation_token,
    };
    let list = manager.entities(hub, query).await.map_err(status::of_manager)?;
    Ok(pb::QueryEntitiesResponse {
        entities: list.entities.into_iter().map(metadata).collect(),
        continuation_token: list.continuation,
    })
}

fn entity(text: &str) -> Answer<EntityId> {
    EntityId::parse(text).map_err(|error| tonic::Status::invalid_argument(error.to_string()))
}

fn metadata(entity: EntityRecord) -> pb::EntityMetadata {
    pb::EntityMetadata {
        instance_id: entity.id.to_string(),
        last_modified_time: Some(entity.modified_at.to_wire()),
        backlog_queue_size: i32::try_from(entity.backlog).unwrap_or(i32::MAX),
        locked_by: entity.locked_by.map(|owner| owner.to_string()),
        serialized_state: entity.state,
    }
}
