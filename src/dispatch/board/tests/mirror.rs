//! What a store would hold, and the effects it would tell. Notices when anything is committed or consumed twice.

use super::mirror_entities::EntityRow;
use crate::{
    dispatch::{
        board::{Read, ReadError},
        slot::State,
    },
    engine::Execution,
    model::{
        ActivityKey, ActivityTask, Chunk, Class, Commit, Effect, HistoryChange, InstanceId, InstanceKey,
        InstanceRecord, InstanceRef, Legible, Lock, Message, MessageId, NewActivity, NewInstance, NewMessage,
        Outgoing, Parking, Pending, Recipient, Status, StatusExt as _, Timestamp,
    },
    store::{Outline, Ready},
};
use prost::Message as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// One instance with all it has.
pub struct Row {
    pub record: InstanceRecord,
    pub custom_status: Option<String>,
    pub chunks: Vec<Chunk>,
    pub inbox: BTreeMap<MessageId, Message>,
    /// Of an entity: its state.
    pub entity: Option<EntityRow>,
}

impl Row {
    pub fn new(record: InstanceRecord) -> Self {
        Self { record, custom_status: None, chunks: Vec::new(), inbox: BTreeMap::new(), entity: None }
    }

    /// What the engine knows of it, if it is an orchestration.
    pub fn execution(&self) -> Execution {
        Execution::read(self.record.clone(), self.custom_status.clone(), &self.chunks).unwrap()
    }
}

/// A page of rows as it was read.
pub enum Page {
    Turns(Vec<Ready>, Option<InstanceKey>),
    Activities(Vec<ActivityTask>, Option<ActivityKey>),
}

/// How many rows a page has.
const PAGE: usize = 3;

#[derive(Default)]
pub struct Mirror {
    pub rows: BTreeMap<InstanceKey, Row>,
    pub activities: BTreeMap<ActivityKey, ActivityTask>,
    /// By entity: its lock, and who owns it.
    pub locks: BTreeMap<InstanceKey, (InstanceKey, Lock)>,
    /// What is parked, and why.
    pub parked: BTreeMap<InstanceKey, Parking>,
    /// Of these only the outline can be read.
    pub torn: BTreeSet<InstanceKey>,
    numbers: i64,
}

impl Mirror {
    pub fn number(&mut self) -> i64 {
        self.numbers += 1;
        self.numbers
    }

    /// What [`crate::store::Store::ready_claim`] would answer.
    pub fn page_of_turns(&self, after: InstanceKey, rows: usize, now: Timestamp) -> Page {
        let rows = rows.min(PAGE);
        let behind = self.rows.range((Bound::Excluded(after), Bound::Unbounded));
        let ready = behind.filter_map(|(key, row)| {
            let due = |message: &&Message| message.due.is_none_or(|due| due <= now);
            let control = row.inbox.values().filter(due).any(|message| message.class == Class::Control);
            let to_come = row.inbox.values().any(|message| message.class == Class::Start && !due(&message));
            let status = row.record.status;
            let deliverable =
                status != Status::Suspended && !to_come && row.inbox.values().any(|it| due(&it));
            let deliverable = deliverable && !self.parked.contains_key(key);
            let ready = !status.is_terminal() && (control || deliverable);
            ready.then(|| Ready { instance: row.record.reference(), control })
        });
        let page: Vec<_> = ready.take(rows).collect();
        let last = page.last().filter(|_| page.len() == rows).map(|ready| ready.instance.key);
        Page::Turns(page, last)
    }

    /// What [`crate::store::Store::activity_claim`] would answer.
    pub fn page_of_activities(&self, after: ActivityKey) -> Page {
        let behind = self.activities.range((Bound::Excluded(after), Bound::Unbounded));
        let page: Vec<_> = behind.map(|(_, task)| task.clone()).take(PAGE).collect();
        let last = page.last().map(|task| task.key);
        Page::Activities(page, last)
    }

    pub fn create(&mut self, new: NewInstance) -> (InstanceKey, Vec<Effect>) {
        let key = InstanceKey(self.number());
        self.rows.insert(key, Row::new(new.record(key)));
        let mut effects = self.append(key, new.start_message());
        effects.push(Effect::Changed { hub: new.hub, id: new.id, key, status: Status::Pending, turn: 0 });
        (key, effects)
    }

    /// Nothing happens to an instance that is gone or has ended.
    pub fn append(&mut self, key: InstanceKey, message: NewMessage) -> Vec<Effect> {
        let live = self.rows.get(&key).map(|row| row.record.status).filter(|status| !status.is_terminal());
        live.map(|status| self.deliver(key, status, message)).into_iter().collect()
    }

    /// Puts a message into an inbox.
    pub fn deliver(&mut self, key: InstanceKey, status: Status, message: NewMessage) -> Effect {
        let id = MessageId(self.number());
        let row = self.rows.get_mut(&key).expect("whoever gets a message is there");
        let NewMessage { class, due, events } = message;
        let message = Message { id, class, due, events };
        row.inbox.insert(id, message.clone());
        Effect::Message { to: row.record.reference(), status, message }
    }

    /// `None`: fenced, which can only happen to an entity that was changed from outside.
    pub fn commit(&mut self, commit: Commit) -> Option<Vec<Effect>> {
        let Commit {
            hub,
            key,
            turn,
            consumed,
            history,
            update,
            pending,
            children,
            activities,
            outbox,
            entity,
        } = commit;
        let row = self.rows.get_mut(&key).expect("a commit for an instance that is there");
        if row.entity.as_ref().is_some_and(|own| own.purged_at(turn)) {
            return None;
        }
        assert_eq!(turn, row.record.turn + 1, "fenced");
        for id in consumed {
            assert!(row.inbox.remove(&id).is_some(), "{id:?} was delivered twice");
        }
        match history {
            HistoryChange::Append(chunk) => row.chunks.push(chunk),
            HistoryChange::Clear => row.chunks.clear(),
            HistoryChange::Rewrite(rewrite) => row.chunks = rewrite.chunks,
            HistoryChange::Keep => {}
        }
        row.record.turn = turn;
        row.record.status = update.status;
        row.record.updated_at = update.updated_at;
        let before = row.record.completed_at.filter(|_| !update.reopens);
        row.record.completed_at = update.completed_at.or(before);
        if let Some(custom_status) = update.custom_status {
            row.custom_status = custom_status;
        }
        if let Some(execution) = update.execution {
            row.record.execution_id = execution.execution_id;
            row.record.version = execution.version;
        }
        let (id, status) = (row.record.id.clone(), row.record.status);
        if status.is_terminal() {
            self.parked.remove(&key);
        }
        let mut effects = self.drop_pending(key, pending);
        for child in children {
            match (self.find(&child.instance.id), child.otherwise) {
                (None, _) => effects.extend(self.create(child.instance).1),
                (Some(_), Some(otherwise)) => effects.push(self.deliver(key, status, otherwise)),
                (Some(_), None) => {}
            }
        }
        for work in activities {
            effects.push(self.schedule(key, work));
        }
        let (then, rest) = self.change_entity(key, entity);
        for Outgoing { to, message } in outbox.into_iter().chain(then) {
            if let Some((to, status)) = self.recipient(key, status, to, update.updated_at) {
                effects.push(self.deliver(to, status, message));
            }
        }
        effects.push(Effect::Changed { hub, id, key, status, turn });
        effects.extend(self.conclude(key, rest));
        Some(effects)
    }

    fn drop_pending(&mut self, key: InstanceKey, pending: Pending) -> Vec<Effect> {
        let inbox = self.rows.get_mut(&key).map(|row| &mut row.inbox);
        match (pending, inbox) {
            (Pending::Keep, _) | (_, None) => return Vec::new(),
            (Pending::DropDetached, _) => {
                self.activities.retain(|of, _| of.instance != key);
                return vec![Effect::Reopened { key }];
            }
            (Pending::DropExecution, Some(inbox)) => {
                inbox.retain(|_, message| message.class != Class::Result);
            }
            (Pending::DropAll, Some(inbox)) => inbox.clear(),
        }
        self.activities.retain(|of, task| of.instance != key || task.detached);
        self.release_all(key)
    }

    fn schedule(&mut self, key: InstanceKey, work: NewActivity) -> Effect {
        let InstanceRef { hub, id, .. } = self.rows[&key].record.reference();
        let task = ActivityTask {
            key: ActivityKey { instance: key, number: self.number() },
            hub,
            instance: id,
            name: work.name,
            version: work.version,
            task_id: work.request.task_id,
            detached: work.detached,
            request: work.request.encode_to_vec().into(),
        };
        self.activities.insert(task.key, task.clone());
        Effect::Activity(task)
    }

    /// Whose inbox that is, with the status that the effect tells; `None`: nobody's.
    fn recipient(
        &mut self,
        myself: InstanceKey,
        status: Status,
        to: Recipient,
        now: Timestamp,
    ) -> Option<(InstanceKey, Status)> {
        let found = match to {
            Recipient::Myself => return Some((myself, status)),
            Recipient::Entity(id) if id.id() == &self.rows[&myself].record.id => {
                return Some((myself, status));
            }
            Recipient::Entity(id) => Some(self.find_or_make(&id, now)),
            Recipient::Instance(id) => self.find(&id),
            Recipient::Execution(id, execution) => {
                self.find(&id).filter(|(key, _)| self.rows[key].record.execution_id == execution)
            }
            Recipient::ChildOf { .. } => panic!("orchestrations of these tests have no children"),
        };
        found.filter(|(_, status)| !status.is_terminal())
    }

    /// Who holds the id.
    pub fn find(&self, id: &InstanceId) -> Option<(InstanceKey, Status)> {
        self.rows.values().find(|row| row.record.id == *id).map(|row| (row.record.key, row.record.status))
    }

    pub fn complete(&mut self, activity: ActivityKey, result: NewMessage) -> Vec<Effect> {
        match self.activities.remove(&activity) {
            Some(task) if !task.detached => self.append(activity.instance, result),
            _ => Vec::new(),
        }
    }

    /// Removes an instance with all it has.
    pub fn purge(&mut self, key: InstanceKey) -> Vec<Effect> {
        if !self.rows.contains_key(&key) {
            return Vec::new();
        }
        let mut effects = self.release_all(key);
        self.locks.remove(&key);
        self.activities.retain(|of, _| of.instance != key);
        self.parked.remove(&key);
        let gone = self.rows.remove(&key);
        effects.extend(gone.map(|row| Effect::Gone { hub: row.record.hub, id: row.record.id, key }));
        effects
    }

    pub fn read(&self, key: InstanceKey) -> Result<Read, ReadError> {
        let row = self.rows.get(&key).ok_or(ReadError::Gone)?;
        if self.torn.contains(&key) {
            let inbox = Legible { messages: row.inbox.values().cloned().collect(), illegible: Vec::new() };
            let outline =
                Outline { record: row.record.clone(), inbox, parked: self.parked.get(&key).cloned() };
            return Err(ReadError::Unusable("torn".into(), Box::new(outline)));
        }
        let state = match self.entity(key) {
            Some(entity) => State::Entity(Box::new(entity)),
            None => State::Orchestration(Box::new(row.execution())),
        };
        let inbox: Vec<_> = row.inbox.values().cloned().collect();
        Ok(Read { state, history: row.chunks.clone(), inbox, parked: self.parked.contains_key(&key) })
    }

    /// Only what lives is parked.
    pub fn park(&mut self, key: InstanceKey, parking: Parking) {
        if self.rows.get(&key).is_some_and(|row| !row.record.status.is_terminal()) {
            self.parked.insert(key, parking);
        }
    }

    /// What an operator does with a parked instance; `order`: it is discarded.
    pub fn unpark(&mut self, key: InstanceKey, order: Option<NewMessage>) -> Vec<Effect> {
        assert!(self.parked.remove(&key).is_some(), "nothing is parked");
        let (instance, status) = self.route(key).expect("what is parked is there");
        let delivered = order.map(|order| self.deliver(key, status, order));
        std::iter::once(Effect::Unparked { instance, status }).chain(delivered).collect()
    }

    pub fn route(&self, key: InstanceKey) -> Option<(InstanceRef, Status)> {
        self.rows.get(&key).map(|row| (row.record.reference(), row.record.status))
    }
}
