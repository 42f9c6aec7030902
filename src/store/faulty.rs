//! A store that fails when it is told to. What reaches it is decided call by call by a [`Script`], which also hears of all that was done.
//!
//! A process that dies is played by a wrapper that dies: whoever has called it hears nothing any more, and neither does anybody who calls
//! it later. The store below has what was committed. The next process gets a wrapper of its own.

use super::{
    Appended, CheckPlace, Checked, Cleared, Counts, Created, Due, EffectSender, EntitiesListed, EntityFilter,
    Error, Filter, Histogram, HistogramQuery, HistorySize, Listed, Loaded, LostTasks, Outline, PageLimits,
    PurgeTree, Purged, Ready, Recorded, Search, Searched, Store, Suspects, Terms, Walk,
};
use crate::model::{
    ActivityKey, ActivityTask, Chunk, Commit, Effect, EntityId, EntityRecord, HubId, HubName, InstanceId,
    InstanceKey, InstanceRecord, InstanceRef, Job, JobEnd, JobFailure, JobStep, JobWork, NewInstance, NewJob,
    NewMessage, Parked, Parking, Payloads, Revision, Status, Timestamp,
};
use async_trait::async_trait;
use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// What becomes of one call.
#[derive(Debug, Default)]
pub enum Fate {
    /// It is done and answered.
    #[default]
    Done,
    /// It is done so much later, and answered so much after that.
    Slow(Duration, Duration),
    /// Nothing is done, and this is the answer.
    FailsBefore(Error),
    /// It is done, and this is the answer all the same.
    FailsAfter(Error),
    /// The process dies before anything is done.
    DiesBefore,
    /// It is done, and the process dies before anybody hears of it.
    DiesAfter,
}

/// Decides what fails, and hears of what is done.
pub trait Script: Send + Sync {
    /// What shall become of the call of this name.
    fn fate(&self, call: &'static str) -> Fate;

    /// These were committed, as one change.
    fn committed(&self, _turns: &[Commit]) {}

    /// A change had these effects.
    fn told(&self, _effects: &[Effect]) {}
}

/// What the store below sends its effects to. It outlives the processes.
pub type Told = Arc<Mutex<UnboundedReceiver<Vec<Effect>>>>;

/// See the module.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    told: Told,
    effects: EffectSender,
    script: Arc<dyn Script>,
    dead: CancellationToken,
}

impl FaultyStore {
    /// Wraps `inner`, whose effects arrive at `told` and go on to `effects`.
    pub fn new(inner: Arc<dyn Store>, told: Told, effects: EffectSender, script: Arc<dyn Script>) -> Self {
        Self { inner, told, effects, script, dead: CancellationToken::new() }
    }

    /// Is cancelled when the process has died.
    pub fn death(&self) -> CancellationToken {
        self.dead.clone()
    }

    async fn pass<T>(
        &self,
        name: &'static str,
        commits: Vec<Commit>,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.alive().await;
        let fate = self.script.fate(name);
        match fate {
            Fate::Done => self.done(&commits, call).await,
            Fate::Slow(before, after) => {
                tokio::time::sleep(before).await;
                self.alive().await;
                let answer = self.done(&commits, call).await;
                tokio::time::sleep(after).await;
                self.alive().await;
                answer
            }
            Fate::FailsBefore(error) => Err(error),
            Fate::FailsAfter(error) => self.done(&commits, call).await.and(Err(error)),
            Fate::DiesBefore => {
                self.dead.cancel();
                pending().await
            }
            Fate::DiesAfter => {
                self.dead.cancel();
                let _nobody_hears_of_it = self.done(&commits, call).await;
                pending().await
            }
        }
    }

    async fn alive(&self) {
        if self.dead.is_cancelled() {
            pending::<()>().await;
        }
    }

    async fn done<T>(
        &self,
        commits: &[Commit],
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let answer = call.await;
        if answer.is_ok() && !commits.is_empty() {
            self.script.committed(commits);
        }
        let mut told = self.told.lock().expect("nobody panics while listening");
        while let Ok(effects) = told.try_recv() {
            self.script.told(&effects);
            if !self.dead.is_cancelled() {
                let _nobody = self.effects.send(effects);
            }
        }
        answer
    }
}

/// All calls but those that make commits, which the script is to hear of.
macro_rules! through {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for FaultyStore {
            async fn turn_commit(&self, commit: Commit) -> Result<(), Error> {
                self.pass("turn_commit", vec![commit.clone()], self.inner.turn_commit(commit)).await
            }

            async fn rewind_commit(&self, turns: Vec<Commit>, living: Vec<InstanceKey>) -> Result<(), Error> {
                self.pass("rewind_commit", turns.clone(), self.inner.rewind_commit(turns, living)).await
            }

            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer, Error> {
                self.pass(stringify!($name), Vec::new(), self.inner.$name($($arg),*)).await
            })*
        }
    };
}

through! {
    hub_list() -> Vec<(HubId, HubName)>;
    hub_ensure(name: HubName) -> HubId;
    hub_clear(hub: HubId, limit: usize) -> usize;
    hub_remove(hub: HubId) -> bool;
    secret_ensure(name: &str, candidate: Vec<u8>) -> Vec<u8>;
    instance_create(new: NewInstance, terms: Terms) -> Created;
    idempotency_get(hub: HubId, key: String, valid_from: Timestamp) -> Option<Recorded>;
    message_append(hub: HubId, id: InstanceId, message: NewMessage) -> Appended;
    entity_signal(hub: HubId, entity: EntityId, message: NewMessage, at: Timestamp) -> ();
    entity_get(hub: HubId, id: InstanceId, with_state: bool) -> Option<EntityRecord>;
    entity_list(
        hub: HubId, filter: EntityFilter, after: Option<InstanceId>, with_state: bool, limits: PageLimits
    ) -> EntitiesListed;
    entity_purge(hub: HubId, entity: EntityId) -> Purged;
    activity_complete(activity: ActivityKey, result: Option<NewMessage>) -> bool;
    instance_load(key: InstanceKey) -> Option<Loaded>;
    instance_outline(key: InstanceKey) -> Option<Outline>;
    instance_park(key: InstanceKey, parking: Parking) -> bool;
    instance_unpark(
        hub: HubId, id: InstanceId, message: Option<NewMessage>
    ) -> Option<Parking>;
    parked_list(hub: HubId, after: InstanceKey, limit: usize) -> Vec<Parked>;
    instance_get(
        hub: HubId, id: InstanceId, payloads: bool
    ) -> Option<(InstanceRecord, Payloads)>;
    instance_list(hub: HubId, filter: Filter, walk: Walk, limits: PageLimits) -> Listed;
    instance_search(hub: HubId, search: Search, walk: Walk, rows: usize) -> Searched;
    instance_count(hub: HubId, filter: Filter) -> Counts;
    instance_histogram(hub: HubId, filter: Filter, query: HistogramQuery) -> Histogram;
    history_read(key: InstanceKey, from: i64) -> Vec<Chunk>;
    history_part(key: InstanceKey, from: i64, before: i64) -> Vec<Chunk>;
    history_size(key: InstanceKey) -> HistorySize;
    revision_list(key: InstanceKey) -> Vec<Revision>;
    revision_read(key: InstanceKey, number: i64) -> Option<Chunk>;
    instance_purge(hub: HubId, id: InstanceId) -> Purged;
    instance_purge_matching(
        hub: HubId, filter: Filter, after: Option<(Timestamp, InstanceKey)>, limit: usize
    ) -> Cleared;
    instance_purge_seen(trees: Vec<PurgeTree>) -> usize;
    ready_claim(now: Timestamp, after: InstanceKey, limit: usize) -> Vec<Ready>;
    activity_claim(after: ActivityKey, limit: usize) -> Vec<ActivityTask>;
    due_list(after: Due, limit: usize) -> Vec<Due>;
    instance_route(key: InstanceKey) -> Option<(InstanceRef, Status)>;
    job_create(new: NewJob, keep: usize) -> Job;
    job_list(hub: HubId, limit: usize) -> Vec<Job>;
    job_get(hub: HubId, id: String) -> Option<Job>;
    job_failures(id: String) -> Vec<JobFailure>;
    job_running() -> Vec<JobWork>;
    job_advance(id: String, step: JobStep, end: Option<JobEnd>, keep: usize) -> bool;
    job_end(id: String, end: JobEnd) -> bool;
    job_delete(id: String) -> bool;
    check(place: CheckPlace) -> Checked;
    lost_tasks(suspects: Suspects) -> LostTasks;
    ping() -> ();
    close() -> ();
}
