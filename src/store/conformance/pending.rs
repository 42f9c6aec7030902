//! What becomes of waiting work when an execution or an instance ends.

use super::fixture::*;
use crate::model::{
    ActivityKey, Class, HistoryChange, InstanceId, InstanceKey, NewExecution, Outgoing, Pending, Recipient,
    Status, Timestamp,
};

/// An instance with one waiting message of each class, a timer and an activity; then a turn with `pending` that adds one
/// activity and one result of its own.
async fn end(cx: &StoreTest, pending: Pending) -> InstanceKey {
    let key = cx.create("a").await;
    let neighbour = cx.create("b").await;
    for (class, name) in [(Class::Event, "event"), (Class::Result, "result"), (Class::Control, "control")] {
        cx.append("a", message(class, name)).await;
        cx.append("b", message(class, name)).await;
    }
    cx.append("a", message_at(Class::Result, "timer", Timestamp(NOW.0 + 1))).await;
    let mut first = cx.turn(key, 1);
    first.activities = vec![activity(1)];
    cx.store.turn_commit(first).await.unwrap();
    let mut turn = cx.turn(key, 2);
    turn.pending = pending;
    turn.activities = vec![activity(2)];
    let to = Recipient::Myself;
    turn.outbox = vec![Outgoing { to, message: message(Class::Result, "new") }];
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.inbox(neighbour).await, ["start", "event", "result", "control"]);
    key
}

async fn tasks(cx: &StoreTest) -> Vec<i32> {
    let first = ActivityKey { instance: InstanceKey(0), number: 0 };
    cx.store.activity_claim(first, 10).await.unwrap().iter().map(|task| task.task_id).collect()
}

pub async fn keep_leaves_everything(cx: &mut StoreTest) {
    let key = end(cx, Pending::Keep).await;
    assert_eq!(cx.inbox(key).await, ["start", "event", "result", "control", "timer", "new"]);
    assert_eq!(tasks(cx).await, [1, 2]);
}

pub async fn drop_execution_keeps_events_controls_and_the_new(cx: &mut StoreTest) {
    let key = end(cx, Pending::DropExecution).await;
    assert_eq!(cx.inbox(key).await, ["start", "event", "control", "new"]);
    assert_eq!(tasks(cx).await, [2]);
}

pub async fn drop_all_leaves_only_the_new(cx: &mut StoreTest) {
    let key = end(cx, Pending::DropAll).await;
    assert_eq!(cx.inbox(key).await, ["new"]);
    assert_eq!(tasks(cx).await, [2]);
}

pub async fn continue_as_new_starts_an_empty_history(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some("first".into());
    new.started.version = Some("1".into());
    let key = cx.create_as(new).await;
    let mut first = cx.turn(key, 1);
    first.history = HistoryChange::Append(chunk(0, "old"));
    first.update.custom_status = Some(Some("stays".into()));
    cx.store.turn_commit(first).await.unwrap();
    let mut again = cx.turn(key, 2);
    again.history = HistoryChange::Clear;
    let next =
        NewExecution { execution_id: "a-2".into(), version: Some("2".into()), input: Some("second".into()) };
    again.update.execution = Some(next);
    cx.effects();
    cx.store.turn_commit(again).await.unwrap();
    let mut third = cx.turn(key, 3);
    third.history = HistoryChange::Append(chunk(0, "new"));
    cx.store.turn_commit(third).await.unwrap();
    let loaded = cx.load(key).await;
    assert_eq!(loaded.history, [chunk(0, "new")]);
    assert_eq!((loaded.record.execution_id.as_str(), loaded.record.version.as_deref()), ("a-2", Some("2")));
    assert_eq!(loaded.custom_status.as_deref(), Some("stays"));
    let get = || cx.store.instance_get(cx.hub, InstanceId::lookup("a"), true);
    assert_eq!(get().await.unwrap().unwrap().1.input.as_deref(), Some("second"));
    // Who answers the old execution answers nobody; who writes to the instance still reaches it.
    let sender = cx.create("sender").await;
    let mut turn = cx.turn(sender, 1);
    let to = |execution: &str| Recipient::Execution(InstanceId::lookup("a"), execution.into());
    turn.outbox = vec![outgoing(to("a-1"), "late"), outgoing(to("a-2"), "in time")];
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.inbox(key).await, ["start", "in time"]);
    let mut bare = cx.turn(key, 4);
    bare.update.execution = Some(NewExecution { execution_id: "a-3".into(), version: None, input: None });
    cx.store.turn_commit(bare).await.unwrap();
    let (record, payloads) = get().await.unwrap().unwrap();
    assert_eq!((record.version, payloads.input, record.status), (None, None, Status::Running));
}
