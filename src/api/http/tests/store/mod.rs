//! A small store in memory, honest about what the API needs: create, get, list, append, history, purge. Nothing dispatches, so tests set
//! statuses by hand; control messages are applied at once, as the server's own turn would.

mod jobs;
mod shelf;

pub use shelf::{Kept, MemoryStore};

use crate::{
    model::{
        ActivityKey, ActivityTask, Chunk, Class, Commit, EntityId, EntityRecord, HistoryChange, HubId,
        HubName, InstanceId, InstanceKey, InstanceRecord, InstanceRef, Job, JobEnd, JobFailure, JobStep,
        JobWork, Legible, NewInstance, NewJob, NewMessage, Parked, Parking, Payloads, Revision, Status,
        StatusExt as _, Timestamp, pb::history_event::EventType,
    },
    store::{
        Appended, CheckPlace, Checked, Cleared, Counts, Created, Due, EntitiesListed, EntityFilter, Error,
        Filter, Histogram, HistogramQuery, HistorySize, Listed, Loaded, LostTasks, Outline, PageLimits,
        PurgeTree, Purged, Read, Ready, Recorded, Search, Searched, Seen, Store, Suspects, Terms, Walk,
    },
};
use async_trait::async_trait;

#[async_trait]
impl Store for MemoryStore {
    async fn hub_list(&self) -> Result<Vec<(HubId, HubName)>, Error> {
        Ok(self.open()?.hubs.clone())
    }

    async fn hub_ensure(&self, name: HubName) -> Result<HubId, Error> {
        let mut shelf = self.open()?;
        if let Some((hub, _)) = shelf.hubs.iter().find(|(_, known)| known.folded() == name.folded()) {
            return Ok(*hub);
        }
        let hub = HubId(i64::try_from(shelf.hubs.len()).unwrap() + 1);
        shelf.hubs.push((hub, name));
        Ok(hub)
    }

    // There are no entities here; tests of them use the real store.

    async fn entity_signal(&self, _: HubId, _: EntityId, _: NewMessage, _: Timestamp) -> Result<(), Error> {
        Ok(())
    }

    async fn entity_get(&self, _: HubId, _: InstanceId, _: bool) -> Result<Option<EntityRecord>, Error> {
        Ok(None)
    }

    async fn entity_list(
        &self,
        _: HubId,
        _: EntityFilter,
        _: Option<InstanceId>,
        _: bool,
        _: PageLimits,
    ) -> Result<EntitiesListed, Error> {
        Ok(EntitiesListed::default())
    }

    async fn entity_purge(&self, _: HubId, _: EntityId) -> Result<Purged, Error> {
        Ok(Purged::NotFound)
    }

    async fn secret_ensure(&self, _: &str, _: Vec<u8>) -> Result<Vec<u8>, Error> {
        unreachable!("the API has no secrets")
    }

    async fn instance_create(&self, new: NewInstance, terms: Terms) -> Result<Created, Error> {
        let mut shelf = self.open()?;
        let address = (new.hub, new.id.clone());
        if let Some(asked) = &terms.idempotency
            && let Some((recorded, made)) = shelf.records.get(&(new.hub, asked.key.clone()))
            && *made >= asked.valid_from
        {
            return Ok(Created::Recorded(recorded.clone()));
        }
        let holder = shelf.kept.get(&address).map(|kept| (kept.record.key, kept.record.status));
        let awaited = shelf
            .kept
            .get(&address)
            .is_some_and(|kept| kept.record.parent.is_some() && !kept.record.status.is_terminal());
        if terms.only.is_some_and(|only| holder.is_none_or(|(key, _)| key != only)) {
            return Ok(Created::Overtaken);
        }
        let kept = match holder {
            Some((_, status)) if terms.replace.contains(status) && !awaited => None,
            Some((_, status)) if terms.keep.contains(status) => Some(status),
            Some((_, status)) => return Ok(Created::Exists(status)),
            None => None,
        };
        if let Some(asked) = terms.idempotency {
            let recorded =
                Recorded { fingerprint: asked.fingerprint, id: new.id.clone(), created: kept.is_none() };
            shelf.records.insert((new.hub, asked.key), (recorded, new.created_at));
        }
        if let Some(status) = kept {
            return Ok(Created::Kept(status));
        }
        shelf.keys += 1;
        let key = InstanceKey(shelf.keys);
        let payloads = Payloads { input: new.started.input.clone(), ..Payloads::default() };
        let (record, inbox) = (new.record(key), vec![new.start_message()]);
        shelf
            .kept
            .insert(address, Kept { record, payloads, history: Vec::new(), inbox, revisions: Vec::new() });
        Ok(Created::New(key))
    }

    async fn idempotency_get(
        &self,
        hub: HubId,
        key: String,
        valid_from: Timestamp,
    ) -> Result<Option<Recorded>, Error> {
        let shelf = self.open()?;
        let found = shelf.records.get(&(hub, key)).filter(|(_, made)| *made >= valid_from);
        Ok(found.map(|(recorded, _)| recorded.clone()))
    }

    async fn message_append(
        &self,
        hub: HubId,
        id: InstanceId,
        message: NewMessage,
    ) -> Result<Appended, Error> {
        let mut shelf = self.open()?;
        let Some(kept) = shelf.kept.get_mut(&(hub, id.clone())) else { return Ok(Appended::NotFound) };
        if kept.record.status.is_terminal() {
            return Ok(Appended::Ended(kept.record.status));
        }
        if message.class == Class::Control {
            for event in &message.events {
                match event.event_type.as_ref() {
                    Some(EventType::ExecutionTerminated(it)) => {
                        kept.record.status = Status::Terminated;
                        kept.payloads.output = it.input.clone();
                    }
                    Some(EventType::ExecutionSuspended(_)) => kept.record.status = Status::Suspended,
                    Some(EventType::ExecutionResumed(_)) => kept.record.status = Status::Running,
                    other => panic!("not a control message: {other:?}"),
                }
            }
        }
        kept.inbox.push(message);
        let (reference, status) = (kept.record.reference(), kept.record.status);
        drop(shelf);
        self.waiters.tell(hub, &id, Some(status));
        Ok(Appended::To(reference))
    }

    async fn instance_get(
        &self,
        hub: HubId,
        id: InstanceId,
        payloads: bool,
    ) -> Result<Option<(InstanceRecord, Payloads)>, Error> {
        let mut shelf = self.open()?;
        shelf.reads += 1;
        Ok(shelf.kept.get(&(hub, id)).map(|kept| {
            let failure = kept.payloads.failure.clone();
            let narrow = Payloads { failure, ..Payloads::default() };
            (kept.record.clone(), if payloads { kept.payloads.clone() } else { narrow })
        }))
    }

    async fn history_read(&self, key: InstanceKey, from: i64) -> Result<Vec<Chunk>, Error> {
        let shelf = self.open()?;
        let kept = shelf.kept.values().find(|kept| kept.record.key == key);
        let history = kept.map(|kept| kept.history.clone()).unwrap_or_default();
        assert_eq!(from, 0, "the API reads whole histories");
        Ok(if history.is_empty() { Vec::new() } else { vec![Chunk::encode(0, history)] })
    }

    async fn history_part(&self, key: InstanceKey, from: i64, before: i64) -> Result<Vec<Chunk>, Error> {
        let mut shelf = self.open()?;
        let history =
            shelf.kept.values().find(|kept| kept.record.key == key).map(|kept| kept.history.clone());
        // One chunk for each three events.
        let all = history.unwrap_or_default();
        let firsts = (0_i64..).step_by(3).zip(all.chunks(3));
        let chunks = firsts.map(|(first, events)| Chunk::encode(first, events.to_vec()));
        let chunks: Vec<_> = chunks.filter(|chunk| chunk.end() > from && chunk.first < before).collect();
        shelf.events_read += chunks.len() * 3;
        Ok(chunks)
    }

    async fn instance_count(&self, hub: HubId, filter: Filter) -> Result<Counts, Error> {
        let mut counts = Counts::default();
        for kept in self.open()?.kept.values() {
            if kept.record.hub == hub && filter.matches(&kept.record) {
                counts.add(kept.record.status, 1);
            }
        }
        Ok(counts)
    }

    async fn instance_histogram(
        &self,
        hub: HubId,
        filter: Filter,
        query: HistogramQuery,
    ) -> Result<Histogram, Error> {
        Ok(self.open()?.histogram(hub, &filter, &query))
    }

    async fn instance_purge(&self, hub: HubId, id: InstanceId) -> Result<Purged, Error> {
        let mut shelf = self.open()?;
        match shelf.kept.get(&(hub, id.clone())).map(|kept| kept.record.status) {
            None => Ok(Purged::NotFound),
            Some(live) if !live.is_terminal() => Ok(Purged::Live(live)),
            Some(_) => {
                shelf.kept.remove(&(hub, id));
                Ok(Purged::Deleted)
            }
        }
    }

    async fn instance_list(
        &self,
        hub: HubId,
        filter: Filter,
        walk: Walk,
        limits: PageLimits,
    ) -> Result<Listed, Error> {
        let shelf = self.open()?;
        let (found, next) = shelf.page(hub, &walk, limits.rows, |kept| filter.matches(&kept.record));
        let show = |kept: &Kept| {
            let Payloads { input, output, custom_status, failure } = kept.payloads.clone();
            let all = limits.read == Read::All;
            (kept.record.clone(), Payloads { input: input.filter(|_| all), output, custom_status, failure })
        };
        Ok(Listed { instances: found.into_iter().map(show).collect(), next })
    }

    async fn instance_search(
        &self,
        hub: HubId,
        search: Search,
        walk: Walk,
        rows: usize,
    ) -> Result<Searched, Error> {
        Ok(self.open()?.search(hub, &search, &walk, rows))
    }

    async fn instance_purge_matching(
        &self,
        hub: HubId,
        filter: Filter,
        _: Option<(Timestamp, InstanceKey)>,
        limit: usize,
    ) -> Result<Cleared, Error> {
        let mut shelf = self.open()?;
        let matches = |record: &InstanceRecord| {
            record.hub == hub && record.status.is_terminal() && filter.matches(record)
        };
        let found: Vec<_> =
            shelf.kept.values().map(|kept| &kept.record).filter(|record| matches(record)).collect();
        let next = found.get(limit).map(|record| (record.created_at, record.key));
        let gone: Vec<_> = found.into_iter().take(limit).map(|record| record.id.clone()).collect();
        let deleted = gone.len();
        for id in gone {
            shelf.kept.remove(&(hub, id));
        }
        Ok(Cleared { deleted, next })
    }

    async fn instance_purge_seen(&self, trees: Vec<PurgeTree>) -> Result<usize, Error> {
        let mut shelf = self.open()?;
        let mut deleted = 0;
        for PurgeTree { top, below, whole } in trees {
            let as_seen = |kept: &Kept, seen: Seen| {
                Seen::from(&kept.record) == seen && kept.record.status.is_terminal()
            };
            if !shelf.kept.values().any(|kept| as_seen(kept, top)) {
                continue;
            }
            for seen in below.into_iter().chain(whole.then_some(top)) {
                let before = shelf.kept.len();
                shelf.kept.retain(|_, kept| !as_seen(kept, seen));
                deleted += before - shelf.kept.len();
            }
        }
        Ok(deleted)
    }

    async fn job_create(&self, new: NewJob, _: usize) -> Result<Job, Error> {
        let mut shelf = self.open()?;
        let newest = InstanceKey(shelf.keys);
        Ok(shelf.jobs.create(new, newest))
    }

    async fn job_list(&self, hub: HubId, _: usize) -> Result<Vec<Job>, Error> {
        Ok(self.open()?.jobs.list(hub))
    }

    async fn job_get(&self, hub: HubId, id: String) -> Result<Option<Job>, Error> {
        Ok(self.open()?.jobs.list(hub).into_iter().find(|job| job.id == id))
    }

    async fn job_failures(&self, id: String) -> Result<Vec<JobFailure>, Error> {
        Ok(self.open()?.jobs.failures(&id))
    }

    async fn job_running(&self) -> Result<Vec<JobWork>, Error> {
        unreachable!("the API resumes no jobs")
    }

    async fn job_advance(
        &self,
        id: String,
        step: JobStep,
        end: Option<JobEnd>,
        _: usize,
    ) -> Result<bool, Error> {
        Ok(self.open()?.jobs.advance(&id, step, end))
    }

    async fn job_end(&self, id: String, end: JobEnd) -> Result<bool, Error> {
        Ok(self.open()?.jobs.end(&id, end))
    }

    async fn job_delete(&self, id: String) -> Result<bool, Error> {
        Ok(self.open()?.jobs.delete(&id))
    }

    async fn check(&self, place: CheckPlace) -> Result<Checked, Error> {
        let shelf = self.open()?;
        let count = u64::try_from(shelf.kept.len()).unwrap_or(0);
        let next = (place == CheckPlace::File).then_some(CheckPlace::Others);
        Ok(Checked {
            findings: Vec::new(),
            instances: if next.is_none() { count } else { 0 },
            total: Some(count),
            next,
        })
    }

    // Whatever is open here was put here by a test.
    async fn lost_tasks(&self, _: Suspects) -> Result<LostTasks, Error> {
        Ok(LostTasks::default())
    }

    async fn ping(&self) -> Result<(), Error> {
        self.open().map(drop)
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn hub_clear(&self, _: HubId, _: usize) -> Result<usize, Error> {
        unreachable!("the API empties no hubs")
    }

    async fn hub_remove(&self, _: HubId) -> Result<bool, Error> {
        unreachable!("the API removes no hubs")
    }

    async fn turn_commit(&self, _: Commit) -> Result<(), Error> {
        unreachable!("the API commits no turns")
    }

    async fn rewind_commit(&self, turns: Vec<Commit>, _: Vec<InstanceKey>) -> Result<(), Error> {
        let mut shelf = self.open()?;
        for turn in turns {
            let kept =
                shelf.kept.values_mut().find(|kept| kept.record.key == turn.key).ok_or(Error::Fenced)?;
            let HistoryChange::Rewrite(rewrite) = turn.history else {
                unreachable!("a rewind rewrites history")
            };
            let number = i64::try_from(kept.revisions.len()).unwrap() + 1;
            let mut events = std::mem::take(&mut kept.history);
            events.extend(rewrite.mark.events().unwrap());
            let revision = Revision {
                number,
                rewound_at: turn.update.updated_at,
                reason: rewrite.reason.clone(),
                events: i64::try_from(events.len()).unwrap(),
                execution_id: kept.record.execution_id.clone(),
                kept: rewrite.length(),
            };
            kept.revisions.push((revision, events));
            kept.history = rewrite.chunks.iter().flat_map(|chunk| chunk.events().unwrap()).collect();
            kept.record.status = turn.update.status;
            (kept.payloads.output, kept.payloads.failure) = (None, None);
        }
        Ok(())
    }

    async fn history_size(&self, key: InstanceKey) -> Result<HistorySize, Error> {
        let shelf = self.open()?;
        let kept = shelf.kept.values().find(|kept| kept.record.key == key);
        let history = kept.map(|kept| kept.history.clone()).unwrap_or_default();
        let events = i64::try_from(history.len()).unwrap();
        Ok(HistorySize { events, bytes: i64::try_from(Chunk::encode(0, history).bytes.len()).unwrap() })
    }

    async fn revision_list(&self, key: InstanceKey) -> Result<Vec<Revision>, Error> {
        let shelf = self.open()?;
        let kept = shelf.kept.values().find(|kept| kept.record.key == key);
        let revisions = kept.into_iter().flat_map(|kept| &kept.revisions);
        Ok(revisions.map(|(revision, _)| revision.clone()).collect())
    }

    async fn revision_read(&self, key: InstanceKey, number: i64) -> Result<Option<Chunk>, Error> {
        let shelf = self.open()?;
        let kept = shelf.kept.values().find(|kept| kept.record.key == key);
        let found =
            kept.and_then(|kept| kept.revisions.iter().find(|(revision, _)| revision.number == number));
        Ok(found.map(|(_, events)| Chunk::encode(0, events.clone())))
    }

    async fn activity_complete(&self, _: ActivityKey, _: Option<NewMessage>) -> Result<bool, Error> {
        unreachable!("the API completes no activities")
    }

    async fn instance_load(&self, key: InstanceKey) -> Result<Option<Loaded>, Error> {
        let history = self.history_read(key, 0).await?;
        let shelf = self.open()?;
        let kept = shelf.kept.values().find(|kept| kept.record.key == key);
        Ok(kept.map(|kept| Loaded {
            record: kept.record.clone(),
            custom_status: None,
            entity: None,
            history,
            inbox: Vec::new(),
            parked: shelf.parked.get(&key).cloned(),
        }))
    }

    async fn instance_outline(&self, key: InstanceKey) -> Result<Option<Outline>, Error> {
        let shelf = self.open()?;
        let record = shelf.kept.values().map(|kept| kept.record.clone()).find(|record| record.key == key);
        let parked = shelf.parked.get(&key).cloned();
        Ok(record.map(|record| Outline { record, inbox: Legible::default(), parked }))
    }

    async fn instance_park(&self, key: InstanceKey, parking: Parking) -> Result<bool, Error> {
        self.open()?.parked.insert(key, parking);
        Ok(true)
    }

    /// Nothing dispatches here, so what a message orders is not carried out.
    async fn instance_unpark(
        &self,
        hub: HubId,
        id: InstanceId,
        message: Option<NewMessage>,
    ) -> Result<Option<Parking>, Error> {
        let mut shelf = self.open()?;
        let Some(key) = shelf.kept.get(&(hub, id.clone())).map(|kept| kept.record.key) else {
            return Ok(None);
        };
        let parking = shelf.parked.remove(&key);
        if let (Some(kept), true) = (shelf.kept.get_mut(&(hub, id)), parking.is_some()) {
            kept.inbox.extend(message);
        }
        Ok(parking)
    }

    async fn parked_list(&self, hub: HubId, after: InstanceKey, limit: usize) -> Result<Vec<Parked>, Error> {
        let shelf = self.open()?;
        let parked = shelf.kept.values().filter(|kept| kept.record.hub == hub && kept.record.key > after);
        let mut parked: Vec<_> = parked
            .filter_map(|kept| {
                let (instance, status) = (kept.record.reference(), kept.record.status);
                let parking = shelf.parked.get(&kept.record.key)?.clone();
                Some(Parked { instance, status, parking })
            })
            .collect();
        parked.sort_by_key(|parked| parked.instance.key);
        parked.truncate(limit);
        Ok(parked)
    }

    async fn ready_claim(&self, _: Timestamp, _: InstanceKey, _: usize) -> Result<Vec<Ready>, Error> {
        unreachable!("the API claims no work")
    }

    async fn activity_claim(&self, _: ActivityKey, _: usize) -> Result<Vec<ActivityTask>, Error> {
        unreachable!("the API claims no work")
    }

    async fn due_list(&self, _: Due, _: usize) -> Result<Vec<Due>, Error> {
        unreachable!("the API has no timers")
    }

    async fn instance_route(&self, key: InstanceKey) -> Result<Option<(InstanceRef, Status)>, Error> {
        let shelf = self.open()?;
        let record = shelf.kept.values().map(|kept| &kept.record).find(|record| record.key == key);
        Ok(record.map(|record| (record.reference(), record.status)))
    }
}
