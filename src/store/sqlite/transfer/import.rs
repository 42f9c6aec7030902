//! Reading a hub from a file: everything, or nothing if anything about the file is not as it should be.

use super::record::{Answered, FORMAT, Header, Instance, PayloadKind, Record, VERSION, hex};
use crate::{
    model::{Chunk, HubId, HubName, InstanceId, InstanceKey, Status, StatusExt as _},
    store::{
        CheckPlace, Error,
        sqlite::{
            SqliteOptions, check,
            counters::{Counters, Kind},
            history, hub, inbox, instance, open, payload, rows,
            writer::Tx,
        },
    },
};
use rusqlite::params;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

/// No line is longer: SQLite holds no body above 1 GB, and base64 makes four bytes of three.
const LONGEST_LINE: u64 = 1_400_000_000;

/// What to do about an instance whose id is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    /// Import nothing at all.
    Refuse,
    /// Leave the one that is there.
    Skip,
    /// Remove the one that is there with all it has.
    Replace,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub hub: String,
    pub instances: u64,
    /// How many were there already and stayed.
    pub skipped: u64,
    /// How many made room.
    pub replaced: u64,
}

/// Reads the export `from` into the database `to`, which is made if it is not there and which no server may have open. `hub`: another
/// hub than the one it was exported from. `progress` is told how many bytes of how many have been read.
pub fn import(
    to: &Path,
    from: &Path,
    hub: Option<&str>,
    on_existing: OnExisting,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Imported, Error> {
    let shown = from.display().to_string();
    let failed = |error: std::io::Error| Error::Refused(format!("cannot read {shown}: {error}"));
    let file = File::open(from).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut lines = Lines {
        shown,
        file: BufReader::new(file),
        length,
        read: 0,
        number: 0,
        digest: Sha256::new(),
        before: Sha256::new(),
    };
    // Before anything is made or opened.
    let header = header(&mut lines)?;
    let name =
        HubName::parse(hub.unwrap_or(&header.hub)).map_err(|error| Error::Refused(error.to_string()))?;
    let owned = open::open(&SqliteOptions::file(to))?;
    let mut counters = Counters::read(&owned.conn)?;
    let conn = &owned.conn;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let mut effects = Vec::new();
    let tx = Tx::alone(conn, &mut effects, &mut counters);
    let read = Import::begin(tx, &name, on_existing).and_then(|import| import.read(&mut lines, progress));
    match read {
        Ok(imported) => {
            conn.execute_batch("COMMIT")?;
            counters.give_back(conn)?;
            Ok(imported)
        }
        Err(error) => {
            // A full disk has rolled it back already.
            if !conn.is_autocommit() {
                conn.execute_batch("ROLLBACK")?;
            }
            Err(error)
        }
    }
}

fn header(lines: &mut Lines) -> Result<Header, Error> {
    let Ok(Some(Record::Header(header))) = lines.next() else {
        return Err(Error::Refused(format!("{} is not an export of durahub", lines.shown)));
    };
    if header.format != FORMAT || header.version == 0 {
        return Err(Error::Refused(format!("{} is not an export of a hub", lines.shown)));
    }
    if header.version > VERSION {
        return Err(Error::Refused(format!(
            "{} was written by a newer durahub ({}, format {}; this one knows up to {VERSION}): import it with that version",
            lines.shown, header.durahub, header.version
        )));
    }
    Ok(header)
}

struct Lines {
    shown: String,
    file: BufReader<File>,
    length: u64,
    /// Bytes and lines so far.
    read: u64,
    number: u64,
    digest: Sha256,
    /// Of everything before the line that was read last.
    before: Sha256,
}

impl Lines {
    fn next(&mut self) -> Result<Option<Record>, Error> {
        let mut line = Vec::new();
        let length = self.file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let length = length.map_err(|error| self.refused(&format!("cannot be read ({error})")))?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.read += u64::try_from(length).unwrap_or(0);
        if line.last() != Some(&b'\n') {
            return Err(self.refused("is cut in the middle of it"));
        }
        self.before = self.digest.clone();
        self.digest.update(&line);
        serde_json::from_slice(&line).map(Some).map_err(|error| self.refused(&error.to_string()))
    }

    fn refused(&self, why: &str) -> Error {
        Error::Refused(format!("{}, line {}: {why}; nothing was imported", self.shown, self.number))
    }
}

struct Import<'a> {
    tx: Tx<'a>,
    hub: HubId,
    on_existing: OnExisting,
    /// The first key that was given out.
    first: Option<InstanceKey>,
    /// Whose rows come; `None`: they are left out.
    current: Option<InstanceKey>,
    begun: bool,
    told: Imported,
    /// Instances in the file, whatever became of them.
    met: u64,
    records: u64,
}

impl<'a> Import<'a> {
    fn begin(tx: Tx<'a>, name: &HubName, on_existing: OnExisting) -> Result<Self, Error> {
        let hub = hub::ensure(&tx, name)?;
        let told = Imported { hub: name.as_str().to_owned(), ..Imported::default() };
        Ok(Self { tx, hub, on_existing, first: None, current: None, begun: false, told, met: 0, records: 0 })
    }

    fn read(mut self, lines: &mut Lines, progress: &mut dyn FnMut(u64, u64)) -> Result<Imported, Error> {
        loop {
            let Some(record) = lines.next()? else {
                return Err(
                    lines.refused("the file is cut: it has no line that says how much should be there")
                );
            };
            progress(lines.read, lines.length);
            if let Record::End { instances, records, sha256 } = record {
                if (instances, records) != (self.met, self.records) || sha256 != hex(lines.before.clone()) {
                    return Err(lines.refused("the file is not what was written: count or digest differ"));
                }
                break;
            }
            self.records += 1;
            self.take(record).map_err(|error| match error {
                Error::Refused(why) | Error::Corrupt(why) => lines.refused(&why),
                other => other,
            })?;
        }
        if lines.next()?.is_some() {
            return Err(lines.refused("there is something behind the last line"));
        }
        self.check(lines)?;
        Ok(self.told)
    }

    /// What was read must obey the rules that hold for what is there.
    fn check(&self, lines: &Lines) -> Result<(), Error> {
        let Some(first) = self.first else { return Ok(()) };
        let mut place = CheckPlace::Instances(InstanceKey(first.0 - 1));
        loop {
            let checked = check::slice(self.tx.conn, place, check::Depth::Pages)?;
            if let Some(finding) = checked.findings.first() {
                let id = finding.instance.as_deref().unwrap_or("(of no name)");
                return Err(Error::Refused(format!(
                    "{}: what it says of instance {id} cannot be: {}: {}; nothing was imported",
                    lines.shown, finding.part, finding.problem
                )));
            }
            match checked.next {
                Some(next @ CheckPlace::Instances(_)) => place = next,
                _ => return Ok(()),
            }
        }
    }

    fn take(&mut self, record: Record) -> Result<(), Error> {
        let key = match record {
            Record::Instance(instance) => return self.instance(*instance),
            Record::Lock { entity, owner, execution_id, section } => {
                return self.lock(&entity, &owner, &execution_id, &section);
            }
            Record::Answered(answered) => return self.answered(&answered),
            Record::Header(_) | Record::End { .. } => return Err(refused("the first line again")),
            _ if !self.begun => return Err(refused("this belongs to no instance")),
            _ => self.current,
        };
        let Some(key) = key else { return Ok(()) };
        let tx = &mut self.tx;
        match record {
            Record::Payload { kind, body } => {
                let kind = match kind {
                    PayloadKind::Input => payload::Kind::Input,
                    PayloadKind::Output => payload::Kind::Output,
                    PayloadKind::CustomStatus => payload::Kind::CustomStatus,
                    PayloadKind::Failure => payload::Kind::Failure,
                };
                payload::put(tx, key, kind, Some(&body.0))
            }
            Record::History { first, count, events } => {
                if first < 0 {
                    return Err(refused("a history begins with event 0"));
                }
                history::append(tx, key, &Chunk { first, count, bytes: events.0.into() })
            }
            Record::Revision(revision) => {
                const SQL: &str = "INSERT INTO revision (key, number, rewound_at, reason, events, execution_id, kept, history) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
                let super::record::Revision {
                    number,
                    rewound_at,
                    reason,
                    events,
                    execution_id,
                    kept,
                    history,
                } = revision;
                tx.run(
                    SQL,
                    params![key.0, number, rewound_at, reason, events, execution_id, kept, history.0],
                )?;
                Ok(())
            }
            Record::Message { class, due, events } => {
                let id = tx.number(Kind::Message)?;
                let sql = "INSERT INTO message (key, id, class, due, events) VALUES (?1, ?2, ?3, ?4, ?5)";
                tx.run(sql, params![key.0, id, class, due, events.0])?;
                Ok(())
            }
            Record::Parked { parked_at, cause, deliveries, reason } => {
                const SQL: &str = "INSERT INTO parked (key, hub, parked_at, cause, deliveries, reason) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                tx.run(SQL, params![key.0, self.hub.0, parked_at, cause, deliveries, reason])?;
                Ok(())
            }
            Record::Activity(activity) => {
                const SQL: &str = "INSERT INTO activity (key, number, name, version, task_id, detached, request) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
                let super::record::Activity { name, version, task_id, detached, request } = activity;
                let number = tx.number(Kind::Activity)?;
                tx.run(SQL, params![key.0, number, name, version, task_id, detached, request.0])?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn instance(&mut self, new: Instance) -> Result<(), Error> {
        (self.begun, self.current) = (true, None);
        self.met += 1;
        let id = InstanceId::lookup(new.id.as_str());
        if new.id.is_empty() {
            return Err(refused("the id of an instance is empty"));
        }
        if let Some((old, _)) = inbox::find(&self.tx, self.hub, &id)? {
            if self.first.is_some_and(|first| old.key >= first) {
                return Err(refused(&format!("instance {id} comes twice")));
            }
            match self.on_existing {
                OnExisting::Refuse => {
                    return Err(refused(&format!(
                        "instance {id} is there already; --on-existing skip keeps what is there, --on-existing replace removes it"
                    )));
                }
                OnExisting::Skip => {
                    self.told.skipped += 1;
                    return Ok(());
                }
                OnExisting::Replace => {
                    self.told.replaced += 1;
                    instance::remove(&mut self.tx, old)?;
                    // Nobody listens.
                    self.tx.effects.clear();
                }
            }
        }
        let status = Status::from_name(&new.status)
            .ok_or_else(|| refused(&format!("there is no status {:?}", new.status)))?;
        let key = self.tx.number(Kind::Instance)?;
        const SQL: &str = "INSERT INTO instance (key, hub, id, name, version, execution_id, status, turn, events, created_at, \
            updated_at, completed_at, scheduled_at, parent_id, parent_execution_id, parent_task_id, tags, trace) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
        let parent = new.parent.as_ref();
        self.tx.run(
            SQL,
            params![
                key,
                self.hub.0,
                new.id,
                new.name,
                new.version,
                new.execution_id,
                status as i32,
                new.turn,
                new.events,
                new.created_at,
                new.updated_at,
                new.completed_at,
                new.scheduled_at,
                parent.map(|parent| &parent.id),
                parent.map(|parent| &parent.execution_id),
                parent.map(|parent| parent.task_id),
                rows::tags_text(&new.tags.into_iter().collect()),
                new.trace.map(|trace| trace.0),
            ],
        )?;
        self.first.get_or_insert(InstanceKey(key));
        self.current = Some(InstanceKey(key));
        self.told.instances += 1;
        Ok(())
    }

    /// A lock holds between two that were imported; if one of them was there already, the other one's side of it is unknown there.
    fn lock(&mut self, entity: &str, owner: &str, execution_id: &str, section: &str) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO entity_lock (entity, owner, execution_id, section) \
            SELECT e.key, o.key, ?4, ?5 FROM instance e JOIN instance o ON o.hub = e.hub AND o.id = ?3 AND o.key >= ?6 \
            WHERE e.hub = ?1 AND e.id = ?2 AND e.key >= ?6";
        let first = self.first.map_or(i64::MAX, |first| first.0);
        self.tx.run(SQL, params![self.hub.0, entity, owner, execution_id, section, first])?;
        Ok(())
    }

    /// A record that is there is kept: it is the later one.
    fn answered(&mut self, answered: &Answered) -> Result<(), Error> {
        let Answered { key, fingerprint, instance, created, made_at } = answered;
        self.tx.run(
            "INSERT INTO idempotency (hub, key, fingerprint, instance, created, made_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            params![self.hub.0, key, fingerprint.0, instance, created, made_at],
        )?;
        Ok(())
    }
}

fn refused(why: &str) -> Error {
    Error::Refused(why.to_owned())
}
