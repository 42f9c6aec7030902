//! Workers on a gRPC stream: `GetWorkItems` turned into an offer to dispatch, and items turned into messages.
//!
//! A stream begins with a health ping and gets another whenever it has been silent for a while, well inside the 120 s after which SDKs
//! reconnect. It never ends with OK or CANCELLED: older SDKs stop for good on the one and reconnect without pause on the other (facts:
//! gRPC protocol, section 5.3). What a stream held goes back the moment it is dropped.

#[cfg(test)]
mod fuzz;
pub mod wire;

use crate::{
    dispatch::{
        ActivityItem, BatchItem, Dispatch, EntityNames, Names, Offer, Seat, Serves, TurnItem, WorkItem,
    },
    model::{
        HubId,
        pb::{self, history_event::EventType},
    },
};
use bytes::Bytes;
use futures_util::Stream;
use std::{
    collections::hash_map::Entry,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Interval, MissedTickBehavior};
use tonic::Status;

/// Settings of worker streams.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Turns a worker holds at a time if it does not say.
    pub max_turns: usize,
    /// Activities a worker holds at a time if it does not say.
    pub max_activities: usize,
    /// Batches of entities a worker holds at a time if it does not say.
    pub max_batches: usize,
    /// Pause between health pings.
    pub ping: Duration,
}

/// Past history of a turn, in bytes, from which on a worker that can fetch it does so, instead of getting it with the item.
const FETCH_FROM_BYTES: usize = 1024 * 1024;

/// What a worker's request offers. `label`: how to call it in logs.
pub fn offer(hub: HubId, label: String, request: pb::GetWorkItemsRequest, settings: Settings) -> Offer {
    // 0 means "not stated", never "none" (facts: section 5.1).
    let limit = |stated: i32, default| usize::try_from(stated).ok().filter(|n| *n > 0).unwrap_or(default);
    let fetches_history = request.capabilities().any(|it| it == pb::WorkerCapability::HistoryStreaming);
    let serves = match request.work_item_filters {
        None => Serves::Everything,
        Some(filters) => Serves::Named {
            orchestrations: names(
                filters.orchestrations.into_iter().map(|filter| (filter.name, filter.versions)),
            ),
            activities: names(filters.activities.into_iter().map(|filter| (filter.name, filter.versions))),
            // The Java SDK never fills this list, but says how many it wants at a time only if it has any (facts: section 5.2).
            entities: match filters.entities.is_empty() && request.max_concurrent_entity_work_items > 0 {
                true => EntityNames::All,
                false => EntityNames::These(
                    filters.entities.into_iter().map(|filter| filter.name.to_lowercase()).collect(),
                ),
            },
        },
    };
    Offer {
        label,
        hub: Some(hub),
        serves,
        embedded: false,
        fetches_history,
        max_turns: limit(request.max_concurrent_orchestration_work_items, settings.max_turns),
        max_activities: limit(request.max_concurrent_activity_work_items, settings.max_activities),
        max_batches: limit(request.max_concurrent_entity_work_items, settings.max_batches),
    }
}

fn names(filters: impl Iterator<Item = (String, Vec<String>)>) -> Names {
    let mut names = Names::new();
    for (name, versions) in filters {
        match names.entry(name) {
            Entry::Vacant(new) => {
                new.insert(versions);
            }
            // A name listed twice: no versions means all of them, whichever entry says so.
            Entry::Occupied(mut known) if known.get().is_empty() || versions.is_empty() => {
                known.get_mut().clear();
            }
            Entry::Occupied(mut known) => known.get_mut().extend(versions),
        }
    }
    names
}

/// The items of one worker, as messages. Leaves dispatch when dropped.
#[derive(Debug)]
pub struct WorkStream {
    worker: Option<Joined>,
    form: Form,
    ping: Interval,
}

/// What the items of a stream look like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// Long histories are left out: the worker fetches them by itself.
    pub fetches_history: bool,
    /// Batches of entities come as `EntityBatchRequest`, for SDKs from before `EntityRequest`.
    pub older_batches: bool,
}

#[derive(Debug)]
struct Joined {
    dispatch: Dispatch,
    seat: Seat,
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.dispatch.leave(self.seat.id);
    }
}

impl WorkStream {
    /// Joins dispatch with `offer`.
    pub fn open(dispatch: Dispatch, offer: Offer, older_batches: bool, settings: Settings) -> Self {
        let mut ping = tokio::time::interval(settings.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let form = Form { fetches_history: offer.fetches_history, older_batches };
        let seat = dispatch.join(offer);
        Self { worker: Some(Joined { dispatch, seat }), form, ping }
    }
}

impl Stream for WorkStream {
    type Item = Result<wire::WorkItem, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(worker) = &mut this.worker else { return Poll::Ready(None) };
        match worker.seat.items.poll_recv(context) {
            Poll::Ready(Some(item)) => {
                this.ping.reset();
                Poll::Ready(Some(message(item, this.form)))
            }
            Poll::Ready(None) => {
                this.worker = None;
                Poll::Ready(Some(Err(Status::unavailable("the server is shutting down; connect again"))))
            }
            Poll::Pending => {
                ready!(this.ping.poll_tick(context));
                let request = Some(wire::Request::HealthPing(pb::HealthPing {}));
                Poll::Ready(Some(Ok(wire::WorkItem { completion_token: String::new(), request })))
            }
        }
    }
}

fn message(item: WorkItem, form: Form) -> Result<wire::WorkItem, Status> {
    let (completion_token, request) = match item {
        WorkItem::Turn(TurnItem { token, instance, execution_id, past, events, trace }) => {
            let past_bytes: usize = past.iter().map(|chunk| chunk.bytes.len()).sum();
            let fetched = form.fetches_history && past_bytes >= FETCH_FROM_BYTES;
            let mut past_events = Vec::new();
            for chunk in past.into_iter().filter(|_| !fetched) {
                past_events.extend(chunk.slices().map_err(|error| Status::data_loss(error.to_string()))?);
            }
            // .NET workers refuse any entity call when this is missing; 0 says that nothing needs to be sorted.
            let entity_parameters = pb::OrchestratorEntityParameters {
                entity_message_reorder_window: Some(prost_types::Duration::default()),
            };
            let request = wire::OrchestratorRequest {
                instance_id: instance.id.to_string(),
                execution_id: Some(execution_id),
                past_events,
                new_events: events,
                entity_parameters: Some(entity_parameters),
                requires_history_streaming: fetched,
                orchestration_trace_context: trace.filter(|trace| !trace.is_empty()).map(Bytes::from),
            };
            (token, wire::Request::Orchestrator(request))
        }
        WorkItem::Activity(ActivityItem { token, task }) => (token, wire::Request::Activity(task.request)),
        WorkItem::Batch(BatchItem { token, entity, state, operations }) if form.older_batches => {
            let request = pb::EntityBatchRequest {
                instance_id: entity.id.to_string(),
                entity_state: state.as_deref().map(str::to_owned),
                operations: operations.into_iter().filter_map(older).collect(),
                ..pb::EntityBatchRequest::default()
            };
            (token, wire::Request::OlderEntity(request))
        }
        WorkItem::Batch(BatchItem { token, entity, state, operations }) => {
            let request = pb::EntityRequest {
                instance_id: entity.id.to_string(),
                // Any text will do, as long as it stays the same.
                execution_id: format!("{:x}", entity.key.0),
                entity_state: state.as_deref().map(str::to_owned),
                operation_requests: operations,
            };
            (token, wire::Request::Entity(request))
        }
    };
    Ok(wire::WorkItem { completion_token, request: Some(request) })
}

/// An operation in the older form; every operation of a batch has one.
fn older(operation: pb::HistoryEvent) -> Option<pb::OperationRequest> {
    let (operation, request_id, input) = match operation.event_type? {
        EventType::EntityOperationSignaled(it) => (it.operation, it.request_id, it.input),
        EventType::EntityOperationCalled(it) => (it.operation, it.request_id, it.input),
        _ => return None,
    };
    Some(pb::OperationRequest { operation, request_id, input, ..pb::OperationRequest::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings =
        Settings { max_turns: 100, max_activities: 50, max_batches: 10, ping: Duration::from_secs(30) };

    fn filter(name: &str, versions: &[&str]) -> pb::OrchestrationFilter {
        pb::OrchestrationFilter {
            name: name.into(),
            versions: versions.iter().map(|v| (*v).into()).collect(),
        }
    }

    #[test]
    fn a_limit_of_zero_means_not_stated() {
        let request = pb::GetWorkItemsRequest { max_concurrent_activity_work_items: 3, ..Default::default() };
        let offer = offer(HubId(1), "w".into(), request, SETTINGS);
        assert_eq!((offer.max_turns, offer.max_activities), (100, 3));
        assert!(matches!(offer.serves, Serves::Everything));
    }

    #[test]
    fn filters_name_what_is_served_and_an_empty_category_serves_nothing() {
        let filters = pb::WorkItemFilters {
            orchestrations: vec![
                filter("A", &["1"]),
                filter("A", &["2"]),
                filter("B", &["1"]),
                filter("B", &[]),
            ],
            ..Default::default()
        };
        let request = pb::GetWorkItemsRequest { work_item_filters: Some(filters), ..Default::default() };
        let Serves::Named { orchestrations, activities, .. } =
            offer(HubId(1), "w".into(), request, SETTINGS).serves
        else {
            panic!("filters were given");
        };
        assert_eq!(orchestrations["A"], ["1", "2"]);
        assert!(orchestrations["B"].is_empty());
        assert!(activities.is_empty());
    }
}
