//! Some instances with all they have: every row of the other tables that lies between their keys must belong to one of them.

use super::{super::lost, hub_names, rows};
use crate::{
    model::{
        ActivityKey, Chunk, Class, HubId, InstanceKey, OpenTasks, ParkedFor, Status, StatusExt as _,
        decode_events,
        pb::{ActivityRequest, TaskFailureDetails},
    },
    store::{CheckPlace, Checked, Error, Finding, LostTask},
};
use prost::Message as _;
use rusqlite::{Connection, Params, Row, params};
use std::collections::BTreeMap;

/// How many bits of a history's id number its events; see [`super::super::history`].
const EVENT_BITS: u32 = super::super::history::EVENT_BITS;

/// What must be known of an instance to judge its rows.
struct Known {
    hub: i64,
    id: String,
    entity: bool,
    /// `None`: it has none that means anything.
    status: Option<Status>,
    /// How many events its history should have, and how many have been met.
    events: i64,
    length: i64,
    /// Something about its history has been found already.
    torn: bool,
    has_start: bool,
    revisions: i64,
    execution: String,
    /// What it waits for, if it lives.
    open: OpenTasks,
}

impl Known {
    fn lives(&self) -> bool {
        self.status.is_some_and(|status| !status.is_terminal())
    }

    fn has_ended(&self) -> bool {
        self.status.is_some_and(Status::is_terminal)
    }
}

struct Slice<'a> {
    conn: &'a Connection,
    /// The keys that are looked at, both included.
    first: i64,
    last: i64,
    hubs: BTreeMap<i64, String>,
    known: BTreeMap<i64, Known>,
    findings: Vec<Finding>,
}

/// Looks at the next `count` instances behind `after`.
pub fn slice(conn: &Connection, after: InstanceKey, count: i64) -> Result<Checked, Error> {
    let mut slice = Slice {
        conn,
        // What lies before the first instance belongs to none.
        first: if after.0 == 0 { i64::MIN >> EVENT_BITS } else { after.0 + 1 },
        last: i64::MAX >> EVENT_BITS,
        hubs: BTreeMap::new(),
        known: BTreeMap::new(),
        findings: Vec::new(),
    };
    let whole = slice.look(count);
    let failed = match whole {
        Ok(()) => None,
        Err(Error::Corrupt(why)) => Some(why),
        Err(other) => return Err(other),
    };
    if let Some(why) = failed {
        let (first, last) = (after.0 + 1, slice.last);
        slice.stray(
            "instance",
            format!("the rows of instances number {first} to {last} cannot be read: {why}"),
        );
    }
    slice.findings.sort_by(|one, other| (&one.hub, &one.instance).cmp(&(&other.hub, &other.instance)));
    let instances = u64::try_from(slice.known.len()).unwrap_or(u64::MAX);
    let next = match slice.last < i64::MAX >> EVENT_BITS {
        true => CheckPlace::Instances(InstanceKey(slice.last)),
        false => CheckPlace::Others,
    };
    Ok(Checked { findings: slice.findings, instances, total: None, next: Some(next) })
}

impl Slice<'_> {
    fn look(&mut self, count: i64) -> Result<(), Error> {
        const KEYS: &str = "SELECT key FROM instance WHERE key >= ?1 ORDER BY key LIMIT ?2";
        let keys = rows::all(self.conn, KEYS, [self.first, count], |row| Ok(row.get::<_, i64>(0)?))?;
        if let Some(last) = keys.last().filter(|_| i64::try_from(keys.len()) == Ok(count)) {
            self.last = *last;
        }
        self.hubs = hub_names(self.conn)?;
        // One table that cannot be read does not keep the others from being looked at.
        for (part, look) in [
            ("instance", Self::instances as fn(&mut Self) -> Result<(), Error>),
            ("history", Self::history),
            ("payload", Self::payloads),
            ("message", Self::messages),
            ("activity", Self::activities),
            ("revision", Self::revisions),
            ("parked", Self::parked),
            ("lock", Self::locks),
            ("lock", Self::lock_owners),
            ("instance", Self::lost),
        ] {
            match look(self) {
                Err(Error::Corrupt(why)) => {
                    let (first, last) = (self.first.max(1), self.last);
                    self.stray(
                        part,
                        format!("rows of instances number {first} to {last} cannot be read: {why}"),
                    );
                }
                other => other?,
            }
        }
        self.lengths();
        Ok(())
    }

    fn stray(&mut self, part: &'static str, problem: String) {
        self.findings.push(Finding { hub: None, instance: None, part, problem });
    }

    fn found(&mut self, key: i64, part: &'static str, problem: String) {
        let Some(known) = self.known.get(&key) else {
            return self.stray(part, format!("{problem} (instance number {key}, which is not there)"));
        };
        let hub = self.hubs.get(&known.hub).cloned();
        self.findings.push(Finding { hub, instance: Some(known.id.clone()), part, problem });
    }

    /// Hands each row to `read`, which answers what is wrong with it, if anything is, and the key of its instance.
    fn each(
        &mut self,
        part: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&mut BTreeMap<i64, Known>, &Row<'_>) -> Result<(i64, Option<String>), Error>,
    ) -> Result<(), Error> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            let (key, problem) = read(&mut self.known, row)?;
            match (self.known.contains_key(&key), problem) {
                (true, Some(problem)) => self.found(key, part, problem),
                (true, None) => {}
                (false, _) => self.found(key, part, format!("a row of the table {part} belongs to nobody")),
            }
        }
        Ok(())
    }

    fn instances(&mut self) -> Result<(), Error> {
        const SQL: &str = concat!(
            "SELECT ",
            rows::record_columns!(),
            ", i.events, coalesce((SELECT next FROM counter WHERE name = 'instance'), 1), \
             (i.parent_id IS NULL) + (i.parent_execution_id IS NULL) + (i.parent_task_id IS NULL) \
             FROM instance i WHERE i.key BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY i.key"
        );
        const NEXT: usize = rows::RECORD_COLUMNS;
        let hubs = self.hubs.clone();
        let read = |known: &mut BTreeMap<i64, Known>, row: &Row<'_>| {
            let (key, hub, id): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (events, next, blanks): (i64, i64, i64) =
                (row.get(NEXT)?, row.get(NEXT + 1)?, row.get(NEXT + 2)?);
            let ended: Option<i64> = row.get(10)?;
            let status = rows::status(row, 6).ok();
            let entity = id.starts_with('@');
            let new = Known {
                hub,
                id,
                entity,
                status,
                events,
                length: 0,
                torn: false,
                has_start: false,
                revisions: 0,
                execution: row.get(5)?,
                open: OpenTasks::default(),
            };
            let problem = if key >= next {
                Some(format!(
                    "its number is {key}, but numbers from {next} on count as unused: they would be given out again"
                ))
            } else if !hubs.contains_key(&hub) {
                Some(format!("it belongs to hub number {hub}, which is not there"))
            } else if !matches!(blanks, 0 | 3) {
                Some("what it says of its parent is incomplete".to_owned())
            } else if let Err(error) = rows::record(row) {
                Some(error.to_string())
            } else if new.has_ended() != ended.is_some() {
                Some("its status and its time of completion contradict each other".to_owned())
            } else if entity && status != Some(Status::Running) {
                Some("an entity has a status other than Running".to_owned())
            } else {
                None
            };
            known.insert(key, new);
            Ok((key, problem))
        };
        let (first, last) = (self.first, self.last);
        self.each("instance", SQL, [first, last], read)
    }

    fn history(&mut self) -> Result<(), Error> {
        const SQL: &str =
            "SELECT id, count, events FROM history WHERE id BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY id";
        let (first, last) = self.within(EVENT_BITS);
        self.each("history", SQL, [first, last], |known, row| {
            let place: i64 = row.get(0)?;
            let key = place >> EVENT_BITS;
            let Some(known) = known.get_mut(&key) else { return Ok((key, None)) };
            let chunk =
                Chunk { first: place - (key << EVENT_BITS), count: row.get(1)?, bytes: blob(row, 2)?.into() };
            if known.torn {
                return Ok((key, None));
            }
            let problem = match chunk.events_after(known.length) {
                Ok(_) if known.entity => Some("an entity has a history".to_owned()),
                Ok(events) => {
                    if known.lives() {
                        events.iter().for_each(|event| known.open.note(event));
                    }
                    None
                }
                Err(error) => Some(error.0),
            };
            known.torn = problem.is_some();
            known.length = chunk.end();
            Ok((key, problem))
        })
    }

    /// What can only be said when all rows have been seen.
    fn lengths(&mut self) {
        let mut told = Vec::new();
        for (key, known) in &self.known {
            if known.length != known.events && !known.torn {
                let (want, have) = (known.events, known.length);
                told.push((*key, "history", format!("it should have {want} events, but ends after {have}")));
            }
            if known.lives() && !known.entity && known.events == 0 && !known.has_start {
                let text = "nothing will begin it: it has no history, and no start message in its inbox";
                told.push((*key, "message", text.to_owned()));
            }
        }
        told.into_iter().for_each(|(key, part, problem)| self.found(key, part, problem));
    }

    fn payloads(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT id, body FROM payload WHERE id BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY id";
        let (first, last) = self.within(2);
        self.each("payload", SQL, [first, last], |_, row| {
            let place: i64 = row.get(0)?;
            let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let (name, error) = match place & 3 {
                3 => ("failure", TaskFailureDetails::decode(body).err().map(|error| error.to_string())),
                kind => {
                    let name = ["input", "output", "custom status"][usize::try_from(kind).unwrap_or(0)];
                    (name, std::str::from_utf8(body).err().map(|error| error.to_string()))
                }
            };
            Ok((place >> 2, error.map(|error| format!("its {name} cannot be read: {error}"))))
        })
    }

    fn messages(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT key, id, class, events, \
            coalesce((SELECT next FROM counter WHERE name = 'message'), 1) \
            FROM message WHERE key BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY key, id";
        let (first, last) = (self.first, self.last);
        self.each("message", SQL, [first, last], |known, row| {
            let (key, id, class, next): (i64, i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?);
            let Some(known) = known.get_mut(&key) else { return Ok((key, None)) };
            let events = decode_events(blob(row, 3)?.into());
            known.has_start |= class == Class::Start as i64;
            let problem = match (Class::from_number(class), events) {
                (None, _) => Some(format!("message {id} is of an unknown class, {class}")),
                (_, Err(error)) => Some(format!("message {id}: {error}")),
                _ if known.has_ended() => Some(format!("it has ended, but message {id} is in its inbox")),
                _ if id >= next => Some(format!(
                    "message {id}: numbers from {next} on count as unused, they would be given out again"
                )),
                _ => None,
            };
            Ok((key, problem))
        })
    }

    fn activities(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT key, number, task_id, detached, request, \
            coalesce((SELECT next FROM counter WHERE name = 'activity'), 1) \
            FROM activity WHERE key BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY key, number";
        let (first, last) = (self.first, self.last);
        self.each("activity", SQL, [first, last], |known, row| {
            let at = ActivityKey { instance: InstanceKey(row.get(0)?), number: row.get(1)? };
            let (task, detached, next): (i32, bool, i64) = (row.get(2)?, row.get(3)?, row.get(5)?);
            let (key, number) = (at.instance.0, at.number);
            let Some(known) = known.get(&key) else { return Ok((key, None)) };
            let problem = match ActivityRequest::decode(&blob(row, 4)?[..]) {
                Err(error) => Some(format!("activity {number} cannot be read: {error}")),
                Ok(request) if request.task_id != task => {
                    Some(format!("activity {number} is for task {task}, but says {}", request.task_id))
                }
                Ok(_) if known.has_ended() && !detached => {
                    Some(format!("it has ended, but activity {number} waits to be run for it"))
                }
                Ok(_) if number >= next => Some(format!(
                    "activity {number}: numbers from {next} on count as unused, they would be given out again"
                )),
                Ok(_) => None,
            };
            Ok((key, problem))
        })
    }

    fn revisions(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT r.key, r.number, r.events, r.history FROM revision r \
            WHERE r.key BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY r.key, r.number";
        let (first, last) = (self.first, self.last);
        self.each("revision", SQL, [first, last], |known, row| {
            let (key, number): (i64, i64) = (row.get(0)?, row.get(1)?);
            let Some(known) = known.get_mut(&key) else { return Ok((key, None)) };
            let chunk = Chunk { first: 0, count: row.get(2)?, bytes: blob(row, 3)?.into() };
            let expected = known.revisions + 1;
            known.revisions = number;
            let problem = match chunk.events_after(0) {
                _ if number != expected => Some(format!("revision {expected} is missing")),
                Err(error) => Some(format!("revision {number}: {}", error.0)),
                Ok(_) => None,
            };
            Ok((key, problem))
        })
    }

    fn locks(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT l.entity, l.execution_id = o.execution_id AND o.completed_at IS NULL, o.id \
            FROM entity_lock l LEFT JOIN instance o ON o.key = l.owner \
            WHERE l.entity BETWEEN ?1 + 0 AND ?2 + 0 ORDER BY l.entity";
        let (first, last) = (self.first, self.last);
        self.each("lock", SQL, [first, last], |known, row| {
            let (key, holds, owner): (i64, Option<bool>, Option<String>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let is_entity = known.get(&key).is_some_and(|known| known.entity);
            let problem = match (holds, owner) {
                _ if !is_entity => Some("it is locked, but is no entity".to_owned()),
                (Some(true), _) => None,
                (_, Some(owner)) => Some(format!("{owner} has locked it in an execution that has ended")),
                (_, None) => Some("an instance that is not there has locked it".to_owned()),
            };
            Ok((key, problem))
        })
    }

    /// What is waited for must come from somewhere.
    fn lost(&mut self) -> Result<(), Error> {
        let mut found = Vec::new();
        for (key, known) in self.known.iter().filter(|(_, known)| !known.torn && known.length == known.events)
        {
            let instance = (known.id.as_str(), known.execution.as_str());
            let lost = lost::lost(self.conn, HubId(known.hub), InstanceKey(*key), instance, &known.open)?;
            found.extend(lost.into_iter().map(|(id, task)| (*key, LostTask::problem(id, &task))));
        }
        found.into_iter().for_each(|(key, problem)| self.found(key, "instance", problem));
        Ok(())
    }

    fn parked(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT p.key, p.cause, p.hub = i.hub FROM parked p LEFT JOIN instance i ON i.key = p.key \
            WHERE p.key BETWEEN ?1 AND ?2 ORDER BY p.key";
        let (first, last) = (self.first, self.last);
        self.each("parked", SQL, [first, last], |_, row| {
            let (key, cause, own_hub): (i64, i64, Option<bool>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let problem = match ParkedFor::from_number(cause) {
                None => Some(format!("it is parked for an unknown cause, {cause}")),
                Some(_) if own_hub == Some(false) => {
                    Some("it is parked in another hub than its own".to_owned())
                }
                Some(_) => None,
            };
            Ok((key, problem))
        })
    }

    /// Locks on what is not there are met by their owners.
    fn lock_owners(&mut self) -> Result<(), Error> {
        const SQL: &str = "SELECT l.owner, l.entity FROM entity_lock l \
            WHERE l.owner BETWEEN ?1 + 0 AND ?2 + 0 AND NOT EXISTS (SELECT 1 FROM instance i WHERE i.key = l.entity)";
        let (first, last) = (self.first, self.last);
        self.each("lock", SQL, params![first, last], |_, row| {
            let (owner, entity): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((owner, Some(format!("it has locked entity number {entity}, which is not there"))))
        })
    }

    /// The ids of a table whose ids are keys with `bits` more behind them.
    fn within(&self, bits: u32) -> (i64, i64) {
        let first = if self.first < 0 { i64::MIN } else { self.first << bits };
        (first, self.last << bits | ((1 << bits) - 1))
    }
}

fn blob(row: &Row<'_>, index: usize) -> Result<Vec<u8>, Error> {
    Ok(row.get(index)?)
}
