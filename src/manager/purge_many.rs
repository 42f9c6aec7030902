//! Removing many instances that have ended: by filter, or by id.

use super::{Error, Manager};
use crate::{
    model::{HubId, InstanceId, InstanceKey, StatusSet, Timestamp},
    store::{self, Filter, Order, PageLimits, Place, Read, Walk},
};
use futures_util::{StreamExt as _, TryFutureExt as _, future::join_all, stream};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many instances one change removes. More would make everybody else's changes wait.
const PURGE_BATCH: usize = 100;
/// The longest wait between two changes. Each is followed by one as long as it took.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Most ids in one batch.
const MAX_BATCH: usize = 500;

/// Answer of [`Manager::purge_matching`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgedMany {
    /// How many instances are gone.
    pub deleted: usize,
    /// Nothing that matches is left. Otherwise time was up, or the server shuts down: the same call goes on.
    pub complete: bool,
}

impl Manager {
    /// Removes the ended instances that match and were made before now; live ones always stay. `recurse`: the ended
    /// sub-orchestrations below them, too. Stops when `budget` is over, but always removes something if there is something, and when
    /// `leaving` is cancelled (`Store(Closed)` if nothing has been removed by then). To drop the future ends it between two changes.
    pub async fn purge_matching(
        &self,
        hub: HubId,
        mut filter: Filter,
        recurse: bool,
        budget: Duration,
        leaving: &CancellationToken,
    ) -> Result<PurgedMany, Error> {
        // What is made from now on must not keep it from coming to an end.
        let now = self.clock.now().next();
        filter.created.before = Some(filter.created.before.map_or(now, |before| before.min(now)));
        filter.statuses = filter.statuses.and(StatusSet::TERMINAL);
        if filter.statuses.is_empty() {
            return Ok(PurgedMany { deleted: 0, complete: true });
        }
        let begun = Instant::now();
        let mut purged = PurgedMany::default();
        let mut after = None;
        loop {
            if leaving.is_cancelled() {
                return if purged.deleted == 0 { Err(store::Error::Closed.into()) } else { Ok(purged) };
            }
            let began = Instant::now();
            let (deleted, next) = match recurse {
                true => self.purge_trees(hub, &filter, after).await?,
                false => {
                    let change = self.store.instance_purge_matching(hub, filter.clone(), after, PURGE_BATCH);
                    let cleared = change.await?;
                    (cleared.deleted, cleared.next)
                }
            };
            purged.deleted += deleted;
            purged.complete = next.is_none();
            if purged.complete || begun.elapsed() >= budget {
                return Ok(purged);
            }
            after = next;
            // Half of the writer's time is for everybody else.
            tokio::select! {
                () = tokio::time::sleep(began.elapsed().min(LONGEST_PAUSE)) => {}
                () = leaving.cancelled() => {}
            }
        }
    }

    /// Removes some of those that match, after `after`, with the ended ones below each; answers how many instances that were and where to
    /// go on.
    async fn purge_trees(
        &self,
        hub: HubId,
        filter: &Filter,
        after: Option<(Timestamp, InstanceKey)>,
    ) -> Result<(usize, Option<(Timestamp, InstanceKey)>), Error> {
        let limits = PageLimits { rows: PURGE_BATCH, bytes: usize::MAX, read: Read::FailureOnly };
        let after = after.map(|(at, key)| Place::Key(at, key));
        let walk = Walk { after, ..Walk::first(Order::Created) };
        let page = self.store.instance_list(hub, filter.clone(), walk, limits).await?;
        let ids: Vec<_> = page.instances.into_iter().map(|(record, _)| record.id).collect();
        let deleted = self.purge_each(hub, &ids, true).await?;
        let next = match page.next.and_then(|walk| walk.after) {
            Some(Place::Key(at, key)) => Some((at, key)),
            Some(_) | None => None,
        };
        Ok((deleted, next))
    }

    /// Removes those of `ids` that are there and have ended; answers how many instances that were. `Invalid`: more than 500.
    pub async fn purge_batch(&self, hub: HubId, ids: &[InstanceId], recurse: bool) -> Result<usize, Error> {
        let got = ids.len();
        if got > MAX_BATCH {
            return Err(Error::Invalid(format!("{got} instance ids in one batch; the limit is {MAX_BATCH}")));
        }
        self.purge_each(hub, ids, recurse).await
    }

    async fn purge_each(&self, hub: HubId, ids: &[InstanceId], recurse: bool) -> Result<usize, Error> {
        let mut deleted = 0;
        for some in ids.chunks(PURGE_BATCH) {
            let purged = match recurse {
                // One after the other: trees may have instances in common.
                true => stream::iter(some).then(|id| self.purge_tree(hub, id)).collect().await,
                // Side by side, so that they are stored together.
                false => join_all(some.iter().map(|id| self.purge(hub, id).map_ok(|()| 1))).await,
            };
            for purged in purged {
                match purged {
                    Ok(count) => deleted += count,
                    Err(Error::NotFound(_) | Error::WrongState { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(deleted)
    }
}
