//! durahub runs durable orchestrations on your own machine.
#![forbid(unsafe_code)]

pub mod model;
pub mod samples;
pub mod store;
pub mod workers;
