//! The worker port for functions inside this process. They get what a gRPC worker gets and answer the same; only the wire is missing.

use super::Registry;
use crate::{
    dispatch::{
        ActivityItem, AnswerError, BatchItem, Dispatch, EntityNames, Kind, Names, Offer, Serves, TurnItem,
        WorkItem,
    },
    model::{CorruptHistory, HubId, pb},
};
use futures_util::FutureExt as _;
use prost::Message as _;
use std::{panic::AssertUnwindSafe, sync::Arc};

/// How much the functions of this process work on at a time.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Turns.
    pub turns: usize,
    /// Activities.
    pub activities: usize,
    /// Batches of operations of entities.
    pub batches: usize,
}

/// Serves every hub with the functions of `registry`, until dispatch stops.
pub fn run(dispatch: Dispatch, registry: Arc<Registry>, places: Places) {
    let names = |known: &mut dyn Iterator<Item = &str>| -> Names {
        known.map(|name| (name.to_owned(), Vec::new())).collect()
    };
    let offer = Offer {
        label: "embedded".to_owned(),
        hub: None,
        serves: Serves::Named {
            orchestrations: names(&mut registry.orchestrators()),
            activities: names(&mut registry.activities()),
            entities: EntityNames::These(registry.entities().map(str::to_owned).collect()),
        },
        embedded: true,
        fetches_history: false,
        max_turns: places.turns,
        max_activities: places.activities,
        max_batches: places.batches,
    };
    let mut seat = dispatch.join(offer);
    tokio::spawn(async move {
        while let Some(item) = seat.items.recv().await {
            tokio::spawn(work(dispatch.clone(), registry.clone(), item));
        }
    });
}

/// A panic of a function is its failure, see [`Registry`]. One that comes from anywhere else must not keep the item from going back.
async fn work(dispatch: Dispatch, registry: Arc<Registry>, item: WorkItem) {
    let (hub, token, kind) = match &item {
        WorkItem::Turn(item) => (item.instance.hub, item.token.clone(), Kind::Turn),
        WorkItem::Activity(item) => (item.task.hub, item.token.clone(), Kind::Activity),
        WorkItem::Batch(item) => (item.entity.hub, item.token.clone(), Kind::Batch),
    };
    let work = async {
        // Errors have been logged by dispatch, and the item is handed out again.
        match item {
            WorkItem::Turn(item) => drop(turn(&dispatch, &registry, item).await),
            WorkItem::Activity(item) => drop(activity(&dispatch, &registry, item).await),
            WorkItem::Batch(item) => drop(batch(&dispatch, &registry, item).await),
        }
    };
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        tracing::error!("an item could not be worked on; it is put back");
        dispatch.unable(hub, &token, kind);
    }
}

async fn turn(dispatch: &Dispatch, registry: &Registry, item: TurnItem) -> Result<(), AnswerError> {
    let (hub, token) = (item.instance.hub, item.token.clone());
    let mut response = match request(item) {
        Ok(request) => registry.run_orchestrator(request),
        Err(error) => return give_up(dispatch, hub, &token, Kind::Turn, &error.to_string()),
    };
    response.completion_token = token;
    dispatch.complete_turn(hub, response).await
}

fn request(item: TurnItem) -> Result<pb::OrchestratorRequest, CorruptHistory> {
    let mut past_events = Vec::new();
    for chunk in &item.past {
        past_events.extend(chunk.events()?);
    }
    Ok(pb::OrchestratorRequest {
        instance_id: item.instance.id.to_string(),
        execution_id: Some(item.execution_id),
        past_events,
        new_events: item.events,
        ..pb::OrchestratorRequest::default()
    })
}

async fn activity(dispatch: &Dispatch, registry: &Registry, item: ActivityItem) -> Result<(), AnswerError> {
    let ActivityItem { token, task } = item;
    let mut response = match pb::ActivityRequest::decode(task.request) {
        Ok(request) => registry.run_activity(request).await,
        Err(error) => return give_up(dispatch, task.hub, &token, Kind::Activity, &error.to_string()),
    };
    response.completion_token = token;
    dispatch.complete_activity(task.hub, response).await
}

async fn batch(dispatch: &Dispatch, registry: &Registry, item: BatchItem) -> Result<(), AnswerError> {
    let BatchItem { token, entity, state, operations } = item;
    let request = pb::EntityRequest {
        instance_id: entity.id.to_string(),
        execution_id: String::new(),
        entity_state: state.as_deref().map(str::to_owned),
        operation_requests: operations,
    };
    let mut result = registry.run_entity(request).await;
    result.completion_token = token;
    dispatch.complete_batch(entity.hub, result).await
}

/// Stored bytes that cannot be read do not get better; the item goes back, which counts, with the reason in the log.
fn give_up(
    dispatch: &Dispatch,
    hub: HubId,
    token: &str,
    kind: Kind,
    reason: &str,
) -> Result<(), AnswerError> {
    tracing::error!(reason, "an item cannot be read; it is put back");
    dispatch.unable(hub, token, kind);
    Ok(())
}
