//! Orchestrators, activities and entities as Rust functions in this process.
//!
//! An orchestrator is an `async fn` that says what happens in which order; activities do the work; entities keep what lasts (see
//! [`Entity`]). All are put into a [`Registry`], which answers the same work items that a worker on a gRPC stream gets:
//!
//! ```
//! use durahub::workers::embedded::{OrchestrationContext, Registry, TaskError, future::try_join_all};
//!
//! async fn sum_of_squares(ctx: OrchestrationContext, n: u64) -> Result<u64, TaskError> {
//!     let squares = (1..=n).map(|i| ctx.activity::<u64>("Square", &i));
//!     Ok(try_join_all(squares).await?.iter().sum())
//! }
//!
//! async fn square(n: u64) -> Result<u64, TaskError> {
//!     n.checked_mul(n).ok_or_else(|| TaskError::new("Overflow", format!("{n} is too large")).non_retriable())
//! }
//!
//! let registry = Registry::new().orchestrator("SumOfSquares", sum_of_squares).activity("Square", square);
//! ```
//!
//! What always holds:
//! - Nothing is scheduled before it is awaited, polled by a combinator, or `start`ed, as with every future in Rust.
//! - Inputs, outputs and payloads are JSON. `null` and nothing are the same; asking for `()` accepts anything.
//! - A function may fail with any error; its type name, message and causes reach whoever awaits it (see [`TaskError`]).
//! - A panic fails that function, never the process.
//! - A replay that does not do what history says ends the instance with a `NonDeterminismError` that names both sides.
//!
//! Inside: `replay` takes a future through a history, `journal` keeps what the code asked for and what became of it, `inbox` keeps
//! external events, `section` critical sections; the remaining files are what users touch.

mod activity;
mod call;
mod context;
mod entity;
mod entity_call;
mod error;
mod event;
mod function;
pub mod future;
mod inbox;
mod journal;
mod json;
mod registry;
mod replay;
mod retry;
mod section;
mod step;
mod timer;
mod worker;

#[cfg(test)]
pub(crate) mod simulator;
#[cfg(test)]
mod tests;

pub use crate::model::EntityId;
pub use activity::ActivityContext;
pub use call::{Activity, SubOrchestration};
pub use context::{ContinueAsNew, OrchestrationContext, Parent};
pub use entity::{Entity, EntityContext, EntityState, NewOrchestration, OperationFn};
pub use entity_call::EntityCall;
pub use error::{BoxError, ErrorKind, TaskError, TimedOut, error_type};
pub use event::{Event, EventWithin};
pub use function::{ActivityFn, OrchestratorFn};
pub use registry::Registry;
pub use retry::RetryPolicy;
pub use section::{CriticalSection, LockEntities};
pub use timer::{Timeout, Timer};
pub use worker::{Places, run};
