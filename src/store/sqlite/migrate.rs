//! The schema's versions. A migration that has been released never changes; a new one gets the next number.
//!
//! `PRAGMA user_version` is the number of migrations the file has seen, `PRAGMA application_id` says that it is ours; both
//! change in the transaction of the migration itself.

use crate::store::Error;
use rusqlite::{Connection, TransactionBehavior};

/// "DHUB".
const APPLICATION_ID: i32 = 0x4448_5542;

/// All of them, in order. Their number is the version that this program writes.
pub const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_init.sql")];

/// Refuses files of other programs and of versions after `known`; answers how many migrations the file has seen. Reads only.
pub fn check_owner(conn: &Connection, known: usize, shown: &str) -> Result<usize, Error> {
    let owner: i32 = pragma(conn, "application_id")?;
    if owner != APPLICATION_ID {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if owner != 0 || tables != 0 {
            return Err(Error::Refused(format!(
                "{shown} is the database of another program; durahub will not touch it: choose another file"
            )));
        }
        return Ok(0);
    }
    let version: i64 = pragma(conn, "user_version")?;
    match usize::try_from(version) {
        Ok(seen) if seen <= known => Ok(seen),
        _ => Err(Error::Refused(format!(
            "{shown} was written by a newer durahub (schema {version}, this one knows up to {known}); \
             install that version again, or choose another file"
        ))),
    }
}

/// Applies what the file has not seen, each migration in a transaction of its own: who is interrupted goes on behind the last one
/// that was done.
pub fn migrate(conn: &mut Connection, migrations: &[&str], shown: &str) -> Result<(), Error> {
    let seen: i64 = pragma(conn, "user_version")?;
    let seen = usize::try_from(seen).unwrap_or(0);
    if seen > 0 && seen < migrations.len() {
        tracing::info!(
            file = shown,
            from = seen,
            to = migrations.len(),
            "upgrading the schema of the database"
        );
    }
    for (index, sql) in migrations.iter().enumerate().skip(seen) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        tx.commit()?;
    }
    Ok(())
}

/// An empty database in memory as these migrations make it.
pub fn made_by(migrations: &[&str]) -> Result<Connection, rusqlite::Error> {
    let conn = Connection::open_in_memory()?;
    migrations.iter().try_for_each(|sql| conn.execute_batch(sql))?;
    Ok(conn)
}

fn pragma<T: rusqlite::types::FromSql>(conn: &Connection, name: &str) -> Result<T, Error> {
    Ok(conn.pragma_query_value(None, name, |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::super::{SqliteOptions, open::open_as};
    use super::*;
    use std::path::Path;

    /// Moves data, as the migrations of later versions will.
    const SECOND: &str = "ALTER TABLE hub ADD COLUMN made_by TEXT NOT NULL DEFAULT 'first'; \
        CREATE TABLE note (hub INTEGER NOT NULL, text TEXT NOT NULL) STRICT; \
        INSERT INTO note SELECT id, name || ' is old' FROM hub;";
    const THIRD: &str = "UPDATE note SET text = upper(text); CREATE INDEX note_hub ON note (hub);";
    /// Does half of its work.
    const CRASHES: &str = "UPDATE note SET text = 'half done'; INSERT INTO nowhere VALUES (1);";

    fn open(path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
        open_as(&SqliteOptions::file(path), migrations).map(|owned| owned.conn)
    }

    fn state(conn: &Connection) -> (i64, String) {
        let text = conn.query_row("SELECT text FROM note", [], |row| row.get(0)).unwrap();
        (pragma(conn, "user_version").unwrap(), text)
    }

    #[test]
    fn an_older_file_is_upgraded_with_what_is_in_it_and_then_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let old = open(&path, &MIGRATIONS).unwrap();
        old.execute_batch("INSERT INTO hub (name, folded) VALUES ('One', 'one')").unwrap();
        drop(old);
        for _ in 0..2 {
            let new = open(&path, &[MIGRATIONS[0], SECOND]).unwrap();
            assert_eq!(state(&new), (2, "One is old".to_owned()));
        }
    }

    #[test]
    fn an_upgrade_that_was_interrupted_goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let old = open(&path, &MIGRATIONS).unwrap();
        old.execute_batch("INSERT INTO hub (name, folded) VALUES ('One', 'one')").unwrap();
        drop(old);
        assert!(open(&path, &[MIGRATIONS[0], SECOND, CRASHES]).is_err());
        // The second was done, and nothing of the third.
        assert_eq!(state(&Connection::open(&path).unwrap()), (2, "One is old".to_owned()));
        let new = open(&path, &[MIGRATIONS[0], SECOND, THIRD]).unwrap();
        assert_eq!(state(&new), (3, "ONE IS OLD".to_owned()));
    }

    #[test]
    fn a_newer_file_is_refused_and_not_a_byte_of_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(open(&path, &[MIGRATIONS[0], SECOND]).unwrap());
        let before = std::fs::read(&path).unwrap();
        let told = open(&path, &MIGRATIONS).unwrap_err().to_string();
        assert!(told.contains("a newer durahub (schema 2, this one knows up to 1)"), "{told}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
