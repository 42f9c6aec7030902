//! Looks for instances that wait for what will never come; see [`LostTask`]. There should be none. What is found is told in the log, once for
//! each cause, and shown until it is gone; nothing is done about it, for nobody can know what the answer would have been. What was only
//! [`overlooked`] is taken up again.
//!
//! A look goes through the live instances in small pages with long pauses, and only if something was stored since the last one.

mod overlooked;
#[cfg(test)]
mod tests;

use super::Dispatch;
use crate::{
    model::{OpenTask, Timestamp},
    store::{Error, LostTask, LostTasks, Suspects},
};
use overlooked::Overlooked;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How many live instances a page has.
const PAGE: usize = 50;
/// A page is followed by a pause that is so many times as long, so that this takes little of what others need.
const GENTLE: u32 = 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// What is lost, of all hubs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// When the last look ended; `None`: there was none yet.
    pub looked_at: Option<Timestamp>,
    /// One for each cause.
    pub lost: Vec<LostKind>,
    /// How many instances had something to deliver, and how many activities were queued, of which nobody knew, since the start. They were
    /// taken up again.
    pub taken_up: u64,
}

/// Tasks that were lost in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostKind {
    /// `activity`, `timer` or `subOrchestration`.
    pub kind: &'static str,
    pub count: u64,
    /// One of them.
    pub example: LostTask,
}

/// What the watchdog knows.
#[derive(Debug, Default)]
pub(super) struct Findings {
    watch: Mutex<Watch>,
}

impl Findings {
    pub fn watch(&self) -> Watch {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A look has ended. What was not known before is logged.
    fn looked(&self, at: Timestamp, lost: Vec<LostKind>) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        for LostKind { kind, count, example } in &lost {
            let before =
                watch.lost.iter().find(|before| before.kind == *kind).map_or(0, |before| before.count);
            if *count > before {
                tracing::error!(
                    kind,
                    count,
                    example.instance.id = %example.instance,
                    example.hub = example.hub.0,
                    problem = LostTask::problem(example.id, &example.task),
                    "instances wait for what will never come; their explanations say more, and so does POST /api/v1/check"
                );
            }
        }
        (watch.looked_at, watch.lost) = (Some(at), lost);
    }

    /// These had been overlooked.
    fn took_up(&self, overlooked: &[Overlooked]) {
        let Some(example) = overlooked.first() else { return };
        tracing::error!(
            count = overlooked.len(),
            example.instance.id = %example.id,
            example.hub = example.hub.0,
            "instances had something to deliver, or activities queued, of which nobody knew; they were taken up again"
        );
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.taken_up += u64::try_from(overlooked.len()).unwrap_or(u64::MAX);
    }
}

/// Looks every `pause`, at what has not moved for as long.
pub(super) async fn look_around(dispatch: Dispatch, pause: Duration) {
    // What was stored up to here has been looked at, at a time when all of it was old enough.
    let mut seen = None;
    let mut now = 0;
    loop {
        tokio::time::sleep(pause).await;
        let before = std::mem::replace(&mut now, dispatch.told());
        if seen == Some(now) {
            continue;
        }
        let findings = &dispatch.shared.findings;
        let looked = async {
            findings.looked(dispatch.shared.clock.now(), look(&dispatch, pause).await?);
            findings.took_up(&overlooked::take_up(&dispatch).await?);
            Ok::<_, Error>(())
        };
        match looked.await {
            Ok(()) => seen = Some(before),
            Err(error) => tracing::warn!(%error, "the watchdog could not look; it will try again"),
        }
    }
}

async fn look(dispatch: &Dispatch, unmoved_for: Duration) -> Result<Vec<LostKind>, Error> {
    let since = dispatch.shared.clock.now().minus(unmoved_for);
    let (mut after, mut kinds) = (None, BTreeMap::new());
    loop {
        let began = Instant::now();
        let suspects = Suspects::Unmoved { after, since, rows: PAGE };
        let LostTasks { tasks, next } = dispatch.shared.store.lost_tasks(suspects).await?;
        for task in tasks {
            let kind = kind(&task.task);
            kinds.entry(kind).or_insert(LostKind { kind, count: 0, example: task }).count += 1;
        }
        let Some(next) = next else { return Ok(kinds.into_values().collect()) };
        after = Some(next);
        tokio::time::sleep((began.elapsed() * GENTLE).max(SHORTEST_PAUSE)).await;
    }
}

/// As explanations call it.
fn kind(task: &OpenTask) -> &'static str {
    match task {
        OpenTask::Activity => "activity",
        OpenTask::Timer => "timer",
        OpenTask::Child { .. } => "subOrchestration",
        OpenTask::Request(_) => "entity",
    }
}
