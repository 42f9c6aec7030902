//! Task hubs.

use super::{idempotency, inbox, instance, job, rows, writer::Tx};
use crate::{
    model::{HubId, HubName, InstanceKey},
    store::Error,
};
use rusqlite::{Connection, params};

/// [`crate::store::Store::hub_list`].
pub fn list(conn: &Connection) -> Result<Vec<(HubId, HubName)>, Error> {
    rows::all(conn, "SELECT id, name FROM hub WHERE NOT removed ORDER BY id", [], |row| {
        let name: String = row.get(1)?;
        let name = HubName::parse(&name).map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok((HubId(row.get(0)?), name))
    })
}

/// [`crate::store::Store::hub_ensure`].
pub fn ensure(tx: &Tx<'_>, name: &HubName) -> Result<HubId, Error> {
    let folded = name.folded();
    let sql = "SELECT id FROM hub WHERE folded = ?1";
    if let Some(id) = rows::one(tx.conn, sql, [&folded], |row| Ok(HubId(row.get(0)?)))? {
        tx.run("UPDATE hub SET removed = 0 WHERE id = ?1 AND removed", [id.0])?;
        return Ok(id);
    }
    tx.run("INSERT INTO hub (name, folded) VALUES (?1, ?2)", params![name.as_str(), folded])?;
    Ok(HubId(tx.conn.last_insert_rowid()))
}

/// [`crate::store::Store::hub_clear`].
pub fn clear(tx: &mut Tx<'_>, hub: HubId, limit: usize) -> Result<usize, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT key FROM instance WHERE hub = ?1 LIMIT ?2";
    let keys = rows::all(tx.conn, sql, params![hub.0, limit], |row| Ok(InstanceKey(row.get(0)?)))?;
    for key in &keys {
        if let Some((gone, _)) = inbox::route(tx.conn, *key)? {
            instance::remove(tx, gone)?;
        }
    }
    let left = limit - i64::try_from(keys.len()).unwrap_or(limit);
    let forgotten = idempotency::forget(tx, hub, left)?;
    let left = left - i64::try_from(forgotten).unwrap_or(left);
    Ok(keys.len() + forgotten + job::forget(tx, hub, left)?)
}

/// [`crate::store::Store::hub_remove`].
pub fn remove(tx: &Tx<'_>, hub: HubId) -> Result<bool, Error> {
    let sql =
        "UPDATE hub SET removed = 1 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM instance WHERE hub = ?1)";
    Ok(tx.run(sql, [hub.0])? == 1)
}
