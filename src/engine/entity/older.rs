//! The older form of messages to entities: events with JSON in them (facts: gRPC protocol, section 12).
//!
//! .NET workers speak it unless they are configured otherwise. What they send becomes the message that all others send, with a mark; who
//! has the mark is answered with events, because such a worker throws on anything else in its history.

use crate::model::{
    EntityId, Short,
    pb::{
        EntityLockRequestedEvent, EntityOperationCalledEvent, EntityOperationSignaledEvent,
        EntityUnlockSentEvent, EventRaisedEvent, TaskFailureDetails, history_event::EventType,
        send_entity_message_action::EntityMessageType as Sent,
    },
};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// What every entity answers whose locks have all been taken.
const LOCKED: &str = "Lock Acquisition Completed";

/// An operation, or a lock request.
#[derive(Deserialize)]
struct Request {
    id: String,
    op: Option<String>,
    signal: Option<bool>,
    input: Option<String>,
    lockset: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Release {
    id: String,
}

/// What the event `name` to the entity `target` asks for; `Err` says why that is nothing which an entity understands. Who sends it is not
/// read from it: that is known.
pub fn read(target: &str, name: &str, data: Option<&str>) -> Result<Sent, String> {
    let target = EntityId::parse(target).map_err(|error| error.to_string())?;
    let (verb, time) = match name.split_once('@') {
        Some((verb, time)) => (verb, Some(time)),
        None => (name, None),
    };
    match (verb, time) {
        ("op", time) => request(target, json(data)?, time.map(due).transpose()?),
        ("release", None) => {
            let Release { id } = json(data)?;
            Ok(Sent::EntityUnlockSent(EntityUnlockSentEvent {
                critical_section_id: guid(&id)?,
                target_instance_id: Some(target.to_string()),
                parent_instance_id: None,
            }))
        }
        _ => Err("entities know only the events op, op@TIME and release".to_owned()),
    }
}

fn request(
    target: EntityId,
    request: Request,
    scheduled_time: Option<prost_types::Timestamp>,
) -> Result<Sent, String> {
    let Request { id, op, signal, input, lockset } = request;
    let request_id = guid(&id)?;
    let target_instance_id = Some(target.to_string());
    if let Some(set) = lockset {
        if scheduled_time.is_some() {
            return Err("a lock cannot be asked for at a later time".to_owned());
        }
        return Ok(Sent::EntityLockRequested(EntityLockRequestedEvent {
            critical_section_id: request_id,
            lock_set: set.iter().map(locked).collect::<Result<_, _>>()?,
            older_form: true,
            ..EntityLockRequestedEvent::default()
        }));
    }
    let operation = op.ok_or("it has neither op nor lockset")?;
    Ok(match signal {
        Some(true) => Sent::EntityOperationSignaled(EntityOperationSignaledEvent {
            request_id,
            operation,
            scheduled_time,
            input,
            target_instance_id,
        }),
        Some(false) | None => Sent::EntityOperationCalled(EntityOperationCalledEvent {
            request_id,
            operation,
            scheduled_time,
            input,
            target_instance_id,
            older_form: true,
            ..EntityOperationCalledEvent::default()
        }),
    })
}

fn json<'a, T: Deserialize<'a>>(data: Option<&'a str>) -> Result<T, String> {
    serde_json::from_str(data.ok_or("it has no data")?)
        .map_err(|error| format!("its data cannot be read: {error}"))
}

/// The one spelling of an id by which request and answer find each other.
fn guid(id: &str) -> Result<String, String> {
    Uuid::try_parse(id)
        .map(|id| id.hyphenated().to_string())
        .map_err(|_| format!("the id {:?} is no GUID", Short(id)))
}

/// An entity of a lock set: `@name@key`, or an object, whose fields have other names in each SDK.
fn locked(entity: &Value) -> Result<String, String> {
    let part = |names: [&str; 2]| {
        let fields = entity.as_object().into_iter().flatten();
        let mut named = fields.filter(|(field, _)| names.iter().any(|name| field.eq_ignore_ascii_case(name)));
        named.next().and_then(|(_, value)| value.as_str())
    };
    let id = match (entity, part(["name", "entityName"]), part(["key", "entityKey"])) {
        (Value::String(id), ..) => EntityId::parse(id),
        (_, Some(name), Some(key)) => EntityId::new(name, key),
        _ => return Err("lockset holds something that is no entity".to_owned()),
    };
    id.map(|id| id.to_string()).map_err(|error| format!("lockset: {error}"))
}

/// The time behind `op@`: as .NET writes one to be read back, in UTC.
fn due(text: &str) -> Result<prost_types::Timestamp, String> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let time: DateTime<Utc> = zoned
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()))
        .map_err(|_| format!("{:?} is not a time such as 2026-01-02T03:04:05.1234567Z", Short(text)))?;
    // A leap second is told as more nanoseconds than a second has.
    let nanos = i32::try_from(time.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default();
    Ok(prost_types::Timestamp { seconds: time.timestamp(), nanos })
}

/// How many bytes a result takes once it is a string within JSON: up to six times its own.
pub fn length(output: &str) -> usize {
    Value::from(output).to_string().len()
}

/// The result of the call `request_id`.
pub fn replied(request_id: String, result: Result<Option<String>, TaskFailureDetails>) -> EventType {
    answer(
        request_id,
        match result {
            Ok(None) => json!({}),
            Ok(Some(output)) => json!({ "result": output }),
            Err(details) => {
                json!({ "exceptionType": details.error_message, "failureDetails": failure(&details) })
            }
        },
    )
}

/// The critical section begins.
pub fn granted(section: String) -> EventType {
    answer(section, json!({ "result": LOCKED }))
}

fn answer(name: String, data: Value) -> EventType {
    EventType::EventRaised(EventRaisedEvent { name, input: Some(data.to_string()) })
}

/// As deep as its causes, whose number is bounded where a worker's answer is taken in.
fn failure(details: &TaskFailureDetails) -> Value {
    json!({
        "ErrorType": details.error_type,
        "ErrorMessage": details.error_message,
        "StackTrace": details.stack_trace,
        "InnerFailure": details.inner_failure.as_deref().map(failure),
        "IsNonRetriable": details.is_non_retriable,
    })
}

#[cfg(test)]
mod tests;
