//! durahub runs durable orchestrations on your own machine.
#![forbid(unsafe_code)]

pub mod api;
pub mod clock;
pub mod dispatch;
pub mod manager;
pub mod model;
pub mod store;
pub mod workers;
