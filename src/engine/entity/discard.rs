//! What an operator gives up: a batch that no worker could answer.

use super::{Batch, Entity, EntityOutcome, Request, apply::refuse};
use crate::model::{
    Class, InstanceRecord, Legible, Message, Timestamp,
    pb::{TaskFailureDetails, history_event::EventType},
};

/// Whether the message is the order to discard the next batch. It carries the failure that callers are told.
pub fn is_order(message: &Message) -> bool {
    message.class == Class::Control && details(message).is_some()
}

fn details(message: &Message) -> Option<&TaskFailureDetails> {
    match &message.events.first()?.event_type {
        Some(EventType::ExecutionCompleted(order)) => order.failure_details.as_ref(),
        _ => None,
    }
}

/// Takes the batch and the order out of the inbox: whoever waits for one of the operations is told that it failed, signals are dropped.
pub fn discard(entity: Entity, batch: Batch, order: Message, now: Timestamp) -> EntityOutcome {
    let details = details(&order).cloned().unwrap_or_default();
    let mut outcome = refuse(entity, batch, details, now);
    outcome.commit.consumed.push(order.id);
    outcome
}

/// The same for an entity of which only the row and a part of the inbox can be read: all operations go, and what cannot be read with
/// them. Its state stays, whatever it is. `None`: there is no order to do so.
pub fn discard_unread(record: &InstanceRecord, inbox: Legible, now: Timestamp) -> Option<EntityOutcome> {
    let order = inbox.messages.iter().find(|message| is_order(message))?.clone();
    let entity = Entity { turn: record.turn, ..Entity::new(record.reference()) };
    let mut batch = Batch::default();
    for message in &inbox.messages {
        if matches!(Request::of(message), Request::Operation { .. }) {
            batch.add(message);
        }
    }
    let mut outcome = discard(entity, batch, order, now);
    outcome.commit.consumed.extend(inbox.illegible);
    Some(outcome)
}
