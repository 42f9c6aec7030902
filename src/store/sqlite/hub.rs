//! Task hubs.

use super::{rows, writer::Tx};
use crate::{
    model::{HubId, HubName},
    store::Error,
};
use rusqlite::params;

/// [`crate::store::Store::hub_ensure`].
pub fn ensure(tx: &Tx<'_>, name: &HubName) -> Result<HubId, Error> {
    let folded = name.folded();
    let sql = "SELECT id FROM hub WHERE folded = ?1";
    if let Some(id) = rows::one(tx.conn, sql, [&folded], |row| Ok(HubId(row.get(0)?)))? {
        return Ok(id);
    }
    tx.run("INSERT INTO hub (name, folded) VALUES (?1, ?2)", params![name.as_str(), folded])?;
    Ok(HubId(tx.conn.last_insert_rowid()))
}
