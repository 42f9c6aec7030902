//! Payloads of an instance, each in a row of its own, so that whoever lists instances does not read past them.

use super::{rows::one, writer::Tx};
use crate::{
    model::{HubId, InstanceId, InstanceKey, InstanceRecord, Payloads, Status, pb::TaskFailureDetails},
    store::{Error, Read, sqlite::rows},
};
use prost::Message as _;
use rusqlite::{Connection, Row, params};

/// What a payload row holds. The numbers are stored.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Of an entity: its state.
    Input = 0,
    Output = 1,
    CustomStatus = 2,
    Failure = 3,
}

/// Where the payload of that kind lies.
fn place(key: InstanceKey, kind: Kind) -> i64 {
    key.0 * 4 + kind as i64
}

/// Sets one payload. `None` removes it.
pub fn put(tx: &Tx<'_>, key: InstanceKey, kind: Kind, body: Option<&[u8]>) -> Result<(), Error> {
    match body {
        Some(body) => tx.run(
            "INSERT INTO payload (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            params![place(key, kind), body],
        )?,
        None => tx.run("DELETE FROM payload WHERE id = ?1", [place(key, kind)])?,
    };
    Ok(())
}

/// Removes all payloads of an instance.
pub fn remove(tx: &Tx<'_>, key: InstanceKey) -> Result<(), Error> {
    let first = place(key, Kind::Input);
    tx.run(
        "DELETE FROM payload WHERE id IN (?1, ?2, ?3, ?4)",
        params![first, first + 1, first + 2, first + 3],
    )?;
    Ok(())
}

/// One text payload.
pub fn text(conn: &Connection, key: InstanceKey, kind: Kind) -> Result<Option<String>, Error> {
    let sql = "SELECT body FROM payload WHERE id = ?1";
    Ok(one(conn, sql, [place(key, kind)], |row| text_column(row, 0))?.flatten())
}

/// The first `bytes` of one text payload, or one character less.
pub fn beginning(
    conn: &Connection,
    key: InstanceKey,
    kind: Kind,
    bytes: usize,
) -> Result<Option<String>, Error> {
    let sql = "SELECT coalesce(substr(body, 1, ?2), x'') FROM payload WHERE id = ?1";
    let limit = i64::try_from(bytes).unwrap_or(i64::MAX);
    let body = one(conn, sql, params![place(key, kind), limit], |row| Ok(row.get::<_, Vec<u8>>(0)?))?;
    Ok(body.map(|body| match std::str::from_utf8(&body) {
        Ok(text) => text.to_owned(),
        // Cut within a character.
        Err(error) => String::from_utf8_lossy(&body[..error.valid_up_to()]).into_owned(),
    }))
}

/// Why it failed.
pub fn failure(conn: &Connection, key: InstanceKey) -> Result<Option<TaskFailureDetails>, Error> {
    let sql = "SELECT body FROM payload WHERE id = ?1";
    Ok(one(conn, sql, [place(key, Kind::Failure)], |row| failure_column(row, 0))?.flatten())
}

/// The payloads of `record` that are wanted. For lists, which read many rows before they know which of them they show.
pub fn of(conn: &Connection, record: &InstanceRecord, wanted: Read) -> Result<Payloads, Error> {
    const SELECT: &str = "SELECT id, body FROM payload WHERE id IN (?1, ?2, ?3, ?4)";
    let mut payloads = Payloads::default();
    let [input, output, custom_status, failure] =
        [Kind::Input, Kind::Output, Kind::CustomStatus, Kind::Failure].map(|kind| place(record.key, kind));
    let places = match wanted {
        Read::All => params![input, output, custom_status, failure],
        Read::NoInput => params![output, output, custom_status, failure],
        Read::FailureOnly if record.status == Status::Failed => params![failure, failure, failure, failure],
        Read::FailureOnly | Read::Nothing => return Ok(payloads),
    };
    let found = rows::all(conn, SELECT, places, |row| {
        match row.get::<_, i64>(0)? {
            id if id == input => payloads.input = text_column(row, 1)?,
            id if id == output => payloads.output = text_column(row, 1)?,
            id if id == custom_status => payloads.custom_status = text_column(row, 1)?,
            _ => payloads.failure = failure_column(row, 1)?,
        }
        Ok(())
    });
    found.map(|_| payloads)
}

/// An instance and its payloads in one statement, so that they belong to the same moment.
pub fn with_record(
    conn: &Connection,
    hub: HubId,
    id: &InstanceId,
    all: bool,
) -> Result<Option<(InstanceRecord, Payloads)>, Error> {
    const FAILURE_ONLY: &str = concat!(
        "SELECT ",
        rows::record_columns!(),
        ", (SELECT body FROM payload p WHERE p.id = i.key * 4 + 3)",
        " FROM instance i WHERE i.hub = ?1 AND i.id = ?2"
    );
    const ALL: &str = concat!(
        "SELECT ",
        rows::record_columns!(),
        ", (SELECT body FROM payload p WHERE p.id = i.key * 4 + 3)",
        ", (SELECT body FROM payload p WHERE p.id = i.key * 4)",
        ", (SELECT body FROM payload p WHERE p.id = i.key * 4 + 1)",
        ", (SELECT body FROM payload p WHERE p.id = i.key * 4 + 2)",
        " FROM instance i WHERE i.hub = ?1 AND i.id = ?2"
    );
    const FIRST: usize = rows::RECORD_COLUMNS;
    one(conn, if all { ALL } else { FAILURE_ONLY }, params![hub.0, id.as_str()], |row| {
        let mut payloads = Payloads { failure: failure_column(row, FIRST)?, ..Payloads::default() };
        if all {
            payloads.input = text_column(row, FIRST + 1)?;
            payloads.output = text_column(row, FIRST + 2)?;
            payloads.custom_status = text_column(row, FIRST + 3)?;
        }
        Ok((rows::record(row)?, payloads))
    })
}

fn text_column(row: &Row<'_>, index: usize) -> Result<Option<String>, Error> {
    let body: Option<Vec<u8>> = row.get(index)?;
    let text = body.map(String::from_utf8).transpose();
    text.map_err(|error| Error::Corrupt(format!("payload: {error}")))
}

fn failure_column(row: &Row<'_>, index: usize) -> Result<Option<TaskFailureDetails>, Error> {
    let Some(body) = row.get_ref(index)?.as_blob_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(None);
    };
    let failure = TaskFailureDetails::decode(body);
    failure.map(Some).map_err(|error| Error::Corrupt(format!("failure details: {error}")))
}
