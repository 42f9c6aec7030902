//! One pass: all that a rule takes in a hub now, removed batch by batch.

use super::{
    super::Manager,
    Reached,
    search::{Going, Search, Step, filter},
};
use crate::{
    engine::retention::Rule,
    model::{HubId, Timestamp},
    store::{self, Order, PageLimits, PurgeTree, Read, Seen, Span, Walk},
};
use std::time::Duration;
use tokio::time::Instant;

/// How many instances one change removes. More would make everybody else's changes wait.
const BATCH: usize = 100;
/// After so much reading there is a rest as long.
const READING: Duration = Duration::from_millis(20);
/// A commit may become durable so long after the end that it tells of, and so behind what was looked at already.
const LATE: Duration = Duration::from_secs(60);
/// How long something may stay that was held, or late, when it was looked at. Then all are looked at again.
const THOROUGH: Duration = Duration::from_secs(60 * 60);

/// When there may be something for the next pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    At(Timestamp),
    /// Not before something ends.
    Nothing,
}

impl Next {
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Next::At(at) => Some(at),
            Next::Nothing => None,
        }
    }
}

/// One rule in one hub.
pub(super) struct Pass<'a> {
    pub manager: &'a Manager,
    /// Its number among the rules.
    pub number: usize,
    pub rule: &'a Rule,
    pub hub: HubId,
}

impl Pass<'_> {
    /// Removes what the rule takes now; answers how many instances that were. If it fails, the next pass begins where this one did.
    pub async fn run(&self) -> Result<u64, store::Error> {
        let now = self.manager.clock.now();
        let reached = self.manager.retention.reached().get(&(self.number, self.hub)).copied();
        let reached = reached.filter(|reached| now < reached.thorough.plus(THOROUGH));
        let mut search =
            Search::new(self.manager, self.rule, self.hub, reached.map(|reached| reached.from), now);
        let mut batch = Batch::default();
        let mut removed = 0;
        let mut read = Duration::ZERO;
        let most = BATCH.min(usize::try_from(self.manager.retention.plan.per_second).unwrap_or(BATCH)).max(1);
        loop {
            let began = Instant::now();
            let step = search.step().await?;
            read += began.elapsed();
            match step {
                Step::Goes(going) => batch.add(&going),
                Step::Looked => {}
                Step::End => break,
            }
            if batch.instances >= most {
                removed += self.purge(std::mem::take(&mut batch)).await?;
            }
            if read >= READING {
                tokio::time::sleep(std::mem::take(&mut read)).await;
            }
        }
        removed += self.purge(batch).await?;
        let from = self.rule.ended_before(now).minus(LATE);
        let thorough = reached.map_or(now, |reached| reached.thorough);
        self.manager.retention.reached().insert((self.number, self.hub), Reached { from, thorough });
        Ok(removed)
    }

    /// When the oldest instance will be old enough that is not yet.
    pub async fn next(&self) -> Result<Next, store::Error> {
        let now = self.manager.clock.now();
        let young = Span { from: Some(self.rule.ended_before(now)), before: None };
        let limits = PageLimits { rows: 1, bytes: usize::MAX, read: Read::Nothing };
        let (filter, walk) = (filter(self.rule, young), Walk::first(Order::Completed));
        let listed = self.manager.store.instance_list(self.hub, filter, walk, limits).await?;
        let end = listed.instances.first().and_then(|(record, _)| record.completed_at);
        Ok(match end {
            Some(end) => Next::At(self.rule.due(end)),
            // The search was cut short.
            None if listed.next.is_some() => Next::At(now),
            None => Next::Nothing,
        })
    }

    async fn purge(&self, batch: Batch) -> Result<u64, store::Error> {
        if batch.instances == 0 {
            return Ok(0);
        }
        let began = Instant::now();
        let deleted = self.manager.store.instance_purge_seen(batch.trees).await?;
        let took = began.elapsed();
        let removed = u64::try_from(deleted).unwrap_or(u64::MAX);
        if let Some(state) = self.manager.retention.states().get_mut(self.number) {
            state.removed += removed;
        }
        let per_second = self.manager.retention.plan.per_second.max(1);
        let share = Duration::from_secs(removed) / per_second;
        // Half of the writer's time is for everybody else.
        tokio::time::sleep(took.max(share.saturating_sub(took))).await;
        Ok(removed)
    }
}

/// What one change is to remove.
#[derive(Default)]
struct Batch {
    trees: Vec<PurgeTree>,
    instances: usize,
}

impl Batch {
    /// Of one tree come first those below its top, and then that one.
    fn add(&mut self, going: &Going) {
        let (seen, top) = (Seen::from(&going.record), going.top());
        if self.trees.last().is_none_or(|last| last.whole || last.top != top) {
            self.trees.push(PurgeTree { top, below: Vec::new(), whole: false });
        }
        if let Some(tree) = self.trees.last_mut() {
            match going.with {
                None => tree.whole = true,
                Some(_) => tree.below.push(seen),
            }
        }
        self.instances += 1;
    }
}
