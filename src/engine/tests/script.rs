//! The words of a script.
//!
//! Words are separated by spaces, items by `, `. `x*2000` in a payload stands for 2000 times `x`; `key=value` words are options.

use crate::model::{
    Class, HubId, InstanceId, NewInstance, NewMessage, Status, Timestamp, event, failure,
    pb::{self, history_event::EventType, orchestrator_action::OrchestratorActionType as Action},
};

/// When every script begins.
pub const START: Timestamp = Timestamp(1_700_000_000_000_000);

/// The words of one message or action.
pub struct Words<'a> {
    plain: Vec<&'a str>,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    pub fn of(text: &'a str) -> Self {
        let (mut plain, mut options) = (Vec::new(), Vec::new());
        for word in text.split_whitespace() {
            match word.split_once('=') {
                Some(option) => options.push(option),
                None => plain.push(word),
            }
        }
        Self { plain, options }
    }

    pub fn verb(&self) -> &'a str {
        self.plain.first().copied().unwrap_or_default()
    }

    pub fn word(&self, index: usize) -> &'a str {
        self.plain.get(index).copied().unwrap_or_else(|| panic!("{:?} lacks word {index}", self.plain))
    }

    fn id(&self) -> i32 {
        self.word(1).parse().unwrap_or_else(|_| panic!("{:?} lacks an id", self.plain))
    }

    pub fn option(&self, key: &str) -> Option<&'a str> {
        self.options.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    /// The words from `index` on as a payload.
    pub fn payload(&self, index: usize) -> Option<String> {
        let words = self.plain.get(index..).filter(|words| !words.is_empty())?;
        Some(expand(&words.join(" ")))
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.option(key).map(expand)
    }

    /// The trace that something belongs to.
    fn traced(&self) -> Option<pb::TraceContext> {
        let trace_parent = self.text("traced")?;
        Some(pb::TraceContext { trace_parent, ..pb::TraceContext::default() })
    }

    fn tags(&self) -> crate::model::Tags {
        let pairs = self.option("tags").into_iter().flat_map(|tags| tags.split(','));
        pairs
            .map(|pair| pair.split_once(':').unwrap_or((pair, "")))
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    }
}

pub fn expand(text: &str) -> String {
    match text.split_once('*').map(|(letter, count)| (letter, count.parse())) {
        Some((letter, Ok(count))) => letter.repeat(count),
        _ => text.to_owned(),
    }
}

/// `+5s`, `-2s`, `+1500us`: so much after the start of the script.
pub fn time(text: &str) -> Timestamp {
    let (number, unit) = match text.strip_suffix("us") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').unwrap_or_else(|| panic!("{text:?} is no time")), 1_000_000),
    };
    Timestamp(START.0 + number.parse::<i64>().unwrap_or_else(|_| panic!("{text:?} is no time")) * unit)
}

/// `Type:message`, and the cause after `<`.
pub fn details(text: &str) -> pb::TaskFailureDetails {
    let (own, cause) = text.split_once('<').map_or((text, None), |(own, cause)| (own, Some(cause)));
    let (kind, message) = own.split_once(':').unwrap_or((own, ""));
    let mut details = failure(kind, message, false);
    details.inner_failure = cause.map(|cause| Box::new(self::details(cause)));
    details
}

/// The instance that `start` makes: `id= name= version= in= at= tags= traced= parent=ID:EXECUTION:TASK`.
pub fn new_instance(words: &Words<'_>) -> NewInstance {
    let parent = words.option("parent").map(|parent| {
        let mut parts = parent.split(':');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (instance_id, execution_id) = (part(), Some(part()));
        pb::ParentInstanceInfo {
            task_scheduled_id: part().parse().unwrap(),
            name: Some("Parent".into()),
            version: None,
            orchestration_instance: Some(pb::OrchestrationInstance { instance_id, execution_id }),
        }
    });
    let id = words.option("id").unwrap_or("order");
    let instance =
        pb::OrchestrationInstance { instance_id: id.to_owned(), execution_id: Some("e1".to_owned()) };
    let start_at = words.option("at").map(time);
    let started = pb::ExecutionStartedEvent {
        name: words.option("name").unwrap_or("Checkout").to_owned(),
        version: words.text("version"),
        input: words.text("in"),
        orchestration_instance: Some(instance),
        parent_instance: parent,
        scheduled_start_timestamp: start_at.map(Timestamp::to_wire),
        tags: words.tags(),
        parent_trace_context: words.traced(),
        ..pb::ExecutionStartedEvent::default()
    };
    NewInstance { hub: HubId(1), id: InstanceId::lookup(id), created_at: START, start_at, started }
}

/// A message that arrives. `start` is not among them.
pub fn message(words: &Words<'_>, now: Timestamp) -> NewMessage {
    let event = match words.verb() {
        "event" => event::event_raised(now, words.word(1).to_owned(), words.payload(2)),
        "done" => event::task_completed(now, words.id(), words.payload(2)),
        "failed" => event::task_failed(now, words.id(), details(&words.payload(2).unwrap_or_default())),
        "child-done" => event::child_completed(now, words.id(), words.payload(2)),
        "child-failed" => {
            event::child_failed(now, words.id(), details(&words.payload(2).unwrap_or_default()))
        }
        "fired" => event::timer_fired(now, words.id(), now.to_wire()),
        "answered" => event::server_event(
            now,
            EventType::EntityOperationCompleted(pb::EntityOperationCompletedEvent {
                request_id: words.word(1).to_owned(),
                output: words.payload(2),
            }),
        ),
        "refused" => event::server_event(
            now,
            EventType::EntityOperationFailed(pb::EntityOperationFailedEvent {
                request_id: words.word(1).to_owned(),
                failure_details: Some(details(&words.payload(2).unwrap_or_default())),
            }),
        ),
        "granted" => event::server_event(
            now,
            EventType::EntityLockGranted(pb::EntityLockGrantedEvent {
                critical_section_id: words.word(1).to_owned(),
            }),
        ),
        "suspend" => event::execution_suspended(now, words.payload(1)),
        "resume" => event::execution_resumed(now, words.payload(1)),
        "terminate" => event::execution_terminated(now, words.payload(1), false),
        "terminate-all" => event::execution_terminated(now, words.payload(1), true),
        "discard" => {
            let details = details(&words.payload(1).unwrap_or_default());
            event::execution_completed(-1, now, pb::OrchestrationStatus::Failed, None, Some(details))
        }
        other => panic!("no such message: {other:?}"),
    };
    let class = match words.verb() {
        "event" => Class::Event,
        "suspend" | "resume" | "terminate" | "terminate-all" | "discard" => Class::Control,
        _ => Class::Result,
    };
    NewMessage::now(class, event)
}

/// A worker's whole answer. `status`, `took` and `trace` set fields beside the actions.
pub fn answer(text: &str) -> pb::OrchestratorResponse {
    let mut response = pb::OrchestratorResponse::default();
    for item in text.split(", ").filter(|item| *item != "nothing") {
        let words = Words::of(item);
        match words.verb() {
            "status" => response.custom_status = Some(words.payload(1).unwrap_or_default()),
            "took" => response.num_events_processed = Some(words.id()),
            "trace" => {
                response.orchestration_trace_context =
                    Some(pb::OrchestrationTraceContext { span_id: words.payload(1), span_start_time: None });
            }
            _ => response.actions.push(action(&words)),
        }
    }
    response
}

fn action(words: &Words<'_>) -> pb::OrchestratorAction {
    let name = || words.plain.get(2).copied().unwrap_or_default().to_owned();
    let to = |at: usize| {
        let instance_id = words.word(at).to_owned();
        Some(pb::OrchestrationInstance { instance_id, execution_id: None })
    };
    let kind = match words.verb() {
        "task" => Some(Action::ScheduleTask(pb::ScheduleTaskAction {
            name: name(),
            version: words.text("version"),
            input: words.payload(3),
            tags: words.tags(),
            parent_trace_context: words.traced(),
        })),
        "timer" => Some(Action::CreateTimer(pb::CreateTimerAction {
            fire_at: words.plain.get(2).map(|at| time(at).to_wire()),
        })),
        "child" => Some(Action::CreateSubOrchestration(pb::CreateSubOrchestrationAction {
            instance_id: words.text("id").unwrap_or_default(),
            name: name(),
            version: words.text("version"),
            input: words.payload(3),
            tags: words.tags(),
            parent_trace_context: words.traced(),
        })),
        "send" => Some(Action::SendEvent(pb::SendEventAction {
            instance: to(2),
            name: words.plain.get(3).copied().unwrap_or_default().to_owned(),
            data: words.payload(4),
        })),
        "kill" => Some(Action::TerminateOrchestration(pb::TerminateOrchestrationAction {
            instance_id: words.word(2).to_owned(),
            reason: words.payload(3),
            recurse: true,
        })),
        "entity" => Some(Action::SendEntityMessage(pb::SendEntityMessageAction::default())),
        "signal" | "call" | "lock" | "unlock" => Some(Action::SendEntityMessage(entity_message(words))),
        "rewind" => Some(Action::RewindOrchestration(pb::RewindOrchestrationAction::default())),
        "unknown" => None,
        _ => Some(Action::CompleteOrchestration(completion(words))),
    };
    let id = match words.verb() {
        "task" | "timer" | "child" | "send" | "kill" | "entity" | "signal" | "call" | "lock" | "unlock"
        | "rewind" | "unknown" => words.id(),
        _ => words.option("id").map_or(99, |id| id.parse().unwrap()),
    };
    pb::OrchestratorAction { id, orchestrator_action_type: kind }
}

/// `signal ID ENTITY OPERATION INPUT at=`, `call ID ENTITY OPERATION INPUT` (request `rID`), `lock ID ENTITY,ENTITY` (section `sID`),
/// `unlock ID ENTITY section=`.
fn entity_message(words: &Words<'_>) -> pb::SendEntityMessageAction {
    use pb::send_entity_message_action::EntityMessageType as Sent;
    let (id, entity) = (words.id(), words.word(2).to_owned());
    let operation = words.plain.get(3).copied().map(expand).unwrap_or_default();
    let (input, target_instance_id) = (words.payload(4), Some(entity.clone()));
    let sent = match words.verb() {
        "signal" => Sent::EntityOperationSignaled(pb::EntityOperationSignaledEvent {
            request_id: format!("r{id}"),
            operation,
            scheduled_time: words.option("at").map(|at| time(at).to_wire()),
            input,
            target_instance_id,
        }),
        "call" => Sent::EntityOperationCalled(pb::EntityOperationCalledEvent {
            request_id: format!("r{id}"),
            operation,
            input,
            target_instance_id,
            ..pb::EntityOperationCalledEvent::default()
        }),
        "lock" => Sent::EntityLockRequested(pb::EntityLockRequestedEvent {
            critical_section_id: format!("s{id}"),
            lock_set: entity.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            ..pb::EntityLockRequestedEvent::default()
        }),
        _ => Sent::EntityUnlockSent(pb::EntityUnlockSentEvent {
            critical_section_id: words.text("section").unwrap_or_default(),
            parent_instance_id: None,
            target_instance_id,
        }),
    };
    pb::SendEntityMessageAction { entity_message_type: Some(sent) }
}

/// `complete OUTPUT`, `fail TYPE:MESSAGE`, `fail-bare OUTPUT`, `cancel OUTPUT`, `end-terminated OUTPUT`, `finish STATUS-NUMBER`, and
/// `again INPUT version= carry=NAME:DATA,...`.
fn completion(words: &Words<'_>) -> pb::CompleteOrchestrationAction {
    let status = match words.verb() {
        "complete" => Status::Completed.into(),
        "fail" | "fail-bare" => Status::Failed.into(),
        "cancel" => Status::Canceled.into(),
        "end-terminated" => Status::Terminated.into(),
        "again" => Status::ContinuedAsNew.into(),
        "finish" => words.id(),
        other => panic!("no such action: {other:?}"),
    };
    let carried = words.option("carry").into_iter().flat_map(|carried| carried.split(','));
    let carryover_events = carried.map(|one| {
        let (name, data) = one.split_once(':').map_or((one, None), |(name, data)| (name, Some(data)));
        match name {
            "started" => {
                event::server_event(START, EventType::ExecutionStarted(pb::ExecutionStartedEvent::default()))
            }
            "done" => event::task_completed(START, 1, None),
            _ => {
                let mut event = event::event_raised(START, name.to_owned(), data.map(expand));
                event.event_id = 7;
                event
            }
        }
    });
    pb::CompleteOrchestrationAction {
        orchestration_status: status,
        result: words.payload(1).filter(|_| !matches!(words.verb(), "fail" | "finish")),
        failure_details: words.payload(1).filter(|_| words.verb() == "fail").map(|text| details(&text)),
        new_version: words.text("version"),
        carryover_events: carryover_events.collect(),
        ..pb::CompleteOrchestrationAction::default()
    }
}
