//! What operators give up, and what can be done with an orchestration of which only the row can be read.

use super::{check, script};
use crate::{
    engine::{Context, Outcome, control_unread},
    model::{HistoryChange, InstanceKey, InstanceRecord, Message, MessageId, Pending, Recipient, Status},
};
use expect_test::expect;

#[test]
fn a_discarded_instance_fails_with_what_the_order_says() {
    check(
        "start -> task 1 A | discard E:given-up",
        expect![[r#"
        @4: turn 2s, #-1 ended Failed E(given-up), end
        Failed; failure E(given-up); drop all; took 2"#]],
    );
}

#[test]
fn one_that_never_began_has_a_whole_history_and_its_parent_hears_of_it() {
    check(
        "start parent=p:e1:7 in=1 | event X, discard E:given-up",
        expect![[r#"
        @0: turn 2s, started e1 Checkout '1', #-1 ended Failed E(given-up), end
        to p/e1: Result [child failed of 7 E(given-up)]
        Failed; failure E(given-up); drop all; took 3"#]],
    );
}

#[test]
fn of_two_orders_the_first_one_counts() {
    check(
        "start -> nothing | terminate enough, discard E:given-up",
        expect![[r#"
        @3: turn 2s, terminated 'enough', #-1 ended Terminated 'enough', end
        Terminated; output 'enough'; drop all; took 2,3"#]],
    );
    check(
        "start -> nothing | suspend, discard E:given-up, resume",
        expect![[r#"
        @3: suspended, turn 2s, #-1 ended Failed E(given-up), end
        Failed; failure E(given-up); drop all; took 2,3,4"#]],
    );
}

/// What becomes of a child of `p` in its fifth turn.
fn unread(orders: &str, status: Status) -> Outcome {
    let words = script::Words::of("start id=a name=A parent=p:e1:7");
    let new = script::new_instance(&words);
    let record = InstanceRecord { turn: 4, status, ..new.record(InstanceKey(1)) };
    let order = |(number, order): (usize, &str)| {
        let message = script::message(&script::Words::of(order), script::START);
        let id = MessageId(i64::try_from(number).unwrap());
        Message { id, class: message.class, due: None, events: message.events }
    };
    let orders = orders.split(", ").enumerate().map(order).collect();
    let mut fresh_id = || unreachable!("nothing is begun");
    let mut context = Context { now: script::START, fresh_id: &mut fresh_id, payload_bytes: 1_000 };
    control_unread(record, orders, &mut context)
}

#[test]
fn what_cannot_be_read_ends_all_the_same_and_its_parent_hears_of_it() {
    for (orders, status) in [("terminate enough", Status::Terminated), ("discard E:given-up", Status::Failed)]
    {
        let Outcome { commit, .. } = unread(orders, Status::Running);
        assert_eq!((commit.turn, commit.update.status, commit.pending), (5, status, Pending::DropAll));
        assert_eq!(commit.update.completed_at, Some(script::START));
        assert_eq!(commit.history, HistoryChange::Keep, "nobody knows where it goes on");
        let [told] = &commit.outbox[..] else { panic!("{:?}", commit.outbox) };
        assert!(
            matches!(&told.to, Recipient::Execution(id, execution) if id.as_str() == "p" && execution == "e1")
        );
    }
}

#[test]
fn what_cannot_be_read_is_paused_and_goes_on() {
    for (orders, from, to) in [
        ("suspend", Status::Running, Status::Suspended),
        ("resume", Status::Suspended, Status::Running),
        ("suspend, resume, suspend", Status::Pending, Status::Suspended),
    ] {
        let Outcome { commit, execution } = unread(orders, from);
        assert_eq!((commit.update.status, execution.record.status), (to, to), "{orders}");
        assert_eq!((commit.history, commit.outbox.len()), (HistoryChange::Keep, 0));
        assert_eq!(commit.consumed.len(), orders.split(", ").count());
    }
}
