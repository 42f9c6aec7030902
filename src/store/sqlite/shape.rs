//! The quick look at a file before it is used: is all of it there, and are the tables and indexes that a version makes? It takes the same
//! moment however large the file is; what lies inside the tables is for [`super::check`].

use super::{lock::beside, migrate, rows};
use crate::store::Error;
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

/// Refuses a file that is shorter than it says, before SQLite takes it for something it is not. One that is not there, or empty, will become
/// a database, unless something of an earlier one lies beside it. Nobody in this process may have the file open: to close it takes the locks of
/// all who have.
pub fn look(path: &Path) -> Result<(), Error> {
    let log = has_its_log(path)?;
    let shown = path.display();
    let mut head = Vec::new();
    let length = match File::open(path) {
        Ok(file) => {
            let length = file.metadata().map_err(|error| unreadable(path, &error))?.len();
            file.take(100).read_to_end(&mut head).map_err(|error| unreadable(path, &error))?;
            length
        }
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(unreadable(path, &error)),
    };
    // Pages that are in the log only may lie beyond the end.
    match said_length(&head) {
        Some(said) if said > length && log == 0 => Err(Error::Refused(format!(
            "{shown} is cut: it has {length} of {said} bytes; restore a backup, or choose another file"
        ))),
        _ => Ok(()),
    }
}

/// Refuses a log without its file, which SQLite would throw away; answers how long the log is. Opens nothing.
pub fn has_its_log(path: &Path) -> Result<u64, Error> {
    let shown = path.display();
    let log = std::fs::metadata(beside(path, "-wal")).map_or(0, |found| found.len());
    let length = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(unreadable(path, &error)),
    };
    if length == 0 && log > 0 {
        return Err(Error::Refused(format!(
            "{shown} is missing or empty, but {shown}-wal holds {log} bytes that belong to it: put the file back beside it, \
             restore a backup, or remove {shown}-wal to begin anew"
        )));
    }
    Ok(log)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Refused(format!(
        "cannot read {}: {error}; check who owns the file, or choose another",
        path.display()
    ))
}

/// How long a database says that it is, if its head can be relied on (sqlite.org/fileformat.html, section 1.3).
fn said_length(head: &[u8]) -> Option<u64> {
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let page = match u16::from_be_bytes(head.get(16..18)?.try_into().ok()?) {
        1 => 65_536,
        size => u64::from(size),
    };
    let reliable = head.starts_with(b"SQLite format 3\0") && number(24)? == number(92)?;
    reliable.then_some(page * u64::from(number(28)?))
}

/// Refuses a database in which something is missing that these migrations make. What is there besides them is nobody's business.
pub fn check(conn: &Connection, migrations: &[&str], shown: &str) -> Result<(), Error> {
    let damaged = |what: &str| {
        Error::Refused(format!(
            "{shown} is damaged, or another program has changed it: {what}; restore a backup, or choose another file \
             (durahub check --store sqlite:{shown} tells more)"
        ))
    };
    let seen = parts(conn).map_err(|error| damaged(&format!("its schema cannot be read ({error})")))?;
    let made = migrate::made_by(migrations)?;
    let expected = parts(&made)?;
    let missing: Vec<_> = expected.difference(&seen).collect();
    if let Some(first) = missing.first() {
        let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
        return Err(damaged(&format!("{first}{more} is missing")));
    }
    // The way to the first row of each table. Each begins with its key, in the order of which it lies.
    const KEYS: &str = "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.cid = 0 \
        WHERE m.type = 'table'";
    for (table, key) in
        rows::all(&made, KEYS, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
    {
        let first = format!("SELECT 1 FROM {table} NOT INDEXED ORDER BY {key} LIMIT 1");
        let read = conn.prepare(&first).and_then(|mut first| first.exists([]));
        read.map_err(|error| damaged(&format!("the table {table} cannot be read ({error})")))?;
    }
    Ok(())
}

/// The tables, their columns and the indexes of a database.
fn parts(conn: &Connection) -> Result<BTreeSet<String>, rusqlite::Error> {
    const PARTS: &str = "SELECT 'the ' || type || ' ' || name FROM sqlite_schema WHERE type IN ('table', 'index') \
        UNION ALL SELECT 'the column ' || m.name || '.' || c.name \
        FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'";
    conn.prepare(PARTS)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_says_how_long_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(100000))").unwrap();
        drop(conn);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(said_length(&bytes[..100]), Some(bytes.len() as u64));
        for end in 0..96 {
            assert_eq!(said_length(&bytes[..end]), None, "{end}");
        }
        look(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let told = look(&path).unwrap_err().to_string();
        assert!(told.contains("is cut: it has"), "{told}");
        // With a log beside it nobody can tell.
        std::fs::write(beside(&path, "-wal"), "x").unwrap();
        look(&path).unwrap();
        for content in [Some(""), None] {
            match content {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let told = look(&path).unwrap_err().to_string();
            assert!(told.contains("missing or empty"), "{told}");
        }
    }

    #[test]
    fn whatever_is_missing_is_named() {
        let whole = migrate::made_by(&migrate::MIGRATIONS).unwrap();
        check(&whole, &migrate::MIGRATIONS, "x").unwrap();
        for (change, told) in [
            ("DROP INDEX message_due", "the index message_due is missing"),
            ("ALTER TABLE activity RENAME COLUMN request TO r", "the column activity.request is missing"),
            ("DROP TABLE idempotency", "and 7 more is missing"),
        ] {
            let conn = migrate::made_by(&migrate::MIGRATIONS).unwrap();
            conn.execute_batch(change).unwrap();
            let error = check(&conn, &migrate::MIGRATIONS, "x").unwrap_err().to_string();
            assert!(error.contains(told) && error.contains("restore a backup"), "{error}");
        }
        whole.execute_batch("CREATE TABLE notes (x); CREATE INDEX mine ON instance (tags)").unwrap();
        check(&whole, &migrate::MIGRATIONS, "x").unwrap();
    }
}
