//! Workers that mean well most of the time. They also answer late, twice, out of order, under stale tokens or under none, put work back,
//! forget it, vanish with all they hold, and talk nonsense.

use super::{process::TURN_LEASE, programs, world::World};
use crate::{
    clock::Clock as _,
    dispatch::{ActivityItem, BatchItem, Dispatch, Kind, Offer, Seat, Serves, TurnItem, WorkItem, WorkerId},
    model::{HubId, InstanceKey, Timestamp, failure, pb},
    workers::embedded::Registry,
};
use prost::Message as _;
use std::{collections::HashMap, sync::Arc};

/// How often a batch of one entity is put back or fails as a whole in a run: after some times in a row its operations fail.
const GRUMBLES: usize = 3;

/// All who work for one process.
pub struct Crew {
    world: Arc<World>,
    dispatch: Dispatch,
    registry: Arc<Registry>,
    hub: HubId,
    seats: Vec<(Seat, bool)>,
    held: Vec<Held>,
    /// Answers that were given, or are not wanted any more, and may come all the same.
    stale: Vec<Said>,
    grumbles: HashMap<InstanceKey, usize>,
}

struct Held {
    worker: WorkerId,
    item: WorkItem,
    /// Its worker returns no tokens.
    unnamed: bool,
    since: Timestamp,
}

/// What a worker says.
#[derive(Clone)]
enum Said {
    Turn(pb::OrchestratorResponse),
    Activity(pb::ActivityResponse),
    Batch(pb::EntityBatchResult),
}

#[derive(Clone, Copy)]
enum Mischief {
    Twice,
    PutBack,
    Forget,
    Vanish,
    Nonsense,
}

impl Crew {
    pub fn new(world: Arc<World>, dispatch: Dispatch, hub: HubId) -> Self {
        let registry = Arc::new(programs::registry(&world));
        let (seats, held, stale, grumbles) = Default::default();
        Self { world, dispatch, registry, hub, seats, held, stale, grumbles }
    }

    /// A worker joins. An honest one has tokens, and room for all.
    pub fn join(&mut self, honest: bool) {
        let (unnamed, room) = match honest {
            true => (false, 1000),
            false => (
                self.world.plan.unnamed && self.world.draw(|rng| rng.often(500)),
                1 + self.world.draw(|rng| rng.below(4)),
            ),
        };
        let offer = Offer {
            label: "simulated".to_owned(),
            hub: Some(self.hub),
            serves: Serves::Everything,
            embedded: false,
            fetches_history: false,
            max_turns: room,
            max_activities: room,
            max_batches: room,
        };
        let seat = self.dispatch.join(offer);
        self.world.tell(|| format!("worker {} joins, {room} places, unnamed: {unnamed}", seat.id.number()));
        self.seats.push((seat, unnamed));
    }

    /// One of the workers leaves, with all it holds.
    pub fn leave(&mut self) {
        let at = self.world.draw(|rng| rng.below(self.seats.len()));
        if at < self.seats.len() {
            let (seat, _) = self.seats.swap_remove(at);
            self.collect();
            self.vanish(seat.id);
        }
    }

    /// Everybody leaves.
    pub fn leave_all(&mut self) {
        self.collect();
        for (seat, _) in std::mem::take(&mut self.seats) {
            self.vanish(seat.id);
        }
    }

    fn vanish(&mut self, worker: WorkerId) {
        self.world.tell(|| format!("worker {} vanishes", worker.number()));
        self.seats.retain(|(seat, _)| seat.id != worker);
        self.held.retain(|held| held.worker != worker);
        self.dispatch.leave(worker);
    }

    /// Takes in what was handed out. Who returns no tokens and has been silent for too long is not waited for, and must stay silent: what
    /// it said would be taken for the answer to what was handed out since.
    pub fn collect(&mut self) {
        let now = self.world.now();
        self.held.retain(|held| !held.unnamed || held.since.until(now) < TURN_LEASE);
        for (seat, unnamed) in &mut self.seats {
            while let Ok(item) = seat.items.try_recv() {
                self.world.tell(|| format!("worker {} gets {}", seat.id.number(), short(&item)));
                self.held.push(Held { worker: seat.id, item, unnamed: *unnamed, since: now });
            }
        }
    }

    /// Some of what is held is done with, or an old answer comes once more.
    pub async fn work(&mut self) {
        self.collect();
        let (at, old) = self.world.draw(|rng| (rng.below(self.held.len()), rng.often(100)));
        if old && !self.stale.is_empty() {
            let at = self.world.draw(|rng| rng.below(self.stale.len()));
            let said = self.stale.swap_remove(at);
            self.world.tell(|| "an old answer comes".to_owned());
            return self.say(said);
        }
        if at >= self.held.len() {
            return;
        }
        let Held { worker, item, unnamed, .. } = self.held.swap_remove(at);
        let mischief = self.world.plan.mischief;
        if !self.world.draw(|rng| rng.often(mischief)) {
            let said = self.answer(&item, unnamed).await;
            self.world.tell(|| format!("worker {} answers {}", worker.number(), short(&item)));
            return self.say(said);
        }
        let mut kinds =
            vec![(4, Mischief::Twice), (3, Mischief::PutBack), (3, Mischief::Forget), (2, Mischief::Vanish)];
        if self.world.plan.nonsense {
            kinds.push((3, Mischief::Nonsense));
        }
        let mischief = self.world.draw(|rng| rng.weighted(&kinds));
        match mischief {
            // An answer that names no token can only be told from others if each comes once.
            Mischief::Twice if !unnamed => {
                let said = self.answer(&item, unnamed).await;
                self.world
                    .tell(|| format!("worker {} answers {} more than once", worker.number(), short(&item)));
                self.stale.push(said.clone());
                self.say(said);
            }
            Mischief::PutBack if self.may_grumble(&item) => {
                self.world.tell(|| format!("worker {} puts back {}", worker.number(), short(&item)));
                let (token, kind) = token(&item);
                self.dispatch.abandon(self.hub, token, kind);
            }
            Mischief::Twice | Mischief::PutBack | Mischief::Forget => {
                self.world.tell(|| format!("worker {} forgets {}", worker.number(), short(&item)));
                let said = self.answer(&item, unnamed).await;
                self.keep(said, unnamed);
            }
            Mischief::Vanish => {
                let said = self.answer(&item, unnamed).await;
                self.keep(said, unnamed);
                self.vanish(worker);
            }
            Mischief::Nonsense => self.nonsense(&item).await,
        }
    }

    /// Does all there is, honestly, until nothing comes for so long that no timer can be open. `false`: there is no end to it.
    pub async fn work_all(&mut self, quiet: std::time::Duration) -> bool {
        for _ in 0..10_000 {
            self.collect();
            if let Some(Held { item, unnamed, .. }) = self.held.pop() {
                let said = self.answer(&item, unnamed).await;
                self.say(said);
                continue;
            }
            let Some((seat, _)) = self.seats.first_mut() else { return true };
            match tokio::time::timeout(quiet, seat.items.recv()).await {
                Ok(Some(item)) => {
                    let worker = seat.id;
                    self.world.tell(|| format!("worker {} gets {}", worker.number(), short(&item)));
                    self.held.push(Held { worker, item, unnamed: false, since: self.world.now() });
                }
                Ok(None) | Err(_) => return true,
            }
        }
        false
    }

    /// An answer that comes late, if it comes.
    fn keep(&mut self, said: Said, unnamed: bool) {
        if !unnamed {
            self.stale.push(said);
        }
    }

    fn may_grumble(&mut self, item: &WorkItem) -> bool {
        let WorkItem::Batch(BatchItem { entity, .. }) = item else { return true };
        let grumbles = self.grumbles.entry(entity.key).or_default();
        *grumbles += 1;
        *grumbles <= GRUMBLES
    }

    async fn nonsense(&mut self, item: &WorkItem) {
        let kind = self.world.draw(|rng| rng.below(4));
        self.world.tell(|| format!("nonsense {kind} about {}", short(item)));
        let mut said = self.answer(item, false).await;
        match kind {
            // Nobody's token, and somebody's in another hub. The item is forgotten.
            0 => {
                *said.token() = "nobody's".to_owned();
                self.say(said);
            }
            1 => {
                let dispatch = self.dispatch.clone();
                tokio::spawn(async move { tell(&dispatch, HubId(99), said).await });
            }
            // What cannot be understood. An orchestration fails of it, and a batch is tried again.
            _ => {
                match &mut said {
                    Said::Turn(response) if kind == 2 => {
                        response.actions.push(pb::OrchestratorAction::default());
                    }
                    Said::Turn(response) => response.requires_history = true,
                    Said::Batch(result) if self.may_grumble(item) => {
                        result.failure_details = Some(failure("Nonsense", "on purpose", false));
                    }
                    Said::Activity(_) | Said::Batch(_) => {}
                }
                self.say(said);
            }
        }
    }

    /// Does the work.
    async fn answer(&self, item: &WorkItem, unnamed: bool) -> Said {
        let mut said = match item.clone() {
            WorkItem::Turn(TurnItem { instance, execution_id, past, events, .. }) => {
                let past = past.iter().map(|chunk| chunk.events().expect("the history can be read"));
                let request = pb::OrchestratorRequest {
                    instance_id: instance.id.to_string(),
                    execution_id: Some(execution_id),
                    past_events: past.flatten().collect(),
                    new_events: events,
                    ..pb::OrchestratorRequest::default()
                };
                let response = self.registry.run_orchestrator(request);
                Said::Turn(pb::OrchestratorResponse { instance_id: instance.id.to_string(), ..response })
            }
            WorkItem::Activity(ActivityItem { task, .. }) => {
                let request = pb::ActivityRequest::decode(task.request).expect("the request can be read");
                let response = self.registry.run_activity(request).await;
                let (instance_id, task_id) = (task.instance.to_string(), task.task_id);
                Said::Activity(pb::ActivityResponse { instance_id, task_id, ..response })
            }
            WorkItem::Batch(BatchItem { entity, state, operations, .. }) => {
                let request = pb::EntityRequest {
                    instance_id: entity.id.to_string(),
                    execution_id: String::new(),
                    entity_state: state.as_deref().map(str::to_owned),
                    operation_requests: operations,
                };
                Said::Batch(self.registry.run_entity(request).await)
            }
        };
        let (token, kind) = token(item);
        if !unnamed || kind == Kind::Batch {
            *said.token() = token.to_owned();
        }
        said
    }

    fn say(&self, said: Said) {
        let (dispatch, hub) = (self.dispatch.clone(), self.hub);
        tokio::spawn(async move { tell(&dispatch, hub, said).await });
    }
}

impl Said {
    fn token(&mut self) -> &mut String {
        match self {
            Self::Turn(response) => &mut response.completion_token,
            Self::Activity(response) => &mut response.completion_token,
            Self::Batch(result) => &mut result.completion_token,
        }
    }
}

/// What could not be stored is handed out again, so workers need not care.
async fn tell(dispatch: &Dispatch, hub: HubId, said: Said) {
    let _stored = match said {
        Said::Turn(response) => dispatch.complete_turn(hub, response).await,
        Said::Activity(response) => dispatch.complete_activity(hub, response).await,
        Said::Batch(result) => dispatch.complete_batch(hub, result).await,
    };
}

fn token(item: &WorkItem) -> (&str, Kind) {
    match item {
        WorkItem::Turn(TurnItem { token, .. }) => (token, Kind::Turn),
        WorkItem::Activity(ActivityItem { token, .. }) => (token, Kind::Activity),
        WorkItem::Batch(BatchItem { token, .. }) => (token, Kind::Batch),
    }
}

fn short(item: &WorkItem) -> String {
    match item {
        WorkItem::Turn(turn) => {
            let (key, name, new) = (turn.instance.key.0, &turn.instance.name, turn.events.len() - 1);
            format!("a turn of {key} ({name}) with {new} new")
        }
        WorkItem::Activity(activity) => format!("activity {:?} {}", activity.task.key, activity.task.name),
        WorkItem::Batch(batch) => format!("a batch of {} for {}", batch.operations.len(), batch.entity.id),
    }
}
