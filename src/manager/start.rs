//! Starting instances, and what happens when the id is taken.

use super::{
    Error, IdempotencyKey, Manager, check_name,
    idempotency::{self, Fingerprint},
};
use crate::{
    model::{
        HubId, InstanceId, MAX_BESIDE_PAYLOAD, NewInstance, Status, StatusExt as _, StatusSet, Tags,
        Timestamp, pb,
    },
    store::{Created, Terms},
};
use prost::Message as _;
use uuid::Uuid;

/// How often a start that may replace a live instance tries again when somebody else takes the id in between.
const REPLACE_ATTEMPTS: usize = 16;
/// Most tags on one instance.
const MAX_TAGS: usize = 64;

/// A request to start an orchestration.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The orchestrator's name, as the worker registered it.
    pub name: String,
    /// Instance id; made up (32 hex digits) if absent or empty.
    pub id: Option<String>,
    /// Input as text, usually JSON.
    pub input: Option<String>,
    /// Version of the orchestrator that is wanted.
    pub version: Option<String>,
    /// First turn not before this time; a time that has passed means now.
    pub start_at: Option<Timestamp>,
    /// Labels.
    pub tags: Tags,
    /// The caller's trace context.
    pub trace: Option<pb::TraceContext>,
    /// The execution id, if the caller brings its own.
    pub execution_id: Option<String>,
    /// What to do if the id is taken.
    pub reuse: Reuse,
    /// By what the request is recognised when it is repeated. The trace context is not part of what makes it the same request.
    pub key: Option<IdempotencyKey>,
}

/// What to do with an instance that already holds the id, by its status. Statuses in neither set refuse the start.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// Replace it; one that has not ended is terminated first.
    pub replace: StatusSet,
    /// Leave it alone and answer as if it had just been started.
    pub ignore: StatusSet,
    /// Replace it whatever its status, in one step and without a word to it. Only what is live and has a parent is terminated first,
    /// because that is how the parent learns of it. The server's setting, not a wish of the caller's: a request that is repeated after the
    /// setting was changed is still the same.
    pub any_state: bool,
}

/// Ended instances are replaced, live ones refuse.
impl Default for Reuse {
    fn default() -> Self {
        Self { replace: StatusSet::TERMINAL, ignore: StatusSet::NONE, any_state: false }
    }
}

/// Answer of [`Manager::start`] and [`Manager::restart`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The instance's id.
    pub id: InstanceId,
    /// `false`: an existing instance was left alone, as [`Reuse::ignore`] asked.
    pub created: bool,
    /// This request was answered before and has changed nothing now; the rest is the answer of then. The instance may have ended, been
    /// replaced or purged since.
    pub repeated: bool,
}

impl Manager {
    /// Starts an orchestration. When this answers `Ok`, the start survives any crash. Whether anybody serves `name` is not
    /// checked: a worker may connect later. `AlreadyExists` if the id is taken and [`Start::reuse`] does not help; `KeyReused` if
    /// another request had the key; `Overloaded`.
    pub async fn start(&self, hub: HubId, start: Start) -> Result<Started, Error> {
        let reuse = start.reuse;
        let asked = start.key.clone().map(|key| self.idempotency(key, fingerprint(&start)));
        let bytes = start.input.as_deref().map_or(0, str::len);
        let new = self.new_instance(hub, start)?;
        let _permit = self.admit(hub, bytes)?;
        self.admit_instance(hub).await?;
        let id = new.id.clone();
        let ended_only = reuse.replace.and(StatusSet::TERMINAL);
        let mut replace = if reuse.any_state { StatusSet::ALL } else { ended_only };
        for _ in 0..REPLACE_ATTEMPTS {
            let terms = Terms { replace, keep: reuse.ignore, only: None, idempotency: asked.clone() };
            match self.store.instance_create(new.clone(), terms).await? {
                Created::New(_) => return Ok(Started { id, created: true, repeated: false }),
                Created::Kept(_) => return Ok(Started { id, created: false, repeated: false }),
                Created::Recorded(recorded) => {
                    let Some(asked) = &asked else { return Err(Error::Overtaken { verb: "start", id }) };
                    return idempotency::repeated(asked, recorded);
                }
                Created::Exists(status)
                    if (reuse.any_state || reuse.replace.contains(status)) && !status.is_terminal() =>
                {
                    let reason = Some("\"replaced by a new start with the same id\"".to_owned());
                    match self.terminate(hub, &id, reason, false).await {
                        Ok(()) | Err(Error::NotFound(_) | Error::AlreadyEnded { .. }) => {}
                        Err(other) => return Err(other),
                    }
                    // The terminated one may be replaced now, even if the policy names live statuses only.
                    replace = ended_only.with(Status::Terminated);
                }
                Created::Exists(status) => return Err(Error::AlreadyExists { id, status }),
                Created::Overtaken => return Err(Error::Overtaken { verb: "start", id }),
            }
        }
        let status = self.get(hub, &id, false).await?.map_or(Status::Running, |found| found.record.status);
        Err(Error::AlreadyExists { id, status })
    }

    /// Checks the request and turns it into an instance to be made.
    fn new_instance(&self, hub: HubId, start: Start) -> Result<NewInstance, Error> {
        check_name("orchestrator name", &start.name)?;
        self.check_payload("input", start.input.as_deref())?;
        check_tags(&start.tags)?;
        check_version(start.version.as_deref())?;
        check_trace(start.trace.as_ref())?;
        check_execution(start.execution_id.as_deref())?;
        let id = match start.id.as_deref().filter(|id| !id.is_empty()) {
            Some(chosen) => InstanceId::orchestration(chosen)?,
            None => made_up_id(),
        };
        let now = self.clock.now();
        let start_at = start.start_at.filter(|at| *at > now);
        let instance = execution(&id, start.execution_id);
        let started = pb::ExecutionStartedEvent {
            name: start.name,
            version: start.version,
            input: start.input,
            orchestration_instance: Some(instance),
            scheduled_start_timestamp: start_at.map(Timestamp::to_wire),
            parent_trace_context: start.trace,
            tags: start.tags,
            ..pb::ExecutionStartedEvent::default()
        };
        Ok(NewInstance { hub, id, created_at: now, start_at, started })
    }
}

/// An id for an instance that nobody named.
pub(super) fn made_up_id() -> InstanceId {
    InstanceId::lookup(Uuid::new_v4().simple().to_string())
}

/// The first execution of `id`: the one the caller brings, if that is not empty, else a new one.
pub(super) fn execution(id: &InstanceId, given: Option<String>) -> pb::OrchestrationInstance {
    let execution_id =
        given.filter(|given| !given.is_empty()).unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    pb::OrchestrationInstance { instance_id: id.as_str().to_owned(), execution_id: Some(execution_id) }
}

/// A version is a name, or empty.
pub(super) fn check_version(version: Option<&str>) -> Result<(), Error> {
    version.filter(|version| !version.is_empty()).map_or(Ok(()), |version| check_name("version", version))
}

/// The id of an execution that a caller brings is a name, or empty.
fn check_execution(id: Option<&str>) -> Result<(), Error> {
    id.filter(|id| !id.is_empty()).map_or(Ok(()), |id| check_name("executionId", id))
}

/// A trace context goes to every activity.
pub(super) fn check_trace(trace: Option<&pb::TraceContext>) -> Result<(), Error> {
    match trace.map_or(0, pb::TraceContext::encoded_len) {
        got if got > MAX_BESIDE_PAYLOAD => Err(Error::Invalid(format!(
            "the trace context is {got} bytes long; the limit is {MAX_BESIDE_PAYLOAD}"
        ))),
        _ => Ok(()),
    }
}

/// What makes a start the same request.
fn fingerprint(start: &Start) -> Fingerprint {
    let print = Fingerprint::of("start")
        .text(&start.name)
        .maybe(start.id.as_deref().filter(|id| !id.is_empty()))
        .maybe(start.input.as_deref())
        .maybe(start.version.as_deref())
        .maybe(start.execution_id.as_deref())
        .maybe(start.start_at.map(|at| at.to_string()).as_deref())
        .number(start.reuse.replace.bits().into())
        .number(start.reuse.ignore.bits().into());
    start.tags.iter().fold(print, |print, (key, value)| print.text(key).text(value))
}

fn check_tags(tags: &Tags) -> Result<(), Error> {
    if tags.len() > MAX_TAGS {
        return Err(Error::Invalid(format!("tags: {} given; the limit is {MAX_TAGS}", tags.len())));
    }
    tags.iter().try_for_each(|(key, value)| {
        check_name("tag name", key)?;
        if value.is_empty() { Ok(()) } else { check_name("tag value", value) }
    })
}
