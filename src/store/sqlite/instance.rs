//! Making and removing instances.

use super::{
    counters::Kind,
    entity, history, idempotency,
    inbox::{self, Letter},
    parked, payload, revision,
    rows::{self, reference_columns},
    writer::Tx,
};
use crate::{
    model::{Effect, HubId, InstanceId, InstanceKey, InstanceRef, NewInstance, Status, StatusExt},
    store::{Created, Error, PurgeTree, Purged, Seen, Terms},
};
use rusqlite::params;

/// An instance to be made, with its start message encoded.
pub struct Newborn {
    new: NewInstance,
    start: Letter,
}

impl Newborn {
    /// Encodes what has to be encoded.
    pub fn seal(new: NewInstance) -> Self {
        let start = Letter::seal(new.start_message());
        Self { new, start }
    }
}

/// Answer of [`create`].
pub enum Outcome {
    New(InstanceKey),
    /// Nothing was changed.
    Taken(Status),
}

/// Creates an instance unless its id is taken by one for which `may_replace` says no.
pub fn create(
    tx: &mut Tx<'_>,
    newborn: Newborn,
    may_replace: impl FnOnce(&Tx<'_>, InstanceKey, Status) -> Result<bool, Error>,
) -> Result<Outcome, Error> {
    let Newborn { new, start } = newborn;
    let key = InstanceKey(tx.number(Kind::Instance)?);
    // Nearly every id is new, so try that first: the index is searched once instead of twice.
    if !insert(tx, key, &new)? {
        let found = inbox::find(tx, new.hub, &new.id)?;
        let (old, status) = found.ok_or_else(|| Error::Corrupt(format!("index over instance {}", new.id)))?;
        if !may_replace(tx, old.key, status)? {
            return Ok(Outcome::Taken(status));
        }
        remove(tx, old)?;
        if !insert(tx, key, &new)? {
            return Err(Error::Corrupt(format!("index over instance {}", new.id)));
        }
    }
    if let Some(input) = &new.started.input {
        payload::put(tx, key, payload::Kind::Input, Some(input.as_bytes()))?;
    }
    let NewInstance { hub, id, started, .. } = new;
    let version = started.version.map(Into::into);
    let to = InstanceRef { key, hub, id: id.clone(), name: started.name.into(), version };
    inbox::deliver(tx, to, Status::Pending, start)?;
    tx.effects.push(Effect::Changed { hub, id, key, status: Status::Pending, turn: 0 });
    Ok(Outcome::New(key))
}

/// [`crate::store::Store::instance_create`].
pub fn create_on_terms(tx: &mut Tx<'_>, newborn: Newborn, terms: Terms) -> Result<Created, Error> {
    let Terms { replace, keep, only, idempotency } = terms;
    let (hub, id, now) = (newborn.new.hub, newborn.new.id.clone(), newborn.new.created_at);
    if let Some(asked) = &idempotency
        && let Some(recorded) = idempotency::find(tx.conn, hub, &asked.key, asked.valid_from)?
    {
        return Ok(Created::Recorded(recorded));
    }
    if let Some(only) = only
        && inbox::find(tx, hub, &id)?.is_none_or(|(holder, _)| holder.key != only)
    {
        return Ok(Created::Overtaken);
    }
    let may_replace = |tx: &Tx<'_>, old, status: Status| {
        Ok(replace.contains(status) && (status.is_terminal() || !is_child(tx, old)?))
    };
    let created = match create(tx, newborn, may_replace)? {
        Outcome::New(key) => Created::New(key),
        Outcome::Taken(status) if keep.contains(status) => Created::Kept(status),
        Outcome::Taken(status) => return Ok(Created::Exists(status)),
    };
    if let Some(asked) = idempotency {
        idempotency::record(tx, hub, asked, &id, matches!(created, Created::New(_)), now)?;
    }
    Ok(created)
}

/// Whether an instance has a parent, which may be waiting for it.
fn is_child(tx: &Tx<'_>, key: InstanceKey) -> Result<bool, Error> {
    let child =
        rows::one(tx.conn, "SELECT parent_id IS NOT NULL FROM instance WHERE key = ?1", [key.0], |row| {
            Ok(row.get::<_, bool>(0)?)
        })?;
    Ok(child.unwrap_or(false))
}

/// `false` if the id is taken.
fn insert(tx: &Tx<'_>, key: InstanceKey, new: &NewInstance) -> Result<bool, Error> {
    let started = &new.started;
    let parent = new.parent();
    let inserted = tx.run(
        "INSERT INTO instance (key, hub, id, name, version, execution_id, status, turn, created_at, updated_at, \
         scheduled_at, parent_id, parent_execution_id, parent_task_id, tags) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (hub, id) DO NOTHING",
        params![
            key.0,
            new.hub.0,
            new.id.as_str(),
            started.name,
            started.version,
            new.execution_id(),
            Status::Pending as i32,
            new.created_at.0,
            new.start_at.map(|at| at.0),
            parent.as_ref().map(|parent| parent.id.as_str()),
            parent.as_ref().map(|parent| parent.execution_id.as_str()),
            parent.as_ref().map(|parent| parent.task_id),
            rows::tags_text(&started.tags),
        ],
    )?;
    Ok(inserted == 1)
}

/// Removes an instance with all it has.
pub fn remove(tx: &mut Tx<'_>, gone: InstanceRef) -> Result<(), Error> {
    let InstanceRef { key, hub, id, .. } = gone;
    entity::release_all(tx, key)?;
    for sql in [
        "DELETE FROM instance WHERE key = ?1",
        "DELETE FROM message WHERE key = ?1",
        "DELETE FROM activity WHERE key = ?1",
        "DELETE FROM entity_lock WHERE entity = ?1",
    ] {
        tx.run(sql, [key.0])?;
    }
    payload::remove(tx, key)?;
    history::remove(tx, key)?;
    revision::remove(tx, key)?;
    parked::remove(tx, key)?;
    tx.effects.push(Effect::Gone { hub, id, key });
    Ok(())
}

/// Removes those of `keys` that are there and have ended; answers how many those were.
pub fn purge_keys(tx: &mut Tx<'_>, keys: &[InstanceKey]) -> Result<usize, Error> {
    let mut deleted = 0;
    for key in keys {
        if let Some((gone, status)) = inbox::route(tx.conn, *key)?
            && status.is_terminal()
        {
            remove(tx, gone)?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// [`crate::store::Store::instance_purge_seen`].
pub fn purge_seen(tx: &mut Tx<'_>, trees: &[PurgeTree]) -> Result<usize, Error> {
    let mut deleted = 0;
    for PurgeTree { top, below, whole } in trees {
        let Some(top) = as_seen(tx, *top)? else { continue };
        for seen in below {
            if let Some(gone) = as_seen(tx, *seen)? {
                remove(tx, gone)?;
                deleted += 1;
            }
        }
        if *whole {
            remove(tx, top)?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// The instance, if it has ended and has had no turn since.
fn as_seen(tx: &Tx<'_>, seen: Seen) -> Result<Option<InstanceRef>, Error> {
    const SQL: &str =
        concat!("SELECT ", reference_columns!(), " FROM instance i WHERE i.key = ?1 AND i.turn = ?2");
    let found = rows::one(tx.conn, SQL, [seen.key.0, seen.turn], rows::reference)?;
    Ok(found.filter(|(_, status)| status.is_terminal()).map(|(found, _)| found))
}

/// [`crate::store::Store::instance_purge`].
pub fn purge(tx: &mut Tx<'_>, hub: HubId, id: &InstanceId) -> Result<Purged, Error> {
    match inbox::find(tx, hub, id)? {
        None => Ok(Purged::NotFound),
        Some((_, status)) if !status.is_terminal() => Ok(Purged::Live(status)),
        Some((gone, _)) => {
            remove(tx, gone)?;
            Ok(Purged::Deleted)
        }
    }
}
