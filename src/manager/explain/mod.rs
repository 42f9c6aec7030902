//! Why an instance waits: for what, since when, who has it.
//!
//! Put together from the rows (what was asked for and not answered) and from what dispatch knows of the moment (who holds it, whether anybody
//! serves it). Pure but for reading both; `text` puts the most telling part into one sentence.

mod text;
mod waits;

pub use waits::{LastError, Wait, WaitKind};

use waits::Open;

use super::{Error, Manager};
use crate::{
    dispatch::{Insight, InstanceView, Kind, Standing},
    model::{HubId, InstanceId, InstanceRecord, Lock, Message, Status, StatusExt as _, Timestamp},
    store,
};

/// Why an instance is where it is.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub record: InstanceRecord,
    /// One sentence.
    pub summary: String,
    /// Its next turn (of an entity: batch), if there is one.
    pub turn: Option<Standing>,
    /// How often that turn came back from a worker.
    pub returns: u32,
    /// What it has asked for and not got, in the order in which it asked.
    pub waits: Vec<Wait>,
    /// Of this execution, if it has not ended.
    pub last_error: Option<LastError>,
    /// Messages in its inbox that could be delivered now.
    pub ready: usize,
    /// Messages that are for later, and when the first of them is due.
    pub later: usize,
    pub next_due: Option<Timestamp>,
    /// Of an entity: who has locked it.
    pub lock: Option<Lock>,
}

impl Manager {
    /// Explains an instance. `NotFound`. What dispatch tells is of this moment and may have changed already.
    pub async fn explain(
        &self,
        hub: HubId,
        id: &InstanceId,
        insight: &dyn Insight,
    ) -> Result<Explanation, Error> {
        let missing = || Error::NotFound(id.clone());
        let (record, _) = self.store.instance_get(hub, id.clone(), false).await?.ok_or_else(missing)?;
        let loaded = self.store.instance_load(record.key).await?.ok_or_else(missing)?;
        let mut view = insight.instance(record.key);
        let now = self.clock.now();
        let is_due = |message: &Message| message.due.is_none_or(|due| due <= now);
        if view.turn.is_none() && loaded.inbox.iter().any(is_due) {
            let kind = if record.id.is_entity() { Kind::Batch } else { Kind::Turn };
            view.turn = insight.behind(hub, kind, &record.name, record.version.as_deref());
        }
        let mut open = Open::default();
        for chunk in &loaded.history {
            for event in chunk.events().map_err(store::Error::from)? {
                open.follow(event);
            }
        }
        if loaded.record.status.is_terminal() {
            open = Open::default();
        }
        for wait in &mut open.waits {
            wait.see(hub, &view, insight);
            self.look_behind(hub, wait).await?;
        }
        let lock = loaded.entity.and_then(|entity| entity.lock);
        Ok(explained(loaded.record, &loaded.inbox, open, lock, view, now))
    }

    /// What has become of a child or an entity that is waited for.
    async fn look_behind(&self, hub: HubId, wait: &mut Wait) -> Result<(), Error> {
        let Some(id) = wait.instance.clone() else { return Ok(()) };
        match wait.kind {
            WaitKind::SubOrchestration => {
                let found = self.store.instance_get(hub, id, false).await?;
                wait.status = found.map(|(record, _)| record.status);
            }
            WaitKind::EntityCall | WaitKind::Lock => {
                let found = self.store.entity_get(hub, id, false).await?;
                wait.locked_by = found.as_ref().and_then(|entity| entity.locked_by.clone());
                wait.backlog = found.map(|entity| entity.backlog);
            }
            WaitKind::Activity | WaitKind::Timer => {}
        }
        Ok(())
    }
}

fn explained(
    record: InstanceRecord,
    inbox: &[Message],
    Open { waits, last_error }: Open,
    lock: Option<Lock>,
    view: InstanceView,
    now: Timestamp,
) -> Explanation {
    let later = |message: &&Message| message.due.is_some_and(|due| due > now);
    // Before its start is due, nothing else is delivered either.
    let scheduled = record.status == Status::Pending && record.scheduled_at.is_some_and(|at| at > now);
    let waiting = inbox.iter().filter(later).count();
    let mut explanation = Explanation {
        summary: String::new(),
        turn: view.turn,
        returns: view.returns,
        waits,
        last_error,
        ready: if scheduled { 0 } else { inbox.len() - waiting },
        later: if scheduled { inbox.len() } else { waiting },
        next_due: inbox.iter().filter_map(|message| message.due).filter(|due| *due > now).min(),
        lock,
        record,
    };
    explanation.summary = text::summary(&explanation, now);
    explanation
}
