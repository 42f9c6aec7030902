//! Many instances at once: lists in pages, and removing by filter.

use super::{Error, Instance, Manager, token};
use crate::{
    model::{HubId, InstanceId, StatusSet},
    store::{Filter, PageLimits, Read, Walk},
};
use std::time::Duration;
use tokio::time::Instant;

/// Instances on a page if the caller names no number.
const PAGE: usize = 100;
/// Most instances on a page, whatever the caller asks for.
const MAX_PAGE: usize = 1_000;
/// How many instances one change removes. More would make everybody else's changes wait.
const PURGE_BATCH: usize = 100;
/// Most ids in one batch.
pub(super) const MAX_BATCH: usize = 500;

/// In which order to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// All instances, the oldest first.
    #[default]
    Created,
    /// Those that have ended, by the time of that.
    Completed,
}

/// A question for many instances.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which ones.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Most instances on the page. `None` or 0: 100; capped at 1,000.
    pub top: Option<usize>,
    /// Most bytes of texts on the page; one instance is always there.
    pub bytes: usize,
    /// Which payloads.
    pub read: Read,
    /// What the page before said. Blank or absent: the first page.
    pub continuation: Option<String>,
}

/// An answer to a [`ListQuery`].
#[derive(Clone, Debug)]
pub struct List {
    /// The instances, in order.
    pub instances: Vec<Instance>,
    /// For the next page; `None` if nothing follows. Never the same twice in one walk.
    pub continuation: Option<String>,
}

/// Answer of [`Manager::purge_matching`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgedMany {
    /// How many instances are gone.
    pub deleted: usize,
    /// Nothing that matches is left. Otherwise time was up: the same call goes on.
    pub complete: bool,
}

impl Manager {
    /// A page of instances. An instance that stays is met exactly once on the pages of a walk, whatever comes and goes meanwhile. Each page
    /// is to be asked for with the same filter. `Invalid`: the continuation is not one of ours, or of another order.
    pub async fn list(&self, hub: HubId, query: ListQuery) -> Result<List, Error> {
        let first = match query.order {
            Order::Created => Walk::Created(None),
            Order::Completed => Walk::Completed(None),
        };
        let walk = match query.continuation.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
            None => first,
            Some(text) => token::read(text)
                .filter(|walk| std::mem::discriminant(walk) == std::mem::discriminant(&first))
                .ok_or_else(|| {
                    Error::Invalid("the continuation token is not one that this list has given out".into())
                })?,
        };
        let rows = query.top.filter(|top| *top > 0).unwrap_or(PAGE).min(MAX_PAGE);
        let limits = PageLimits { rows, bytes: query.bytes, read: query.read };
        let listed = self.store.instance_list(hub, query.filter, walk, limits).await?;
        let instances = listed.instances.into_iter();
        Ok(List {
            instances: instances.map(|(record, payloads)| Instance { record, payloads }).collect(),
            continuation: listed.next.as_ref().and_then(token::write),
        })
    }

    /// Removes the ended instances that match and were made before now; live ones always stay. `recurse`: the ended
    /// sub-orchestrations below them, too. Stops when `budget` is over, but always removes something if there is something. To drop
    /// the future ends it between two changes.
    pub async fn purge_matching(
        &self,
        hub: HubId,
        mut filter: Filter,
        recurse: bool,
        budget: Duration,
    ) -> Result<PurgedMany, Error> {
        // What is made from now on must not keep it from coming to an end.
        let now = self.clock.now().next();
        filter.created.before = Some(filter.created.before.map_or(now, |before| before.min(now)));
        filter.statuses = filter.statuses.and(StatusSet::TERMINAL);
        if filter.statuses.is_empty() {
            return Ok(PurgedMany { deleted: 0, complete: true });
        }
        let begun = Instant::now();
        let (mut deleted, mut after) = (0, None);
        loop {
            let next = if recurse {
                let limits = PageLimits { rows: PURGE_BATCH, bytes: usize::MAX, read: Read::FailureOnly };
                let page =
                    self.store.instance_list(hub, filter.clone(), Walk::Created(after), limits).await?;
                let ids: Vec<_> = page.instances.into_iter().map(|(record, _)| record.id).collect();
                deleted += self.purge_each(hub, &ids, true).await?;
                match page.next {
                    Some(Walk::Created(next)) => next,
                    Some(Walk::Completed(_)) | None => None,
                }
            } else {
                let filter = filter.clone();
                let cleared = self.store.instance_purge_matching(hub, filter, after, PURGE_BATCH).await?;
                deleted += cleared.deleted;
                cleared.next
            };
            after = next;
            if after.is_none() || begun.elapsed() >= budget {
                return Ok(PurgedMany { deleted, complete: after.is_none() });
            }
        }
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
        for id in ids {
            let purged = match recurse {
                true => self.purge_tree(hub, id).await,
                false => self.purge(hub, id).await.map(|()| 1),
            };
            match purged {
                Ok(count) => deleted += count,
                Err(Error::NotFound(_) | Error::WrongState { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(deleted)
    }
}
