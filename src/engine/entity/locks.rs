//! Locks. A critical section asks for its entities one after the other, in the same order everywhere, so that no two sections can wait
//! for each other: each entity that has been locked passes the request on, and the last one tells the orchestration.

use super::{Entity, EntityOutcome, reply};
use crate::model::{
    Class, EntityChange, EntityId, InstanceId, Lock, LockChange, Message, NewMessage, Outgoing, Recipient,
    Timestamp, event,
    pb::{EntityLockRequestedEvent, EntityUnlockSentEvent, history_event::EventType},
};

/// Does what `message` asks of the server itself; what means nothing is only taken out of the inbox.
pub fn serve(mut entity: Entity, message: Message, now: Timestamp) -> EntityOutcome {
    let mut commit = entity.blank_commit(now);
    commit.consumed.push(message.id);
    let lock = match message.events.into_iter().next().and_then(|event| event.event_type) {
        Some(EventType::EntityLockRequested(request)) if entity.lock.is_none() => {
            let lock = lock_of(&request);
            entity.lock = Some(lock.clone());
            LockChange::Take { lock, then: Box::new(pass_on(request, now)) }
        }
        Some(EventType::EntityUnlockSent(unlock)) if releases(&entity, &unlock) => {
            entity.lock = None;
            LockChange::Release
        }
        _ => LockChange::Keep,
    };
    entity.decided(commit, EntityChange { lock, ..EntityChange::default() })
}

/// Whether the lock that `message` asks for is the one there is.
pub(super) fn has(entity: &Entity, message: &Message) -> bool {
    match message.events.first().and_then(|event| event.event_type.as_ref()) {
        Some(EventType::EntityLockRequested(request)) => entity.lock.as_ref() == Some(&lock_of(request)),
        _ => false,
    }
}

fn lock_of(request: &EntityLockRequestedEvent) -> Lock {
    Lock {
        owner: InstanceId::lookup(request.parent_instance_id.clone().unwrap_or_default()),
        execution_id: request.parent_execution_id.clone(),
        section: request.critical_section_id.clone(),
    }
}

fn releases(entity: &Entity, unlock: &EntityUnlockSentEvent) -> bool {
    let owner = unlock.parent_instance_id.as_deref().unwrap_or_default();
    let holds = |lock: &Lock| lock.owner.as_str() == owner && lock.section == unlock.critical_section_id;
    entity.lock.as_ref().is_some_and(holds)
}

/// What follows once the entity at `request.position` is locked.
fn pass_on(mut request: EntityLockRequestedEvent, now: Timestamp) -> Outgoing {
    request.position = request.position.saturating_add(1);
    let next = usize::try_from(request.position).ok().and_then(|position| request.lock_set.get(position));
    match next.and_then(|id| EntityId::parse(id).ok()) {
        Some(next) => {
            let kind = EventType::EntityLockRequested(request);
            let message = NewMessage::now(Class::Control, event::server_event(now, kind));
            Outgoing { to: Recipient::Entity(next), message }
        }
        None => reply::granted(&request, now),
    }
}
