//! Rewind: several instances come alive again as one change, and their histories so far stay readable.

use super::fixture::*;
use crate::{
    model::{
        ActivityKey, Chunk, Class, Commit, Effect, HistoryChange, HubId, InstanceId, InstanceKey, Outgoing,
        Pending, Recipient, Rewrite, Status, StatusSet, Timestamp, event, failure,
    },
    store::{Error, Filter, Order, PageLimits, Purged, Read, Walk},
};

/// Two turns: one that writes `history`, and one that fails and leaves a detached activity.
async fn failed(cx: &StoreTest, id: &str, history: &str) -> InstanceKey {
    let key = cx.create(id).await;
    let mut first = cx.turn(key, 1);
    first.history = HistoryChange::Append(chunk(0, history));
    first.update.custom_status = Some(Some("kept".into()));
    cx.store.turn_commit(first).await.unwrap();
    fail(cx, key, 2, 1).await;
    key
}

/// A turn that fails with everything an end leaves behind.
async fn fail(cx: &StoreTest, key: InstanceKey, turn: i64, at: i64) {
    let mut end = cx.turn(key, turn);
    end.history = HistoryChange::Append(chunk(at, "end"));
    end.update.status = Status::Failed;
    end.update.completed_at = Some(NOW);
    end.update.output = Some("out".into());
    end.update.failure = Some(failure("E", "m", false));
    end.pending = Pending::DropAll;
    let mut detached = activity(7);
    detached.detached = true;
    end.activities = vec![detached];
    cx.store.turn_commit(end).await.unwrap();
}

/// A rewind that leaves one event, called `new`.
fn rewind(hub: HubId, key: InstanceKey, turn: i64, length: i64, reason: Option<&str>) -> Commit {
    let mut commit = super::fixture::turn(hub, key, turn);
    let at = Timestamp(NOW.0 + turn);
    let reason = reason.map(str::to_owned);
    let mark = Chunk::encode(length, vec![event::execution_rewound(at, reason.clone())]);
    commit.history = HistoryChange::Rewrite(Rewrite { chunks: vec![chunk(0, "new")], mark, reason });
    commit.pending = Pending::DropDetached;
    commit.update.reopens = true;
    commit.outbox = vec![Outgoing { to: Recipient::Myself, message: message(Class::Rewind, "wake") }];
    commit
}

async fn activities(cx: &StoreTest) -> usize {
    let first = ActivityKey { instance: InstanceKey(0), number: 0 };
    cx.store.activity_claim(first, 10).await.unwrap().len()
}

async fn history(cx: &StoreTest, key: InstanceKey) -> String {
    let chunks = cx.store.history_read(key, 0).await.unwrap();
    chunks.iter().map(|chunk| text(&chunk.events().unwrap())).collect::<Vec<_>>().join(" ")
}

pub async fn a_rewound_instance_is_as_if_it_had_not_ended(cx: &mut StoreTest) {
    let (a, neighbour) = (failed(cx, "a", "old").await, failed(cx, "b", "old").await);
    cx.effects();
    cx.store.rewind_commit(vec![rewind(cx.hub, a, 3, 2, Some("why"))], vec![]).await.unwrap();
    assert_eq!(short(&cx.effects()), ["Reopened", "Message a wake Running", "Changed a Running"]);
    let (record, payloads) =
        cx.store.instance_get(cx.hub, InstanceId::lookup("a"), true).await.unwrap().unwrap();
    assert_eq!((record.status, record.turn, record.completed_at), (Status::Running, 3, None));
    assert_eq!((payloads.output, payloads.failure), (None, None));
    assert_eq!(payloads.custom_status.as_deref(), Some("kept"));
    assert_eq!(history(cx, a).await, "new");
    assert_eq!(cx.inbox(a).await, ["wake"]);
    assert_eq!(activities(cx).await, 1, "only the neighbour's");
    let ready = cx.store.ready_claim(NOW, InstanceKey(0), 10).await.unwrap();
    assert_eq!(ready.iter().map(|ready| ready.instance.key).collect::<Vec<_>>(), [a]);
    let limits = PageLimits { rows: 10, bytes: usize::MAX, read: Read::FailureOnly };
    let ended = cx
        .store
        .instance_list(cx.hub, Filter::default(), Walk::first(Order::Completed), limits)
        .await
        .unwrap();
    assert_eq!(ended.instances.iter().map(|(record, _)| record.key).collect::<Vec<_>>(), [neighbour]);
}

pub async fn earlier_histories_stay_readable(cx: &mut StoreTest) {
    let key = failed(cx, "a", "old").await;
    assert_eq!(cx.store.revision_list(key).await.unwrap(), []);
    cx.store.rewind_commit(vec![rewind(cx.hub, key, 3, 2, Some("why"))], vec![]).await.unwrap();
    fail(cx, key, 4, 1).await;
    cx.store.rewind_commit(vec![rewind(cx.hub, key, 5, 2, None)], vec![]).await.unwrap();
    let revisions = cx.store.revision_list(key).await.unwrap();
    let shown: Vec<_> = revisions
        .iter()
        .map(|it| {
            (it.number, it.rewound_at.0 - NOW.0, it.reason.as_deref(), it.events, it.kept, &*it.execution_id)
        })
        .collect();
    assert_eq!(shown, [(1, 3, Some("why"), 3, 1, "a-1"), (2, 5, None, 3, 1, "a-1")]);
    for (number, first, reason) in [(1, "old", Some("why")), (2, "new", None)] {
        let chunk = cx.store.revision_read(key, number).await.unwrap().unwrap();
        let events = chunk.events().unwrap();
        assert_eq!((chunk.first, chunk.count, events.len()), (0, 3, 3));
        assert_eq!(text(&events[..2]), format!("{first}+end"));
        let at = Timestamp(NOW.0 + if number == 1 { 3 } else { 5 });
        assert_eq!(events[2], event::execution_rewound(at, reason.map(str::to_owned)));
    }
    for missing in [0, 3, -1] {
        assert_eq!(cx.store.revision_read(key, missing).await.unwrap(), None);
    }
}

pub async fn a_tree_is_rewound_wholly_or_not_at_all(cx: &mut StoreTest) {
    let (a, b) = (failed(cx, "a", "old").await, failed(cx, "b", "old").await);
    let (live, ended) = (cx.create("live").await, cx.create_ended("ended").await);
    cx.effects();
    let hub = cx.hub;
    let both = |turn| vec![rewind(hub, a, 3, 2, None), rewind(hub, b, turn, 2, None)];
    let missing = InstanceKey(999);
    for (turns, living) in
        [(both(2), vec![]), (both(4), vec![live]), (both(3), vec![live, ended]), (both(3), vec![missing])]
    {
        let refused = cx.store.rewind_commit(turns, living).await;
        assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
        for key in [a, b] {
            let loaded = cx.load(key).await;
            assert_eq!((loaded.record.status, loaded.record.turn), (Status::Failed, 2));
            assert_eq!(history(cx, key).await, "old end");
            assert_eq!(cx.store.revision_list(key).await.unwrap(), []);
        }
    }
    assert_eq!(cx.effects(), []);
    cx.store.rewind_commit(both(3), vec![live]).await.unwrap();
    assert_eq!(cx.load(b).await.record.status, Status::Running);
    assert_eq!(cx.effects().iter().filter(|effect| matches!(effect, Effect::Reopened { .. })).count(), 2);
}

pub async fn revisions_go_with_their_instance(cx: &mut StoreTest) {
    for replaced in [false, true] {
        let key = failed(cx, "a", "old").await;
        cx.store.rewind_commit(vec![rewind(cx.hub, key, 3, 2, None)], vec![]).await.unwrap();
        fail(cx, key, 4, 1).await;
        if replaced {
            let replace = StatusSet::TERMINAL.into();
            cx.store.instance_create(cx.new_instance("a"), replace).await.unwrap();
        } else {
            let purged = cx.store.instance_purge(cx.hub, InstanceId::lookup("a")).await.unwrap();
            assert_eq!(purged, Purged::Deleted);
        }
        assert_eq!(cx.store.revision_list(key).await.unwrap(), []);
        assert_eq!(cx.store.revision_read(key, 1).await.unwrap(), None);
    }
}
