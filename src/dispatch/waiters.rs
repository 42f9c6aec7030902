//! Who waits for an instance to change. A waiter costs one map entry and no polling, and is woken only by what it waits for: an
//! instance of many turns with many callers who wait for its end wakes each of them once.

use super::watchers::{Watcher, Watchers};
use crate::model::{HubId, InstanceId, Status, StatusExt as _};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;

type Address = (HubId, InstanceId);

/// How many changes a waiter may lag behind. Whoever misses some is told to look, which is all a waiter needs.
const BACKLOG: usize = 16;

/// Which changes wake a waiter. That the instance is gone wakes every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// All of them.
    Any,
    /// Any status but Pending.
    Started,
    /// A terminal status.
    Ended,
}

impl Interest {
    /// Whether an instance of this status is what is waited for.
    pub fn is_met_by(self, status: Status) -> bool {
        match self {
            Interest::Any => true,
            Interest::Started => status != Status::Pending,
            Interest::Ended => status.is_terminal(),
        }
    }
}

/// Those who wait for the same of one instance.
#[derive(Debug)]
struct Topic {
    interest: Interest,
    changes: broadcast::Sender<Option<Status>>,
}

/// All waiters of this process, by instance.
#[derive(Debug, Default)]
pub struct Waiters {
    topics: Mutex<HashMap<Address, Vec<Topic>>>,
    watchers: Arc<Watchers>,
}

impl Waiters {
    /// Starts listening. Changes told before this call are not seen.
    pub fn subscribe(self: &Arc<Self>, hub: HubId, id: InstanceId, interest: Interest) -> Waiter {
        let address = (hub, id);
        let mut topics = self.lock();
        let here = topics.entry(address.clone()).or_default();
        let changes = match here.iter().find(|topic| topic.interest == interest) {
            Some(topic) => topic.changes.subscribe(),
            None => {
                let (changes, listener) = broadcast::channel(BACKLOG);
                here.push(Topic { interest, changes });
                listener
            }
        };
        Waiter { waiters: self.clone(), address, changes: Some(changes) }
    }

    /// Starts listening to all that changes in the hub, or to some of its instances. `None`: too many listen already.
    pub fn watch(&self, hub: HubId, only: HashSet<InstanceId>) -> Option<Watcher> {
        self.watchers.watch(hub, only)
    }

    /// How many listen to all that changes.
    #[cfg(test)]
    pub fn watching(&self) -> usize {
        self.watchers.count()
    }

    /// Tells whoever is interested that the instance has this status now; `None` if it is gone.
    pub fn tell(&self, hub: HubId, id: &InstanceId, status: Option<Status>) {
        self.watchers.tell(hub, id, status);
        let topics = self.lock();
        if topics.is_empty() {
            return;
        }
        for topic in topics.get(&(hub, id.clone())).into_iter().flatten() {
            if status.is_none_or(|status| topic.interest.is_met_by(status)) {
                // Nobody listening any more is fine: the last waiter is about to remove the topic.
                drop(topic.changes.send(status));
            }
        }
    }

    /// How many waiters there are.
    pub fn count(&self) -> usize {
        self.lock().values().flatten().map(|topic| topic.changes.receiver_count()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Vec<Topic>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens for changes of one instance until dropped.
#[derive(Debug)]
pub struct Waiter {
    waiters: Arc<Waiters>,
    address: Address,
    changes: Option<broadcast::Receiver<Option<Status>>>,
}

impl Waiter {
    /// The next change of interest. `None`: the instance is gone, or changes were missed; look for yourself.
    pub async fn next(&mut self) -> Option<Status> {
        self.changes.as_mut()?.recv().await.unwrap_or_default()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut topics = self.waiters.lock();
        // Under the lock, so that nobody subscribes to a topic that is about to go.
        self.changes = None;
        if let Some(here) = topics.get_mut(&self.address) {
            here.retain(|topic| topic.changes.receiver_count() > 0);
            if here.is_empty() {
                topics.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiter_hears_of_its_instance_only_and_leaves_nothing_behind() {
        let waiters = Arc::new(Waiters::default());
        let id = InstanceId::lookup("a");
        let mut waiter = waiters.subscribe(HubId(1), id.clone(), Interest::Any);
        waiters.tell(HubId(2), &id, Some(Status::Failed));
        waiters.tell(HubId(1), &InstanceId::lookup("b"), Some(Status::Failed));
        waiters.tell(HubId(1), &id, Some(Status::Completed));
        assert_eq!(waiter.next().await, Some(Status::Completed));
        drop(waiter);
        assert!(waiters.lock().is_empty());
    }

    #[tokio::test]
    async fn a_waiter_is_woken_by_what_it_waits_for_and_nothing_else() {
        let waiters = Arc::new(Waiters::default());
        let id = InstanceId::lookup("a");
        let subscribe = |interest| waiters.subscribe(HubId(1), id.clone(), interest);
        let (mut any, mut started, mut ended) =
            (subscribe(Interest::Any), subscribe(Interest::Started), subscribe(Interest::Ended));
        let mut also = subscribe(Interest::Ended);
        assert_eq!(waiters.count(), 4);
        waiters.tell(HubId(1), &id, Some(Status::Pending));
        assert_eq!(any.next().await, Some(Status::Pending));
        // More turns than a waiter could lag behind.
        for _ in 0..2 * BACKLOG {
            waiters.tell(HubId(1), &id, Some(Status::Running));
            assert_eq!(any.next().await, Some(Status::Running));
            assert_eq!(started.next().await, Some(Status::Running));
        }
        waiters.tell(HubId(1), &id, Some(Status::Failed));
        waiters.tell(HubId(1), &id, None);
        for waiter in [&mut any, &mut started, &mut ended, &mut also] {
            assert_eq!(waiter.next().await, Some(Status::Failed));
            assert_eq!(waiter.next().await, None);
        }
        drop((any, ended));
        assert_eq!(waiters.count(), 2);
        drop((started, also));
        assert!(waiters.lock().is_empty());
    }

    #[tokio::test]
    async fn a_waiter_that_fell_behind_is_told_to_look_for_itself() {
        let waiters = Arc::new(Waiters::default());
        let id = InstanceId::lookup("a");
        let mut waiter = waiters.subscribe(HubId(1), id.clone(), Interest::Any);
        for _ in 0..=BACKLOG {
            waiters.tell(HubId(1), &id, Some(Status::Running));
        }
        assert_eq!(waiter.next().await, None);
    }
}
