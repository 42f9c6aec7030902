//! Messages on their way into inboxes.

use super::{counters::Kind, payload, rows, writer::Tx};
use crate::{
    model::{
        Class, Effect, HubId, InstanceId, InstanceKey, InstanceRef, Message, MessageId, NewMessage, Status,
        StatusExt,
        pb::{ExecutionStartedEvent, HistoryEvent, history_event::EventType},
    },
    store::{Appended, Error},
};
use prost::encoding::message::{encode_repeated, encoded_len_repeated};
use rusqlite::{Connection, params};

/// Field number of `HistoryChunk.events`.
const EVENTS: u32 = 1;

/// A message with its stored form, encoded by the caller so that the writer's thread need not.
pub struct Letter {
    message: NewMessage,
    bytes: Vec<u8>,
}

impl Letter {
    /// Encodes the events as one `HistoryChunk`, without giving them away: the effect carries them on. The input in a start message
    /// is left out, because it is stored as the instance's input in the same change; [`read`] puts it back.
    pub fn seal(mut message: NewMessage) -> Self {
        let input = opening(message.class, &mut message.events).and_then(|started| started.input.take());
        let mut bytes = Vec::with_capacity(encoded_len_repeated(EVENTS, &message.events));
        encode_repeated(EVENTS, &message.events, &mut bytes);
        if let Some(started) = opening(message.class, &mut message.events) {
            started.input = input;
        }
        Self { message, bytes }
    }
}

/// The event that opens the execution, if that is what the message is for.
fn opening(class: Class, events: &mut [HistoryEvent]) -> Option<&mut ExecutionStartedEvent> {
    match &mut events.first_mut()?.event_type {
        Some(EventType::ExecutionStarted(started)) if class == Class::Start => Some(started),
        _ => None,
    }
}

/// The inbox in arrival order.
pub fn read(conn: &Connection, key: InstanceKey) -> Result<Vec<Message>, Error> {
    const SQL: &str = "SELECT id, class, due, events FROM message WHERE key = ?1 ORDER BY id";
    let mut inbox = rows::all(conn, SQL, [key.0], rows::message)?;
    for message in &mut inbox {
        if let Some(started) = opening(message.class, &mut message.events) {
            started.input = payload::text(conn, key, payload::Kind::Input)?;
        }
    }
    Ok(inbox)
}

/// Puts a letter into the inbox of `to`, whose status is `status` as soon as the change is committed.
pub fn deliver(tx: &mut Tx<'_>, to: InstanceRef, status: Status, letter: Letter) -> Result<(), Error> {
    let Letter { message: NewMessage { class, due, events }, bytes } = letter;
    let id = tx.number(Kind::Message)?;
    tx.run(
        "INSERT INTO message (key, id, class, due, events) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![to.key.0, id, class as i64, due.map(|due| due.0), bytes],
    )?;
    tx.effects.push(Effect::Message {
        to,
        status,
        message: Message { id: MessageId(id), class, due, events },
    });
    Ok(())
}

/// [`crate::store::Store::message_append`].
pub fn append(tx: &mut Tx<'_>, hub: HubId, id: &InstanceId, letter: Letter) -> Result<Appended, Error> {
    match find(tx, hub, id)? {
        None => Ok(Appended::NotFound),
        Some((_, status)) if status.is_terminal() => Ok(Appended::Ended(status)),
        Some((to, status)) => {
            deliver(tx, to.clone(), status, letter)?;
            Ok(Appended::To(to))
        }
    }
}

/// Who holds the id.
pub fn find(tx: &Tx<'_>, hub: HubId, id: &InstanceId) -> Result<Option<(InstanceRef, Status)>, Error> {
    const SQL: &str =
        concat!("SELECT ", rows::reference_columns!(), " FROM instance i WHERE i.hub = ?1 AND i.id = ?2");
    rows::one(tx.conn, SQL, params![hub.0, id.as_str()], rows::reference)
}

/// The row with this key.
pub fn route(conn: &Connection, key: InstanceKey) -> Result<Option<(InstanceRef, Status)>, Error> {
    const SQL: &str = concat!("SELECT ", rows::reference_columns!(), " FROM instance i WHERE i.key = ?1");
    rows::one(conn, SQL, [key.0], rows::reference)
}
