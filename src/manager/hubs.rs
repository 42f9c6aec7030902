//! Task hubs by name. The list is small and changes rarely, so it is kept in memory; the store has the truth.

use super::Error;
use crate::{
    model::{HubId, HubName},
    store::Store,
};
use std::sync::{PoisonError, RwLock};

/// The hubs this server knows.
#[derive(Debug)]
pub struct Hubs {
    known: RwLock<Vec<(HubId, HubName)>>,
    default: HubName,
    create: bool,
}

impl Hubs {
    /// Makes sure that the hubs of `names` exist and reads the rest from the store. The first name is the default hub. `create`:
    /// whether [`Hubs::find_or_create`] may make new ones.
    pub async fn open(store: &dyn Store, names: &[HubName], create: bool) -> Result<Self, Error> {
        let default =
            names.first().cloned().ok_or_else(|| Error::Invalid("hubs.names must not be empty".into()))?;
        for name in names {
            store.hub_ensure(name.clone()).await?;
        }
        let known = RwLock::new(store.hub_list().await?);
        Ok(Self { known, default, create })
    }

    /// The hub called `name`, the default hub if there is no name or a blank one.
    pub fn find(&self, name: Option<&str>) -> Result<HubId, Error> {
        let wanted = self.wanted(name);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find(|(_, name)| name.as_str().eq_ignore_ascii_case(wanted))
            .map(|(hub, _)| *hub)
            .ok_or_else(|| {
                let known: Vec<_> = known.iter().map(|(_, name)| name.as_str()).collect();
                Error::UnknownHub { name: wanted.to_owned(), known: known.join(", ") }
            })
    }

    /// Like [`Hubs::find`]; an unknown hub is made if the settings allow it.
    pub async fn find_or_create(&self, name: Option<&str>, store: &dyn Store) -> Result<HubId, Error> {
        match self.find(name) {
            Err(Error::UnknownHub { .. }) if self.create => {
                let name = HubName::parse(self.wanted(name))?;
                let hub = store.hub_ensure(name.clone()).await?;
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                if !known.iter().any(|(known, _)| *known == hub) {
                    known.push((hub, name));
                }
                Ok(hub)
            }
            found => found,
        }
    }

    /// The name of `hub`; empty if it is not one of ours.
    pub fn name(&self, hub: HubId) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(id, _)| *id == hub).map(|(_, name)| name.to_string()).unwrap_or_default()
    }

    fn wanted<'a>(&'a self, name: Option<&'a str>) -> &'a str {
        name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(self.default.as_str())
    }
}
