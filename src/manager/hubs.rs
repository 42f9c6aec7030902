//! Task hubs by name. The list is small and changes rarely, so it is kept in memory; the store has the truth.

use super::{Error, Manager};
use crate::{
    model::{HubId, HubName},
    store::Store,
};
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// How many instances one transaction removes from a hub, so that others need not wait long.
const CLEAR_BATCH: usize = 200;

/// The hubs this server knows.
#[derive(Debug)]
pub struct Hubs {
    known: RwLock<Vec<(HubId, HubName)>>,
    /// Those that the settings name; the first is the default hub. They cannot be deleted for good.
    configured: Vec<HubName>,
    create: bool,
    /// Written to when there is another one.
    changed: watch::Sender<()>,
}

impl Hubs {
    /// Makes sure that the hubs of `names` exist and reads the rest from the store. The first name is the default hub. `create`:
    /// whether [`Hubs::find_or_create`] may make new ones.
    pub async fn open(store: &dyn Store, names: &[HubName], create: bool) -> Result<Self, Error> {
        if names.is_empty() {
            return Err(Error::Invalid("hubs.names must not be empty".into()));
        }
        for name in names {
            store.hub_ensure(name.clone()).await?;
        }
        let known = RwLock::new(store.hub_list().await?);
        Ok(Self { known, configured: names.to_vec(), create, changed: watch::Sender::new(()) })
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
                let known = known.iter().map(|(_, name)| name.to_string()).collect();
                Error::UnknownHub { name: wanted.to_owned(), known }
            })
    }

    /// Like [`Hubs::find`]; an unknown hub is made if the settings allow it.
    pub async fn find_or_create(&self, name: Option<&str>, store: &dyn Store) -> Result<HubId, Error> {
        match self.find(name) {
            Err(Error::UnknownHub { .. }) if self.create => {
                self.add(HubName::parse(self.wanted(name))?, store).await
            }
            found => found,
        }
    }

    async fn add(&self, name: HubName, store: &dyn Store) -> Result<HubId, Error> {
        let hub = store.hub_ensure(name.clone()).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|(known, _)| *known == hub) {
            known.push((hub, name));
            self.changed.send_replace(());
        }
        Ok(hub)
    }

    /// All of them.
    pub fn all(&self) -> Vec<(HubId, HubName)> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells of each hub that comes from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// From now on nobody finds the hub. `false`: the settings name it, so it stays.
    fn hide(&self, hub: HubId) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|(id, name)| *id != hub || self.is_configured(name.as_str()));
        known.len() < before
    }

    /// The name of `hub`; empty if it is not one of ours.
    pub fn name(&self, hub: HubId) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(id, _)| *id == hub).map(|(_, name)| name.to_string()).unwrap_or_default()
    }

    /// All names, the default hub's first, the others in alphabetical order.
    fn names(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = known.iter().map(|(_, name)| name.to_string()).collect();
        names.sort_by_key(|name| (!name.eq_ignore_ascii_case(self.default()), name.to_lowercase()));
        names
    }

    fn is_configured(&self, name: &str) -> bool {
        self.configured.iter().any(|one| one.as_str().eq_ignore_ascii_case(name))
    }

    fn default(&self) -> &str {
        self.configured.first().map_or("", HubName::as_str)
    }

    pub(super) fn wanted<'a>(&'a self, name: Option<&'a str>) -> &'a str {
        name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or_else(|| self.default())
    }
}

impl Manager {
    /// The names of all task hubs, that of the default hub first.
    pub fn hub_names(&self) -> Vec<String> {
        self.hubs.names()
    }

    /// Whether the settings name this hub, so that it cannot be deleted for good.
    pub fn is_configured_hub(&self, name: &str) -> bool {
        self.hubs.is_configured(name)
    }

    /// Makes the hub called `name`, whatever the settings say about unknown hubs. `anew`: if it exists, everything in it is removed first.
    /// `Invalid`: not a hub name.
    pub async fn create_hub(&self, name: Option<&str>, anew: bool) -> Result<HubId, Error> {
        let name = HubName::parse(self.hubs.wanted(name))?;
        let hub = self.hubs.add(name, &*self.store).await?;
        if anew {
            self.empty_hub(hub).await?;
        }
        Ok(hub)
    }

    /// Removes the hub with everything in it, live instances included. A hub that the settings name stays, empty. `UnknownHub`.
    ///
    /// Whoever is starting an instance at this very moment may still succeed after the hub has been emptied; then the hub stays with
    /// it.
    pub async fn delete_hub(&self, name: Option<&str>) -> Result<(), Error> {
        let hub = self.hubs.find(name)?;
        let named = HubName::parse(&self.hubs.name(hub))?;
        let hidden = self.hubs.hide(hub);
        self.empty_hub(hub).await?;
        if hidden && !self.store.hub_remove(hub).await? {
            self.hubs.add(named, &*self.store).await?;
        }
        Ok(())
    }

    async fn empty_hub(&self, hub: HubId) -> Result<(), Error> {
        while self.store.hub_clear(hub, CLEAR_BATCH).await? == CLEAR_BATCH {}
        Ok(())
    }
}
