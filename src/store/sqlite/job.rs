//! Bulk jobs: what they are to do, how far they are, and what failed.

use super::{rows, writer::Tx};
use crate::{
    model::{HubId, InstanceKey, Job, JobEnd, JobFailure, JobState, JobStep, JobWork, NewJob, Timestamp},
    store::Error,
};
use rusqlite::{Connection, Row, params};

/// What [`job`] reads, in its order.
macro_rules! columns {
    () => {
        "id, hub, created_at, ended_at, state, action, caller, filter, reason, total, done, skipped, failed, error, newest"
    };
}

const LIST: &str = concat!("SELECT ", columns!(), " FROM job WHERE hub = ?1 ORDER BY number DESC LIMIT ?2");
const GET: &str = concat!("SELECT ", columns!(), " FROM job WHERE id = ?1 AND hub = ?2");
const RUNNING: &str =
    concat!("SELECT ", columns!(), ", position, request FROM job WHERE state = 0 ORDER BY number");
const FAILURES: &str = "SELECT instance, why FROM job_failure WHERE job = (SELECT number FROM job WHERE id = ?1) \
                        ORDER BY number";
const BEYOND: &str =
    "SELECT number FROM job WHERE hub = ?1 AND state <> 0 ORDER BY number DESC LIMIT -1 OFFSET ?2";

/// [`crate::store::Store::job_create`].
pub fn create(tx: &Tx<'_>, new: NewJob, keep: usize) -> Result<Job, Error> {
    let NewJob { id, hub, created_at, action, by, filter, reason, total, request } = new;
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    for old in rows::all(tx.conn, BEYOND, params![hub.0, keep], |row| Ok(row.get::<_, i64>(0)?))? {
        remove(tx, old)?;
    }
    let known = total.map(|total| i64::try_from(total).unwrap_or(i64::MAX));
    tx.run(
        "INSERT INTO job (id, hub, created_at, state, action, caller, filter, reason, total, newest, request) \
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, coalesce((SELECT max(key) FROM instance), 0), ?9)",
        params![id, hub.0, created_at.0, action, by, filter, reason, known, request],
    )?;
    get(tx.conn, hub, &id)?.ok_or_else(|| Error::Backend("a job that was just written is not there".into()))
}

/// [`crate::store::Store::job_list`].
pub fn list(conn: &Connection, hub: HubId, limit: usize) -> Result<Vec<Job>, Error> {
    rows::all(conn, LIST, params![hub.0, i64::try_from(limit).unwrap_or(i64::MAX)], job)
}

/// [`crate::store::Store::job_get`].
pub fn get(conn: &Connection, hub: HubId, id: &str) -> Result<Option<Job>, Error> {
    rows::one(conn, GET, params![id, hub.0], job)
}

/// [`crate::store::Store::job_failures`].
pub fn failures(conn: &Connection, id: &str) -> Result<Vec<JobFailure>, Error> {
    rows::all(conn, FAILURES, [id], |row| Ok(JobFailure { instance: row.get(0)?, why: row.get(1)? }))
}

/// [`crate::store::Store::job_running`].
pub fn running(conn: &Connection) -> Result<Vec<JobWork>, Error> {
    rows::all(conn, RUNNING, [], |row| {
        Ok(JobWork { job: job(row)?, position: row.get(15)?, request: row.get(16)? })
    })
}

/// [`crate::store::Store::job_advance`].
pub fn advance(
    tx: &Tx<'_>,
    id: &str,
    step: &JobStep,
    end: Option<&JobEnd>,
    keep: usize,
) -> Result<bool, Error> {
    let found = rows::one(tx.conn, "SELECT number, failed FROM job WHERE id = ?1", [id], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let Some((number, failed)) = found else { return Ok(false) };
    let places = failed..i64::try_from(keep).unwrap_or(i64::MAX);
    for (place, JobFailure { instance, why }) in places.zip(&step.failures) {
        tx.run(
            "INSERT INTO job_failure (job, number, instance, why) VALUES (?1, ?2, ?3, ?4)",
            params![number, place, instance, why],
        )?;
    }
    let count = |more: u64| i64::try_from(more).unwrap_or(i64::MAX);
    let more = i64::try_from(step.failures.len()).unwrap_or(i64::MAX);
    tx.run(
        "UPDATE job SET done = done + ?2, skipped = skipped + ?3, failed = failed + ?4, position = ?5 WHERE number = ?1",
        params![number, count(step.done), count(step.skipped), more, step.position],
    )?;
    if let Some(end) = end {
        self::end(tx, id, end)?;
    }
    let running = rows::one(tx.conn, "SELECT state FROM job WHERE number = ?1", [number], state_of)?;
    Ok(running == Some(JobState::Running))
}

/// [`crate::store::Store::job_end`].
pub fn end(tx: &Tx<'_>, id: &str, JobEnd { state, at, error }: &JobEnd) -> Result<bool, Error> {
    let sql = "UPDATE job SET state = ?2, ended_at = ?3, error = ?4 WHERE id = ?1 AND state = 0";
    Ok(tx.run(sql, params![id, *state as i64, at.0, error])? == 1)
}

/// [`crate::store::Store::job_delete`].
pub fn delete(tx: &Tx<'_>, id: &str) -> Result<bool, Error> {
    let ended = "SELECT number FROM job WHERE id = ?1 AND state <> 0";
    match rows::one(tx.conn, ended, [id], |row| Ok(row.get::<_, i64>(0)?))? {
        Some(number) => remove(tx, number).map(|()| true),
        None => Ok(false),
    }
}

/// Removes at most `limit` jobs of the hub, whatever their state; answers how many that were.
pub fn forget(tx: &Tx<'_>, hub: HubId, limit: i64) -> Result<usize, Error> {
    let sql = "SELECT number FROM job WHERE hub = ?1 LIMIT ?2";
    let jobs = rows::all(tx.conn, sql, params![hub.0, limit], |row| Ok(row.get::<_, i64>(0)?))?;
    jobs.iter().try_for_each(|number| remove(tx, *number))?;
    Ok(jobs.len())
}

fn remove(tx: &Tx<'_>, number: i64) -> Result<(), Error> {
    tx.run("DELETE FROM job_failure WHERE job = ?1", [number])?;
    tx.run("DELETE FROM job WHERE number = ?1", [number])?;
    Ok(())
}

fn state_of(row: &Row<'_>) -> Result<JobState, Error> {
    state(row.get(0)?)
}

fn state(number: i64) -> Result<JobState, Error> {
    JobState::from_number(number).ok_or_else(|| Error::Corrupt(format!("state {number} of a job")))
}

fn job(row: &Row<'_>) -> Result<Job, Error> {
    let count = |place| Ok::<_, Error>(u64::try_from(row.get::<_, i64>(place)?).unwrap_or(0));
    Ok(Job {
        id: row.get(0)?,
        hub: HubId(row.get(1)?),
        created_at: Timestamp(row.get(2)?),
        ended_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        state: state(row.get(4)?)?,
        action: row.get(5)?,
        by: row.get(6)?,
        filter: row.get(7)?,
        reason: row.get(8)?,
        total: row.get::<_, Option<i64>>(9)?.map(|total| u64::try_from(total).unwrap_or(0)),
        done: count(10)?,
        skipped: count(11)?,
        failed: count(12)?,
        error: row.get(13)?,
        newest: InstanceKey(row.get(14)?),
    })
}
