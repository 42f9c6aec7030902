//! Histories that a rewind has put aside.

use super::{history, rows, writer::Tx};
use crate::{
    model::{Chunk, InstanceKey, Revision, Rewrite, Timestamp},
    store::Error,
};
use rusqlite::{Connection, params};

/// Puts the history aside and lets another take its place.
pub fn rewrite(tx: &Tx<'_>, key: InstanceKey, at: Timestamp, rewrite: &Rewrite) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO revision (key, number, rewound_at, reason, events, execution_id, kept, history) \
        SELECT ?1, coalesce((SELECT max(number) FROM revision WHERE key = ?1), 0) + 1, ?2, ?3, ?4, execution_id, ?5, ?6 \
        FROM instance WHERE key = ?1";
    // Encoded chunks one after the other are one encoded chunk.
    let mut bytes = Vec::new();
    for chunk in history::read(tx.conn, key, 0)? {
        bytes.extend_from_slice(&chunk.bytes);
    }
    bytes.extend_from_slice(&rewrite.mark.bytes);
    let events = rewrite.mark.end();
    tx.run(INSERT, params![key.0, at.0, rewrite.reason, events, rewrite.length(), bytes])?;
    history::remove(tx, key)?;
    rewrite.chunks.iter().try_for_each(|chunk| history::append(tx, key, chunk))
}

/// Removes all that an instance has.
pub fn remove(tx: &Tx<'_>, key: InstanceKey) -> Result<(), Error> {
    tx.run("DELETE FROM revision WHERE key = ?1", [key.0])?;
    Ok(())
}

/// [`crate::store::Store::revision_list`].
pub fn list(conn: &Connection, key: InstanceKey) -> Result<Vec<Revision>, Error> {
    const SQL: &str = "SELECT number, rewound_at, reason, events, execution_id, kept FROM revision \
        WHERE key = ?1 ORDER BY number";
    rows::all(conn, SQL, [key.0], |row| {
        Ok(Revision {
            number: row.get(0)?,
            rewound_at: Timestamp(row.get(1)?),
            reason: row.get(2)?,
            events: row.get(3)?,
            execution_id: row.get(4)?,
            kept: row.get(5)?,
        })
    })
}

/// [`crate::store::Store::revision_read`].
pub fn read(conn: &Connection, key: InstanceKey, number: i64) -> Result<Option<Chunk>, Error> {
    const SQL: &str = "SELECT events, history FROM revision WHERE key = ?1 AND number = ?2";
    rows::one(conn, SQL, params![key.0, number], |row| {
        Ok(Chunk { first: 0, count: row.get(0)?, bytes: row.get::<_, Vec<u8>>(1)?.into() })
    })
}
