//! Waiting for an instance without polling the store.

use super::{Error, Instance, Manager};
use crate::{
    dispatch::{Interest, Watcher},
    model::{HubId, InstanceId},
};
use std::collections::HashSet;

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Any status but Pending.
    Start,
    /// A terminal status.
    End,
}

impl WaitFor {
    fn interest(self) -> Interest {
        match self {
            WaitFor::Start => Interest::Started,
            WaitFor::End => Interest::Ended,
        }
    }
}

impl Manager {
    /// Listens to what changes in the hub from now on; `only`: these instances, or all if there are none. `None`: too many listen already.
    pub fn watch(&self, hub: HubId, only: HashSet<InstanceId>) -> Option<Watcher> {
        self.waiters.watch(hub, only)
    }

    /// Answers when `what` holds; `None` at once if there is no such instance, or when it is purged meanwhile. Waits over
    /// continue-as-new, and for a new instance under the same id. Never gives up by itself: the caller drops the future.
    ///
    /// The instance is read once now, once when `what` is told to hold, and once more whenever it is replaced meanwhile, however many
    /// turns it takes.
    pub async fn wait(
        &self,
        hub: HubId,
        id: &InstanceId,
        what: WaitFor,
        payloads: bool,
    ) -> Result<Option<Instance>, Error> {
        // Subscribed before looking, so that nothing can happen in between unseen.
        let mut waiter = self.waiters.subscribe(hub, id.clone(), what.interest());
        loop {
            match self.get(hub, id, payloads).await? {
                None => return Ok(None),
                Some(instance) if what.interest().is_met_by(instance.record.status) => {
                    return Ok(Some(instance));
                }
                Some(_) => {}
            }
            waiter.next().await;
        }
    }
}
