//! Searches: instances as a table shows them, in any order, also by what they say of themselves.

use super::{Error, Manager, list, token};
use crate::{
    model::HubId,
    store::{Found, Order, Search},
};

/// A question for many instances.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// Which ones, and what to tell of them.
    pub search: Search,
    /// In which order.
    pub order: Order,
    /// The last of the order first.
    pub descending: bool,
    /// Most instances on the page. `None` or 0: 100; capped at 1,000.
    pub top: Option<usize>,
    /// What the page before said. Blank or absent: the first page.
    pub continuation: Option<String>,
}

/// An answer to a [`SearchQuery`].
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    /// The instances, in order.
    pub instances: Vec<Found>,
    /// For the next page; `None` if nothing follows.
    pub continuation: Option<String>,
}

impl Manager {
    /// A page of instances. What is said of [`Manager::list`] holds here, too.
    pub async fn search(&self, hub: HubId, query: SearchQuery) -> Result<SearchResult, Error> {
        let SearchQuery { search, order, descending, top, continuation } = query;
        let seal = token::seal(hub, &search);
        let walk = list::walk((order, descending), continuation.as_deref(), seal)?;
        let found = self.store.instance_search(hub, search, walk, list::page_rows(top)).await?;
        let continuation = found.next.as_ref().and_then(|walk| token::write(walk, seal));
        Ok(SearchResult { instances: found.instances, continuation })
    }
}
