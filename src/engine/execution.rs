//! What the engine remembers of the current execution, so that a turn need not read the past again.

use crate::model::{
    Chunk, Commit, CorruptHistory, InstanceId, InstanceRecord, Message, Timestamp,
    pb::{self, HistoryEvent, history_event::EventType},
};
use std::collections::{HashMap, HashSet};

/// Something scheduled and not answered yet, by action id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Open {
    Activity,
    Timer,
    Child(InstanceId),
    /// An entity's answer to a call, or the beginning of a critical section, under this request id.
    Request(String),
}

/// One execution as of its last commit: the row, and the sum of its history.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The instance row.
    pub record: InstanceRecord,
    /// The custom status now set.
    pub custom_status: Option<String>,
    /// The opening event without its input; `None` until the first turn is committed.
    pub(super) started: Option<pb::ExecutionStartedEvent>,
    pub(super) open: HashMap<i32, Open>,
    /// The action ids of those among them that are answered under a request id.
    requests: HashMap<String, i32>,
    /// Ids of one-way actions (events sent, entities signalled or unlocked) already recorded.
    pub(super) sent: HashSet<i32>,
    /// How many events the history holds.
    pub(super) length: i64,
    /// Time of the latest turn; the next one must be later.
    pub(super) last_turn: Timestamp,
}

impl Execution {
    /// Sums up a stored history.
    pub fn read(
        record: InstanceRecord,
        custom_status: Option<String>,
        history: &[Chunk],
    ) -> Result<Self, CorruptHistory> {
        let mut execution = Self::empty(record, custom_status);
        for chunk in history {
            for event in chunk.events_after(execution.length)? {
                execution.note(&event);
            }
        }
        Ok(execution)
    }

    /// An execution that has no history yet.
    pub fn empty(record: InstanceRecord, custom_status: Option<String>) -> Self {
        Self {
            record,
            custom_status,
            started: None,
            open: HashMap::new(),
            requests: HashMap::new(),
            sent: HashSet::new(),
            length: 0,
            last_turn: Timestamp(0),
        }
    }

    /// Takes over what `commit` changes in the row, within one execution.
    pub(super) fn take_over(&mut self, commit: &Commit) {
        let update = &commit.update;
        self.record.turn = commit.turn;
        self.record.status = update.status;
        self.record.updated_at = update.updated_at;
        self.record.completed_at = update.completed_at;
        if let Some(trace) = &update.trace {
            self.record.trace = Some(trace.clone());
        }
    }

    /// The orchestrator's time of a turn at `now`: later than that of the turn before. SDKs derive child ids from it, so that holds
    /// across continue-as-new as well, where `start` remembers how far the execution before had come.
    pub(super) fn turn_time(&self, now: Timestamp, start: Option<&Message>) -> Timestamp {
        let opened = start.filter(|_| !self.has_begun()).and_then(start_time);
        now.max(self.last_turn.next()).max(opened.unwrap_or(now))
    }

    /// Whether `start` opens a later execution of the instance rather than its first.
    pub(super) fn goes_on_with(&self, start: &Message) -> bool {
        start_time(start).is_some_and(|opened| opened > self.record.created_at)
    }

    /// Whether the first turn has been committed.
    pub fn has_begun(&self) -> bool {
        self.started.is_some()
    }

    /// How many events the history of this execution holds.
    pub fn history_length(&self) -> i64 {
        self.length
    }

    /// Whether an entity has not answered yet.
    #[cfg(test)]
    pub(crate) fn awaits_entities(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Takes one event of the history into account.
    pub(super) fn note(&mut self, event: &HistoryEvent) {
        self.length += 1;
        let id = event.event_id;
        match &event.event_type {
            Some(EventType::OrchestratorStarted(_)) => {
                self.last_turn = event
                    .timestamp
                    .as_ref()
                    .map_or(self.last_turn, Timestamp::at_or_after)
                    .max(self.last_turn);
            }
            Some(EventType::ExecutionStarted(started)) if self.started.is_none() => {
                self.started = Some(pb::ExecutionStartedEvent { input: None, ..started.clone() });
            }
            Some(EventType::TaskScheduled(_)) => {
                self.open.insert(id, Open::Activity);
            }
            Some(EventType::TimerCreated(_)) => {
                self.open.insert(id, Open::Timer);
            }
            Some(EventType::SubOrchestrationInstanceCreated(child)) => {
                self.open.insert(id, Open::Child(InstanceId::lookup(child.instance_id.as_str())));
            }
            Some(
                EventType::EventSent(_)
                | EventType::EntityOperationSignaled(_)
                | EventType::EntityUnlockSent(_),
            ) => {
                self.sent.insert(id);
            }
            Some(EventType::EntityOperationCalled(call)) => self.asked(id, &call.request_id),
            Some(EventType::EntityLockRequested(request)) => self.asked(id, &request.critical_section_id),
            Some(other) => {
                if let Some(answered) = self.answered_action(other)
                    && let Some(Open::Request(request)) = self.open.remove(&answered)
                {
                    self.requests.remove(&request);
                }
            }
            None => {}
        }
    }

    fn asked(&mut self, id: i32, request: &str) {
        self.open.insert(id, Open::Request(request.to_owned()));
        self.requests.insert(request.to_owned(), id);
    }

    /// The action id that `event` answers, if it is an answer to anything that could be open.
    pub(super) fn answered_action(&self, event: &EventType) -> Option<i32> {
        match answered_request(event) {
            Some(request) => self.requests.get(request).copied(),
            None => answer(event).map(|(id, _)| id),
        }
    }

    /// Whether `event` answers something that is open. `None`: it is not an answer at all.
    pub(super) fn wants(&self, event: &EventType) -> Option<bool> {
        if let Some(request) = answered_request(event) {
            return Some(self.requests.contains_key(request));
        }
        let (id, kind) = answer(event)?;
        Some(match (self.open.get(&id), kind) {
            (Some(Open::Activity), Answer::Activity)
            | (Some(Open::Timer), Answer::Timer)
            | (Some(Open::Child(_)), Answer::Child) => true,
            (Some(Open::Activity | Open::Timer | Open::Child(_) | Open::Request(_)) | None, _) => false,
        })
    }
}

/// When the execution that `start` opens was made.
fn start_time(start: &Message) -> Option<Timestamp> {
    start.events.first()?.timestamp.as_ref().map(Timestamp::at_or_after)
}

/// What kind of thing an event answers.
enum Answer {
    Activity,
    Timer,
    Child,
}

/// The request id that an entity's event answers.
fn answered_request(event: &EventType) -> Option<&str> {
    match event {
        EventType::EntityOperationCompleted(done) => Some(&done.request_id),
        EventType::EntityOperationFailed(done) => Some(&done.request_id),
        EventType::EntityLockGranted(granted) => Some(&granted.critical_section_id),
        _ => None,
    }
}

/// The action id an event answers, if it is an answer that names one.
#[cfg(test)]
pub(super) fn answered_action(event: &EventType) -> Option<i32> {
    answer(event).map(|(id, _)| id)
}

/// The action id an event answers, and what that action must have been.
fn answer(event: &EventType) -> Option<(i32, Answer)> {
    match event {
        EventType::TaskCompleted(done) => Some((done.task_scheduled_id, Answer::Activity)),
        EventType::TaskFailed(done) => Some((done.task_scheduled_id, Answer::Activity)),
        EventType::TimerFired(done) => Some((done.timer_id, Answer::Timer)),
        EventType::SubOrchestrationInstanceCompleted(done) => Some((done.task_scheduled_id, Answer::Child)),
        EventType::SubOrchestrationInstanceFailed(done) => Some((done.task_scheduled_id, Answer::Child)),
        _ => None,
    }
}
