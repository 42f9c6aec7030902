//! Turns on their way to workers.

use super::*;

#[test]
fn the_best_fit_gets_the_work_and_among_equals_the_one_with_most_room() {
    let mut room = Room::new();
    let any = room.join("*", 9, 9);
    let embedded = room.join_as("A", 9, 9, true);
    room.start("A");
    room.settle();
    assert_eq!(room.given(embedded), ["turn A1: started"]);
    let (small, large) = (room.join("A", 1, 1), room.join("A", 2, 2));
    room.start("A");
    room.settle();
    assert_eq!(room.given(large), ["turn A2: started"]);
    room.start("B");
    room.settle();
    assert_eq!(room.given(any), ["turn B3: started"]);
    assert!(room.given(small).is_empty() && room.given(embedded).is_empty());
}

#[test]
fn nobody_holds_more_than_it_can() {
    let mut room = Room::new();
    let worker = room.join("*", 2, 1);
    for _ in 0..5 {
        room.start("A");
    }
    room.settle();
    let held = room.items(worker);
    assert_eq!(held.iter().map(text).collect::<Vec<_>>(), ["turn A1: started", "turn A2: started"]);
    room.answer(&held[0], "task 1 X, task 2 Y, timer 3 +9s");
    assert_eq!(room.given(worker), ["turn A3: started", "activity A1#1 X"]);
}

#[test]
fn the_one_who_fits_best_is_waited_for_rather_than_passed_over() {
    let mut room = Room::new();
    let (named, any) = (room.join("A", 1, 1), room.join("*", 9, 9));
    room.start("A");
    room.start("A");
    room.settle();
    assert_eq!(room.given(named), ["turn A1: started"]);
    assert!(room.given(any).is_empty());
    room.leave(named);
    room.settle();
    assert_eq!(room.given(any), ["turn A1: started", "turn A2: started"]);
}

#[test]
fn what_nobody_serves_waits_until_somebody_does() {
    let mut room = Room::new();
    let other = room.join("B", 9, 9);
    room.start("A");
    room.start("B");
    room.settle();
    assert_eq!(room.given(other), ["turn B2: started"]);
    let worker = room.join("A", 9, 9);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: started"]);
}

#[test]
fn a_worker_that_leaves_hands_back_at_once_and_what_it_held_is_first() {
    let mut room = Room::new();
    let leaving = room.join("*", 1, 1);
    for _ in 0..3 {
        room.start("A");
    }
    room.settle();
    let held = room.item(leaving);
    room.leave(leaving);
    let worker = room.join("*", 9, 9);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: started", "turn A2: started", "turn A3: started"]);
    assert!(!room.answer(&held, "complete"), "its answer means nothing any more");
}

#[test]
fn a_worker_whose_channel_is_closed_counts_as_gone() {
    let mut room = Room::new();
    let dead = room.join("A", 9, 9);
    room.seats.remove(&dead);
    let worker = room.join("*", 9, 9);
    room.start("A");
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: started"]);
    assert_eq!(room.board.held(), 1);
}

#[test]
fn a_control_message_takes_the_turn_out_of_the_workers_hands() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.mail(key, "terminate enough");
    room.settle();
    assert_eq!(room.status(key), Status::Terminated);
    assert!(!room.answer(&held, "complete"));
    assert_eq!(room.status(key), Status::Terminated);
    room.start("A");
    room.settle();
    assert_eq!(room.given(worker), ["turn A2: started"], "the place is free again");
}

#[test]
fn controls_need_no_worker() {
    let mut room = Room::new();
    let (a, b) = (room.start("A"), room.start("B"));
    room.mail(a, "terminate");
    room.mail(b, "suspend");
    room.settle();
    assert_eq!((room.status(a), room.status(b)), (Status::Terminated, Status::Suspended));
    let worker = room.join("*", 9, 9);
    room.settle();
    assert!(room.given(worker).is_empty());
    room.mail(b, "event Go, resume");
    room.settle();
    assert_eq!(room.given(worker), ["turn B2: started, suspended, event Go, resumed"]);
}

#[test]
fn a_control_message_that_arrives_with_an_answer_under_way_comes_after_it() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    let commit = room.begin_answer(&held, "task 1 X").unwrap();
    room.mail(key, "terminate");
    room.settle();
    assert_eq!(room.status(key), Status::Pending);
    room.commit(commit);
    room.settle();
    assert_eq!(room.status(key), Status::Terminated);
    assert!(room.store.activities.is_empty());
}

#[test]
fn messages_that_arrive_at_any_stage_are_delivered_once() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start_before("A");
    assert!(matches!(room.jobs[0], Job::Load(_)));
    // While it is being read: told before and after the read looked, and among what was read.
    room.mail(key, "event A");
    room.take_effects();
    let read = room.store.read(key);
    room.mail(key, "event B");
    room.take_effects();
    room.jobs.clear();
    room.visit(|board| board.loaded(key, read));
    let held = room.item(worker);
    assert_eq!(text(&held), "turn A1: started, event A, event B");
    room.mail(key, "event C");
    room.take_effects();
    // While the answer is being applied, and while it is being stored.
    let WorkItem::Turn(TurnItem { token, .. }) = &held else { panic!("a turn") };
    let taken = room.visit(|board| board.take_turn(HUB, token)).unwrap();
    room.mail(key, "event D");
    room.take_effects();
    let mut context =
        Context { now: room.now, fresh_id: &mut crate::dispatch::board::fresh_id, payload_bytes: 9 };
    let outcome =
        engine::apply(taken.execution, taken.turn, pb::OrchestratorResponse::default(), &mut context);
    let commit = room.committing(key, outcome).unwrap();
    room.mail(key, "event E");
    room.take_effects();
    assert!(room.given(worker).is_empty(), "one turn at a time");
    room.commit(commit);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: event C, event D, event E"]);
}

#[test]
fn continue_as_new_goes_on_and_takes_waiting_events_along() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.mail(key, "event A");
    room.answer(&held, "timer 1 +1s, again 2");
    assert_eq!(room.given(worker), ["turn A1: started, event A"]);
}

#[test]
fn late_messages_are_thrown_away_without_a_worker_hearing_of_it() {
    let mut room = Room::new();
    let worker = room.join("*", 9, 9);
    let key = room.start("A");
    room.settle();
    let held = room.item(worker);
    room.answer(&held, "nothing");
    room.mail(key, "done 7 x");
    room.settle();
    assert!(room.given(worker).is_empty());
    assert!(room.store.rows[&key].inbox.is_empty());
    room.mail(key, "event Go");
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: event Go"]);
}

#[test]
fn what_is_idle_leaves_memory_when_room_runs_out_and_is_read_again() {
    let mut room = Room::with_cache(5_000);
    let worker = room.join("*", 9, 9);
    let keys: Vec<_> = (0..4).map(|_| room.start("A")).collect();
    room.settle();
    for held in room.items(worker) {
        room.answer(&held, "nothing");
    }
    assert_eq!(room.board.instances.len(), 2, "the cache holds two of this size");
    assert!(room.board.idle_bytes <= 5_000);
    room.mail(keys[0], "event Go");
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: event Go"]);
}

#[test]
fn an_instance_that_goes_while_it_is_read_leaves_the_workers_place_free() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    let key = room.start_before("A");
    assert!(matches!(room.jobs.pop_front(), Some(Job::Load(_))));
    let read = room.store.read(key);
    room.effects.extend(room.store.purge(key));
    room.take_effects();
    room.visit(|board| board.loaded(key, read));
    room.start("A");
    room.settle();
    assert_eq!(room.given(worker), ["turn A2: started"]);
}

#[test]
fn what_the_store_held_at_start_is_found_once() {
    let mut room = Room::new();
    let (a, b) = (room.start("A"), room.start("B"));
    room.mail(b, "terminate");
    // As if these had been stored by a process before this one.
    room.effects.clear();
    for (key, control) in [(a, false), (b, true), (a, false)] {
        let (instance, _) = room.store.route(key).unwrap();
        room.visit(|board| board.found(Ready { instance, control }));
    }
    room.settle();
    assert_eq!(room.status(b), Status::Terminated);
    let worker = room.join("*", 9, 9);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: started"]);
}

#[test]
fn a_backlog_from_before_is_read_no_faster_than_it_is_handed_out() {
    let mut room = Room::new();
    for _ in 0..20 {
        room.start_before("A");
    }
    let worker = room.join("*", 2, 9);
    let loads = |room: &Room| room.jobs.iter().filter(|job| matches!(job, Job::Load(_))).count();
    assert_eq!(loads(&room), 2);
    room.settle();
    assert_eq!(loads(&room), 0);
    let known = room.board.instances.values().filter(|slot| slot.known.is_some()).count();
    assert_eq!(known, 2, "what is not handed out is not read");
    assert_eq!(room.given(worker), ["turn A1: started", "turn A2: started"]);
}

#[test]
fn a_long_queue_holds_names_and_not_what_they_were_given() {
    let mut room = Room::new();
    let keys: Vec<_> = (0..1_500).map(|_| room.start("A")).collect();
    room.settle();
    let known =
        room.board.instances.values().filter(|slot| slot.known.is_some() || !slot.inbox.is_empty()).count();
    assert_eq!(known, 1_000);
    // What reaches one far back is not lost, and a control message is acted upon at once.
    room.mail(keys[1_400], "event Go");
    room.mail(keys[1_499], "terminate");
    room.settle();
    assert_eq!(room.status(keys[1_499]), Status::Terminated);
    let worker = room.join("*", 2_000, 9);
    room.settle();
    let given = room.given(worker);
    assert_eq!(given.len(), 1_499);
    assert_eq!(given.iter().filter(|item| item.contains("event Go")).count(), 1);
}

#[test]
fn work_that_a_worker_has_room_for_is_noticed_if_nobody_hands_it_out() {
    let mut room = Room::new();
    let worker = room.join("A", 1, 1);
    room.start("A");
    room.start("B");
    let told: Vec<_> = room.effects.drain(..).collect();
    told.into_iter().for_each(|effect| room.board.effect(effect));
    assert_eq!(room.board.neglected().as_deref(), Some("\"A\" waits although a worker has room for it"));
    room.visit(|_| ());
    assert_eq!((room.given(worker).len(), room.board.neglected()), (1, None), "nobody serves B");
    room.start("A");
    room.settle();
    assert_eq!(room.board.neglected(), None, "the worker is busy");
}

#[test]
fn a_timer_that_nobody_looks_at_is_noticed() {
    let mut room = Room::new();
    let worker = room.join("*", 1, 1);
    room.start("A");
    room.settle();
    let item = room.item(worker);
    assert!(room.answer(&item, "timer 1 +9s"));
    let late = |room: &mut Room, seconds| {
        let now = room.now.plus(Duration::from_secs(seconds));
        room.board.at(now).neglected()
    };
    assert_eq!(late(&mut room, 60), None);
    assert!(late(&mut room, 120).is_some_and(|told| told.starts_with("nobody was woken")));
    room.advance(120);
    assert_eq!(late(&mut room, 120), None);
}
