//! What the engine remembers of the current execution, so that a turn need not read the past again.

use crate::model::{
    Chunk, Commit, CorruptHistory, InstanceRecord, Message, OpenTasks, Timestamp,
    pb::{self, HistoryEvent, history_event::EventType},
};
use std::collections::HashSet;

/// One execution as of its last commit: the row, and the sum of its history.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The instance row.
    pub record: InstanceRecord,
    /// The custom status now set.
    pub custom_status: Option<String>,
    /// The opening event without its input; `None` until the first turn is committed.
    pub(super) started: Option<pb::ExecutionStartedEvent>,
    pub(super) open: OpenTasks,
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
            open: OpenTasks::default(),
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
        self.open.has_requests()
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
            Some(
                EventType::EventSent(_)
                | EventType::EntityOperationSignaled(_)
                | EventType::EntityUnlockSent(_),
            ) => {
                self.sent.insert(id);
            }
            _ => self.open.note(event),
        }
    }
}

/// When the execution that `start` opens was made.
fn start_time(start: &Message) -> Option<Timestamp> {
    start.events.first()?.timestamp.as_ref().map(Timestamp::at_or_after)
}
