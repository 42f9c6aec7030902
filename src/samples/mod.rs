//! Sample functions, there from the first minute: something to start, watch and terminate before any worker is connected.
//!
//! One file each. All orchestrations are started the same way:
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/HelloCities
//! ```
//!
//! The names of their activities and entities begin with `Samples.`, so that they do not get in the way of anybody's own.

mod counter;
mod fan_out_fan_in;
mod hello_cities;
mod human_approval;
mod monitor;
mod order_saga;
mod slow_chain;
#[cfg(test)]
mod tests;
mod transfer;

use crate::workers::embedded::{Registry, TaskError, error_type};
use std::fmt::Display;

/// All samples.
pub fn registry() -> Registry {
    [
        hello_cities::register,
        fan_out_fan_in::register,
        human_approval::register,
        order_saga::register,
        monitor::register,
        slow_chain::register,
        counter::register,
        transfer::register,
    ]
    .into_iter()
    .fold(Registry::new(), |registry, register| register(registry))
}

/// The failure of a sample that was started with something it cannot use.
fn invalid_input(message: impl Display) -> TaskError {
    TaskError::new(error_type::INVALID_INPUT, message).non_retriable()
}
