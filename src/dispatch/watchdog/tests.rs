use crate::{
    dispatch::{
        Insight as _, WorkItem,
        room::{PAUSE, Room},
    },
    model::StatusSet,
    store::{
        Store as _,
        conformance::{fixture, new_instance},
    },
};
use std::collections::HashSet;

#[tokio::test(start_paused = true)]
async fn what_was_overlooked_is_taken_up_and_what_waits_for_a_worker_is_not_called_so() {
    let room = Room::new().await;
    // What was there at the start is found by itself.
    room.looks_after(3).await;
    // Nobody serves it, and the board knows.
    room.store.instance_create(new_instance(room.hub, "known"), StatusSet::NONE.into()).await.unwrap();
    // Of this one nobody hears.
    let mut lost = new_instance(room.hub, "overlooked");
    "Served".clone_into(&mut lost.started.name);
    room.inner.instance_create(lost, StatusSet::NONE.into()).await.unwrap();
    room.deafen();
    let mut seat = room.join(&["Served"]);
    tokio::time::sleep(PAUSE / 2).await;
    assert!(seat.items.try_recv().is_err(), "nobody knows of it");
    room.looks_after(10).await;
    let WorkItem::Turn(turn) = seat.items.try_recv().unwrap() else { panic!("no turn") };
    assert_eq!(turn.instance.id.as_str(), "overlooked");
    assert_eq!(room.dispatch.watch().taken_up, 1);
    room.store.instance_create(new_instance(room.hub, "another"), StatusSet::NONE.into()).await.unwrap();
    room.looks_after(10).await;
    assert_eq!(room.dispatch.watch().taken_up, 1, "what is held or waits is known");
}

#[tokio::test(start_paused = true)]
async fn an_activity_that_was_overlooked_is_taken_up_once() {
    let room = Room::new().await;
    room.looks_after(3).await;
    room.waiting_for(&*room.inner, "a", vec![fixture::activity(1)]).await;
    room.deafen();
    let mut seat = room.join(&["Charge"]);
    tokio::time::sleep(PAUSE / 2).await;
    assert!(seat.items.try_recv().is_err(), "nobody knows of it");
    // Another one, of which word comes: that there is something new makes the watchdog look.
    room.waiting_for(&*room.store, "b", vec![fixture::activity(1)]).await;
    // One that is held for too long comes again.
    let mut taken = || {
        std::iter::from_fn(|| seat.items.try_recv().ok())
            .map(|item| match item {
                WorkItem::Activity(item) => item.task.instance.to_string(),
                other => panic!("{other:?}"),
            })
            .collect::<HashSet<_>>()
    };
    room.looks_after(1).await;
    assert_eq!(taken(), HashSet::from(["b".to_owned()]));
    room.looks_after(10).await;
    assert_eq!(taken(), HashSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(room.dispatch.watch().taken_up, 1, "what is held is known");
    assert_eq!(room.lost(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_is_found_when_it_has_not_moved_for_a_while_and_an_idle_server_does_not_look() {
    let room = Room::new().await;
    let first = room.looks_after(20).await;
    assert!(first > 0, "at what was there from before");
    assert_eq!(room.looks_after(20).await, first, "nothing was stored");
    room.lose("a").await;
    room.lose("b").await;
    assert_eq!(room.lost(), []);
    let looks = room.looks_after(5).await;
    assert_eq!(room.lost(), [("activity", 2)]);
    assert!(looks > first);
    assert_eq!(room.looks_after(20).await, looks);
    room.lose("c").await;
    assert!(room.looks_after(5).await > looks);
    assert_eq!(room.lost(), [("activity", 3)]);
}
