//! One verb for many instances.

use super::{Error, Manager, list::MAX_BATCH};
use crate::model::{HubId, InstanceId};
use futures_util::{StreamExt as _, stream};

/// How many of a batch are worked on at a time.
const AT_ONCE: usize = 32;

impl Manager {
    /// Terminates each of `ids`; answers those that could not be, because they are missing, have ended, or are no orchestrations.
    /// `Invalid`: more than 500.
    pub async fn terminate_batch(
        &self,
        hub: HubId,
        ids: Vec<InstanceId>,
        reason: Option<String>,
    ) -> Result<Vec<InstanceId>, Error> {
        let got = ids.len();
        if got > MAX_BATCH {
            return Err(Error::Invalid(format!("{got} instance ids in one batch; the limit is {MAX_BATCH}")));
        }
        let terminate = |id: InstanceId| {
            let reason = reason.clone();
            async move {
                let outcome = self.terminate(hub, &id, reason, false).await;
                (id, outcome)
            }
        };
        let mut outcomes = stream::iter(ids).map(terminate).buffered(AT_ONCE);
        let mut left = Vec::new();
        while let Some((id, outcome)) = outcomes.next().await {
            match outcome {
                Ok(()) => {}
                Err(Error::NotFound(_) | Error::AlreadyEnded { .. }) => left.push(id),
                Err(other) => return Err(other),
            }
        }
        Ok(left)
    }
}
