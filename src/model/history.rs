//! History as it is kept: chunks of encoded events.
//!
//! A chunk is exactly one encoded `HistoryChunk` message, so it can be streamed to a client as it stands, and the events inside
//! can be handed to a worker as byte slices without being decoded. One turn writes one chunk.

use super::pb::{self, HistoryEvent};
use bytes::{Buf, Bytes};
use prost::{Message as _, encoding::decode_varint};

/// `HistoryChunk.events`: field 1, length-delimited.
const EVENTS_TAG: u64 = 1 << 3 | 2;

/// The stored bytes of a history are not what was written.
#[derive(Debug, thiserror::Error)]
#[error("stored history cannot be read: {0}")]
pub struct CorruptHistory(pub String);

/// A run of consecutive history events of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Position of the first event within the execution's history, from 0.
    pub first: i64,
    /// How many events there are.
    pub count: i64,
    /// One encoded `HistoryChunk`.
    pub bytes: Bytes,
}

impl Chunk {
    /// Encodes `events`, the first of which is number `first` of the history.
    pub fn encode(first: i64, events: Vec<HistoryEvent>) -> Self {
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        Self { first, count, bytes: encode_events(events) }
    }

    /// Position of the event after the last one.
    pub fn end(&self) -> i64 {
        self.first + self.count
    }

    /// The events, each still encoded; the slices share the chunk's memory.
    pub fn slices(&self) -> Result<Vec<Bytes>, CorruptHistory> {
        let mut rest = self.bytes.clone();
        // Not more than there can be, whatever is stored as their number: an event takes two bytes at least.
        let most = rest.len() / 2;
        let mut slices = Vec::with_capacity(usize::try_from(self.count).map_or(0, |count| count.min(most)));
        while rest.has_remaining() {
            let tag = decode_varint(&mut rest).map_err(corrupt)?;
            let length = decode_varint(&mut rest).map_err(corrupt)?;
            let length = usize::try_from(length).map_err(corrupt)?;
            if tag != EVENTS_TAG || length > rest.remaining() {
                return Err(CorruptHistory(format!("chunk at event {} is cut or not a chunk", self.first)));
            }
            slices.push(rest.split_to(length));
        }
        Ok(slices)
    }

    /// The events, decoded, of a chunk that must go on where `before` events have been read. A gap, bytes that are no chunk, and
    /// another number of events than it says are told with their place.
    pub fn events_after(&self, before: i64) -> Result<Vec<HistoryEvent>, CorruptHistory> {
        let Self { first, count, .. } = self;
        if *first > before {
            return Err(CorruptHistory(format!("event {before} is missing: the next one stored is {first}")));
        }
        if *first < before {
            return Err(CorruptHistory(format!("event {first} is stored twice")));
        }
        let unreadable =
            |error: CorruptHistory| CorruptHistory(format!("the chunk at event {first}: {}", error.0));
        let events = self.events().map_err(unreadable)?;
        match i64::try_from(events.len()) {
            Ok(length) if length == *count => Ok(events),
            _ => Err(CorruptHistory(format!(
                "the chunk at event {first} should have {count} events, but has {}",
                events.len()
            ))),
        }
    }

    /// The events, decoded.
    pub fn events(&self) -> Result<Vec<HistoryEvent>, CorruptHistory> {
        decode_events(self.bytes.clone())
    }
}

/// Encodes events as one `HistoryChunk`, the form in which messages and history are stored.
pub fn encode_events(events: Vec<HistoryEvent>) -> Bytes {
    pb::HistoryChunk { events }.encode_to_vec().into()
}

/// The inverse of [`encode_events`].
pub fn decode_events(bytes: Bytes) -> Result<Vec<HistoryEvent>, CorruptHistory> {
    pb::HistoryChunk::decode(bytes).map(|chunk| chunk.events).map_err(corrupt)
}

fn corrupt(error: impl std::fmt::Display) -> CorruptHistory {
    CorruptHistory(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, event};

    fn sample() -> Vec<HistoryEvent> {
        let at = Timestamp(1);
        vec![
            event::orchestrator_started(at),
            event::event_raised(at, "Approval".into(), Some("true".into())),
            event::task_completed(at, 0, Some("x".repeat(300))),
        ]
    }

    #[test]
    fn slices_are_the_encoded_events_in_order() {
        let chunk = Chunk::encode(4, sample());
        let again: Vec<_> =
            chunk.slices().unwrap().into_iter().map(|slice| HistoryEvent::decode(slice).unwrap()).collect();
        assert_eq!(again, sample());
        assert_eq!(chunk.events().unwrap(), sample());
        assert_eq!((chunk.first, chunk.count, chunk.end()), (4, 3, 7));
    }

    #[test]
    fn what_does_not_follow_is_told_with_its_place() {
        let chunk = Chunk::encode(4, sample());
        assert_eq!(chunk.events_after(4).unwrap(), sample());
        for (before, count, bytes, told) in [
            (3, 3, chunk.bytes.clone(), "event 3 is missing: the next one stored is 4"),
            (5, 3, chunk.bytes.clone(), "event 4 is stored twice"),
            (4, 2, chunk.bytes.clone(), "the chunk at event 4 should have 2 events, but has 3"),
            (4, 3, Bytes::from_static(&[0xff; 16]), "the chunk at event 4: "),
        ] {
            let error = Chunk { first: 4, count, bytes }.events_after(before).unwrap_err();
            assert!(error.0.starts_with(told), "{error}");
        }
    }

    #[test]
    fn cut_or_foreign_bytes_are_an_error_and_not_a_panic() {
        let whole = Chunk::encode(0, sample()).bytes;
        for end in 1..whole.len() {
            let chunk = Chunk { first: 0, count: 3, bytes: whole.slice(..end) };
            // A cut between two events cannot be told from a shorter chunk; everything else must be refused.
            if let Ok(slices) = chunk.slices() {
                assert!(slices.len() < 3);
            }
        }
        for count in [i64::MIN, -1, 0, i64::MAX] {
            let chunk = Chunk { first: 0, count, bytes: whole.clone() };
            assert_eq!(chunk.slices().unwrap().len(), 3);
            assert!(chunk.events_after(0).is_err());
        }
        let foreign = Chunk { first: 0, count: 1, bytes: Bytes::from_static(&[0xff; 16]) };
        assert!(foreign.slices().is_err());
        assert!(foreign.events().is_err());
    }
}
