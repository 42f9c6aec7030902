//! Passes and the sleep in between, over a store that counts what it is asked, with a clock that is moved by hand.

use super::{
    super::{Hubs, Limits, Manager},
    RetentionPlan, run,
};
use crate::{
    clock::{Clock as _, ManualClock},
    dispatch::Waiters,
    model::{
        Effect, HubId, HubName, InstanceId, InstanceKey, NewExecution, NewInstance, Pending, Status,
        StatusSet, Timestamp,
    },
    store::{
        Created, EffectSender, Error, Store,
        conformance::fixture::{new_child, new_instance, turn},
        faulty::{Fate, FaultyStore, Script},
        sqlite::SqliteStore,
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::unbounded_channel;

const BEGIN: Timestamp = Timestamp(1_700_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// What the store was asked, and which calls are to fail.
#[derive(Default)]
struct Asked {
    calls: Mutex<HashMap<&'static str, usize>>,
    failing: Mutex<Option<&'static str>>,
}

impl Script for Asked {
    fn fate(&self, call: &'static str) -> Fate {
        *self.calls.lock().unwrap().entry(call).or_default() += 1;
        match *self.failing.lock().unwrap() {
            Some(failing) if failing == call => Fate::FailsBefore(Error::Busy("locked".into())),
            _ => Fate::Done,
        }
    }
}

struct World {
    manager: Manager,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    asked: Arc<Asked>,
    hub: HubId,
}

/// As dispatch does.
fn listening(waiters: &Arc<Waiters>) -> EffectSender {
    let (effects, mut told) = unbounded_channel::<Vec<Effect>>();
    let waiters = waiters.clone();
    tokio::spawn(async move {
        while let Some(group) = told.recv().await {
            for effect in group {
                match effect {
                    Effect::Changed { hub, id, status, .. } => waiters.tell(hub, &id, Some(status)),
                    Effect::Gone { hub, id, .. } => waiters.tell(hub, &id, None),
                    _ => {}
                }
            }
        }
    });
    effects
}

impl World {
    async fn new(rules: &[&str]) -> Self {
        let waiters = Arc::new(Waiters::default());
        let (first, told) = unbounded_channel();
        let below: Arc<dyn Store> = Arc::new(SqliteStore::here(first).unwrap());
        let asked = Arc::new(Asked::default());
        let told = Arc::new(Mutex::new(told));
        let store: Arc<dyn Store> =
            Arc::new(FaultyStore::new(below, told, listening(&waiters), asked.clone()));
        let clock = Arc::new(ManualClock::at(BEGIN));
        let name = |name: &str| HubName::parse(name).unwrap();
        let hubs = Hubs::open(&*store, &[name("default"), name("other")], false).await.unwrap();
        let hub = hubs.find(None).unwrap();
        let limits = Limits { payload_bytes: 1 << 20, idempotency: HOUR };
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let plan = RetentionPlan { rules, every: Duration::from_secs(60), per_second: 100_000 };
        let manager =
            Manager::new(store.clone(), waiters, clock.clone(), Arc::new(hubs), limits).retaining(plan);
        Self { manager, store, clock, asked, hub }
    }

    async fn create(&self, new: NewInstance) -> InstanceKey {
        match self.store.instance_create(new, StatusSet::NONE.into()).await.unwrap() {
            Created::New(key) => key,
            other => panic!("{other:?}"),
        }
    }

    /// Ends it now, with its first turn.
    async fn end(&self, key: InstanceKey, status: Status) {
        let mut end = turn(self.hub, key, 1);
        end.update.status = status;
        end.update.completed_at = Some(self.clock.now());
        end.pending = Pending::DropAll;
        self.store.turn_commit(end).await.unwrap();
    }

    async fn ended(&self, id: &str, tag: Option<&str>) -> InstanceKey {
        self.ended_as(new_instance(self.hub, id), tag).await
    }

    async fn ended_child(&self, id: &str, parent: &str, tag: Option<&str>) -> InstanceKey {
        self.ended_as(new_child(self.hub, id, parent), tag).await
    }

    async fn ended_as(&self, mut new: NewInstance, tag: Option<&str>) -> InstanceKey {
        new.started.tags.extend(tag.map(|tag| (tag.to_owned(), String::new())));
        let key = self.create(new).await;
        self.end(key, Status::Completed).await;
        key
    }

    async fn is_there(&self, id: &str) -> bool {
        self.store.instance_get(self.hub, InstanceId::lookup(id), false).await.unwrap().is_some()
    }

    async fn left(&self, ids: &[&'static str]) -> Vec<&'static str> {
        let mut left = Vec::new();
        for id in ids {
            if self.is_there(id).await {
                left.push(*id);
            }
        }
        left
    }

    /// Carries out the first rule; answers how many instances it has removed.
    async fn pass(&self) -> u64 {
        run::pass(&self.manager, 0).await.unwrap();
        self.manager.retention().1[0].last.unwrap().removed
    }

    fn calls(&self) -> usize {
        self.asked.calls.lock().unwrap().values().sum()
    }

    fn calls_of(&self, call: &str) -> usize {
        self.asked.calls.lock().unwrap().get(call).copied().unwrap_or_default()
    }

    /// Time goes by, for the clock and for whoever sleeps.
    async fn sleep(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(30));
            self.clock.advance(step);
            tokio::time::sleep(step).await;
            left -= step;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_takes_what_is_due_and_counts_it() {
    let world = World::new(&["default after=1h unless_tag=keep"]).await;
    for id in ["a", "b"] {
        world.ended(id, None).await;
    }
    world.ended("kept", Some("keep")).await;
    world.create(new_instance(world.hub, "live")).await;
    let other = world.manager.hub(Some("other")).unwrap();
    let elsewhere = world.create(new_instance(other, "elsewhere")).await;
    world.clock.advance(Duration::from_secs(1));
    world.ended("young", None).await;
    let mut end = turn(other, elsewhere, 1);
    end.update.status = Status::Completed;
    end.update.completed_at = Some(BEGIN);
    world.store.turn_commit(end).await.unwrap();
    world.clock.move_to(BEGIN.plus(HOUR).previous());
    assert_eq!(world.pass().await, 0);
    world.clock.move_to(BEGIN.plus(HOUR));
    assert_eq!(world.pass().await, 2);
    assert_eq!(world.left(&["a", "b", "kept", "young", "live"]).await, ["kept", "young", "live"]);
    assert!(world.store.instance_get(other, InstanceId::lookup("elsewhere"), false).await.unwrap().is_some());
    world.clock.advance(Duration::from_secs(1));
    assert_eq!((world.pass().await, world.pass().await), (1, 0));
    assert_eq!(world.manager.retention().1[0].removed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_tree_goes_with_its_top_and_what_lives_or_is_exempt_stays_with_all_below_it() {
    let world = World::new(&["* after=1h name=Orchestrator unless_tag=keep"]).await;
    let top = world.create(new_instance(world.hub, "top")).await;
    let mut child = new_child(world.hub, "child", "top");
    child.started.name = "AnotherName".into();
    world.ended_as(child, None).await;
    world.ended_child("grandchild", "child", None).await;
    world.ended_child("kept", "top", Some("keep")).await;
    world.ended_child("below-kept", "kept", None).await;
    world.create(new_child(world.hub, "live", "top")).await;
    world.ended_child("below-live", "live", None).await;
    let all = ["top", "child", "grandchild", "kept", "below-kept", "live", "below-live"];
    world.clock.advance(HOUR);
    // All of them are old enough and stay for the one at the top, which lives.
    assert_eq!((world.pass().await, world.left(&all).await.len()), (0, 7));
    world.end(top, Status::Completed).await;
    assert_eq!((world.pass().await, world.left(&all).await.len()), (0, 7));
    world.clock.advance(HOUR);
    assert_eq!(world.pass().await, 3);
    assert_eq!(world.left(&all).await, ["kept", "below-kept", "live", "below-live"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_execution_started_that_is_over_goes_by_itself_within_the_hour() {
    let world = World::new(&["* after=1s"]).await;
    let parent = world.create(new_instance(world.hub, "parent")).await;
    world.ended_child("child", "parent", None).await;
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(world.pass().await, 0);
    let mut next = turn(world.hub, parent, 1);
    next.update.execution =
        Some(NewExecution { execution_id: "parent-2".into(), version: None, input: None });
    world.store.turn_commit(next).await.unwrap();
    // It has been looked at, and is not looked at in each pass.
    assert_eq!(world.pass().await, 0);
    world.clock.advance(HOUR);
    assert_eq!(world.pass().await, 1);
    assert_eq!(world.left(&["parent", "child"]).await, ["parent"]);
}

#[tokio::test(start_paused = true)]
async fn large_trees_go_in_small_changes_from_below() {
    let world = World::new(&["* after=1h"]).await;
    world.ended("top", None).await;
    for number in 0..230 {
        world.ended_child(&format!("child-{number:03}"), "top", None).await;
    }
    for number in 0..20 {
        world.ended(&format!("single-{number}"), None).await;
    }
    world.clock.advance(HOUR);
    let preview = world.manager.preview_retention(world.hub, 0, 3).await.unwrap();
    assert_eq!((preview.count, preview.more), (251, false));
    let shown: Vec<_> = preview.instances.iter().map(|shown| shown.record.id.as_str()).collect();
    assert_eq!(shown, ["single-0", "single-1", "single-10"]);
    let before = world.calls_of("instance_purge_seen");
    assert_eq!(world.pass().await, 251);
    assert_eq!(world.calls_of("instance_purge_seen") - before, 3);
    assert_eq!(world.manager.preview_retention(world.hub, 0, 3).await.unwrap().count, 0);
    assert!(!world.is_there("top").await);
}

#[tokio::test(start_paused = true)]
async fn two_who_started_each_other_go_without_a_circle() {
    let world = World::new(&["* after=1h"]).await;
    // The first holder of the id "a" has started "b", which has started another "a".
    let mut child = new_child(world.hub, "b", "a");
    let info = child.started.parent_instance.as_mut().unwrap();
    info.orchestration_instance.as_mut().unwrap().execution_id = Some("a-0".into());
    world.ended_as(child, None).await;
    world.ended_child("a", "b", None).await;
    world.clock.advance(HOUR);
    assert_eq!(world.pass().await, 2);
}

#[tokio::test(start_paused = true)]
async fn without_rules_the_store_is_never_asked() {
    let world = World::new(&[]).await;
    world.ended("a", None).await;
    let before = world.calls();
    world.manager.begin_retention();
    world.sleep(100 * HOUR).await;
    assert_eq!(world.calls(), before);
    assert!(world.is_there("a").await);
}

#[tokio::test(start_paused = true)]
async fn with_rules_the_store_is_asked_only_when_something_may_be_due() {
    let world = World::new(&["default after=10h", "other after=1h"]).await;
    world.manager.begin_retention();
    world.sleep(HOUR).await;
    let quiet = world.calls();
    world.sleep(100 * HOUR).await;
    assert_eq!(world.calls(), quiet, "nothing has ended");
    let live = world.create(new_instance(world.hub, "live")).await;
    world.ended("a", None).await;
    let quiet = world.calls();
    world.sleep(9 * HOUR).await;
    assert_eq!(world.calls(), quiet, "nothing is due yet");
    world.end(live, Status::Failed).await;
    world.sleep(HOUR + Duration::from_secs(60)).await;
    assert!(!world.is_there("a").await && world.is_there("live").await);
    let quiet = world.calls();
    world.sleep(8 * HOUR).await;
    assert_eq!(world.calls(), quiet);
    world.sleep(HOUR).await;
    assert!(!world.is_there("live").await);
    // A rule with nothing to wait for hears of its hub while another sleeps.
    world.ended("b", None).await;
    world.sleep(HOUR).await;
    let other = world.manager.hub(Some("other")).unwrap();
    let key = world.create(new_instance(other, "x")).await;
    let mut end = turn(other, key, 1);
    end.update.status = Status::Completed;
    end.update.completed_at = Some(world.clock.now());
    world.store.turn_commit(end).await.unwrap();
    world.sleep(HOUR + Duration::from_secs(60)).await;
    assert!(world.store.instance_get(other, InstanceId::lookup("x"), false).await.unwrap().is_none());
    world.manager.leave_retention().await;
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_comes_later_is_covered() {
    let world = World::new(&["* after=1h"]).await;
    world.manager.begin_retention();
    world.sleep(HOUR).await;
    let hub = world.manager.create_hub(Some("later"), false).await.unwrap();
    world.sleep(HOUR).await;
    let key = world.create(new_instance(hub, "x")).await;
    let mut end = turn(hub, key, 1);
    end.update.status = Status::Completed;
    end.update.completed_at = Some(world.clock.now());
    world.store.turn_commit(end).await.unwrap();
    world.sleep(HOUR + Duration::from_secs(60)).await;
    assert!(world.store.instance_get(hub, InstanceId::lookup("x"), false).await.unwrap().is_none());
    world.manager.leave_retention().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_left_alone_for_longer_and_longer_and_then_it_goes_on() {
    let world = World::new(&["* after=1s"]).await;
    world.ended("a", None).await;
    world.sleep(HOUR).await;
    *world.asked.failing.lock().unwrap() = Some("instance_purge_seen");
    world.manager.begin_retention();
    world.sleep(HOUR).await;
    let tries = world.calls_of("instance_purge_seen");
    assert!((50..80).contains(&tries), "{tries} tries in an hour");
    let trouble = world.manager.retention().1[0].trouble.clone().unwrap();
    assert!(trouble.contains("locked"), "{trouble}");
    *world.asked.failing.lock().unwrap() = None;
    world.sleep(Duration::from_secs(120)).await;
    let state = world.manager.retention().1[0].clone();
    assert_eq!((state.removed, state.trouble), (1, None));
    world.manager.leave_retention().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_are_removed_in_a_second_than_may_be() {
    let world = World::new(&["* after=1h"]).await;
    for number in 0..300 {
        world.ended(&number.to_string(), None).await;
    }
    world.clock.advance(HOUR);
    let rules = world.manager.retention().0.rules.clone();
    let plan = RetentionPlan { rules, every: HOUR, per_second: 10 };
    let world = World { manager: world.manager.clone().retaining(plan), ..world };
    let began = tokio::time::Instant::now();
    assert_eq!(world.pass().await, 300);
    let took = began.elapsed().as_secs();
    assert!((29..=31).contains(&took), "{took} s");
}
