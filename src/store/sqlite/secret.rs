//! Secrets of the server itself.

use super::{rows, writer::Tx};
use crate::store::Error;
use rusqlite::params;

/// [`crate::store::Store::secret_ensure`].
pub fn ensure(tx: &Tx<'_>, name: &str, candidate: Vec<u8>) -> Result<Vec<u8>, Error> {
    tx.run(
        "INSERT INTO secret (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![name, candidate],
    )?;
    let kept = rows::one(tx.conn, "SELECT value FROM secret WHERE name = ?1", [name], |row| Ok(row.get(0)?))?;
    kept.ok_or_else(|| Error::Backend("a secret that was just written is not there".into()))
}
