//! Retention: the server removes what has ended and is old enough, by the rules of its settings, a little at a time.
//!
//! What always holds:
//! - Without a rule nothing is removed and nothing is run. With rules, nothing is run while nothing can be due: the task sleeps until the oldest
//!   instance that may be next is old enough, or, if there is none, until one ends.
//! - An instance goes only as it was looked at: one that was rewound, restarted or replaced in between stays ([`crate::store::PurgeTree`]).
//! - What is below an instance goes before it, so that a pass that was cut short can be repeated; none is written down.
//! - The writer has at least as much time for everybody else as for this.

mod pass;
mod preview;
mod run;
mod search;
#[cfg(test)]
mod tests;

pub use preview::{Preview, Previewed};

use super::{Error, Manager};
use crate::{
    engine::retention::Rule,
    model::{HubId, Timestamp},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What is removed, and at what pace.
#[derive(Clone, Debug, Default)]
pub struct RetentionPlan {
    pub rules: Vec<Rule>,
    /// From one pass to the next, at least.
    pub every: Duration,
    /// Instances a second, at most.
    pub per_second: u32,
}

/// What has come of a rule since the server started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleState {
    /// How many instances are gone.
    pub removed: u64,
    /// A pass is under way.
    pub running: bool,
    /// The latest pass that came to its end.
    pub last: Option<LastPass>,
    /// No pass before this; `None`: nothing will be due unless something ends.
    pub next: Option<Timestamp>,
    /// What is in the way of it.
    pub trouble: Option<String>,
}

/// A pass that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPass {
    pub began: Timestamp,
    pub took: Duration,
    pub removed: u64,
}

/// How far a rule has looked through a hub.
#[derive(Clone, Copy, Debug)]
struct Reached {
    /// What ended before this stays, or is looked at again at the next thorough look.
    from: Timestamp,
    /// When it was looked at from the beginning.
    thorough: Timestamp,
}

/// The work on the rules in this process.
#[derive(Debug, Default)]
pub(super) struct Retention {
    plan: RetentionPlan,
    states: Mutex<Vec<RuleState>>,
    reached: Mutex<HashMap<(usize, HubId), Reached>>,
    tasks: TaskTracker,
    leaving: CancellationToken,
}

impl Retention {
    pub fn new(plan: RetentionPlan) -> Self {
        let states = Mutex::new(vec![RuleState::default(); plan.rules.len()]);
        Self { plan, states, ..Self::default() }
    }

    fn states(&self) -> MutexGuard<'_, Vec<RuleState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reached(&self) -> MutexGuard<'_, HashMap<(usize, HubId), Reached>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Manager {
    /// The pace and the rules, and what has come of each.
    pub fn retention(&self) -> (&RetentionPlan, Vec<RuleState>) {
        (&self.retention.plan, self.retention.states().clone())
    }

    /// Begins to remove what the rules take. To be called once, at the start.
    pub fn begin_retention(&self) {
        for rule in &self.retention.plan.rules {
            if !self.hubs.all().iter().any(|(_, name)| rule.covers(name.as_str())) {
                tracing::warn!(%rule, "the task hub of a retention rule does not exist; the rule waits for it");
            }
        }
        if !self.retention.plan.rules.is_empty() {
            self.retention.tasks.spawn(run::run(self.clone()));
        }
    }

    /// Ends it after what it has in its hands.
    pub async fn leave_retention(&self) {
        self.retention.leaving.cancel();
        self.retention.tasks.close();
        self.retention.tasks.wait().await;
    }

    fn rule(&self, number: usize) -> Result<&Rule, Error> {
        let rules = &self.retention.plan.rules;
        rules.get(number).ok_or_else(|| {
            Error::Invalid(match rules.len() {
                0 => "there is no retention rule (setting retention.rules)".to_owned(),
                count => format!("rule must be a number from 0 to {}, not {number}", count - 1),
            })
        })
    }

    /// The hubs that a rule is for, with their names.
    fn covered(&self, rule: &Rule) -> Vec<(HubId, String)> {
        let hubs = self.hubs.all().into_iter().filter(|(_, name)| rule.covers(name.as_str()));
        hubs.map(|(hub, name)| (hub, name.to_string())).collect()
    }
}
