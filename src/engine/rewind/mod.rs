//! Rewind: a failed execution goes on from before its failures.
//!
//! The execution keeps its id, so that children that still run find their parent. Its history is rewritten so that replay asks again for
//! what has to be done again; see [`rule`] for what that is. The instances of a tree are rewound one by one here and written as one
//! change, so the manager walks and the engine decides.

mod rule;
mod timeline;

use super::{
    Context, Execution, child,
    complete::{answer, blank_commit},
};
use crate::model::{
    Chunk, Class, Commit, CorruptHistory, HistoryChange, InstanceId, InstanceKey, InstanceRecord, NewChild,
    NewMessage, Outgoing, ParentRef, Payloads, Pending, Recipient, Rewrite, Status, Timestamp, event,
    pb::{self, HistoryEvent, history_event::EventType},
};
use std::collections::HashSet;
use timeline::{Kind, Timeline};

/// A failed execution whose history has been rewritten and whose children are being looked at.
#[derive(Debug)]
pub struct Rewinding {
    record: InstanceRecord,
    old_length: i64,
    chunks: Vec<Chunk>,
    timers: Vec<(i32, prost_types::Timestamp)>,
    children: Vec<OpenChild>,
    /// Answers of children, and refusals.
    mail: Vec<NewMessage>,
    born: Vec<NewChild>,
}

/// A sub-orchestration that the rewound execution waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenChild {
    task: i32,
    created: pb::SubOrchestrationInstanceCreatedEvent,
}

impl OpenChild {
    /// The id of the child.
    pub fn id(&self) -> InstanceId {
        InstanceId::lookup(self.created.instance_id.as_str())
    }

    /// Its parent, if it is the child that `parent` asked for.
    pub(super) fn of(&self, parent: &InstanceRecord) -> ParentRef {
        let InstanceRecord { id, execution_id, .. } = parent;
        ParentRef { id: id.clone(), execution_id: execution_id.clone(), task_id: self.task }
    }
}

/// What becomes of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing more has to be done: its answer, its making, or the reason why it cannot be made is part of the parent's commit.
    Settled,
    /// It still runs and will answer, provided it still does so when the commit is made.
    Lives(InstanceKey),
    /// It has failed and is to be rewound, too.
    Rewind,
}

/// Why an execution cannot be rewound.
#[derive(Debug, thiserror::Error)]
pub enum NotRewound {
    /// What is stored cannot be read.
    #[error(transparent)]
    Corrupt(#[from] CorruptHistory),
    /// It failed inside a critical section, or while it waited for one. Replay would go on there, but the locks went with the end of the
    /// execution.
    #[error(
        "it failed inside a critical section or while it waited for one, and the entities it had locked are free since"
    )]
    InSection,
}

impl Rewinding {
    /// Rewrites the history of `record`, which has failed. `settled`: how many events the last rewind of this execution left; 0 if there
    /// was none.
    pub fn begin(record: InstanceRecord, history: &[Chunk], settled: i64) -> Result<Self, NotRewound> {
        let old = history.iter().map(Chunk::events).collect::<Result<Vec<_>, _>>()?;
        let timeline = Timeline::of(&old);
        if timeline.ends_in_section() {
            return Err(NotRewound::InSection);
        }
        let taken_back = rule::dropped(&timeline, usize::try_from(settled).unwrap_or(0));
        let mut out = HashSet::new();
        let (mut timers, mut children) = (HashSet::new(), HashSet::new());
        for (place, act) in timeline.acts.iter().enumerate() {
            let failure = act.answer.filter(|_| taken_back.contains(&place));
            out.extend(failure.map(|failure| failure.index));
            match (act.kind, act.answer) {
                // Its result was taken back, or never came: the activity went with the end of the execution.
                (Kind::Activity | Kind::Request, answer) if answer.is_none() || failure.is_some() => {
                    out.insert(act.index);
                }
                (Kind::Timer, None) if timeline.came_to_nothing(act) => {
                    out.insert(act.index);
                }
                (Kind::Timer, None) => {
                    timers.insert(act.index);
                }
                (Kind::Child, answer) if answer.is_none() || failure.is_some() => {
                    children.insert(act.index);
                }
                (Kind::Activity | Kind::Timer | Kind::Child | Kind::Request | Kind::OneWay, _) => {}
            }
        }
        let mut rewinding = Self {
            record,
            old_length: history.last().map_or(0, Chunk::end),
            chunks: Vec::new(),
            timers: Vec::new(),
            children: Vec::new(),
            mail: Vec::new(),
            born: Vec::new(),
        };
        let mut index = 0;
        for events in old {
            let mut kept = Vec::with_capacity(events.len());
            for event in events {
                let keeps = !out.contains(&index);
                rewinding.take(event, keeps, timers.contains(&index), children.contains(&index), &mut kept);
                index += 1;
            }
            if !kept.is_empty() {
                let first = rewinding.chunks.last().map_or(0, Chunk::end);
                rewinding.chunks.push(Chunk::encode(first, kept));
            }
        }
        Ok(rewinding)
    }

    fn take(
        &mut self,
        event: HistoryEvent,
        keeps: bool,
        timer: bool,
        child: bool,
        kept: &mut Vec<HistoryEvent>,
    ) {
        match &event.event_type {
            Some(EventType::ExecutionCompleted(_)) => return,
            Some(EventType::TimerCreated(created)) if timer => {
                self.timers.extend(created.fire_at.map(|fire_at| (event.event_id, fire_at)));
            }
            Some(EventType::SubOrchestrationInstanceCreated(created)) if child => {
                self.children.push(OpenChild { task: event.event_id, created: created.clone() });
            }
            _ => {}
        }
        if keeps {
            kept.push(event);
        }
    }

    /// The children that the execution waits for; ask [`Rewinding::meet`] about each.
    pub fn children(&self) -> Vec<OpenChild> {
        self.children.clone()
    }

    /// Decides about one of the children, given who holds its id now, with all payloads.
    pub fn meet(
        &mut self,
        child: &OpenChild,
        found: Option<(&InstanceRecord, &Payloads)>,
        context: &mut Context<'_>,
    ) -> Fate {
        let parent = child.of(&self.record);
        let own = found.filter(|(record, _)| record.parent.as_ref() == Some(&parent));
        match own {
            Some((record, payloads)) => match record.status {
                Status::Failed => Fate::Rewind,
                // It ended after its parent had failed, so nobody took its answer in.
                ended @ (Status::Completed | Status::Terminated | Status::Canceled) => {
                    let (result, details) = (payloads.output.clone(), payloads.failure.clone());
                    let answer = answer(&record.id, child.task, ended, result, details, context.now);
                    self.mail.push(NewMessage::now(Class::Result, answer));
                    Fate::Settled
                }
                Status::Pending | Status::Running | Status::Suspended | Status::ContinuedAsNew => {
                    Fate::Lives(record.key)
                }
            },
            // Gone, or the id is somebody else's by now: as if it were asked for now.
            None => {
                match child::order(&self.record, child.task, &child.created, context) {
                    Ok(order) => self.born.push(order),
                    Err(message) => self.mail.push(message),
                }
                Fate::Settled
            }
        }
    }

    /// The change that brings the instance back to life.
    pub fn commit(self, reason: Option<String>, now: Timestamp) -> Commit {
        let Self { record, old_length, chunks, timers, children: _, mail, born } = self;
        let mark = vec![event::execution_rewound(now, reason.clone())];
        let wake = NewMessage::now(Class::Rewind, event::execution_rewound(now, reason.clone()));
        let timers = timers.into_iter().map(|(id, fire_at)| {
            let due = Timestamp::at_or_after(&fire_at);
            let events = vec![event::timer_fired(due, id, fire_at)];
            NewMessage { class: Class::Result, due: Some(due), events }
        });
        let messages = std::iter::once(wake).chain(timers).chain(mail);
        let mut commit = blank_commit(&Execution::empty(record, None), now);
        commit.history =
            HistoryChange::Rewrite(Rewrite { chunks, mark: Chunk::encode(old_length, mark), reason });
        commit.pending = Pending::DropDetached;
        commit.update.status = Status::Running;
        commit.update.completed_at = None;
        commit.update.reopens = true;
        commit.children = born;
        commit.outbox = messages.map(|message| Outgoing { to: Recipient::Myself, message }).collect();
        commit
    }
}
