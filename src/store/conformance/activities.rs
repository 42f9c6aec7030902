//! Activities: queued once, completed once.

use super::fixture::*;
use crate::model::{ActivityKey, ActivityTask, Class, Effect, InstanceKey, NewActivity, Pending, Status, pb};
use prost::Message as _;

const FIRST: ActivityKey = ActivityKey { instance: InstanceKey(0), number: 0 };

/// An instance with `count` activities queued.
async fn queued(cx: &StoreTest, count: i32) -> (InstanceKey, Vec<ActivityTask>) {
    let key = cx.create("a").await;
    let mut turn = cx.turn(key, 1);
    turn.activities = (0..count).map(activity).collect();
    cx.store.turn_commit(turn).await.unwrap();
    (key, cx.store.activity_claim(FIRST, usize::MAX).await.unwrap())
}

pub async fn completing_one_twice_counts_once(cx: &mut StoreTest) {
    let (key, tasks) = queued(cx, 2).await;
    assert_eq!(tasks.len(), 2);
    let task = &tasks[0];
    assert_eq!((task.instance.as_str(), &*task.name, task.version.as_deref()), ("a", "Charge", Some("2")));
    assert_eq!(pb::ActivityRequest::decode(task.request.clone()).unwrap(), activity(0).request);
    cx.effects();
    assert!(cx.store.activity_complete(task.key, Some(message(Class::Result, "done"))).await.unwrap());
    let loaded = cx.load(key).await;
    let (to, message_there) = (loaded.record.reference(), loaded.inbox[1].clone());
    assert_eq!(cx.effects(), [Effect::Message { to, status: Status::Running, message: message_there }]);
    assert!(!cx.store.activity_complete(task.key, Some(message(Class::Result, "again"))).await.unwrap());
    let unknown = ActivityKey { instance: key, number: 4711 };
    assert!(!cx.store.activity_complete(unknown, Some(message(Class::Result, "unknown"))).await.unwrap());
    assert_eq!(cx.inbox(key).await, ["start", "done"]);
    assert_eq!(cx.store.activity_claim(FIRST, 9).await.unwrap(), tasks[1..]);
    assert_eq!(cx.effects(), []);
}

pub async fn of_64_completions_of_one_activity_exactly_one_counts(cx: &mut StoreTest) {
    let (key, tasks) = queued(cx, 1).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (store, activity) = (cx.store.clone(), tasks[0].key);
        callers.spawn(async move {
            store.activity_complete(activity, Some(message(Class::Result, "done"))).await.unwrap()
        });
    }
    assert_eq!(callers.join_all().await.iter().filter(|counted| **counted).count(), 1);
    assert_eq!(cx.inbox(key).await, ["start", "done"]);
}

pub async fn an_activity_of_an_ended_execution_cannot_be_completed(cx: &mut StoreTest) {
    let (key, tasks) = queued(cx, 1).await;
    let mut turn = cx.turn(key, 2);
    turn.pending = Pending::DropExecution;
    turn.activities = vec![activity(0)];
    cx.store.turn_commit(turn).await.unwrap();
    // The new execution waits under the same action id; the late answer must not reach it.
    assert!(!cx.store.activity_complete(tasks[0].key, Some(message(Class::Result, "late"))).await.unwrap());
    assert_eq!(cx.inbox(key).await, ["start"]);
}

pub async fn a_detached_activity_outlives_its_execution_and_its_result_goes_nowhere(cx: &mut StoreTest) {
    for pending in [Pending::DropExecution, Pending::DropAll] {
        let key = cx.create(&format!("{pending:?}")).await;
        let mut turn = cx.turn(key, 1);
        turn.activities = vec![NewActivity { detached: true, ..activity(0) }];
        cx.store.turn_commit(turn).await.unwrap();
        let mut turn = cx.turn(key, 2);
        turn.pending = pending;
        cx.store.turn_commit(turn).await.unwrap();
        let waiting = cx.store.activity_claim(FIRST, 9).await.unwrap();
        let [task] = waiting.as_slice() else { panic!("one activity waits: {waiting:?}") };
        assert!(task.detached && task.key.instance == key);
        let before = cx.inbox(key).await;
        cx.effects();
        assert!(cx.store.activity_complete(task.key, None).await.unwrap());
        assert!(!cx.store.activity_complete(task.key, None).await.unwrap());
        assert_eq!((cx.inbox(key).await, cx.effects()), (before, vec![]));
    }
}

pub async fn ten_thousand_activities_go_out_and_come_back(cx: &mut StoreTest) {
    let (key, tasks) = queued(cx, 10_000).await;
    assert_eq!(tasks.len(), 10_000);
    assert!(tasks.windows(2).all(|pair| pair[0].key < pair[1].key && pair[0].task_id < pair[1].task_id));
    let mut callers = tokio::task::JoinSet::new();
    for chunk in tasks.chunks(100) {
        let (store, chunk) = (cx.store.clone(), chunk.to_vec());
        callers.spawn(async move {
            for task in chunk {
                let result = message(Class::Result, &task.task_id.to_string());
                assert!(store.activity_complete(task.key, Some(result)).await.unwrap());
            }
        });
    }
    callers.join_all().await;
    let mut turn = cx.turn(key, 2);
    turn.consumed = cx.inbox_ids(key).await;
    assert_eq!(turn.consumed.len(), 10_001);
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.inbox_ids(key).await, []);
    assert_eq!(cx.store.activity_claim(FIRST, 9).await.unwrap(), []);
}
