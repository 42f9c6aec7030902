//! Removing what has ended.

use super::{Error, Manager};
use crate::{
    model::{HubId, InstanceId, pb::history_event::EventType},
    store::Purged,
};
use std::collections::HashSet;

impl Manager {
    /// Removes an ended instance with its history, or deletes the state of an entity. `NotFound`, `WrongState` if it has not ended.
    pub async fn purge(&self, hub: HubId, id: &InstanceId) -> Result<(), Error> {
        if id.is_entity() {
            return self.purge_entity(hub, id).await;
        }
        match self.store.instance_purge(hub, id.clone()).await? {
            Purged::Deleted => Ok(()),
            Purged::Live(status) => Err(Error::WrongState { verb: "purge", id: id.clone(), status }),
            Purged::NotFound => Err(Error::NotFound(id.clone())),
        }
    }

    /// Removes an ended instance and the ended sub-orchestrations below it; answers how many instances that were. Children that still run
    /// stay, with all below them. The instance itself goes last, so that a purge that was cut short can be repeated. `NotFound` and
    /// `WrongState` as for [`Manager::purge`].
    pub async fn purge_tree(&self, hub: HubId, id: &InstanceId) -> Result<usize, Error> {
        let mut order = vec![id.clone()];
        let mut seen = HashSet::from([id.clone()]);
        let mut next = 0;
        while let Some(parent) = order.get(next).cloned() {
            next += 1;
            // An id can be met twice: children may reuse ids.
            let children = self.ended_children(hub, &parent).await?.into_iter();
            order.extend(children.filter(|child| seen.insert(child.clone())));
        }
        let mut purged = 0;
        for below in order.iter().skip(1).rev() {
            match self.purge(hub, below).await {
                Ok(()) => purged += 1,
                Err(Error::NotFound(_) | Error::WrongState { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        self.purge(hub, id).await?;
        Ok(purged + 1)
    }

    /// The sub-orchestrations in the instance's history that are its own and have ended.
    async fn ended_children(&self, hub: HubId, parent: &InstanceId) -> Result<Vec<InstanceId>, Error> {
        let Some(instance) = self.get(hub, parent, false).await?.filter(|found| found.has_ended()) else {
            return Ok(Vec::new());
        };
        let mut children = Vec::new();
        for event in self.history(instance.record.key).await? {
            let Some(EventType::SubOrchestrationInstanceCreated(created)) = event.event_type else {
                continue;
            };
            let id = InstanceId::lookup(created.instance_id);
            let child = self.get(hub, &id, false).await?.filter(super::Instance::has_ended);
            // The id may have been taken by somebody else since.
            let own = child.and_then(|child| child.record.parent).is_some_and(|of| of.id == *parent);
            if own {
                children.push(id);
            }
        }
        Ok(children)
    }
}
