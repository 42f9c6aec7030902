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
    model::{
        HubId, InstanceId, InstanceKey, InstanceRecord, Lock, Message, Parking, Status, StatusExt as _,
        Timestamp,
    },
    store::{self, Loaded, Outline, Suspects},
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
    /// Nothing is dispatched to it until an operator says so.
    pub parked: Option<Parking>,
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
        let key = record.key;
        let mut view = insight.instance(key);
        let mut unusable = None;
        let seen = match self.see(key).await {
            Ok(seen) => seen,
            // That is why it is parked, or will be as soon as it is to be run.
            Err(store::Error::Corrupt(why)) => {
                unusable = Some(why);
                self.store.instance_outline(key).await?.map(Seen::from)
            }
            Err(other) => return Err(other.into()),
        };
        let mut seen = seen.ok_or_else(missing)?;
        let now = self.clock.now();
        let is_due = |message: &Message| message.due.is_none_or(|due| due <= now);
        if view.turn.is_none() && seen.inbox.iter().any(is_due) {
            let kind = if record.id.is_entity() { Kind::Batch } else { Kind::Turn };
            view.turn = insight.behind(hub, kind, &record.name, record.version.as_deref());
        }
        for wait in &mut seen.open.waits {
            wait.see(hub, &view, insight);
            self.look_behind(hub, wait).await?;
        }
        self.look_for_lost(key, &mut seen.open.waits).await?;
        let settled = seen.parked.is_some() || seen.record.status.is_terminal();
        let mut explanation = explained(seen, view, now);
        if let Some(why) = unusable.filter(|_| !settled) {
            explanation.summary = text::unusable(&why);
        }
        Ok(explanation)
    }

    /// What the rows say.
    async fn see(&self, key: InstanceKey) -> Result<Option<Seen>, store::Error> {
        let Some(loaded) = self.store.instance_load(key).await? else { return Ok(None) };
        let (mut open, mut length) = (Open::default(), 0);
        for chunk in &loaded.history {
            for event in chunk.events_after(length)? {
                open.follow(event);
            }
            length = chunk.end();
        }
        if loaded.record.status.is_terminal() {
            open = Open::default();
        }
        let lock = loaded.entity.and_then(|entity| entity.lock);
        let Loaded { record, inbox, parked, .. } = loaded;
        Ok(Some(Seen { record, inbox, open, lock, parked }))
    }

    /// Whether anything will answer. What has been answered since it was read is not lost.
    async fn look_for_lost(&self, key: InstanceKey, waits: &mut [Wait]) -> Result<(), Error> {
        if waits.is_empty() {
            return Ok(());
        }
        let found = self.store.lost_tasks(Suspects::One(key)).await?;
        for wait in waits {
            wait.lost = found.tasks.iter().any(|lost| lost.id == wait.id);
        }
        Ok(())
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

/// What the rows say of an instance.
struct Seen {
    record: InstanceRecord,
    inbox: Vec<Message>,
    open: Open,
    lock: Option<Lock>,
    parked: Option<Parking>,
}

impl From<Outline> for Seen {
    fn from(Outline { record, inbox, parked }: Outline) -> Self {
        Self { record, inbox: inbox.messages, open: Open::default(), lock: None, parked }
    }
}

fn explained(seen: Seen, view: InstanceView, now: Timestamp) -> Explanation {
    let Seen { record, inbox, open: Open { waits, last_error }, lock, parked } = seen;
    let later = |message: &&Message| message.due.is_some_and(|due| due > now);
    // Before its start is due, nothing else is delivered either.
    let scheduled = record.status == Status::Pending && record.scheduled_at.is_some_and(|at| at > now);
    let waiting = inbox.iter().filter(later).count();
    let mut explanation = Explanation {
        summary: String::new(),
        // Dispatch hears of it only when it meets the instance.
        turn: if parked.is_some() { Some(Standing::Parked) } else { view.turn },
        returns: view.returns,
        waits,
        last_error,
        ready: if scheduled { 0 } else { inbox.len() - waiting },
        later: if scheduled { inbox.len() } else { waiting },
        next_due: inbox.iter().filter_map(|message| message.due).filter(|due| *due > now).min(),
        lock,
        parked,
        record,
    };
    explanation.summary = text::summary(&explanation, now);
    explanation
}
