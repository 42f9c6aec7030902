//! The auditor's ledger: every message that the store has taken in and what became of it, every turn that was made, and what callers were
//! answered. What breaks a rule is noted at once; the rest is for the end (`audit`).

use crate::model::{
    Class, Commit, Effect, HistoryChange, InstanceId, InstanceKey, Message, MessageId, Outgoing, Pending,
    Recipient, Status, StatusExt as _,
    pb::{HistoryEvent, history_event::EventType},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many commits of an instance may come between a request to terminate it and its end: one that was on its way, and the end.
const GRACE: usize = 2;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Waiting,
    Consumed,
    /// The instance has ended or is gone, or, of a result, its execution.
    Dropped,
}

#[derive(Debug)]
pub struct Letter {
    pub to: InstanceKey,
    pub class: Class,
    pub events: Vec<HistoryEvent>,
    pub delivery: Delivery,
}

impl Letter {
    /// Whether it asks for the end of its instance.
    fn ends(&self) -> bool {
        let ends = |event: &HistoryEvent| matches!(event.event_type, Some(EventType::ExecutionTerminated(_)));
        self.class == Class::Control && self.events.iter().any(ends)
    }
}

/// One instance, from its first message to its end.
#[derive(Debug)]
pub struct Life {
    pub id: InstanceId,
    pub name: String,
    pub status: Status,
    pub turn: i64,
    pub history: Vec<HistoryEvent>,
    /// Raised events that its turns have taken, or operations of an entity, in order.
    pub taken: Vec<String>,
    /// Those in the history of this execution.
    seen: BTreeSet<String>,
    pub gone: bool,
    overdue: usize,
    rewinds: usize,
}

/// What a caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// Nothing was done.
    Not,
    /// The caller cannot know.
    Unclear,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub letters: BTreeMap<MessageId, Letter>,
    pub lives: BTreeMap<InstanceKey, Life>,
    /// What callers asked for, by the tag of the message that it leaves. Not answered: the caller's process died.
    pub calls: BTreeMap<String, Vec<Option<Answer>>>,
    /// Those among them whose message is passed on to children.
    pub recursive: BTreeSet<String>,
    /// Ids under which something was run again.
    pub restarted: BTreeSet<InstanceId>,
    /// What orchestrations have sent to entities, by input, and how often: a call that had no answer when its caller failed is made again
    /// when that is rewound.
    pub owed: BTreeMap<String, usize>,
    /// Results that workers have made up, and for what.
    pub results: HashMap<String, String>,
    /// What broke a rule.
    pub wrong: Vec<String>,
}

impl Ledger {
    /// Notes what breaks a rule.
    pub fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    /// A caller asks for something that leaves a message with this tag. The number is for [`Ledger::answered`].
    pub fn asked(&mut self, tag: &str) -> usize {
        let calls = self.calls.entry(tag.to_owned()).or_default();
        calls.push(None);
        calls.len() - 1
    }

    pub fn answered(&mut self, tag: &str, number: usize, answer: Answer) {
        if let Some(call) = self.calls.get_mut(tag).and_then(|calls| calls.get_mut(number)) {
            *call = Some(answer);
        }
    }

    /// A turn is durable. Its effects follow.
    pub fn committed(&mut self, commit: &Commit) {
        let Commit { key, turn, consumed, history, update, pending, outbox, .. } = commit;
        let Some(life) = self.lives.get_mut(key).filter(|life| !life.gone) else {
            return self.wrong(format!("turn {turn} of {key:?}, which is not there"));
        };
        let entity = life.id.is_entity();
        let before = life.status;
        let mut wrong = Vec::new();
        if *turn != life.turn + 1 {
            wrong.push(format!("turn {turn} follows turn {}", life.turn));
        }
        if before.is_terminal() && !update.reopens {
            wrong.push(format!("turn {turn} comes after the end as {}", before.name()));
        }
        (life.turn, life.status) = (*turn, update.status);
        let mut control = false;
        for id in consumed {
            match self.letters.get_mut(id).filter(|letter| letter.to == *key) {
                Some(letter) if letter.delivery == Delivery::Waiting => {
                    letter.delivery = Delivery::Consumed;
                    control |= letter.class == Class::Control;
                    if letter.class == Class::Event {
                        let told_apart = |event: &HistoryEvent| raised(event).or_else(|| operation(event));
                        life.taken.extend(letter.events.iter().filter_map(told_apart));
                    }
                }
                Some(letter) => wrong.push(format!("{id:?} is taken, which was {:?}", letter.delivery)),
                None => wrong.push(format!("{id:?} is taken, which never came")),
            }
        }
        if before == Status::Suspended && !control && !entity {
            wrong.push(format!("turn {turn} is made while it is suspended"));
        }
        match history {
            HistoryChange::Append(chunk) => {
                let known = i64::try_from(life.history.len()).unwrap_or(i64::MAX);
                if chunk.first != known {
                    wrong.push(format!("the history goes on at {} after {known} events", chunk.first));
                }
                match chunk.events() {
                    Ok(events) => {
                        let twice: Vec<_> = events
                            .iter()
                            .filter_map(raised)
                            .filter(|tag| !life.seen.insert(tag.clone()))
                            .collect();
                        if !twice.is_empty() {
                            wrong.push(format!("events {twice:?} are in the history twice"));
                        }
                        life.history.extend(events);
                    }
                    Err(error) => wrong.push(error.to_string()),
                }
            }
            HistoryChange::Clear => {
                life.history.clear();
                life.seen.clear();
            }
            HistoryChange::Rewrite(rewrite) => {
                life.rewinds += 1;
                life.history =
                    rewrite.chunks.iter().flat_map(|chunk| chunk.events().unwrap_or_default()).collect();
            }
            HistoryChange::Keep => {}
        }
        let missing = |life: &Life, id: &MessageId| {
            let letter = self.letters.get(id).filter(|letter| letter.class == Class::Event);
            let mut tags = letter.into_iter().flat_map(|letter| letter.events.iter().filter_map(raised));
            matches!(history, HistoryChange::Append(_) | HistoryChange::Keep)
                && tags.any(|tag| !life.seen.contains(&tag))
        };
        if let Some(id) = consumed.iter().find(|id| !entity && missing(life, id)) {
            wrong.push(format!("event {id:?} is taken, but the history does not have it"));
        }
        for letter in self.letters.values_mut().filter(|letter| letter.to == *key) {
            let dropped = match pending {
                Pending::Keep | Pending::DropDetached => false,
                Pending::DropExecution => letter.class == Class::Result,
                Pending::DropAll => true,
            };
            if letter.delivery == Delivery::Waiting && dropped {
                letter.delivery = Delivery::Dropped;
            }
        }
        let (mut heard, mut waits) = (false, false);
        for (id, letter) in self.letters.iter().filter(|(_, letter)| letter.to == *key && letter.ends()) {
            heard |= consumed.contains(id);
            waits |= letter.delivery == Delivery::Waiting;
        }
        life.overdue += usize::from(waits);
        if life.overdue >= GRACE || (heard && !life.status.is_terminal()) {
            wrong.push(format!("turn {turn} is made, but it was to be terminated"));
        }
        for Outgoing { to, message } in outbox {
            if let Recipient::Entity(_) = to {
                for event in &message.events {
                    let Some(sent) = operation(event) else { continue };
                    let most = match &event.event_type {
                        Some(EventType::EntityOperationCalled(_)) => 1 + life.rewinds,
                        _ => 1,
                    };
                    let times = self.owed.entry(sent).or_default();
                    *times += 1;
                    if *times > most {
                        wrong.push(format!("turn {turn} sends {event:?} once more"));
                    }
                }
            }
        }
        let id = life.id.clone();
        wrong.into_iter().for_each(|what| self.wrong(format!("{id} ({}): {what}", key.0)));
    }

    /// A change has this effect.
    pub fn told(&mut self, effect: &Effect) {
        match effect {
            Effect::Message { to, status, message } => {
                self.lives.entry(to.key).or_insert_with(|| Life {
                    id: to.id.clone(),
                    name: to.name.to_string(),
                    status: *status,
                    turn: 0,
                    history: Vec::new(),
                    taken: Vec::new(),
                    seen: BTreeSet::new(),
                    gone: false,
                    overdue: 0,
                    rewinds: 0,
                });
                let Message { id, class, events, .. } = message.clone();
                let letter = Letter { to: to.key, class, events, delivery: Delivery::Waiting };
                if self.letters.insert(id, letter).is_some() {
                    self.wrong(format!("{id:?} came twice"));
                }
            }
            Effect::Gone { key, .. } => {
                if let Some(life) = self.lives.get_mut(key) {
                    life.gone = true;
                }
                let of = self.letters.values_mut().filter(|letter| letter.to == *key);
                for letter in of.filter(|letter| letter.delivery == Delivery::Waiting) {
                    letter.delivery = Delivery::Dropped;
                }
            }
            Effect::Changed { key, turn, status, id, .. } => {
                let life = self.lives.get(key);
                if life.is_none_or(|life| (life.turn, life.status) != (*turn, *status)) {
                    self.wrong(format!("{id} is told to be {status:?} after turn {turn}"));
                }
            }
            // Its state was deleted, and whoever works on it is to see that.
            Effect::Altered { entity } => {
                if let Some(life) = self.lives.get_mut(&entity.key) {
                    life.turn += 1;
                    life.taken.clear();
                }
            }
            Effect::Activity(_)
            | Effect::Unparked { .. }
            | Effect::Reopened { .. }
            | Effect::Unlocked { .. } => {}
        }
    }
}

/// The data of a raised event, which tells it from all others.
pub fn raised(event: &HistoryEvent) -> Option<String> {
    match &event.event_type {
        Some(EventType::EventRaised(raised)) => raised.input.clone(),
        _ => None,
    }
}

/// The input of an operation on an entity, which tells it from all others.
pub fn operation(event: &HistoryEvent) -> Option<String> {
    match &event.event_type {
        Some(EventType::EntityOperationSignaled(signal)) => signal.input.clone(),
        Some(EventType::EntityOperationCalled(call)) => call.input.clone(),
        _ => None,
    }
}

/// By what the message of a caller is recognised. What was noted before the first turn waits for it as an event, and is not the caller's.
pub fn tag(class: Class, event: &HistoryEvent) -> Option<String> {
    match &event.event_type {
        Some(EventType::ExecutionSuspended(_) | EventType::ExecutionResumed(_)) if class == Class::Event => {
            None
        }
        Some(EventType::ExecutionStarted(started)) => {
            started.orchestration_instance.as_ref()?.execution_id.clone()
        }
        Some(EventType::ExecutionTerminated(terminated)) => terminated.input.clone(),
        Some(EventType::ExecutionSuspended(suspended)) => suspended.input.clone(),
        Some(EventType::ExecutionResumed(resumed)) => resumed.input.clone(),
        _ => raised(event).or_else(|| operation(event)),
    }
}

/// An effect for the trace. Ids that were made up differ each time, so instances go by their keys.
pub fn short(effect: &Effect) -> String {
    match effect {
        Effect::Message { to, message, .. } => {
            let kinds = message.events.iter().map(|event| match &event.event_type {
                Some(EventType::EventRaised(raised)) => format!("{} {:?}", raised.name, raised.input),
                Some(kind) => {
                    let text = format!("{kind:?}");
                    text.split(['(', '{', ' ']).next().unwrap_or_default().to_owned()
                }
                None => String::new(),
            });
            let kinds = kinds.collect::<Vec<_>>().join("+");
            format!("-> {} {:?} {:?} {kinds} due {:?}", to.key.0, message.id, message.class, message.due)
        }
        Effect::Activity(task) => format!("-> activity {:?} {}", task.key, task.name),
        Effect::Changed { key, status, turn, .. } => format!("-> {} is {status:?} after {turn}", key.0),
        Effect::Reopened { key } => format!("-> {} lives again", key.0),
        Effect::Unlocked { entity, .. } => format!("-> {} is free", entity.key.0),
        Effect::Altered { entity } => format!("-> {} was altered", entity.key.0),
        Effect::Unparked { instance, .. } => format!("-> {} is parked no more", instance.key.0),
        Effect::Gone { key, .. } => format!("-> {} is gone", key.0),
    }
}
