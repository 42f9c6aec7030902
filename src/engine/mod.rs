//! Pure decisions: what a turn may deliver, and what its answer changes.
//!
//! No clock, no randomness, no I/O, no async: time and fresh ids come in through [`Context`]. The engine sees one execution at a
//! time and answers with a [`Commit`]; whoever applies it is not the engine's business.
//!
//! What always holds:
//! - History only grows within one execution, and every result in it answers something scheduled before and not answered yet.
//! - A worker's answer that breaks the protocol fails its own instance and nothing else.
//! - The same execution, messages and answer give the same commit.

mod actions;
mod check;
mod child;
mod complete;
mod control;
pub mod entity;
mod execution;
pub mod retention;
mod rewind;
#[cfg(test)]
pub(crate) mod tests;
mod turn;

pub use actions::{apply, fail};
pub use control::{control, control_unread};
pub use entity::{Batch, Entity, EntityOutcome, NextBatch};
pub use execution::Execution;
pub use rewind::{Fate, NotRewound, OpenChild, Rewinding};
pub use turn::{Next, Turn, discard, next};

use crate::model::{Commit, Timestamp};

/// What the engine cannot make itself.
pub struct Context<'a> {
    /// The time of the decision.
    pub now: Timestamp,
    /// Makes an id that was never used before (an execution id).
    pub fresh_id: &'a mut dyn FnMut() -> String,
    /// Largest payload a worker may hand in, in bytes.
    pub payload_bytes: usize,
}

/// A decision: the change to commit, and the execution as it is once that is committed.
#[derive(Debug)]
pub struct Outcome {
    /// To be applied all or nothing.
    pub commit: Commit,
    /// Valid only after the commit has succeeded.
    pub execution: Execution,
}
