//! An answer that comes in pieces because one message could not hold it, as the .NET and Java SDKs send large ones.

use crate::model::pb::OrchestratorResponse;
use prost::Message as _;
use std::collections::BTreeMap;

/// An answer too large for one message (facts: gRPC protocol, section 8.6). Kept in memory: the worker repeats it if it is lost.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    by_index: BTreeMap<i32, OrchestratorResponse>,
    bytes: usize,
}

impl Pieces {
    /// Most bytes of one answer.
    const LIMIT: usize = 256 << 20;

    /// Keeps a piece; one with the same index is replaced. `false`: the answer is too large.
    pub fn add(&mut self, piece: OrchestratorResponse) -> bool {
        self.bytes += piece.encoded_len();
        if let Some(before) = self.by_index.insert(piece.chunk_index.unwrap_or_default(), piece) {
            self.bytes -= before.encoded_len();
        }
        self.bytes <= Self::LIMIT
    }

    /// Puts the pieces before the last one. The first says how many events were taken; the last has the custom status.
    pub fn complete(self, last: OrchestratorResponse) -> OrchestratorResponse {
        let before: Vec<_> =
            self.by_index.into_iter().filter(|(index, _)| Some(*index) != last.chunk_index).collect();
        let Some((_, first)) = before.first() else { return last };
        let mut whole = OrchestratorResponse {
            num_events_processed: first.num_events_processed,
            orchestration_trace_context: first.orchestration_trace_context.clone(),
            custom_status: last.custom_status,
            instance_id: last.instance_id,
            ..OrchestratorResponse::default()
        };
        whole.actions.extend(before.into_iter().flat_map(|(_, piece)| piece.actions));
        whole.actions.extend(last.actions);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pb::OrchestratorAction;

    fn piece(index: i32, ids: &[i32]) -> OrchestratorResponse {
        let actions = ids.iter().map(|id| OrchestratorAction { id: *id, orchestrator_action_type: None });
        OrchestratorResponse { actions: actions.collect(), chunk_index: Some(index), ..Default::default() }
    }

    #[test]
    fn pieces_are_put_together_in_order_and_a_repeated_one_counts_once() {
        let mut pieces = Pieces::default();
        let first = OrchestratorResponse { num_events_processed: Some(7), ..piece(0, &[1]) };
        for piece in [piece(1, &[9, 9]), first, piece(1, &[2, 3])] {
            assert!(pieces.add(piece));
        }
        assert_eq!(
            pieces.bytes,
            pieces.by_index.values().map(OrchestratorResponse::encoded_len).sum::<usize>()
        );
        let last = OrchestratorResponse {
            num_events_processed: Some(0),
            custom_status: Some("s".into()),
            ..piece(2, &[4])
        };
        let whole = pieces.complete(last);
        assert_eq!(whole.actions.iter().map(|action| action.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!((whole.num_events_processed, whole.custom_status.as_deref()), (Some(7), Some("s")));
    }
}
