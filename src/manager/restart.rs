//! Running an instance again from its beginning.

use super::{
    Error, IdempotencyKey, Instance, Manager, Started,
    idempotency::{self, Fingerprint},
    start,
};
use crate::{
    model::{HubId, InstanceId, NewInstance, Short, StatusExt as _, StatusSet, pb},
    store::{Created, Idempotency, Terms},
};

/// A request to run an instance again.
#[derive(Clone, Debug, Default)]
pub struct Restart {
    /// The id it shall have.
    pub under: Under,
    /// Another version of the orchestrator than last time. An empty one is a version, too.
    pub version: Option<String>,
    /// Refuse an instance that has not ended also where it could stay as it is, that is with a new id. The protocols differ here.
    pub ended_only: bool,
    /// The caller's trace context; that of the first start is not repeated.
    pub trace: Option<pb::TraceContext>,
    /// By what the request is recognised when it is repeated.
    pub key: Option<IdempotencyKey>,
}

/// Under which id an instance runs again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Under {
    /// A new one that is made up; the old instance stays.
    #[default]
    MadeUp,
    /// This one, by the rules of a start: an ended instance that holds it is replaced, a live one refuses. The old instance stays,
    /// unless the id is its own.
    Chosen(String),
    /// Its own, which replaces it.
    Same,
}

impl Manager {
    /// Starts an orchestration with the name, input, version and tags that `id` has now. After continue-as-new that is the newest
    /// input. It starts at once, and as nobody's child. `NotFound`; `WrongState` if the old instance has not ended although it has to;
    /// `Overtaken` if it was to be replaced, and somebody else did so first or purged it; `AlreadyExists` if a chosen id is taken.
    ///
    /// What is repeated is not checked against the limits again: it has all been taken in before, and may be what an orchestrator chose
    /// for its child.
    pub async fn restart(&self, hub: HubId, id: &InstanceId, restart: Restart) -> Result<Started, Error> {
        if id.as_str().starts_with('@') {
            return Err(Error::Invalid(format!(
                "cannot restart {}: ids that begin with '@' belong to entities, which have no beginning to run from",
                Short(id.as_str())
            )));
        }
        start::check_version(restart.version.as_deref())?;
        start::check_trace(restart.trace.as_ref())?;
        let _permit = self.admit(hub, 0)?;
        self.admit_instance(hub).await?;
        let target = match &restart.under {
            Under::MadeUp => start::made_up_id(),
            Under::Chosen(chosen) => InstanceId::orchestration(chosen)?,
            Under::Same => id.clone(),
        };
        let asked = restart.key.clone().map(|key| self.idempotency(key, fingerprint(id, &restart)));
        let refused = match self.restart_as(hub, id, target, restart, asked.clone()).await {
            Err(
                refused @ (Error::NotFound(_)
                | Error::WrongState { .. }
                | Error::AlreadyExists { .. }
                | Error::Overtaken { .. }),
            ) => refused,
            answered => return answered,
        };
        // What stands in the way may be what this very request has made.
        let Some(asked) = asked else { return Err(refused) };
        match self.store.idempotency_get(hub, asked.key.clone(), asked.valid_from).await? {
            Some(recorded) => idempotency::repeated(&asked, recorded),
            None => Err(refused),
        }
    }

    async fn restart_as(
        &self,
        hub: HubId,
        id: &InstanceId,
        target: InstanceId,
        restart: Restart,
        asked: Option<Idempotency>,
    ) -> Result<Started, Error> {
        let old = self.get(hub, id, true).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        let wrong_state = |status| Error::WrongState { verb: "restart", id: id.clone(), status };
        let (same, status) = (target == *id, old.record.status);
        if (restart.ended_only || same) && !status.is_terminal() {
            return Err(wrong_state(status));
        }
        let terms = Terms {
            replace: StatusSet::TERMINAL,
            keep: StatusSet::NONE,
            // What is replaced is what has been read, and nothing that came after it.
            only: same.then_some(old.record.key),
            idempotency: asked.clone(),
        };
        let new = self.again(hub, target.clone(), old, restart);
        match (self.store.instance_create(new, terms).await?, asked) {
            (Created::New(_), _) => Ok(Started { id: target, created: true, repeated: false }),
            (Created::Recorded(recorded), Some(asked)) => idempotency::repeated(&asked, recorded),
            (Created::Exists(status) | Created::Kept(status), _) if same => Err(wrong_state(status)),
            (Created::Exists(status) | Created::Kept(status), _) => {
                Err(Error::AlreadyExists { id: target, status })
            }
            (Created::Overtaken | Created::Recorded(_), _) => {
                Err(Error::Overtaken { verb: "restart", id: id.clone() })
            }
        }
    }

    /// A fresh instance that asks for what `old` was asked for.
    fn again(&self, hub: HubId, id: InstanceId, old: Instance, restart: Restart) -> NewInstance {
        let Instance { record, payloads } = old;
        let started = pb::ExecutionStartedEvent {
            name: record.name.to_string(),
            version: restart.version.or_else(|| record.version.as_deref().map(str::to_owned)),
            input: payloads.input,
            orchestration_instance: Some(start::execution(&id, None)),
            parent_trace_context: restart.trace,
            tags: record.tags,
            ..pb::ExecutionStartedEvent::default()
        };
        NewInstance { hub, id, created_at: self.clock.now(), start_at: None, started }
    }
}

/// What makes a restart the same request.
fn fingerprint(id: &InstanceId, restart: &Restart) -> Fingerprint {
    let (under, chosen) = match &restart.under {
        Under::MadeUp => ("made up", None),
        Under::Chosen(chosen) => ("chosen", Some(chosen.as_str())),
        Under::Same => ("same", None),
    };
    let print = Fingerprint::of("restart").text(id.as_str()).text(under).maybe(chosen);
    print.maybe(restart.version.as_deref()).number(restart.ended_only.into())
}
