//! What a store would hold, and the effects it would tell. Notices when anything is committed or consumed twice.

use crate::{
    dispatch::{
        board::{Read, ReadError},
        slot::State,
    },
    engine::Execution,
    model::{
        ActivityKey, ActivityTask, Chunk, Commit, Effect, HistoryChange, InstanceKey, InstanceRecord,
        InstanceRef, Message, MessageId, NewInstance, NewMessage, Outgoing, Pending, Recipient, Status,
        StatusExt as _,
    },
};
use prost::Message as _;
use std::collections::BTreeMap;

/// One instance with all it has.
pub struct Row {
    pub record: InstanceRecord,
    pub custom_status: Option<String>,
    pub chunks: Vec<Chunk>,
    pub inbox: BTreeMap<MessageId, Message>,
}

#[derive(Default)]
pub struct Mirror {
    pub rows: BTreeMap<InstanceKey, Row>,
    pub activities: BTreeMap<ActivityKey, ActivityTask>,
    numbers: i64,
}

impl Mirror {
    fn number(&mut self) -> i64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn create(&mut self, new: NewInstance) -> (InstanceKey, Vec<Effect>) {
        let key = InstanceKey(self.number());
        let record = new.record(key);
        let row = Row { record, custom_status: None, chunks: Vec::new(), inbox: BTreeMap::new() };
        self.rows.insert(key, row);
        let mut effects = self.append(key, new.start_message());
        effects.push(Effect::Changed { hub: new.hub, id: new.id, key, status: Status::Pending, turn: 0 });
        (key, effects)
    }

    /// Nothing happens to an instance that is gone or has ended.
    pub fn append(&mut self, key: InstanceKey, message: NewMessage) -> Vec<Effect> {
        let id = MessageId(self.number());
        let Some(row) = self.rows.get_mut(&key).filter(|row| !row.record.status.is_terminal()) else {
            return Vec::new();
        };
        let NewMessage { class, due, events } = message;
        let message = Message { id, class, due, events };
        row.inbox.insert(id, message.clone());
        vec![Effect::Message { to: row.record.reference(), status: row.record.status, message }]
    }

    pub fn commit(&mut self, commit: Commit) -> Vec<Effect> {
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
        assert!(children.is_empty() && entity.is_none(), "these tests have no children and no entities");
        let row = self.rows.get_mut(&key).expect("a commit for an instance that is there");
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
        let before = row.record.completed_at.filter(|_| !update.reopens);
        row.record.completed_at = update.completed_at.or(before);
        if let Some(custom_status) = update.custom_status {
            row.custom_status = custom_status;
        }
        if let Some(execution) = update.execution {
            row.record.execution_id = execution.execution_id;
            row.record.version = execution.version;
        }
        match pending {
            Pending::Keep | Pending::DropDetached => {}
            Pending::DropExecution => {
                row.inbox.retain(|_, message| message.class != crate::model::Class::Result);
            }
            Pending::DropAll => row.inbox.clear(),
        }
        let (id, status) = (row.record.id.clone(), row.record.status);
        let mut effects = Vec::new();
        match pending {
            Pending::Keep => {}
            Pending::DropExecution | Pending::DropAll => {
                self.activities.retain(|of, task| of.instance != key || task.detached);
            }
            Pending::DropDetached => {
                self.activities.retain(|of, _| of.instance != key);
                effects.push(Effect::Reopened { key });
            }
        }
        for work in activities {
            let task = ActivityTask {
                key: ActivityKey { instance: key, number: self.number() },
                hub,
                instance: id.clone(),
                name: work.name,
                version: work.version,
                task_id: work.request.task_id,
                detached: work.detached,
                request: work.request.encode_to_vec().into(),
            };
            self.activities.insert(task.key, task.clone());
            effects.push(Effect::Activity(task));
        }
        for Outgoing { to, message } in outbox {
            if to == Recipient::Myself {
                effects.extend(self.append(key, message));
            }
        }
        effects.push(Effect::Changed { hub, id, key, status, turn });
        effects
    }

    pub fn complete(&mut self, activity: ActivityKey, result: NewMessage) -> Vec<Effect> {
        match self.activities.remove(&activity) {
            Some(task) if !task.detached => self.append(activity.instance, result),
            _ => Vec::new(),
        }
    }

    pub fn purge(&mut self, key: InstanceKey) -> Vec<Effect> {
        let Some(row) = self.rows.remove(&key) else { return Vec::new() };
        self.activities.retain(|of, _| of.instance != key);
        vec![Effect::Gone { hub: row.record.hub, id: row.record.id, key }]
    }

    pub fn read(&self, key: InstanceKey) -> Result<Read, ReadError> {
        let row = self.rows.get(&key).ok_or(ReadError::Gone)?;
        let execution = Execution::read(row.record.clone(), row.custom_status.clone(), &row.chunks).unwrap();
        let state = State::Orchestration(Box::new(execution));
        Ok(Read { state, history: row.chunks.clone(), inbox: row.inbox.values().cloned().collect() })
    }

    pub fn route(&self, key: InstanceKey) -> Option<(InstanceRef, Status)> {
        self.rows.get(&key).map(|row| (row.record.reference(), row.record.status))
    }
}
