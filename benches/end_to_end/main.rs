//! The whole server under load: `make bench`, or `cargo bench --bench end_to_end -- [sequence|latency|start|status|entities|lists]
//! [--seconds S] [--db FILE]`. `lists` needs a file with many instances, as `examples/seed.rs` makes one, and works on a copy of it.
//!
//! Each workload starts the release binary on a new file (SQLite, synchronous=FULL) and a free port of loopback, and drives it over the
//! public protocols only. Load generator and worker live in this process, on the same cores. Figures are of one run: compare ratios and
//! medians, machines are noisy.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first thing that goes wrong")]

mod entities;
mod http;
mod lists;
mod report;
mod sequence;
mod server;
mod worker;

use std::{path::PathBuf, time::Duration};

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let value = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        arguments.get(index + 1)
    };
    let time = Duration::from_secs(value("--seconds").map_or(10, |text| text.parse().unwrap()));
    let db = value("--db").map(PathBuf::from);
    let values = [value("--seconds"), value("--db")];
    let names: Vec<_> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--") && !values.contains(&Some(argument)))
        .collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|argument| *argument == name);
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
    if wanted("entities") {
        entities::run("signals to one entity, gRPC, 64 in flight", 1, 64, time).await;
        entities::run("signals to 1,000 entities, gRPC, 64 in flight", 1_000, 64, time).await;
    }
    match db {
        Some(db) if wanted("lists") => lists::run(&db, time).await,
        None if names.iter().any(|name| *name == "lists") => panic!("lists needs --db FILE"),
        _ => {}
    }
}
