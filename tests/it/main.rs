//! The whole server, driven from outside over HTTP, gRPC and bare sockets, within this process and as the shipped binary.
//!
//! What the stock Python SDK sees is tested in `tests/sdk/python`; here is what it cannot see or does not do. The fixtures are in
//! [`support`]. Tests wait for states, never for durations, and every test has its own server and file.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests; clippy knows only functions marked as such"
)]

mod audit;
mod backlog;
mod bad_input;
mod bench;
mod bound_keys;
mod callbacks;
mod command_line;
mod concurrency;
mod crashes;
mod discovery;
mod documented;
mod edge;
mod entities;
mod events;
mod explain;
mod guards;
mod history;
mod hubs;
mod instance;
mod isolation;
mod jobs;
mod keys;
mod limits;
mod links;
mod lists;
mod metrics;
mod overload;
mod parked;
mod races;
mod recovery;
mod replace;
mod restart;
mod retention;
mod retries;
mod rewind;
mod samples;
mod shutdown;
mod silence;
mod state_matrix;
mod support;
mod tables;
mod timers;
mod tls;
mod watchdog;
mod who_may;
mod workers;
