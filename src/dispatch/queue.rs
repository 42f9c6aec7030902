//! Ready work, queued by what a worker must know to do it. Queues nobody serves cost nothing but their entries.

use super::worker::Kind;
use crate::model::{ActivityTask, HubId, InstanceId, InstanceRef, Timestamp};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

/// Hub, kind, name and version of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub hub: HubId,
    pub kind: Kind,
    pub name: Arc<str>,
    pub version: Option<Arc<str>>,
}

impl Route {
    /// Of a turn, or of an entity's batch.
    pub fn of_turn(instance: &InstanceRef) -> Self {
        let InstanceRef { hub, id, name, version, .. } = instance;
        Self { hub: *hub, kind: turn_kind(id), name: name.clone(), version: version.clone() }
    }

    pub fn of_activity(task: &ActivityTask) -> Self {
        let ActivityTask { hub, name, version, .. } = task;
        Self { hub: *hub, kind: Kind::Activity, name: name.clone(), version: version.clone() }
    }

    fn order(&self) -> (HubId, u8, &str, Option<&str>) {
        (self.hub, self.kind as u8, &self.name, self.version.as_deref())
    }
}

/// What kind of work it is to bring an instance forward.
pub(super) fn turn_kind(id: &InstanceId) -> Kind {
    if id.is_entity() { Kind::Batch } else { Kind::Turn }
}

/// Where an item stands in the queue of its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(i64);

/// First in, first out for each route; the routes take turns. An item can leave from any place, so nothing that is over stays behind.
#[derive(Debug)]
pub(super) struct Queues<T> {
    queues: HashMap<Route, Queue<T>>,
    /// Routes with work that some worker serves, in the order of their turns.
    ring: VecDeque<Route>,
    /// Routes with work that no connected worker serves.
    unserved: HashSet<Route>,
}

/// The items of one route, each with the time since when somebody has been waiting here without a break.
type Queue<T> = BTreeMap<Place, (Timestamp, T)>;

impl<T> Default for Queues<T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), ring: VecDeque::new(), unserved: HashSet::new() }
    }
}

impl<T> Queues<T> {
    /// Adds an item at the end, or at the front if it was there before. Answers its place.
    pub fn push(&mut self, route: &Route, item: T, front: bool, now: Timestamp) -> Place {
        let queue = match self.queues.get_mut(route) {
            Some(queue) => queue,
            None => {
                self.ring.push_back(route.clone());
                self.queues.entry(route.clone()).or_default()
            }
        };
        let place = match front {
            true => Place(queue.first_key_value().map_or(0, |(first, _)| first.0 - 1)),
            false => Place(queue.last_key_value().map_or(0, |(last, _)| last.0 + 1)),
        };
        let first = queue.first_key_value().map(|(_, (since, _))| *since);
        queue.insert(place, (first.filter(|_| front).unwrap_or(now), item));
        place
    }

    /// How many items wait on a route.
    pub fn len(&self, route: &Route) -> usize {
        self.queues.get(route).map_or(0, BTreeMap::len)
    }

    /// Since when the queue of a route has not been empty of those who wait in it now.
    pub fn since(&self, route: &Route) -> Option<Timestamp> {
        self.queues.get(route)?.first_key_value().map(|(_, (since, _))| *since)
    }

    /// All routes with work, how much of it, and whether some worker serves it.
    pub fn lengths(&self) -> impl Iterator<Item = (&Route, usize, bool)> {
        self.queues.iter().map(|(route, queue)| (route, queue.len(), !self.unserved.contains(route)))
    }

    /// Whether the route has work in memory that nobody serves.
    pub fn is_unserved(&self, route: &Route) -> bool {
        self.unserved.contains(route)
    }

    /// The first item of a route.
    pub fn peek(&self, route: &Route) -> Option<&T> {
        self.queues.get(route)?.first_key_value().map(|(_, (_, item))| item)
    }

    /// Takes the first item of a route.
    pub fn pop(&mut self, route: &Route) -> Option<T> {
        let (_, (_, item)) = self.queues.get_mut(route)?.pop_first()?;
        self.forget_if_empty(route);
        Some(item)
    }

    /// Takes an item out, wherever it stands.
    pub fn remove(&mut self, route: &Route, place: Place) {
        if let Some(queue) = self.queues.get_mut(route) {
            queue.remove(&place);
            self.forget_if_empty(route);
        }
    }

    fn forget_if_empty(&mut self, route: &Route) {
        if self.queues.get(route).is_some_and(BTreeMap::is_empty) {
            self.queues.remove(route);
            if !self.unserved.remove(route) {
                self.ring.retain(|other| other != route);
            }
        }
    }

    /// The route whose turn it is; it goes to the end of the ring.
    pub fn rotate(&mut self) -> Option<Route> {
        let route = self.ring.pop_front()?;
        self.ring.push_back(route.clone());
        Some(route)
    }

    /// How many routes have work that somebody serves.
    pub fn served(&self) -> usize {
        self.ring.len()
    }

    /// How many items wait on all routes.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.queues.values().map(BTreeMap::len).sum()
    }

    /// Sets a route aside until a worker joins.
    pub fn set_aside(&mut self, route: &Route) {
        self.ring.retain(|other| other != route);
        if self.queues.contains_key(route) && self.unserved.insert(route.clone()) {
            let (name, version) = (&route.name, route.version.as_deref());
            tracing::info!(name = %name, version, kind = ?route.kind, "no connected worker serves this; its work waits");
        }
    }

    /// Brings back what was set aside: somebody new may serve it. In an order that does not depend on how the routes were hashed, so that
    /// a simulation can be repeated.
    pub fn reconsider(&mut self) {
        let mut routes: Vec<_> = self.unserved.drain().collect();
        routes.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        self.ring.extend(routes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(0);

    fn route(name: &str) -> Route {
        Route { hub: HubId(1), kind: Kind::Turn, name: name.into(), version: None }
    }

    #[test]
    fn routes_take_turns_and_empty_ones_are_forgotten() {
        let mut queues = Queues::default();
        for (name, item) in [("a", 1), ("a", 2), ("b", 3)] {
            queues.push(&route(name), item, false, NOW);
        }
        let mut seen = Vec::new();
        while let Some(next) = queues.rotate() {
            seen.extend(queues.pop(&next));
        }
        assert_eq!(seen, [1, 3, 2]);
        assert_eq!(queues.served(), 0);
        assert!(queues.queues.is_empty());
    }

    #[test]
    fn an_item_can_leave_from_the_middle() {
        let mut queues = Queues::default();
        let places = [1, 2, 3].map(|item| queues.push(&route("a"), item, false, NOW));
        queues.remove(&route("a"), places[1]);
        queues.remove(&route("a"), places[1]);
        assert_eq!([queues.pop(&route("a")), queues.pop(&route("a"))], [Some(1), Some(3)]);
        assert!(queues.queues.is_empty() && queues.ring.is_empty());
    }

    #[test]
    fn what_nobody_serves_waits_aside_and_keeps_its_order() {
        let mut queues = Queues::default();
        queues.push(&route("a"), 1, false, NOW);
        queues.set_aside(&route("a"));
        assert_eq!(queues.rotate(), None);
        queues.push(&route("a"), 2, false, NOW);
        queues.push(&route("a"), 0, true, NOW);
        queues.reconsider();
        assert_eq!(queues.rotate(), Some(route("a")));
        assert_eq!(
            [queues.pop(&route("a")), queues.pop(&route("a")), queues.pop(&route("a"))],
            [Some(0), Some(1), Some(2)]
        );
    }
}
