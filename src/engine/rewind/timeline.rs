//! A history as rewind looks at it: what was asked for, when it was answered, and what each turn delivered.

use crate::model::{
    FIRE_AND_FORGET,
    pb::{HistoryEvent, history_event::EventType},
};
use std::collections::{HashMap, HashSet};

/// What kind of thing the orchestrator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Activity,
    Child,
    Timer,
    /// An entity called, or the entities of a critical section locked.
    Request,
    /// Nobody waits for an answer: an event to another instance, a signal, or a child that never reports.
    OneWay,
}

/// Name, version (of a request: the entity) and input, as far as the kind has them.
pub(super) type Call<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The record of an action.
#[derive(Debug)]
pub(super) struct Act<'a> {
    pub kind: Kind,
    pub id: i32,
    pub call: Call<'a>,
    pub turn: usize,
    /// Its place among all events of the history.
    pub index: usize,
    /// The event that answers it.
    pub answer: Option<Answer>,
}

/// Where an answer stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub turn: usize,
    pub index: usize,
    pub failed: bool,
}

/// One turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// The actions recorded in it, by place in [`Timeline::acts`].
    pub acts: Vec<usize>,
    /// The actions whose failure it delivered.
    pub failures: Vec<usize>,
    /// The actions whose success it delivered; `None` for an external event.
    pub others: Vec<Option<usize>>,
}

/// The whole history.
#[derive(Debug, Default)]
pub(super) struct Timeline<'a> {
    pub acts: Vec<Act<'a>>,
    pub turns: Vec<Turn>,
    /// The turn in which the execution ended.
    pub last: Option<usize>,
    /// The critical sections that have begun, with how many of their entities have not been unlocked.
    sections: HashMap<&'a str, usize>,
    /// It has asked for a critical section that has not begun.
    asks_for_section: bool,
}

/// What is asked for and not answered yet, by what an answer names.
#[derive(Debug, Default)]
struct Open<'a> {
    by_id: HashMap<i32, usize>,
    by_request: HashMap<&'a str, usize>,
    /// How many entities the sections that were asked for lock.
    locks: HashMap<&'a str, usize>,
}

impl<'a> Timeline<'a> {
    /// Sorts the events of a history, given in chunks. Each `OrchestratorStarted` begins a turn.
    pub fn of(chunks: &'a [Vec<HistoryEvent>]) -> Self {
        let mut timeline = Self::default();
        let mut open = Open::default();
        for (index, event) in chunks.iter().flatten().enumerate() {
            if timeline.turns.is_empty()
                || matches!(event.event_type, Some(EventType::OrchestratorStarted(_)))
            {
                timeline.turns.push(Turn::default());
            }
            timeline.add(timeline.turns.len() - 1, index, event, &mut open);
        }
        timeline.asks_for_section = !open.locks.is_empty();
        timeline
    }

    fn add(&mut self, turn: usize, index: usize, event: &'a HistoryEvent, open: &mut Open<'a>) {
        let Some(kind) = &event.event_type else { return };
        self.follow_sections(kind, open);
        if let Some((kind, call)) = asked(kind) {
            let act = self.acts.len();
            self.acts.push(Act { kind, id: event.event_id, call, turn, index, answer: None });
            self.turns[turn].acts.push(act);
            match request_of(event) {
                Some(request) => drop(open.by_request.insert(request, act)),
                None if kind == Kind::OneWay => {}
                // The same id may be used again: the Python SDK does so when it retries.
                None => drop(open.by_id.insert(event.event_id, act)),
            }
            return;
        }
        match kind {
            EventType::ExecutionCompleted(_) => self.last = Some(turn),
            EventType::EventRaised(_) => self.turns[turn].others.push(None),
            other => {
                let (act, failed) = match (answered(other), answered_request(other)) {
                    (Some((id, failed)), _) => (open.by_id.remove(&id), failed),
                    (None, Some((request, failed))) => (open.by_request.remove(request), failed),
                    (None, None) => return,
                };
                let Some(act) = act else { return };
                self.acts[act].answer = Some(Answer { turn, index, failed });
                match failed {
                    true => self.turns[turn].failures.push(act),
                    false => self.turns[turn].others.push(Some(act)),
                }
            }
        }
    }

    /// Whether the execution ended while it had entities locked, or was about to. What they protect may have changed since, and a request
    /// that still stands in an inbox cannot be told from the one that replay would send: it would be granted without what was locked before
    /// it.
    pub fn ends_in_section(&self) -> bool {
        self.asks_for_section || self.sections.values().any(|locked| *locked > 0)
    }

    fn follow_sections(&mut self, event: &'a EventType, open: &mut Open<'a>) {
        match event {
            EventType::EntityLockRequested(request) => {
                let set: HashSet<_> = request.lock_set.iter().collect();
                open.locks.insert(&request.critical_section_id, set.len());
            }
            EventType::EntityLockGranted(granted) => {
                if let Some((section, locked)) = open.locks.remove_entry(granted.critical_section_id.as_str())
                {
                    self.sections.insert(section, locked);
                }
            }
            EventType::EntityUnlockSent(unlock) => {
                if let Some(locked) = self.sections.get_mut(unlock.critical_section_id.as_str()) {
                    *locked = locked.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    /// Asked for by the very turn that ended the execution. An activity was not waited for and a timer was never armed: replay
    /// simply asks again.
    pub fn came_to_nothing(&self, act: &Act<'_>) -> bool {
        match act.kind {
            Kind::Activity | Kind::Timer | Kind::Request => {
                act.answer.is_none() && Some(act.turn) == self.last
            }
            Kind::Child | Kind::OneWay => false,
        }
    }
}

fn asked(event: &EventType) -> Option<(Kind, Call<'_>)> {
    Some(match event {
        EventType::TaskScheduled(it) => {
            (Kind::Activity, (&it.name, it.version.as_deref(), it.input.as_deref()))
        }
        EventType::SubOrchestrationInstanceCreated(it) => {
            let kind = if it.tags.contains_key(FIRE_AND_FORGET) { Kind::OneWay } else { Kind::Child };
            (kind, (&it.name, it.version.as_deref(), it.input.as_deref()))
        }
        EventType::TimerCreated(_) => (Kind::Timer, ("", None, None)),
        EventType::EventSent(it) => (Kind::OneWay, (&it.name, None, None)),
        EventType::EntityOperationCalled(it) => {
            (Kind::Request, (&it.operation, it.target_instance_id.as_deref(), it.input.as_deref()))
        }
        EventType::EntityLockRequested(_) => (Kind::Request, ("", None, None)),
        EventType::EntityOperationSignaled(it) => (Kind::OneWay, (&it.operation, None, None)),
        EventType::EntityUnlockSent(_) => (Kind::OneWay, ("", None, None)),
        _ => return None,
    })
}

/// What the answer will name, if that is not the action's id.
fn request_of(event: &HistoryEvent) -> Option<&str> {
    match event.event_type.as_ref()? {
        EventType::EntityOperationCalled(it) => Some(&it.request_id),
        EventType::EntityLockRequested(it) => Some(&it.critical_section_id),
        _ => None,
    }
}

/// The request that is answered, and whether with a failure.
fn answered_request(event: &EventType) -> Option<(&str, bool)> {
    Some(match event {
        EventType::EntityOperationCompleted(it) => (&it.request_id, false),
        EventType::EntityOperationFailed(it) => (&it.request_id, true),
        EventType::EntityLockGranted(it) => (&it.critical_section_id, false),
        _ => return None,
    })
}

/// The action id that is answered, and whether with a failure.
fn answered(event: &EventType) -> Option<(i32, bool)> {
    Some(match event {
        EventType::TaskCompleted(it) => (it.task_scheduled_id, false),
        EventType::TaskFailed(it) => (it.task_scheduled_id, true),
        EventType::SubOrchestrationInstanceCompleted(it) => (it.task_scheduled_id, false),
        EventType::SubOrchestrationInstanceFailed(it) => (it.task_scheduled_id, true),
        EventType::TimerFired(it) => (it.timer_id, false),
        _ => return None,
    })
}
