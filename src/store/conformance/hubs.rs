//! Task hubs.

use super::fixture::*;
use crate::{
    model::{Effect, HubId, HubName, InstanceId},
    store::{Created, Idempotency, Store, Terms},
};

fn name(text: &str) -> HubName {
    HubName::parse(text).unwrap()
}

async fn listed(store: &dyn Store) -> Vec<HubId> {
    store.hub_list().await.unwrap().into_iter().map(|(hub, _)| hub).collect()
}

pub async fn a_cleared_hub_has_nothing_left_whatever_lived_in_it(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(name("other")).await.unwrap();
    let live = cx.create("live").await;
    let ended = cx.create_ended("ended").await;
    let mut elsewhere = cx.new_instance("live");
    elsewhere.hub = other;
    let elsewhere = cx.create_as(elsewhere).await;
    cx.effects();
    assert_eq!(cx.store.hub_clear(cx.hub, 1).await.unwrap(), 1);
    assert_eq!(cx.store.hub_clear(cx.hub, 9).await.unwrap(), 1);
    assert_eq!(cx.store.hub_clear(cx.hub, 9).await.unwrap(), 0);
    let hub = cx.hub;
    let gone = |id, key| Effect::Gone { hub, id: InstanceId::lookup(id), key };
    let mut effects = cx.effects();
    effects.sort_by_key(|effect| format!("{effect:?}"));
    let mut wanted = [gone("live", live), gone("ended", ended)];
    wanted.sort_by_key(|effect| format!("{effect:?}"));
    assert_eq!(effects, wanted);
    assert_eq!(cx.store.instance_load(live).await.unwrap(), None);
    assert!(cx.store.instance_load(elsewhere).await.unwrap().is_some());
}

pub async fn a_cleared_hub_knows_no_answered_request(cx: &mut StoreTest) {
    let other = cx.store.hub_ensure(name("other")).await.unwrap();
    let asked = Idempotency { key: "k".into(), fingerprint: vec![1], valid_from: NOW };
    let terms = |key: &str| {
        let idempotency = Idempotency { key: key.into(), ..asked.clone() };
        Terms { idempotency: Some(idempotency), ..Terms::default() }
    };
    for (hub, key) in [(cx.hub, "k"), (cx.hub, "l"), (other, "k")] {
        let new = new_instance(hub, key);
        assert!(matches!(cx.store.instance_create(new, terms(key)).await.unwrap(), Created::New(_)));
    }
    // In steps: two instances and two records.
    for removed in [3, 1, 0] {
        assert_eq!(cx.store.hub_clear(cx.hub, 3).await.unwrap(), removed);
    }
    for (hub, kept) in [(cx.hub, false), (other, true)] {
        let found = cx.store.idempotency_get(hub, "k".into(), NOW).await.unwrap();
        assert_eq!(found.is_some(), kept);
    }
}

pub async fn a_hub_is_removed_only_when_it_is_empty(cx: &mut StoreTest) {
    cx.create("a").await;
    assert!(!cx.store.hub_remove(cx.hub).await.unwrap());
    assert!(listed(&*cx.store).await.contains(&cx.hub));
    cx.store.hub_clear(cx.hub, 9).await.unwrap();
    assert!(cx.store.hub_remove(cx.hub).await.unwrap());
    assert!(!listed(&*cx.store).await.contains(&cx.hub));
}

pub async fn a_hub_made_again_is_the_same_hub(cx: &mut StoreTest) {
    let hub = cx.store.hub_ensure(name("again")).await.unwrap();
    assert!(cx.store.hub_remove(hub).await.unwrap());
    assert_eq!(cx.store.hub_ensure(name("AGAIN")).await.unwrap(), hub);
    assert!(listed(&*cx.store).await.contains(&hub));
}
