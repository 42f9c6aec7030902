//! Where everything durable is kept. One trait, several backends, one conformance suite.
//!
//! A store is an obedient filing cabinet: calls are whole state changes, each one transaction, and no rule about
//! orchestrations lives below this line. Backends hide behind [`Store`]; no driver type shows in a signature.
//!
//! What always holds:
//! - A call that answered `Ok` survives `kill -9` and power loss.
//! - "Nothing to do" is an ordinary answer and never means "lost the race"; losing a race is [`Error::Fenced`].
//! - Effects (what a change means for waiting work) are sent in commit order, after the commit, to the sender that the backend was
//!   opened with, and before the call that caused them is answered.
//! - A backend for several nodes hands each piece of work to one node only: the `..._claim` calls take a lease there, and effects
//!   tell a node only of work it may run. A backend owned by one process has nothing to lease and simply lists.

mod check;
#[cfg(test)]
pub(crate) mod conformance;
mod create;
mod entity;
mod error;
#[cfg(test)]
pub(crate) mod faulty;
mod histogram;
mod list;
mod lost;
mod meter;
mod purge;
mod search;
pub mod sqlite;

pub use check::{CheckPlace, Checked, Finding};
pub use create::{Created, Idempotency, Recorded, Terms};
pub use entity::{EntitiesListed, EntityFilter, EntityLoaded};
pub use error::Error;
pub use histogram::{By, Histogram, HistogramQuery, Moment, Series};
pub use list::{
    Cleared, Counts, Filter, Listed, Order, PageLimits, Parent, Place, Read, Span, Tag, Took, Walk,
};
pub use lost::{Answering, LivePlace, LostTask, LostTasks, Suspects};
pub use meter::CommitMeter;
pub use purge::{PurgeTree, Purged, Seen};
pub use search::{Found, Holds, Search, Searched};

use crate::model::{
    ActivityKey, ActivityTask, Chunk, Commit, Effect, EntityId, EntityRecord, HubId, HubName, InstanceId,
    InstanceKey, InstanceRecord, InstanceRef, Job, JobEnd, JobFailure, JobStep, JobWork, Legible, Message,
    MessageId, NewInstance, NewJob, NewMessage, Parked, Parking, Payloads, Revision, Status, Timestamp,
};
use async_trait::async_trait;

/// Where a backend sends the effects of each committed transaction, in order.
pub type EffectSender = tokio::sync::mpsc::UnboundedSender<Vec<Effect>>;

/// Answer of [`Store::message_append`].
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// The message is in the inbox of this instance.
    To(InstanceRef),
    /// The instance has ended as this status; nothing was stored.
    Ended(Status),
    /// No such instance.
    NotFound,
}

/// How large a history is: the answer of [`Store::history_size`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistorySize {
    pub events: i64,
    /// Of the events as they are stored.
    pub bytes: i64,
}

/// All that is needed to run the next turn of an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub record: InstanceRecord,
    pub custom_status: Option<String>,
    /// Only of an entity.
    pub entity: Option<EntityLoaded>,
    /// History of the current execution, in order, complete.
    pub history: Vec<Chunk>,
    /// The inbox in arrival order, messages that are not due yet included.
    pub inbox: Vec<Message>,
    /// It is parked, and lives.
    pub parked: Option<Parking>,
}

/// What can be told of an instance without its history, state and payloads: enough to end one of which the rest cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    pub record: InstanceRecord,
    pub inbox: Legible,
    pub parked: Option<Parking>,
}

/// An instance with something to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    pub instance: InstanceRef,
    /// A control message is among it: it must be acted on even if no worker is there, and even if the instance is suspended.
    pub control: bool,
}

/// A message that becomes deliverable at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    pub at: Timestamp,
    pub message: MessageId,
    pub instance: InstanceKey,
}

/// Durable storage for all hubs. Cheap to share; every method may be called from many tasks at once.
///
/// Every method can answer [`Error::Busy`] (nothing was changed, try again), [`Error::Closed`], [`Error::Corrupt`] and
/// [`Error::Backend`]; others are named at the method.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// All hubs that have not been removed, oldest first.
    async fn hub_list(&self) -> Result<Vec<(HubId, HubName)>, Error>;

    /// The hub of that name (compared without case), made if there is none. One that was removed comes back as the same hub.
    async fn hub_ensure(&self, name: HubName) -> Result<HubId, Error>;

    /// Removes at most `limit` of the hub's instances, of whatever status, with all they have, and then of its records of answered
    /// requests and its jobs; answers how many that were together. Effects: `Gone` for each instance.
    async fn hub_clear(&self, hub: HubId, limit: usize) -> Result<usize, Error>;

    /// Removes the hub if nothing is in it; `false` if something is.
    async fn hub_remove(&self, hub: HubId) -> Result<bool, Error>;

    /// The secret of that name: the one that is kept, or else `candidate`, which is kept from now on. Of many callers who offer different
    /// ones all are given the same. Never shown to anybody outside the server.
    async fn secret_ensure(&self, name: &str, candidate: Vec<u8>) -> Result<Vec<u8>, Error>;

    /// Creates an instance with its start message: status Pending, turn 0.
    ///
    /// If the id is taken by an instance that `terms` allow to replace, that instance is removed with all it has in the same
    /// transaction; otherwise nothing changes. Of many callers with one id exactly one gets [`Created::New`].
    /// With [`Terms::idempotency`], the record of the answer is written in the same transaction, and a request that has a record is
    /// answered by it before anything else is looked at. Of many callers with one key exactly one gets [`Created::New`].
    /// Effects: `Gone` for the replaced one, then `Message` with the start message, then `Changed`.
    async fn instance_create(&self, new: NewInstance, terms: Terms) -> Result<Created, Error>;

    /// What a request with this key was answered, if that is on record and was not before `valid_from`.
    async fn idempotency_get(
        &self,
        hub: HubId,
        key: String,
        valid_from: Timestamp,
    ) -> Result<Option<Recorded>, Error>;

    /// Puts a message into the inbox of a live instance. Effect: `Message`.
    async fn message_append(
        &self,
        hub: HubId,
        id: InstanceId,
        message: NewMessage,
    ) -> Result<Appended, Error>;

    /// Puts a message into the inbox of an entity, which is made at `at` if it is not there. Effect: `Message`.
    async fn entity_signal(
        &self,
        hub: HubId,
        entity: EntityId,
        message: NewMessage,
        at: Timestamp,
    ) -> Result<(), Error>;

    /// One entity; `with_state`: its state as well. `None`: there is none of this id.
    async fn entity_get(
        &self,
        hub: HubId,
        id: InstanceId,
        with_state: bool,
    ) -> Result<Option<EntityRecord>, Error>;

    /// One page of the hub's entities that match, in the order of their ids, behind `after`. At most `limits.rows`, fewer if their states
    /// grow beyond `limits.bytes`, or if finding them takes too long.
    async fn entity_list(
        &self,
        hub: HubId,
        filter: EntityFilter,
        after: Option<InstanceId>,
        with_state: bool,
        limits: PageLimits,
    ) -> Result<EntitiesListed, Error>;

    /// Deletes the state of an entity, as an operation could. Messages that wait for it stay, and so does a lock; without them, nothing is
    /// left. An answer to operations that had seen the state is refused, and they are delivered again. Effects: `Gone` or `Altered`.
    async fn entity_purge(&self, hub: HubId, entity: EntityId) -> Result<Purged, Error>;

    /// Applies one turn, all or nothing, in the order of [`Commit`]'s fields. `Fenced`: the instance is gone or has seen another
    /// number of commits, or a message that is consumed is not in its inbox; nothing was written and whatever was known of the instance
    /// must be dropped.
    ///
    /// Effects, in this order: `Unlocked` for each entity that is free because its owner's execution has ended, those of replaced and
    /// created children, `Activity` for each activity, `Message` for each message that reached an inbox (the instance's own included),
    /// `Changed`. Of an entity also: `Unlocked` if its lock was not taken because the owner has ended, and `Gone` if nothing is left of it.
    async fn turn_commit(&self, commit: Commit) -> Result<(), Error>;

    /// Applies one turn of each of several instances as one change, all or nothing, in order. `Fenced`: one of them is (see
    /// [`Store::turn_commit`]), or one of `living` is gone or has ended.
    ///
    /// [`HistoryChange::Rewrite`](crate::model::HistoryChange) puts the history aside under the next revision number. Effects: those of
    /// each turn; `Reopened` comes first in a turn that opens an ended instance again.
    async fn rewind_commit(&self, turns: Vec<Commit>, living: Vec<InstanceKey>) -> Result<(), Error>;

    /// Removes the activity and puts `result` into its instance's inbox; a detached one has no result that anybody wants. `false`:
    /// the activity is not there any more (answered before, or the execution has ended); nothing was changed. Safe to repeat.
    /// Effect: `Message`.
    async fn activity_complete(
        &self,
        activity: ActivityKey,
        result: Option<NewMessage>,
    ) -> Result<bool, Error>;

    /// Everything needed for the instance's next turn; `None` if the key is gone.
    async fn instance_load(&self, key: InstanceKey) -> Result<Option<Loaded>, Error>;

    /// The same as far as it can be told if [`Store::instance_load`] says that what is stored cannot be used.
    async fn instance_outline(&self, key: InstanceKey) -> Result<Option<Outline>, Error>;

    /// Parks a live instance: [`Store::ready_claim`] has it no more, unless for a control message. One that is parked is parked anew.
    /// `false`: it has ended or is gone, and nothing was changed. An instance that ends is not parked any more.
    async fn instance_park(&self, key: InstanceKey, parking: Parking) -> Result<bool, Error>;

    /// Ends the parking of a live instance, and puts `message` into its inbox in the same transaction; answers how it was parked. `None`:
    /// it is not parked, or there is no such instance, and nothing was changed. Effects: `Unparked`, then `Message`.
    async fn instance_unpark(
        &self,
        hub: HubId,
        id: InstanceId,
        message: Option<NewMessage>,
    ) -> Result<Option<Parking>, Error>;

    /// The hub's parked instances by key, after `after`. At most `limit`; fewer means there are no more.
    async fn parked_list(&self, hub: HubId, after: InstanceKey, limit: usize) -> Result<Vec<Parked>, Error>;

    /// One instance by id, with its payloads if asked for (default ones otherwise, but always with `failure`).
    async fn instance_get(
        &self,
        hub: HubId,
        id: InstanceId,
        payloads: bool,
    ) -> Result<Option<(InstanceRecord, Payloads)>, Error>;

    /// One page of the hub's instances that match, in the order of `walk` and after where it stands, all of one moment. At most
    /// `limits.rows`, fewer if they grow beyond `limits.bytes` (but never none for that reason). [`Listed::next`] is there exactly if
    /// another matching instance follows, so an instance that stays where it is in the order is met once, whatever comes and goes
    /// between the pages. A backend may end a page that takes too long to find: then it has what was found, perhaps nothing, and
    /// [`Listed::next`] goes on behind what was looked at.
    async fn instance_list(
        &self,
        hub: HubId,
        filter: Filter,
        walk: Walk,
        limits: PageLimits,
    ) -> Result<Listed, Error>;

    /// One page of the hub's instances that are searched for, at most `rows`; otherwise as [`Store::instance_list`].
    async fn instance_search(
        &self,
        hub: HubId,
        search: Search,
        walk: Walk,
        rows: usize,
    ) -> Result<Searched, Error>;

    /// How many of the hub's instances match, by status, all of one moment.
    async fn instance_count(&self, hub: HubId, filter: Filter) -> Result<Counts, Error>;

    /// How many of the hub's instances that match were created, or ended, in each part of a span, all of one moment.
    async fn instance_histogram(
        &self,
        hub: HubId,
        filter: Filter,
        query: HistogramQuery,
    ) -> Result<Histogram, Error>;

    /// The history of the instance's current execution, in order, from event number `from` on (chunks that contain it included).
    async fn history_read(&self, key: InstanceKey, from: i64) -> Result<Vec<Chunk>, Error>;

    /// The part of it from event number `from` on, before number `before` (chunks that contain such events, as a whole).
    async fn history_part(&self, key: InstanceKey, from: i64, before: i64) -> Result<Vec<Chunk>, Error>;

    /// How large the history of the current execution is, without reading it.
    async fn history_size(&self, key: InstanceKey) -> Result<HistorySize, Error>;

    /// The earlier histories of the instance, the first one first.
    async fn revision_list(&self, key: InstanceKey) -> Result<Vec<Revision>, Error>;

    /// The events of an earlier history as one chunk; `None` if there is no such revision.
    async fn revision_read(&self, key: InstanceKey, number: i64) -> Result<Option<Chunk>, Error>;

    /// Removes an ended instance with all it has. Effect: `Gone`.
    async fn instance_purge(&self, hub: HubId, id: InstanceId) -> Result<Purged, Error>;

    /// Removes at most `limit` ended instances that match, with all they have, in one transaction: the oldest after `after`. Live
    /// ones never match. Effects: `Gone` for each.
    async fn instance_purge_matching(
        &self,
        hub: HubId,
        filter: Filter,
        after: Option<(Timestamp, InstanceKey)>,
        limit: usize,
    ) -> Result<Cleared, Error>;

    /// Removes ended instances that are as they were seen, in one transaction: of each tree those below its top, and then the top if the tree
    /// is whole; answers how many those were. What has changed since stays, and all of a tree whose top has. Effects: `Gone` for each.
    async fn instance_purge_seen(&self, trees: Vec<PurgeTree>) -> Result<usize, Error>;

    /// Instances with deliverable messages at `now`, by key, after `after`: those that have not ended and have a message that is due
    /// (for suspended and parked ones only a control message counts). At most `limit`; fewer means there are no more.
    async fn ready_claim(
        &self,
        now: Timestamp,
        after: InstanceKey,
        limit: usize,
    ) -> Result<Vec<Ready>, Error>;

    /// Queued activities in the order of their keys, after `after`. At most `limit`, fewer if their requests are large; none means there
    /// are no more.
    async fn activity_claim(&self, after: ActivityKey, limit: usize) -> Result<Vec<ActivityTask>, Error>;

    /// Messages with a due time, in the order of [`Due`], after `after`. At most `limit`; fewer means there are no more.
    async fn due_list(&self, after: Due, limit: usize) -> Result<Vec<Due>, Error>;

    /// The row that routes work for `key`, with its status; `None` if the key is gone.
    async fn instance_route(&self, key: InstanceKey) -> Result<Option<(InstanceRef, Status)>, Error>;

    /// Makes a job, which is running from then on and knows the newest instance of this moment. Of the hub's ended jobs the latest
    /// `keep` stay, the others go with their failures.
    async fn job_create(&self, new: NewJob, keep: usize) -> Result<Job, Error>;

    /// The hub's latest jobs, the last one first; at most `limit`.
    async fn job_list(&self, hub: HubId, limit: usize) -> Result<Vec<Job>, Error>;

    /// One job of the hub.
    async fn job_get(&self, hub: HubId, id: String) -> Result<Option<Job>, Error>;

    /// The failures that are kept of a job, in the order in which they came.
    async fn job_failures(&self, id: String) -> Result<Vec<JobFailure>, Error>;

    /// All jobs that run, of all hubs, the oldest first.
    async fn job_running(&self) -> Result<Vec<JobWork>, Error>;

    /// Adds what a slice has come to, whatever state the job is in by now, and ends it if it is running and `end` says so. Of all its
    /// failures the first `keep` are kept, all are counted. Answers whether it is running still; `false` also if it is gone.
    async fn job_advance(
        &self,
        id: String,
        step: JobStep,
        end: Option<JobEnd>,
        keep: usize,
    ) -> Result<bool, Error>;

    /// Ends a running job; `false`: it is not running, or not there.
    async fn job_end(&self, id: String, end: JobEnd) -> Result<bool, Error>;

    /// Removes an ended job with its failures; `false`: it is running, or not there.
    async fn job_delete(&self, id: String) -> Result<bool, Error>;

    /// Looks at a slice of everything that is stored, beginning with [`CheckPlace::File`], and tells what is not as it should be. Each slice
    /// is of one moment, and changes go on meanwhile; the first one takes time in proportion to all that is there. Dropping the future
    /// does not stop a slice, [`Store::close`] does.
    async fn check(&self, place: CheckPlace) -> Result<Checked, Error>;

    /// Looks for tasks that nothing stored will answer; see [`LostTasks`]. Each call is of one moment. There are none, unless somebody else
    /// has changed what is stored, or there is a mistake somewhere. A page may end early; [`LostTasks::next`] goes on.
    async fn lost_tasks(&self, suspects: Suspects) -> Result<LostTasks, Error>;

    /// Answers when the store can read and write.
    async fn ping(&self) -> Result<(), Error>;

    /// Finishes what was begun, flushes and lets go of the data. Later calls answer [`Error::Closed`].
    async fn close(&self) -> Result<(), Error>;
}
