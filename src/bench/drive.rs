//! So many operations at a time, until the time or the count is over.

use super::{
    figures::{Figures, Recorded},
    plan::{Limit, Plan},
};
use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// An operation without an answer after this long has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// A lane takes a breath after an error, and gives up after so many in a row.
const BREATH: Duration = Duration::from_millis(100);
const ENOUGH: u32 = 20;

/// Someone who does one operation after another.
pub trait Lane: Send + 'static {
    /// Does operation number `number`. The error says why it failed.
    fn once(&mut self, number: u64) -> impl Future<Output = Result<Sample, String>> + Send;
}

/// What one operation was.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What to take for its latency, instead of the time it took.
    pub latency: Option<Duration>,
    /// How many it counts for.
    pub items: u64,
}

impl Sample {
    /// Counts once, and took as long as it took.
    pub const ONE: Self = Self { latency: None, items: 1 };
}

/// A measurement that is not quite over.
pub struct Driven {
    begun: Instant,
    recorded: Recorded,
}

impl Driven {
    /// How many operations succeeded.
    pub fn count(&self) -> u64 {
        self.recorded.count()
    }

    /// It is over now.
    pub fn end(self, plan: &Plan) -> Figures {
        self.recorded.figures(plan, self.begun.elapsed())
    }
}

/// Lets all lanes do operations as long as the plan's limit permits to begin one. Shows how it gets on, unless `quiet` or nobody looks.
pub async fn drive<L: Lane>(plan: &Plan, lanes: Vec<L>, quiet: bool) -> Driven {
    let begun = Instant::now();
    let (next, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let shown = (!quiet && std::io::stderr().is_terminal())
        .then(|| tokio::spawn(show(plan.title(), begun, done.clone())));
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(repeat(lane, plan.limit, begun, next.clone(), done.clone()));
    }
    let mut recorded = Recorded::default();
    while let Some(lane) = running.join_next().await {
        match lane {
            Ok(lane) => recorded.merge(lane),
            Err(error) => recorded.failed(error.to_string()),
        }
    }
    if let Some(shown) = shown {
        shown.abort();
        write_line("");
    }
    Driven { begun, recorded }
}

async fn repeat(
    mut lane: impl Lane,
    limit: Limit,
    begun: Instant,
    next: Arc<AtomicU64>,
    done: Arc<AtomicU64>,
) -> Recorded {
    let (mut recorded, mut in_a_row) = (Recorded::default(), 0);
    while in_a_row < ENOUGH {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let over = match limit {
            Limit::Count(count) => number >= count,
            Limit::Time(time) => begun.elapsed() >= time,
        };
        if over {
            break;
        }
        let start = Instant::now();
        match tokio::time::timeout(PATIENCE, lane.once(number)).await {
            Ok(Ok(sample)) => {
                recorded.done(sample.latency.unwrap_or_else(|| start.elapsed()), sample.items);
                done.fetch_add(sample.items, Ordering::Relaxed);
                in_a_row = 0;
                continue;
            }
            Ok(Err(error)) => recorded.failed(error),
            Err(_) => recorded.failed(format!("no answer within {} s", PATIENCE.as_secs())),
        }
        in_a_row += 1;
        tokio::time::sleep(BREATH).await;
    }
    recorded
}

/// Keeps one line on the terminal true.
async fn show(title: String, begun: Instant, done: Arc<AtomicU64>) {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let count = done.load(Ordering::Relaxed);
        let seconds = begun.elapsed().as_secs();
        write_line(&format!("{title}: {count} after {seconds} s, {} in the last", count - before));
        before = count;
    }
}

/// Puts `text` in the place of the line that is shown.
fn write_line(text: &str) {
    // If the terminal is gone there is nobody to tell.
    let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Workload;

    struct Odd;
    impl Lane for Odd {
        async fn once(&mut self, number: u64) -> Result<Sample, String> {
            match number % 2 {
                0 => Ok(Sample::ONE),
                _ => Err(format!("{number} is odd")),
            }
        }
    }

    struct Never;
    impl Lane for Never {
        async fn once(&mut self, _: u64) -> Result<Sample, String> {
            Err("never".to_owned())
        }
    }

    fn plan(limit: Limit) -> Plan {
        Plan { workload: Workload::Sequence, in_flight: 3, limit, size: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_is_kept_exactly_and_errors_are_part_of_it() {
        let plan = plan(Limit::Count(10));
        let figures = drive(&plan, vec![Odd, Odd, Odd], true).await.end(&plan);
        assert_eq!((figures.count, figures.errors), (5, 5));
        assert!(figures.first_error.unwrap().ends_with("is odd"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_fails_gives_up() {
        let plan = plan(Limit::Count(1_000_000));
        let figures = drive(&plan, vec![Never, Never], true).await.end(&plan);
        assert_eq!((figures.count, figures.errors), (0, u64::from(2 * ENOUGH)));
    }
}
