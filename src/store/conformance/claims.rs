//! Finding waiting work, as after a start.

use super::fixture::*;
use crate::{
    model::{ActivityKey, Class, InstanceId, InstanceKey, MessageId, Status, Timestamp},
    store::{Due, Ready},
};

const ZERO: InstanceKey = InstanceKey(0);

fn at(offset: i64) -> Timestamp {
    Timestamp(NOW.0 + offset)
}

async fn ready(cx: &StoreTest, now: Timestamp) -> Vec<String> {
    let ready = cx.store.ready_claim(now, ZERO, 100).await.unwrap();
    assert!(ready.is_sorted_by_key(|ready| ready.instance.key));
    ready.iter().map(|ready| ready.instance.id.to_string()).collect()
}

/// An instance without messages, in `status`.
async fn quiet(cx: &StoreTest, id: &str, status: Status) -> InstanceKey {
    let key = cx.create(id).await;
    let mut turn = cx.turn(key, 1);
    turn.consumed = cx.inbox_ids(key).await;
    turn.update.status = status;
    cx.store.turn_commit(turn).await.unwrap();
    key
}

pub async fn ready_means_deliverable(cx: &mut StoreTest) {
    let new = cx.create("new").await;
    quiet(cx, "quiet", Status::Running).await;
    quiet(cx, "event", Status::Running).await;
    cx.append("event", message(Class::Event, "e")).await;
    quiet(cx, "timer", Status::Running).await;
    cx.append("timer", message_at(Class::Result, "t", at(10))).await;
    cx.append("timer", message_at(Class::Result, "t", at(20))).await;
    // Whatever lies in the inbox of an ended instance is never delivered.
    let ended = quiet(cx, "ended", Status::Running).await;
    cx.append("ended", message(Class::Control, "c")).await;
    let mut end = cx.turn(ended, 2);
    end.update.status = Status::Terminated;
    cx.store.turn_commit(end).await.unwrap();

    assert_eq!(ready(cx, NOW).await, ["new", "event"]);
    assert_eq!(ready(cx, at(9)).await, ["new", "event"]);
    assert_eq!(ready(cx, at(10)).await, ["new", "event", "timer"]);
    let first = cx.store.ready_claim(NOW, ZERO, 1).await.unwrap();
    assert_eq!(first, [Ready { instance: cx.load(new).await.record.reference(), control: false }]);
}

pub async fn suspended_instances_are_ready_for_controls_only(cx: &mut StoreTest) {
    quiet(cx, "a", Status::Suspended).await;
    cx.append("a", message(Class::Event, "e")).await;
    cx.append("a", message(Class::Result, "r")).await;
    assert_eq!(ready(cx, at(100)).await, [""; 0]);
    cx.append("a", message(Class::Control, "resume")).await;
    assert_eq!(ready(cx, NOW).await, ["a"]);
}

pub async fn a_scheduled_instance_waits_for_its_start(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.start_at = Some(at(10));
    let key = cx.create_as(new).await;
    cx.append("a", message(Class::Event, "early")).await;
    assert_eq!(ready(cx, at(9)).await, [""; 0]);
    assert_eq!(ready(cx, at(10)).await, ["a"]);
    // Still so after the server's own turns (say, suspended and resumed) have been counted.
    cx.store.turn_commit(cx.turn(key, 1)).await.unwrap();
    assert_eq!(ready(cx, at(9)).await, [""; 0]);
    cx.append("a", message(Class::Control, "terminate")).await;
    assert_eq!(ready(cx, NOW).await, ["a"]);
}

pub async fn ready_instances_come_in_pages(cx: &mut StoreTest) {
    let mut expected = Vec::new();
    for number in 0..25 {
        let key = cx.create(&format!("i{number}")).await;
        for _ in 0..number % 3 {
            cx.append(&format!("i{number}"), message(Class::Event, "e")).await;
        }
        if number % 5 == 0 {
            let mut turn = cx.turn(key, 1);
            turn.consumed = cx.inbox_ids(key).await;
            cx.store.turn_commit(turn).await.unwrap();
        } else {
            expected.push(key);
        }
    }
    let (mut found, mut after) = (Vec::new(), ZERO);
    loop {
        let page = cx.store.ready_claim(NOW, after, 6).await.unwrap();
        found.extend(page.iter().map(|ready| ready.instance.key));
        if page.len() < 6 {
            break;
        }
        after = *found.last().unwrap();
    }
    assert_eq!(found, expected);
}

pub async fn activities_come_in_pages(cx: &mut StoreTest) {
    let mut task = 0;
    for number in 0..4 {
        let key = cx.create(&format!("i{number}")).await;
        let mut turn = cx.turn(key, 1);
        for _ in 0..5 {
            turn.activities.push(activity(task));
            task += 1;
        }
        cx.store.turn_commit(turn).await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), ActivityKey { instance: ZERO, number: 0 });
    loop {
        let page = cx.store.activity_claim(after, 3).await.unwrap();
        found.extend(page.iter().map(|task| task.task_id));
        if page.len() < 3 {
            break;
        }
        after = page[2].key;
    }
    assert_eq!(found, (0..20).collect::<Vec<_>>());
}

pub async fn due_messages_come_in_pages_and_in_order(cx: &mut StoreTest) {
    let mut expected = Vec::new();
    for number in 0..6 {
        let key = cx.create(&format!("i{number}")).await;
        cx.append(&format!("i{number}"), message(Class::Event, "not a timer")).await;
        for due in [number * 7 % 5, 3, -number] {
            cx.append(&format!("i{number}"), message_at(Class::Result, "t", at(due))).await;
            let message = *cx.inbox_ids(key).await.last().unwrap();
            expected.push(Due { at: at(due), message, instance: key });
        }
    }
    expected.sort();
    let start = Due { at: Timestamp(i64::MIN), message: MessageId(0), instance: ZERO };
    let (mut found, mut after) = (Vec::new(), start);
    loop {
        let page = cx.store.due_list(after, 4).await.unwrap();
        found.extend(page.iter().copied());
        if page.len() < 4 {
            break;
        }
        after = page[3];
    }
    assert_eq!(found, expected);
}

pub async fn the_route_of_an_instance_has_its_status(cx: &mut StoreTest) {
    let key = quiet(cx, "a", Status::Suspended).await;
    let (reference, status) = cx.store.instance_route(key).await.unwrap().unwrap();
    assert_eq!((reference.id, reference.key, status), (InstanceId::lookup("a"), key, Status::Suspended));
    assert_eq!(cx.store.instance_route(InstanceKey(4711)).await.unwrap(), None);
    cx.store.ping().await.unwrap();
}
