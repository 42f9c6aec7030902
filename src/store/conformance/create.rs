//! Making instances.

use super::fixture::*;
use crate::{
    model::{Class, Effect, HubName, InstanceId, NewChild, Status, StatusSet, Timestamp},
    store::Created,
};

pub async fn a_new_instance_is_pending_with_its_start_message(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.version = Some("1.2".into());
    new.started.input = Some("\"in\"".into());
    let key = cx.create_as(new.clone()).await;
    let loaded = cx.load(key).await;
    let record = &loaded.record;
    assert_eq!((record.status, record.turn, record.key), (Status::Pending, 0, key));
    assert_eq!((&*record.name, record.version.as_deref()), ("Orchestrator", Some("1.2")));
    assert_eq!((record.execution_id.as_str(), record.hub, record.id.as_str()), ("a-1", cx.hub, "a"));
    assert_eq!((record.created_at, record.updated_at), (NOW, NOW));
    assert_eq!((record.completed_at, record.scheduled_at, &record.parent), (None, None, &None));
    assert!(record.tags.is_empty() && record.trace.is_none());
    assert!(loaded.history.is_empty() && loaded.custom_status.is_none());
    assert_eq!(loaded.inbox.len(), 1);
    assert_eq!(loaded.inbox[0].events, new.start_message().events);
    assert_eq!((loaded.inbox[0].class, loaded.inbox[0].due), (Class::Start, None));

    let expected = [
        Effect::Message { to: record.reference(), status: Status::Pending, message: loaded.inbox[0].clone() },
        Effect::Changed { hub: cx.hub, id: InstanceId::lookup("a"), key, status: Status::Pending, turn: 0 },
    ];
    assert_eq!(cx.effects(), expected);
    let (_, payloads) = cx.store.instance_get(cx.hub, record.id.clone(), true).await.unwrap().unwrap();
    assert_eq!(payloads.input.as_deref(), Some("\"in\""));
}

pub async fn of_64_creates_of_one_id_exactly_one_wins(cx: &mut StoreTest) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (store, new) = (cx.store.clone(), cx.new_instance("a"));
        tasks.spawn(async move { store.instance_create(new, StatusSet::TERMINAL.into()).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let won: Vec<_> = answers.iter().filter(|answer| matches!(answer, Created::New(_))).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|a| a == won[0] || *a == Created::Exists(Status::Pending)));
    assert_eq!(cx.effects().len(), 2);
}

pub async fn a_taken_id_changes_nothing(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    cx.effects();
    let before = cx.load(key).await;
    let mut other = cx.new_instance("a");
    other.started.name = "Other".into();
    let answer = cx.store.instance_create(other, StatusSet::TERMINAL.into()).await.unwrap();
    assert_eq!(answer, Created::Exists(Status::Pending));
    assert_eq!(cx.load(key).await, before);
    assert_eq!(cx.effects(), []);
    let ended = cx.create_ended("b").await;
    let answer = cx.store.instance_create(cx.new_instance("b"), StatusSet::NONE.into()).await.unwrap();
    assert_eq!(answer, Created::Exists(Status::Completed));
    assert_eq!(cx.load(ended).await.record.status, Status::Completed);
}

pub async fn an_ended_instance_is_replaced_with_all_it_had(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some("old".into());
    let old = cx.create_as(new).await;
    let mut end = cx.turn(old, 1);
    end.update.status = Status::Terminated;
    end.update.output = Some("out".into());
    end.update.custom_status = Some(Some("status".into()));
    end.history = crate::model::HistoryChange::Append(chunk(0, "x"));
    // Not what an engine would do, but the store must not leave it behind either.
    end.activities.push(activity(1));
    cx.store.turn_commit(end).await.unwrap();
    cx.effects();

    let answer = cx.store.instance_create(cx.new_instance("a"), StatusSet::TERMINAL.into()).await.unwrap();
    let Created::New(key) = answer else { panic!("{answer:?}") };
    assert_ne!(key, old);
    assert_eq!(cx.store.instance_load(old).await.unwrap(), None);
    assert_eq!(cx.store.instance_route(old).await.unwrap(), None);
    assert_eq!(cx.store.history_read(old, 0).await.unwrap(), []);
    let first = crate::model::ActivityKey { instance: crate::model::InstanceKey(0), number: 0 };
    assert_eq!(cx.store.activity_claim(first, 10).await.unwrap(), []);
    let (record, payloads) =
        cx.store.instance_get(cx.hub, InstanceId::lookup("a"), true).await.unwrap().unwrap();
    assert_eq!((record.key, record.turn, payloads), (key, 0, Default::default()));
    assert_eq!(cx.inbox(key).await, ["start"]);
    let effects = cx.effects();
    assert_eq!(short(&effects), ["Gone a", "Message a start Pending", "Changed a Pending"]);
    assert!(matches!(effects[0], Effect::Gone { key, .. } if key == old));
}

pub async fn a_live_instance_is_replaced_if_the_caller_says_so(cx: &mut StoreTest) {
    let old = cx.create("a").await;
    cx.append("a", message_at(Class::Result, "timer", Timestamp(NOW.0 + 1))).await;
    let replace: StatusSet = [Status::Pending].into_iter().collect();
    let answer = cx.store.instance_create(cx.new_instance("a"), replace.into()).await.unwrap();
    let Created::New(key) = answer else { panic!("{answer:?}") };
    assert_eq!(cx.store.instance_load(old).await.unwrap(), None);
    assert_eq!(cx.inbox(key).await, ["start"]);
}

pub async fn a_live_child_is_not_replaced_because_its_parent_waits_for_it(cx: &mut StoreTest) {
    let parent = cx.create("p").await;
    let mut turn = cx.turn(parent, 1);
    turn.children.push(NewChild { instance: new_child(cx.hub, "c", "p"), replaces: true, otherwise: None });
    cx.store.turn_commit(turn).await.unwrap();
    let child = cx.store.instance_get(cx.hub, InstanceId::lookup("c"), false).await.unwrap().unwrap().0;
    let replace =
        async |id: &str| cx.store.instance_create(cx.new_instance(id), StatusSet::ALL.into()).await.unwrap();
    assert_eq!(replace("c").await, Created::Exists(Status::Pending));
    assert_eq!(cx.inbox(child.key).await, ["start"]);
    let mut end = cx.turn(child.key, 1);
    end.update.status = Status::Terminated;
    cx.store.turn_commit(end).await.unwrap();
    assert!(matches!(replace("c").await, Created::New(_)));
    // Nobody waits for the parent.
    assert!(matches!(replace("p").await, Created::New(_)));
}

pub async fn hubs_are_found_without_case_and_keep_instances_apart(cx: &mut StoreTest) {
    let name = |text| HubName::parse(text).unwrap();
    let other = cx.store.hub_ensure(name("Prod")).await.unwrap();
    assert_eq!(cx.store.hub_ensure(name("pROD")).await.unwrap(), other);
    assert_ne!(other, cx.hub);
    let hubs = cx.store.hub_list().await.unwrap();
    let hubs: Vec<_> = hubs.iter().map(|(id, name)| (*id, name.as_str())).collect();
    assert_eq!(hubs, [(cx.hub, "default"), (other, "Prod")]);

    let here = cx.create("a").await;
    let there = cx.create_as(new_instance(other, "a")).await;
    assert_ne!(here, there);
    let (record, _) = cx.store.instance_get(other, InstanceId::lookup("a"), false).await.unwrap().unwrap();
    assert_eq!(record.key, there);
    // A turn of one hub cannot move an instance of another.
    assert!(matches!(cx.store.turn_commit(cx.turn(there, 1)).await, Err(crate::store::Error::Fenced)));
}
