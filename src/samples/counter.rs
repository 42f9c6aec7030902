//! `Samples.Counter`: an entity that counts.
//!
//! Operations: `add` with a whole number gives the new count, `get` the count, `reset` sets it to 0. The state is the count. Signals from
//! one sender are counted in their order, and none is lost or counted twice.

use crate::workers::embedded::{Entity, Registry, TaskError};
use serde::{Deserialize, Serialize};

pub(super) fn register(registry: Registry) -> Registry {
    let counter = Entity::new()
        .operation("add", Counter::add)
        .operation("get", Counter::get)
        .operation("reset", Counter::reset);
    registry.entity("Samples.Counter", counter)
}

#[derive(Default, Deserialize, Serialize)]
struct Counter(i64);

#[expect(
    clippy::unused_async,
    reason = "operations are async functions, whether they wait for something or not"
)]
impl Counter {
    async fn add(&mut self, amount: i64) -> Result<i64, TaskError> {
        let sum = self.0.checked_add(amount);
        self.0 = sum.ok_or_else(|| {
            let message = format_args!("{} and {amount} is more than a Counter can count", self.0);
            TaskError::new("Overflow", message).non_retriable()
        })?;
        Ok(self.0)
    }

    async fn get(&self) -> Result<i64, TaskError> {
        Ok(self.0)
    }

    async fn reset(&mut self) -> Result<(), TaskError> {
        self.0 = 0;
        Ok(())
    }
}
