//! Messages and who gets them.

use super::fixture::*;
use crate::{
    model::{Class, Effect, InstanceId, NewChild, Recipient, Status, StatusSet},
    store::Appended,
};

fn id(text: &str) -> InstanceId {
    InstanceId::lookup(text)
}

pub async fn a_message_reaches_a_live_instance_only(cx: &mut StoreTest) {
    let key = cx.create("live").await;
    cx.create_ended("ended").await;
    cx.effects();
    let append = |to| cx.store.message_append(cx.hub, id(to), message(Class::Event, "go"));
    let reference = cx.load(key).await.record.reference();
    assert_eq!(append("live").await.unwrap(), Appended::To(reference.clone()));
    assert_eq!(append("ended").await.unwrap(), Appended::Ended(Status::Completed));
    assert_eq!(append("nobody").await.unwrap(), Appended::NotFound);
    assert_eq!(append("LIVE").await.unwrap(), Appended::NotFound);
    let stored = cx.load(key).await.inbox.pop().unwrap();
    assert_eq!(text(&stored.events), "go");
    let expected = Effect::Message { to: reference, status: Status::Pending, message: stored };
    assert_eq!(cx.effects(), [expected]);
}

pub async fn the_inbox_is_in_arrival_order(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    for number in 0..20 {
        let due = if number % 3 == 0 { Some(crate::model::Timestamp(NOW.0 + 100 - number)) } else { None };
        let class = [Class::Event, Class::Result, Class::Control][usize::try_from(number % 3).unwrap()];
        let message = message(class, &number.to_string());
        cx.append("a", crate::model::NewMessage { due, ..message }).await;
    }
    let expected: Vec<_> =
        std::iter::once("start".to_owned()).chain((0..20).map(|n| n.to_string())).collect();
    assert_eq!(cx.inbox(key).await, expected);
    let ids = cx.inbox_ids(key).await;
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
}

pub async fn every_recipient_gets_its_message_if_it_lives(cx: &mut StoreTest) {
    let me = cx.create("me").await;
    let other = cx.create("other").await;
    let child = cx.create_as(new_child(cx.hub, "child", "me")).await;
    cx.effects();
    let mut turn = cx.turn(me, 1);
    let child_of = Recipient::ChildOf { id: id("child"), parent: id("me"), parent_execution: "me-1".into() };
    turn.outbox = vec![
        outgoing(Recipient::Myself, "1"),
        outgoing(Recipient::Instance(id("other")), "2"),
        outgoing(Recipient::Execution(id("other"), "other-1".into()), "3"),
        outgoing(child_of, "4"),
    ];
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.inbox(me).await, ["start", "1"]);
    assert_eq!(cx.inbox(other).await, ["start", "2", "3"]);
    assert_eq!(cx.inbox(child).await, ["start", "4"]);
    assert_eq!(
        short(&cx.effects()),
        [
            "Message me 1 Running",
            "Message other 2 Pending",
            "Message other 3 Pending",
            "Message child 4 Pending",
            "Changed me Running"
        ]
    );
}

pub async fn messages_to_the_missing_ended_or_replaced_are_dropped(cx: &mut StoreTest) {
    let me = cx.create("me").await;
    let other = cx.create("other").await;
    let child = cx.create_as(new_child(cx.hub, "child", "me")).await;
    cx.create_ended("ended").await;
    let elsewhere = cx.store.hub_ensure(crate::model::HubName::parse("elsewhere").unwrap()).await.unwrap();
    let far = cx.create_as(new_instance(elsewhere, "far")).await;
    cx.effects();
    let child_of = |child: &str, parent: &str, execution: &str| Recipient::ChildOf {
        id: id(child),
        parent: id(parent),
        parent_execution: execution.into(),
    };
    let mut turn = cx.turn(me, 1);
    turn.outbox = vec![
        outgoing(Recipient::Instance(id("nobody")), "1"),
        outgoing(Recipient::Instance(id("ended")), "2"),
        outgoing(Recipient::Instance(id("far")), "3"),
        outgoing(Recipient::Execution(id("other"), "other-0".into()), "4"),
        outgoing(Recipient::Execution(id("ended"), "ended-1".into()), "5"),
        outgoing(Recipient::Execution(id("nobody"), "nobody-1".into()), "6"),
        outgoing(child_of("child", "me", "me-0"), "7"),
        outgoing(child_of("child", "other", "me-1"), "8"),
        outgoing(child_of("other", "me", "me-1"), "9"),
        outgoing(child_of("nobody", "me", "me-1"), "10"),
    ];
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(short(&cx.effects()), ["Changed me Running"]);
    for key in [me, other, child, far] {
        assert_eq!(cx.inbox(key).await, ["start"]);
    }
}

pub async fn a_message_to_oneself_by_id_follows_the_new_status(cx: &mut StoreTest) {
    let me = cx.create("me").await;
    let mut turn = cx.turn(me, 1);
    turn.outbox = vec![outgoing(Recipient::Instance(id("me")), "live")];
    cx.store.turn_commit(turn).await.unwrap();
    assert_eq!(cx.inbox(me).await, ["start", "live"]);
    let mut end = cx.turn(me, 2);
    end.update.status = Status::Failed;
    end.outbox = vec![outgoing(Recipient::Instance(id("me")), "dead")];
    // A child made by the same commit can be written to as well.
    let otherwise = message(Class::Result, "taken");
    end.children = vec![NewChild {
        instance: new_child(cx.hub, "child", "me"),
        replaces: true,
        otherwise: Some(otherwise),
    }];
    end.outbox.push(outgoing(Recipient::Instance(id("child")), "welcome"));
    cx.store.turn_commit(end).await.unwrap();
    assert_eq!(cx.inbox(me).await, ["start", "live"]);
    let (child, _) = cx.store.instance_get(cx.hub, id("child"), false).await.unwrap().unwrap();
    assert_eq!(cx.inbox(child.key).await, ["start", "welcome"]);
    assert_eq!(
        cx.store.instance_create(cx.new_instance("child"), StatusSet::TERMINAL.into()).await.unwrap(),
        crate::store::Created::Exists(Status::Pending)
    );
}
