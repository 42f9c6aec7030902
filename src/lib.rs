//! durahub runs durable orchestrations on your own machine.
#![forbid(unsafe_code)]

pub mod api;
pub mod audit;
pub mod auth;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod engine;
#[cfg(test)]
mod fuzz;
pub mod manager;
pub mod model;
pub mod samples;
pub mod server;
#[cfg(test)]
mod simulation;
pub mod store;
pub mod telemetry;
pub mod workers;
