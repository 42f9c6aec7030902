//! The orchestration's side: what its entity messages leave in its history, and what goes to the entity.

use super::older;
use crate::model::{
    Class, EntityId, IdError, InstanceRecord, NewMessage, Outgoing, Recipient, Timestamp, event,
    pb::{
        EntityLockRequestedEvent, EventSentEvent, SendEntityMessageAction, history_event::EventType,
        send_entity_message_action::EntityMessageType as Sent,
    },
};

/// An entity message on its way.
pub struct Outbound {
    /// What the orchestration's history keeps.
    pub record: EventType,
    pub outgoing: Outgoing,
}

/// Why a worker's entity message cannot be sent. Everything that passes has an answer in [`outbound`].
pub fn check(action: &SendEntityMessageAction) -> Result<(), String> {
    let target = |target: &Option<String>| {
        EntityId::parse(target.as_deref().unwrap_or_default()).map(drop).map_err(|error| error.to_string())
    };
    let named = |what: &str, text: &str| match text {
        "" => Err(format!("{what} must not be empty")),
        _ => Ok(()),
    };
    match &action.entity_message_type {
        None => Err("it has no content that this server knows".to_owned()),
        Some(Sent::EntityOperationSignaled(signal)) => target(&signal.target_instance_id),
        Some(Sent::EntityOperationCalled(call)) => {
            named("requestId", &call.request_id)?;
            target(&call.target_instance_id)
        }
        Some(Sent::EntityUnlockSent(unlock)) => target(&unlock.target_instance_id),
        Some(Sent::EntityLockRequested(request)) => {
            named("criticalSectionId", &request.critical_section_id)?;
            if request.lock_set.is_empty() {
                return Err("lockSet must not be empty".to_owned());
            }
            sorted(request).map(drop).map_err(|error| error.to_string())
        }
    }
}

/// The entities a section locks, in the order in which everybody locks them. SDKs sort them, each as its language compares text.
fn sorted(request: &EntityLockRequestedEvent) -> Result<Vec<EntityId>, IdError> {
    let mut set = request.lock_set.iter().map(|id| EntityId::parse(id)).collect::<Result<Vec<_>, _>>()?;
    set.sort_unstable_by(|a, b| a.id().cmp(b.id()));
    set.dedup();
    Ok(set)
}

/// What becomes of an entity message of `sender`; `None` if [`check`] would have refused it.
pub fn outbound(
    sender: &InstanceRecord,
    action: SendEntityMessageAction,
    now: Timestamp,
) -> Option<Outbound> {
    let mut asked = action.entity_message_type?;
    // What is the server's own is not for workers to set.
    match &mut asked {
        Sent::EntityOperationCalled(call) => call.older_form = false,
        Sent::EntityLockRequested(request) => {
            (request.older_form, request.parent_execution_id) = (false, String::new());
        }
        Sent::EntityOperationSignaled(_) | Sent::EntityUnlockSent(_) => {}
    }
    let outgoing = outgoing(sender, asked.clone(), now)?;
    let record = match asked {
        Sent::EntityOperationSignaled(signal) => EventType::EntityOperationSignaled(signal),
        Sent::EntityOperationCalled(call) => EventType::EntityOperationCalled(call),
        Sent::EntityLockRequested(request) => EventType::EntityLockRequested(request),
        Sent::EntityUnlockSent(unlock) => EventType::EntityUnlockSent(unlock),
    };
    Some(Outbound { record, outgoing })
}

/// Why an event that a worker sends to an entity means nothing. Everything that passes has an answer in [`outbound_older`].
pub fn check_older(target: &str, name: &str, data: Option<&str>) -> Result<(), String> {
    check(&SendEntityMessageAction { entity_message_type: Some(older::read(target, name, data)?) })
}

/// What goes to the entity for an event that `sender` has sent; `None` if [`check_older`] would have refused it. The history keeps the
/// event as it is.
pub fn outbound_older(sender: &InstanceRecord, sent: &EventSentEvent, now: Timestamp) -> Option<Outgoing> {
    let asked = older::read(&sent.instance_id, &sent.name, sent.input.as_deref()).ok()?;
    outgoing(sender, asked, now)
}

/// The message for what is asked, in the name of `sender` and of its present execution.
fn outgoing(sender: &InstanceRecord, asked: Sent, now: Timestamp) -> Option<Outgoing> {
    let parent = Some(sender.id.as_str().to_owned());
    let entity = |target: Option<String>| EntityId::parse(&target?).ok();
    let later = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().map(Timestamp::at_or_after).filter(|due| *due > now)
    };
    let (to, class, due, kind) = match asked {
        Sent::EntityOperationSignaled(mut signal) => {
            let to = Recipient::Entity(entity(signal.target_instance_id.take())?);
            let due = later(&signal.scheduled_time);
            (to, Class::Event, due, EventType::EntityOperationSignaled(signal))
        }
        Sent::EntityOperationCalled(mut call) => {
            let to = Recipient::Entity(entity(call.target_instance_id.take())?);
            call.parent_instance_id = parent;
            call.parent_execution_id = Some(sender.execution_id.clone());
            let due = later(&call.scheduled_time);
            (to, Class::Event, due, EventType::EntityOperationCalled(call))
        }
        Sent::EntityLockRequested(mut request) => {
            let set = sorted(&request).ok()?;
            request.lock_set = set.iter().map(ToString::to_string).collect();
            request.position = 0;
            request.parent_instance_id = parent;
            request.parent_execution_id.clone_from(&sender.execution_id);
            let to = Recipient::Entity(set.into_iter().next()?);
            (to, Class::Control, None, EventType::EntityLockRequested(request))
        }
        Sent::EntityUnlockSent(mut unlock) => {
            // An entity that is not there is not locked.
            let to = Recipient::Instance(entity(unlock.target_instance_id.take())?.id().clone());
            unlock.parent_instance_id = parent;
            (to, Class::Control, None, EventType::EntityUnlockSent(unlock))
        }
    };
    let message = NewMessage { due, ..NewMessage::now(class, event::server_event(now, kind)) };
    Some(Outgoing { to, message })
}
