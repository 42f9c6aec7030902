//! Removing instances.

use super::fixture::*;
use crate::{
    model::{
        ActivityKey, Class, Effect, HistoryChange, InstanceId, InstanceKey, MessageId, Status, Timestamp,
    },
    store::{Due, Purged},
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
