//! Names of which only so much is out at a time.

use super::*;
use crate::dispatch::{
    insight::{Places, Standing},
    slot::Stage,
};

/// What the queue of a name says: how much waits, and its limit.
fn queue(room: &Room, name: &str) -> (usize, Option<Places>) {
    let queue = room.board.show_queues().into_iter().find(|queue| &*queue.name == name).unwrap();
    (queue.waiting, queue.limit)
}

#[test]
fn what_is_above_the_limit_waits_although_there_is_room_and_goes_out_when_one_ends() {
    let mut room = Room::limited(&[(Kind::Activity, "X", 2)]);
    let key = room.waiting("task 1 X, task 2 X, task 3 X, task 4 X");
    let worker = room.join("X", 9, 9);
    let held = room.items(worker);
    assert_eq!(held.iter().map(text).collect::<Vec<_>>(), ["activity A1#1 X", "activity A1#2 X"]);
    assert_eq!(queue(&room, "X"), (2, Some(Places { held: 2, most: 2 })));
    assert_eq!(room.board.neglected(), None, "nobody is at fault");
    let view = room.board.show_instance(key);
    assert_eq!(view.activities[2].standing, Standing::Limited { most: 2 });
    assert!(matches!(view.activities[0].standing, Standing::Held { .. }));
    assert!(room.complete(&held[1]));
    assert_eq!(room.given(worker), ["activity A1#3 X"], "at once");
    assert!(room.complete(&held[0]));
    assert_eq!(room.given(worker), ["activity A1#4 X"]);
}

#[test]
fn other_names_pass_what_waits_for_its_limit() {
    let mut room = Room::limited(&[(Kind::Activity, "X", 1)]);
    room.waiting("task 1 X, task 2 X, task 3 Y, task 4 X, task 5 Y");
    let worker = room.join("X Y", 9, 9);
    let mut given = room.given(worker);
    given.sort();
    assert_eq!(given, ["activity A1#1 X", "activity A1#3 Y", "activity A1#5 Y"]);
    let orchestration = room.join("X", 9, 9);
    room.start("X");
    room.start("X");
    room.settle();
    assert_eq!(room.items(orchestration).len() + room.items(worker).len(), 2, "of one kind, not of both");
}

#[test]
fn what_comes_back_in_whatever_way_makes_room() {
    let mut room = Room::limited(&[(Kind::Activity, "X", 1)]);
    room.waiting("task 1 X, task 2 X, task 3 X, task 4 X");
    let (first, second) = (room.join("X", 1, 1), room.join("X", 1, 1));
    let WorkItem::Activity(back) = room.item(first) else { panic!("no activity") };
    assert!(room.given(second).is_empty());
    room.visit(|board| board.put_back(HUB, &back.token, Kind::Activity));
    let next: Vec<_> = [first, second].iter().flat_map(|worker| room.items(*worker)).collect();
    assert_eq!(next.iter().map(text).collect::<Vec<_>>(), ["activity A1#2 X"], "the first one rests");
    // Silent for too long.
    let now = room.now.plus(Duration::from_secs(1));
    room.visit(|board| board.expire(now, now));
    let again: Vec<_> = [first, second].iter().flat_map(|worker| room.given(*worker)).collect();
    assert_eq!(again, ["activity A1#2 X"], "handed out anew");
    room.leave(first);
    room.leave(second);
    assert_eq!(queue(&room, "X").1, Some(Places { held: 0, most: 1 }));
    let third = room.join("X", 9, 9);
    assert_eq!(room.given(third).len(), 1);
}

#[test]
fn a_limit_is_for_all_versions_together() {
    let mut room = Room::limited(&[(Kind::Turn, "A", 1)]);
    for (id, version) in [("a", "1"), ("b", "2")] {
        let text = format!("start id={id} name=A version={version}");
        room.start_as(script::new_instance(&script::Words::of(&text)));
    }
    let worker = room.join("A", 9, 9);
    room.settle();
    let turn = room.item(worker);
    assert!(room.given(worker).is_empty());
    room.answer(&turn, "complete");
    assert_eq!(room.given(worker), ["turn b: started"]);
}

#[test]
fn each_hub_counts_for_itself() {
    let mut limits = crate::dispatch::limits::Limits::new(&[crate::dispatch::ConcurrencyLimit {
        kind: Kind::Turn,
        name: "A".into(),
        most: 1,
    }]);
    let route =
        |hub| crate::dispatch::queue::Route { hub, kind: Kind::Turn, name: "A".into(), version: None };
    limits.begin(HUB, Kind::Turn, &"A".into());
    assert_eq!(limits.of(&route(HUB)), Some(Places { held: 1, most: 1 }));
    assert_eq!(limits.of(&route(HubId(2))), Some(Places { held: 0, most: 1 }));
    limits.end(HUB, Kind::Turn, &"A".into());
    assert_eq!(limits.of(&route(HUB)), Some(Places { held: 0, most: 1 }));
}

#[test]
fn no_more_is_read_for_workers_than_may_be_handed_out() {
    let mut room = Room::limited(&[(Kind::Turn, "A", 2)]);
    let keys: Vec<_> = (0..5).map(|_| room.start_before("A")).collect();
    let worker = room.join("A", 9, 9);
    let reading = room.jobs.iter().filter(|job| matches!(job, Job::Load(_))).count();
    assert_eq!((reading, queue(&room, "A").0), (2, 3));
    room.settle();
    let held = room.items(worker);
    assert_eq!(held.len(), 2);
    assert!(matches!(room.board.instances[&keys[4]].stage, Stage::Queued(_)));
    assert_eq!(room.board.show_instance(keys[4]).turn, Some(Standing::Limited { most: 2 }));
    // One that has gone when it is to be read.
    room.answer(&held[0], "complete");
    assert_eq!(room.given(worker), ["turn A3: started"]);
}

#[test]
fn a_turn_that_the_server_takes_back_makes_room() {
    let mut room = Room::limited(&[(Kind::Turn, "A", 1)]);
    let (first, _) = (room.start("A"), room.start("A"));
    let worker = room.join("A", 9, 9);
    room.settle();
    assert_eq!(room.given(worker), ["turn A1: started"]);
    room.mail(first, "suspend");
    room.settle();
    assert_eq!(room.given(worker), ["turn A2: started"]);
}

#[test]
fn entities_are_limited_in_batches_of_their_name() {
    let mut room = Room::limited(&[(Kind::Batch, "c", 1)]);
    let worker = room.join("*", 9, 9);
    for entity in ["@c@a", "@c@b", "@d@a"] {
        room.signal(entity, "add", None);
    }
    room.settle();
    let held = room.items(worker);
    let names: Vec<_> = held.iter().map(|item| text(item)[..10].to_owned()).collect();
    assert_eq!(names, ["batch @c@a", "batch @d@a"]);
    assert!(room.answer_batch(&held[0], &BatchAnswer::done(1, None)));
    assert_eq!(room.given(worker).len(), 1);
}
