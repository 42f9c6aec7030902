//! What the board shows of itself.

use super::{Board, Connected};
use crate::{
    dispatch::{
        insight::{ActivityView, InstanceView, Places, QueueView, ServedNames, Standing, WorkerView},
        lease::Waiting,
        queue::Route,
        slot::Stage,
        tally::Tally,
        worker::{EntityNames, Kind, Names, Serves, WorkerId},
    },
    model::InstanceKey,
};

impl Board {
    pub fn show_workers(&self) -> Vec<WorkerView> {
        self.workers.iter().map(|(id, worker)| worker.show(*id)).collect()
    }

    pub fn show_queues(&self) -> Vec<QueueView> {
        let show = |(route, waiting, served): (&Route, usize, bool)| QueueView {
            more: self.is_behind(route),
            hub: route.hub,
            kind: route.kind,
            name: route.name.clone(),
            version: route.version.clone(),
            waiting,
            served,
            limit: self.leases.limits().of(route),
            since: match route.kind {
                Kind::Activity => self.activities.since(route),
                Kind::Turn | Kind::Batch => self.turns.since(route),
            }
            .unwrap_or(self.now),
        };
        self.turns.lengths().chain(self.activities.lengths()).map(show).collect()
    }

    pub fn show_tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        for (hub, kind, _) in self.leases.names() {
            *tally.held.entry((hub, kind)).or_default() += 1;
        }
        tally
    }

    pub fn show_instance(&self, key: InstanceKey) -> InstanceView {
        let slot = self.instances.get(&key);
        let turn = slot.and_then(|slot| match &slot.stage {
            Stage::Idle => None,
            Stage::Queued(_) => Some(self.standing(&Route::of_turn(&slot.reference))),
            Stage::Leased { token, .. } => Some(self.holder(token)),
            Stage::Resting => Some(Standing::Resting),
            Stage::Loading(_) | Stage::Applying | Stage::Committing(_) => Some(Standing::UnderWay),
            Stage::Parked => Some(Standing::Parked),
        });
        let show = |waiting: &Waiting, standing| ActivityView {
            task_id: waiting.task.task_id,
            standing,
            returns: waiting.returns.times,
        };
        let waiting = self.waiting.of(key).map(|waiting| {
            let standing = match waiting.place {
                Some(_) => self.standing(&Route::of_activity(&waiting.task)),
                None => Standing::Resting,
            };
            show(waiting, standing)
        });
        let held = self.leases.activities_of(key).map(|(token, waiting)| show(waiting, self.holder(token)));
        let mut activities: Vec<_> = waiting.chain(held).collect();
        activities.sort_unstable_by_key(|activity| activity.task_id);
        InstanceView { turn, returns: slot.map_or(0, |slot| slot.returns.times), activities }
    }

    pub fn show_behind(&self, route: &Route) -> Option<Standing> {
        self.is_behind(route).then(|| self.standing(route))
    }

    /// How what waits on a route stands.
    fn standing(&self, route: &Route) -> Standing {
        let unserved = match route.kind {
            Kind::Activity => self.activities.is_unserved(route),
            Kind::Turn | Kind::Batch => self.turns.is_unserved(route),
        };
        match self.leases.limits().of(route) {
            _ if unserved => Standing::Unserved,
            Some(places) if places.is_full() => Standing::Limited { most: places.most },
            Some(_) | None => Standing::Queued,
        }
    }

    fn is_behind(&self, route: &Route) -> bool {
        match route.kind {
            Kind::Activity => self.behind_activities.is_behind(route),
            Kind::Turn | Kind::Batch => self.behind_turns.is_behind(route),
        }
    }

    fn holder(&self, token: &str) -> Standing {
        let Some((worker, since)) = self.leases.holder(token) else { return Standing::UnderWay };
        let label = self.workers.get(&worker).map(|worker| worker.offer.label.clone());
        Standing::Held { worker: label.unwrap_or_default(), since }
    }
}

impl Connected {
    fn show(&self, id: WorkerId) -> WorkerView {
        let places = |kind| {
            let most = self.offer.limit(kind);
            Places { held: most - self.room(kind), most }
        };
        WorkerView {
            id,
            label: self.offer.label.clone(),
            hub: self.offer.hub,
            embedded: self.offer.embedded,
            since: self.since,
            turns: places(Kind::Turn),
            activities: places(Kind::Activity),
            batches: places(Kind::Batch),
            answered: self.answered,
            names: match &self.offer.serves {
                Serves::Everything => None,
                Serves::Named { orchestrations, activities, entities } => Some(ServedNames {
                    orchestrations: in_order(orchestrations),
                    activities: in_order(activities),
                    entities: match entities {
                        EntityNames::All => None,
                        EntityNames::These(names) => Some(sorted(names.iter().cloned())),
                    },
                }),
            },
        }
    }
}

fn in_order(names: &Names) -> Vec<String> {
    sorted(names.keys().cloned())
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}
