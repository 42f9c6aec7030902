//! Who wants to hear of whatever changes in a hub. Nobody is told one by one: changes collect until the watcher takes them, a bounded
//! number of them, so that one who is slow costs nothing but detail. While nobody watches, a change costs one look at a number.

use crate::model::{HubId, InstanceId, Status};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// How many changed instances a watcher is told by name at a time.
pub const MOST_NAMED: usize = 200;
/// Most watchers at a time: every change visits each of them.
const MOST_WATCHERS: usize = 500;

/// What has changed since the watcher was told last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The latest status of each; `None`: it is gone.
    pub instances: HashMap<InstanceId, Option<Status>>,
    /// There are others.
    pub more: bool,
}

impl Changes {
    fn add(&mut self, id: &InstanceId, status: Option<Status>) {
        if let Some(latest) = self.instances.get_mut(id) {
            *latest = status;
        } else if self.instances.len() < MOST_NAMED {
            self.instances.insert(id.clone(), status);
        } else {
            self.more = true;
        }
    }
}

/// One watcher's end that is written to.
#[derive(Debug)]
struct Ear {
    hub: HubId,
    /// Only these; empty: all of the hub.
    only: HashSet<InstanceId>,
    heard: Mutex<Changes>,
    bell: Notify,
}

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Changes> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All watchers of this process.
#[derive(Debug, Default)]
pub struct Watchers {
    /// How many there are; read without the lock.
    count: AtomicUsize,
    ears: Mutex<Vec<Arc<Ear>>>,
}

impl Watchers {
    /// Starts listening to the hub, or to some of its instances only. `None`: too many listen already.
    pub fn watch(self: &Arc<Self>, hub: HubId, only: HashSet<InstanceId>) -> Option<Watcher> {
        let mut ears = self.ears();
        if ears.len() >= MOST_WATCHERS {
            return None;
        }
        let ear = Arc::new(Ear { hub, only, heard: Mutex::default(), bell: Notify::new() });
        ears.push(ear.clone());
        self.count.store(ears.len(), Ordering::Release);
        Some(Watcher { watchers: self.clone(), ear })
    }

    /// Tells whoever listens that the instance has this status now; `None` if it is gone.
    pub fn tell(&self, hub: HubId, id: &InstanceId, status: Option<Status>) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for ear in self.ears().iter().filter(|ear| ear.hub == hub) {
            if ear.only.is_empty() || ear.only.contains(id) {
                ear.heard().add(id, status);
                ear.bell.notify_one();
            }
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.ears().len()
    }

    fn ears(&self) -> MutexGuard<'_, Vec<Arc<Ear>>> {
        self.ears.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens until dropped.
#[derive(Debug)]
pub struct Watcher {
    watchers: Arc<Watchers>,
    ear: Arc<Ear>,
}

impl Watcher {
    /// Waits until something has changed, and takes all that has.
    pub async fn next(&self) -> Changes {
        loop {
            let heard = std::mem::take(&mut *self.ear.heard());
            if !heard.instances.is_empty() {
                return heard;
            }
            self.ear.bell.notified().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut ears = self.watchers.ears();
        ears.retain(|ear| !Arc::ptr_eq(ear, &self.ear));
        self.watchers.count.store(ears.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn id(text: &str) -> InstanceId {
        InstanceId::lookup(text)
    }

    #[tokio::test]
    async fn a_watcher_hears_of_its_hub_the_latest_of_each_and_leaves_nothing_behind() {
        let watchers = Arc::new(Watchers::default());
        watchers.tell(HubId(1), &id("before"), Some(Status::Failed));
        let watcher = watchers.watch(HubId(1), HashSet::new()).unwrap();
        watchers.tell(HubId(2), &id("elsewhere"), Some(Status::Failed));
        assert!(watcher.next().now_or_never().is_none());
        for status in [Some(Status::Running), Some(Status::Completed), None] {
            watchers.tell(HubId(1), &id("a"), status);
        }
        watchers.tell(HubId(1), &id("b"), Some(Status::Failed));
        let changes = watcher.next().await;
        assert_eq!(changes.instances, [(id("a"), None), (id("b"), Some(Status::Failed))].into());
        assert!(!changes.more);
        assert!(watcher.next().now_or_never().is_none());
        drop(watcher);
        assert_eq!((watchers.count.load(Ordering::Relaxed), watchers.ears().len()), (0, 0));
    }

    #[tokio::test]
    async fn beyond_so_many_it_is_only_told_that_there_are_more() {
        let watchers = Arc::new(Watchers::default());
        let watcher = watchers.watch(HubId(1), HashSet::new()).unwrap();
        for number in 0..=MOST_NAMED {
            watchers.tell(HubId(1), &id(&number.to_string()), Some(Status::Running));
        }
        watchers.tell(HubId(1), &id("0"), Some(Status::Failed));
        let changes = watcher.next().await;
        assert_eq!((changes.instances.len(), changes.more), (MOST_NAMED, true));
        assert_eq!(changes.instances[&id("0")], Some(Status::Failed));
        watchers.tell(HubId(1), &id("z"), None);
        assert_eq!(watcher.next().await, Changes { instances: [(id("z"), None)].into(), more: false });
    }

    #[tokio::test]
    async fn one_who_asks_for_some_hears_of_those() {
        let watchers = Arc::new(Watchers::default());
        let watcher = watchers.watch(HubId(1), [id("a")].into()).unwrap();
        watchers.tell(HubId(1), &id("b"), Some(Status::Running));
        assert!(watcher.next().now_or_never().is_none());
        watchers.tell(HubId(1), &id("a"), Some(Status::Running));
        assert_eq!(watcher.next().await.instances.len(), 1);
    }

    #[test]
    fn there_is_an_end_to_watchers() {
        let watchers = Arc::new(Watchers::default());
        let mut all: Vec<_> =
            (0..MOST_WATCHERS).map(|_| watchers.watch(HubId(1), HashSet::new()).unwrap()).collect();
        assert!(watchers.watch(HubId(1), HashSet::new()).is_none());
        all.pop();
        assert!(watchers.watch(HubId(1), HashSet::new()).is_some());
    }
}
