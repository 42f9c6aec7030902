//! Open tasks that nothing stored will answer; see [`crate::store::LostTasks`].

use super::{history, rows};
use crate::{
    model::{Class, HubId, InstanceId, InstanceKey, OpenTask, OpenTasks, Timestamp, decode_events},
    store::{Answering, Error, LivePlace, LostTask, LostTasks, Suspects},
};
use rusqlite::{Connection, Row, params};
use std::collections::HashSet;

/// Bytes of histories that one page reads, about.
const PAGE_BYTES: usize = 4 << 20;

/// A live orchestration.
struct Suspect {
    place: LivePlace,
    id: String,
    execution: String,
    updated_at: Timestamp,
}

impl Suspect {
    fn read(row: &Row<'_>) -> Result<Self, Error> {
        let place = LivePlace {
            hub: HubId(row.get(0)?),
            created_at: Timestamp(row.get(1)?),
            key: InstanceKey(row.get(2)?),
        };
        Ok(Self { place, id: row.get(3)?, execution: row.get(4)?, updated_at: Timestamp(row.get(5)?) })
    }
}

// In the order of the index `instance_live`, which has the live ones only.
const UNMOVED: &str = "SELECT hub, created_at, key, id, execution_id, updated_at FROM instance \
    WHERE completed_at IS NULL AND (hub, created_at, key) > (?1, ?2, ?3) ORDER BY hub, created_at, key LIMIT ?4";

/// [`crate::store::Store::lost_tasks`]. Needs a transaction: its statements must see the same moment.
pub fn tasks(conn: &Connection, suspects: Suspects) -> Result<LostTasks, Error> {
    match suspects {
        Suspects::One(key) => {
            const ONE: &str = "SELECT hub, created_at, key, id, execution_id, updated_at FROM instance \
                WHERE key = ?1 AND completed_at IS NULL";
            let suspect = rows::one(conn, ONE, [key.0], Suspect::read)?;
            let mut found = LostTasks::default();
            if let Some(suspect) = suspect {
                look(conn, &suspect, &mut found.tasks)?;
            }
            Ok(found)
        }
        Suspects::Unmoved { after, since, rows: limit } => {
            let (hub, created, key) = after.map_or((i64::MIN, i64::MIN, i64::MIN), |after| {
                (after.hub.0, after.created_at.0, after.key.0)
            });
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let page = rows::all(conn, UNMOVED, params![hub, created, key, limit], Suspect::read)?;
            let full = i64::try_from(page.len()) == Ok(limit);
            let (mut found, mut bytes) = (LostTasks::default(), 0);
            let count = page.len();
            for (number, suspect) in page.into_iter().enumerate() {
                if suspect.updated_at <= since {
                    bytes += match look(conn, &suspect, &mut found.tasks) {
                        // The others are looked at all the same.
                        Err(Error::Corrupt(_)) => 0,
                        looked => looked?,
                    };
                }
                let last = number + 1 == count;
                if (last && full) || (!last && bytes > PAGE_BYTES) {
                    found.next = Some(suspect.place);
                    break;
                }
            }
            Ok(found)
        }
    }
}

/// Looks at one of them; answers how many bytes of history it has. What cannot be read is for others to tell.
fn look(conn: &Connection, suspect: &Suspect, found: &mut Vec<LostTask>) -> Result<usize, Error> {
    let LivePlace { hub, key, .. } = suspect.place;
    if suspect.id.starts_with('@') {
        return Ok(0);
    }
    let (mut open, mut bytes) = (OpenTasks::default(), 0);
    for chunk in history::read(conn, key, 0)? {
        let Ok(events) = chunk.events() else { return Ok(bytes) };
        events.iter().for_each(|event| open.note(event));
        bytes += chunk.bytes.len();
    }
    let lost = lost(conn, hub, key, (&suspect.id, &suspect.execution), &open)?;
    let instance = InstanceId::lookup(suspect.id.as_str());
    found.extend(lost.into_iter().map(|(id, task)| LostTask { hub, instance: instance.clone(), id, task }));
    Ok(bytes)
}

/// Which of the open tasks of an instance, given with its id and that of its execution, nothing will answer.
pub fn lost(
    conn: &Connection,
    hub: HubId,
    key: InstanceKey,
    (id, execution): (&str, &str),
    open: &OpenTasks,
) -> Result<Vec<(i32, OpenTask)>, Error> {
    const INBOX: &str = "SELECT events FROM message WHERE key = ?1 AND class = ?2";
    const ACTIVITIES: &str = "SELECT task_id FROM activity WHERE key = ?1 AND NOT detached";
    const CHILDREN: &str = "SELECT parent_task_id FROM instance INDEXED BY instance_parent \
        WHERE hub = ?1 AND parent_id = ?2 AND parent_execution_id = ?3 AND completed_at IS NULL";
    let tasks = open.in_order();
    let has = |fits: fn(&OpenTask) -> bool| tasks.iter().any(|(_, task)| fits(task));
    if !has(|task| !matches!(task, OpenTask::Request(_))) {
        return Ok(Vec::new());
    }
    let ids = |sql, params: &[&dyn rusqlite::ToSql]| -> Result<HashSet<i32>, Error> {
        Ok(rows::all(conn, sql, params, |row| Ok(row.get::<_, i32>(0)?))?.into_iter().collect())
    };
    let mut answering = Answering::default();
    if has(|task| matches!(task, OpenTask::Activity)) {
        answering.activities = ids(ACTIVITIES, params![key.0])?;
    }
    if has(|task| matches!(task, OpenTask::Child { .. })) {
        answering.children = ids(CHILDREN, params![hub.0, id, execution])?;
    }
    let bodies =
        rows::all(conn, INBOX, params![key.0, Class::Result as i64], |row| Ok(row.get::<_, Vec<u8>>(0)?))?;
    for body in bodies {
        // One that cannot be read may be the answer to anything.
        let Ok(events) = decode_events(body.into()) else { return Ok(Vec::new()) };
        let kinds = events.iter().filter_map(|event| event.event_type.as_ref());
        answering.inbox.extend(kinds.filter_map(|kind| open.answered_by(kind)));
    }
    Ok(answering.lost(open).into_iter().map(|(id, task)| (id, task.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_live_instances_are_read_in_the_order_of_their_index() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("migrations/0001_init.sql")).unwrap();
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {UNMOVED}")).unwrap();
        let steps = plan.query_map([0, 0, 0, 0], |row| row.get::<_, String>(3));
        let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert!(steps[0].starts_with("SEARCH instance USING INDEX instance_live"), "{steps:?}");
    }
}
