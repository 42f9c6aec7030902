//! The store in SQLite: one file, one process, one writer thread, many readers.
//!
//! Every change goes through `writer`, which commits many callers' changes as one transaction; every read runs beside it on
//! a connection of `pool`. In memory there is only the writer's connection, and reads queue with the changes.
//!
//! What always holds: nobody else has the file open as a server (`open` takes a lock), so leases and ready queues need no
//! rows and the `..._claim` calls simply list; numbers given to instances, messages and activities are never used twice.

mod backup;
mod check;
#[cfg(test)]
mod costs;
mod counters;
mod entity;
mod entity_list;
mod error;
mod history;
mod hub;
mod idempotency;
mod inbox;
mod instance;
mod job;
mod list;
mod lock;
mod lost;
mod migrate;
mod open;
mod options;
mod outside;
mod parked;
mod payload;
mod pool;
mod read;
mod revision;
mod rows;
mod secret;
mod shape;
mod slack;
#[cfg(test)]
mod tests;
mod transfer;
mod turn;
mod writer;

pub use backup::{Copied, Step, backup, restore};
pub use check::{Report, at_rest as check};
pub use options::{Location, SqliteOptions};
pub use transfer::{Exported, Imported, OnExisting, export, import};

use super::{
    Appended, CheckPlace, Checked, Cleared, Counts, Created, Due, EffectSender, EntitiesListed, EntityFilter,
    Error, Filter, Histogram, HistogramQuery, HistorySize, Listed, Loaded, LostTasks, Outline, PageLimits,
    PurgeTree, Purged, Ready, Recorded, Search, Searched, Store, Suspects, Terms, Walk,
};
use crate::model::{
    ActivityKey, ActivityTask, Chunk, Commit, EntityId, EntityRecord, HubId, HubName, InstanceId,
    InstanceKey, InstanceRecord, InstanceRef, Job, JobEnd, JobFailure, JobStep, JobWork, NewInstance, NewJob,
    NewMessage, Parked, Parking, Payloads, Revision, Status, Timestamp,
};
use async_trait::async_trait;
use inbox::Letter;
use instance::Newborn;
use pool::{Lane, Readers};
use rusqlite::Connection;
use std::time::Duration;
use turn::Sealed;
use writer::Writer;

/// One open database. Dropping it finishes what was begun and lets go of the file, as [`Store::close`] does.
pub struct SqliteStore {
    // Declared first, dropped first: the writer must be the last to close the file.
    readers: Option<Readers>,
    writer: Writer,
    /// How long the search for a page may take before it ends where it stands: half of a read's budget, the other half is for
    /// reading what was found.
    patience: Duration,
}

impl SqliteStore {
    /// Opens or creates the database and starts the writer. Blocks for a moment; meant for the start of a server.
    ///
    /// `effects` gets the effects of each committed group of changes. [`Error::Refused`]: the file is in use, not ours,
    /// too new, or cannot be written; the text says which and what to do.
    pub fn open(options: SqliteOptions, effects: EffectSender) -> Result<Self, Error> {
        let owned = open::open(&options)?;
        let SqliteOptions { readers, read_budget, busy_timeout, queue, meter, .. } = options;
        let patience = read_budget / 2;
        let readers = owned
            .path
            .clone()
            .map(|path| Readers::new(path, readers, read_budget, busy_timeout))
            .transpose()?;
        let writer = Writer::start(owned, queue, effects, meter)?;
        Ok(Self { readers, writer, patience })
    }

    /// A store in memory without a thread of its own: what is asked of it is done before the call is first waited for.
    #[cfg(test)]
    pub fn here(effects: EffectSender) -> Result<Self, Error> {
        let writer = Writer::here(open::open(&SqliteOptions::memory())?, effects)?;
        Ok(Self { readers: None, writer, patience: Duration::MAX })
    }

    /// The process that has it open dies, and the next one opens it.
    #[cfg(test)]
    pub fn crash(&self) -> Result<(), Error> {
        self.writer.crash()
    }

    async fn read<T, F>(&self, lane: Lane, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        match &self.readers {
            Some(readers) => readers.read(lane, work).await,
            None => self.writer.change(move |tx| work(tx.conn)).await,
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn hub_list(&self) -> Result<Vec<(HubId, HubName)>, Error> {
        self.read(Lane::Query, hub::list).await
    }

    async fn hub_ensure(&self, name: HubName) -> Result<HubId, Error> {
        self.writer.change(move |tx| hub::ensure(tx, &name)).await
    }

    async fn hub_clear(&self, hub: HubId, limit: usize) -> Result<usize, Error> {
        self.writer.change(move |tx| hub::clear(tx, hub, limit)).await
    }

    async fn hub_remove(&self, hub: HubId) -> Result<bool, Error> {
        self.writer.change(move |tx| hub::remove(tx, hub)).await
    }

    async fn secret_ensure(&self, name: &str, candidate: Vec<u8>) -> Result<Vec<u8>, Error> {
        let name = name.to_owned();
        self.writer.change(move |tx| secret::ensure(tx, &name, candidate)).await
    }

    async fn instance_create(&self, new: NewInstance, terms: Terms) -> Result<Created, Error> {
        let newborn = Newborn::seal(new);
        self.writer.change(move |tx| instance::create_on_terms(tx, newborn, terms)).await
    }

    async fn idempotency_get(
        &self,
        hub: HubId,
        key: String,
        valid_from: Timestamp,
    ) -> Result<Option<Recorded>, Error> {
        self.read(Lane::Query, move |conn| idempotency::find(conn, hub, &key, valid_from)).await
    }

    async fn message_append(
        &self,
        hub: HubId,
        id: InstanceId,
        message: NewMessage,
    ) -> Result<Appended, Error> {
        let letter = Letter::seal(message);
        self.writer.change(move |tx| inbox::append(tx, hub, &id, letter)).await
    }

    async fn entity_signal(
        &self,
        hub: HubId,
        entity: EntityId,
        message: NewMessage,
        at: Timestamp,
    ) -> Result<(), Error> {
        let letter = Letter::seal(message);
        self.writer.change(move |tx| entity::signal(tx, hub, &entity, letter, at)).await
    }

    async fn entity_get(
        &self,
        hub: HubId,
        id: InstanceId,
        with_state: bool,
    ) -> Result<Option<EntityRecord>, Error> {
        let get = move |conn: &Connection| entity_list::get(conn, hub, &id, with_state);
        self.read(Lane::Query, move |conn| at_one_moment(conn, get)).await
    }

    async fn entity_list(
        &self,
        hub: HubId,
        filter: EntityFilter,
        after: Option<InstanceId>,
        with_state: bool,
        limits: PageLimits,
    ) -> Result<EntitiesListed, Error> {
        let patience = self.patience;
        let list = move |conn: &Connection| {
            entity_list::page(conn, hub, &filter, after.as_ref(), with_state, limits, patience)
        };
        self.read(Lane::Query, move |conn| at_one_moment(conn, list)).await
    }

    async fn entity_purge(&self, hub: HubId, entity: EntityId) -> Result<Purged, Error> {
        self.writer.change(move |tx| entity::purge(tx, hub, &entity)).await
    }

    async fn turn_commit(&self, commit: Commit) -> Result<(), Error> {
        let sealed = Sealed::seal(commit);
        self.writer.change(move |tx| turn::commit(tx, sealed)).await
    }

    async fn rewind_commit(&self, turns: Vec<Commit>, living: Vec<InstanceKey>) -> Result<(), Error> {
        let sealed: Vec<_> = turns.into_iter().map(Sealed::seal).collect();
        self.writer.change(move |tx| turn::rewind(tx, sealed, &living)).await
    }

    async fn activity_complete(
        &self,
        activity: ActivityKey,
        result: Option<NewMessage>,
    ) -> Result<bool, Error> {
        let letter = result.map(Letter::seal);
        self.writer.change(move |tx| turn::complete(tx, activity, letter)).await
    }

    async fn instance_load(&self, key: InstanceKey) -> Result<Option<Loaded>, Error> {
        self.read(Lane::Engine, move |conn| at_one_moment(conn, |conn| read::load(conn, key))).await
    }

    async fn instance_outline(&self, key: InstanceKey) -> Result<Option<Outline>, Error> {
        self.read(Lane::Engine, move |conn| at_one_moment(conn, |conn| parked::outline(conn, key))).await
    }

    async fn instance_park(&self, key: InstanceKey, parking: Parking) -> Result<bool, Error> {
        self.writer.change(move |tx| parked::park(tx, key, &parking)).await
    }

    async fn instance_unpark(
        &self,
        hub: HubId,
        id: InstanceId,
        message: Option<NewMessage>,
    ) -> Result<Option<Parking>, Error> {
        let letter = message.map(Letter::seal);
        self.writer.change(move |tx| parked::unpark(tx, hub, &id, letter)).await
    }

    async fn parked_list(&self, hub: HubId, after: InstanceKey, limit: usize) -> Result<Vec<Parked>, Error> {
        self.read(Lane::Query, move |conn| parked::list(conn, hub, after, limit)).await
    }

    async fn instance_get(
        &self,
        hub: HubId,
        id: InstanceId,
        payloads: bool,
    ) -> Result<Option<(InstanceRecord, Payloads)>, Error> {
        self.read(Lane::Query, move |conn| payload::with_record(conn, hub, &id, payloads)).await
    }

    async fn instance_list(
        &self,
        hub: HubId,
        filter: Filter,
        walk: Walk,
        limits: PageLimits,
    ) -> Result<Listed, Error> {
        let patience = self.patience;
        let list = move |conn: &Connection| list::page(conn, hub, &filter, &walk, limits, patience);
        self.read(Lane::Query, move |conn| at_one_moment(conn, list)).await
    }

    async fn instance_search(
        &self,
        hub: HubId,
        search: Search,
        walk: Walk,
        rows: usize,
    ) -> Result<Searched, Error> {
        let patience = self.patience;
        let find = move |conn: &Connection| list::find(conn, hub, &search, &walk, rows, patience);
        self.read(Lane::Query, move |conn| at_one_moment(conn, find)).await
    }

    async fn instance_count(&self, hub: HubId, filter: Filter) -> Result<Counts, Error> {
        let count = move |conn: &Connection| list::count(conn, hub, &filter);
        self.read(Lane::Query, move |conn| at_one_moment(conn, count)).await
    }

    async fn instance_histogram(
        &self,
        hub: HubId,
        filter: Filter,
        query: HistogramQuery,
    ) -> Result<Histogram, Error> {
        let count = move |conn: &Connection| list::histogram(conn, hub, &filter, query);
        self.read(Lane::Query, move |conn| at_one_moment(conn, count)).await
    }

    async fn history_read(&self, key: InstanceKey, from: i64) -> Result<Vec<Chunk>, Error> {
        self.read(Lane::Query, move |conn| history::read(conn, key, from)).await
    }

    async fn history_part(&self, key: InstanceKey, from: i64, before: i64) -> Result<Vec<Chunk>, Error> {
        self.read(Lane::Query, move |conn| history::part(conn, key, from, before)).await
    }

    async fn history_size(&self, key: InstanceKey) -> Result<HistorySize, Error> {
        self.read(Lane::Query, move |conn| history::size(conn, key)).await
    }

    async fn revision_list(&self, key: InstanceKey) -> Result<Vec<Revision>, Error> {
        self.read(Lane::Query, move |conn| revision::list(conn, key)).await
    }

    async fn revision_read(&self, key: InstanceKey, number: i64) -> Result<Option<Chunk>, Error> {
        self.read(Lane::Query, move |conn| revision::read(conn, key, number)).await
    }

    async fn instance_purge(&self, hub: HubId, id: InstanceId) -> Result<Purged, Error> {
        self.writer.change(move |tx| instance::purge(tx, hub, &id)).await
    }

    async fn instance_purge_matching(
        &self,
        hub: HubId,
        filter: Filter,
        after: Option<(Timestamp, InstanceKey)>,
        limit: usize,
    ) -> Result<Cleared, Error> {
        // Searched beside the writer, which everybody waits for: what matches may be rare among very many.
        let patience = self.patience;
        let find = move |conn: &Connection| list::ended(conn, hub, &filter, after, limit, patience);
        let (keys, next) = self.read(Lane::Query, move |conn| at_one_moment(conn, find)).await?;
        let deleted = match keys.is_empty() {
            true => 0,
            false => self.writer.change(move |tx| instance::purge_keys(tx, &keys)).await?,
        };
        Ok(Cleared { deleted, next })
    }

    async fn instance_purge_seen(&self, trees: Vec<PurgeTree>) -> Result<usize, Error> {
        self.writer.change(move |tx| instance::purge_seen(tx, &trees)).await
    }

    async fn ready_claim(
        &self,
        now: Timestamp,
        after: InstanceKey,
        limit: usize,
    ) -> Result<Vec<Ready>, Error> {
        self.read(Lane::Engine, move |conn| read::ready(conn, now, after, limit)).await
    }

    async fn activity_claim(&self, after: ActivityKey, limit: usize) -> Result<Vec<ActivityTask>, Error> {
        self.read(Lane::Engine, move |conn| read::activities(conn, after, limit)).await
    }

    async fn due_list(&self, after: Due, limit: usize) -> Result<Vec<Due>, Error> {
        self.read(Lane::Engine, move |conn| read::due(conn, after, limit)).await
    }

    async fn instance_route(&self, key: InstanceKey) -> Result<Option<(InstanceRef, Status)>, Error> {
        self.read(Lane::Engine, move |conn| inbox::route(conn, key)).await
    }

    async fn job_create(&self, new: NewJob, keep: usize) -> Result<Job, Error> {
        self.writer.change(move |tx| job::create(tx, new, keep)).await
    }

    async fn job_list(&self, hub: HubId, limit: usize) -> Result<Vec<Job>, Error> {
        self.read(Lane::Query, move |conn| job::list(conn, hub, limit)).await
    }

    async fn job_get(&self, hub: HubId, id: String) -> Result<Option<Job>, Error> {
        self.read(Lane::Query, move |conn| job::get(conn, hub, &id)).await
    }

    async fn job_failures(&self, id: String) -> Result<Vec<JobFailure>, Error> {
        self.read(Lane::Query, move |conn| job::failures(conn, &id)).await
    }

    async fn job_running(&self) -> Result<Vec<JobWork>, Error> {
        self.read(Lane::Query, job::running).await
    }

    async fn job_advance(
        &self,
        id: String,
        step: JobStep,
        end: Option<JobEnd>,
        keep: usize,
    ) -> Result<bool, Error> {
        self.writer.change(move |tx| job::advance(tx, &id, &step, end.as_ref(), keep)).await
    }

    async fn job_end(&self, id: String, end: JobEnd) -> Result<bool, Error> {
        self.writer.change(move |tx| job::end(tx, &id, &end)).await
    }

    async fn job_delete(&self, id: String) -> Result<bool, Error> {
        self.writer.change(move |tx| job::delete(tx, &id)).await
    }

    async fn check(&self, place: CheckPlace) -> Result<Checked, Error> {
        let look = move |conn: &Connection| {
            at_one_moment(conn, |conn| check::slice(conn, place, check::Depth::Full))
        };
        match &self.readers {
            Some(readers) => readers.alone(look).await,
            None => self.writer.change(move |tx| look(tx.conn)).await,
        }
    }

    async fn lost_tasks(&self, suspects: Suspects) -> Result<LostTasks, Error> {
        let look = move |conn: &Connection| lost::tasks(conn, suspects);
        self.read(Lane::Query, move |conn| at_one_moment(conn, look)).await
    }

    async fn ping(&self) -> Result<(), Error> {
        // An empty transaction takes the write lock and lets it go; nothing reaches the disk.
        self.writer.change(|_| Ok(())).await?;
        self.read(Lane::Engine, |conn| hub::list(conn).map(drop)).await
    }

    async fn close(&self) -> Result<(), Error> {
        if let Some(readers) = &self.readers {
            readers.close().await;
        }
        self.writer.close().await
    }
}

/// Runs several statements on one snapshot. In memory the writer's transaction is that already.
fn at_one_moment<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    if !conn.is_autocommit() {
        return work(conn);
    }
    let snapshot = conn.unchecked_transaction()?;
    let answer = work(&snapshot)?;
    snapshot.finish()?;
    Ok(answer)
}
