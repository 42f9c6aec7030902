//! Records of answered requests, so that a repeated one is answered the same.

use super::{rows, writer::Tx};
use crate::{
    model::{HubId, InstanceId, Timestamp},
    store::{Error, Idempotency, Recorded},
};
use rusqlite::{Connection, params};

/// How many expired records a new one takes with it. More than one, so that they become fewer while requests keep coming; few, so
/// that no request pays for a long quiet time. An idle server removes none and runs no statement.
const SWEEP: i64 = 4;

const FIND: &str = "SELECT fingerprint, instance, created FROM idempotency \
                    WHERE hub = ?1 AND key = ?2 AND made_at >= ?3";
const EXPIRED: &str = "SELECT hub, key FROM idempotency WHERE made_at < ?1 ORDER BY made_at LIMIT ?2";
const OF_HUB: &str = "SELECT key FROM idempotency WHERE hub = ?1 LIMIT ?2";
const REMOVE: &str = "DELETE FROM idempotency WHERE hub = ?1 AND key = ?2";

/// What is on record under `key`, unless it was made before `valid_from`.
pub fn find(
    conn: &Connection,
    hub: HubId,
    key: &str,
    valid_from: Timestamp,
) -> Result<Option<Recorded>, Error> {
    rows::one(conn, FIND, params![hub.0, key, valid_from.0], |row| {
        Ok(Recorded {
            fingerprint: row.get(0)?,
            id: InstanceId::lookup(row.get::<_, String>(1)?),
            created: row.get(2)?,
        })
    })
}

/// Writes the record of a request that has just been answered with `id`, over an expired one under the same key, and removes some
/// others that have expired.
pub fn record(
    tx: &Tx<'_>,
    hub: HubId,
    asked: Idempotency,
    id: &InstanceId,
    created: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let Idempotency { key, fingerprint, valid_from } = asked;
    tx.run(
        "INSERT OR REPLACE INTO idempotency (hub, key, fingerprint, instance, created, made_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![hub.0, key, fingerprint, id.as_str(), created, now.0],
    )?;
    let expired = rows::all(tx.conn, EXPIRED, params![valid_from.0, SWEEP], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    for (hub, key) in expired {
        tx.run(REMOVE, params![hub, key])?;
    }
    Ok(())
}

/// Removes at most `limit` records of the hub; answers how many that were.
pub fn forget(tx: &Tx<'_>, hub: HubId, limit: i64) -> Result<usize, Error> {
    let keys = rows::all(tx.conn, OF_HUB, params![hub.0, limit], |row| Ok(row.get::<_, String>(0)?))?;
    for key in &keys {
        tx.run(REMOVE, params![hub.0, key])?;
    }
    Ok(keys.len())
}

#[cfg(test)]
mod tests {
    use crate::store::sqlite::{SqliteOptions, SqliteStore};

    #[tokio::test]
    async fn neither_finding_nor_sweeping_looks_at_all_records() {
        let store =
            SqliteStore::open(SqliteOptions::memory(), tokio::sync::mpsc::unbounded_channel().0).unwrap();
        for (sql, plan) in [
            (super::FIND, "SEARCH idempotency USING PRIMARY KEY (hub=? AND key=?)"),
            (super::EXPIRED, "SEARCH idempotency USING COVERING INDEX idempotency_made (made_at<?)"),
            (super::OF_HUB, "SEARCH idempotency USING PRIMARY KEY (hub=?)"),
            (super::REMOVE, "SEARCH idempotency USING PRIMARY KEY (hub=? AND key=?)"),
        ] {
            let steps = move |tx: &mut crate::store::sqlite::writer::Tx<'_>| {
                let mut explained = tx.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let steps = explained
                    .raw_query()
                    .mapped(|row| row.get::<_, String>(3))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(steps)
            };
            let steps = store.writer.change(steps).await.unwrap();
            assert_eq!(steps.first().map(String::as_str), Some(plan), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
        }
    }
}
