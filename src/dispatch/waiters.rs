//! Who waits for an instance to change. A waiter costs one map entry and no polling.

use crate::model::{HubId, InstanceId, Status};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;

type Address = (HubId, InstanceId);

/// How many changes a waiter may lag behind. Whoever misses some is told the newest, which is all a waiter needs.
const BACKLOG: usize = 16;

/// All waiters of this process, by instance.
#[derive(Debug, Default)]
pub struct Waiters {
    topics: Mutex<HashMap<Address, broadcast::Sender<Option<Status>>>>,
}

impl Waiters {
    /// Starts listening. Changes told before this call are not seen.
    pub fn subscribe(self: &Arc<Self>, hub: HubId, id: InstanceId) -> Waiter {
        let address = (hub, id);
        let changes =
            self.lock().entry(address.clone()).or_insert_with(|| broadcast::channel(BACKLOG).0).subscribe();
        Waiter { waiters: self.clone(), address, changes: Some(changes) }
    }

    /// Tells whoever listens that the instance has this status now; `None` if it is gone.
    pub fn tell(&self, hub: HubId, id: &InstanceId, status: Option<Status>) {
        let topics = self.lock();
        if topics.is_empty() {
            return;
        }
        if let Some(topic) = topics.get(&(hub, id.clone())) {
            // Nobody listening any more is fine: the last waiter is about to remove the topic.
            drop(topic.send(status));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, broadcast::Sender<Option<Status>>>> {
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
    /// The next change. `None`: the instance is gone, or changes were missed; look for yourself.
    pub async fn next(&mut self) -> Option<Status> {
        self.changes.as_mut()?.recv().await.unwrap_or_default()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.changes = None;
        let mut topics = self.waiters.lock();
        if topics.get(&self.address).is_some_and(|topic| topic.receiver_count() == 0) {
            topics.remove(&self.address);
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
        let mut waiter = waiters.subscribe(HubId(1), id.clone());
        waiters.tell(HubId(2), &id, Some(Status::Failed));
        waiters.tell(HubId(1), &InstanceId::lookup("b"), Some(Status::Failed));
        waiters.tell(HubId(1), &id, Some(Status::Completed));
        assert_eq!(waiter.next().await, Some(Status::Completed));
        drop(waiter);
        assert!(waiters.lock().is_empty());
    }

    #[tokio::test]
    async fn a_waiter_that_fell_behind_is_told_to_look_for_itself() {
        let waiters = Arc::new(Waiters::default());
        let id = InstanceId::lookup("a");
        let mut waiter = waiters.subscribe(HubId(1), id.clone());
        for _ in 0..=BACKLOG {
            waiters.tell(HubId(1), &id, Some(Status::Running));
        }
        assert_eq!(waiter.next().await, None);
    }
}
