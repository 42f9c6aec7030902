//! Suspend, resume, terminate and the discarding of what is parked: the server's own turns. They need no worker and win over a turn that a
//! worker still holds.

use super::{
    Context, Execution, Outcome,
    complete::{End, blank_commit, finish},
};
use crate::model::{
    Chunk, Class, Commit, HistoryChange, InstanceRecord, Message, NewMessage, OpenTask, Outgoing, Recipient,
    Status, event,
    pb::{self, HistoryEvent, TaskFailureDetails, history_event::EventType},
};

/// Applies control messages in order. `start` is the start message of an instance that has not begun.
///
/// Suspending an instance that has begun is one event in its history. One that has not begun has no history yet, so the event waits
/// in the inbox behind the start and reaches the worker with the first turn, where SDKs expect it.
pub fn control(
    execution: Execution,
    messages: Vec<Message>,
    start: Option<&Message>,
    context: &mut Context<'_>,
) -> Outcome {
    let commit = blank_commit(&execution, context.now);
    let desk = Desk { execution, commit, written: Vec::new(), unread: false };
    desk.obey(messages, start, context)
}

/// The same for an orchestration of which only the row can be read. Its status changes and it can end; its history stays as it is,
/// because nobody knows where that goes on, and its sub-orchestrations are not known.
pub fn control_unread(record: InstanceRecord, messages: Vec<Message>, context: &mut Context<'_>) -> Outcome {
    let execution = Execution::empty(record, None);
    let commit = blank_commit(&execution, context.now);
    Desk { execution, commit, written: Vec::new(), unread: true }.obey(messages, None, context)
}

struct Desk {
    execution: Execution,
    commit: Commit,
    written: Vec<HistoryEvent>,
    /// The history is not known, so nothing is added to it.
    unread: bool,
}

impl Desk {
    fn obey(mut self, messages: Vec<Message>, start: Option<&Message>, context: &mut Context<'_>) -> Outcome {
        for message in messages {
            self.commit.consumed.push(message.id);
            for event in message.events {
                match &event.event_type {
                    Some(EventType::ExecutionSuspended(_)) => self.pause(event, true, start),
                    Some(EventType::ExecutionResumed(_)) => self.pause(event, false, start),
                    Some(EventType::ExecutionTerminated(terminated)) => {
                        let terminated = terminated.clone();
                        self.terminate(event, terminated, start, context);
                    }
                    Some(EventType::ExecutionCompleted(order)) => {
                        self.discard(order.failure_details.clone(), start, context);
                    }
                    _ => {}
                }
            }
        }
        self.close()
    }

    fn ended(&self) -> bool {
        self.commit.update.completed_at.is_some()
    }

    fn write(&mut self, event: HistoryEvent) {
        if self.unread {
            return;
        }
        self.execution.note(&event);
        self.written.push(event);
    }

    fn pause(&mut self, event: HistoryEvent, suspend: bool, start: Option<&Message>) {
        let suspended = self.commit.update.status == Status::Suspended;
        if self.ended() || suspended == suspend {
            return;
        }
        let begun = self.execution.has_begun();
        // Between two executions the instance has been running for long, even if the later one has no history yet.
        let running = begun || self.unread || start.is_some_and(|start| self.execution.goes_on_with(start));
        self.commit.update.status = match (suspend, running) {
            (true, _) => Status::Suspended,
            (false, true) => Status::Running,
            (false, false) => Status::Pending,
        };
        if begun || self.unread {
            self.write(event);
        } else {
            let message = NewMessage::now(Class::Event, event);
            self.commit.outbox.push(Outgoing { to: Recipient::Myself, message });
        }
    }

    fn terminate(
        &mut self,
        event: HistoryEvent,
        terminated: pb::ExecutionTerminatedEvent,
        start: Option<&Message>,
        context: &mut Context<'_>,
    ) {
        if self.ended() {
            return;
        }
        self.begin(start, context);
        self.write(event);
        if terminated.recurse {
            self.terminate_children(&terminated, context);
        }
        let complete = pb::CompleteOrchestrationAction {
            orchestration_status: Status::Terminated.into(),
            result: terminated.input,
            ..pb::CompleteOrchestrationAction::default()
        };
        self.end(complete, context);
    }

    /// An operator has given up on a parked instance: it fails with the details that the order carries.
    fn discard(
        &mut self,
        details: Option<TaskFailureDetails>,
        start: Option<&Message>,
        context: &mut Context<'_>,
    ) {
        if self.ended() {
            return;
        }
        self.begin(start, context);
        let complete = pb::CompleteOrchestrationAction {
            orchestration_status: Status::Failed.into(),
            failure_details: details,
            ..pb::CompleteOrchestrationAction::default()
        };
        self.end(complete, context);
    }

    /// Opens the turn that ends the instance, and its history if it has none.
    fn begin(&mut self, start: Option<&Message>, context: &Context<'_>) {
        let at = self.execution.turn_time(context.now, start);
        self.write(event::orchestrator_started(at));
        if let Some(start) = start.filter(|_| !self.execution.has_begun()) {
            for event in &start.events {
                self.write(event.clone());
            }
        }
    }

    fn end(&mut self, complete: pb::CompleteOrchestrationAction, context: &Context<'_>) {
        self.commit.outbox.retain(|outgoing| outgoing.to != Recipient::Myself);
        let completed = finish(&self.execution, &mut self.commit, End { id: -1, complete }, context);
        self.write(completed);
        self.write(event::orchestrator_completed(context.now));
    }

    /// Every child that has not answered gets the same order. Only a child of this very execution takes it.
    fn terminate_children(&mut self, terminated: &pb::ExecutionTerminatedEvent, context: &Context<'_>) {
        let record = &self.execution.record;
        for (_, open) in self.execution.open.in_order() {
            let OpenTask::Child { id, .. } = open else { continue };
            let event = event::execution_terminated(context.now, terminated.input.clone(), true);
            self.commit.outbox.push(Outgoing {
                to: Recipient::ChildOf {
                    id: id.clone(),
                    parent: record.id.clone(),
                    parent_execution: record.execution_id.clone(),
                },
                message: NewMessage::now(Class::Control, event),
            });
        }
    }

    fn close(self) -> Outcome {
        let Self { mut execution, mut commit, written, .. } = self;
        if !written.is_empty() {
            let first = execution.length - i64::try_from(written.len()).unwrap_or(0);
            commit.history = HistoryChange::Append(Chunk::encode(first, written));
        }
        execution.take_over(&commit);
        Outcome { commit, execution }
    }
}
