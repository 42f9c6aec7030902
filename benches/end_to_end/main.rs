//! The whole server under load: `make bench`, or `cargo bench --bench end_to_end -- [sequence|latency|start|status] [--seconds S]`.
//!
//! Each workload starts the release binary on a new file (SQLite, synchronous=FULL) and a free port of loopback, and drives it over the
//! public protocols only. Load generator and worker live in this process, on the same cores. Figures are of one run: compare ratios and
//! medians, machines are noisy.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first thing that goes wrong")]

mod http;
mod report;
mod sequence;
mod server;
mod worker;

use std::time::Duration;

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let seconds = arguments.iter().position(|argument| argument == "--seconds");
    let seconds = seconds.and_then(|index| arguments.get(index + 1)).map_or(10, |text| text.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let wanted = |name: &str| {
        let named: Vec<_> = arguments
            .iter()
            .filter(|argument| argument.parse::<u64>().is_err() && *argument != "--seconds")
            .collect();
        named.is_empty() || named.iter().any(|argument| *argument == name)
    };
    report::header();
    if wanted("sequence") {
        sequence::run("3 activities in sequence, gRPC, 64 in flight", 3, 64, time).await;
        sequence::run("5 activities in sequence, gRPC, 64 in flight", 5, 64, time).await;
    }
    if wanted("latency") {
        sequence::run("3 activities in sequence, gRPC, one at a time", 3, 1, time / 2).await;
        sequence::run("5 activities in sequence, gRPC, one at a time", 5, 1, time / 2).await;
    }
    if wanted("start") {
        http::starts("HTTP start, 64 connections", 64, time).await;
    }
    if wanted("status") {
        http::status("HTTP status of a finished instance, 64 connections", 64, time / 2).await;
    }
}
