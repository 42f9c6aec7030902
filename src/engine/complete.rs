//! How an execution ends: for good, or to begin again (facts: gRPC protocol, sections 7.4, 8.3 and 9.3).

use super::{Context, Execution, Outcome};
use crate::model::{
    Class, Commit, FIRE_AND_FORGET, HistoryChange, InstanceId, NewExecution, NewMessage, Outgoing, Pending,
    Recipient, Status, Timestamp, bounded, error_type, event, failure,
    pb::{self, HistoryEvent, TaskFailureDetails, history_event::EventType},
};

/// The completing action of a turn.
pub(super) struct End {
    pub id: i32,
    pub complete: pb::CompleteOrchestrationAction,
}

impl End {
    fn status(&self) -> Status {
        self.complete.orchestration_status()
    }

    pub(super) fn continues(&self) -> bool {
        self.status() == Status::ContinuedAsNew
    }

    /// The first completion wins, except that terminated beats continue-as-new.
    pub(super) fn yields_to(&self, other: &pb::CompleteOrchestrationAction) -> bool {
        self.continues() && other.orchestration_status() == Status::Terminated
    }
}

/// A commit that changes nothing but the turn number and the time.
pub(super) fn blank_commit(execution: &Execution, now: Timestamp) -> Commit {
    let record = &execution.record;
    let mut commit = Commit::blank(record.hub, record.key, record.turn + 1, record.status, now);
    commit.update.completed_at = record.completed_at;
    commit
}

/// Ends the instance: fills the commit and returns the `ExecutionCompleted` event. Whoever waits for it is told.
pub(super) fn finish(
    execution: &Execution,
    commit: &mut Commit,
    end: End,
    context: &Context<'_>,
) -> HistoryEvent {
    let now = context.now;
    let status = end.status();
    let End { id, complete } = end;
    let details = match status {
        Status::Failed => Some(complete.failure_details.unwrap_or_else(|| {
            let text = complete.details.clone().or_else(|| complete.result.clone()).unwrap_or_default();
            failure("OrchestrationFailed", text, false)
        })),
        _ => complete.failure_details,
    };
    let details = details.map(|details| bounded(details, context.payload_bytes));
    commit.pending = Pending::DropAll;
    commit.update.status = status;
    commit.update.completed_at = Some(now);
    commit.update.output.clone_from(&complete.result);
    commit.update.failure.clone_from(&details);
    commit.outbox.extend(report(execution, status, complete.result.clone(), details.clone(), now));
    event::execution_completed(id, now, status, complete.result, details)
}

/// The message to the parent, if one waits.
fn report(
    execution: &Execution,
    status: Status,
    result: Option<String>,
    details: Option<TaskFailureDetails>,
    now: Timestamp,
) -> Option<Outgoing> {
    let record = &execution.record;
    let parent = record.parent.as_ref().filter(|_| !record.tags.contains_key(FIRE_AND_FORGET))?;
    let answer = answer(&record.id, parent.task_id, status, result, details, now);
    Some(Outgoing {
        to: Recipient::Execution(parent.id.clone(), parent.execution_id.clone()),
        message: NewMessage::now(Class::Result, answer),
    })
}

/// What the parent hears of a child that has ended as `status`.
pub(super) fn answer(
    child: &InstanceId,
    task: i32,
    status: Status,
    result: Option<String>,
    details: Option<TaskFailureDetails>,
    now: Timestamp,
) -> HistoryEvent {
    let failed = |kind: &str, what: &str| {
        let reason = result.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        failure(kind, format!("sub-orchestration {child} was {what}{reason}"), true)
    };
    match status {
        Status::Completed => event::child_completed(now, task, result),
        Status::Terminated => event::child_failed(now, task, failed(error_type::TERMINATED, "terminated")),
        Status::Canceled => event::child_failed(now, task, failed(error_type::CANCELED, "cancelled")),
        _ => event::child_failed(now, task, details.unwrap_or_default()),
    }
}

/// Ends the execution and begins the next: same instance, empty history, a fresh execution id. Events that no turn has consumed
/// stay in the inbox, behind those the worker carries over.
pub(super) fn continue_as_new(
    execution: Execution,
    mut commit: Commit,
    complete: pb::CompleteOrchestrationAction,
    context: &mut Context<'_>,
) -> Outcome {
    let mut record = execution.record;
    let execution_id = (context.fresh_id)();
    let version =
        complete.new_version.filter(|version| !version.is_empty()).map(Into::into).or(record.version);
    let mut started = execution.started.unwrap_or_default();
    started.input.clone_from(&complete.result);
    started.version = version.as_deref().map(str::to_owned);
    started.scheduled_start_timestamp = None;
    started.orchestration_instance = Some(pb::OrchestrationInstance {
        instance_id: record.id.as_str().to_owned(),
        execution_id: Some(execution_id.clone()),
    });
    // The turns of the next execution come after all turns of this one; the start is what remembers that.
    let opened = context.now.max(execution.last_turn.next());
    let mut events = vec![event::server_event(opened, EventType::ExecutionStarted(started))];
    // Only raised events outlive an execution. A second start among them, say, would spoil the next one's history.
    let carried = complete.carryover_events.into_iter();
    let carried = carried.filter(|carried| matches!(carried.event_type, Some(EventType::EventRaised(_))));
    events.extend(carried.map(|carried| HistoryEvent {
        event_id: -1,
        timestamp: Some(carried.timestamp.unwrap_or_else(|| context.now.to_wire())),
        event_type: carried.event_type,
    }));
    commit.outbox.push(Outgoing {
        to: Recipient::Myself,
        message: NewMessage { class: Class::Start, due: None, events },
    });
    commit.pending = Pending::DropExecution;
    commit.history = HistoryChange::Clear;
    commit.update.status = Status::Running;
    commit.update.execution = Some(NewExecution {
        execution_id: execution_id.clone(),
        version: version.clone(),
        input: complete.result,
    });
    // The worker's spans belong to the execution that has just ended.
    commit.update.trace = Some(Vec::new());
    record.trace = None;
    record.execution_id = execution_id;
    record.version = version;
    record.turn = commit.turn;
    record.status = Status::Running;
    record.updated_at = commit.update.updated_at;
    Outcome { commit, execution: Execution::empty(record, execution.custom_status) }
}
