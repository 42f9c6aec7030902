//! What workers get again and again and never answer.

use super::*;
use crate::model::{ParkedFor, error_type, failure};

/// A board that has had enough after three deliveries.
fn strict() -> Room {
    let mut room = Room::new();
    (room.board.rules.turn_deliveries, room.board.rules.activity_deliveries) = (3, 3);
    room
}

/// A worker comes, gets what there is, and dies. What it got.
fn die_once(room: &mut Room) -> Vec<String> {
    let worker = room.join("*", 9, 9);
    room.settle_and_rest();
    let given = room.given(worker);
    room.leave(worker);
    room.settle_and_rest();
    given
}

pub fn discard_order(now: Timestamp) -> NewMessage {
    let details = failure(error_type::DISCARDED, "given up", true);
    NewMessage::now(Class::Control, event::execution_completed(-1, now, Status::Failed, None, Some(details)))
}

fn unpark(room: &mut Room, key: InstanceKey, order: Option<NewMessage>) {
    let effects = room.store.unpark(key, order);
    room.effects.extend(effects);
    room.settle_and_rest();
}

/// An instance of A that is parked.
fn parked(room: &mut Room) -> InstanceKey {
    let key = room.start("A");
    for _ in 0..3 {
        assert_eq!(die_once(room), ["turn A1: started"]);
    }
    assert!(room.store.parked.contains_key(&key));
    key
}

#[test]
fn a_turn_that_kills_its_workers_is_parked_and_others_go_on() {
    let mut room = strict();
    let key = parked(&mut room);
    let parking = &room.store.parked[&key];
    assert_eq!((parking.cause, parking.deliveries), (ParkedFor::Deliveries, 3));
    let reason = "its turn was delivered 3 times in a row to 3 workers and never answered (setting dispatch.turn_deliveries); \
                  the last time the worker's stream was closed before it answered";
    assert_eq!(parking.reason, reason);
    room.mail(key, "event Go");
    room.start("B");
    assert_eq!(die_once(&mut room), ["turn B2: started"]);
    assert_eq!(room.status(key), Status::Pending, "the status is as it was");
}

#[test]
fn an_answer_begins_the_count_anew() {
    let mut room = strict();
    let key = room.start("A");
    for _ in 0..3 {
        assert_eq!((die_once(&mut room).len(), die_once(&mut room).len()), (1, 1));
        let worker = room.join("*", 1, 1);
        let item = room.item(worker);
        assert!(room.answer(&item, "nothing"));
        room.leave(worker);
        room.mail(key, "event Go");
        room.settle();
    }
    assert!(room.store.parked.is_empty());
}

#[test]
fn what_a_worker_does_not_want_is_never_parked() {
    let mut room = strict();
    let worker = room.join("*", 1, 1);
    room.start("A");
    room.settle();
    for _ in 0..20 {
        let WorkItem::Turn(TurnItem { token, .. }) = room.item(worker) else { panic!("no turn") };
        assert!(room.visit(|board| board.put_back(HUB, &token, Kind::Turn)));
        room.settle_and_rest();
    }
    assert!(room.store.parked.is_empty());
    assert_eq!(room.given(worker), ["turn A1: started"]);
}

#[test]
fn silence_and_workers_that_can_do_nothing_count_and_are_told() {
    let mut room = strict();
    let worker = room.join("*", 1, 1);
    let key = room.start("A");
    room.settle();
    for _ in 0..2 {
        assert_eq!(room.given(worker), ["turn A1: started"]);
        room.advance(60);
        let now = room.now;
        assert_eq!(room.visit(|board| board.expire(now, now)), 1);
        room.settle_and_rest();
    }
    let WorkItem::Turn(TurnItem { token, .. }) = room.item(worker) else { panic!("no turn") };
    assert!(room.visit(|board| board.unable(HUB, &token, Kind::Turn)));
    room.settle_and_rest();
    let reason = &room.store.parked[&key].reason;
    assert!(
        reason.contains("3 times in a row to 1 worker and") && reason.contains("put it back"),
        "{reason}"
    );
}

#[test]
fn an_activity_that_kills_its_workers_fails_once_and_tells_why() {
    let mut room = strict();
    let worker = room.join("A", 9, 0);
    let key = room.start("A");
    room.settle();
    let turn = room.item(worker);
    assert!(room.answer(&turn, "task 1 X, task 2 Y"));
    let other = room.join("Y", 0, 1);
    let done = room.item(other);
    for _ in 0..3 {
        let dying = room.join("X", 0, 1);
        room.settle_and_rest();
        assert_eq!(room.given(dying), ["activity A1#1 X"]);
        room.leave(dying);
        room.settle_and_rest();
    }
    let failed = room.store.rows[&key].inbox.values().next().unwrap().clone();
    let Some(EventType::TaskFailed(failed)) = &failed.events[0].event_type else { panic!("{failed:?}") };
    let details = failed.failure_details.as_ref().unwrap();
    assert_eq!(details.error_type, error_type::TOO_MANY_DELIVERIES);
    let text = "activity \"X\" was delivered 3 times in a row to 3 workers and never answered (setting \
                dispatch.activity_deliveries); the last time the worker's stream was closed before it answered";
    assert_eq!(details.error_message, text);
    assert!(details.is_non_retriable);
    assert!(room.complete(&done));
    room.join("X", 0, 1);
    room.settle_and_rest();
    assert!(room.store.activities.is_empty() && room.board.held() == 1, "nobody gets it any more");
}

#[test]
fn without_a_limit_work_goes_out_for_ever() {
    let mut room = Room::new();
    room.start("A");
    for _ in 0..50 {
        assert_eq!(die_once(&mut room), ["turn A1: started"]);
    }
}

#[test]
fn what_never_reached_a_worker_does_not_count() {
    let mut room = strict();
    for _ in 0..5 {
        // The stream has ended, and the server has not heard of it.
        let closed = room.join("*", 1, 1);
        room.seats.remove(&closed);
    }
    room.start("A");
    room.settle_and_rest();
    let worker = room.join("*", 1, 1);
    assert_eq!(room.given(worker), ["turn A1: started"]);
    assert!(room.board.instances.values().all(|slot| slot.returns.lost == 0));
}

#[test]
fn what_is_retried_is_delivered_as_if_for_the_first_time() {
    let mut room = strict();
    let key = parked(&mut room);
    room.mail(key, "event Go");
    unpark(&mut room, key, None);
    for _ in 0..2 {
        assert_eq!(die_once(&mut room), ["turn A1: started, event Go"]);
    }
    let worker = room.join("*", 1, 1);
    let item = room.item(worker);
    assert!(room.answer(&item, "complete ok"));
    assert_eq!(room.status(key), Status::Completed);
}

#[test]
fn what_is_discarded_fails_without_a_worker() {
    let mut room = strict();
    let key = parked(&mut room);
    let order = discard_order(room.now);
    unpark(&mut room, key, Some(order));
    assert_eq!(room.status(key), Status::Failed);
    assert!(room.store.rows[&key].inbox.is_empty() && die_once(&mut room).is_empty());
}

#[test]
fn a_parked_instance_obeys_and_stays_parked_until_it_ends() {
    let mut room = strict();
    let key = parked(&mut room);
    for (order, status) in [("suspend", Status::Suspended), ("resume", Status::Pending)] {
        room.mail(key, order);
        room.settle_and_rest();
        assert_eq!(room.status(key), status);
        assert!(die_once(&mut room).is_empty(), "it is parked still");
    }
    room.mail(key, "terminate enough");
    room.settle_and_rest();
    assert_eq!(room.status(key), Status::Terminated);
    assert!(!room.board.instances.contains_key(&key));
}

#[test]
fn a_control_that_came_when_the_turn_was_out_wins_over_parking() {
    let mut room = strict();
    let key = room.start("A");
    assert_eq!((die_once(&mut room).len(), die_once(&mut room).len()), (1, 1));
    let worker = room.join("*", 1, 1);
    room.items(worker);
    room.mail(key, "terminate");
    room.leave(worker);
    room.settle_and_rest();
    assert_eq!(room.status(key), Status::Terminated);
}

#[test]
fn a_server_that_starts_leaves_parked_instances_alone() {
    let mut room = strict();
    let key = parked(&mut room);
    // As after a start: nothing is in memory, and the store does not name it among what is ready.
    room.board.remove(key);
    room.mail(key, "event Go");
    assert!(die_once(&mut room).is_empty());
    unpark(&mut room, key, None);
    assert_eq!(die_once(&mut room), ["turn A1: started, event Go"]);
}

#[test]
fn if_it_cannot_be_written_down_the_instance_goes_on() {
    let mut room = strict();
    let key = room.start("A");
    die_once(&mut room);
    die_once(&mut room);
    let worker = room.join("*", 1, 1);
    room.leave(worker);
    room.jobs.retain(|job| !matches!(job, Job::Park(..)));
    room.visit(|board| board.park_failed(key));
    assert_eq!(die_once(&mut room), ["turn A1: started"]);
    assert!(room.store.parked.contains_key(&key), "and is parked the next time");
}

#[test]
fn what_cannot_be_read_can_be_terminated_discarded_and_retried() {
    for end in ["terminate enough", "discard", "retry"] {
        let mut room = strict();
        let key = room.start_before("A");
        room.store.torn.insert(key);
        assert!(die_once(&mut room).is_empty());
        assert_eq!(room.store.parked[&key].cause, ParkedFor::Data);
        room.mail(key, "suspend");
        room.settle_and_rest();
        assert_eq!(room.status(key), Status::Suspended);
        room.mail(key, "resume");
        room.settle_and_rest();
        assert_eq!(room.status(key), Status::Running);
        match end {
            "discard" => {
                let order = discard_order(room.now);
                unpark(&mut room, key, Some(order));
                assert_eq!(room.status(key), Status::Failed);
            }
            "retry" => {
                unpark(&mut room, key, None);
                die_once(&mut room);
                assert!(room.store.parked.contains_key(&key), "it is as it was");
                room.store.torn.clear();
                unpark(&mut room, key, None);
                assert_eq!(die_once(&mut room).len(), 1);
                continue;
            }
            _ => {
                room.mail(key, end);
                room.settle_and_rest();
                assert_eq!(room.status(key), Status::Terminated);
            }
        }
        assert!(room.store.rows[&key].chunks.is_empty(), "nobody knows where the history goes on");
        assert!(!room.board.instances.contains_key(&key));
    }
}

#[test]
fn a_batch_that_kills_its_workers_is_parked_and_its_operations_can_be_discarded() {
    let mut room = strict();
    for operation in ["bad", "worse"] {
        room.signal("@e@1", operation, None);
    }
    for _ in 0..3 {
        assert_eq!(die_once(&mut room).len(), 1);
    }
    let key = *room.store.parked.keys().next().expect("the entity is parked");
    assert!(room.store.parked[&key].reason.starts_with("its batch of operations was delivered 3 times"));
    room.signal("@e@1", "later", None);
    assert!(die_once(&mut room).is_empty());
    let order = discard_order(room.now);
    unpark(&mut room, key, Some(order));
    assert!(die_once(&mut room).is_empty(), "all that waited is gone");
    room.signal("@e@1", "new", None);
    assert_eq!(die_once(&mut room).len(), 1);
}

#[test]
fn an_entity_that_cannot_be_read_loses_its_operations_when_it_is_discarded() {
    let mut room = strict();
    room.signal("@e@1", "bad", None);
    let key = *room.store.rows.keys().next().unwrap();
    room.effects.clear();
    room.store.torn.insert(key);
    room.signal("@e@1", "second", None);
    assert!(die_once(&mut room).is_empty());
    assert_eq!(room.store.parked[&key].cause, ParkedFor::Data);
    let order = discard_order(room.now);
    unpark(&mut room, key, Some(order));
    assert!(!room.store.rows.contains_key(&key), "nothing is left of it");
}

#[test]
fn a_history_that_is_as_long_as_it_may_be_parks_its_instance_and_no_other() {
    let mut room = Room::new();
    room.board.rules.history.events = 7;
    let (key, worker) = (room.start("A"), room.join("*", 9, 9));
    room.settle();
    let mut turns = 0;
    while !room.store.parked.contains_key(&key) {
        turns += 1;
        let item = room.item(worker);
        assert!(room.answer(&item, "nothing"));
        room.mail(key, "event Go");
        room.settle();
    }
    let parking = &room.store.parked[&key];
    assert_eq!((turns, parking.cause, parking.deliveries), (3, ParkedFor::History, 0));
    let reason = "its history has 9 events (setting limits.history_events, 7); continue-as-new would keep it short, and with a higher limit \
                  it can be retried";
    assert_eq!(parking.reason, reason);
    room.start("B");
    room.settle();
    assert_eq!(room.given(worker), ["turn B2: started"]);
    // Retried in vain, and then with a higher limit.
    unpark(&mut room, key, None);
    assert_eq!((room.given(worker).len(), room.store.parked.len()), (0, 1));
    room.board.rules.history.events = 10;
    unpark(&mut room, key, None);
    assert_eq!((room.given(worker).len(), room.store.parked.len()), (1, 0));
}
