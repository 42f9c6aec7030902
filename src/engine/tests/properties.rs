//! Whatever arrives, in whatever order, and whatever a worker answers: the history stays one that an SDK can replay.

use super::{show, world::World};
use crate::{
    engine::Next,
    model::{
        Class, MessageId, StatusExt as _, Timestamp, answered_action,
        pb::{HistoryEvent, history_event::EventType},
    },
};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

/// Messages of one step, in the words of scripts.
fn arrivals() -> impl Strategy<Value = String> {
    let answer = prop_oneof!["done", "failed", "child-done", "child-failed", "fired"];
    let one = prop_oneof![
        8 => (answer, 0..4).prop_map(|(kind, id)| format!("{kind} {id} x")),
        3 => Just("event Go 1".to_owned()),
        1 => Just("event Big b*600000".to_owned()),
        1 => Just("suspend".to_owned()),
        2 => Just("resume".to_owned()),
        1 => prop_oneof![Just("terminate r".to_owned()), Just("terminate-all".to_owned())],
        3 => (0..9).prop_map(|seconds| format!("+{seconds}s")),
    ];
    prop::collection::vec(one, 0..6).prop_map(|all| all.join(", "))
}

/// A worker's answer, in the words of scripts.
fn answer() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        6 => (0..4).prop_map(|id| format!("task {id} A")),
        4 => (0..6, -3..30).prop_map(|(id, at)| format!("timer {id} {at}s")),
        4 => (0..6, prop_oneof!["x", "@x", "taken", ""]).prop_map(|(id, child)| format!("child {id} C id={child}")),
        3 => (0..6).prop_map(|id| format!("send {id} other Go")),
        2 => (0..5).prop_map(|count| format!("took {count}")),
        2 => Just("status s".to_owned()),
        1 => Just("trace t".to_owned()),
        2 => prop_oneof![Just("again 1 carry=A,started,B"), Just("again")].prop_map(str::to_owned),
        1 => prop_oneof!["complete", "fail E", "cancel", "end-terminated", "task 1", "finish 9"].prop_map(|s| s),
    ];
    prop::collection::vec(one, 0..6)
        .prop_map(|all| if all.is_empty() { "nothing".to_owned() } else { all.join(", ") })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_interleaving_of_messages_and_any_answers_keep_a_valid_history(
        start in prop_oneof![Just("start"), Just("start at=+9s"), Just("start parent=p:pe:1")],
        steps in prop::collection::vec((arrivals(), answer()), 1..25),
    ) {
        let mut world = World::default();
        world.arrive(start);
        let mut latest = None;
        for (arrivals, answer) in steps {
            for item in arrivals.split(", ").filter(|item| !item.is_empty()) {
                world.arrive(item);
            }
            let ended = world.execution().record.status.is_terminal();
            latest = decide(&mut world, &answer, latest);
            check_history(&world.history());
            prop_assert!(!ended || world.next() == Next::Wait, "an ended instance does something");
        }
        // Nothing is left undone by anything but waiting: the engine comes to rest.
        for _ in 0..200 {
            if world.next() == Next::Wait {
                break;
            }
            latest = decide(&mut world, "nothing", latest);
        }
        prop_assert_eq!(world.next(), Next::Wait, "{}", show::inbox(world.inbox.values()));
    }

    #[test]
    fn the_same_story_gives_the_same_commits(steps in prop::collection::vec((arrivals(), answer()), 1..12)) {
        let tell = || {
            let mut world = World::default();
            world.arrive("start");
            let mut told = String::new();
            for (arrivals, answer) in &steps {
                arrivals.split(", ").filter(|item| !item.is_empty()).for_each(|item| world.arrive(item));
                let answered = match world.next() {
                    Next::Deliver(_) => format!("-> {answer}"),
                    Next::Wait | Next::Control(_) | Next::Discard(_) => String::new(),
                };
                // The second that a step takes may bring a timer due.
                if !answered.is_empty() {
                    told += &world.step(&answered);
                }
            }
            told
        };
        prop_assert_eq!(tell(), tell());
    }
}

/// Takes whatever step comes next. Returns the time of the latest turn.
fn decide(world: &mut World, answer: &str, latest: Option<Timestamp>) -> Option<Timestamp> {
    let (status, events) = (world.execution().record.status, waiting_events(world));
    let next = world.next();
    let (mut latest, mut delivered) = (latest, HashSet::new());
    match next {
        Next::Wait => {}
        Next::Deliver(turn) => {
            assert!(!status.is_terminal() && status.name() != "Suspended", "delivered while {status:?}");
            assert!(latest.is_none_or(|latest| turn.at > latest), "turn times rise, across executions too");
            latest = Some(turn.at);
            let counts = turn.taken.iter().map(|(_, count)| count).sum::<usize>();
            assert_eq!(counts + 1, turn.events.len());
            delivered = turn.taken.iter().filter(|(_, count)| *count > 0).map(|(id, _)| *id).collect();
            world.answer(turn, super::script::answer(answer));
        }
        Next::Control(messages) => drop(world.control(messages)),
        Next::Discard(late) => drop(world.discard(late)),
    }
    if !world.execution().record.status.is_terminal() {
        let left = waiting_events(world);
        let gone: Vec<_> = events.difference(&left).collect();
        assert!(gone.iter().all(|id| delivered.contains(id)), "events {gone:?} were lost");
    }
    latest
}

/// Events in the inbox; they may leave it only by being delivered.
fn waiting_events(world: &World) -> HashSet<MessageId> {
    world.inbox.values().filter(|message| message.class == Class::Event).map(|message| message.id).collect()
}

/// What every stored history must be.
pub fn check_history(history: &[HistoryEvent]) {
    let text = || show::events(history);
    let mut open = HashMap::new();
    let (mut turn, mut started, mut ended) = (None, 0, 0);
    for (at, event) in history.iter().enumerate() {
        let kind = event.event_type.as_ref().unwrap();
        let closing = matches!(kind, EventType::OrchestratorCompleted(_));
        assert!(ended == 0 || (closing && at + 1 == history.len()), "goes on after the end: {}", text());
        match kind {
            EventType::OrchestratorStarted(_) => {
                let time = event.timestamp.as_ref().map(Timestamp::at_or_after);
                assert!(time > turn, "turn times do not rise: {}", text());
                turn = time;
            }
            EventType::ExecutionStarted(_) => {
                started += 1;
                assert_eq!(at, 1, "the start is not the first: {}", text());
            }
            EventType::ExecutionCompleted(_) => ended += 1,
            EventType::TaskScheduled(_) => assert_eq!(open.insert(event.event_id, 'a'), None, "{}", text()),
            EventType::TimerCreated(_) => assert_eq!(open.insert(event.event_id, 't'), None, "{}", text()),
            EventType::SubOrchestrationInstanceCreated(_) => {
                assert_eq!(open.insert(event.event_id, 'c'), None, "{}", text());
            }
            EventType::TimerFired(fired) => {
                let due = fired.fire_at.as_ref().map(Timestamp::at_or_after);
                assert!(turn > due, "fired early: {}", text());
            }
            _ => {}
        }
        let wanted = match kind {
            EventType::TaskCompleted(_) | EventType::TaskFailed(_) => 'a',
            EventType::TimerFired(_) => 't',
            EventType::SubOrchestrationInstanceCompleted(_)
            | EventType::SubOrchestrationInstanceFailed(_) => 'c',
            _ => continue,
        };
        let id = answered_action(kind).unwrap();
        assert_eq!(open.remove(&id), Some(wanted), "answers nothing: {}", text());
    }
    assert!(history.is_empty() || started == 1, "{started} starts: {}", text());
}
