//! Brings work to workers.

mod waiters;

pub use waiters::{Waiter, Waiters};
