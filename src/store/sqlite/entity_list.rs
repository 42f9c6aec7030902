//! Reading entities as callers see them.

use super::{payload, rows};
use crate::{
    model::{EntityRecord, HubId, InstanceId, InstanceKey, Timestamp},
    store::{EntitiesListed, EntityFilter, Error, PageLimits},
};
use rusqlite::{Connection, Row, params};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

macro_rules! columns {
    () => {
        "SELECT i.key, i.hub, i.id, i.updated_at, \
         (SELECT length(p.body) FROM payload p WHERE p.id = i.key * 4), \
         (SELECT o.id FROM entity_lock l JOIN instance o ON o.key = l.owner WHERE l.entity = i.key) \
         FROM instance i "
    };
}

/// [`crate::store::Store::entity_get`].
pub fn get(
    conn: &Connection,
    hub: HubId,
    id: &InstanceId,
    with_state: bool,
) -> Result<Option<EntityRecord>, Error> {
    const ONE: &str = concat!(columns!(), "WHERE i.hub = ?1 AND i.id = ?2");
    if !id.is_entity() {
        return Ok(None);
    }
    let found = rows::one(conn, ONE, params![hub.0, id.as_str()], record)?;
    found.map(|found| complete(conn, found, with_state)).transpose()
}

/// [`crate::store::Store::entity_list`]. Ends after `patience`, with what it has met until then.
pub fn page(
    conn: &Connection,
    hub: HubId,
    filter: &EntityFilter,
    after: Option<&InstanceId>,
    with_state: bool,
    limits: PageLimits,
    patience: Duration,
) -> Result<EntitiesListed, Error> {
    // In the order of the index over ids, and within it only what begins as it must.
    const PAGE: &str =
        concat!(columns!(), "WHERE i.hub = ?1 AND i.id > ?2 AND i.id >= ?3 AND i.id < ?4 ORDER BY i.id");
    let prefix = filter.prefix.as_deref().filter(|prefix| !prefix.is_empty()).unwrap_or("@");
    if !prefix.starts_with('@') {
        return Ok(EntitiesListed::default());
    }
    let begin = Instant::now();
    let from = after.map_or("", InstanceId::as_str);
    let mut statement = conn.prepare_cached(PAGE)?;
    let mut rows = statement.query(params![hub.0, from, prefix, beyond(prefix)])?;
    let mut listed = EntitiesListed::default();
    let (mut bytes, mut met) = (0, None);
    while let Some(row) = rows.next()? {
        let found = record(row)?;
        let (wanted, id) = (wanted(&found, filter), found.id.clone());
        let full = listed.entities.len() >= limits.rows || bytes > limits.bytes;
        if (wanted && full) || (met.is_some() && begin.elapsed() > patience) {
            listed.next = met;
            break;
        }
        if wanted {
            let found = complete(conn, found, with_state)?;
            bytes += found.state.as_ref().map_or(0, String::len);
            listed.entities.push(found);
        }
        met = Some(id);
    }
    Ok(listed)
}

/// The first text behind everything that begins with `prefix`, as UTF-8 bytes compare.
fn beyond(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

fn wanted(entity: &EntityRecord, filter: &EntityFilter) -> bool {
    filter.modified_from.is_none_or(|from| entity.modified_at >= from)
        && filter.modified_to.is_none_or(|to| entity.modified_at <= to)
        && filter.has_state.is_none_or(|asked| asked == entity.state_bytes.is_some())
}

fn record(row: &Row<'_>) -> Result<EntityRecord, Error> {
    Ok(EntityRecord {
        key: InstanceKey(row.get(0)?),
        hub: HubId(row.get(1)?),
        id: InstanceId::lookup(row.get::<_, Arc<str>>(2)?),
        modified_at: Timestamp(row.get(3)?),
        state_bytes: row.get::<_, Option<i64>>(4)?.and_then(|bytes| u64::try_from(bytes).ok()),
        locked_by: row.get::<_, Option<Arc<str>>>(5)?.map(InstanceId::lookup),
        backlog: 0,
        state: None,
    })
}

fn complete(conn: &Connection, mut entity: EntityRecord, with_state: bool) -> Result<EntityRecord, Error> {
    const BACKLOG: &str = "SELECT count(*) FROM message WHERE key = ?1";
    entity.backlog = rows::one(conn, BACKLOG, [entity.key.0], |row| Ok(row.get(0)?))?.unwrap_or(0);
    if with_state && entity.state_bytes.is_some() {
        entity.state = payload::text(conn, entity.key, payload::Kind::Input)?;
    }
    Ok(entity)
}
