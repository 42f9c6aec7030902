//! Running an instance again from its beginning.

use super::{Error, Instance, Manager, start};
use crate::{
    model::{HubId, InstanceId, NewInstance, StatusExt as _, StatusSet, pb},
    store::Created,
};

/// A request to run an instance again.
#[derive(Clone, Debug, Default)]
pub struct Restart {
    /// Start a new instance beside the old one, under an id that is made up. `false`: replace the old one under its id.
    pub new_instance_id: bool,
    /// Refuse an instance that has not ended also where it could stay as it is, that is with a new id. The protocols differ here.
    pub ended_only: bool,
    /// The caller's trace context; that of the first start is not repeated.
    pub trace: Option<pb::TraceContext>,
}

impl Manager {
    /// Starts an orchestration with the name, input, version and tags that `id` has now; answers the id it runs under. After
    /// continue-as-new that is the newest input. It starts at once, and as nobody's child. `NotFound`; `WrongState` if the old
    /// instance has not ended although it has to.
    ///
    /// Nothing is checked against the limits again: it has all been taken in before, and may be what an orchestrator chose for its
    /// child.
    pub async fn restart(&self, hub: HubId, id: &InstanceId, restart: Restart) -> Result<InstanceId, Error> {
        let old = self.get(hub, id, true).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        let refused = |status| Error::WrongState { verb: "restart", id: id.clone(), status };
        let status = old.record.status;
        if (restart.ended_only || !restart.new_instance_id) && !status.is_terminal() {
            return Err(refused(status));
        }
        let (target, replace) = match restart.new_instance_id {
            true => (start::made_up_id(), StatusSet::NONE),
            false => (id.clone(), StatusSet::TERMINAL),
        };
        let new = self.again(hub, target.clone(), old, restart.trace);
        match self.store.instance_create(new, replace).await? {
            Created::New(_) => Ok(target),
            // Somebody else has started it again since we looked.
            Created::Exists(status) => Err(refused(status)),
        }
    }

    /// A fresh instance that asks for what `old` was asked for.
    fn again(
        &self,
        hub: HubId,
        id: InstanceId,
        old: Instance,
        trace: Option<pb::TraceContext>,
    ) -> NewInstance {
        let Instance { record, payloads } = old;
        let started = pb::ExecutionStartedEvent {
            name: record.name.to_string(),
            version: record.version.as_deref().map(str::to_owned),
            input: payloads.input,
            orchestration_instance: Some(start::execution(&id, None)),
            parent_trace_context: trace,
            tags: record.tags,
            ..pb::ExecutionStartedEvent::default()
        };
        NewInstance { hub, id, created_at: self.clock.now(), start_at: None, started }
    }
}
