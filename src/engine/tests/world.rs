//! One instance and its rows, as a store would keep them. Holds the engine to its word: after each commit the execution it returned
//! must be the one a reader of the rows finds.

use super::{
    script::{START, Words, answer, message, new_instance},
    show,
};
use crate::{
    engine::{Context, Execution, Fate, Next, Outcome, Rewinding, Turn, apply, control, discard, fail, next},
    model::{
        Chunk, Class, Commit, HistoryChange, InstanceKey, InstanceRecord, InstanceUpdate, Message, MessageId,
        NewInstance, NewMessage, Payloads, Pending, Recipient, Status, StatusExt as _, Timestamp,
        pb::{self, HistoryEvent},
    },
};
use std::{collections::BTreeMap, time::Duration};

/// Payload limit in scripts.
pub const LIMIT: usize = 3 << 20;

pub struct World {
    pub now: Timestamp,
    /// The row; absent before `start`.
    pub record: Option<InstanceRecord>,
    pub custom_status: Option<String>,
    pub chunks: Vec<Chunk>,
    pub inbox: BTreeMap<MessageId, Message>,
    /// How many events the last rewind has left.
    pub kept: i64,
    execution: Option<Execution>,
    messages: i64,
    executions: u32,
}

impl Default for World {
    fn default() -> Self {
        Self {
            now: START,
            record: None,
            custom_status: None,
            chunks: Vec::new(),
            inbox: BTreeMap::new(),
            kept: 0,
            execution: None,
            messages: 0,
            executions: 1,
        }
    }
}

impl World {
    /// Plays one step and shows what was decided.
    pub fn step(&mut self, step: &str) -> String {
        let (arrivals, actions) =
            step.split_once("->").map_or((step, None), |(before, actions)| (before, Some(actions.trim())));
        let rewind = arrivals.starts_with("rewind");
        for item in arrivals.split(", ").map(str::trim).filter(|item| !item.is_empty() && !rewind) {
            self.arrive(item);
        }
        self.now = self.now.plus(Duration::from_secs(1));
        if let Some(children) = arrivals.strip_prefix("rewind") {
            return self.rewind(&Words::of(children));
        }
        match (self.next(), actions) {
            (Next::Deliver(turn), Some("poison")) => {
                let details = crate::model::failure("Poison", "the worker died of it", true);
                self.decide(|execution, context| fail(execution, turn, details, context))
            }
            (Next::Deliver(turn), Some(actions)) => self.answer(turn, answer(actions)),
            (Next::Deliver(turn), None) => format!("deliver {}", show::events(&turn.events)),
            (other, Some(_)) => panic!("{step:?}: there is no turn to answer but {other:?}"),
            (Next::Wait, None) => "wait".to_owned(),
            (Next::Control(messages), None) => self.control(messages),
            (Next::Discard(late), None) => format!("discard; {}", self.discard(late)),
        }
    }

    pub fn arrive(&mut self, item: &str) {
        let words = Words::of(item);
        match words.verb() {
            "start" => self.start(new_instance(&words)),
            later if later.starts_with('+') => {
                self.now =
                    self.now.plus(Duration::from_secs(later[1..].trim_end_matches('s').parse().unwrap()));
            }
            "start-again" => self.mail(new_instance(&words).start_message()),
            _ => self.mail(message(&words, self.now)),
        }
    }

    pub fn start(&mut self, new: NewInstance) {
        let record = new.record(InstanceKey(1));
        self.execution = Some(Execution::read(record.clone(), None, &[]).unwrap());
        self.record = Some(record);
        self.mail(new.start_message());
    }

    pub fn mail(&mut self, message: NewMessage) {
        let NewMessage { class, due, events } = message;
        self.messages += 1;
        let id = MessageId(self.messages);
        self.inbox.insert(id, Message { id, class, due, events });
    }

    pub fn execution(&self) -> &Execution {
        self.execution.as_ref().expect("a script begins with `start`")
    }

    pub fn next(&self) -> Next {
        next(self.execution(), self.inbox.values(), self.now)
    }

    pub fn answer(&mut self, turn: Turn, response: pb::OrchestratorResponse) -> String {
        self.decide(|execution, context| apply(execution, turn, response, context))
    }

    pub fn control(&mut self, messages: Vec<Message>) -> String {
        let start = self.inbox.values().find(|message| message.class == Class::Start).cloned();
        self.decide(|execution, context| control(execution, messages, start.as_ref(), context))
    }

    /// Rewinds the instance. `ID=failed`, `=completed:OUTPUT`, `=terminated:REASON`, `=running` or `=foreign` says what has become of a
    /// child; it is gone if nothing is said.
    fn rewind(&mut self, children: &Words<'_>) -> String {
        let record = self.record.clone().unwrap();
        let mut rewinding = Rewinding::begin(record.clone(), &self.chunks, self.kept).unwrap();
        let mut shown = String::new();
        let now = self.now;
        for child in rewinding.children() {
            let (mut found, mut payloads) = (record.clone(), Payloads::default());
            found.id = child.id();
            found.parent = Some(child.of(&record));
            let said =
                children.option(child.id().as_str()).map(|said| said.split_once(':').unwrap_or((said, "")));
            found.status = match said {
                Some(("foreign", _)) => {
                    found.parent = None;
                    Status::Failed
                }
                Some((status, output)) => {
                    payloads.output = Some(output.to_owned());
                    Status::from_name(status).unwrap()
                }
                None => Status::Completed,
            };
            let executions = &mut self.executions;
            let mut fresh_id = || {
                *executions += 1;
                format!("e{executions}")
            };
            let mut context = Context { now, fresh_id: &mut fresh_id, payload_bytes: LIMIT };
            match rewinding.meet(&child, said.map(|_| (&found, &payloads)), &mut context) {
                Fate::Settled => {}
                Fate::Lives(_) => shown += &format!("{} lives\n", child.id()),
                Fate::Rewind => shown += &format!("{} is rewound\n", child.id()),
            }
        }
        let commit = rewinding.commit(Some("why".into()), now);
        shown += &show::commit(&commit);
        self.commit(commit);
        let (custom_status, record) = (self.custom_status.clone(), self.record.clone().unwrap());
        self.execution = Some(Execution::read(record, custom_status, &self.chunks).unwrap());
        shown
    }

    pub fn discard(&mut self, late: Vec<MessageId>) -> String {
        let now = self.now;
        self.decide(|execution, _| discard(execution, late, now))
    }

    pub fn history(&self) -> Vec<HistoryEvent> {
        self.chunks.iter().flat_map(|chunk| chunk.events().unwrap()).collect()
    }

    /// Lets the engine decide, commits, and shows the commit.
    fn decide(&mut self, decide: impl FnOnce(Execution, &mut Context<'_>) -> Outcome) -> String {
        let execution = self.execution().clone();
        let executions = &mut self.executions;
        let mut fresh_id = || {
            *executions += 1;
            format!("e{executions}")
        };
        let mut context = Context { now: self.now, fresh_id: &mut fresh_id, payload_bytes: LIMIT };
        let Outcome { commit, execution } = decide(execution, &mut context);
        let shown = show::commit(&commit);
        self.commit(commit);
        let read = Execution::read(self.record.clone().unwrap(), self.custom_status.clone(), &self.chunks)
            .expect("the engine writes a history that can be read");
        assert_eq!(show::execution(&execution), show::execution(&read), "returned and read");
        self.execution = Some(execution);
        shown
    }

    /// Does what `Store::turn_commit` does.
    fn commit(&mut self, commit: Commit) {
        let Commit { turn, consumed, history, update, pending, children, outbox, .. } = commit;
        let record = self.record.as_mut().unwrap();
        assert_eq!(turn, record.turn + 1, "fenced");
        for id in consumed {
            assert!(self.inbox.remove(&id).is_some(), "{id:?} is consumed twice");
        }
        match history {
            HistoryChange::Append(chunk) => self.chunks.push(chunk),
            HistoryChange::Clear => self.chunks.clear(),
            HistoryChange::Rewrite(rewrite) => {
                self.kept = rewrite.length();
                self.chunks = rewrite.chunks;
            }
            HistoryChange::Keep => {}
        }
        let InstanceUpdate {
            status, updated_at, completed_at, custom_status, trace, execution, reopens, ..
        } = update;
        record.turn = turn;
        record.status = status;
        record.updated_at = updated_at;
        record.completed_at = if reopens { completed_at } else { completed_at.or(record.completed_at) };
        if let Some(trace) = trace {
            record.trace = Some(trace);
        }
        if let Some(custom_status) = custom_status {
            self.custom_status = custom_status;
        }
        if let Some(execution) = execution {
            record.execution_id = execution.execution_id;
            record.version = execution.version;
        }
        match pending {
            Pending::Keep | Pending::DropDetached => {}
            Pending::DropExecution => self.inbox.retain(|_, message| message.class != Class::Result),
            Pending::DropAll => self.inbox.clear(),
        }
        for child in children {
            // An id that begins so is held by a live instance.
            if child.instance.id.as_str().starts_with("taken") {
                child.otherwise.into_iter().for_each(|message| self.mail(message));
            }
        }
        for out in outbox {
            if out.to == Recipient::Myself {
                self.mail(out.message);
            }
        }
    }
}
