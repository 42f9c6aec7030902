//! Waiting for an instance without polling the store.

use super::{Error, Instance, Manager};
use crate::model::{HubId, InstanceId, Status, StatusExt as _};

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Any status but Pending.
    Start,
    /// A terminal status.
    End,
}

impl WaitFor {
    fn holds(self, status: Status) -> bool {
        match self {
            WaitFor::Start => status != Status::Pending,
            WaitFor::End => status.is_terminal(),
        }
    }
}

impl Manager {
    /// Answers when `what` holds; `None` at once if there is no such instance, or when it is purged meanwhile. Waits over
    /// continue-as-new, and for a new instance under the same id. Never gives up by itself: the caller drops the future.
    pub async fn wait(
        &self,
        hub: HubId,
        id: &InstanceId,
        what: WaitFor,
        payloads: bool,
    ) -> Result<Option<Instance>, Error> {
        // Subscribed before looking, so that nothing can happen in between unseen.
        let mut waiter = self.waiters.subscribe(hub, id.clone());
        loop {
            match self.get(hub, id, payloads).await? {
                None => return Ok(None),
                Some(instance) if what.holds(instance.record.status) => return Ok(Some(instance)),
                Some(_) => {}
            }
            while let Some(status) = waiter.next().await {
                if what.holds(status) {
                    break;
                }
            }
        }
    }
}
