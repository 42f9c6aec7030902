//! Writing a hub to a file.

use super::record::{
    Activity, Answered, Blob, FORMAT, Header, Instance, Parent, PayloadKind, Record, Revision, VERSION, hex,
};
use crate::{
    model::{HubName, InstanceRecord, StatusExt as _},
    store::{
        Error,
        sqlite::{
            backup::Part,
            history::EVENT_BITS,
            lock::{beside, unwritable},
            migrate, outside, rows,
        },
    },
};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The hub, as it is written there.
    pub hub: String,
    pub instances: u64,
    /// Lines, but for the first and the last one.
    pub records: u64,
}

/// Writes the hub `hub` of the database `from`, as it is at one moment, to the file `to`. A server that has it open goes on meanwhile.
/// `progress` is told how many instances of how many have been written.
pub fn export(
    from: &Path,
    hub: &str,
    to: &Path,
    force: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, Error> {
    outside::free(to, force)?;
    let conn = outside::beside_others(from)?;
    let (shown, newest) = (from.display(), migrate::MIGRATIONS.len());
    let seen = migrate::check_owner(&conn, newest, &shown.to_string())?;
    if seen < newest {
        return Err(Error::Refused(format!(
            "{shown} is of an older version (schema {seen}, this one has {newest}): start a server on it once, which upgrades it"
        )));
    }
    let moment = conn.unchecked_transaction()?;
    let part = Part(beside(to, &format!(".{}.part", std::process::id())));
    let file = File::create(&part.0).map_err(|error| unwritable(to, &error))?;
    let lines = Lines { to, file: BufWriter::new(file), digest: Sha256::new(), instances: 0, records: 0 };
    let exported = lines.write(&moment, hub, progress)?;
    moment.finish()?;
    outside::put_in_place(&part.0, to)?;
    Ok(exported)
}

struct Lines<'a> {
    to: &'a Path,
    file: BufWriter<File>,
    digest: Sha256,
    instances: u64,
    records: u64,
}

impl Lines<'_> {
    fn write(
        mut self,
        conn: &Connection,
        hub: &str,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Exported, Error> {
        const COUNT: &str = "SELECT count(*) FROM instance WHERE hub = ?1";
        // In the order in which they were made, as a walk over the table: an order of an index would have to be sorted.
        const ALL: &str = concat!(
            "SELECT ",
            rows::record_columns!(),
            ", i.events FROM instance i NOT INDEXED WHERE i.hub = ?1 ORDER BY i.key"
        );
        let (number, name) = find(conn, hub)?;
        let header = Header {
            format: FORMAT.into(),
            version: VERSION,
            hub: name.clone(),
            durahub: env!("CARGO_PKG_VERSION").into(),
        };
        self.line(&Record::Header(header))?;
        let all = rows::one(conn, COUNT, [number], |row| Ok(row.get::<_, i64>(0)?))?;
        let all = u64::try_from(all.unwrap_or(0)).unwrap_or(0);
        let mut statement = conn.prepare(ALL)?;
        let mut found = statement.query([number])?;
        while let Some(row) = found.next()? {
            let record = rows::record(row)?;
            let key = record.key.0;
            self.record(&Record::Instance(Box::new(instance(record, row.get(rows::RECORD_COLUMNS)?))))?;
            self.belongings(conn, key)?;
            self.instances += 1;
            progress(self.instances, all);
        }
        self.others(conn, number)?;
        let sha256 = hex(self.digest.clone());
        let (instances, records) = (self.instances, self.records);
        self.line(&Record::End { instances, records, sha256 })?;
        self.file.flush().map_err(|error| unwritable(self.to, &error))?;
        Ok(Exported { hub: name, instances, records })
    }

    /// All that one instance has.
    fn belongings(&mut self, conn: &Connection, key: i64) -> Result<(), Error> {
        const PAYLOADS: &str =
            "SELECT id, body FROM payload WHERE id BETWEEN ?1 * 4 AND ?1 * 4 + 3 ORDER BY id";
        self.each(conn, PAYLOADS, key, |row| {
            let kinds =
                [PayloadKind::Input, PayloadKind::Output, PayloadKind::CustomStatus, PayloadKind::Failure];
            let kind = usize::try_from(row.get::<_, i64>(0)? & 3).unwrap_or(0);
            Ok(Record::Payload { kind: kinds[kind], body: Blob(row.get(1)?) })
        })?;
        const HISTORY: &str = "SELECT id, count, events FROM history \
            WHERE id BETWEEN ?1 << 26 AND (?1 << 26) + (1 << 26) - 1 ORDER BY id";
        self.each(conn, HISTORY, key, |row| {
            let first = row.get::<_, i64>(0)? - (key << EVENT_BITS);
            Ok(Record::History { first, count: row.get(1)?, events: Blob(row.get(2)?) })
        })?;
        const REVISIONS: &str = "SELECT number, rewound_at, reason, events, execution_id, kept, history \
            FROM revision WHERE key = ?1 ORDER BY number";
        self.each(conn, REVISIONS, key, |row| {
            Ok(Record::Revision(Revision {
                number: row.get(0)?,
                rewound_at: row.get(1)?,
                reason: row.get(2)?,
                events: row.get(3)?,
                execution_id: row.get(4)?,
                kept: row.get(5)?,
                history: Blob(row.get(6)?),
            }))
        })?;
        const INBOX: &str = "SELECT class, due, events FROM message WHERE key = ?1 ORDER BY id";
        self.each(conn, INBOX, key, |row| {
            Ok(Record::Message { class: row.get(0)?, due: row.get(1)?, events: Blob(row.get(2)?) })
        })?;
        const PARKED: &str = "SELECT parked_at, cause, deliveries, reason FROM parked WHERE key = ?1";
        self.each(conn, PARKED, key, |row| {
            let (parked_at, cause) = (row.get(0)?, row.get(1)?);
            Ok(Record::Parked { parked_at, cause, deliveries: row.get(2)?, reason: row.get(3)? })
        })?;
        const ACTIVITIES: &str =
            "SELECT name, version, task_id, detached, request FROM activity WHERE key = ?1 ORDER BY number";
        self.each(conn, ACTIVITIES, key, |row| {
            Ok(Record::Activity(Activity {
                name: row.get(0)?,
                version: row.get(1)?,
                task_id: row.get(2)?,
                detached: row.get(3)?,
                request: Blob(row.get(4)?),
            }))
        })
    }

    /// What belongs to the hub, or to two instances.
    fn others(&mut self, conn: &Connection, hub: i64) -> Result<(), Error> {
        const LOCKS: &str = "SELECT e.id, o.id, l.execution_id, l.section FROM entity_lock l \
            JOIN instance e ON e.key = l.entity JOIN instance o ON o.key = l.owner WHERE e.hub = ?1 ORDER BY l.entity";
        self.each(conn, LOCKS, hub, |row| {
            let (entity, owner) = (row.get(0)?, row.get(1)?);
            Ok(Record::Lock { entity, owner, execution_id: row.get(2)?, section: row.get(3)? })
        })?;
        const ANSWERED: &str = "SELECT key, fingerprint, instance, created, made_at FROM idempotency WHERE hub = ?1 ORDER BY key";
        self.each(conn, ANSWERED, hub, |row| {
            Ok(Record::Answered(Answered {
                key: row.get(0)?,
                fingerprint: Blob(row.get(1)?),
                instance: row.get(2)?,
                created: row.get(3)?,
                made_at: row.get(4)?,
            }))
        })
    }

    fn each(
        &mut self,
        conn: &Connection,
        sql: &str,
        of: i64,
        read: impl Fn(&rusqlite::Row<'_>) -> Result<Record, Error>,
    ) -> Result<(), Error> {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![of])?;
        while let Some(row) = rows.next()? {
            self.record(&read(row)?)?;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), Error> {
        self.records += 1;
        self.line(record)
    }

    fn line(&mut self, record: &Record) -> Result<(), Error> {
        let mut line = serde_json::to_vec(record).map_err(|error| Error::Backend(Box::new(error)))?;
        line.push(b'\n');
        self.digest.update(&line);
        self.file.write_all(&line).map_err(|error| unwritable(self.to, &error))
    }
}

/// The number of a hub and its name as it is written there.
fn find(conn: &Connection, hub: &str) -> Result<(i64, String), Error> {
    let folded = HubName::parse(hub).map_err(|error| Error::Refused(error.to_string()))?.folded();
    let sql = "SELECT id, name FROM hub WHERE folded = ?1 AND NOT removed";
    if let Some(found) = rows::one(conn, sql, [folded], |row| Ok((row.get(0)?, row.get(1)?)))? {
        return Ok(found);
    }
    let sql = "SELECT name FROM hub WHERE NOT removed ORDER BY id LIMIT 20";
    let known = rows::all(conn, sql, [], |row| Ok(row.get::<_, String>(0)?))?;
    Err(Error::Refused(format!("there is no hub {hub}; there are: {}", known.join(", "))))
}

fn instance(record: InstanceRecord, events: i64) -> Instance {
    Instance {
        id: record.id.to_string(),
        name: record.name.to_string(),
        version: record.version.map(|version| version.to_string()),
        execution_id: record.execution_id,
        status: record.status.name().to_owned(),
        turn: record.turn,
        events,
        created_at: record.created_at.0,
        updated_at: record.updated_at.0,
        completed_at: record.completed_at.map(|at| at.0),
        scheduled_at: record.scheduled_at.map(|at| at.0),
        parent: record.parent.map(|parent| Parent {
            id: parent.id.to_string(),
            execution_id: parent.execution_id,
            task_id: parent.task_id,
        }),
        tags: record.tags.into_iter().collect(),
        trace: record.trace.map(Blob),
    }
}
