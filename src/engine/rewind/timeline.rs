//! A history as rewind looks at it: what was asked for, when it was answered, and what each turn delivered.

use crate::{
    engine::complete::FIRE_AND_FORGET,
    model::pb::{HistoryEvent, history_event::EventType},
};
use std::collections::HashMap;

/// What kind of thing the orchestrator asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Activity,
    Child,
    Timer,
    /// Nothing that a rewind could take back: an event to another instance, a child that never reports, a message to an entity.
    OneWay,
}

/// Name, version and input, as far as the kind has them.
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
    /// The actions whose success it delivered; `None` for an external event or an entity's answer.
    pub others: Vec<Option<usize>>,
}

/// The whole history.
#[derive(Debug, Default)]
pub(super) struct Timeline<'a> {
    pub acts: Vec<Act<'a>>,
    pub turns: Vec<Turn>,
    /// The turn in which the execution ended.
    pub last: Option<usize>,
}

impl<'a> Timeline<'a> {
    /// Sorts the events of a history, given in chunks. Each `OrchestratorStarted` begins a turn.
    pub fn of(chunks: &'a [Vec<HistoryEvent>]) -> Self {
        let mut timeline = Self::default();
        let mut open = HashMap::new();
        for (index, event) in chunks.iter().flatten().enumerate() {
            if timeline.turns.is_empty()
                || matches!(event.event_type, Some(EventType::OrchestratorStarted(_)))
            {
                timeline.turns.push(Turn::default());
            }
            timeline.add(timeline.turns.len() - 1, index, event, &mut open);
        }
        timeline
    }

    fn add(&mut self, turn: usize, index: usize, event: &'a HistoryEvent, open: &mut HashMap<i32, usize>) {
        let Some(kind) = &event.event_type else { return };
        if let Some((kind, call)) = asked(kind) {
            let act = self.acts.len();
            self.acts.push(Act { kind, id: event.event_id, call, turn, index, answer: None });
            self.turns[turn].acts.push(act);
            if kind != Kind::OneWay {
                // The same id may be used again: the Python SDK does so when it retries.
                open.insert(event.event_id, act);
            }
            return;
        }
        match kind {
            EventType::ExecutionCompleted(_) => self.last = Some(turn),
            EventType::EventRaised(_)
            | EventType::EntityOperationCompleted(_)
            | EventType::EntityOperationFailed(_)
            | EventType::EntityLockGranted(_) => self.turns[turn].others.push(None),
            other => {
                let Some((id, failed)) = answered(other) else { return };
                let Some(act) = open.remove(&id) else { return };
                self.acts[act].answer = Some(Answer { turn, index, failed });
                match failed {
                    true => self.turns[turn].failures.push(act),
                    false => self.turns[turn].others.push(Some(act)),
                }
            }
        }
    }

    /// Asked for by the very turn that ended the execution. An activity was not waited for and a timer was never armed: replay
    /// simply asks again.
    pub fn came_to_nothing(&self, act: &Act<'_>) -> bool {
        match act.kind {
            Kind::Activity | Kind::Timer => act.answer.is_none() && Some(act.turn) == self.last,
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
        // Calls, too: what entities were asked and answered stays, whatever is taken back.
        EventType::EntityOperationSignaled(it) => (Kind::OneWay, (&it.operation, None, None)),
        EventType::EntityOperationCalled(it) => (Kind::OneWay, (&it.operation, None, None)),
        EventType::EntityLockRequested(_) | EventType::EntityUnlockSent(_) => {
            (Kind::OneWay, ("", None, None))
        }
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
