//! What must be true when all is done: everything has ended, and whatever was acknowledged has happened, once.

use super::{
    ledger::{Answer, Delivery, Ledger, Life, operation, tag},
    process::{Disk, Process},
    programs::{GATHER, INTRUDER, STOP, UNLUCKY},
    world::World,
};
use crate::{
    dispatch::Insight as _,
    engine::tests::check_history,
    model::{
        ActivityKey, Class, HubId, InstanceKey, MessageId, Status, StatusExt as _, Timestamp, error_type,
        pb::{HistoryEvent, history_event::EventType},
    },
    store::{Due, LostTask, Store as _, Suspects},
};
use std::collections::{BTreeMap, HashMap};

/// What an orchestration may fail of.
const FAILURES: [&str; 4] =
    [UNLUCKY, error_type::PROTOCOL_VIOLATION, error_type::TERMINATED, error_type::INSTANCE_EXISTS];

/// Looks at everything, and answers what is wrong.
pub async fn audit(world: &World, disk: &Disk, process: &Process) -> Vec<String> {
    let ledger = std::mem::take(&mut world.state().ledger);
    let mut wrong = ledger.wrong.clone();
    let held = process.dispatch.held();
    if held > 0 {
        wrong.push(format!("{held} items are held by nobody"));
    }
    let taken_up = process.dispatch.watch().taken_up;
    if taken_up > 0 {
        wrong.push(format!("{taken_up} instances or activities were overlooked"));
    }
    wrong.extend(nothing_is_lost(disk).await);
    wrong.extend(nothing_waits(disk).await);
    for (key, life) in &ledger.lives {
        let mut about = Vec::new();
        match disk.store.instance_load(*key).await.expect("the store is well") {
            Some(_) if life.gone => about.push("is gone, but it is there".to_owned()),
            None if !life.gone => about.push("is not there any more".to_owned()),
            None => {}
            Some(loaded) => {
                if loaded.record.turn != life.turn || loaded.record.status != life.status {
                    about.push(format!(
                        "is {:?} after turn {} in the store",
                        loaded.record.status, loaded.record.turn
                    ));
                }
                if !loaded.inbox.is_empty() {
                    about.push(format!("has {} messages left", loaded.inbox.len()));
                }
                let stored: Vec<_> =
                    loaded.history.iter().flat_map(|chunk| chunk.events().unwrap_or_default()).collect();
                if stored != life.history {
                    about.push("has another history in the store".to_owned());
                }
                match life.id.is_entity() {
                    true => about.extend(entity(life, loaded.entity.unwrap_or_default())),
                    false => about.extend(orchestration(world, &ledger, process.hub, life, disk).await),
                }
            }
        }
        wrong.extend(about.into_iter().map(|what| format!("{} ({}, {}) {what}", life.id, key.0, life.name)));
    }
    wrong.extend(messages(&ledger));
    wrong
}

/// Whatever goes wrong, at no moment does anybody wait for what nothing will answer.
pub async fn nothing_is_lost(disk: &Disk) -> Vec<String> {
    let all = Suspects::Unmoved { after: None, since: Timestamp(i64::MAX), rows: usize::MAX };
    let lost = disk.store.lost_tasks(all).await.expect("the store is well").tasks;
    lost.iter().map(|lost| format!("{}: {}", lost.instance, LostTask::problem(lost.id, &lost.task))).collect()
}

/// No row asks for anything to be done.
async fn nothing_waits(disk: &Disk) -> Vec<String> {
    let (first, none) = (InstanceKey(i64::MIN), i64::MIN);
    let due = Due { at: Timestamp(none), message: MessageId(none), instance: first };
    let due = disk.store.due_list(due, 10).await.expect("the store is well");
    let ready = disk.store.ready_claim(Timestamp(i64::MAX), first, 10).await.expect("the store is well");
    let activity = ActivityKey { instance: first, number: none };
    let activities = disk.store.activity_claim(activity, 10).await.expect("the store is well");
    let lines = [
        due.iter().map(|due| format!("{due:?} is left")).collect::<Vec<_>>(),
        ready.iter().map(|ready| format!("{ready:?} is left")).collect(),
        activities.iter().map(|task| format!("activity {:?} {} is left", task.key, task.name)).collect(),
    ];
    lines.concat()
}

fn entity(life: &Life, loaded: crate::store::EntityLoaded) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(lock) = loaded.lock {
        wrong.push(format!("is locked by {}", lock.owner));
    }
    let state = loaded.state.unwrap_or_else(|| "[]".to_owned());
    let list = format!("[{}]", life.taken.join(","));
    if state != list {
        wrong.push(format!("has the state {state}, but was given {list}"));
    }
    wrong
}

async fn orchestration(world: &World, ledger: &Ledger, hub: HubId, life: &Life, disk: &Disk) -> Vec<String> {
    let mut wrong = Vec::new();
    if !life.status.is_terminal() {
        wrong.push(format!("is stuck as {}", life.status.name()));
        return wrong;
    }
    check_history(&life.history);
    wrong.extend(results(ledger, &life.history));
    let (_, payloads) = match disk.store.instance_get(hub, life.id.clone(), true).await {
        Ok(Some(found)) => found,
        other => return vec![format!("cannot be found: {other:?}")],
    };
    if let Some(failure) = payloads.failure.filter(|_| life.status == Status::Failed) {
        let causes = std::iter::successors(Some(&failure), |failure| failure.inner_failure.as_deref());
        let permitted = |kind: &str| FAILURES.contains(&kind) || (kind == INTRUDER && world.plan.wipes);
        if !causes.last().is_some_and(|root| permitted(&root.error_type)) {
            wrong.push(format!("failed of {}: {}", failure.error_type, failure.error_message));
        }
    }
    if life.name == GATHER && life.status == Status::Completed {
        let stop = life.taken.iter().position(|event| event.starts_with(&format!("\"{STOP}")));
        let taken = life.taken.iter().take(stop.map_or(0, |stop| stop + 1));
        let list = taken.map(String::as_str).collect::<Vec<_>>().join(",");
        let output = payloads.output.unwrap_or_default();
        // One that was run again begins with what the one before had at last.
        let again = ledger.restarted.contains(&life.id) && output.ends_with(&format!(",{list}]"));
        if output != format!("[{list}]") && !again {
            wrong.push(format!("has seen {output}, but was sent {list}"));
        }
    }
    wrong
}

/// Every result is one that a worker has made for this very activity.
fn results(ledger: &Ledger, history: &[HistoryEvent]) -> Vec<String> {
    let (mut inputs, mut wrong) = (HashMap::new(), Vec::new());
    for event in history {
        match &event.event_type {
            Some(EventType::TaskScheduled(task)) => drop(inputs.insert(event.event_id, task.input.clone())),
            Some(EventType::TaskCompleted(done)) => {
                let text = |json: Option<&str>| serde_json::from_str::<String>(json.unwrap_or_default()).ok();
                let result = text(done.result.as_deref()).unwrap_or_default();
                let input = inputs.get(&done.task_scheduled_id).cloned().flatten();
                let made_for = ledger.results.get(&result).cloned();
                if made_for.is_none() || made_for != text(input.as_deref()) {
                    wrong.push(format!("has the result {result:?} for {input:?}"));
                }
            }
            _ => {}
        }
    }
    wrong
}

/// What callers were answered, and what orchestrations have sent, agrees with the messages that came.
fn messages(ledger: &Ledger) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut by_tag: BTreeMap<String, usize> = BTreeMap::new();
    for (id, letter) in &ledger.letters {
        if letter.delivery == Delivery::Waiting {
            wrong.push(format!("{id:?} ({:?}) to {:?} still waits", letter.class, letter.to));
        }
        // What is carried over is not sent again.
        let first = letter.events.iter().take(1).filter(|_| letter.class != Class::Result);
        for tag in first.filter_map(|event| tag(letter.class, event)) {
            *by_tag.entry(tag).or_default() += 1;
        }
    }
    for (tag, answers) in &ledger.calls {
        let came = by_tag.get(tag).copied().unwrap_or(0);
        let done = answers.contains(&Some(Answer::Done));
        let not = answers.iter().all(|answer| *answer == Some(Answer::Not));
        let most = if ledger.recursive.contains(tag) { usize::MAX } else { 1 };
        if came > most || (done && came == 0) || (not && came != 0) {
            wrong.push(format!("{tag} was answered {answers:?} and came {came} times"));
        }
    }
    for (sent, times) in &ledger.owed {
        let came = ledger.letters.values().flat_map(|letter| &letter.events).filter_map(operation);
        let came = came.filter(|operation| operation == sent).count();
        if came != *times {
            wrong.push(format!("{sent} was sent to an entity {times} times and came {came} times"));
        }
    }
    wrong
}
