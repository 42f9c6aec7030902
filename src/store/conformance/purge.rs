//! Removing instances.

use super::fixture::*;
use crate::{
    model::{
        ActivityKey, Class, Effect, HistoryChange, HubName, InstanceId, InstanceKey, MessageId, Status,
        Timestamp,
    },
    store::{Cleared, Due, Filter, PurgeTree, Purged, Seen, Span},
};

pub async fn only_ended_instances_are_purged(cx: &mut StoreTest) {
    let live = cx.create("live").await;
    let ended = cx.create_ended("ended").await;
    cx.effects();
    let purge = |id| cx.store.instance_purge(cx.hub, InstanceId::lookup(id));
    assert_eq!(purge("live").await.unwrap(), Purged::Live(Status::Pending));
    assert_eq!(purge("missing").await.unwrap(), Purged::NotFound);
    assert_eq!(purge("ended").await.unwrap(), Purged::Deleted);
    assert_eq!(purge("ended").await.unwrap(), Purged::NotFound);
    assert_eq!(cx.inbox(live).await, ["start"]);
    let id = InstanceId::lookup("ended");
    assert_eq!(cx.effects(), [Effect::Gone { hub: cx.hub, id, key: ended }]);
}

pub async fn a_purged_instance_leaves_nothing_behind(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some("in".into());
    let key = cx.create_as(new).await;
    cx.append("a", message_at(Class::Event, "later", Timestamp(NOW.0 + 1))).await;
    let mut end = cx.turn(key, 1);
    end.update.status = Status::Completed;
    end.update.output = Some("out".into());
    end.history = HistoryChange::Append(chunk(0, "x"));
    end.activities = vec![activity(1)];
    cx.store.turn_commit(end).await.unwrap();
    let id = InstanceId::lookup("a");
    assert_eq!(cx.store.instance_purge(cx.hub, id.clone()).await.unwrap(), Purged::Deleted);

    assert_eq!(cx.store.instance_get(cx.hub, id, true).await.unwrap(), None);
    assert_eq!(cx.store.instance_load(key).await.unwrap(), None);
    assert_eq!(cx.store.history_read(key, 0).await.unwrap(), []);
    let start = Due { at: Timestamp(0), message: MessageId(0), instance: InstanceKey(0) };
    assert_eq!(cx.store.due_list(start, 9).await.unwrap(), []);
    let first = ActivityKey { instance: InstanceKey(0), number: 0 };
    assert_eq!(cx.store.activity_claim(first, 9).await.unwrap(), []);
    let fresh = cx.create("a").await;
    assert!(fresh > key);
    let (_, payloads) = cx.store.instance_get(cx.hub, InstanceId::lookup("a"), true).await.unwrap().unwrap();
    assert_eq!(payloads, Default::default());
}

pub async fn purge_by_filter_takes_what_has_ended_and_matches(cx: &mut StoreTest) {
    for id in ["old", "a", "b", "failed", "later"] {
        let at = match id {
            "old" => -1,
            "later" => 1,
            _ => 0,
        };
        let status = if id == "failed" { Status::Failed } else { Status::Completed };
        cx.create_ended_as(id, status, Timestamp(NOW.0 + at), NOW).await;
    }
    let live = cx.create("live").await;
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    cx.effects();
    let at_now = Span { from: Some(NOW), before: Some(NOW.next()) };
    let filter = Filter { created: at_now, ..Filter::default() };
    let purge = |hub, filter| cx.store.instance_purge_matching(hub, filter, None, 100);
    let nothing = Cleared { deleted: 0, next: None };
    assert_eq!(purge(other, filter.clone()).await.unwrap(), nothing);
    let live_only =
        Filter { statuses: [Status::Running, Status::Pending].into_iter().collect(), ..filter.clone() };
    assert_eq!(purge(cx.hub, live_only).await.unwrap(), nothing);
    let failed = Filter { statuses: [Status::Failed].into_iter().collect(), ..filter.clone() };
    assert_eq!(purge(cx.hub, failed).await.unwrap(), Cleared { deleted: 1, next: None });
    assert_eq!(purge(cx.hub, filter).await.unwrap(), Cleared { deleted: 2, next: None });
    assert_eq!(short(&cx.effects()), ["Gone failed", "Gone a", "Gone b"]);
    assert_eq!(cx.inbox(live).await, ["start"]);
    for (id, there) in [("old", true), ("a", false), ("b", false), ("failed", false), ("later", true)] {
        let found = cx.store.instance_get(cx.hub, InstanceId::lookup(id), false).await.unwrap();
        assert_eq!(found.is_some(), there, "{id}");
    }
    let prefix = Filter { id_prefix: "la".into(), ..Filter::default() };
    assert_eq!(cx.store.instance_purge_matching(cx.hub, prefix, None, 100).await.unwrap().deleted, 1);
}

pub async fn purge_by_filter_goes_on_where_it_stopped(cx: &mut StoreTest) {
    for number in 0..7 {
        cx.create_ended(&format!("e{number}")).await;
        cx.create(&format!("live{number}")).await;
    }
    cx.effects();
    let (mut after, mut deleted) = (None, Vec::new());
    loop {
        let purged = cx.store.instance_purge_matching(cx.hub, Filter::default(), after, 3).await.unwrap();
        deleted.push(purged.deleted);
        after = purged.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(deleted, [3, 3, 1]);
    let gone = short(&cx.effects());
    assert_eq!(gone, ["e0", "e1", "e2", "e3", "e4", "e5", "e6"].map(|id| format!("Gone {id}")));
}

/// After so many commits.
fn seen(key: InstanceKey, turn: i64) -> Seen {
    Seen { key, turn }
}

fn alone(top: Seen) -> PurgeTree {
    PurgeTree { top, below: Vec::new(), whole: true }
}

pub async fn what_was_seen_is_purged_if_it_has_ended_and_not_changed(cx: &mut StoreTest) {
    let live = cx.create("live").await;
    let (a, b) = (cx.create_ended("a").await, cx.create_ended("b").await);
    let (child, deep) = (cx.create_ended("child").await, cx.create_ended("deep").await);
    cx.effects();
    let changed = vec![alone(seen(live, 0)), alone(seen(a, 0)), alone(seen(InstanceKey(a.0 + 1_000), 1))];
    assert_eq!(cx.store.instance_purge_seen(changed).await.unwrap(), 0);
    assert_eq!(cx.effects(), []);
    let tree = |below, whole| PurgeTree { top: seen(b, 1), below, whole };
    let some = vec![alone(seen(a, 1)), tree(vec![seen(deep, 1), seen(live, 0)], false)];
    assert_eq!(cx.store.instance_purge_seen(some.clone()).await.unwrap(), 2);
    assert_eq!(short(&cx.effects()), ["Gone a", "Gone deep"]);
    // Repeated, it finds nothing, and counts nothing.
    assert_eq!(cx.store.instance_purge_seen(some).await.unwrap(), 0);
    let rest = vec![tree(vec![seen(child, 1)], true)];
    assert_eq!(cx.store.instance_purge_seen(rest).await.unwrap(), 2);
    assert_eq!(short(&cx.effects()), ["Gone child", "Gone b"]);
    assert_eq!(cx.inbox(live).await, ["start"]);
}

pub async fn nothing_of_a_tree_is_purged_if_its_top_has_changed(cx: &mut StoreTest) {
    let (top, child) = (cx.create_ended("top").await, cx.create_ended("child").await);
    let tree = PurgeTree { top: seen(top, 1), below: vec![seen(child, 1)], whole: true };
    // It lives again, as after a rewind, and ends once more.
    let mut reopens = cx.turn(top, 2);
    reopens.update.reopens = true;
    cx.store.rewind_commit(vec![reopens], Vec::new()).await.unwrap();
    assert_eq!(cx.store.instance_purge_seen(vec![tree.clone()]).await.unwrap(), 0);
    let mut end = cx.turn(top, 3);
    end.update.status = Status::Failed;
    end.update.completed_at = Some(NOW);
    cx.store.turn_commit(end).await.unwrap();
    assert_eq!(cx.store.instance_purge_seen(vec![tree.clone()]).await.unwrap(), 0);
    let now = PurgeTree { top: seen(top, 3), ..tree };
    assert_eq!(cx.store.instance_purge_seen(vec![now]).await.unwrap(), 2);
}
