//! The projection, as tables: events in, rows out.

use super::*;
use crate::model::{Status, Timestamp, event, failure, pb};
use expect_test::{Expect, expect};

const ALL: Show = Show { input: true, history: true, history_output: true };
const LITTLE: Show = Show { input: false, history: true, history_output: false };

fn check(events: &[HistoryEvent], show: Show, expected: Expect) {
    let rows: Vec<String> =
        project(events, show).iter().map(|row| serde_json::to_string(row).unwrap()).collect();
    expected.assert_eq(&rows.join("\n"));
}

/// 2026-01-02T03:04:05Z and `micros` microseconds.
fn at(micros: i64) -> Timestamp {
    Timestamp(1_767_323_045_000_000 + micros)
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn started(input: Option<String>) -> HistoryEvent {
    let started = pb::ExecutionStartedEvent {
        name: "HelloCities".into(),
        version: text("1.0"),
        input,
        ..Default::default()
    };
    event::server_event(at(0), EventType::ExecutionStarted(started))
}

fn scheduled(id: i32, name: &str, input: &str) -> HistoryEvent {
    let scheduled =
        pb::TaskScheduledEvent { name: name.to_owned(), input: text(input), ..Default::default() };
    event::with_id(id, at(1), EventType::TaskScheduled(scheduled))
}

fn child(id: i32, instance: &str) -> HistoryEvent {
    let created = pb::SubOrchestrationInstanceCreatedEvent {
        instance_id: instance.to_owned(),
        name: "Child".into(),
        input: text("7"),
        ..Default::default()
    };
    event::with_id(id, at(1), EventType::SubOrchestrationInstanceCreated(created))
}

fn completed(result: Option<String>) -> HistoryEvent {
    event::execution_completed(9, at(9), Status::Completed, result, None)
}

#[test]
fn the_happy_case_is_three_rows() {
    let events = [
        event::orchestrator_started(at(0)),
        started(text("\"in\"")),
        scheduled(0, "Hello", "\"Tokyo\""),
        event::orchestrator_completed(at(1)),
        event::orchestrator_started(at(2)),
        event::task_completed(at(1_500_000), 0, text("\"Hello, Tokyo!\"")),
        completed(text("[1, 2]")),
        event::orchestrator_completed(at(9)),
    ];
    check(
        &events,
        ALL,
        expect![[r#"
            {"EventType":"ExecutionStarted","Timestamp":"2026-01-02T03:04:05Z","Input":"\"in\"","Correlation":null,"ParentTraceContext":null,"ScheduledStartTime":null,"Generation":null,"GenerateNewTrace":false,"FunctionName":"HelloCities"}
            {"EventType":"TaskCompleted","Timestamp":"2026-01-02T03:04:06.5Z","Result":"Hello, Tokyo!","ScheduledTime":"2026-01-02T03:04:05.000001Z","FunctionName":"Hello","Input":"\"Tokyo\""}
            {"EventType":"ExecutionCompleted","Timestamp":"2026-01-02T03:04:05.000009Z","OrchestrationStatus":"Completed","Result":[1, 2],"FailureDetails":null}"#]],
    );
    check(
        &events,
        LITTLE,
        expect![[r#"
            {"EventType":"ExecutionStarted","Timestamp":"2026-01-02T03:04:05Z","Correlation":null,"ParentTraceContext":null,"ScheduledStartTime":null,"Generation":null,"GenerateNewTrace":false,"FunctionName":"HelloCities"}
            {"EventType":"TaskCompleted","Timestamp":"2026-01-02T03:04:06.5Z","ScheduledTime":"2026-01-02T03:04:05.000001Z","FunctionName":"Hello"}
            {"EventType":"ExecutionCompleted","Timestamp":"2026-01-02T03:04:05.000009Z","OrchestrationStatus":"Completed","FailureDetails":null}"#]],
    );
}

#[test]
fn open_calls_stay_and_a_child_keeps_its_id() {
    check(
        &[
            scheduled(1, "Slow", "1"),
            child(2, "kid-a"),
            child(3, "kid-b"),
            event::child_completed(at(4), 2, None),
            event::child_failed(at(5), 3, failure("Boom", "no luck", true)),
            child(4, "kid-c"),
        ],
        ALL,
        expect![[r#"
            {"EventType":"TaskScheduled","Timestamp":"2026-01-02T03:04:05.000001Z","Name":"Slow","Input":"1","ParentTraceContext":null,"Tags":null}
            {"EventType":"SubOrchestrationInstanceCompleted","Timestamp":"2026-01-02T03:04:05.000004Z","Result":null,"ScheduledTime":"2026-01-02T03:04:05.000001Z","FunctionName":"Child","Input":"7","InstanceId":"kid-a"}
            {"EventType":"SubOrchestrationInstanceFailed","Timestamp":"2026-01-02T03:04:05.000005Z","Reason":"no luck","Details":null,"FailureDetails":{"ErrorType":"Boom","ErrorMessage":"no luck","StackTrace":null,"InnerFailure":null,"IsNonRetriable":true,"Properties":null},"ScheduledTime":"2026-01-02T03:04:05.000001Z","FunctionName":"Child","Input":"7","InstanceId":"kid-b"}
            {"EventType":"SubOrchestrationInstanceCreated","Timestamp":"2026-01-02T03:04:05.000001Z","Name":"Child","InstanceId":"kid-c","Input":"7","ClientSpanId":null,"Tags":null}"#]],
    );
}

#[test]
fn an_action_id_that_is_used_again_pairs_with_the_newest_open_call() {
    check(
        &[
            scheduled(1, "First", "1"),
            event::task_failed(at(2), 1, failure("Boom", "again", false)),
            scheduled(1, "Second", "2"),
            child(1, "kid"),
            event::task_completed(at(3), 1, text("not json")),
            event::task_completed(at(4), 77, None),
        ],
        LITTLE,
        expect![[r#"
            {"EventType":"TaskFailed","Timestamp":"2026-01-02T03:04:05.000002Z","Reason":"again","Details":null,"FailureDetails":{"ErrorType":"Boom","ErrorMessage":"again","StackTrace":null,"InnerFailure":null,"IsNonRetriable":false,"Properties":null},"ScheduledTime":"2026-01-02T03:04:05.000001Z","FunctionName":"First"}
            {"EventType":"SubOrchestrationInstanceCreated","Timestamp":"2026-01-02T03:04:05.000001Z","Name":"Child","InstanceId":"kid","ClientSpanId":null,"Tags":null}
            {"EventType":"TaskCompleted","Timestamp":"2026-01-02T03:04:05.000003Z","ScheduledTime":"2026-01-02T03:04:05.000001Z","FunctionName":"Second"}
            {"EventType":"TaskCompleted","Timestamp":"2026-01-02T03:04:05.000004Z"}"#]],
    );
}

#[test]
fn timers_events_and_controls() {
    let fire_at = at(60_000_000).to_wire();
    let timer = EventType::TimerCreated(pb::TimerCreatedEvent { fire_at: Some(fire_at) });
    let sent =
        EventType::EventSent(pb::EventSentEvent { instance_id: "b".into(), name: "Go".into(), input: None });
    check(
        &[
            event::with_id(1, at(1), timer),
            event::timer_fired(at(2), 1, fire_at),
            event::event_raised(at(3), "Approval".into(), text("true")),
            event::with_id(2, at(4), sent),
            event::execution_suspended(at(5), text("wait")),
            event::execution_resumed(at(6), None),
            event::execution_terminated(at(7), text("enough"), true),
            event::execution_completed(-1, at(8), Status::Terminated, text("enough"), None),
        ],
        ALL,
        expect![[r#"
            {"EventType":"TimerCreated","Timestamp":"2026-01-02T03:04:05.000001Z","FireAt":"2026-01-02T03:05:05Z"}
            {"EventType":"TimerFired","Timestamp":"2026-01-02T03:04:05.000002Z","FireAt":"2026-01-02T03:05:05Z"}
            {"EventType":"EventRaised","Timestamp":"2026-01-02T03:04:05.000003Z","Name":"Approval","Input":"true","ParentTraceContext":null}
            {"EventType":"EventSent","Timestamp":"2026-01-02T03:04:05.000004Z","InstanceId":"b","Name":"Go","Input":null}
            {"EventType":"ExecutionSuspended","Timestamp":"2026-01-02T03:04:05.000005Z","Reason":"wait"}
            {"EventType":"ExecutionResumed","Timestamp":"2026-01-02T03:04:05.000006Z","Reason":null}
            {"EventType":"ExecutionTerminated","Timestamp":"2026-01-02T03:04:05.000007Z","Input":"enough"}
            {"EventType":"ExecutionCompleted","Timestamp":"2026-01-02T03:04:05.000008Z","OrchestrationStatus":"Terminated","Result":"enough","FailureDetails":null}"#]],
    );
}

#[test]
fn failures_keep_their_causes_and_properties() {
    let value = |kind| prost_types::Value { kind: Some(kind) };
    let mut details = failure("Outer", "it broke", false);
    details.stack_trace = text("at line 1");
    details.inner_failure = Some(Box::new(failure("Inner", "because", true)));
    details.properties.insert("code".into(), value(prost_types::value::Kind::NumberValue(4.5)));
    details.properties.insert("why".into(), value(prost_types::value::Kind::StringValue("x".into())));
    check(
        &[event::execution_completed(3, at(0), Status::Failed, None, Some(details))],
        ALL,
        expect![[
            r#"{"EventType":"ExecutionCompleted","Timestamp":"2026-01-02T03:04:05Z","OrchestrationStatus":"Failed","Result":null,"FailureDetails":{"ErrorType":"Outer","ErrorMessage":"it broke","StackTrace":"at line 1","InnerFailure":{"ErrorType":"Inner","ErrorMessage":"because","StackTrace":null,"InnerFailure":null,"IsNonRetriable":true,"Properties":null},"IsNonRetriable":false,"Properties":{"code":4.5,"why":"x"}}}"#
        ]],
    );
}

#[test]
fn an_empty_history_has_no_rows_and_unknown_events_are_skipped() {
    check(&[], ALL, expect![""]);
    check(&[HistoryEvent::default()], ALL, expect![""]);
}

#[test]
fn the_parent_trace_and_the_planned_start_are_shown() {
    let trace = pb::TraceContext { trace_parent: "00-a-b-01".into(), span_id: "b".into(), trace_state: None };
    let started = pb::ExecutionStartedEvent {
        name: "F".into(),
        parent_trace_context: Some(trace),
        scheduled_start_timestamp: Some(prost_types::Timestamp { seconds: 0, nanos: 123_456_789 }),
        ..Default::default()
    };
    check(
        &[HistoryEvent {
            event_id: -1,
            timestamp: None,
            event_type: Some(EventType::ExecutionStarted(started)),
        }],
        LITTLE,
        expect![[
            r#"{"EventType":"ExecutionStarted","Timestamp":null,"Correlation":null,"ParentTraceContext":{"TraceParent":"00-a-b-01","TraceState":null,"SpanId":"b"},"ScheduledStartTime":"1970-01-01T00:00:00.1234567Z","Generation":null,"GenerateNewTrace":false,"FunctionName":"F"}"#
        ]],
    );
}
