//! What a rewind leaves behind: the history as it was, readable for as long as the instance is there.

use super::{Chunk, Timestamp};

/// A history rewritten by rewind.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// The history from now on, complete.
    pub chunks: Vec<Chunk>,
    /// `ExecutionRewound`: the last event of the earlier revision. The new history does not have it, for some SDKs cannot read it.
    pub mark: Chunk,
    /// Why, in the words of who asked for it.
    pub reason: Option<String>,
}

impl Rewrite {
    /// How many events the new history has.
    pub fn length(&self) -> i64 {
        self.chunks.last().map_or(0, Chunk::end)
    }
}

/// An earlier history of an instance, without its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// 1 for the history before the first rewind of the instance, and so on.
    pub number: i64,
    /// When it was put aside.
    pub rewound_at: Timestamp,
    pub reason: Option<String>,
    /// How many events it has, `ExecutionRewound` included.
    pub events: i64,
    /// The execution it belongs to.
    pub execution_id: String,
    /// How many events the rewind left in the history that took its place.
    pub kept: i64,
}
