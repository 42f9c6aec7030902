//! A look at everything that is stored, while the server works. One at a time; what the last one found is remembered until the next one,
//! or the end of the process.

use super::Manager;
use crate::{
    model::Timestamp,
    store::{CheckPlace, Checked, Error, Finding},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How many findings are kept of one check; all are counted.
const KEPT: usize = 1000;
/// The longest pause between two slices. Each is followed by one as long as it took.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How far a check is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// It is under way.
    Running,
    /// It has looked at everything.
    Completed,
    /// It could not go on.
    Failed(String),
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub state: CheckState,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// How many instances have been looked at, and how many there were at the beginning, as soon as they have been counted.
    pub instances: u64,
    pub total: Option<u64>,
    /// How many findings there are, and the first of them.
    pub found: u64,
    pub findings: Vec<Finding>,
}

/// The latest check.
#[derive(Default)]
pub struct Checks(Mutex<Option<Check>>);

impl Checks {
    fn latest(&self) -> MutexGuard<'_, Option<Check>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Check)) {
        if let Some(check) = self.latest().as_mut() {
            change(check);
        }
    }
}

impl Manager {
    /// Begins to look at everything, unless that is under way already; answers how far it is.
    pub fn start_check(&self) -> Check {
        let mut latest = self.checks.latest();
        if let Some(running) = latest.as_ref().filter(|check| check.state == CheckState::Running) {
            return running.clone();
        }
        let begun = Check {
            state: CheckState::Running,
            started_at: self.clock.now(),
            ended_at: None,
            instances: 0,
            total: None,
            found: 0,
            findings: Vec::new(),
        };
        *latest = Some(begun.clone());
        drop(latest);
        let this = self.clone();
        tokio::spawn(async move { this.check().await });
        begun
    }

    /// The check that is under way, or the last one since the server started.
    pub fn latest_check(&self) -> Option<Check> {
        self.checks.latest().clone()
    }

    async fn check(&self) {
        let state = match self.check_slices().await {
            Ok(()) => CheckState::Completed,
            Err(error) => CheckState::Failed(error.to_string()),
        };
        let ended_at = self.clock.now();
        self.checks.note(|check| {
            match &state {
                CheckState::Failed(why) => {
                    tracing::warn!(why, "the check of the stored data could not go on");
                }
                _ if check.found > 0 => {
                    let Check { found, instances, .. } = check;
                    tracing::error!(
                        found,
                        instances,
                        "the check of the stored data found something; GET /api/v1/check tells what"
                    );
                }
                _ => {
                    tracing::info!(instances = check.instances, "the check of the stored data found nothing");
                }
            }
            (check.state, check.ended_at) = (state, Some(ended_at));
        });
    }

    async fn check_slices(&self) -> Result<(), Error> {
        let mut place = CheckPlace::File;
        loop {
            let began = Instant::now();
            let Checked { findings, instances, total, next } = self.store.check(place).await?;
            self.checks.note(|check| {
                check.instances += instances;
                check.total = total.or(check.total);
                check.found += u64::try_from(findings.len()).unwrap_or(u64::MAX);
                let room = KEPT.saturating_sub(check.findings.len());
                check.findings.extend(findings.into_iter().take(room));
            });
            let Some(next) = next else { return Ok(()) };
            place = next;
            tokio::time::sleep(began.elapsed().min(LONGEST_PAUSE)).await;
        }
    }
}
