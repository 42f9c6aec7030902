//! Rewinding what has failed, with all failed sub-orchestrations below it.

use super::{Error, Instance, Manager};
use crate::{
    engine::{Context, Fate, NotRewound, Rewinding},
    model::{Chunk, Commit, HubId, InstanceId, InstanceKey, Revision, Short, Status, Timestamp},
    store,
};
use std::collections::HashSet;
use uuid::Uuid;

/// Most instances in one tree: they are all read into memory and written as one change.
const MAX_TREE: usize = 10_000;
/// How often the tree is read again because something in it has changed meanwhile.
const ATTEMPTS: usize = 8;

/// What a rewind is going to change.
struct Tree {
    turns: Vec<Commit>,
    /// Sub-orchestrations that still run and are waited for.
    living: Vec<InstanceKey>,
}

impl Manager {
    /// Lets a failed instance go on from before its failures: those that its orchestrator has not reacted to are taken back, and what
    /// failed is run again. Failed sub-orchestrations that it waits for are rewound with it, missing ones are made anew. Needs no worker;
    /// when this answers `Ok`, the instance is Running, whatever happens. Its history so far stays readable as a [`Revision`].
    /// `NotFound`, `WrongState` if it has not failed, `Invalid` for more than 10,000 instances.
    pub async fn rewind(&self, hub: HubId, id: &InstanceId, reason: Option<String>) -> Result<(), Error> {
        self.check_payload("reason", reason.as_deref())?;
        if id.is_entity() {
            return Err(Error::NotFound(id.clone()));
        }
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let Some(Tree { turns, living }) = self.failed_tree(hub, id, reason.as_deref(), now).await?
            else {
                continue;
            };
            match self.store.rewind_commit(turns, living).await {
                Err(store::Error::Fenced) => {}
                done => return Ok(done?),
            }
        }
        let text = format!(
            "instance {} or a sub-orchestration of it kept changing while it was to be rewound",
            Short(id.as_str())
        );
        Err(Error::Store(store::Error::Busy(text)))
    }

    /// The earlier histories of an instance, oldest first: one for each time it was rewound. `NotFound`.
    pub async fn revisions(&self, hub: HubId, id: &InstanceId) -> Result<Vec<Revision>, Error> {
        let instance = self.get(hub, id, false).await?.ok_or_else(|| Error::NotFound(id.clone()))?;
        Ok(self.store.revision_list(instance.record.key).await?)
    }

    /// Works out the change. `None`: something has changed since it was looked at.
    async fn failed_tree(
        &self,
        hub: HubId,
        root: &InstanceId,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Tree>, Error> {
        let mut tree = Tree { turns: Vec::new(), living: Vec::new() };
        let mut waiting = vec![root.clone()];
        let mut seen = HashSet::from([root.clone()]);
        while let Some(id) = waiting.pop() {
            let is_root = tree.turns.is_empty();
            let (instance, chunks) = match self.get_with_chunks(hub, &id, false).await? {
                Some((instance, chunks)) if instance.record.status == Status::Failed => (instance, chunks),
                Some((Instance { record, .. }, _)) if is_root => {
                    return Err(Error::WrongState { verb: "rewind", id, status: record.status });
                }
                None if is_root => return Err(Error::NotFound(id)),
                Some(_) | None => return Ok(None),
            };
            let below = self.rewind_one(instance, &chunks, reason, now, &mut tree).await?;
            waiting.extend(below.into_iter().filter(|child| seen.insert(child.clone())));
            if seen.len() > MAX_TREE {
                return Err(Error::Invalid(format!(
                    "instance {} has too many failed sub-orchestrations: at most {MAX_TREE} instances can be \
                     rewound together",
                    Short(root.as_str())
                )));
            }
        }
        // Instances that come alive again come first, so that none of them is taken for an ended one whose id is free.
        tree.turns.sort_by_key(|turn| !turn.children.is_empty());
        Ok(Some(tree))
    }

    /// Adds one instance to the tree; answers which of its sub-orchestrations are to follow.
    async fn rewind_one(
        &self,
        instance: Instance,
        chunks: &[Chunk],
        reason: Option<&str>,
        now: Timestamp,
        tree: &mut Tree,
    ) -> Result<Vec<InstanceId>, Error> {
        let Instance { record, .. } = instance;
        let hub = record.hub;
        let revisions = self.store.revision_list(record.key).await?;
        let latest = revisions.last().filter(|latest| latest.execution_id == record.execution_id);
        let settled = latest.map_or(0, |latest| latest.kept);
        let id = record.id.clone();
        let mut rewinding = match Rewinding::begin(record, chunks, settled) {
            Ok(rewinding) => rewinding,
            Err(NotRewound::InSection) => return Err(Error::InSection { id }),
            Err(NotRewound::Corrupt(error)) => return Err(store::Error::from(error).into()),
        };
        let mut failed = Vec::new();
        let mut fresh_id = || Uuid::new_v4().simple().to_string();
        for child in rewinding.children() {
            let found = self.get(hub, &child.id(), true).await?;
            let found = found.as_ref().map(|found| (&found.record, &found.payloads));
            let payload_bytes = self.limits.payload_bytes;
            let mut context = Context { now, fresh_id: &mut fresh_id, payload_bytes };
            match rewinding.meet(&child, found, &mut context) {
                Fate::Settled => {}
                Fate::Lives(key) => tree.living.push(key),
                Fate::Rewind => failed.push(child.id()),
            }
        }
        tree.turns.push(rewinding.commit(reason.map(str::to_owned), now));
        Ok(failed)
    }
}
