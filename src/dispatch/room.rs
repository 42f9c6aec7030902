//! Dispatch over a store in memory, at a time that stands still while there is something to do.

use super::{Dispatch, EntityNames, Insight as _, Longest, Names, Offer, Seat, Serves, Settings, Waiters};
use crate::{
    clock::Clock,
    model::{
        Chunk, HistoryChange, HubId, HubName, NewActivity, StatusSet, Timestamp, event,
        pb::{self, history_event::EventType},
    },
    store::{
        Created, Store,
        conformance::{fixture, new_instance},
        faulty::{Fate, FaultyStore, Script, Told},
        sqlite::SqliteStore,
    },
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc::unbounded_channel, time::Instant};

/// How long everything takes that has a setting.
pub const PAUSE: Duration = Duration::from_secs(60);

/// Tells tokio's time, which stands still while there is something to do.
struct Sundial(Instant);

impl Clock for Sundial {
    fn now(&self) -> Timestamp {
        fixture::NOW.plus(self.0.elapsed())
    }
}

/// Counts looks of the watchdog.
#[derive(Default)]
struct Looks(AtomicU64);

impl Script for Looks {
    fn fate(&self, call: &'static str) -> Fate {
        self.0.fetch_add(u64::from(call == "lost_tasks"), Ordering::Relaxed);
        Fate::Done
    }
}

/// Dispatch, its store, and what passes between them.
pub struct Room {
    pub dispatch: Dispatch,
    pub store: Arc<dyn Store>,
    /// Of these effects dispatch has not heard.
    pub told: Told,
    pub inner: Arc<SqliteStore>,
    looks: Arc<Looks>,
    pub hub: HubId,
}

impl Room {
    pub async fn new() -> Self {
        let (effects, told) = unbounded_channel();
        let inner = Arc::new(SqliteStore::here(effects).unwrap());
        let looks = Arc::new(Looks::default());
        let (effects, arriving) = unbounded_channel();
        let told = Arc::new(Mutex::new(told));
        let store: Arc<dyn Store> =
            Arc::new(FaultyStore::new(inner.clone(), told.clone(), effects, looks.clone()));
        let settings = Settings {
            cache_bytes: 0,
            window: 10,
            window_bytes: 1 << 20,
            payload_bytes: 1 << 20,
            work_item_bytes: 1 << 20,
            history: Longest { events: 0, bytes: 0 },
            max_backoff: PAUSE,
            activity_deliveries: 0,
            turn_deliveries: 0,
            concurrency: Vec::new(),
            turn_lease: PAUSE,
            activity_lease: PAUSE,
            watchdog: PAUSE,
        };
        let clock = Arc::new(Sundial(Instant::now()));
        let waiters = Arc::new(Waiters::default());
        let dispatch = Dispatch::start(store.clone(), arriving, clock, waiters, settings);
        let hub = store.hub_ensure(HubName::parse("default").unwrap()).await.unwrap();
        Self { dispatch, store, told, inner, looks, hub }
    }

    /// An instance that waits for an activity that is nowhere.
    pub async fn lose(&self, id: &str) {
        self.waiting_for(&*self.store, id, Vec::new()).await;
    }

    /// An instance that waits for an activity, with these queued.
    pub async fn waiting_for(&self, store: &dyn Store, id: &str, activities: Vec<NewActivity>) {
        let created = store.instance_create(new_instance(self.hub, id), StatusSet::NONE.into()).await;
        let Ok(Created::New(key)) = created else { panic!("{created:?}") };
        let inbox = store.instance_load(key).await.unwrap().unwrap().inbox;
        let mut turn = fixture::turn(self.hub, key, 1);
        turn.activities = activities;
        turn.consumed = inbox.iter().map(|message| message.id).collect();
        let task = EventType::TaskScheduled(pb::TaskScheduledEvent::default());
        turn.history = HistoryChange::Append(Chunk::encode(0, vec![event::with_id(1, fixture::NOW, task)]));
        store.turn_commit(turn).await.unwrap();
    }

    /// What the store itself has told until now is never heard.
    pub fn deafen(&self) {
        while self.told.lock().unwrap().try_recv().is_ok() {}
    }

    pub fn join(&self, names: &[&str]) -> Seat {
        let names: Names = names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect();
        let entities = EntityNames::These(HashSet::new());
        self.dispatch.join(Offer {
            label: "w".into(),
            hub: None,
            serves: Serves::Named { orchestrations: names.clone(), activities: names, entities },
            embedded: false,
            fetches_history: false,
            max_turns: 9,
            max_activities: 9,
            max_batches: 9,
        })
    }

    /// How often was looked, after so many pauses.
    pub async fn looks_after(&self, pauses: u32) -> u64 {
        tokio::time::sleep(PAUSE * pauses + Duration::from_secs(1)).await;
        self.looks.0.load(Ordering::Relaxed)
    }

    pub fn lost(&self) -> Vec<(&'static str, u64)> {
        self.dispatch.watch().lost.iter().map(|lost| (lost.kind, lost.count)).collect()
    }
}
