//! What outlives the store that wrote it.

use super::fixture::*;
use crate::{
    model::{Class, HistoryChange, InstanceId, Job, JobFailure, JobStep, Status, Timestamp},
    store::{Created, Error, Idempotency, Purged, Terms},
};

async fn fill(cx: &StoreTest) -> crate::model::InstanceKey {
    let mut new = cx.new_instance("a");
    new.started.input = Some("in".into());
    let key = cx.create_as(new).await;
    cx.append("a", message_at(Class::Result, "timer", Timestamp(NOW.0 + 1))).await;
    let mut turn = cx.turn(key, 1);
    turn.history = HistoryChange::Append(chunk(0, "x"));
    turn.update.custom_status = Some(Some("half".into()));
    turn.activities = vec![activity(1), activity(2)];
    cx.store.turn_commit(turn).await.unwrap();
    key
}

async fn same_after(cx: &mut StoreTest, close: bool) {
    let key = fill(cx).await;
    let first = crate::model::ActivityKey { instance: crate::model::InstanceKey(0), number: 0 };
    let seen = (cx.load(key).await, cx.store.activity_claim(first, 9).await.unwrap());
    let hubs = format!("{:?}", cx.store.hub_list().await.unwrap());
    for _ in 0..3 {
        if close {
            cx.store.close().await.unwrap();
        }
        cx.reopen().await;
        assert_eq!((cx.load(key).await, cx.store.activity_claim(first, 9).await.unwrap()), seen);
        assert_eq!(format!("{:?}", cx.store.hub_list().await.unwrap()), hubs);
        assert_eq!(cx.effects(), []);
    }
    cx.append("a", message(Class::Event, "after")).await;
    assert_eq!(cx.inbox(key).await, ["start", "timer", "after"]);
    let mut turn = cx.turn(key, 2);
    turn.activities = vec![activity(3)];
    cx.store.turn_commit(turn).await.unwrap();
    let tasks = cx.store.activity_claim(first, 9).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.task_id).collect::<Vec<_>>(), [1, 2, 3]);
}

pub async fn everything_is_there_after_a_clean_close(cx: &mut StoreTest) {
    same_after(cx, true).await;
}

pub async fn everything_is_there_after_a_drop(cx: &mut StoreTest) {
    same_after(cx, false).await;
}

pub async fn keys_of_purged_instances_are_not_used_again(cx: &mut StoreTest) {
    let mut highest = crate::model::InstanceKey(0);
    for close in [true, false, true] {
        let key = cx.create_ended("a").await;
        assert!(key > highest);
        highest = key;
        let purged = cx.store.instance_purge(cx.hub, InstanceId::lookup("a")).await.unwrap();
        assert_eq!(purged, Purged::Deleted);
        if close {
            cx.store.close().await.unwrap();
        }
        cx.reopen().await;
    }
}

pub async fn secrets_are_kept(cx: &mut StoreTest) {
    let kept = cx.store.secret_ensure("links", vec![7; 32]).await.unwrap();
    for close in [true, false] {
        if close {
            cx.store.close().await.unwrap();
        }
        cx.reopen().await;
        assert_eq!(cx.store.secret_ensure("links", vec![8; 32]).await.unwrap(), kept);
    }
}

pub async fn answered_requests_stay_on_record(cx: &mut StoreTest) {
    let asked = Idempotency { key: "k".into(), fingerprint: vec![0, 255, 7], valid_from: NOW };
    let terms = Terms { idempotency: Some(asked), ..Terms::default() };
    let made = cx.store.instance_create(cx.new_instance("a"), terms.clone()).await.unwrap();
    assert!(matches!(made, Created::New(_)), "{made:?}");
    for close in [true, false, true] {
        if close {
            cx.store.close().await.unwrap();
        }
        cx.reopen().await;
        let again = cx.store.instance_create(cx.new_instance("b"), terms.clone()).await.unwrap();
        let Created::Recorded(recorded) = again else { panic!("{again:?}") };
        assert_eq!((recorded.id.as_str(), recorded.fingerprint), ("a", vec![0, 255, 7]));
        let found = cx.store.instance_get(cx.hub, InstanceId::lookup("b"), false).await.unwrap();
        assert_eq!(found, None);
    }
}

pub async fn jobs_are_kept_as_they_were(cx: &mut StoreTest) {
    let made = super::jobs::make(cx, "j").await;
    let failure = JobFailure { instance: "'\"\u{0}ü".into(), why: "\u{1f4a5}".into() };
    let step = JobStep { done: 2, skipped: 1, failures: vec![failure.clone()], position: "here".into() };
    assert!(cx.store.job_advance("j".into(), step, None, 9).await.unwrap());
    for close in [true, false] {
        if close {
            cx.store.close().await.unwrap();
        }
        cx.reopen().await;
        let [work] = &cx.store.job_running().await.unwrap()[..] else { panic!("one job runs") };
        assert_eq!(work.job, Job { done: 2, skipped: 1, failed: 1, ..made.clone() });
        assert_eq!((work.position.as_str(), work.request.as_str()), ("here", "what j does"));
        assert_eq!(cx.store.job_failures("j".into()).await.unwrap(), std::slice::from_ref(&failure));
    }
}

pub async fn a_closed_store_says_so(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    cx.store.close().await.unwrap();
    let closed = |error: Error| assert!(matches!(error, Error::Closed), "{error:?}");
    closed(cx.store.ping().await.unwrap_err());
    closed(cx.store.close().await.unwrap_err());
    closed(cx.store.instance_load(key).await.unwrap_err());
    closed(cx.store.turn_commit(cx.turn(key, 1)).await.unwrap_err());
    cx.reopen().await;
    assert_eq!(cx.load(key).await.record.status, Status::Pending);
}

pub async fn what_is_parked_stays_parked(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    assert!(cx.store.instance_park(key, super::parked::parking("enough")).await.unwrap());
    for close in [true, false] {
        if close {
            cx.store.close().await.unwrap();
        }
        cx.reopen().await;
        assert_eq!(cx.load(key).await.parked, Some(super::parked::parking("enough")));
    }
}
