//! Many callers at once against a model small enough to be obviously right.

use super::fixture::*;
use crate::{
    model::{Class, InstanceId, Status, StatusSet},
    store::{Appended, Created, Error, Purged},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A small generator (xorshift), so that a run can be repeated from its seed.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[derive(Default)]
struct Tally {
    created: AtomicU64,
    appended: AtomicU64,
    ended: AtomicU64,
    purged: AtomicU64,
}

/// Ten ids, sixteen callers creating, writing, ending and purging them. Every effect must fit the answers, and what the
/// effects say is in the inboxes must be what is there.
pub async fn concurrent_callers_agree_with_a_simple_model(cx: &mut StoreTest) {
    let tally = Arc::new(Tally::default());
    let mut callers = tokio::task::JoinSet::new();
    for seed in 1..=16_u64 {
        let (store, hub, tally) = (cx.store.clone(), cx.hub, tally.clone());
        let end = cx.turn(crate::model::InstanceKey(0), 0);
        callers.spawn(async move {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for _ in 0..150 {
                let name = format!("i{}", next(&mut state) % 10);
                let id = InstanceId::lookup(name.as_str());
                match next(&mut state) % 5 {
                    0 | 1 => {
                        let new = new_instance(hub, &name);
                        if let Created::New(_) =
                            store.instance_create(new, StatusSet::NONE.into()).await.unwrap()
                        {
                            tally.created.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    2 => {
                        let letter = message(Class::Event, "e");
                        if let Appended::To(_) = store.message_append(hub, id, letter).await.unwrap() {
                            tally.appended.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    3 => {
                        let Some((record, _)) = store.instance_get(hub, id, false).await.unwrap() else {
                            continue;
                        };
                        let mut end = end.clone();
                        (end.key, end.turn) = (record.key, record.turn + 1);
                        end.update.status = Status::Completed;
                        end.pending = crate::model::Pending::DropAll;
                        match store.turn_commit(end).await {
                            Ok(()) => tally.ended.fetch_add(1, Ordering::Relaxed),
                            Err(Error::Fenced) => 0,
                            Err(other) => panic!("{other}"),
                        };
                    }
                    _ => {
                        if store.instance_purge(hub, id).await.unwrap() == Purged::Deleted {
                            tally.purged.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            }
        });
    }
    callers.join_all().await;
    check(cx, &tally).await;
}

async fn check(cx: &mut StoreTest, tally: &Tally) {
    use crate::model::Effect;
    let count = |counter: &AtomicU64| usize::try_from(counter.load(Ordering::Relaxed)).unwrap();
    let effects = cx.effects();
    let (mut created, mut appended, mut ended, mut purged) = (0, 0, 0, 0);
    let mut inboxes = std::collections::BTreeMap::<_, Vec<_>>::new();
    for effect in &effects {
        match effect {
            Effect::Message { to, status, message } => {
                assert_eq!(*status, Status::Pending);
                if message.class == Class::Event {
                    appended += 1;
                }
                inboxes.entry(to.key).or_default().push(message.clone());
            }
            Effect::Changed { status: Status::Pending, .. } => created += 1,
            Effect::Changed { key, .. } => {
                ended += 1;
                inboxes.insert(*key, Vec::new());
            }
            Effect::Gone { key, .. } => {
                purged += 1;
                assert!(inboxes.remove(key).is_some(), "what goes was there before");
            }
            Effect::Activity(_) => panic!("nobody queued one"),
            Effect::Reopened { .. } => panic!("nobody rewound anything"),
            Effect::Unlocked { .. } | Effect::Altered { .. } => panic!("there are no entities"),
            Effect::Unparked { .. } => panic!("nobody parks anything"),
        }
    }
    let told = (created, appended, ended, purged);
    let answered = (count(&tally.created), count(&tally.appended), count(&tally.ended), count(&tally.purged));
    assert_eq!(told, answered);
    assert!(created > 20 && appended > 20 && ended > 20 && purged > 20, "{answered:?}");
    for (key, inbox) in inboxes {
        assert_eq!(cx.load(key).await.inbox, inbox);
    }
}
