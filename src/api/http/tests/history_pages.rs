//! `historyTop` and `historyAfter`: the history in pages.

use super::*;
use crate::model::{
    event, failure,
    pb::{self, HistoryEvent, history_event::EventType},
};
use serde_json::Value;

/// A small generator (xorshift), so that a history can be made again from its seed.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

fn scheduled(id: i32) -> HistoryEvent {
    let name = format!("A{id}");
    let task = pb::TaskScheduledEvent { name, input: Some("1".into()), ..Default::default() };
    event::with_id(id, BEGIN, EventType::TaskScheduled(task))
}

fn child(id: i32) -> HistoryEvent {
    let (name, instance_id) = (format!("C{id}"), format!("c{id}"));
    let created = pb::SubOrchestrationInstanceCreatedEvent { name, instance_id, ..Default::default() };
    event::with_id(id, BEGIN, EventType::SubOrchestrationInstanceCreated(created))
}

/// Calls that overlap, ids that are used again, answers that nobody asked for, calls that are never answered.
fn tangled(seed: u64, length: usize) -> Vec<HistoryEvent> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let near = |number: usize, state: &mut u64| i32::try_from(number / 8 + next(state) % 12).unwrap();
    let one = |number| match next(&mut state) % 12 {
        0 => event::orchestrator_started(BEGIN),
        1 => event::orchestrator_completed(BEGIN),
        2 => event::event_raised(BEGIN, format!("e{number}"), None),
        3 => HistoryEvent::default(),
        4 => child(near(number, &mut state)),
        5 => event::child_completed(BEGIN, near(number, &mut state), Some(number.to_string())),
        6 => event::child_failed(BEGIN, near(number, &mut state), failure("E", "no", false)),
        7 => event::task_failed(BEGIN, near(number, &mut state), failure("E", "no", false)),
        8 | 9 => event::task_completed(BEGIN, near(number, &mut state), Some(number.to_string())),
        _ => scheduled(near(number, &mut state)),
    };
    (0..length).map(one).collect()
}

/// One activity after another.
fn in_sequence(activities: i32) -> Vec<HistoryEvent> {
    let pair = |id| [scheduled(id), event::task_completed(BEGIN, id, Some(id.to_string()))];
    (0..activities).flat_map(pair).collect()
}

/// All at once, and their answers from the last to the first.
fn side_by_side(activities: i32) -> Vec<HistoryEvent> {
    let answers = (0..activities).rev().map(|id| event::task_completed(BEGIN, id, Some(id.to_string())));
    (0..activities).map(scheduled).chain(answers).collect()
}

async fn with_history(history: Vec<HistoryEvent>) -> World {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    world.store.change("a", |kept| kept.history = history);
    world
}

const HISTORY: &str = "/instances/a?showHistory=true&showHistoryOutput=true";

fn rows(answer: &Answer) -> Vec<Value> {
    answer.json()["historyEvents"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_pages_together_are_the_whole() {
    let histories = [in_sequence(100), side_by_side(100), Vec::new(), tangled(1, 3)];
    for (number, history) in histories.into_iter().chain((1..=25).map(|seed| tangled(seed, 400))).enumerate()
    {
        let world = with_history(history).await;
        let whole = rows(&world.get(HISTORY).await);
        for top in [3, 40, 100, 1_000] {
            let (mut path, mut met, mut pages) = (format!("{HISTORY}&historyTop={top}"), Vec::new(), 0);
            loop {
                let answer = world.get(&path).await;
                let page = rows(&answer);
                pages += 1;
                met.extend(page.iter().cloned());
                let Some(next) = answer.history_next else {
                    assert_eq!(answer.link, None);
                    break;
                };
                assert_eq!(page.len(), top, "a page that is followed by another is full");
                path = format!("{HISTORY}&historyTop={top}&historyAfter={next}");
                let link = format!("<http://host:7071{WEBHOOK_BASE}{path}>; rel=\"next\"");
                assert_eq!(answer.link, Some(link));
            }
            assert_eq!(met, whole, "history {number}, pages of {top}");
            assert_eq!(pages, whole.len().div_ceil(top).max(1), "history {number}, pages of {top}");
        }
    }
}

#[tokio::test]
async fn a_page_reads_what_it_needs() {
    let world = with_history(in_sequence(1_500)).await;
    for after in ["", "&historyAfter=1500", "&historyAfter=2900"] {
        world.store.events_read();
        assert_eq!(rows(&world.get(&format!("{HISTORY}&historyTop=10{after}")).await).len(), 10);
        let read = world.store.events_read();
        assert!(read < 400, "{read} events read for 10 rows{after}");
    }
}

#[tokio::test]
async fn own_parameters_are_strict_and_need_a_history() {
    let world = with_history(in_sequence(3)).await;
    for (query, part) in [
        ("showHistory=true&historyTop=0", "historyTop"),
        ("showHistory=true&historyTop=10001", "historyTop"),
        ("showHistory=true&historyTop=x", "historyTop"),
        ("showHistory=true&historyAfter=-1", "historyAfter"),
        ("showHistory=true&historyAfter=1.5", "historyAfter"),
        ("historyTop=5", "showHistory"),
    ] {
        world.get(&format!("/instances/a?{query}")).await.is_error(400, part);
    }
    assert_eq!(rows(&world.get(&format!("{HISTORY}&historyTop=&historyAfter=1")).await).len(), 2);
    assert_eq!(rows(&world.get(&format!("{HISTORY}&historyAfter=99")).await).len(), 0);
    world.get("/instances/b?showHistory=true&historyTop=5").await.is_empty(404);
    world.store.change("a", |kept| kept.record.status = Status::Pending);
    assert!(world.get(&format!("{HISTORY}&historyTop=5")).await.json().get("historyEvents").is_none());
}
