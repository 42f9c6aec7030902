//! `StreamInstanceHistory`: the history of one execution, as the bytes it is stored as.

use super::status;
use crate::{
    manager::{Error, Manager},
    model::{
        Chunk, CorruptHistory, HubId, InstanceId, Revision, Short, Timestamp, event,
        pb::{self, HistoryEvent},
    },
    store,
};
use bytes::Bytes;
use futures_util::stream::{self, Iter};
use std::vec;
use tonic::Status;

/// Most bytes of events in one message. SDKs take in 4 MiB; smaller pieces let a client begin earlier and hold less. Only a single
/// event that is larger by itself exceeds it.
const PIECE_BYTES: usize = 1024 * 1024;
/// What an event costs on the wire besides its bytes: a tag and its length.
const FRAME_BYTES: usize = 6;

/// `HistoryChunk`, except that its events are declared as bytes. On the wire that is the same, and nothing needs to be decoded; a
/// test holds the two together.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HistoryChunk {
    /// Encoded `HistoryEvent`s.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub events: Vec<Bytes>,
}

/// What the rpc answers with.
pub type HistoryStream = Iter<vec::IntoIter<Result<HistoryChunk, Status>>>;

/// The history as of one commit, whoever reads it: workers that replay from it (`forWorkItemProcessing`) hold a turn that no
/// commit can overtake, so both see the same. An instance that has had no turn has an empty one.
///
/// Only the current execution is kept, so another execution id names nothing: NOT_FOUND, like a missing instance. Sending the
/// current history instead would let a worker replay something it does not hold.
pub(super) async fn stream(
    manager: &Manager,
    hub: HubId,
    request: pb::StreamInstanceHistoryRequest,
) -> Result<HistoryStream, Status> {
    let id = InstanceId::lookup(request.instance_id);
    let found = manager.get_with_chunks(hub, &id, false).await.map_err(status::of_manager)?;
    let (instance, chunks) = found.ok_or_else(|| status::of_manager(Error::NotFound(id.clone())))?;
    let current = instance.record.execution_id;
    if let Some(asked) = request.execution_id.filter(|asked| !asked.is_empty() && *asked != current) {
        return Err(Status::not_found(format!(
            "instance {} is in execution {}; no history of execution {} is kept",
            Short(id.as_str()),
            Short(&current),
            Short(&asked)
        )));
    }
    // Workers replay exactly what is stored; clients are also told where the history was rewound.
    let chunks = match request.for_work_item_processing {
        true => chunks,
        false => {
            let revisions = manager.revisions(hub, &id).await.map_err(status::of_manager)?;
            marked(chunks, revisions).map_err(corrupt)?
        }
    };
    let pieces = pieces(&chunks, PIECE_BYTES).map_err(corrupt)?;
    Ok(stream::iter(pieces.into_iter().map(Ok).collect::<Vec<_>>()))
}

fn corrupt(error: CorruptHistory) -> Status {
    status::of_manager(store::Error::from(error).into())
}

/// The history with an `ExecutionRewound` event for each time that it was rewound, where that happened.
fn marked(chunks: Vec<Chunk>, revisions: Vec<Revision>) -> Result<Vec<Chunk>, CorruptHistory> {
    if revisions.is_empty() {
        return Ok(chunks);
    }
    let mut events = Vec::new();
    for chunk in &chunks {
        events.extend(chunk.events()?);
    }
    for Revision { rewound_at, reason, .. } in revisions {
        let is_later = |event: &HistoryEvent| {
            event.timestamp.as_ref().is_some_and(|at| Timestamp::at_or_after(at) > rewound_at)
        };
        let place = events.iter().position(is_later).unwrap_or(events.len());
        // One of before continue-as-new is not of this history.
        if place > 0 {
            events.insert(place, event::execution_rewound(rewound_at, reason));
        }
    }
    Ok(vec![Chunk::encode(0, events)])
}

/// Cuts a history into messages of at most `limit` bytes, between events and not where turns ended: a long history is many small
/// turns, and a turn that fans out is a large one. The events share the memory of `chunks`.
fn pieces(chunks: &[Chunk], limit: usize) -> Result<Vec<HistoryChunk>, CorruptHistory> {
    let mut pieces = Vec::new();
    let (mut events, mut bytes) = (Vec::new(), 0);
    for chunk in chunks {
        for event in chunk.slices()? {
            let cost = event.len() + FRAME_BYTES;
            if bytes + cost > limit && !events.is_empty() {
                pieces.push(HistoryChunk { events: std::mem::take(&mut events) });
                bytes = 0;
            }
            bytes += cost;
            events.push(event);
        }
    }
    if !events.is_empty() {
        pieces.push(HistoryChunk { events });
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, event, pb::HistoryEvent};
    use prost::Message as _;

    /// Turns of one, two, three, one... events; the payload of each event has the size that `sizes` says.
    fn history(sizes: &[usize]) -> (Vec<HistoryEvent>, Vec<Chunk>) {
        let events: Vec<_> = (0..)
            .zip(sizes)
            .map(|(n, size)| event::task_completed(Timestamp(i64::from(n)), n, Some("x".repeat(*size))))
            .collect();
        let (mut chunks, mut first) = (Vec::new(), 0);
        while first < events.len() {
            let end = events.len().min(first + 1 + chunks.len() % 3);
            chunks.push(Chunk::encode(i64::try_from(first).unwrap(), events[first..end].to_vec()));
            first = end;
        }
        (events, chunks)
    }

    #[test]
    fn pieces_hold_every_event_in_order_and_keep_the_limit() {
        const LIMIT: usize = 300;
        for sizes in [&[][..], &[1], &[100; 7], &[1; 50], &[250, 250], &[10, 500, 10, 500, 500], &[0, 299, 0]]
        {
            let (events, chunks) = history(sizes);
            let pieces = pieces(&chunks, LIMIT).unwrap();
            // As a client reads them.
            let read: Vec<Vec<HistoryEvent>> = pieces
                .iter()
                .map(|piece| pb::HistoryChunk::decode(piece.encode_to_vec().as_slice()).unwrap().events)
                .collect();
            assert_eq!(read.concat(), events);
            for (piece, read) in pieces.iter().zip(&read) {
                assert!(!read.is_empty());
                assert!(piece.encoded_len() <= LIMIT || read.len() == 1, "{} bytes", piece.encoded_len());
            }
            for pair in pieces.windows(2) {
                let more = pair[0].events.iter().chain(pair[1].events.first());
                assert!(more.map(|event| event.len() + FRAME_BYTES).sum::<usize>() > LIMIT, "cut too early");
            }
        }
    }

    #[test]
    fn small_turns_travel_together_and_large_ones_are_cut() {
        let (_, chunks) = history(&[10; 30]);
        assert!(chunks.len() > 5);
        assert_eq!(pieces(&chunks, PIECE_BYTES).unwrap().len(), 1);
        let large = vec![event::task_completed(Timestamp(1), 1, Some("x".repeat(PIECE_BYTES / 3))); 9];
        let cut = pieces(&[Chunk::encode(0, large)], PIECE_BYTES).unwrap();
        assert_eq!(cut.iter().map(|piece| piece.events.len()).collect::<Vec<_>>(), [2, 2, 2, 2, 1]);
    }

    #[test]
    fn a_damaged_chunk_is_an_error() {
        let chunk = Chunk { first: 0, count: 1, bytes: Bytes::from_static(&[0xff; 16]) };
        assert!(pieces(&[chunk], PIECE_BYTES).is_err());
    }
}
