//! Many instances at once: lists in pages, and counts.

use super::{Error, Instance, Manager, token};
use crate::{
    model::HubId,
    store::{Counts, Filter, Order, PageLimits, Read, Walk},
};

/// Instances on a page if the caller names no number.
const PAGE: usize = 100;
/// Most instances on a page, whatever the caller asks for.
const MAX_PAGE: usize = 1_000;
/// Most ids in one batch.
pub(super) const MAX_BATCH: usize = 500;

/// A question for many instances.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Which ones.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// The last of the order first.
    pub descending: bool,
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

/// How many rows a page has for whoever asks for `top`.
pub(super) fn page_rows(top: Option<usize>) -> usize {
    top.filter(|top| *top > 0).unwrap_or(PAGE).min(MAX_PAGE)
}

/// The way through a list from where the page before has ended.
pub(super) fn walk(
    (order, descending): (Order, bool),
    continuation: Option<&str>,
    seal: token::Seal,
) -> Result<Walk, Error> {
    let Some(text) = continuation.map(str::trim).filter(|token| !token.is_empty()) else {
        return Ok(Walk { order, descending, after: None });
    };
    let walk = token::read(text, seal).map_err(|error| Error::Invalid(error.to_string()))?;
    if (walk.order, walk.descending) != (order, descending) {
        return Err(Error::Invalid(token::Refused::OtherList.to_string()));
    }
    Ok(walk)
}

impl Manager {
    /// A page of instances. One that stays where it is in the order (see [`Order`]) is met exactly once on the pages of a walk, whatever
    /// comes and goes meanwhile. A continuation is there exactly if something follows, unless the search for that took too long: then
    /// the page has what was found so far, perhaps nothing. `Invalid`: the continuation is not one of ours, or of another list.
    pub async fn list(&self, hub: HubId, query: ListQuery) -> Result<List, Error> {
        let ListQuery { filter, order, descending, top, bytes, read, continuation } = query;
        let seal = token::seal(hub, &filter);
        let walk = walk((order, descending), continuation.as_deref(), seal)?;
        let limits = PageLimits { rows: page_rows(top), bytes, read };
        let listed = self.store.instance_list(hub, filter, walk, limits).await?;
        let instances = listed.instances.into_iter();
        Ok(List {
            instances: instances.map(|(record, payloads)| Instance { record, payloads }).collect(),
            continuation: listed.next.as_ref().and_then(|walk| token::write(walk, seal)),
        })
    }

    /// How many instances match, by status.
    pub async fn count(&self, hub: HubId, filter: Filter) -> Result<Counts, Error> {
        Ok(self.store.instance_count(hub, filter).await?)
    }
}
