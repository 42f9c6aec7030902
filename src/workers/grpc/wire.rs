//! Work items as they go out: history as bytes that are already encoded.
//!
//! On the wire an embedded message and a bytes field are the same thing. These types are `WorkItem` and `OrchestratorRequest` of
//! `proto/durabletask.proto`, number by number, except that events are declared as bytes; so the cost of a turn does not include
//! decoding and encoding its past. A test holds them together.

use crate::model::pb;
use bytes::Bytes;

/// `WorkItem`. Only the kinds that this version sends.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorkItem {
    #[prost(string, tag = "10")]
    pub completion_token: String,
    #[prost(oneof = "Request", tags = "1, 2, 3, 4, 5")]
    pub request: Option<Request>,
}

/// `WorkItem.request`.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Request {
    #[prost(message, tag = "1")]
    Orchestrator(OrchestratorRequest),
    /// An encoded `ActivityRequest`.
    #[prost(bytes = "bytes", tag = "2")]
    Activity(Bytes),
    #[prost(message, tag = "4")]
    HealthPing(pb::HealthPing),
    #[prost(message, tag = "5")]
    Entity(pb::EntityRequest),
    /// The older form, for workers that ask for it.
    #[prost(message, tag = "3")]
    OlderEntity(pb::EntityBatchRequest),
}

/// `OrchestratorRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OrchestratorRequest {
    #[prost(string, tag = "1")]
    pub instance_id: String,
    #[prost(message, optional, tag = "2")]
    pub execution_id: Option<String>,
    /// Encoded `HistoryEvent`s.
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub past_events: Vec<Bytes>,
    #[prost(message, repeated, tag = "4")]
    pub new_events: Vec<pb::HistoryEvent>,
    #[prost(message, optional, tag = "5")]
    pub entity_parameters: Option<pb::OrchestratorEntityParameters>,
    /// `past_events` is empty; the worker fetches them with `StreamInstanceHistory`.
    #[prost(bool, tag = "6")]
    pub requires_history_streaming: bool,
    /// An encoded `OrchestrationTraceContext`.
    #[prost(bytes = "bytes", optional, tag = "8")]
    pub orchestration_trace_context: Option<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chunk, Timestamp, event};
    use prost::Message as _;

    #[test]
    fn a_turn_reads_back_as_the_message_the_sdks_know() {
        let past =
            vec![event::orchestrator_started(Timestamp(1)), event::task_completed(Timestamp(2), 0, None)];
        let new = vec![event::event_raised(Timestamp(3), "E".into(), Some("1".into()))];
        let trace = pb::OrchestrationTraceContext { span_id: Some("s".into()), span_start_time: None };
        let entity_parameters = pb::OrchestratorEntityParameters {
            entity_message_reorder_window: Some(prost_types::Duration::default()),
        };
        let ours = WorkItem {
            completion_token: "t".into(),
            request: Some(Request::Orchestrator(OrchestratorRequest {
                instance_id: "i".into(),
                execution_id: Some("x".into()),
                past_events: Chunk::encode(0, past.clone()).slices().unwrap(),
                new_events: new.clone(),
                entity_parameters: Some(entity_parameters),
                requires_history_streaming: true,
                orchestration_trace_context: Some(trace.encode_to_vec().into()),
            })),
        };
        let theirs = pb::WorkItem::decode(ours.encode_to_vec().as_slice()).unwrap();
        let request = pb::OrchestratorRequest {
            instance_id: "i".into(),
            execution_id: Some("x".into()),
            past_events: past,
            new_events: new,
            entity_parameters: Some(entity_parameters),
            requires_history_streaming: true,
            orchestration_trace_context: Some(trace),
            ..pb::OrchestratorRequest::default()
        };
        let request = Some(pb::work_item::Request::OrchestratorRequest(request));
        assert_eq!(theirs, pb::WorkItem { completion_token: "t".into(), request });
    }

    #[test]
    fn an_activity_reads_back_as_the_message_the_sdks_know() {
        let request = pb::ActivityRequest { name: "A".into(), task_id: 7, ..pb::ActivityRequest::default() };
        let encoded = request.encode_to_vec().into();
        let ours = WorkItem { completion_token: "t".into(), request: Some(Request::Activity(encoded)) };
        let theirs = pb::WorkItem::decode(ours.encode_to_vec().as_slice()).unwrap();
        let request = Some(pb::work_item::Request::ActivityRequest(request));
        assert_eq!(theirs, pb::WorkItem { completion_token: "t".into(), request });
    }
}
