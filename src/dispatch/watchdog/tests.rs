use super::*;
use crate::{
    clock::Clock,
    dispatch::{EntityNames, Insight as _, Names, Offer, Seat, Serves, Settings, Waiters, WorkItem},
    model::{
        Chunk, HistoryChange, HubId, HubName, NewActivity, StatusSet, event,
        pb::{self, history_event::EventType},
    },
    store::{
        Created, Store,
        conformance::{fixture, new_instance},
        faulty::{Fate, FaultyStore, Script, Told},
        sqlite::SqliteStore,
    },
};
use std::{collections::HashSet, sync::Arc};
use tokio::sync::mpsc::unbounded_channel;

const PAUSE: Duration = Duration::from_secs(60);

/// Tells tokio's time, which stands still while there is something to do.
struct Sundial(Instant);

impl Clock for Sundial {
    fn now(&self) -> Timestamp {
        fixture::NOW.plus(self.0.elapsed())
    }
}

/// Counts looks.
#[derive(Default)]
struct Looks(AtomicU64);

impl Script for Looks {
    fn fate(&self, call: &'static str) -> Fate {
        self.0.fetch_add(u64::from(call == "lost_tasks"), Ordering::Relaxed);
        Fate::Done
    }
}

struct Room {
    dispatch: Dispatch,
    store: Arc<dyn Store>,
    /// Of these effects dispatch has not heard.
    told: Told,
    inner: Arc<SqliteStore>,
    looks: Arc<Looks>,
    hub: HubId,
}

impl Room {
    async fn new() -> Self {
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
            history: crate::dispatch::Longest { events: 0, bytes: 0 },
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
    async fn lose(&self, id: &str) {
        self.waiting_for(&*self.store, id, Vec::new()).await;
    }

    /// An instance that waits for an activity, with these queued.
    async fn waiting_for(&self, store: &dyn Store, id: &str, activities: Vec<NewActivity>) {
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
    fn deafen(&self) {
        while self.told.lock().unwrap().try_recv().is_ok() {}
    }

    fn join(&self, names: &[&str]) -> Seat {
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
    async fn looks_after(&self, pauses: u32) -> u64 {
        tokio::time::sleep(PAUSE * pauses + Duration::from_secs(1)).await;
        self.looks.0.load(Ordering::Relaxed)
    }

    fn lost(&self) -> Vec<(&'static str, u64)> {
        self.dispatch.watch().lost.iter().map(|lost| (lost.kind, lost.count)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_overlooked_is_taken_up_and_what_waits_for_a_worker_is_not_called_so() {
    let room = Room::new().await;
    // What was there at the start is found by itself.
    room.looks_after(3).await;
    // Nobody serves it, and the board knows.
    room.store.instance_create(new_instance(room.hub, "known"), StatusSet::NONE.into()).await.unwrap();
    // Of this one nobody hears.
    let mut lost = new_instance(room.hub, "overlooked");
    "Served".clone_into(&mut lost.started.name);
    room.inner.instance_create(lost, StatusSet::NONE.into()).await.unwrap();
    room.deafen();
    let mut seat = room.join(&["Served"]);
    tokio::time::sleep(PAUSE / 2).await;
    assert!(seat.items.try_recv().is_err(), "nobody knows of it");
    room.looks_after(10).await;
    let WorkItem::Turn(turn) = seat.items.try_recv().unwrap() else { panic!("no turn") };
    assert_eq!(turn.instance.id.as_str(), "overlooked");
    assert_eq!(room.dispatch.watch().taken_up, 1);
    room.store.instance_create(new_instance(room.hub, "another"), StatusSet::NONE.into()).await.unwrap();
    room.looks_after(10).await;
    assert_eq!(room.dispatch.watch().taken_up, 1, "what is held or waits is known");
}

#[tokio::test(start_paused = true)]
async fn an_activity_that_was_overlooked_is_taken_up_once() {
    let room = Room::new().await;
    room.looks_after(3).await;
    room.waiting_for(&*room.inner, "a", vec![fixture::activity(1)]).await;
    room.deafen();
    let mut seat = room.join(&["Charge"]);
    tokio::time::sleep(PAUSE / 2).await;
    assert!(seat.items.try_recv().is_err(), "nobody knows of it");
    // Another one, of which word comes: that there is something new makes the watchdog look.
    room.waiting_for(&*room.store, "b", vec![fixture::activity(1)]).await;
    // One that is held for too long comes again.
    let mut taken = || {
        std::iter::from_fn(|| seat.items.try_recv().ok())
            .map(|item| match item {
                WorkItem::Activity(item) => item.task.instance.to_string(),
                other => panic!("{other:?}"),
            })
            .collect::<HashSet<_>>()
    };
    room.looks_after(1).await;
    assert_eq!(taken(), HashSet::from(["b".to_owned()]));
    room.looks_after(10).await;
    assert_eq!(taken(), HashSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(room.dispatch.watch().taken_up, 1, "what is held is known");
    assert_eq!(room.lost(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_found_when_it_has_not_moved_for_a_while_and_an_idle_server_does_not_look() {
    let room = Room::new().await;
    let first = room.looks_after(20).await;
    assert!(first > 0, "at what was there from before");
    assert_eq!(room.looks_after(20).await, first, "nothing was stored");
    room.lose("a").await;
    room.lose("b").await;
    assert_eq!(room.lost(), []);
    let looks = room.looks_after(5).await;
    assert_eq!(room.lost(), [("activity", 2)]);
    assert!(looks > first);
    assert_eq!(room.looks_after(20).await, looks);
    room.lose("c").await;
    assert!(room.looks_after(5).await > looks);
    assert_eq!(room.lost(), [("activity", 3)]);
}
