//! What the cases are written in: a store under test, and short ways to make instances, turns and messages.

use crate::{
    model::{
        Chunk, Class, Commit, Effect, HubId, HubName, InstanceId, InstanceKey, MessageId, NewActivity,
        NewInstance, NewMessage, Outgoing, Pending, Recipient, Status, StatusSet, Timestamp, event, pb,
    },
    store::{
        Created, EffectSender, Error, Loaded, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Opens the backend's data, the same each time.
pub type Open = Box<dyn Fn(EffectSender) -> BoxFuture<'static, Result<Arc<dyn Store>, Error>> + Send>;

/// A store under test, with an empty hub.
pub struct StoreTest {
    pub store: Arc<dyn Store>,
    pub hub: HubId,
    effects: UnboundedReceiver<Vec<Effect>>,
    open: Open,
}

/// When everything happens, unless a case says otherwise.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000_001);

impl StoreTest {
    /// Opens a fresh store.
    pub async fn new(open: Open) -> Self {
        let (sender, effects) = unbounded_channel();
        let store = open(sender).await.unwrap();
        let hub = store.hub_ensure(HubName::parse("default").unwrap()).await.unwrap();
        Self { store, hub, effects, open }
    }

    /// Drops the store and opens its data again. What the old one had in flight is finished first.
    pub async fn reopen(&mut self) {
        let (sender, effects) = unbounded_channel();
        // Nobody may hold the old one when the new one opens, so its place is kept by one in memory.
        let placeholder = SqliteStore::open(SqliteOptions::memory(), unbounded_channel().0).unwrap();
        let old = std::mem::replace(&mut self.store, Arc::new(placeholder));
        assert_eq!(Arc::strong_count(&old), 1);
        drop(old);
        self.store = (self.open)(sender).await.unwrap();
        self.effects = effects;
    }

    /// The effects sent so far and not asked for yet.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.effects.try_recv().ok()).flatten().collect()
    }

    /// An instance called `id`, to be made in the hub under test.
    pub fn new_instance(&self, id: &str) -> NewInstance {
        new_instance(self.hub, id)
    }

    /// Creates an instance.
    pub async fn create(&self, id: &str) -> InstanceKey {
        self.create_as(self.new_instance(id)).await
    }

    /// Creates an instance that must be new.
    pub async fn create_as(&self, new: NewInstance) -> InstanceKey {
        match self.store.instance_create(new, StatusSet::NONE.into()).await.unwrap() {
            Created::New(key) => key,
            other => panic!("{other:?}"),
        }
    }

    /// Creates an instance and ends it.
    pub async fn create_ended(&self, id: &str) -> InstanceKey {
        self.create_ended_as(id, Status::Completed, NOW, NOW).await
    }

    /// Creates an instance at one time and ends it at another.
    pub async fn create_ended_as(
        &self,
        id: &str,
        status: Status,
        created: Timestamp,
        completed: Timestamp,
    ) -> InstanceKey {
        let key = self.create_as(NewInstance { created_at: created, ..self.new_instance(id) }).await;
        let mut end = self.turn(key, 1);
        end.update.status = status;
        end.update.completed_at = Some(completed);
        end.pending = Pending::DropAll;
        self.store.turn_commit(end).await.unwrap();
        key
    }

    /// A turn that changes nothing but the status, to Running.
    pub fn turn(&self, key: InstanceKey, turn_number: i64) -> Commit {
        turn(self.hub, key, turn_number)
    }

    /// All that is known of an instance that must exist.
    pub async fn load(&self, key: InstanceKey) -> Loaded {
        self.store.instance_load(key).await.unwrap().expect("the instance exists")
    }

    /// The names of the events in an inbox, `start` for a start message.
    pub async fn inbox(&self, key: InstanceKey) -> Vec<String> {
        self.load(key).await.inbox.iter().map(|message| text(&message.events)).collect()
    }

    /// The ids of the messages in an inbox.
    pub async fn inbox_ids(&self, key: InstanceKey) -> Vec<MessageId> {
        self.load(key).await.inbox.iter().map(|message| message.id).collect()
    }

    /// Puts a message into the inbox of `id`, which must be live.
    pub async fn append(&self, id: &str, message: NewMessage) {
        let answer = self.store.message_append(self.hub, InstanceId::lookup(id), message).await.unwrap();
        assert!(matches!(answer, crate::store::Appended::To(_)), "{answer:?}");
    }
}

/// An instance of `Orchestrator`, with execution id `<id>-1`.
pub fn new_instance(hub: HubId, id: &str) -> NewInstance {
    NewInstance {
        hub,
        id: InstanceId::lookup(id),
        created_at: NOW,
        start_at: None,
        started: pb::ExecutionStartedEvent {
            name: "Orchestrator".into(),
            orchestration_instance: Some(pb::OrchestrationInstance {
                instance_id: id.into(),
                execution_id: Some(format!("{id}-1")),
            }),
            ..Default::default()
        },
    }
}

/// The same as a child of action 7 of execution `<parent>-1` of `parent`.
pub fn new_child(hub: HubId, id: &str, parent: &str) -> NewInstance {
    let mut new = new_instance(hub, id);
    new.started.parent_instance = Some(pb::ParentInstanceInfo {
        task_scheduled_id: 7,
        orchestration_instance: Some(pb::OrchestrationInstance {
            instance_id: parent.into(),
            execution_id: Some(format!("{parent}-1")),
        }),
        ..Default::default()
    });
    new
}

/// A turn that changes nothing but the status, to Running.
pub fn turn(hub: HubId, key: InstanceKey, turn: i64) -> Commit {
    Commit::blank(hub, key, turn, Status::Running, Timestamp(NOW.0 + turn))
}

/// A message of `class` whose one event is called `name`.
pub fn message(class: Class, name: &str) -> NewMessage {
    NewMessage::now(class, event::event_raised(NOW, name.into(), None))
}

/// The same, not to be delivered before `due`.
pub fn message_at(class: Class, name: &str, due: Timestamp) -> NewMessage {
    NewMessage { due: Some(due), ..message(class, name) }
}

/// A message in an outbox.
pub fn outgoing(to: Recipient, name: &str) -> Outgoing {
    Outgoing { to, message: message(Class::Event, name) }
}

/// An activity under action `task_id`.
pub fn activity(task_id: i32) -> NewActivity {
    let request = pb::ActivityRequest { name: "Charge".into(), task_id, ..Default::default() };
    NewActivity { name: "Charge".into(), version: Some("2".into()), detached: false, request }
}

/// A chunk of one event.
pub fn chunk(first: i64, name: &str) -> Chunk {
    Chunk::encode(first, vec![event::event_raised(NOW, name.into(), None)])
}

/// The names of the raised events, `start` for the start of an execution.
pub fn text(events: &[pb::HistoryEvent]) -> String {
    let name = |event: &pb::HistoryEvent| match &event.event_type {
        Some(pb::history_event::EventType::EventRaised(raised)) => raised.name.clone(),
        Some(pb::history_event::EventType::ExecutionStarted(_)) => "start".into(),
        other => format!("{other:?}"),
    };
    events.iter().map(name).collect::<Vec<_>>().join("+")
}

/// The effects in short: `Gone a`, `Message a start Pending`, `Activity a 3`, `Changed a Running`.
pub fn short(effects: &[Effect]) -> Vec<String> {
    let line = |effect: &Effect| match effect {
        Effect::Gone { id, .. } => format!("Gone {id}"),
        Effect::Message { to, status, message } => {
            format!("Message {} {} {status:?}", to.id, text(&message.events))
        }
        Effect::Activity(task) => format!("Activity {} {}", task.instance, task.task_id),
        Effect::Reopened { .. } => "Reopened".to_owned(),
        Effect::Unlocked { entity, lock } => format!("Unlocked {} {}", entity.id, lock.section),
        Effect::Altered { entity } => format!("Altered {}", entity.id),
        Effect::Unparked { instance, status } => format!("Unparked {} {status:?}", instance.id),
        Effect::Changed { id, status, .. } => format!("Changed {id} {status:?}"),
    };
    effects.iter().map(line).collect()
}
