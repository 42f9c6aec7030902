//! Entities: rows of `instance` that come with their first message and go when nothing is left, and the locks on them.

use super::{
    counters::Kind,
    inbox::{self, Letter},
    instance, payload, rows,
    writer::Tx,
};
use crate::{
    model::{
        Effect, EntityChange, EntityId, HubId, InstanceId, InstanceKey, InstanceRef, Lock, LockChange,
        Recipient, Status, Timestamp,
    },
    store::{EntityLoaded, Error, Purged},
};
use rusqlite::{Connection, params};
use std::sync::Arc;

/// An [`EntityChange`] with the message in it encoded.
pub struct Sealed {
    state: Option<Option<Arc<str>>>,
    lock: Change,
    vanishes: bool,
}

enum Change {
    Keep,
    Take(Lock, Recipient, Box<Letter>),
    Release,
}

impl Sealed {
    /// Encodes what has to be encoded.
    pub fn seal(change: EntityChange) -> Self {
        let EntityChange { state, lock, vanishes } = change;
        let lock = match lock {
            LockChange::Keep => Change::Keep,
            LockChange::Take { lock, then } => {
                Change::Take(lock, then.to, Box::new(Letter::seal(then.message)))
            }
            LockChange::Release => Change::Release,
        };
        Self { state, lock, vanishes }
    }
}

/// What is left to do of a change when the rest of its commit has been done.
#[derive(Default)]
pub struct Rest {
    /// To be sent: the lock was taken.
    pub then: Option<(Recipient, Letter)>,
    /// The lock was not taken.
    refused: Option<Lock>,
    vanishes: bool,
}

/// Writes state and lock of `entity`.
pub fn change(tx: &Tx<'_>, entity: &InstanceRef, sealed: Sealed) -> Result<Rest, Error> {
    let Sealed { state, lock, vanishes } = sealed;
    let key = entity.key;
    if let Some(state) = state {
        payload::put(tx, key, payload::Kind::Input, state.as_deref().map(str::as_bytes))?;
    }
    let rest = Rest { vanishes, ..Rest::default() };
    match lock {
        Change::Keep => Ok(rest),
        Change::Release => {
            tx.run("DELETE FROM entity_lock WHERE entity = ?1", [key.0])?;
            Ok(rest)
        }
        Change::Take(lock, to, letter) => match take(tx, entity, &lock)? {
            true => Ok(Rest { then: Some((to, *letter)), ..rest }),
            false => Ok(Rest { refused: Some(lock), vanishes: true, ..rest }),
        },
    }
}

/// Locks the entity, if the owner has not ended. What has ended has no inbox to speak of and no locks, and gets none.
fn take(tx: &Tx<'_>, entity: &InstanceRef, lock: &Lock) -> Result<bool, Error> {
    let taken = tx.run(
        "INSERT INTO entity_lock (entity, owner, execution_id, section) \
         SELECT ?1, key, ?4, ?5 FROM instance \
         WHERE hub = ?2 AND id = ?3 AND execution_id = ?4 AND completed_at IS NULL",
        params![entity.key.0, entity.hub.0, lock.owner.as_str(), lock.execution_id, lock.section],
    )?;
    Ok(taken == 1)
}

/// Tells what [`change`] could not do, and removes the entity if nothing is left of it. Comes after the effects of its commit.
pub fn conclude(tx: &mut Tx<'_>, entity: InstanceRef, rest: Rest) -> Result<(), Error> {
    if let Some(lock) = rest.refused {
        tx.effects.push(Effect::Unlocked { entity: entity.clone(), lock });
    }
    if rest.vanishes { remove_if_empty(tx, entity) } else { Ok(()) }
}

/// Frees everything that an execution of `owner` has locked.
pub fn release_all(tx: &mut Tx<'_>, owner: InstanceKey) -> Result<(), Error> {
    const LOCKED: &str = concat!(
        "SELECT ",
        rows::reference_columns!(),
        ", o.id, l.execution_id, l.section FROM entity_lock l JOIN instance i ON i.key = l.entity \
         JOIN instance o ON o.key = l.owner WHERE l.owner = ?1 ORDER BY l.entity"
    );
    let locked = rows::all(tx.conn, LOCKED, [owner.0], |row| Ok((rows::reference(row)?.0, lock(row)?)))?;
    if locked.is_empty() {
        return Ok(());
    }
    tx.run("DELETE FROM entity_lock WHERE owner = ?1", [owner.0])?;
    for (entity, lock) in locked {
        tx.effects.push(Effect::Unlocked { entity: entity.clone(), lock });
        remove_if_empty(tx, entity)?;
    }
    Ok(())
}

fn lock(row: &rusqlite::Row<'_>) -> Result<Lock, Error> {
    const FIRST: usize = rows::REFERENCE_COLUMNS;
    Ok(Lock {
        owner: InstanceId::lookup(row.get::<_, Arc<str>>(FIRST)?),
        execution_id: row.get(FIRST + 1)?,
        section: row.get(FIRST + 2)?,
    })
}

/// An entity without state, lock and messages is no more.
fn remove_if_empty(tx: &mut Tx<'_>, entity: InstanceRef) -> Result<(), Error> {
    if is_empty(tx.conn, entity.key)? { instance::remove(tx, entity) } else { Ok(()) }
}

fn is_empty(conn: &Connection, key: InstanceKey) -> Result<bool, Error> {
    const SQL: &str = "SELECT NOT EXISTS (SELECT 1 FROM message WHERE key = ?1) \
        AND NOT EXISTS (SELECT 1 FROM payload WHERE id = ?1 * 4) \
        AND NOT EXISTS (SELECT 1 FROM entity_lock WHERE entity = ?1)";
    Ok(rows::one(conn, SQL, [key.0], |row| Ok(row.get(0)?))?.unwrap_or(false))
}

/// The entity, and its status as an effect tells it; made at `at` if it is not there.
pub fn find_or_make(
    tx: &mut Tx<'_>,
    hub: HubId,
    entity: &EntityId,
    at: Timestamp,
) -> Result<(InstanceRef, Status), Error> {
    if let Some(found) = inbox::find(tx, hub, entity.id())? {
        return Ok(found);
    }
    let key = InstanceKey(tx.number(Kind::Instance)?);
    tx.run(
        "INSERT INTO instance (key, hub, id, name, execution_id, status, turn, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, '', ?5, 0, ?6, ?6)",
        params![key.0, hub.0, entity.id().as_str(), &**entity.name(), Status::Running as i32, at.0],
    )?;
    let made = InstanceRef { key, hub, id: entity.id().clone(), name: entity.name().clone(), version: None };
    Ok((made, Status::Pending))
}

/// [`crate::store::Store::entity_signal`].
pub fn signal(
    tx: &mut Tx<'_>,
    hub: HubId,
    entity: &EntityId,
    letter: Letter,
    at: Timestamp,
) -> Result<(), Error> {
    let (to, status) = find_or_make(tx, hub, entity, at)?;
    inbox::deliver(tx, to, status, letter)
}

/// What an entity has besides its row and inbox.
pub fn load(conn: &Connection, key: InstanceKey) -> Result<EntityLoaded, Error> {
    const LOCK: &str = "SELECT o.id, l.execution_id, l.section FROM entity_lock l JOIN instance o ON o.key = l.owner \
        WHERE l.entity = ?1";
    let lock = rows::one(conn, LOCK, [key.0], |row| {
        let owner = InstanceId::lookup(row.get::<_, Arc<str>>(0)?);
        Ok(Lock { owner, execution_id: row.get(1)?, section: row.get(2)? })
    })?;
    Ok(EntityLoaded { state: payload::text(conn, key, payload::Kind::Input)?, lock })
}

/// [`crate::store::Store::entity_purge`].
pub fn purge(tx: &mut Tx<'_>, hub: HubId, entity: &EntityId) -> Result<Purged, Error> {
    let Some((entity, _)) = inbox::find(tx, hub, entity.id())? else { return Ok(Purged::NotFound) };
    payload::remove(tx, entity.key)?;
    if is_empty(tx.conn, entity.key)? {
        instance::remove(tx, entity)?;
        return Ok(Purged::Deleted);
    }
    // Whoever works on it has seen the state that is gone: the answer must not bring it back.
    tx.run("UPDATE instance SET turn = turn + 1 WHERE key = ?1", [entity.key.0])?;
    tx.effects.push(Effect::Altered { entity });
    Ok(Purged::Deleted)
}
