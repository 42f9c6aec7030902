//! History that is passed on as bytes: whatever is stored, a worker reads what a whole decoding would have read, or is told that it cannot be
//! read.

use super::wire;
use crate::{
    fuzz::{self, messages},
    model::{
        Chunk, Timestamp, event,
        pb::{self, HistoryEvent},
    },
};
use proptest::{prelude::*, sample::Index};
use prost::Message as _;

fn history() -> Vec<u8> {
    let at = Timestamp(1);
    let events = vec![
        event::orchestrator_started(at),
        event::event_raised(at, "Approval".into(), Some("{\"a\":1}".into())),
        event::task_completed(at, 0, Some("x".repeat(300))),
        event::task_completed(at, 1, None),
    ];
    Chunk::encode(0, events).bytes.to_vec()
}

/// What a worker decodes of the message that it is sent.
fn read_by_worker(past: Vec<bytes::Bytes>) -> Option<Vec<HistoryEvent>> {
    let request =
        wire::OrchestratorRequest { instance_id: "i".into(), past_events: past, ..Default::default() };
    let request = Some(wire::Request::Orchestrator(request));
    let sent = wire::WorkItem { completion_token: "t".into(), request }.encode_to_vec();
    match pb::WorkItem::decode(sent.as_slice()).ok()?.request {
        Some(pb::work_item::Request::OrchestratorRequest(read)) => Some(read.past_events),
        other => panic!("another message altogether: {other:?}"),
    }
}

proptest! {
    #![proptest_config(fuzz::config(2_000))]

    #[test]
    fn stored_history_is_read_by_workers_as_it_is_or_by_nobody(
        changes in messages::changes(),
        edits in fuzz::edits(&["", "\n", "\u{0}"]),
        dice in any::<Index>(),
        count in any::<i64>(),
    ) {
        let mut stored = messages::changed(&history(), &changes);
        if dice.index(3) == 0 {
            stored = fuzz::edited(&stored, &edits);
        }
        let chunk = Chunk { first: 0, count, bytes: stored.into() };
        // What is no chunk to the one who cuts is refused; what is must be what a whole decoding makes of it.
        if let Ok(past) = chunk.slices() {
            prop_assert_eq!(read_by_worker(past), chunk.events().ok());
        }
        prop_assert!(chunk.events_after(0).is_err() || chunk.events().is_ok());
    }

    #[test]
    fn whatever_a_turn_has_reaches_the_sdks_as_it_is(changes in messages::changes()) {
        let request = pb::OrchestratorRequest {
            instance_id: "i".into(),
            execution_id: Some("x".into()),
            past_events: Chunk { first: 0, count: 4, bytes: history().into() }.events().unwrap(),
            new_events: vec![event::orchestrator_started(Timestamp(2))],
            entity_parameters: Some(pb::OrchestratorEntityParameters::default()),
            requires_history_streaming: true,
            orchestration_trace_context: Some(pb::OrchestrationTraceContext {
                span_id: Some("s".into()),
                span_start_time: None,
            }),
            ..Default::default()
        };
        let request = messages::changed(&request.encode_to_vec(), &changes);
        if let Ok(request) = pb::OrchestratorRequest::decode(request.as_slice()) {
            // What this server never sends.
            let theirs = pb::OrchestratorRequest { properties: [].into(), ..request };
            let ours = wire::OrchestratorRequest {
                instance_id: theirs.instance_id.clone(),
                execution_id: theirs.execution_id.clone(),
                past_events: theirs.past_events.iter().map(|event| event.encode_to_vec().into()).collect(),
                new_events: theirs.new_events.clone(),
                entity_parameters: theirs.entity_parameters,
                requires_history_streaming: theirs.requires_history_streaming,
                orchestration_trace_context: theirs.orchestration_trace_context.as_ref().map(|it| it.encode_to_vec().into()),
            };
            let request = Some(wire::Request::Orchestrator(ours));
            let sent = wire::WorkItem { completion_token: "t".into(), request }.encode_to_vec();
            let request = Some(pb::work_item::Request::OrchestratorRequest(theirs));
            let expected = pb::WorkItem { completion_token: "t".into(), request };
            prop_assert_eq!(pb::WorkItem::decode(sent.as_slice()), Ok(expected));
        }
    }
}
