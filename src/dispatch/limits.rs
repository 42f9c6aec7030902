//! How much of one name workers hold at a time. A limit is for all versions of a name together, and each hub counts for itself.

use super::{insight::Places, queue::Route, worker::Kind};
use crate::model::HubId;
use std::{collections::HashMap, sync::Arc};

/// At most so many items of a name are in workers' hands at a time, in each hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimit {
    pub kind: Kind,
    /// Of an entity: in lower case.
    pub name: Arc<str>,
    pub most: usize,
}

/// What is out of the names that have a limit. Others are not counted.
#[derive(Debug, Default)]
pub(super) struct Limits {
    names: HashMap<(Kind, Arc<str>), Name>,
}

#[derive(Debug)]
struct Name {
    most: usize,
    /// Hubs of which nothing is out are not there.
    out: HashMap<HubId, usize>,
}

impl Limits {
    pub fn new(limits: &[ConcurrencyLimit]) -> Self {
        let name = |limit: &ConcurrencyLimit| {
            let ConcurrencyLimit { kind, name, most } = limit.clone();
            ((kind, name), Name { most, out: HashMap::new() })
        };
        Self { names: limits.iter().map(name).collect() }
    }

    /// How much of the route's name is out, and how much may be; `None`: it has no limit.
    pub fn of(&self, route: &Route) -> Option<Places> {
        if self.names.is_empty() {
            return None;
        }
        let Name { most, out } = self.names.get(&(route.kind, route.name.clone()))?;
        Some(Places { held: out.get(&route.hub).copied().unwrap_or(0), most: *most })
    }

    /// One more is out.
    pub fn begin(&mut self, hub: HubId, kind: Kind, name: &Arc<str>) {
        if let Some(name) = self.name(kind, name) {
            *name.out.entry(hub).or_default() += 1;
        }
    }

    /// One less is.
    pub fn end(&mut self, hub: HubId, kind: Kind, name: &Arc<str>) {
        let Some(name) = self.name(kind, name) else { return };
        if let Some(out) = name.out.get_mut(&hub) {
            *out -= 1;
            if *out == 0 {
                name.out.remove(&hub);
            }
        }
    }

    fn name(&mut self, kind: Kind, name: &Arc<str>) -> Option<&mut Name> {
        if self.names.is_empty() {
            return None;
        }
        self.names.get_mut(&(kind, name.clone()))
    }
}
