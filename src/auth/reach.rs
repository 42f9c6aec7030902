//! How far a key reaches.

use crate::model::HubName;
use std::sync::Arc;

/// The task hubs that a key is for. They need not exist: a key is for a name, whoever made the hub of that name, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach(
    /// In lower case, in alphabetical order, each once. `None`: all there are, and the server itself.
    Option<Arc<[String]>>,
);

impl Reach {
    /// All task hubs, those to come included, and what is about the server as a whole.
    pub const ALL: Self = Self(None);

    /// These and no others.
    pub fn only<'a>(hubs: impl IntoIterator<Item = &'a HubName>) -> Self {
        let mut names: Vec<_> = hubs.into_iter().map(HubName::folded).collect();
        names.sort_unstable();
        names.dedup();
        Self(Some(names.into()))
    }

    /// Their names; `None` for all.
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether the hub of this name, in any case, is among them.
    pub fn covers(&self, hub: &str) -> bool {
        self.names().is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(hub)))
    }
}
