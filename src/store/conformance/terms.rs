//! The terms on which instances are made: records of answered requests, and replacing only what was read.

use super::fixture::*;
use crate::{
    model::{HubName, InstanceId, InstanceKey, NewInstance, Status, StatusSet, Timestamp},
    store::{Created, Idempotency, Purged, Recorded, Terms},
};

const HOUR: i64 = 3_600_000_000;

fn asked(key: &str, fingerprint: &str) -> Idempotency {
    let fingerprint = fingerprint.as_bytes().to_vec();
    Idempotency { key: key.into(), fingerprint, valid_from: Timestamp(NOW.0 - HOUR) }
}

fn with_key(key: &str, fingerprint: &str) -> Terms {
    Terms { idempotency: Some(asked(key, fingerprint)), ..StatusSet::TERMINAL.into() }
}

fn recorded(fingerprint: &str, id: &str, created: bool) -> Recorded {
    Recorded { fingerprint: fingerprint.as_bytes().to_vec(), id: InstanceId::lookup(id), created }
}

async fn create(cx: &StoreTest, id: &str, terms: Terms) -> Created {
    cx.store.instance_create(cx.new_instance(id), terms).await.unwrap()
}

async fn on_record(cx: &StoreTest, key: &str) -> Option<Recorded> {
    cx.store.idempotency_get(cx.hub, key.into(), Timestamp(i64::MIN)).await.unwrap()
}

pub async fn a_request_on_record_changes_nothing_whatever_became_of_its_instance(cx: &mut StoreTest) {
    let answer = create(cx, "a", with_key("k", "one")).await;
    let Created::New(key) = answer else { panic!("{answer:?}") };
    cx.effects();
    let first = recorded("one", "a", true);
    // The same request, one with another id, and another request altogether: all are told what is on record.
    for (id, fingerprint) in [("a", "one"), ("b", "one"), ("b", "two")] {
        assert_eq!(create(cx, id, with_key("k", fingerprint)).await, Created::Recorded(first.clone()));
    }
    assert_eq!(on_record(cx, "k").await, Some(first.clone()));
    assert_eq!(cx.inbox(key).await, ["start"]);
    let mut end = cx.turn(key, 1);
    end.update.status = Status::Completed;
    cx.store.turn_commit(end).await.unwrap();
    assert_eq!(create(cx, "a", with_key("k", "one")).await, Created::Recorded(first.clone()));
    assert_eq!(cx.load(key).await.record.status, Status::Completed);
    let Created::New(next) = create(cx, "a", StatusSet::TERMINAL.into()).await else { panic!() };
    assert_eq!(create(cx, "a", with_key("k", "one")).await, Created::Recorded(first.clone()));
    let mut end = cx.turn(next, 1);
    end.update.status = Status::Failed;
    cx.store.turn_commit(end).await.unwrap();
    let purged = cx.store.instance_purge(cx.hub, InstanceId::lookup("a")).await.unwrap();
    assert_eq!(purged, Purged::Deleted);
    cx.effects();
    assert_eq!(create(cx, "a", with_key("k", "one")).await, Created::Recorded(first));
    assert_eq!(cx.store.instance_get(cx.hub, InstanceId::lookup("a"), false).await.unwrap(), None);
    assert_eq!(cx.store.instance_get(cx.hub, InstanceId::lookup("b"), false).await.unwrap(), None);
    assert_eq!(cx.effects(), []);
}

pub async fn keys_are_their_hubs_own_and_compared_exactly(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    assert!(matches!(create(cx, "a", with_key("k", "one")).await, Created::New(_)));
    let there = cx.store.instance_create(new_instance(other, "a"), with_key("k", "two")).await.unwrap();
    assert!(matches!(there, Created::New(_)), "{there:?}");
    assert!(matches!(create(cx, "b", with_key("K", "one")).await, Created::New(_)));
    assert!(matches!(create(cx, "c", with_key("k ", "one")).await, Created::New(_)));
    assert_eq!(on_record(cx, "k").await, Some(recorded("one", "a", true)));
    let found = cx.store.idempotency_get(other, "k".into(), NOW).await.unwrap();
    assert_eq!(found, Some(recorded("two", "a", true)));
    assert_eq!(on_record(cx, "").await, None);
}

pub async fn of_64_creates_with_one_key_exactly_one_wins(cx: &mut StoreTest) {
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..64 {
        // Made-up ids: the key alone says that it is one request.
        let (store, new) = (cx.store.clone(), cx.new_instance(&format!("i{i}")));
        tasks.spawn(async move { store.instance_create(new, with_key("k", "one")).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let won = answers.iter().filter(|answer| matches!(answer, Created::New(_))).count();
    let record = on_record(cx, "k").await.unwrap();
    let told = answers.iter().filter(|answer| **answer == Created::Recorded(record.clone())).count();
    assert_eq!((won, told), (1, 63));
    assert_eq!(short(&cx.effects())[1], format!("Changed {} Pending", record.id));
}

pub async fn a_refused_request_leaves_no_record(cx: &mut StoreTest) {
    cx.create("a").await;
    assert_eq!(create(cx, "a", with_key("k", "one")).await, Created::Exists(Status::Pending));
    let gone = Terms { only: Some(InstanceKey(-1)), ..with_key("k", "one") };
    assert_eq!(create(cx, "b", gone).await, Created::Overtaken);
    assert_eq!(on_record(cx, "k").await, None);
    assert!(matches!(create(cx, "c", with_key("k", "two")).await, Created::New(_)));
}

pub async fn an_instance_that_is_kept_answers_for_the_request(cx: &mut StoreTest) {
    let live = cx.create("a").await;
    cx.effects();
    let keep = Terms { keep: StatusSet::LIVE, ..with_key("k", "one") };
    assert_eq!(create(cx, "a", keep.clone()).await, Created::Kept(Status::Pending));
    assert_eq!(cx.effects(), []);
    assert_eq!(cx.inbox(live).await, ["start"]);
    assert_eq!(on_record(cx, "k").await, Some(recorded("one", "a", false)));
    let mut end = cx.turn(live, 1);
    end.update.status = Status::Completed;
    cx.store.turn_commit(end).await.unwrap();
    // It has ended since; the request is on record all the same, and another one replaces it.
    assert_eq!(create(cx, "a", keep.clone()).await, Created::Recorded(recorded("one", "a", false)));
    let fresh = Terms { idempotency: None, ..keep };
    assert!(matches!(create(cx, "a", fresh).await, Created::New(_)));
}

pub async fn expired_records_count_no_more_and_go_while_requests_come(cx: &mut StoreTest) {
    let at = |id: &str, created_at| NewInstance { created_at, ..cx.new_instance(id) };
    let terms = |key: &str, now: Timestamp| {
        let idempotency = Idempotency { valid_from: Timestamp(now.0 - HOUR), ..asked(key, key) };
        Terms { idempotency: Some(idempotency), ..Terms::default() }
    };
    let old: Vec<String> = (0..20).map(|i| format!("old{i}")).collect();
    for key in &old {
        cx.store.instance_create(at(key, NOW), terms(key, NOW)).await.unwrap();
    }
    // To the last moment it counts, and in the next it does not.
    let last = Timestamp(NOW.0 + HOUR);
    let answer = cx.store.instance_create(at("x", last), terms("old7", last)).await.unwrap();
    assert_eq!(answer, Created::Recorded(recorded("old7", "old7", true)));
    let later = last.next();
    assert_eq!(cx.store.idempotency_get(cx.hub, "old7".into(), NOW.next()).await.unwrap(), None);
    let answer = cx.store.instance_create(at("x", later), terms("old7", later)).await.unwrap();
    assert!(matches!(answer, Created::New(_)), "{answer:?}");
    assert_eq!(on_record(cx, "old7").await, Some(recorded("old7", "x", true)));
    for i in 0..20 {
        let key = format!("new{i}");
        cx.store.instance_create(at(&key, later), terms(&key, later)).await.unwrap();
    }
    for key in old.iter().filter(|key| *key != "old7") {
        assert_eq!(on_record(cx, key).await, None, "{key}");
    }
    for i in 0..20 {
        assert!(on_record(cx, &format!("new{i}")).await.is_some());
    }
    assert!(on_record(cx, "old7").await.is_some());
}

pub async fn only_what_was_read_is_replaced(cx: &mut StoreTest) {
    let only = |key| Terms { only: Some(key), ..StatusSet::TERMINAL.into() };
    let read = cx.create("a").await;
    assert_eq!(create(cx, "a", only(read)).await, Created::Exists(Status::Pending));
    let mut end = cx.turn(read, 1);
    end.update.status = Status::Completed;
    cx.store.turn_commit(end).await.unwrap();
    let Created::New(next) = create(cx, "a", only(read)).await else { panic!() };
    cx.effects();
    // Replaced by a live one, then by one that has ended, then purged.
    assert_eq!(create(cx, "a", only(read)).await, Created::Overtaken);
    let mut end = cx.turn(next, 1);
    end.update.status = Status::Completed;
    cx.store.turn_commit(end).await.unwrap();
    assert_eq!(create(cx, "a", only(read)).await, Created::Overtaken);
    assert_eq!(cx.load(next).await.record.turn, 1);
    cx.store.instance_purge(cx.hub, InstanceId::lookup("a")).await.unwrap();
    assert_eq!(create(cx, "a", only(next)).await, Created::Overtaken);
    assert_eq!(cx.store.instance_get(cx.hub, InstanceId::lookup("a"), false).await.unwrap(), None);
}

pub async fn of_64_who_replace_what_they_read_exactly_one_wins(cx: &mut StoreTest) {
    let read = cx.create_ended("a").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (store, new) = (cx.store.clone(), cx.new_instance("a"));
        // All statuses may be replaced: nothing but the key holds the others back.
        let terms = Terms { only: Some(read), ..StatusSet::ALL.into() };
        tasks.spawn(async move { store.instance_create(new, terms).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let won = answers.iter().filter(|answer| matches!(answer, Created::New(_))).count();
    let lost = answers.iter().filter(|answer| **answer == Created::Overtaken).count();
    assert_eq!((won, lost), (1, 63));
}
