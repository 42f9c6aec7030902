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
    Input = 0,
    Output = 1,
    CustomStatus = 2,
    Failure = 3,
}

/// Sets one payload. `None` removes it.
pub fn put(tx: &Tx<'_>, key: InstanceKey, kind: Kind, body: Option<&[u8]>) -> Result<(), Error> {
    match body {
        Some(body) => tx.run(
            "INSERT INTO payload (key, kind, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (key, kind) DO UPDATE SET body = excluded.body",
            params![key.0, kind as i64, body],
        )?,
        None => tx.run("DELETE FROM payload WHERE key = ?1 AND kind = ?2", params![key.0, kind as i64])?,
    };
    Ok(())
}

/// One text payload.
pub fn text(conn: &Connection, key: InstanceKey, kind: Kind) -> Result<Option<String>, Error> {
    let sql = "SELECT body FROM payload WHERE key = ?1 AND kind = ?2";
    Ok(one(conn, sql, params![key.0, kind as i64], |row| text_column(row, 0))?.flatten())
}

/// The payloads of `record` that are wanted. For lists, which read many rows before they know which of them they show.
pub fn of(conn: &Connection, record: &InstanceRecord, wanted: Read) -> Result<Payloads, Error> {
    const FROM: &str = "SELECT kind, body FROM payload WHERE key = ?1 AND kind >= ?2";
    let mut payloads = Payloads::default();
    let first = match wanted {
        Read::All => Kind::Input,
        Read::NoInput => Kind::Output,
        Read::FailureOnly if record.status == Status::Failed => Kind::Failure,
        Read::FailureOnly => return Ok(payloads),
    };
    let found = rows::all(conn, FROM, params![record.key.0, first as i64], |row| {
        match row.get::<_, i64>(0)? {
            0 => payloads.input = text_column(row, 1)?,
            1 => payloads.output = text_column(row, 1)?,
            2 => payloads.custom_status = text_column(row, 1)?,
            3 => payloads.failure = failure_column(row, 1)?,
            other => return Err(Error::Corrupt(format!("payload kind {other}"))),
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
        ", (SELECT body FROM payload p WHERE p.key = i.key AND p.kind = 3)",
        " FROM instance i WHERE i.hub = ?1 AND i.id = ?2"
    );
    const ALL: &str = concat!(
        "SELECT ",
        rows::record_columns!(),
        ", (SELECT body FROM payload p WHERE p.key = i.key AND p.kind = 3)",
        ", (SELECT body FROM payload p WHERE p.key = i.key AND p.kind = 0)",
        ", (SELECT body FROM payload p WHERE p.key = i.key AND p.kind = 1)",
        ", (SELECT body FROM payload p WHERE p.key = i.key AND p.kind = 2)",
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
