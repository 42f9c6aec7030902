//! Turns: all or nothing, once, in order.

use super::fixture::*;
use crate::{
    model::{
        Class, Effect, HistoryChange, InstanceId, InstanceKey, NewChild, Recipient, Status, Timestamp,
        failure,
    },
    store::Error,
};

fn id(text: &str) -> InstanceId {
    InstanceId::lookup(text)
}

pub async fn a_turn_changes_what_it_says_and_nothing_else(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some("in".into());
    let key = cx.create_as(new).await;
    let bystander = cx.create("b").await;
    let untouched = cx.load(bystander).await;
    let created = cx.load(key).await;

    let mut first = cx.turn(key, 1);
    first.consumed = cx.inbox_ids(key).await;
    first.history = HistoryChange::Append(chunk(0, "one"));
    first.update.custom_status = Some(Some("half".into()));
    first.update.trace = Some(vec![1, 2]);
    cx.store.turn_commit(first).await.unwrap();
    let mut expected = created.record;
    expected.status = Status::Running;
    expected.turn = 1;
    expected.updated_at = Timestamp(NOW.0 + 1);
    expected.trace = Some(vec![1, 2]);
    let loaded = cx.load(key).await;
    assert_eq!(loaded.record, expected);
    assert_eq!(loaded.custom_status.as_deref(), Some("half"));
    assert_eq!((loaded.history, loaded.inbox), (vec![chunk(0, "one")], vec![]));

    // `None` leaves things as they are.
    cx.store.turn_commit(cx.turn(key, 2)).await.unwrap();
    expected.turn = 2;
    expected.updated_at = Timestamp(NOW.0 + 2);
    let loaded = cx.load(key).await;
    assert_eq!(loaded.record, expected);
    assert_eq!(loaded.custom_status.as_deref(), Some("half"));

    let mut last = cx.turn(key, 3);
    last.update.status = Status::Failed;
    last.update.completed_at = Some(Timestamp(NOW.0 + 3));
    last.update.custom_status = Some(None);
    last.update.output = Some("out".into());
    last.update.failure = Some(failure("Boom", "it broke", true));
    cx.store.turn_commit(last).await.unwrap();
    let (record, payloads) = cx.store.instance_get(cx.hub, id("a"), true).await.unwrap().unwrap();
    assert_eq!((record.status, record.completed_at), (Status::Failed, Some(Timestamp(NOW.0 + 3))));
    assert_eq!((payloads.input.as_deref(), payloads.output.as_deref()), (Some("in"), Some("out")));
    assert_eq!((payloads.custom_status, payloads.failure), (None, Some(failure("Boom", "it broke", true))));
    assert_eq!(cx.load(bystander).await, untouched);
}

/// A turn that does everything a turn can do.
async fn full(cx: &StoreTest, key: InstanceKey, turn: i64) -> crate::model::Commit {
    let mut commit = cx.turn(key, turn);
    commit.consumed = cx.inbox_ids(key).await;
    commit.history = HistoryChange::Append(chunk(turn, "event"));
    commit.update.custom_status = Some(Some("new".into()));
    commit.update.output = Some("out".into());
    commit.activities = vec![activity(1)];
    commit.outbox = vec![outgoing(Recipient::Myself, "again"), outgoing(Recipient::Instance(id("b")), "hi")];
    let otherwise = message(Class::Result, "taken");
    let instance = new_child(cx.hub, &format!("child-{turn}"), "a");
    commit.children = vec![NewChild { instance, replaces: true, otherwise: Some(otherwise) }];
    commit
}

pub async fn a_stale_turn_is_fenced_and_writes_nothing(cx: &mut StoreTest) {
    let (key, other) = (cx.create("a").await, cx.create("b").await);
    cx.store.turn_commit(full(cx, key, 1).await).await.unwrap();
    let before = (cx.load(key).await, cx.load(other).await);
    cx.effects();
    for stale in [0, 1, 3, 4, -1] {
        let answer = cx.store.turn_commit(full(cx, key, stale).await).await;
        assert!(matches!(answer, Err(Error::Fenced)), "{stale}: {answer:?}");
    }
    assert_eq!((cx.load(key).await, cx.load(other).await), before);
    assert_eq!(cx.store.instance_get(cx.hub, id("child-3"), false).await.unwrap(), None);
    assert_eq!(cx.effects(), []);
}

pub async fn a_turn_that_takes_what_an_earlier_one_took_is_fenced_and_writes_nothing(cx: &mut StoreTest) {
    let (key, other) = (cx.create("a").await, cx.create("b").await);
    let taken = full(cx, key, 1).await;
    cx.store.turn_commit(taken.clone()).await.unwrap();
    let before = (cx.load(key).await, cx.load(other).await);
    cx.effects();
    // Word of the message came after it had been taken by a turn of which nobody knew that it was made.
    let mut again = full(cx, key, 2).await;
    again.consumed.extend(taken.consumed);
    let answer = cx.store.turn_commit(again).await;
    assert!(matches!(answer, Err(Error::Fenced)), "{answer:?}");
    // What is somebody else's is not taken either.
    let mut theirs = full(cx, key, 2).await;
    theirs.consumed.extend(cx.inbox_ids(other).await);
    let answer = cx.store.turn_commit(theirs).await;
    assert!(matches!(answer, Err(Error::Fenced)), "{answer:?}");
    assert_eq!((cx.load(key).await, cx.load(other).await), before);
    assert_eq!(cx.effects(), []);
    cx.store.turn_commit(full(cx, key, 2).await).await.unwrap();
}

pub async fn a_repeated_turn_is_fenced_and_changes_nothing(cx: &mut StoreTest) {
    let (key, other) = (cx.create("a").await, cx.create("b").await);
    let commit = full(cx, key, 1).await;
    // Many at once, as when an answer was lost and two workers try again.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, commit) = (cx.store.clone(), commit.clone());
        tasks.spawn(async move { store.turn_commit(commit).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(Error::Fenced))));
    let before = (cx.load(key).await, cx.load(other).await);
    assert_eq!(cx.inbox(key).await, ["again"]);
    assert_eq!(cx.inbox(other).await, ["start", "hi"]);
    cx.effects();
    assert!(matches!(cx.store.turn_commit(commit).await, Err(Error::Fenced)));
    assert_eq!((cx.load(key).await, cx.load(other).await), before);
    assert_eq!(cx.effects(), []);
}

pub async fn a_turn_of_a_missing_instance_is_fenced(cx: &mut StoreTest) {
    let commit = cx.turn(InstanceKey(4711), 1);
    assert!(matches!(cx.store.turn_commit(commit).await, Err(Error::Fenced)));
    let key = cx.create_ended("a").await;
    cx.store.instance_purge(cx.hub, id("a")).await.unwrap();
    assert!(matches!(cx.store.turn_commit(cx.turn(key, 2)).await, Err(Error::Fenced)));
}

pub async fn a_turn_that_fails_in_the_middle_leaves_nothing(cx: &mut StoreTest) {
    let (key, other) = (cx.create("a").await, cx.create("b").await);
    let mut first = cx.turn(key, 1);
    first.history = HistoryChange::Append(chunk(0, "one"));
    cx.store.turn_commit(first).await.unwrap();
    let before = (cx.load(key).await, cx.load(other).await);
    cx.effects();
    let mut broken = full(cx, key, 2).await;
    // A chunk where there is one already: the row and the inbox have been changed by then.
    broken.history = HistoryChange::Append(chunk(0, "two"));
    let (good, broken) = tokio::join!(cx.store.turn_commit(cx.turn(other, 1)), cx.store.turn_commit(broken));
    good.unwrap();
    assert!(matches!(broken, Err(Error::Backend(_) | Error::Corrupt(_))), "{broken:?}");
    assert_eq!(cx.load(key).await, before.0);
    assert_eq!(short(&cx.effects()), ["Changed b Running"]);
    cx.store.turn_commit(cx.turn(key, 2)).await.unwrap();
}

pub async fn history_keeps_its_order_over_many_chunks(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    let mut chunks = Vec::new();
    let mut first = 0;
    for turn in 1..=300 {
        let mut commit = cx.turn(key, turn);
        let events =
            (0..turn % 4 + 1).map(|n| crate::model::event::event_raised(NOW, format!("{turn}.{n}"), None));
        let chunk = crate::model::Chunk::encode(first, events.collect());
        first = chunk.end();
        chunks.push(chunk.clone());
        commit.history = HistoryChange::Append(chunk);
        cx.store.turn_commit(commit).await.unwrap();
    }
    assert_eq!(cx.load(key).await.history, chunks);
    for from in [0, 1, 2, 5, 299, first - 1, first, first + 10] {
        let expected: Vec<_> = chunks.iter().filter(|chunk| chunk.end() > from).cloned().collect();
        assert_eq!(cx.store.history_read(key, from).await.unwrap(), expected, "from {from}");
        for before in [0, 1, 2, 5, 300, first - 1, first, first + 10] {
            let part = cx.store.history_part(key, from, before).await.unwrap();
            let expected: Vec<_> = expected.iter().filter(|chunk| chunk.first < before).cloned().collect();
            assert_eq!(part, expected, "{from} to {before}");
        }
    }
    assert_eq!(cx.store.history_read(InstanceKey(4711), 0).await.unwrap(), []);
    let bytes = chunks.iter().map(|chunk| i64::try_from(chunk.bytes.len()).unwrap()).sum();
    let size = crate::store::HistorySize { events: first, bytes };
    assert_eq!(cx.store.history_size(key).await.unwrap(), size);
    assert_eq!(cx.store.history_size(InstanceKey(4711)).await.unwrap(), Default::default());
}

pub async fn effects_come_in_order_and_before_the_answer(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    let other = cx.create("b").await;
    cx.create_ended("child-1").await;
    cx.effects();
    cx.store.turn_commit(full(cx, key, 1).await).await.unwrap();
    // No waiting here: the answer has come, so the effects must be there.
    let effects = cx.effects();
    assert_eq!(
        short(&effects),
        [
            "Gone child-1",
            "Message child-1 start Pending",
            "Changed child-1 Pending",
            "Activity a 1",
            "Message a again Running",
            "Message b hi Pending",
            "Changed a Running",
        ]
    );
    // What they carry is what is stored.
    let (mine, theirs) = (cx.load(key).await, cx.load(other).await);
    let to = mine.record.reference();
    assert_eq!(effects[4], Effect::Message { to, status: Status::Running, message: mine.inbox[0].clone() });
    let to = theirs.record.reference();
    assert_eq!(effects[5], Effect::Message { to, status: Status::Pending, message: theirs.inbox[1].clone() });
    let first = crate::model::ActivityKey { instance: InstanceKey(0), number: 0 };
    let queued = cx.store.activity_claim(first, 9).await.unwrap();
    assert_eq!(effects[3], Effect::Activity(queued[0].clone()));
}

pub async fn children_are_created_and_replace_ended_ones(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    let old = cx.create_ended("c2").await;
    let child = |name: &str| NewChild {
        instance: new_child(cx.hub, name, "a"),
        replaces: true,
        otherwise: Some(message(Class::Result, "taken")),
    };
    let mut turn = cx.turn(key, 1);
    turn.children = vec![child("c1"), child("c2")];
    cx.effects();
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.store.instance_load(old).await.unwrap(), None);
    for name in ["c1", "c2"] {
        let (record, _) = cx.store.instance_get(cx.hub, id(name), false).await.unwrap().unwrap();
        let parent = record.parent.unwrap();
        assert_eq!((parent.id.as_str(), parent.execution_id.as_str(), parent.task_id), ("a", "a-1", 7));
        assert_eq!((record.status, record.turn), (Status::Pending, 0));
        assert_eq!(cx.inbox(record.key).await, ["start"]);
    }
    assert_eq!(cx.inbox(key).await, ["start"]);
}

pub async fn a_child_whose_id_is_taken_becomes_a_message_to_the_sender(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    let live = cx.create("live").await;
    let before = cx.load(live).await;
    cx.effects();
    let child = |name: &str, otherwise: &str| NewChild {
        instance: new_child(cx.hub, name, "a"),
        replaces: true,
        otherwise: Some(message(Class::Result, otherwise)),
    };
    let mut turn = cx.turn(key, 1);
    turn.children = vec![child("live", "1"), child("twin", "2"), child("twin", "3"), child("a", "4")];
    turn.activities = vec![activity(5)];
    turn.outbox = vec![outgoing(Recipient::Myself, "6")];
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.load(live).await, before);
    assert_eq!(cx.inbox(key).await, ["start", "1", "3", "4", "6"]);
    assert_eq!(
        short(&cx.effects()),
        [
            "Message twin start Pending",
            "Changed twin Pending",
            "Activity a 5",
            "Message a 1 Running",
            "Message a 3 Running",
            "Message a 4 Running",
            "Message a 6 Running",
            "Changed a Running",
        ]
    );
}

pub async fn an_instance_does_not_replace_itself_by_its_child(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    let mut end = cx.turn(key, 1);
    end.update.status = Status::Completed;
    let otherwise = message(Class::Result, "taken");
    end.children =
        vec![NewChild { instance: new_child(cx.hub, "a", "a"), replaces: true, otherwise: Some(otherwise) }];
    cx.store.turn_commit(end).await.unwrap();
    assert_eq!(cx.load(key).await.record.status, Status::Completed);
}
