//! Bytes and text come back exactly as they went in.

use super::fixture::*;
use crate::model::{
    Chunk, Class, HistoryChange, InstanceId, NewExecution, NewMessage, Payloads, Status, Timestamp, event,
    failure,
};

async fn get(cx: &StoreTest, id: &str, payloads: bool) -> (crate::model::InstanceRecord, Payloads) {
    cx.store.instance_get(cx.hub, InstanceId::lookup(id), payloads).await.unwrap().unwrap()
}

pub async fn empty_text_is_not_no_text(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some(String::new());
    new.started.version = Some(String::new());
    let key = cx.create_as(new).await;
    let (record, payloads) = get(cx, "a", true).await;
    assert_eq!((record.version.as_deref(), payloads.input.as_deref()), (Some(""), Some("")));
    assert_eq!((payloads.output, payloads.custom_status), (None, None));
    let mut turn = cx.turn(key, 1);
    turn.update.output = Some(String::new());
    turn.update.custom_status = Some(Some(String::new()));
    turn.update.trace = Some(Vec::new());
    cx.store.turn_commit(turn).await.unwrap();
    let (record, payloads) = get(cx, "a", true).await;
    assert_eq!((payloads.output.as_deref(), payloads.custom_status.as_deref()), (Some(""), Some("")));
    assert_eq!(record.trace, Some(vec![]));
    assert_eq!(cx.load(key).await.custom_status.as_deref(), Some(""));

    let bare = cx.create("b").await;
    let (record, payloads) = get(cx, "b", true).await;
    assert_eq!((record.version, record.trace, payloads), (None, None, Payloads::default()));
    assert_eq!(cx.load(bare).await.custom_status, None);
}

pub async fn five_megabytes_come_back_as_they_were(cx: &mut StoreTest) {
    let big: String = ('a'..='z').cycle().take(5_000_000).collect();
    let mut new = cx.new_instance("a");
    new.started.input = Some(big.clone());
    let key = cx.create_as(new.clone()).await;
    let raised = event::event_raised(NOW, "big".into(), Some(big.clone()));
    cx.append("a", NewMessage::now(Class::Event, raised.clone())).await;
    let mut turn = cx.turn(key, 1);
    turn.history = HistoryChange::Append(Chunk::encode(0, vec![raised.clone()]));
    turn.update.output = Some(big.clone());
    turn.activities = vec![activity(1)];
    turn.activities[0].request.input = Some(big.clone());
    let request = turn.activities[0].request.clone();
    cx.store.turn_commit(turn).await.unwrap();
    let (_, payloads) = get(cx, "a", true).await;
    assert!(payloads.input.as_ref() == Some(&big) && payloads.output.as_ref() == Some(&big));
    let loaded = cx.load(key).await;
    assert!(loaded.history[0].events().unwrap() == [raised.clone()]);
    assert!(loaded.inbox[0].events == new.start_message().events && loaded.inbox[1].events == [raised]);
    let first = crate::model::ActivityKey { instance: crate::model::InstanceKey(0), number: 0 };
    let task = cx.store.activity_claim(first, 1).await.unwrap().remove(0);
    assert!(task.request == prost::Message::encode_to_vec(&request));
}

pub async fn any_text_survives(cx: &mut StoreTest) {
    let odd = "\u{0}\u{1}'\"\\%_😀\u{feff}e\u{301}\u{202e}\r\n\u{10ffff}";
    let mut new = cx.new_instance(odd);
    new.started.name = odd.into();
    new.started.version = Some(odd.into());
    new.started.input = Some(odd.into());
    new.started.tags = [(odd.to_owned(), odd.to_owned()), (String::new(), String::new())].into();
    let key = cx.create_as(new.clone()).await;
    let mut turn = cx.turn(key, 1);
    let next = NewExecution { execution_id: odd.into(), version: Some(odd.into()), input: Some(odd.into()) };
    turn.update.execution = Some(next);
    turn.update.output = Some(odd.into());
    turn.update.custom_status = Some(Some(odd.into()));
    turn.update.failure = Some(failure(odd, odd, false));
    cx.store.turn_commit(turn).await.unwrap();
    let (record, payloads) = get(cx, odd, true).await;
    assert_eq!((record.id.as_str(), &*record.name, record.version.as_deref()), (odd, odd, Some(odd)));
    assert_eq!((record.execution_id.as_str(), record.tags), (odd, new.started.tags));
    let text = || Some(odd.to_owned());
    let failure = Some(failure(odd, odd, false));
    assert_eq!(payloads, Payloads { input: text(), output: text(), custom_status: text(), failure });
    // Ids that only look alike are different ids.
    cx.create("\u{e9}").await;
    cx.create("e\u{301}").await;
    cx.create("\u{0}").await;
    cx.create("\u{0}\u{0}").await;
}

pub async fn a_failure_is_always_given(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some("in".into());
    let key = cx.create_as(new).await;
    let mut deep = failure("Outer", "o", false);
    deep.inner_failure = Some(Box::new(failure("Inner", "i", true)));
    deep.stack_trace = Some("at x".into());
    let mut turn = cx.turn(key, 1);
    turn.update.status = Status::Failed;
    turn.update.failure = Some(deep.clone());
    cx.store.turn_commit(turn).await.unwrap();
    let (_, payloads) = get(cx, "a", false).await;
    assert_eq!(payloads, Payloads { failure: Some(deep), ..Payloads::default() });
    let missing = cx.store.instance_get(cx.hub, InstanceId::lookup("b"), true).await.unwrap();
    assert_eq!(missing, None);
}

pub async fn tags_parent_and_trace_are_kept(cx: &mut StoreTest) {
    let mut new = new_child(cx.hub, "a", "parent");
    new.started.tags = [("team".to_owned(), "blue".to_owned())].into();
    new.start_at = Some(Timestamp(NOW.0 + 5));
    let key = cx.create_as(new.clone()).await;
    let mut turn = cx.turn(key, 1);
    turn.update.trace = Some(vec![0, 255]);
    cx.store.turn_commit(turn).await.unwrap();
    cx.store.turn_commit(cx.turn(key, 2)).await.unwrap();
    let record = cx.load(key).await.record;
    assert_eq!((record.tags, record.parent.clone()), (new.started.tags.clone(), new.parent()));
    assert_eq!((record.scheduled_at, record.trace), (new.start_at, Some(vec![0, 255])));
    assert_eq!(record.parent.unwrap().task_id, 7);
}
