//! Files that hold much of one thing, written through the store as a server would have written it.

use durahub::{
    clock::{Clock as _, SystemClock},
    model::{
        Chunk, Class, Commit, HistoryChange, HubId, HubName, InstanceId, NewActivity, NewInstance,
        NewMessage, Outgoing, Pending, Recipient, Status, StatusSet, Timestamp, event,
        pb::{self, history_event::EventType},
    },
    store::{
        Created, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How many are written at a time.
const LANES: usize = 256;
const INPUT_BYTES: usize = 1_000;

/// What there is much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// Instances that have ended.
    Finished,
    /// Instances that are suspended, each with an event that waits until it is resumed.
    Suspended,
    /// Instances that wait for a timer of tomorrow.
    Timers,
    /// Activities that no worker serves, with 1,000 bytes of input.
    Activities,
    /// Started instances that no worker serves, with 1,000 bytes of input.
    Starts,
}

impl Backlog {
    pub const ALL: [Self; 5] =
        [Self::Finished, Self::Suspended, Self::Timers, Self::Activities, Self::Starts];

    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Suspended => "suspended",
            Self::Timers => "timers",
            Self::Activities => "activities",
            Self::Starts => "starts",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Finished => "finished instances",
            Self::Suspended => "suspended instances",
            Self::Timers => "timers of tomorrow",
            Self::Activities => "activities nobody serves",
            Self::Starts => "starts nobody serves",
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of instances")]
    pub fn count(self, scale: f64) -> u64 {
        let whole = match self {
            Self::Finished | Self::Suspended => 1_000_000.0,
            Self::Timers | Self::Activities | Self::Starts => 100_000.0,
        };
        (whole * scale) as u64
    }

    /// Makes the file.
    pub async fn fill(self, file: &Path, count: u64) {
        // A file that is cut short is made again.
        let options = SqliteOptions { synchronous_full: false, ..SqliteOptions::file(file) };
        let (effects, _) = tokio::sync::mpsc::unbounded_channel();
        let store = Arc::new(SqliteStore::open(options, effects).unwrap());
        let hub = store.hub_ensure(HubName::parse("default").unwrap()).await.unwrap();
        let next = Arc::new(AtomicU64::new(0));
        let mut lanes = tokio::task::JoinSet::new();
        for _ in 0..LANES {
            let (store, next) = (store.clone(), next.clone());
            lanes.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    self.write(&*store, hub, number).await;
                }
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane.unwrap();
        }
        store.close().await.unwrap();
    }

    async fn write(self, store: &dyn Store, hub: HubId, number: u64) {
        let now = SystemClock.now();
        let started = pb::ExecutionStartedEvent {
            name: format!("Backlog.{}", self.name()),
            orchestration_instance: Some(pb::OrchestrationInstance {
                instance_id: format!("{number:07}"),
                execution_id: Some(format!("{number:032x}")),
            }),
            input: Some(format!("\"{}\"", "x".repeat(INPUT_BYTES))),
            ..pb::ExecutionStartedEvent::default()
        };
        let id = InstanceId::lookup(format!("{number:07}"));
        let new =
            NewInstance { hub, id: id.clone(), created_at: now, start_at: None, started: started.clone() };
        let Created::New(key) = store.instance_create(new, StatusSet::NONE.into()).await.unwrap() else {
            panic!("{id} is there already");
        };
        if self == Self::Starts {
            return;
        }
        let mut events = vec![
            event::orchestrator_started(now),
            event::server_event(now, EventType::ExecutionStarted(started)),
        ];
        let mut commit = Commit::blank(hub, key, 1, Status::Running, now);
        let inbox = store.instance_load(key).await.unwrap().unwrap().inbox;
        commit.consumed = inbox.iter().map(|message| message.id).collect();
        match self {
            Self::Finished => {
                commit.update.status = Status::Completed;
                commit.update.completed_at = Some(now);
                commit.update.output = Some("1".into());
                commit.pending = Pending::DropAll;
                events.push(event::execution_completed(-1, now, Status::Completed, Some("1".into()), None));
            }
            Self::Suspended => {
                commit.update.status = Status::Suspended;
                events.push(event::execution_suspended(now, None));
                commit
                    .outbox
                    .push(own(NewMessage::now(Class::Event, event::event_raised(now, "Go".into(), None))));
            }
            Self::Timers => {
                let tomorrow = now.plus(Duration::from_secs(86_400));
                let created = pb::TimerCreatedEvent { fire_at: Some(tomorrow.to_wire()) };
                events.push(event::with_id(1, now, EventType::TimerCreated(created)));
                commit.outbox.push(own(timer(now, tomorrow)));
            }
            Self::Activities => commit.activities.push(activity(id.as_str())),
            Self::Starts => {}
        }
        events.push(event::orchestrator_completed(now));
        commit.history = HistoryChange::Append(Chunk::encode(0, events));
        store.turn_commit(commit).await.unwrap();
    }
}

fn own(message: NewMessage) -> Outgoing {
    Outgoing { to: Recipient::Myself, message }
}

fn timer(now: Timestamp, due: Timestamp) -> NewMessage {
    let fired = pb::TimerFiredEvent { fire_at: Some(due.to_wire()), timer_id: 1 };
    NewMessage {
        due: Some(due),
        ..NewMessage::now(Class::Result, event::server_event(now, EventType::TimerFired(fired)))
    }
}

fn activity(instance: &str) -> NewActivity {
    let request = pb::ActivityRequest {
        name: "Backlog.Activity".into(),
        input: Some(format!("\"{}\"", "x".repeat(INPUT_BYTES))),
        orchestration_instance: Some(pb::OrchestrationInstance {
            instance_id: instance.to_owned(),
            execution_id: None,
        }),
        task_id: 1,
        ..pb::ActivityRequest::default()
    };
    NewActivity { name: request.name.as_str().into(), version: None, detached: false, request }
}
