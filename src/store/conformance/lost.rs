//! Tasks that nothing stored will answer. Here they are lost on purpose: a turn says in the history what it does not ask for.

use super::fixture::*;
use crate::{
    model::{
        Chunk, Class, HistoryChange, InstanceId, InstanceKey, NewMessage, OpenTask, Status, Timestamp, event,
        pb::{self, HistoryEvent, history_event::EventType},
    },
    store::{LostTask, Suspects},
};

fn scheduled(id: i32) -> HistoryEvent {
    let task = pb::TaskScheduledEvent { name: "Work".to_owned(), ..pb::TaskScheduledEvent::default() };
    event::with_id(id, NOW, EventType::TaskScheduled(task))
}

fn timer(id: i32) -> HistoryEvent {
    let created = pb::TimerCreatedEvent { fire_at: Some(NOW.to_wire()) };
    event::with_id(id, NOW, EventType::TimerCreated(created))
}

fn child(id: i32, instance: &str, silent: bool) -> HistoryEvent {
    let mut created = pb::SubOrchestrationInstanceCreatedEvent {
        instance_id: instance.to_owned(),
        ..pb::SubOrchestrationInstanceCreatedEvent::default()
    };
    if silent {
        created.tags.insert(crate::model::FIRE_AND_FORGET.to_owned(), String::new());
    }
    event::with_id(id, NOW, EventType::SubOrchestrationInstanceCreated(created))
}

fn fired(id: i32, due: Timestamp) -> NewMessage {
    let events = vec![event::timer_fired(due, id, due.to_wire())];
    NewMessage { class: Class::Result, due: Some(due), events }
}

async fn lost(cx: &StoreTest, key: InstanceKey) -> Vec<i32> {
    let found = cx.store.lost_tasks(Suspects::One(key)).await.unwrap();
    assert_eq!(found.next, None);
    found.tasks.iter().map(|lost| lost.id).collect()
}

/// An instance whose history says this.
async fn saying(cx: &StoreTest, id: &str, events: Vec<HistoryEvent>) -> InstanceKey {
    let key = cx.create(id).await;
    let mut turn = cx.turn(key, 1);
    turn.consumed = cx.inbox_ids(key).await;
    turn.history = HistoryChange::Append(Chunk::encode(0, events));
    cx.store.turn_commit(turn).await.unwrap();
    key
}

pub async fn what_is_asked_for_is_lost_only_if_nothing_will_answer(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    let mut turn = cx.turn(key, 1);
    turn.consumed = cx.inbox_ids(key).await;
    let events = (1..=3).map(scheduled).chain((4..=6).map(timer)).collect();
    turn.history = HistoryChange::Append(Chunk::encode(0, events));
    turn.activities = vec![activity(1)];
    let later = Timestamp(NOW.0 + 1_000_000_000);
    let myself = crate::model::Recipient::Myself;
    turn.outbox = [fired(4, NOW), fired(5, later)]
        .map(|message| crate::model::Outgoing { to: myself.clone(), message })
        .into();
    cx.store.turn_commit(turn).await.unwrap();
    cx.append("a", NewMessage::now(Class::Result, event::task_completed(NOW, 2, None))).await;
    assert_eq!(lost(cx, key).await, [3, 6]);
    let found = cx.store.lost_tasks(Suspects::One(key)).await.unwrap().tasks;
    let expected =
        LostTask { hub: cx.hub, instance: InstanceId::lookup("a"), id: 3, task: OpenTask::Activity };
    assert_eq!(found[0], expected);
    // The queued one is answered; its answer is in the inbox.
    let queued = cx.store.activity_claim(crate::model::ActivityKey::START, 9).await.unwrap();
    let done = NewMessage::now(Class::Result, event::task_completed(NOW, 1, None));
    assert!(cx.store.activity_complete(queued[0].key, Some(done)).await.unwrap());
    assert_eq!(lost(cx, key).await, [3, 6]);
    let mut end = cx.turn(key, 2);
    end.update.status = Status::Completed;
    end.pending = crate::model::Pending::DropAll;
    cx.store.turn_commit(end).await.unwrap();
    assert!(lost(cx, key).await.is_empty(), "it waits for nothing any more");
}

pub async fn a_child_is_lost_if_it_is_gone_and_was_to_report(cx: &mut StoreTest) {
    let events = vec![child(1, "there", false), child(2, "gone", false), child(3, "gone", true)];
    let key = saying(cx, "p", events).await;
    let parent = cx.load(key).await.record;
    let mut own = new_child(cx.hub, "there", "p");
    if let Some(parent_info) = &mut own.started.parent_instance {
        parent_info.task_scheduled_id = 1;
        let execution = parent_info.orchestration_instance.as_mut().unwrap();
        execution.execution_id = Some(parent.execution_id.clone());
    }
    cx.create_as(own).await;
    assert_eq!(lost(cx, key).await, [2]);
}

pub async fn unmoved_instances_are_looked_at_in_pages(cx: &mut StoreTest) {
    for number in 0..7 {
        saying(cx, &format!("i{number}"), vec![scheduled(number)]).await;
    }
    cx.create_ended("ended").await;
    let (mut after, mut pages, mut ids) = (None, 0, Vec::new());
    loop {
        let suspects = Suspects::Unmoved { after, since: Timestamp(i64::MAX), rows: 3 };
        let page = cx.store.lost_tasks(suspects).await.unwrap();
        assert!(page.tasks.len() <= 3);
        ids.extend(page.tasks.iter().map(|lost| lost.id));
        pages += 1;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    ids.sort_unstable();
    assert_eq!((pages, ids), (3, (0..7).collect::<Vec<_>>()));
    let early = Suspects::Unmoved { after: None, since: Timestamp(0), rows: 100 };
    assert!(cx.store.lost_tasks(early).await.unwrap().tasks.is_empty(), "all have moved since");
}
