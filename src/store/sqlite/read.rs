//! What the engine and callers read.

use super::{entity, history, inbox, payload, rows};
use crate::{
    model::{ActivityKey, ActivityTask, Class, InstanceKey, MessageId, Status, Timestamp},
    store::{Due, Error, Loaded, Ready},
};
use rusqlite::{Connection, params};

/// [`crate::store::Store::instance_load`]. Needs a transaction: its statements must see the same moment.
pub fn load(conn: &Connection, key: InstanceKey) -> Result<Option<Loaded>, Error> {
    const RECORD: &str = concat!("SELECT ", rows::record_columns!(), " FROM instance i WHERE i.key = ?1");
    let Some(record) = rows::one(conn, RECORD, [key.0], rows::record)? else {
        return Ok(None);
    };
    let entity = if record.id.is_entity() { Some(entity::load(conn, key)?) } else { None };
    Ok(Some(Loaded {
        record,
        entity,
        custom_status: payload::text(conn, key, payload::Kind::CustomStatus)?,
        history: history::read(conn, key, 0)?,
        inbox: inbox::read(conn, key)?,
    }))
}

// One walk over the inboxes in the order of their key, which is the order of the table; it ends at the limit. An
// instance that has not begun, that is whose start message is still to come, has nothing else delivered either;
// controls are the server's own business and always get through.
const READY: &str = concat!(
    "SELECT ",
    rows::reference_columns!(),
    ", max(m.class = ?8 AND (m.due IS NULL OR m.due <= ?2)) AS control \
      FROM message m CROSS JOIN instance i ON i.key = m.key \
      WHERE m.key > ?1 AND i.status NOT IN (?4, ?5, ?6, ?7) \
      GROUP BY m.key \
      HAVING control \
          OR (i.status <> ?9 AND max(m.due IS NULL OR m.due <= ?2) \
              AND NOT max(m.class = ?10 AND m.due IS NOT NULL AND m.due > ?2)) \
      ORDER BY m.key LIMIT ?3"
);

/// [`crate::store::Store::ready_claim`].
pub fn ready(
    conn: &Connection,
    now: Timestamp,
    after: InstanceKey,
    limit: usize,
) -> Result<Vec<Ready>, Error> {
    let params = params![
        after.0,
        now.0,
        rows_limit(limit),
        Status::Completed as i32,
        Status::Failed as i32,
        Status::Canceled as i32,
        Status::Terminated as i32,
        Class::Control as i64,
        Status::Suspended as i32,
        Class::Start as i64,
    ];
    rows::all(conn, READY, params, |row| {
        Ok(Ready { instance: rows::reference(row)?.0, control: row.get(rows::REFERENCE_COLUMNS)? })
    })
}

const ACTIVITIES: &str = "SELECT a.key, a.number, i.hub, i.id, a.name, a.version, a.task_id, a.detached, a.request \
    FROM activity a CROSS JOIN instance i ON i.key = a.key \
    WHERE (a.key, a.number) > (?1, ?2) ORDER BY a.key, a.number LIMIT ?3";

/// Bytes of requests that one page of activities may have; the first one is always taken.
const CLAIM_BYTES: usize = 4 << 20;

/// [`crate::store::Store::activity_claim`].
pub fn activities(conn: &Connection, after: ActivityKey, limit: usize) -> Result<Vec<ActivityTask>, Error> {
    let mut statement = conn.prepare_cached(ACTIVITIES)?;
    let mut rows = statement.query(params![after.instance.0, after.number, rows_limit(limit)])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while bytes < CLAIM_BYTES
        && let Some(row) = rows.next()?
    {
        let task = rows::activity(row)?;
        bytes += task.request.len();
        page.push(task);
    }
    Ok(page)
}

// Message ids are unique, so the key of the instance never decides the order.
const DUE: &str = "SELECT due, id, key FROM message WHERE due IS NOT NULL AND (due, id) > (?1, ?2) \
    ORDER BY due, id LIMIT ?3";

/// [`crate::store::Store::due_list`].
pub fn due(conn: &Connection, after: Due, limit: usize) -> Result<Vec<Due>, Error> {
    rows::all(conn, DUE, params![after.at.0, after.message.0, rows_limit(limit)], |row| {
        let (at, message, instance) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Due { at: Timestamp(at), message: MessageId(message), instance: InstanceKey(instance) })
    })
}

fn rows_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_in_the_order_of_an_index_and_never_sorted() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("migrations/0001_init.sql")).unwrap();
        for sql in [READY, ACTIVITIES, DUE] {
            let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let zeros = vec![0_i64; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(zeros), |row| row.get::<_, String>(3));
            let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
            assert!(steps[0].starts_with("SEARCH"), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
        }
    }
}
