//! Histories: one row for each chunk, those of an instance side by side.

use super::{rows, writer::Tx};
use crate::{
    model::{Chunk, InstanceKey},
    store::{Error, HistorySize},
};
use rusqlite::{Connection, params};

/// How many bits of a row's id number the events of one history; the others are the instance's key.
const EVENT_BITS: u32 = 26;

/// The first and the last id that chunks of the instance can have.
fn span(key: InstanceKey) -> (i64, i64) {
    let first = key.0 << EVENT_BITS;
    (first, first | ((1 << EVENT_BITS) - 1))
}

/// Where the chunk lies that begins with this event.
fn place(key: InstanceKey, event: i64) -> Result<i64, Error> {
    let (first, last) = span(key);
    if event > last - first {
        return Err(Error::Refused(format!("a history cannot hold more than {} events", 1 << EVENT_BITS)));
    }
    Ok(first + event)
}

/// Adds a chunk.
pub fn append(tx: &Tx<'_>, key: InstanceKey, chunk: &Chunk) -> Result<(), Error> {
    let Chunk { first, count, bytes } = chunk;
    tx.run(
        "INSERT INTO history (id, count, events) VALUES (?1, ?2, ?3)",
        params![place(key, *first)?, count, &bytes[..]],
    )?;
    Ok(())
}

/// Removes the history of an instance.
pub fn remove(tx: &Tx<'_>, key: InstanceKey) -> Result<(), Error> {
    let (first, last) = span(key);
    tx.run(REMOVE, params![first, last])?;
    Ok(())
}

const REMOVE: &str = "DELETE FROM history WHERE id BETWEEN ?1 AND ?2";
const ALL: &str = "SELECT id, count, events FROM history WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
// Begins with the last chunk that starts at or before `from`, which is the one that can contain it.
const REST: &str = "SELECT id, count, events FROM history \
    WHERE id BETWEEN coalesce((SELECT max(id) FROM history WHERE id BETWEEN ?1 AND ?3), ?1) AND ?2 \
    AND id + count > ?3 ORDER BY id";

// The length of a body is told without reading it.
const SIZE: &str = "SELECT coalesce(sum(count), 0), coalesce(sum(length(events)), 0) FROM history \
    WHERE id BETWEEN ?1 AND ?2";

/// [`crate::store::Store::history_size`].
pub fn size(conn: &Connection, key: InstanceKey) -> Result<HistorySize, Error> {
    let (first, last) = span(key);
    let read = |row: &rusqlite::Row<'_>| Ok(HistorySize { events: row.get(0)?, bytes: row.get(1)? });
    Ok(rows::one(conn, SIZE, params![first, last], read)?.unwrap_or_default())
}

/// [`crate::store::Store::history_read`].
pub fn read(conn: &Connection, key: InstanceKey, from: i64) -> Result<Vec<Chunk>, Error> {
    part(conn, key, from, i64::MAX)
}

/// [`crate::store::Store::history_part`].
pub fn part(conn: &Connection, key: InstanceKey, from: i64, before: i64) -> Result<Vec<Chunk>, Error> {
    let (first, last) = span(key);
    let chunk = |row: &rusqlite::Row<'_>| {
        let events: Vec<u8> = row.get(2)?;
        Ok(Chunk { first: row.get::<_, i64>(0)? - first, count: row.get(1)?, bytes: events.into() })
    };
    // A chunk lies where its first event does.
    let end = first.saturating_add(before.saturating_sub(1)).min(last);
    match from {
        ..=0 => rows::all(conn, ALL, params![first, end], chunk),
        _ => rows::all(conn, REST, params![first, end, first.saturating_add(from).min(last)], chunk),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::open::stable_plans, *};
    use rusqlite::StatementStatus;

    #[test]
    fn statements_over_a_history_are_searches_and_are_planned_once() {
        let conn = Connection::open_in_memory().unwrap();
        stable_plans(&conn).unwrap();
        conn.execute_batch(include_str!("migrations/0001_init.sql")).unwrap();
        for sql in [REMOVE, ALL, REST, SIZE] {
            let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let zeros = vec![0_i64; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(zeros), |row| row.get::<_, String>(3));
            let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
            assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{steps:?}");
            let mut statement = conn.prepare(sql).unwrap();
            for key in 0..3_i64 {
                let parameters = vec![key; statement.parameter_count()];
                let mut rows = statement.query(rusqlite::params_from_iter(parameters)).unwrap();
                while rows.next().unwrap().is_some() {}
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }

    #[test]
    fn histories_of_neighbours_do_not_touch() {
        let ((_, last), (first, _)) = (span(InstanceKey(7)), span(InstanceKey(8)));
        assert_eq!(last + 1, first);
        assert_eq!(place(InstanceKey(7), (1 << EVENT_BITS) - 1).unwrap(), last);
        assert!(place(InstanceKey(7), 1 << EVENT_BITS).is_err());
    }
}
