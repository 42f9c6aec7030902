//! The orchestration's side: what its entity messages leave in its history, and what goes to the entity.

use crate::model::{
    Class, EntityId, IdError, InstanceRecord, NewMessage, Outgoing, Recipient, Timestamp, event,
    pb::{
        EntityLockRequestedEvent, SendEntityMessageAction, history_event::EventType,
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
    let parent = Some(sender.id.as_str().to_owned());
    let entity = |target: &Option<String>| EntityId::parse(target.as_deref()?).ok();
    let at_once = |class, kind| NewMessage::now(class, event::server_event(now, kind));
    let (record, to, message) = match action.entity_message_type? {
        Sent::EntityOperationSignaled(signal) => {
            let to = Recipient::Entity(entity(&signal.target_instance_id)?);
            let due = signal.scheduled_time.as_ref().map(Timestamp::at_or_after).filter(|due| *due > now);
            let mut message = signal.clone();
            message.target_instance_id = None;
            let message = at_once(Class::Event, EventType::EntityOperationSignaled(message));
            (EventType::EntityOperationSignaled(signal), to, NewMessage { due, ..message })
        }
        Sent::EntityOperationCalled(mut call) => {
            let to = Recipient::Entity(entity(&call.target_instance_id)?);
            call.older_form = false;
            let mut message = call.clone();
            message.target_instance_id = None;
            message.parent_instance_id = parent;
            message.parent_execution_id = Some(sender.execution_id.clone());
            let message = at_once(Class::Event, EventType::EntityOperationCalled(message));
            (EventType::EntityOperationCalled(call), to, message)
        }
        Sent::EntityLockRequested(mut request) => {
            let set = sorted(&request).ok()?;
            (request.older_form, request.parent_execution_id) = (false, String::new());
            let message = EntityLockRequestedEvent {
                lock_set: set.iter().map(ToString::to_string).collect(),
                position: 0,
                parent_instance_id: parent,
                parent_execution_id: sender.execution_id.clone(),
                ..request.clone()
            };
            let to = Recipient::Entity(set.into_iter().next()?);
            let message = at_once(Class::Control, EventType::EntityLockRequested(message));
            (EventType::EntityLockRequested(request), to, message)
        }
        Sent::EntityUnlockSent(unlock) => {
            // An entity that is not there is not locked.
            let to = Recipient::Instance(entity(&unlock.target_instance_id)?.id().clone());
            let mut message = unlock.clone();
            message.target_instance_id = None;
            message.parent_instance_id = parent;
            let message = at_once(Class::Control, EventType::EntityUnlockSent(message));
            (EventType::EntityUnlockSent(unlock), to, message)
        }
    };
    Some(Outbound { record, outgoing: Outgoing { to, message } })
}
