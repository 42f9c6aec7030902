//! A worker's answer to a turn: actions become history events, work and messages (facts: gRPC protocol, sections 7 and 8).

use super::{
    Context, Execution, Outcome, Turn,
    check::check,
    child,
    complete::{End, blank_commit, continue_as_new, finish},
    entity,
};
use crate::model::{
    Chunk, Class, Commit, HistoryChange, InstanceId, NewActivity, NewMessage, Outgoing, Recipient, Status,
    Timestamp, event,
    pb::{
        self, HistoryEvent, OrchestratorAction, TaskFailureDetails, history_event::EventType,
        orchestrator_action::OrchestratorActionType as Action,
    },
};

/// Applies a worker's answer. An answer that breaks the protocol fails the instance with the reason in its failure details.
pub fn apply(
    execution: Execution,
    turn: Turn,
    response: pb::OrchestratorResponse,
    context: &mut Context<'_>,
) -> Outcome {
    match check(&response, context.payload_bytes) {
        Ok(()) => Scribe::new(execution, turn, &response, context).answer(response),
        Err(details) => fail(execution, turn, details, context),
    }
}

/// Ends the instance as Failed with `details`, taking in the turn's events first.
pub fn fail(
    execution: Execution,
    turn: Turn,
    details: TaskFailureDetails,
    context: &mut Context<'_>,
) -> Outcome {
    let complete = pb::CompleteOrchestrationAction {
        orchestration_status: Status::Failed.into(),
        failure_details: Some(details),
        ..pb::CompleteOrchestrationAction::default()
    };
    let action = OrchestratorAction {
        id: -1,
        orchestrator_action_type: Some(Action::CompleteOrchestration(complete)),
    };
    let custom_status = execution.custom_status.clone();
    let response = pb::OrchestratorResponse {
        actions: vec![action],
        custom_status,
        ..pb::OrchestratorResponse::default()
    };
    Scribe::new(execution, turn, &response, context).answer(response)
}

/// Writes down one turn.
struct Scribe<'c, 'x> {
    execution: Execution,
    context: &'c mut Context<'x>,
    commit: Commit,
    /// History events of this turn so far.
    written: Vec<HistoryEvent>,
    /// The execution ends with this turn: nobody will wait for what it schedules.
    ends: bool,
}

impl<'c, 'x> Scribe<'c, 'x> {
    fn new(
        mut execution: Execution,
        turn: Turn,
        response: &pb::OrchestratorResponse,
        context: &'c mut Context<'x>,
    ) -> Self {
        let mut commit = blank_commit(&execution, context.now);
        let (consumed, written) = turn.split(response.num_events_processed);
        commit.consumed = consumed;
        for event in &written {
            execution.note(event);
        }
        let ends = response
            .actions
            .iter()
            .any(|action| matches!(action.orchestrator_action_type, Some(Action::CompleteOrchestration(_))));
        Self { execution, context, commit, written, ends }
    }

    fn answer(mut self, response: pb::OrchestratorResponse) -> Outcome {
        let mut end: Option<End> = None;
        for OrchestratorAction { id, orchestrator_action_type } in response.actions {
            match orchestrator_action_type {
                Some(Action::ScheduleTask(task)) => self.schedule_task(id, task),
                Some(Action::CreateTimer(timer)) => self.create_timer(id, &timer),
                Some(Action::CreateSubOrchestration(child)) => self.create_child(id, child),
                Some(Action::SendEvent(sent)) => self.send_event(id, sent),
                Some(Action::TerminateOrchestration(terminate)) => self.terminate_other(terminate),
                Some(Action::CompleteOrchestration(complete)) => {
                    if end.as_ref().is_none_or(|first| first.yields_to(&complete)) {
                        end = Some(End { id, complete });
                    }
                }
                Some(Action::SendEntityMessage(sent)) => self.send_entity_message(id, sent),
                // Refused by `check` before anything was written.
                Some(Action::RewindOrchestration(_)) | None => {}
            }
        }
        let custom_status = response.custom_status.filter(|status| !status.is_empty());
        self.commit.update.trace =
            response.orchestration_trace_context.map(|trace| prost::Message::encode_to_vec(&trace));
        match end {
            None => {
                self.set_custom_status(custom_status);
                self.commit.update.status = Status::Running;
                self.close()
            }
            Some(end) if end.continues() => {
                if custom_status.is_some() {
                    self.set_custom_status(custom_status);
                }
                let Self { execution, context, commit, .. } = self;
                continue_as_new(execution, commit, end.complete, context)
            }
            Some(end) => {
                self.set_custom_status(custom_status);
                let ended = finish(&self.execution, &mut self.commit, end, self.context);
                self.execution.note(&ended);
                self.written.push(ended);
                self.close()
            }
        }
    }

    /// Ends the turn's history and hands everything over.
    fn close(self) -> Outcome {
        let Self { mut execution, context, mut commit, mut written, .. } = self;
        let closing = event::orchestrator_completed(context.now);
        execution.note(&closing);
        written.push(closing);
        let first = execution.length - i64::try_from(written.len()).unwrap_or(0);
        commit.history = HistoryChange::Append(Chunk::encode(first, written));
        execution.take_over(&commit);
        Outcome { commit, execution }
    }

    fn set_custom_status(&mut self, status: Option<String>) {
        if self.execution.custom_status != status {
            self.execution.custom_status.clone_from(&status);
            self.commit.update.custom_status = Some(status);
        }
    }

    /// Adds the record of an action to the history.
    fn record(&mut self, id: i32, kind: EventType) {
        let event = event::with_id(id, self.context.now, kind);
        self.execution.note(&event);
        self.written.push(event);
    }

    /// Workers repeat actions that are still open (facts: section 6.1); the repetition means nothing.
    fn is_open(&self, id: i32) -> bool {
        self.execution.open.contains(id)
    }

    /// The trace that what is scheduled belongs to: the one its action names, else the one that the orchestration was started in. SDKs
    /// without tracing name none, and the trace would end with them.
    fn trace(&self, named: Option<pb::TraceContext>) -> Option<pb::TraceContext> {
        named.or_else(|| self.execution.started.as_ref()?.parent_trace_context.clone())
    }

    fn schedule_task(&mut self, id: i32, mut task: pb::ScheduleTaskAction) {
        if self.is_open(id) {
            return;
        }
        task.parent_trace_context = self.trace(task.parent_trace_context);
        let record = &self.execution.record;
        let instance = pb::OrchestrationInstance {
            instance_id: record.id.as_str().to_owned(),
            execution_id: Some(record.execution_id.clone()),
        };
        self.commit.activities.push(NewActivity {
            name: task.name.as_str().into(),
            version: task.version.as_deref().map(Into::into),
            detached: self.ends,
            request: pb::ActivityRequest {
                name: task.name.clone(),
                version: task.version.clone(),
                input: task.input.clone(),
                orchestration_instance: Some(instance),
                task_id: id,
                parent_trace_context: task.parent_trace_context.clone(),
                tags: task.tags.clone(),
            },
        });
        let pb::ScheduleTaskAction { name, version, input, tags, parent_trace_context } = task;
        let scheduled = pb::TaskScheduledEvent { name, version, input, parent_trace_context, tags };
        self.record(id, EventType::TaskScheduled(scheduled));
    }

    fn create_timer(&mut self, id: i32, timer: &pb::CreateTimerAction) {
        let Some(fire_at) = timer.fire_at.filter(|_| !self.is_open(id)) else { return };
        self.record(id, EventType::TimerCreated(pb::TimerCreatedEvent { fire_at: Some(fire_at) }));
        if !self.ends {
            let due = Timestamp::at_or_after(&fire_at);
            let events = vec![event::timer_fired(due, id, fire_at)];
            self.mail_myself(NewMessage { class: Class::Result, due: Some(due), events });
        }
    }

    fn create_child(&mut self, id: i32, action: pb::CreateSubOrchestrationAction) {
        if self.is_open(id) {
            return;
        }
        let pb::CreateSubOrchestrationAction {
            instance_id,
            name,
            version,
            input,
            parent_trace_context,
            tags,
        } = action;
        let instance_id = match instance_id.as_str() {
            "" => format!("{}:{id:04x}", self.execution.record.id),
            _ => instance_id,
        };
        let created = pb::SubOrchestrationInstanceCreatedEvent {
            instance_id,
            name,
            version,
            input,
            parent_trace_context: self.trace(parent_trace_context),
            tags,
        };
        match child::order(&self.execution.record, id, &created, self.context) {
            Ok(mut order) => {
                order.otherwise = order.otherwise.filter(|_| !self.ends);
                self.commit.children.push(order);
            }
            Err(message) if !self.ends => self.mail_myself(message),
            Err(_) => {}
        }
        self.record(id, EventType::SubOrchestrationInstanceCreated(created));
    }

    fn send_event(&mut self, id: i32, action: pb::SendEventAction) {
        let now = self.context.now;
        let Some(to) = action.instance.filter(|_| !self.execution.sent.contains(&id)) else { return };
        let sent = pb::EventSentEvent { instance_id: to.instance_id, name: action.name, input: action.data };
        let to = InstanceId::lookup(sent.instance_id.as_str());
        let outgoing = match to.is_entity() {
            true => entity::outbound_older(&self.execution.record, &sent, now),
            false => {
                let raised = event::event_raised(now, sent.name.clone(), sent.input.clone());
                let message = NewMessage::now(Class::Event, raised);
                Some(Outgoing { to: Recipient::Instance(to), message })
            }
        };
        self.commit.outbox.extend(outgoing);
        self.record(id, EventType::EventSent(sent));
    }

    fn send_entity_message(&mut self, id: i32, action: pb::SendEntityMessageAction) {
        if self.is_open(id) || self.execution.sent.contains(&id) {
            return;
        }
        let sent = entity::outbound(&self.execution.record, action, self.context.now);
        if let Some(entity::Outbound { record, outgoing }) = sent {
            self.commit.outbox.push(outgoing);
            self.record(id, record);
        }
    }

    fn terminate_other(&mut self, action: pb::TerminateOrchestrationAction) {
        let terminated = event::execution_terminated(self.context.now, action.reason, action.recurse);
        self.commit.outbox.push(Outgoing {
            to: Recipient::Instance(InstanceId::lookup(action.instance_id)),
            message: NewMessage::now(Class::Control, terminated),
        });
    }

    fn mail_myself(&mut self, message: NewMessage) {
        self.commit.outbox.push(Outgoing { to: Recipient::Myself, message });
    }
}
