//! Reading histories.

use super::{Error, Instance, Manager};
use crate::{
    model::{Chunk, HubId, InstanceId, InstanceKey, pb::HistoryEvent},
    store,
};

impl Manager {
    /// One instance with all its payloads and its history, which belong to the same moment: status and history never disagree.
    pub async fn get_with_history(
        &self,
        hub: HubId,
        id: &InstanceId,
    ) -> Result<Option<(Instance, Vec<HistoryEvent>)>, Error> {
        match self.get_with_chunks(hub, id, true).await? {
            Some((instance, chunks)) => Ok(Some((instance, decoded(chunks)?))),
            None => Ok(None),
        }
    }

    /// One instance as it is now, with the history that its rewind number `revision` put aside. `None`: no such instance or revision.
    pub async fn get_with_revision(
        &self,
        hub: HubId,
        id: &InstanceId,
        revision: i64,
    ) -> Result<Option<(Instance, Vec<HistoryEvent>)>, Error> {
        let Some(instance) = self.get(hub, id, true).await? else { return Ok(None) };
        match self.store.revision_read(instance.record.key, revision).await? {
            Some(chunk) => Ok(Some((instance, decoded(vec![chunk])?))),
            None => Ok(None),
        }
    }

    /// As [`Manager::get_with_history`], with the history as it is stored, for passing it on without decoding it. `payloads` as for [`Manager::get`].
    pub async fn get_with_chunks(
        &self,
        hub: HubId,
        id: &InstanceId,
        payloads: bool,
    ) -> Result<Option<(Instance, Vec<Chunk>)>, Error> {
        loop {
            let Some(instance) = self.get(hub, id, payloads).await? else { return Ok(None) };
            let chunks = self.store.history_read(instance.record.key, 0).await?;
            // Every commit raises the turn number, so an equal one means that nothing happened in between.
            match self.get(hub, id, false).await? {
                Some(after)
                    if after.record.key == instance.record.key
                        && after.record.turn == instance.record.turn =>
                {
                    return Ok(Some((instance, chunks)));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// A part of the history of the current execution: the chunks that contain events from number `from` on, before number `before`.
    pub async fn history_part(&self, key: InstanceKey, from: i64, before: i64) -> Result<Vec<Chunk>, Error> {
        Ok(self.store.history_part(key, from, before).await?)
    }

    /// The history of the current execution, in order.
    pub async fn history(&self, key: InstanceKey) -> Result<Vec<HistoryEvent>, Error> {
        decoded(self.store.history_read(key, 0).await?)
    }
}

fn decoded(chunks: Vec<Chunk>) -> Result<Vec<HistoryEvent>, Error> {
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(chunk.events().map_err(store::Error::from)?);
    }
    Ok(events)
}
