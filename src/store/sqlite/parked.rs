//! Instances that are parked.

use super::{
    inbox::{self, Letter},
    rows,
    writer::Tx,
};
use crate::{
    model::{
        Effect, HubId, InstanceId, InstanceKey, Legible, MessageId, Parked, ParkedFor, Parking,
        StatusExt as _, Timestamp,
    },
    store::{Error, Outline},
};
use rusqlite::{Connection, Row, params};

/// [`crate::store::Store::instance_park`].
pub fn park(tx: &Tx<'_>, key: InstanceKey, parking: &Parking) -> Result<bool, Error> {
    const SQL: &str = "INSERT OR REPLACE INTO parked (key, hub, parked_at, cause, deliveries, reason) \
        SELECT key, hub, ?2, ?3, ?4, ?5 FROM instance WHERE key = ?1 AND completed_at IS NULL";
    let Parking { at, cause, deliveries, reason } = parking;
    Ok(tx.run(SQL, params![key.0, at.0, *cause as i64, deliveries, reason])? == 1)
}

/// [`crate::store::Store::instance_unpark`].
pub fn unpark(
    tx: &mut Tx<'_>,
    hub: HubId,
    id: &InstanceId,
    letter: Option<Letter>,
) -> Result<Option<Parking>, Error> {
    let found = inbox::find(tx, hub, id)?.filter(|(_, status)| !status.is_terminal());
    let Some((instance, status)) = found else { return Ok(None) };
    let Some(parking) = find(tx.conn, instance.key)? else { return Ok(None) };
    remove(tx, instance.key)?;
    tx.effects.push(Effect::Unparked { instance: instance.clone(), status });
    if let Some(letter) = letter {
        inbox::deliver(tx, instance, status, letter)?;
    }
    Ok(Some(parking))
}

/// Forgets that an instance was parked.
pub fn remove(tx: &Tx<'_>, key: InstanceKey) -> Result<(), Error> {
    tx.run("DELETE FROM parked WHERE key = ?1", [key.0])?;
    Ok(())
}

/// How an instance is parked, if it is and lives.
pub fn find(conn: &Connection, key: InstanceKey) -> Result<Option<Parking>, Error> {
    const SQL: &str = "SELECT p.parked_at, p.cause, p.deliveries, p.reason FROM parked p \
        JOIN instance i ON i.key = p.key WHERE p.key = ?1 AND i.completed_at IS NULL";
    rows::one(conn, SQL, [key.0], |row| parking(row, 0))
}

/// [`crate::store::Store::parked_list`].
pub fn list(conn: &Connection, hub: HubId, after: InstanceKey, limit: usize) -> Result<Vec<Parked>, Error> {
    const SQL: &str = concat!(
        "SELECT ",
        rows::reference_columns!(),
        ", p.parked_at, p.cause, p.deliveries, p.reason FROM parked p CROSS JOIN instance i ON i.key = p.key \
         WHERE p.hub = ?1 AND p.key > ?2 AND i.completed_at IS NULL ORDER BY p.key LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows::all(conn, SQL, params![hub.0, after.0, limit], |row| {
        let (instance, status) = rows::reference(row)?;
        Ok(Parked { instance, status, parking: parking(row, rows::REFERENCE_COLUMNS)? })
    })
}

/// A row of time, cause, deliveries, reason, from column `first` on.
fn parking(row: &Row<'_>, first: usize) -> Result<Parking, Error> {
    let cause = row.get(first + 1)?;
    Ok(Parking {
        at: Timestamp(row.get(first)?),
        cause: ParkedFor::from_number(cause).ok_or_else(|| Error::Corrupt(format!("parked for {cause}")))?,
        deliveries: row.get(first + 2)?,
        reason: row.get(first + 3)?,
    })
}

/// [`crate::store::Store::instance_outline`]. Needs a transaction: its statements must see the same moment.
pub fn outline(conn: &Connection, key: InstanceKey) -> Result<Option<Outline>, Error> {
    const RECORD: &str = concat!("SELECT ", rows::record_columns!(), " FROM instance i WHERE i.key = ?1");
    const INBOX: &str = "SELECT id, class, due, events FROM message WHERE key = ?1 ORDER BY id";
    let Some(record) = rows::one(conn, RECORD, [key.0], rows::record)? else {
        return Ok(None);
    };
    let mut inbox = Legible::default();
    rows::all(conn, INBOX, [key.0], |row| {
        match rows::message(row) {
            Ok(message) => inbox.messages.push(message),
            Err(Error::Corrupt(_)) => inbox.illegible.push(MessageId(row.get(0)?)),
            Err(other) => return Err(other),
        }
        Ok(())
    })?;
    Ok(Some(Outline { record, inbox, parked: find(conn, key)? }))
}
