//! The instance manager: the product's verbs, each meaning the same whoever calls it.
//!
//! HTTP and gRPC both end here, so every rule about input and state exists once. A verb checks its input, reads the clock, makes
//! the ids, and asks the store for one change. It knows neither status codes nor JSON shapes nor `tonic`.
//!
//! Suspend, resume and terminate do not need a worker: the message is stored (that is the promise), then the server's own turn
//! applies it; the verb waits a moment for that, so that a caller who looks right after sees the new status. Rewind acts on instances that
//! have ended, which nothing else can be changing, so the manager asks the engine itself and stores the whole change.

mod admission;
mod batch;
mod check;
mod entity;
mod error;
mod explain;
mod failures;
mod histogram;
mod history;
mod history_page;
mod hubs;
mod idempotency;
mod jobs;
mod list;
mod parked;
mod purge;
mod purge_many;
mod recent;
mod restart;
mod retention;
mod rewind;
mod search;
mod start;
mod statistics;
mod token;
mod tree;
mod wait;

pub use admission::{Allowance, Disk, HubAllowance};
pub use check::{Check, CheckState};
pub use entity::{EntityList, EntityQuery, Signal};
pub use error::Error;
pub use explain::{Explanation, LastError, Wait, WaitKind};
pub use failures::{FailureGroup, Failures, PARTS as FAILURE_PARTS};
pub use histogram::{Chart, ChartQuery};
pub use history_page::{HistoryAsked, HistoryPage};
pub use hubs::Hubs;
pub use idempotency::IdempotencyKey;
pub use jobs::{Bulk, BulkAction, Targets};
pub use list::{List, ListQuery};
pub use parked::ParkedList;
pub use purge_many::PurgedMany;
pub use restart::{Restart, Under};
pub use retention::{LastPass, Preview, Previewed, RetentionPlan, RuleState};
pub use search::{SearchQuery, SearchResult};
pub use start::{Reuse, Start, Started};
pub use statistics::{Durations, FailedByHour, Statistics};
pub use tree::{Tree, TreeNode};
pub use wait::WaitFor;

use crate::{
    clock::Clock,
    dispatch::{Interest, Waiters},
    model::{
        Class, HubId, InstanceId, InstanceRecord, InstanceRef, MAX_NAME_CHARS, NewMessage, Payloads, Status,
        StatusExt as _, event, pb::HistoryEvent,
    },
    store::{Appended, Store},
};
use admission::{Admission, Permit};
use recent::Recent;
use std::{sync::Arc, time::Duration};

/// How long a control verb waits for its effect to show before it answers anyway; the message is durable by then.
const CONTROL_PATIENCE: Duration = Duration::from_secs(5);

/// What the manager refuses to take in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest input, event, reason or output, in bytes.
    pub payload_bytes: usize,
    /// How long an [`IdempotencyKey`] is remembered.
    pub idempotency: Duration,
}

/// One instance as a caller sees it.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Everything but payloads.
    pub record: InstanceRecord,
    /// Payloads; only `failure` unless all were asked for.
    pub payloads: Payloads,
}

impl Instance {
    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.record.status.is_terminal()
    }
}

/// The verbs. Cheap to clone.
#[derive(Clone)]
pub struct Manager {
    store: Arc<dyn Store>,
    waiters: Arc<Waiters>,
    clock: Arc<dyn Clock>,
    hubs: Arc<Hubs>,
    limits: Limits,
    signals: Arc<Recent>,
    admission: Arc<Admission>,
    jobs: Arc<jobs::Jobs>,
    checks: Arc<check::Checks>,
    retention: Arc<retention::Retention>,
}

impl Manager {
    /// A manager over `store`. `waiters` must be fed with the store's effects.
    pub fn new(
        store: Arc<dyn Store>,
        waiters: Arc<Waiters>,
        clock: Arc<dyn Clock>,
        hubs: Arc<Hubs>,
        limits: Limits,
    ) -> Self {
        Self {
            store,
            waiters,
            clock,
            hubs,
            limits,
            signals: Arc::new(Recent::new()),
            admission: Arc::new(Admission::new(Allowance::default())),
            jobs: Arc::default(),
            checks: Arc::default(),
            retention: Arc::default(),
        }
    }

    /// The same, removing what has ended by this plan.
    #[must_use]
    pub fn retaining(self, plan: RetentionPlan) -> Self {
        Self { retention: Arc::new(retention::Retention::new(plan)), ..self }
    }

    /// The same, taking in no more new work than `allowance`.
    #[must_use]
    pub fn allowing(self, allowance: Allowance) -> Self {
        Self { admission: Arc::new(Admission::new(allowance)), ..self }
    }

    /// Lets a request for new work in that brings so many bytes. `Overloaded`.
    fn admit(&self, hub: HubId, bytes: usize) -> Result<Permit, Error> {
        self.admission.request(|| self.hub_name(hub), bytes, &*self.clock)
    }

    /// How much new work was refused since the start, by the setting that was in the way.
    pub fn refused(&self) -> [(&'static str, u64); 5] {
        self.admission.refused()
    }

    /// Lets one more instance be started, as far as the hub's number of live ones goes. `Overloaded`.
    async fn admit_instance(&self, hub: HubId) -> Result<(), Error> {
        let count = async |filter| Ok(self.store.instance_count(hub, filter).await?.total());
        self.admission.start(|| self.hub_name(hub), &*self.clock, count).await
    }

    /// The hub called `name` (the default hub if absent or blank), for reading or acting. `UnknownHub` if there is none.
    pub fn hub(&self, name: Option<&str>) -> Result<HubId, Error> {
        self.hubs.find(name)
    }

    /// The name of the hub that is meant by `name`, whether there is such a hub or not.
    pub fn hub_meant<'a>(&'a self, name: Option<&'a str>) -> &'a str {
        self.hubs.wanted(name)
    }

    /// Like [`Manager::hub`], but makes the hub if the settings allow that: for starts and workers.
    pub async fn hub_or_create(&self, name: Option<&str>) -> Result<HubId, Error> {
        self.hubs.find_or_create(name, &*self.store).await
    }

    /// The name of a hub, as configured.
    pub fn hub_name(&self, hub: HubId) -> String {
        self.hubs.name(hub)
    }

    /// One instance, or `None`. `payloads`: also read input, output and custom status.
    pub async fn get(&self, hub: HubId, id: &InstanceId, payloads: bool) -> Result<Option<Instance>, Error> {
        let found = self.store.instance_get(hub, id.clone(), payloads).await?;
        Ok(found.map(|(record, payloads)| Instance { record, payloads }))
    }

    /// How many callers wait for an instance at this moment.
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }

    /// Puts an external event into the instance's inbox: text as given, usually JSON. Accepted in every status that has not ended,
    /// also before the first turn and while suspended. `NotFound`, `AlreadyEnded`, `Overloaded`.
    pub async fn raise_event(
        &self,
        hub: HubId,
        id: &InstanceId,
        name: &str,
        data: Option<String>,
    ) -> Result<(), Error> {
        check_name("event name", name)?;
        self.check_payload("event", data.as_deref())?;
        let _permit = self.admit(hub, data.as_deref().map_or(0, str::len))?;
        let raised = event::event_raised(self.clock.now(), name.to_owned(), data);
        self.append(hub, id, NewMessage::now(Class::Event, raised)).await.map(drop)
    }

    /// Ends the instance as Terminated with `reason` as its output, whatever it waits for; `recurse`: its open sub-orchestrations
    /// too. `NotFound`, `AlreadyEnded`.
    pub async fn terminate(
        &self,
        hub: HubId,
        id: &InstanceId,
        reason: Option<String>,
        recurse: bool,
    ) -> Result<(), Error> {
        self.check_payload("reason", reason.as_deref())?;
        let terminated = event::execution_terminated(self.clock.now(), reason, recurse);
        self.control(hub, id, terminated, |_| false).await
    }

    /// Pauses the instance: nothing is dispatched to it until it is resumed or terminated. `NotFound`, `AlreadyEnded`,
    /// `WrongState` if it is suspended already.
    pub async fn suspend(&self, hub: HubId, id: &InstanceId, reason: Option<String>) -> Result<(), Error> {
        self.check_payload("reason", reason.as_deref())?;
        self.check_state(hub, id, "suspend", |status| status != Status::Suspended).await?;
        let suspended = event::execution_suspended(self.clock.now(), reason);
        self.control(hub, id, suspended, |status| status == Status::Suspended).await
    }

    /// Lets a suspended instance go on with all that arrived meanwhile. `NotFound`, `AlreadyEnded`, `WrongState` if it is not
    /// suspended.
    pub async fn resume(&self, hub: HubId, id: &InstanceId, reason: Option<String>) -> Result<(), Error> {
        self.check_payload("reason", reason.as_deref())?;
        self.check_state(hub, id, "resume", |status| status == Status::Suspended).await?;
        let resumed = event::execution_resumed(self.clock.now(), reason);
        self.control(hub, id, resumed, |status| status != Status::Suspended).await
    }

    /// Stores a control message, then waits until `settled` holds, the instance has ended, or [`CONTROL_PATIENCE`] is over.
    async fn control(
        &self,
        hub: HubId,
        id: &InstanceId,
        event: HistoryEvent,
        settled: impl Fn(Status) -> bool,
    ) -> Result<(), Error> {
        let mut waiter = self.waiters.subscribe(hub, id.clone(), Interest::Any);
        let to = self.append(hub, id, NewMessage::now(Class::Control, event)).await?;
        let over = |status: Status| settled(status) || status.is_terminal();
        let applied = async {
            loop {
                if waiter.next().await.is_some_and(|status| !over(status)) {
                    continue;
                }
                // What is told comes late now and then: it may be about the instance that had the id before, or about how this one was.
                match self.store.instance_route(to.key).await {
                    Ok(Some((_, status))) if !over(status) => {}
                    // If nobody can tell, it is stored all the same, and happens.
                    Ok(_) | Err(_) => break,
                }
            }
        };
        if tokio::time::timeout(CONTROL_PATIENCE, applied).await.is_err() {
            tracing::warn!(instance.id = %id, "a control message is stored but has not been applied yet");
        }
        Ok(())
    }

    async fn append(&self, hub: HubId, id: &InstanceId, message: NewMessage) -> Result<InstanceRef, Error> {
        if id.is_entity() {
            // What orchestrations understand, entities do not.
            return Err(Error::NotFound(id.clone()));
        }
        match self.store.message_append(hub, id.clone(), message).await? {
            Appended::To(instance) => Ok(instance),
            Appended::Ended(status) => Err(Error::AlreadyEnded { id: id.clone(), status }),
            Appended::NotFound => Err(Error::NotFound(id.clone())),
        }
    }

    async fn check_state(
        &self,
        hub: HubId,
        id: &InstanceId,
        verb: &'static str,
        allowed: impl Fn(Status) -> bool,
    ) -> Result<(), Error> {
        let id = id.clone();
        let status = match self.get(hub, &id, false).await? {
            Some(_) if id.is_entity() => return Err(Error::NotFound(id)),
            Some(instance) => instance.record.status,
            None => return Err(Error::NotFound(id)),
        };
        match status {
            ended if ended.is_terminal() => Err(Error::AlreadyEnded { id, status: ended }),
            fine if allowed(fine) => Ok(()),
            status => Err(Error::WrongState { verb, id, status }),
        }
    }

    fn check_payload(&self, what: &'static str, payload: Option<&str>) -> Result<(), Error> {
        let (got, limit) = (payload.map_or(0, str::len), self.limits.payload_bytes);
        if got > limit { Err(Error::TooLarge { what, got, limit }) } else { Ok(()) }
    }
}

/// Function and event names: not empty, at most [`MAX_NAME_CHARS`] characters, no control characters.
fn check_name(what: &str, name: &str) -> Result<(), Error> {
    match name.trim() {
        "" => Err(Error::Invalid(format!("{what} must not be empty"))),
        _ => check_name_length(what, name),
    }
}

/// The same, except that it may be empty.
fn check_name_length(what: &str, name: &str) -> Result<(), Error> {
    let chars = name.chars().count();
    if chars > MAX_NAME_CHARS {
        Err(Error::Invalid(format!("{what} is {chars} characters long; the limit is {MAX_NAME_CHARS}")))
    } else if let Some(bad) = name.chars().find(|c| c.is_control()) {
        Err(Error::Invalid(format!("{what} must not contain the control character {bad:?}")))
    } else {
        Ok(())
    }
}
