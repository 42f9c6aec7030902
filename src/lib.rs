//! durahub runs durable orchestrations on your own machine.
#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod config;
pub mod model;
pub mod store;
pub mod telemetry;
pub mod workers;
