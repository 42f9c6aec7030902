//! How the writing goes, for whoever measures it.

use prometheus_client::metrics::{
    counter::Counter,
    histogram::{Histogram, exponential_buckets},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What has been written since the store was opened. All copies count together.
#[derive(Clone, Debug)]
pub struct CommitMeter {
    /// How long each commit took, in seconds.
    pub seconds: Histogram,
    /// Changes in all commits together.
    pub changes: Counter,
    /// Commits that failed as a whole.
    pub failed: Counter,
    last: Arc<Mutex<Option<Instant>>>,
}

impl Default for CommitMeter {
    fn default() -> Self {
        Self {
            // From a quarter of a millisecond to four seconds.
            seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 15)),
            changes: Counter::default(),
            failed: Counter::default(),
            last: Arc::default(),
        }
    }
}

impl CommitMeter {
    /// So many changes were committed together.
    pub fn committed(&self, changes: usize, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
        self.changes.inc_by(u64::try_from(changes).unwrap_or(u64::MAX));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long ago the last commit was made; `None`: there was none.
    pub fn since_last(&self) -> Option<Duration> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }
}
