//! Rows to words and back. What cannot be understood is `Corrupt`, never a panic and never a guess.

use crate::{
    model::{
        ActivityKey, ActivityTask, Class, HubId, InstanceId, InstanceKey, InstanceRecord, InstanceRef,
        Message, MessageId, ParentRef, Status, Tags, Timestamp, decode_events,
    },
    store::Error,
};
use bytes::Bytes;
use rusqlite::{Connection, Params, Row};
use std::sync::Arc;

/// The columns [`record`] reads, in its order, of a table called `i`.
macro_rules! record_columns {
    () => {
        "i.key, i.hub, i.id, i.name, i.version, i.execution_id, i.status, i.turn, i.created_at, i.updated_at, \
         i.completed_at, i.scheduled_at, i.parent_id, i.parent_execution_id, i.parent_task_id, i.tags, i.trace"
    };
}
/// How many columns [`record`] reads.
pub const RECORD_COLUMNS: usize = 17;

/// The columns [`reference`] reads, in its order, of a table called `i`; `status` follows them.
macro_rules! reference_columns {
    () => {
        "i.key, i.hub, i.id, i.name, i.version, i.status"
    };
}
/// How many columns [`reference`] reads.
pub const REFERENCE_COLUMNS: usize = 6;
pub(super) use {record_columns, reference_columns};

/// The first row, if there is one.
pub fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows, in order.
pub fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A row of [`record_columns`].
pub fn record(row: &Row<'_>) -> Result<InstanceRecord, Error> {
    let parent = match row.get::<_, Option<Arc<str>>>(12)? {
        Some(id) => {
            Some(ParentRef { id: InstanceId::lookup(id), execution_id: row.get(13)?, task_id: row.get(14)? })
        }
        None => None,
    };
    Ok(InstanceRecord {
        key: InstanceKey(row.get(0)?),
        hub: HubId(row.get(1)?),
        id: instance_id(row, 2)?,
        name: row.get(3)?,
        version: row.get(4)?,
        execution_id: row.get(5)?,
        status: status(row, 6)?,
        turn: row.get(7)?,
        created_at: Timestamp(row.get(8)?),
        updated_at: Timestamp(row.get(9)?),
        completed_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        scheduled_at: row.get::<_, Option<i64>>(11)?.map(Timestamp),
        parent,
        tags: tags(row, 15)?,
        trace: row.get(16)?,
    })
}

/// A row of [`reference_columns`].
pub fn reference(row: &Row<'_>) -> Result<(InstanceRef, Status), Error> {
    let reference = InstanceRef {
        key: InstanceKey(row.get(0)?),
        hub: HubId(row.get(1)?),
        id: instance_id(row, 2)?,
        name: row.get(3)?,
        version: row.get(4)?,
    };
    Ok((reference, status(row, 5)?))
}

/// A row of id, class, due, events.
pub fn message(row: &Row<'_>) -> Result<Message, Error> {
    let class = row.get(1)?;
    let events: Vec<u8> = row.get(3)?;
    Ok(Message {
        id: MessageId(row.get(0)?),
        class: Class::from_number(class).ok_or_else(|| Error::Corrupt(format!("message class {class}")))?,
        due: row.get::<_, Option<i64>>(2)?.map(Timestamp),
        events: decode_events(events.into())?,
    })
}

/// A row of key, number, hub, instance id, name, version, task id, detached, request.
pub fn activity(row: &Row<'_>) -> Result<ActivityTask, Error> {
    Ok(ActivityTask {
        key: ActivityKey { instance: InstanceKey(row.get(0)?), number: row.get(1)? },
        hub: HubId(row.get(2)?),
        instance: instance_id(row, 3)?,
        name: row.get(4)?,
        version: row.get(5)?,
        task_id: row.get(6)?,
        detached: row.get(7)?,
        request: Bytes::from(row.get::<_, Vec<u8>>(8)?),
    })
}

/// The status in column `index`.
pub fn status(row: &Row<'_>, index: usize) -> Result<Status, Error> {
    let number: i32 = row.get(index)?;
    Status::try_from(number).map_err(|_| Error::Corrupt(format!("instance status {number}")))
}

/// The form in which tags are stored: a JSON object, or nothing.
pub fn tags_text(tags: &Tags) -> Option<String> {
    if tags.is_empty() { None } else { serde_json::to_string(tags).ok() }
}

fn tags(row: &Row<'_>, index: usize) -> Result<Tags, Error> {
    let Some(text) = row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(Tags::new());
    };
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("instance tags: {error}")))
}

fn instance_id(row: &Row<'_>, index: usize) -> Result<InstanceId, Error> {
    Ok(InstanceId::lookup(row.get::<_, Arc<str>>(index)?))
}
