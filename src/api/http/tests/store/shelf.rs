//! What the store in memory holds, and how a test reaches into it past the API.

use crate::{
    dispatch::Waiters,
    model::{
        HubId, HubName, InstanceId, InstanceRecord, Job, JobFailure, NewMessage, Payloads, Revision,
        Timestamp, pb::HistoryEvent,
    },
    store::{Error, Place, Recorded, Walk},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// One instance with all it has.
pub struct Kept {
    pub record: InstanceRecord,
    pub payloads: Payloads,
    pub history: Vec<HistoryEvent>,
    pub inbox: Vec<NewMessage>,
    /// Earlier histories.
    pub revisions: Vec<(Revision, Vec<HistoryEvent>)>,
}

#[derive(Default)]
pub struct Shelf {
    pub hubs: Vec<(HubId, HubName)>,
    pub kept: HashMap<(HubId, InstanceId), Kept>,
    pub keys: i64,
    pub records: HashMap<(HubId, String), (Recorded, Timestamp)>,
    pub reads: usize,
    pub trouble: Option<fn() -> Error>,
    /// How many events were handed out in parts.
    pub events_read: usize,
    pub jobs: Vec<(Job, Vec<JobFailure>)>,
}

impl Shelf {
    /// A page of those that are wanted, and where the next one begins.
    pub fn page(
        &self,
        hub: HubId,
        walk: &Walk,
        rows: usize,
        wanted: impl Fn(&Kept) -> bool,
    ) -> (Vec<&Kept>, Option<Walk>) {
        let place = |kept: &Kept| Place::of(walk.order, &kept.record);
        let mut found: Vec<&Kept> = self.kept.values().filter(|kept| kept.record.hub == hub).collect();
        found.retain(|kept| {
            let behind = |after: &Place| walk.compare(after, &place(kept)).is_lt();
            wanted(kept) && walk.after.as_ref().is_none_or(behind)
        });
        found.sort_by(|left, right| walk.compare(&place(left), &place(right)));
        let more = found.len() > rows;
        found.truncate(rows);
        let next = found.last().filter(|_| more).map(|last| walk.after(place(last)));
        (found, next)
    }
}

pub struct MemoryStore {
    shelf: Mutex<Shelf>,
    pub waiters: Arc<Waiters>,
}

impl MemoryStore {
    pub fn new(waiters: Arc<Waiters>) -> Self {
        Self { shelf: Mutex::default(), waiters }
    }

    /// From now on every call fails with this.
    pub fn fail_with(&self, trouble: fn() -> Error) {
        self.shelf.lock().unwrap().trouble = Some(trouble);
    }

    /// Changes an instance by hand and tells whoever waits for it.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Kept)) {
        let address = (HubId(1), InstanceId::lookup(id));
        let mut shelf = self.shelf.lock().unwrap();
        let kept = shelf.kept.get_mut(&address).expect("the instance exists");
        change(kept);
        let status = kept.record.status;
        drop(shelf);
        self.waiters.tell(address.0, &address.1, Some(status));
    }

    /// Takes an instance away, as a purge does, and tells whoever waits for it.
    pub fn vanish(&self, id: &str) {
        let address = (HubId(1), InstanceId::lookup(id));
        self.shelf.lock().unwrap().kept.remove(&address).expect("the instance exists");
        self.waiters.tell(address.0, &address.1, None);
    }

    /// Looks at an instance of the default hub.
    pub fn look<T>(&self, id: &str, look: impl FnOnce(Option<&Kept>) -> T) -> T {
        look(self.shelf.lock().unwrap().kept.get(&(HubId(1), InstanceId::lookup(id))))
    }

    /// How often an instance has been read.
    pub fn reads(&self) -> usize {
        self.shelf.lock().unwrap().reads
    }

    /// How many instances there are, in all hubs.
    pub fn count(&self) -> usize {
        self.shelf.lock().unwrap().kept.len()
    }

    /// How many events were handed out in parts since the last time.
    pub fn events_read(&self) -> usize {
        std::mem::take(&mut self.shelf.lock().unwrap().events_read)
    }

    pub fn open(&self) -> Result<MutexGuard<'_, Shelf>, Error> {
        let shelf = self.shelf.lock().unwrap();
        match shelf.trouble {
            Some(trouble) => Err(trouble()),
            None => Ok(shelf),
        }
    }
}
