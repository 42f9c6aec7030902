//! What can be asked for on the command line.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  durahub bench all --spawn                      every workload, each on a new server with a file of its own in this directory
  durahub bench sequence --activities 5          the server on 127.0.0.1:7071, 64 orchestrations at a time, for 10 seconds
  durahub bench fanout --activities 10000 --count 5
  durahub bench start --target http://127.0.0.1:8080 --in-flight 16 --json

Figures are of one run on one machine, with the load generator and the worker on it as well: compare medians and ratios.
";

/// Where a server is looked for if nobody says.
const DEFAULT_TARGET: &str = "http://127.0.0.1:7071";

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Orchestrations that call activities one after another
    Sequence,
    /// Orchestrations that call many activities at once and wait for all
    Fanout,
    /// Orchestrations that wait for events, which are raised one after another
    Events,
    /// Orchestrations that sleep; latencies are how late they woke and ended
    Timers,
    /// Signals to entities, until each is applied; latencies are of the acknowledgement
    Entities,
    /// Orchestrations that call other orchestrations one after another
    Suborchestrations,
    /// HTTP: starts that nobody serves
    Start,
    /// HTTP: the status of one finished instance
    Status,
    /// HTTP: the first page of 100 instances
    List,
    /// Purges of 100 finished instances each
    Purge,
    /// All of these
    All,
}

/// Measure a server: a load generator and a worker in one, over the public protocols.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// What to do, over and over
    #[arg(value_enum, value_name = "WORKLOAD")]
    pub workload: Workload,
    /// The server to measure [default: http://127.0.0.1:7071]
    #[arg(long, value_name = "URL", conflicts_with = "spawn")]
    pub target: Option<String>,
    /// With an https target: a PEM file with the certificates that may vouch for it
    #[arg(long, value_name = "FILE", requires = "target")]
    pub ca: Option<PathBuf>,
    /// Start a server on a new file in the current directory first, and remove both afterwards
    #[arg(long)]
    pub spawn: bool,
    /// Operations under way at a time [default: 64; fanout 1, timers 1000, list 8, purge 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub in_flight: Option<u32>,
    /// Stop after so many operations
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Begin nothing new after so many seconds [default: 10]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: Option<u64>,
    /// Activities of each orchestration: sequence [default: 3], fanout [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub activities: Option<u32>,
    /// Events that each orchestration waits for
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub events: u32,
    /// Orchestrations that each orchestration calls
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub children: u32,
    /// Milliseconds that timers take
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    pub delay_ms: u32,
    /// Entities that share the signals
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub entities: u32,
    /// Finished instances that are made before pages of a list are read, or to be purged
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub stored: u32,
    /// One JSON object a line, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
    /// The key to show, for a server that wants one
    #[arg(long, value_name = "KEY", env = "DURAHUB_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// The task hub to work in [default: the server's]
    #[arg(long, value_name = "NAME")]
    pub hub: Option<String>,
}

impl Options {
    /// The address of the server that is not spawned.
    pub(super) fn target(&self) -> &str {
        self.target.as_deref().unwrap_or(DEFAULT_TARGET)
    }
}
