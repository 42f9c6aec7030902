//! A look at everything in a database: SQLite's own check of the file, and the rules that hold between its rows.
//!
//! Done in slices, each of one moment, so that a server can be checked while it works. Nothing is changed, and no finding keeps the rest
//! from being looked at.

mod others;
mod slice;
#[cfg(test)]
pub mod tests;

use super::{migrate, outside, rows};
use crate::{
    model::InstanceKey,
    store::{CheckPlace, Checked, Error, Finding},
};
use rusqlite::Connection;
use std::{collections::BTreeMap, path::Path};

/// How many instances one slice looks at.
const SLICE: i64 = 200;
/// How many lines of SQLite's own check are read.
const LINES: usize = 100;

/// How SQLite checks the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every page, and indexes against their tables.
    Full,
    /// Every page.
    Pages,
}

/// [`crate::store::Store::check`]. Needs a transaction: its statements must see the same moment.
pub fn slice(conn: &Connection, place: CheckPlace, depth: Depth) -> Result<Checked, Error> {
    match place {
        CheckPlace::File => file(conn, depth),
        CheckPlace::Instances(after) => slice::slice(conn, after, SLICE),
        CheckPlace::Others => others::others(conn),
    }
}

/// What a whole check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first of them.
    pub findings: Vec<Finding>,
    /// How many there are altogether.
    pub found: usize,
    pub instances: u64,
    /// The schema of the file; the rows of one that is older than this program are not looked at.
    pub schema: usize,
}

impl Report {
    /// How many findings are kept.
    pub const KEPT: usize = 1000;

    fn take(&mut self, findings: Vec<Finding>) {
        self.found += findings.len();
        let room = Self::KEPT.saturating_sub(self.findings.len());
        self.findings.extend(findings.into_iter().take(room));
    }

    /// The first finding about the file itself rather than about what single rows say.
    pub fn damage(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.part == FILE)
    }
}

/// The part that findings of SQLite's own check are in.
const FILE: &str = "file";

/// Checks all of a database that nobody writes to. `progress` is told how many instances of how many have been looked at.
pub fn all(conn: &Connection, depth: Depth, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, Error> {
    let schema =
        migrate::check_owner(conn, migrate::MIGRATIONS.len(), conn.path().unwrap_or("the database"))?;
    let mut report = Report { schema, ..Report::default() };
    let snapshot = conn.unchecked_transaction()?;
    let (mut place, mut total) = (Some(CheckPlace::File), 0);
    while let Some(here) = place {
        let checked = slice(&snapshot, here, depth)?;
        report.take(checked.findings);
        report.instances += checked.instances;
        total = checked.total.unwrap_or(total);
        progress(report.instances, total);
        place = checked.next.filter(|_| schema == migrate::MIGRATIONS.len());
    }
    snapshot.finish()?;
    Ok(report)
}

/// Checks the database at `path`, which no server may have open, and changes nothing in it.
pub fn at_rest(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, Error> {
    let conn = outside::at_rest(path)?;
    all(&conn, Depth::Full, progress)
}

fn file(conn: &Connection, depth: Depth) -> Result<Checked, Error> {
    let pragma = match depth {
        Depth::Full => format!("PRAGMA integrity_check({LINES})"),
        Depth::Pages => format!("PRAGMA quick_check({LINES})"),
    };
    let found = |problem| Finding { hub: None, instance: None, part: FILE, problem };
    let lines = rows::all(conn, &pragma, [], |row| Ok(row.get::<_, String>(0)?));
    let mut findings: Vec<_> = match lines {
        Ok(lines) => lines.into_iter().filter(|line| line != "ok").map(found).collect(),
        Err(Error::Corrupt(why)) => vec![found(format!("cannot be read: {why}"))],
        Err(other) => return Err(other),
    };
    let count = rows::one(conn, "SELECT count(*) FROM instance", [], |row| Ok(row.get::<_, i64>(0)?));
    let total = match count {
        Ok(count) => count.and_then(|count| u64::try_from(count).ok()),
        Err(Error::Corrupt(why)) => {
            findings.push(found(format!("the instances cannot be counted: {why}")));
            None
        }
        Err(other) => return Err(other),
    };
    let total = Some(total.unwrap_or(0));
    Ok(Checked { findings, instances: 0, total, next: Some(CheckPlace::Instances(InstanceKey(0))) })
}

/// The names of the hubs, removed ones included.
fn hub_names(conn: &Connection) -> Result<BTreeMap<i64, String>, Error> {
    let named = rows::all(conn, "SELECT id, name FROM hub", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(named.into_iter().collect())
}
