//! Lists and purges of many instances (facts: gRPC protocol, sections 4.5 and 4.6).

use super::{state, status};
use crate::{
    manager::{ListQuery, Manager},
    model::{HubId, InstanceId, Status, StatusSet, Timestamp, pb},
    store::{Filter, Order, Read, Span},
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

type Answer<T> = Result<T, tonic::Status>;

/// SDKs refuse messages above 4 MiB, and a page is one message.
const PAGE_BYTES: usize = 3 * 1024 * 1024;
/// How long a purge may take if the caller names no time. SDKs wait for minutes, and call again when told that it is not complete.
const PURGE_TIME: Duration = Duration::from_secs(30);

pub(super) async fn instances(
    manager: &Manager,
    hub: HubId,
    request: pb::QueryInstancesRequest,
) -> Answer<pb::QueryInstancesResponse> {
    let query = request.query.unwrap_or_default();
    let payloads = query.fetch_inputs_and_outputs;
    let filter = Filter {
        statuses: statuses(&query.runtime_status),
        created: span(query.created_time_from.as_ref(), query.created_time_to.as_ref()),
        id_prefix: query.instance_id_prefix.unwrap_or_default(),
        entities: false,
        ..Filter::default()
    };
    let list = ListQuery {
        filter,
        order: Order::Created,
        descending: false,
        top: usize::try_from(query.max_instance_count).ok(),
        bytes: PAGE_BYTES,
        read: if payloads { Read::All } else { Read::FailureOnly },
        continuation: query.continuation_token,
    };
    let list = manager.list(hub, list).await.map_err(status::of_manager)?;
    Ok(pb::QueryInstancesResponse {
        orchestration_state: list.instances.into_iter().map(|found| state::of(found, payloads)).collect(),
        continuation_token: list.continuation,
    })
}

pub(super) async fn ended_ids(
    manager: &Manager,
    hub: HubId,
    request: pb::ListInstanceIdsRequest,
) -> Answer<pb::ListInstanceIdsResponse> {
    let filter = Filter {
        statuses: statuses(&request.runtime_status),
        completed: span(request.completed_time_from.as_ref(), request.completed_time_to.as_ref()),
        ..Filter::default()
    };
    let list = ListQuery {
        filter,
        order: Order::Completed,
        descending: false,
        top: usize::try_from(request.page_size).ok(),
        bytes: PAGE_BYTES,
        read: Read::FailureOnly,
        continuation: request.last_instance_key,
    };
    let list = manager.list(hub, list).await.map_err(status::of_manager)?;
    Ok(pb::ListInstanceIdsResponse {
        instance_ids: list.instances.into_iter().map(|found| found.record.id.to_string()).collect(),
        last_instance_key: list.continuation,
    })
}

/// Whether the request may remove more than one instance with its sub-orchestrations.
pub(super) fn is_of_many(request: &pb::PurgeInstancesRequest) -> bool {
    use pb::purge_instances_request::Request;
    match &request.request {
        Some(Request::InstanceId(_)) | None => false,
        Some(Request::InstanceBatch(_) | Request::PurgeInstanceFilter(_)) => true,
    }
}

pub(super) async fn purge(
    manager: &Manager,
    hub: HubId,
    request: pb::PurgeInstancesRequest,
    leaving: &CancellationToken,
) -> Answer<pb::PurgeInstancesResponse> {
    use pb::purge_instances_request::Request;
    let recurse = request.recursive;
    let ids = |ids: Vec<String>| ids.into_iter().map(InstanceId::lookup).collect::<Vec<_>>();
    let (deleted, complete) = match request.request {
        // Nothing to purge is not an error.
        Some(Request::InstanceId(id)) => {
            (manager.purge_batch(hub, &ids(vec![id]), recurse).await.map_err(status::of_manager)?, true)
        }
        Some(Request::InstanceBatch(batch)) => (
            manager.purge_batch(hub, &ids(batch.instance_ids), recurse).await.map_err(status::of_manager)?,
            true,
        ),
        Some(Request::PurgeInstanceFilter(asked)) => {
            let filter = Filter {
                statuses: statuses(&asked.runtime_status),
                created: span(asked.created_time_from.as_ref(), asked.created_time_to.as_ref()),
                ..Filter::default()
            };
            let purged = manager.purge_matching(hub, filter, recurse, budget(asked.timeout), leaving).await;
            let purged = purged.map_err(status::of_manager)?;
            (purged.deleted, purged.complete)
        }
        None => {
            return Err(tonic::Status::invalid_argument(
                "PurgeInstances needs an instance id, a batch of ids, or a filter",
            ));
        }
    };
    let deleted_instance_count = i32::try_from(deleted).unwrap_or(i32::MAX);
    Ok(pb::PurgeInstancesResponse { deleted_instance_count, is_complete: Some(complete) })
}

/// How long a purge may take. Less than nothing is nothing; whatever the parts are, they are not calculated with.
fn budget(asked: Option<prost_types::Duration>) -> Duration {
    let Some(prost_types::Duration { seconds, nanos }) = asked else { return PURGE_TIME };
    match (u64::try_from(seconds), u32::try_from(nanos)) {
        (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos.min(999_999_999)),
        (Err(_), _) | (_, Err(_)) => Duration::ZERO,
    }
}

/// No status given: any. Numbers that are no status are dropped, and what is left counts, also if that is nothing.
fn statuses(numbers: &[i32]) -> StatusSet {
    match numbers {
        [] => StatusSet::ALL,
        some => some.iter().filter_map(|number| Status::try_from(*number).ok()).collect(),
    }
}

/// From `from` on and before `to`. What is kept is whole microseconds, so rounding both up changes nothing.
fn span(from: Option<&prost_types::Timestamp>, to: Option<&prost_types::Timestamp>) -> Span {
    Span { from: from.map(Timestamp::at_or_after), before: to.map(Timestamp::at_or_after) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_time_for_a_purge_can_be_read() {
        let read = |seconds, nanos| budget(Some(prost_types::Duration { seconds, nanos }));
        assert_eq!(budget(None), PURGE_TIME);
        assert_eq!(read(1, 500_000_000), Duration::from_millis(1_500));
        for (seconds, nanos) in [(i64::MIN, 0), (i64::MIN, i32::MIN), (-1, 0), (0, -1), (1, i32::MIN), (0, 0)]
        {
            assert_eq!(read(seconds, nanos), Duration::ZERO, "{seconds} s {nanos} ns");
        }
        assert_eq!(read(i64::MAX, i32::MAX).as_secs(), u64::try_from(i64::MAX).unwrap());
    }
}
