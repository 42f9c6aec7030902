//! A part of a history that grows at both ends, each event of which is known only as far as it decides which rows there are.
//!
//! Which rows a history has can be told from neighbours: a scheduling event is merged away exactly if the next event about the same
//! call is a completion, and a completion takes over exactly if the one before it is a scheduling event.

use super::Call;
use crate::model::{Chunk, CorruptHistory, pb::HistoryEvent};
use bytes::Bytes;
use prost::Message;
use std::collections::{HashMap, VecDeque};

/// What an event is to the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Never a row.
    Hidden,
    Plain,
    Opens(Call, i32),
    Closes(Call, i32),
}

/// The little of an event that tells its [`Kind`]: reading all of a large history in full would cost ten times as much. The numbers
/// are those of `HistoryEvent`.
#[derive(Clone, PartialEq, Message)]
struct Peek {
    #[prost(int32, tag = "1")]
    event_id: i32,
    #[prost(message, optional, tag = "6")]
    task_scheduled: Option<Nothing>,
    #[prost(message, optional, tag = "7")]
    task_completed: Option<Answer>,
    #[prost(message, optional, tag = "8")]
    task_failed: Option<Answer>,
    #[prost(message, optional, tag = "9")]
    child_created: Option<Nothing>,
    #[prost(message, optional, tag = "10")]
    child_completed: Option<Answer>,
    #[prost(message, optional, tag = "11")]
    child_failed: Option<Answer>,
}

#[derive(Clone, PartialEq, Message)]
struct Nothing {}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(int32, tag = "1")]
    task_scheduled_id: i32,
}

impl Kind {
    fn of(bytes: &Bytes) -> Result<Self, CorruptHistory> {
        let peek = Peek::decode(bytes.clone()).map_err(|error| CorruptHistory(error.to_string()))?;
        let closes = |call, answer: Option<Answer>| Some(Kind::Closes(call, answer?.task_scheduled_id));
        let known = peek
            .task_scheduled
            .map(|_| Kind::Opens(Call::Activity, peek.event_id))
            .or_else(|| peek.child_created.map(|_| Kind::Opens(Call::Child, peek.event_id)))
            .or_else(|| closes(Call::Activity, peek.task_completed.or(peek.task_failed)))
            .or_else(|| closes(Call::Child, peek.child_completed.or(peek.child_failed)));
        match known {
            Some(kind) => Ok(kind),
            None => {
                let event = decode(bytes)?;
                let row = event.event_type.as_ref().and_then(super::name);
                Ok(if row.is_some() { Kind::Plain } else { Kind::Hidden })
            }
        }
    }

    fn call(self) -> Option<(Call, i32)> {
        match self {
            Kind::Opens(call, id) | Kind::Closes(call, id) => Some((call, id)),
            Kind::Hidden | Kind::Plain => None,
        }
    }
}

/// The events from number `first` on.
pub struct Window {
    first: i64,
    events: VecDeque<(Kind, Bytes)>,
    /// Nothing follows.
    ends: bool,
}

/// A row: the number of its event, and of the scheduling event that it takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub event: i64,
    pub scheduled: Option<i64>,
}

/// What is missing to know the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Before,
    After,
}

impl Window {
    /// Knows nothing yet of what is from `first` on.
    pub fn at(first: i64) -> Self {
        Self { first, events: VecDeque::new(), ends: false }
    }

    /// The number of the first event.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// The number of the event behind the last.
    pub fn end(&self) -> i64 {
        self.first.saturating_add(i64::try_from(self.events.len()).unwrap_or(i64::MAX))
    }

    /// Adds what was read from the end on, before number `before`.
    pub fn append(&mut self, chunks: &[Chunk], before: i64) -> Result<(), CorruptHistory> {
        for chunk in chunks {
            if self.events.is_empty() {
                self.first = chunk.first;
            }
            check(chunk.first == self.end(), chunk)?;
            for bytes in chunk.slices()? {
                self.events.push_back((Kind::of(&bytes)?, bytes));
            }
        }
        self.ends = chunks.is_empty() || self.end() < before;
        Ok(())
    }

    /// Adds what was read of what lies before the first event.
    pub fn prepend(&mut self, chunks: &[Chunk]) -> Result<(), CorruptHistory> {
        for chunk in chunks.iter().rev() {
            check(chunk.end() == self.first, chunk)?;
            for bytes in chunk.slices()?.into_iter().rev() {
                self.events.push_front((Kind::of(&bytes)?, bytes));
            }
            self.first = chunk.first;
        }
        Ok(())
    }

    /// The first `top` rows from event number `from` on, and whether another one follows.
    pub fn rows(&self, from: i64, top: usize) -> Result<(Vec<Shown>, bool), Missing> {
        // Whether the next event about the call is a completion, seen from each event that opens one; `None`: not known.
        let mut next: HashMap<(Call, i32), bool> = HashMap::new();
        let merged = self.events.iter().rev().map(|(kind, _)| {
            let answered = kind.call().and_then(|call| next.insert(call, matches!(kind, Kind::Closes(..))));
            answered.or(self.ends.then_some(false))
        });
        let mut merged: Vec<Option<bool>> = merged.collect();
        merged.reverse();
        let mut rows: Vec<Shown> = Vec::new();
        // The number of the last event about a call, if it opened one.
        let mut last: HashMap<(Call, i32), Option<i64>> = HashMap::new();
        for ((number, (kind, _)), merged) in (self.first..).zip(&self.events).zip(merged) {
            let before = kind
                .call()
                .and_then(|call| last.insert(call, matches!(kind, Kind::Opens(..)).then_some(number)));
            if number < from {
                continue;
            }
            let scheduled = match (kind, merged, before) {
                (Kind::Hidden, _, _) | (Kind::Opens(..), Some(true), _) => continue,
                (Kind::Opens(..), None, _) => return Err(Missing::After),
                (Kind::Plain, _, _) | (Kind::Opens(..), Some(false), _) => None,
                (Kind::Closes(..), _, Some(scheduled)) => scheduled,
                // Nobody needs to know what the row behind the page takes over.
                (Kind::Closes(..), _, None) if self.first > 0 && rows.len() < top => {
                    return Err(Missing::Before);
                }
                (Kind::Closes(..), _, None) => None,
            };
            if rows.len() == top {
                return Ok((rows, true));
            }
            rows.push(Shown { event: number, scheduled });
        }
        if self.ends { Ok((rows, false)) } else { Err(Missing::After) }
    }

    /// The event of this number, in full.
    pub fn event(&self, number: i64) -> Result<HistoryEvent, CorruptHistory> {
        let index = usize::try_from(number - self.first).ok();
        let found = index.and_then(|index| self.events.get(index));
        decode(&found.ok_or_else(|| CorruptHistory(format!("event {number} is missing")))?.1)
    }
}

fn decode(bytes: &Bytes) -> Result<HistoryEvent, CorruptHistory> {
    HistoryEvent::decode(bytes.clone()).map_err(|error| CorruptHistory(error.to_string()))
}

fn check(adjoins: bool, chunk: &Chunk) -> Result<(), CorruptHistory> {
    if adjoins {
        Ok(())
    } else {
        Err(CorruptHistory(format!("the chunk at event {} has a wrong place", chunk.first)))
    }
}
