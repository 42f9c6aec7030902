//! What the next turn delivers.

use super::{Execution, Outcome, complete::blank_commit};
use crate::model::{
    Class, Message, MessageId, Status, StatusExt as _, Timestamp, event,
    pb::{HistoryEvent, history_event::EventType},
};
use prost::Message as _;
use std::collections::HashSet;

/// New events of one turn stay below this many bytes (one event always fits), so that a work item stays well below the 4 MiB the
/// SDKs receive at most. What does not fit waits for the turn after.
const MAX_TURN_BYTES: usize = 1 << 20;

/// One delivery to the orchestrator, not answered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The orchestrator's time in this turn.
    pub at: Timestamp,
    /// `OrchestratorStarted`, then the delivered events in order.
    pub events: Vec<HistoryEvent>,
    /// The messages taken, each with the number of its events among [`Turn::events`] (0: it was late or a duplicate).
    pub taken: Vec<(MessageId, usize)>,
}

/// What to do with an instance's inbox now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing can be delivered.
    Wait,
    /// Hand this to a worker.
    Deliver(Turn),
    /// Apply these control messages; no worker is needed.
    Control(Vec<Message>),
    /// Only late or duplicate messages: take them out.
    Discard(Vec<MessageId>),
}

/// Looks at `inbox` (in arrival order) and decides.
pub fn next<'a>(
    execution: &Execution,
    inbox: impl Iterator<Item = &'a Message> + Clone,
    now: Timestamp,
) -> Next {
    let status = execution.record.status;
    if status.is_terminal() {
        return Next::Wait;
    }
    let controls: Vec<_> = inbox.clone().filter(|message| message.class == Class::Control).cloned().collect();
    if !controls.is_empty() {
        return Next::Control(controls);
    }
    if status == Status::Suspended {
        return Next::Wait;
    }
    let due = inbox.filter(|message| message.due.is_none_or(|due| due <= now));
    let start = due.clone().find(|message| message.class == Class::Start);
    if !execution.has_begun() && start.is_none() {
        return Next::Wait;
    }
    let mut picker = Picker::new(execution, execution.turn_time(now, start));
    if let Some(start) = start {
        picker.take(start, !execution.has_begun());
    }
    for message in by_arrival(due.filter(|message| message.class != Class::Start)) {
        if !picker.take(message, true) {
            break;
        }
    }
    picker.finish()
}

/// Messages in the order in which they could first have been delivered: a timer belongs where its time lies among the others. It was
/// put into the inbox long before, so by number alone an event that came in time would look late to whoever waits for both.
pub(super) fn by_arrival<'a>(due: impl Iterator<Item = &'a Message>) -> Vec<&'a Message> {
    let (mut timers, others): (Vec<_>, Vec<_>) = due.partition(|message| message.due.is_some());
    timers.sort_by_key(|timer| timer.due);
    let mut timers = timers.into_iter().peekable();
    let mut ordered = Vec::with_capacity(timers.len() + others.len());
    for other in others {
        let first = other.events.first().and_then(|event| event.timestamp.as_ref());
        let arrived = first.map(Timestamp::at_or_after);
        ordered.extend(std::iter::from_fn(|| timers.next_if(|timer| timer.due <= arrived)));
        ordered.push(other);
    }
    ordered.extend(timers);
    ordered
}

/// Collects messages into a turn.
struct Picker<'a> {
    execution: &'a Execution,
    at: Timestamp,
    bytes: usize,
    answered: HashSet<i32>,
    events: Vec<HistoryEvent>,
    taken: Vec<(MessageId, usize)>,
    /// The turn is wanted even if it delivers nothing.
    rewound: bool,
}

impl<'a> Picker<'a> {
    fn new(execution: &'a Execution, at: Timestamp) -> Self {
        Self {
            execution,
            at,
            bytes: 0,
            answered: HashSet::new(),
            events: Vec::new(),
            taken: Vec::new(),
            rewound: false,
        }
    }

    /// Takes the message in; its events count only if `wanted` and not late. `false`: the turn is full.
    fn take(&mut self, message: &Message, wanted: bool) -> bool {
        let size: usize = message.events.iter().map(HistoryEvent::encoded_len).sum();
        if !self.events.is_empty() && self.bytes + size > MAX_TURN_BYTES {
            return false;
        }
        let before = self.events.len();
        let rewind = message.class == Class::Rewind;
        self.rewound |= rewind;
        if wanted && !rewind {
            for event in &message.events {
                self.deliver(event);
            }
        }
        let delivered = self.events.len() - before;
        self.bytes += if delivered > 0 { size } else { 0 };
        self.taken.push((message.id, delivered));
        true
    }

    fn deliver(&mut self, event: &HistoryEvent) {
        let Some(kind) = &event.event_type else { return };
        let mut event = event.clone();
        match kind {
            EventType::ExecutionStarted(_) if self.execution.has_begun() => return,
            EventType::TimerFired(fired) => {
                let due = fired.fire_at.as_ref().map_or(self.at, Timestamp::at_or_after);
                // SDKs take a timer for early unless their clock is strictly past it, and some clocks have whole milliseconds only.
                self.at = self.at.max(due.next_millisecond());
                event.timestamp = Some(self.at.to_wire());
            }
            _ => {}
        }
        if self.execution.open.wants(kind) == Some(false) || !self.first_answer(kind) {
            return;
        }
        self.events.push(event);
    }

    /// Whether this turn holds no answer to the same action yet.
    fn first_answer(&mut self, kind: &EventType) -> bool {
        self.execution.open.answered_by(kind).is_none_or(|id| self.answered.insert(id))
    }

    fn finish(mut self) -> Next {
        if self.events.is_empty() && !self.rewound {
            let late: Vec<_> = self.taken.into_iter().map(|(id, _)| id).collect();
            return if late.is_empty() { Next::Wait } else { Next::Discard(late) };
        }
        self.events.insert(0, event::orchestrator_started(self.at));
        Next::Deliver(Turn { at: self.at, events: self.events, taken: self.taken })
    }
}

impl Turn {
    /// The messages and events dealt with when the worker says it took only the first `processed` events (`None`: all of them).
    pub(super) fn split(self, processed: Option<i32>) -> (Vec<MessageId>, Vec<HistoryEvent>) {
        let Self { mut events, taken, .. } = self;
        let limit = processed.map_or(events.len(), |count| usize::try_from(count).unwrap_or(0));
        let mut end = 1;
        let fits = |(_, count): &(MessageId, usize)| {
            end += count;
            end <= limit
        };
        let consumed: Vec<_> = taken.iter().copied().take_while(fits).collect();
        // A worker that took nothing would get the same turn for ever; such an answer counts as having taken all.
        let consumed = if consumed.is_empty() { taken } else { consumed };
        events.truncate(1 + consumed.iter().map(|(_, count)| count).sum::<usize>());
        (consumed.into_iter().map(|(id, _)| id).collect(), events)
    }
}

/// A commit that only takes late messages out of the inbox.
pub fn discard(mut execution: Execution, late: Vec<MessageId>, now: Timestamp) -> Outcome {
    let mut commit = blank_commit(&execution, now);
    commit.consumed = late;
    execution.take_over(&commit);
    Outcome { commit, execution }
}
