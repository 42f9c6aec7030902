//! What the store in memory holds, and how a test reaches into it past the API.

use super::jobs::Jobs;
use crate::{
    dispatch::Waiters,
    model::{
        FailureBrief, HubId, HubName, InstanceId, InstanceKey, InstanceRecord, NewMessage, Parking, Payloads,
        Revision, StatusExt as _, Timestamp, pb::HistoryEvent,
    },
    store::{
        By, Error, Filter, Found, Histogram, HistogramQuery, HistorySize, Holds, Moment, Place, Recorded,
        Search, Searched, Series, Walk,
    },
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
    pub jobs: Jobs,
    pub parked: HashMap<InstanceKey, Parking>,
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

    pub fn search(&self, hub: HubId, search: &Search, walk: &Walk, rows: usize) -> Searched {
        let holds = |part: &Option<String>, text: Option<&String>| {
            part.as_deref().is_none_or(|part| text.is_some_and(|text| Holds::new(part).is_in(text)))
        };
        let (found, next) = self.page(hub, walk, rows, |kept| {
            let message = kept.payloads.failure.as_ref().map(|failure| &failure.error_message);
            search.filter.matches(&kept.record)
                && holds(&search.error, message)
                && holds(&search.custom_status, kept.payloads.custom_status.as_ref())
        });
        let show = |kept: &Kept| Found {
            record: kept.record.clone(),
            custom_status: kept.payloads.custom_status.clone(),
            failure: kept.payloads.failure.as_ref().map(FailureBrief::of),
            size: search.sizes.then(HistorySize::default),
        };
        Searched { instances: found.into_iter().map(show).collect(), next }
    }

    pub fn histogram(&self, hub: HubId, filter: &Filter, query: &HistogramQuery) -> Histogram {
        let from = query.from.unwrap_or(Timestamp(query.before.0 - 3_600_000_000));
        let (mut histogram, buckets) = Histogram::empty(from, query.before, query.buckets);
        for kept in self.kept.values() {
            let record = &kept.record;
            let at = match query.of {
                Moment::Created => Some(record.created_at),
                Moment::Completed => record.completed_at,
            };
            let within = at.filter(|at| (from..query.before).contains(at));
            let (true, Some(at)) = (record.hub == hub && filter.matches(record), within) else { continue };
            let mut counts = vec![0; buckets];
            counts[usize::try_from((at.0 - from.0) / 1_000 / histogram.bucket_ms).unwrap()] = 1;
            let key = match query.by {
                By::Name => record.name.to_string(),
                By::Status => record.status.name().to_owned(),
            };
            match histogram.series.iter_mut().find(|series| series.key.as_ref() == Some(&key)) {
                Some(series) => series.counts.iter_mut().zip(counts).for_each(|(sum, more)| *sum += more),
                None => histogram.series.push(Series { key: Some(key), counts }),
            }
        }
        histogram
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
