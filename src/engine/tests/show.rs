//! Commits and events as text. Only what differs from the ordinary is shown.

use super::script::START;
use crate::{
    engine::Execution,
    model::{
        Commit, HistoryChange, Message, NewActivity, NewChild, NewInstance, NewMessage, Outgoing, Pending,
        Recipient, StatusExt as _, Tags, Timestamp,
        pb::{HistoryEvent, TaskFailureDetails, TraceContext, history_event::EventType},
    },
};
use std::fmt::Write as _;

/// Seconds since the script began.
pub fn at(time: Timestamp) -> String {
    let micros = time.0 - START.0;
    format!(
        "{}s",
        if micros % 1_000_000 == 0 {
            (micros / 1_000_000).to_string()
        } else {
            format!("{:.6}", micros as f64 / 1e6)
        }
    )
}

/// A commit: the history on one line, then one line for each thing that follows, then the row.
pub fn commit(commit: &Commit) -> String {
    let mut text = String::new();
    match &commit.history {
        HistoryChange::Append(chunk) => {
            let events = chunk.events().unwrap();
            writeln!(text, "@{}: {}", chunk.first, self::events(&events)).unwrap();
        }
        HistoryChange::Clear => text.push_str("cleared\n"),
        HistoryChange::Rewrite(rewrite) => {
            for chunk in &rewrite.chunks {
                writeln!(text, "@{}: {}", chunk.first, events(&chunk.events().unwrap())).unwrap();
            }
            writeln!(text, "put aside, then {}", events(&rewrite.mark.events().unwrap())).unwrap();
        }
        HistoryChange::Keep => {}
    }
    for NewActivity { name, version, detached, request } in &commit.activities {
        let version = version.as_deref().map(|version| format!(" version={version}")).unwrap_or_default();
        let (input, tags) = (payload(request.input.as_ref()), tags(&request.tags));
        let execution = request.orchestration_instance.as_ref().and_then(|of| of.execution_id.clone());
        let execution = execution.unwrap_or_default();
        let traced = traced(request.parent_trace_context.as_ref());
        let detached = if *detached { ", detached" } else { "" };
        let id = request.task_id;
        writeln!(text, "activity #{id} {name}{version}{input}{tags}{traced} of {execution}{detached}")
            .unwrap();
    }
    for NewChild { instance, otherwise, .. } in &commit.children {
        let otherwise =
            otherwise.as_ref().map(|message| format!(", or {}", mail(message))).unwrap_or_default();
        writeln!(text, "{}{otherwise}", child(instance)).unwrap();
    }
    for Outgoing { to, message } in &commit.outbox {
        let to = match to {
            Recipient::Myself => "me".to_owned(),
            Recipient::Instance(id) => id.to_string(),
            Recipient::Entity(id) => id.to_string(),
            Recipient::Execution(id, execution) => format!("{id}/{execution}"),
            Recipient::ChildOf { id, parent, parent_execution } => {
                format!("{id} if child of {parent}/{parent_execution}")
            }
        };
        writeln!(text, "to {to}: {}", mail(message)).unwrap();
    }
    text + &row(commit)
}

pub fn row(commit: &Commit) -> String {
    let mut words = vec![commit.update.status.name().to_owned()];
    let update = &commit.update;
    words.extend(update.reopens.then(|| "reopened".to_owned()));
    words.extend(update.output.as_ref().map(|output| format!("output{}", payload(Some(output)))));
    words.extend(update.failure.as_ref().map(|failure| format!("failure {}", details(failure))));
    words.extend(update.custom_status.as_ref().map(|status| match status {
        Some(status) => format!("status{}", payload(Some(status))),
        None => "status cleared".to_owned(),
    }));
    words.extend(update.execution.as_ref().map(|execution| {
        let version = execution.version.as_deref().map(|version| format!(" version={version}"));
        let (version, input) = (version.unwrap_or_default(), payload(execution.input.as_ref()));
        format!("execution {}{version}{input}", execution.execution_id)
    }));
    words.extend(update.trace.as_ref().map(|trace| match trace.len() {
        0 => "trace cleared".to_owned(),
        _ => "trace".to_owned(),
    }));
    match commit.pending {
        Pending::Keep => {}
        Pending::DropExecution => words.push("drop execution".to_owned()),
        Pending::DropAll => words.push("drop all".to_owned()),
        Pending::DropDetached => words.push("drop detached".to_owned()),
    }
    assert_eq!(update.completed_at.is_some(), update.status.is_terminal(), "completed_at");
    let consumed: Vec<_> = commit.consumed.iter().map(|id| id.0.to_string()).collect();
    words.push(format!("took {}", if consumed.is_empty() { "-".to_owned() } else { consumed.join(",") }));
    words.join("; ")
}

pub fn mail(message: &NewMessage) -> String {
    let due = message.due.map(|due| format!(" due {}", at(due))).unwrap_or_default();
    let events: Vec<_> = message.events.iter().map(event).collect();
    format!("{:?}{due} [{}]", message.class, events.join(", "))
}

pub fn child(child: &NewInstance) -> String {
    let started = &child.started;
    let version = started.version.as_ref().map(|version| format!(" version={version}")).unwrap_or_default();
    let parent =
        child.parent().map(|parent| format!("{}/{}#{}", parent.id, parent.execution_id, parent.task_id));
    let (input, tags) = (payload(started.input.as_ref()), tags(&started.tags));
    let (id, execution, parent) = (&child.id, child.execution_id(), parent.unwrap_or_default());
    let traced = traced(started.parent_trace_context.as_ref());
    format!("child {id}/{execution} {}{version}{input}{tags}{traced} of {parent}", started.name)
}

fn traced(trace: Option<&TraceContext>) -> String {
    trace.map(|trace| format!(" traced={}", trace.trace_parent)).unwrap_or_default()
}

fn tags(tags: &Tags) -> String {
    tags.iter().fold(String::new(), |text, (key, value)| text + " " + key + ":" + value)
}

pub fn payload(text: Option<&String>) -> String {
    match text {
        None => String::new(),
        Some(long) if long.len() > 60 => format!(" '{}..' ({} bytes)", &long[..3], long.len()),
        Some(text) => format!(" '{text}'"),
    }
}

fn details(details: &TaskFailureDetails) -> String {
    let TaskFailureDetails { error_type, error_message, inner_failure, is_non_retriable, .. } = details;
    let last = if *is_non_retriable { "!" } else { "" };
    let cause =
        inner_failure.as_ref().map(|cause| format!(" < {}", self::details(cause))).unwrap_or_default();
    format!("{error_type}{last}({error_message}){cause}")
}

/// Events in order.
pub fn events(events: &[HistoryEvent]) -> String {
    events.iter().map(event).collect::<Vec<_>>().join(", ")
}

/// One event; `#7` is the action id it records, `of 7` the one it answers.
pub fn event(event: &HistoryEvent) -> String {
    let time = event.timestamp.as_ref().map(Timestamp::at_or_after).expect("every event has a time");
    let id = event.event_id;
    let fails = |failed: &Option<TaskFailureDetails>| failed.as_ref().map(details).unwrap_or_default();
    let (text, of_server) = match event.event_type.as_ref().expect("every event has a kind") {
        EventType::OrchestratorStarted(_) => (format!("turn {}", at(time)), true),
        EventType::OrchestratorCompleted(_) => ("end".to_owned(), true),
        EventType::ExecutionStarted(it) => {
            let execution = it.orchestration_instance.as_ref().and_then(|of| of.execution_id.clone());
            let execution = execution.unwrap_or_default();
            let version =
                it.version.as_ref().map(|version| format!(" version={version}")).unwrap_or_default();
            (
                format!(
                    "started {execution} {}{version}{}{}",
                    it.name,
                    payload(it.input.as_ref()),
                    tags(&it.tags)
                ),
                true,
            )
        }
        EventType::TaskScheduled(it) => {
            (format!("#{id} task {}{}", it.name, payload(it.input.as_ref())), false)
        }
        EventType::TaskCompleted(it) => {
            (format!("done of {}{}", it.task_scheduled_id, payload(it.result.as_ref())), true)
        }
        EventType::TaskFailed(it) => {
            (format!("failed of {} {}", it.task_scheduled_id, fails(&it.failure_details)), true)
        }
        EventType::TimerCreated(it) => {
            let due = it.fire_at.as_ref().map(Timestamp::at_or_after).unwrap();
            (format!("#{id} timer {}", at(due)), false)
        }
        EventType::TimerFired(it) => {
            let due = it.fire_at.as_ref().map(Timestamp::at_or_after).unwrap();
            (format!("fired of {} for {}", it.timer_id, at(due)), true)
        }
        EventType::SubOrchestrationInstanceCreated(it) => {
            (format!("#{id} child {} {}{}", it.instance_id, it.name, payload(it.input.as_ref())), false)
        }
        EventType::SubOrchestrationInstanceCompleted(it) => {
            (format!("child done of {}{}", it.task_scheduled_id, payload(it.result.as_ref())), true)
        }
        EventType::SubOrchestrationInstanceFailed(it) => {
            (format!("child failed of {} {}", it.task_scheduled_id, fails(&it.failure_details)), true)
        }
        EventType::EventRaised(it) => (format!("event {}{}", it.name, payload(it.input.as_ref())), true),
        EventType::EventSent(it) => {
            (format!("#{id} sent {}{} to {}", it.name, payload(it.input.as_ref()), it.instance_id), false)
        }
        EventType::ExecutionSuspended(it) => (format!("suspended{}", payload(it.input.as_ref())), true),
        EventType::ExecutionResumed(it) => (format!("resumed{}", payload(it.input.as_ref())), true),
        EventType::ExecutionTerminated(it) => {
            let all = if it.recurse { " all" } else { "" };
            (format!("terminated{all}{}", payload(it.input.as_ref())), true)
        }
        EventType::ExecutionCompleted(it) => {
            let failed =
                it.failure_details.as_ref().map(|it| format!(" {}", details(it))).unwrap_or_default();
            let status = it.orchestration_status().name();
            return format!("#{id} ended {status}{}{failed}", payload(it.result.as_ref()));
        }
        EventType::EntityOperationSignaled(it) => {
            let due = it.scheduled_time.as_ref().map(Timestamp::at_or_after).map(at);
            let due = due.map(|due| format!(" at {due}")).unwrap_or_default();
            let to = target(it.target_instance_id.as_ref());
            (format!("{}signal {}{}{due}{to}", number(id), it.operation, payload(it.input.as_ref())), false)
        }
        EventType::EntityOperationCalled(it) => {
            let (input, to) = (payload(it.input.as_ref()), target(it.target_instance_id.as_ref()));
            let of = sender(it.parent_instance_id.as_ref(), it.parent_execution_id.as_ref());
            (format!("{}call {} {}{input}{to}{of}", number(id), it.request_id, it.operation), false)
        }
        EventType::EntityOperationCompleted(it) => {
            (format!("answered {}{}", it.request_id, payload(it.output.as_ref())), true)
        }
        EventType::EntityOperationFailed(it) => {
            (format!("refused {} {}", it.request_id, fails(&it.failure_details)), true)
        }
        EventType::EntityLockRequested(it) => {
            let (section, set, position) = (&it.critical_section_id, it.lock_set.join(","), it.position);
            let of = sender(it.parent_instance_id.as_ref(), Some(&it.parent_execution_id));
            (format!("{}lock {section} {set} at {position}{of}", number(id)), false)
        }
        EventType::EntityLockGranted(it) => (format!("granted {}", it.critical_section_id), true),
        EventType::EntityUnlockSent(it) => {
            let to = target(it.target_instance_id.as_ref());
            let of = sender(it.parent_instance_id.as_ref(), None);
            (format!("{}unlock {}{to}{of}", number(id), it.critical_section_id), false)
        }
        EventType::ExecutionRewound(it) => (format!("rewound{}", payload(it.reason.as_ref())), true),
        other => panic!("the engine never writes {other:?}"),
    };
    assert!(id == -1 || !of_server, "{text} carries event id {id}");
    text
}

/// The number of an action; a message has none.
fn number(id: i32) -> String {
    if id == -1 { String::new() } else { format!("#{id} ") }
}

fn target(target: Option<&String>) -> String {
    target.map(|target| format!(" to {target}")).unwrap_or_default()
}

fn sender(instance: Option<&String>, execution: Option<&String>) -> String {
    let execution = execution.filter(|execution| !execution.is_empty());
    let execution = execution.map(|execution| format!("/{execution}")).unwrap_or_default();
    instance.map(|instance| format!(" of {instance}{execution}")).unwrap_or_default()
}

/// Everything the engine knows of an execution.
pub fn execution(execution: &Execution) -> String {
    let open = execution.open.in_order();
    let mut sent: Vec<_> = execution.sent.iter().collect();
    sent.sort();
    let mut record = execution.record.clone();
    // No trace and an empty one are the same.
    record.trace = record.trace.filter(|trace| !trace.is_empty());
    let Execution { custom_status, started, length, last_turn, .. } = execution;
    format!("{record:?}\n{custom_status:?}\n{started:?}\n{open:?}\n{sent:?}\n{length} {last_turn}")
}

/// An inbox, for messages of failed properties.
pub fn inbox<'a>(inbox: impl Iterator<Item = &'a Message>) -> String {
    inbox
        .map(|message| format!("{}: {}", message.id.0, events(&message.events)))
        .collect::<Vec<_>>()
        .join("\n")
}
