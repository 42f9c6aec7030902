//! What a workload measured, as one line.

use std::time::{Duration, Instant};

/// Latencies of finished operations.
#[derive(Default)]
pub struct Tally {
    pub latencies: Vec<Duration>,
}

impl Tally {
    /// Notes one operation that began at `start`.
    pub fn done(&mut self, start: Instant) {
        self.latencies.push(start.elapsed());
    }

    /// Takes over what another task has measured.
    pub fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
    }
}

/// The table's head.
pub fn header() {
    println!("{:<52} {:>9} {:>11} {:>9} {:>9}", "workload", "count", "per second", "p50 ms", "p99 ms");
}

/// One line of the table.
pub fn line(workload: &str, mut tally: Tally, took: Duration) {
    tally.latencies.sort_unstable();
    let count = tally.latencies.len();
    let at = |percent: usize| tally.latencies.get(count * percent / 100).copied().unwrap_or_default();
    let ms = |latency: Duration| latency.as_secs_f64() * 1e3;
    let rate = f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64();
    println!("{workload:<52} {count:>9} {rate:>11.0} {:>9.2} {:>9.2}", ms(at(50)), ms(at(99)));
}
