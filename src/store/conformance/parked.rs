//! Instances to which nothing is dispatched.

use super::fixture::*;
use crate::{
    model::{
        Class, EntityId, HubName, InstanceId, InstanceKey, ParkedFor, Parking, Pending, Status, StatusSet,
        Timestamp,
    },
    store::Terms,
};

const ZERO: InstanceKey = InstanceKey(0);

pub fn parking(reason: &str) -> Parking {
    Parking { at: NOW, cause: ParkedFor::Deliveries, deliveries: 10, reason: reason.into() }
}

/// An instance that is parked.
async fn parked(cx: &mut StoreTest, id: &str) -> InstanceKey {
    let key = cx.create(id).await;
    assert!(cx.store.instance_park(key, parking("enough")).await.unwrap());
    cx.effects();
    key
}

async fn ready(cx: &StoreTest) -> Vec<(String, bool)> {
    let ready = cx.store.ready_claim(NOW, ZERO, 100).await.unwrap();
    ready.iter().map(|ready| (ready.instance.id.to_string(), ready.control)).collect()
}

async fn listed(cx: &StoreTest) -> Vec<String> {
    let parked = cx.store.parked_list(cx.hub, ZERO, 100).await.unwrap();
    parked.iter().map(|parked| parked.instance.id.to_string()).collect()
}

fn id(id: &str) -> InstanceId {
    InstanceId::lookup(id)
}

pub async fn a_parked_instance_is_ready_for_controls_only(cx: &mut StoreTest) {
    let key = parked(cx, "a").await;
    cx.create("b").await;
    assert_eq!(ready(cx).await, [("b".to_owned(), false)]);
    cx.append("a", message(Class::Event, "e")).await;
    assert_eq!(ready(cx).await, [("b".to_owned(), false)]);
    cx.append("a", message(Class::Control, "c")).await;
    assert_eq!(ready(cx).await, [("a".to_owned(), true), ("b".to_owned(), false)]);
    let loaded = cx.load(key).await;
    assert_eq!(loaded.parked, Some(parking("enough")));
    assert_eq!(loaded.record.status, Status::Pending, "the status is as it was");
    let outline = cx.store.instance_outline(key).await.unwrap().unwrap();
    assert_eq!((outline.record, outline.parked), (loaded.record, loaded.parked));
    assert_eq!((outline.inbox.messages, outline.inbox.illegible), (loaded.inbox, Vec::new()));
    assert_eq!(cx.store.instance_outline(InstanceKey(1 << 40)).await.unwrap(), None);
}

pub async fn parking_ends_once_and_may_leave_a_message(cx: &mut StoreTest) {
    let key = parked(cx, "a").await;
    let unpark = |id: &str, order| cx.store.instance_unpark(cx.hub, InstanceId::lookup(id), order);
    assert_eq!(unpark("a", None).await.unwrap(), Some(parking("enough")));
    assert_eq!(unpark("a", Some(message(Class::Control, "late"))).await.unwrap(), None);
    assert_eq!(unpark("nobody", None).await.unwrap(), None);
    assert_eq!(cx.inbox(key).await, ["start"]);
    assert_eq!(short(&cx.effects()), ["Unparked a Pending"]);
    assert_eq!(ready(cx).await, [("a".to_owned(), false)]);
    parked(cx, "b").await;
    let order = Some(message(Class::Control, "order"));
    assert!(cx.store.instance_unpark(cx.hub, id("b"), order).await.unwrap().is_some());
    assert_eq!(short(&cx.effects()), ["Unparked b Pending", "Message b order Pending"]);
    assert!(cx.load(key).await.parked.is_none() && listed(cx).await.is_empty());
}

pub async fn of_64_who_end_a_parking_exactly_one_does(cx: &mut StoreTest) {
    parked(cx, "a").await;
    let order = || Some(message(Class::Control, "order"));
    let all = (0..64).map(|_| cx.store.instance_unpark(cx.hub, id("a"), order()));
    let ended = futures_util::future::try_join_all(all).await.unwrap();
    assert_eq!(ended.iter().flatten().count(), 1);
}

pub async fn parked_anew_means_parked_for_the_new_reason(cx: &mut StoreTest) {
    let key = parked(cx, "a").await;
    let torn =
        Parking { cause: ParkedFor::Data, deliveries: 0, at: Timestamp(NOW.0 + 1), reason: "torn".into() };
    assert!(cx.store.instance_park(key, torn.clone()).await.unwrap());
    assert_eq!(cx.load(key).await.parked, Some(torn.clone()));
    let listed = cx.store.parked_list(cx.hub, ZERO, 9).await.unwrap();
    assert_eq!((listed.len(), &listed[0].parking, listed[0].status), (1, &torn, Status::Pending));
}

pub async fn parking_goes_with_its_instance(cx: &mut StoreTest) {
    // Ended by itself, and what comes alive again is not parked.
    let key = parked(cx, "a").await;
    let mut end = cx.turn(key, 1);
    (end.update.status, end.update.completed_at, end.pending) = (Status::Failed, Some(NOW), Pending::DropAll);
    cx.store.turn_commit(end).await.unwrap();
    assert!(listed(cx).await.is_empty() && cx.load(key).await.parked.is_none());
    assert_eq!(cx.store.instance_unpark(cx.hub, id("a"), None).await.unwrap(), None);
    assert!(!cx.store.instance_park(key, parking("late")).await.unwrap());
    let mut again = cx.turn(key, 2);
    (again.update.reopens, again.pending) = (true, Pending::DropDetached);
    cx.store.rewind_commit(vec![again], Vec::new()).await.unwrap();
    assert!(listed(cx).await.is_empty() && cx.load(key).await.parked.is_none());
    // Replaced.
    parked(cx, "b").await;
    let terms = Terms { replace: StatusSet::ALL, ..Terms::default() };
    cx.store.instance_create(cx.new_instance("b"), terms).await.unwrap();
    assert!(listed(cx).await.is_empty());
    // Gone with all that was there.
    let key = parked(cx, "c").await;
    while cx.store.hub_clear(cx.hub, 100).await.unwrap() > 0 {}
    assert!(listed(cx).await.is_empty() && !cx.store.instance_park(key, parking("late")).await.unwrap());
}

pub async fn an_entity_is_parked_like_anybody_else(cx: &mut StoreTest) {
    let entity = EntityId::parse("@counter@1").unwrap();
    cx.store.entity_signal(cx.hub, entity.clone(), message(Class::Event, "add"), NOW).await.unwrap();
    let key = cx.store.ready_claim(NOW, ZERO, 9).await.unwrap()[0].instance.key;
    assert!(cx.store.instance_park(key, parking("enough")).await.unwrap());
    assert!(ready(cx).await.is_empty());
    assert!(cx.store.instance_unpark(cx.hub, entity.id().clone(), None).await.unwrap().is_some());
    assert_eq!(ready(cx).await.len(), 1);
}

pub async fn parked_instances_come_in_pages_and_of_one_hub(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    let mut keys = Vec::new();
    for number in 0..5 {
        keys.push(parked(cx, &format!("a{number}")).await);
    }
    let key = cx.create_as(new_instance(other, "b")).await;
    assert!(cx.store.instance_park(key, parking("enough")).await.unwrap());
    let mut found = Vec::new();
    let mut after = ZERO;
    loop {
        let page = cx.store.parked_list(cx.hub, after, 2).await.unwrap();
        found.extend(page.iter().map(|parked| parked.instance.key));
        if page.len() < 2 {
            break;
        }
        after = page[1].instance.key;
    }
    assert_eq!(found, keys);
}
