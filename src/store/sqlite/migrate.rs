//! The schema's versions. A migration that has been released never changes; a new one gets the next number.
//!
//! `PRAGMA user_version` is the number of migrations the file has seen, `PRAGMA application_id` says that it is ours; both
//! change in the transaction of the migration itself.

use crate::store::Error;
use rusqlite::{Connection, TransactionBehavior};

/// "DHUB".
const APPLICATION_ID: i32 = 0x4448_5542;

const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_init.sql")];

/// The version this program writes.
pub const VERSION: usize = MIGRATIONS.len();

/// Refuses files of other programs and of newer versions. Reads only.
pub fn check_owner(conn: &Connection, shown: &str) -> Result<(), Error> {
    let owner: i32 = pragma(conn, "application_id")?;
    if owner != APPLICATION_ID {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if owner != 0 || tables != 0 {
            return Err(Error::Refused(format!(
                "{shown} is the database of another program; durahub will not touch it: choose another file"
            )));
        }
    }
    let version: i64 = pragma(conn, "user_version")?;
    let known = i64::try_from(VERSION).unwrap_or(i64::MAX);
    if owner == APPLICATION_ID && version > known {
        return Err(Error::Refused(format!(
            "{shown} was written by a newer durahub (schema {version}, this one knows up to {known}); \
             install that version again, or choose another file"
        )));
    }
    Ok(())
}

/// Applies what the file has not seen, each migration in a transaction of its own.
pub fn migrate(conn: &mut Connection) -> Result<(), Error> {
    let seen: i64 = pragma(conn, "user_version")?;
    let seen = usize::try_from(seen).unwrap_or(0);
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(seen) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        tx.commit()?;
    }
    Ok(())
}

fn pragma<T: rusqlite::types::FromSql>(conn: &Connection, name: &str) -> Result<T, Error> {
    Ok(conn.pragma_query_value(None, name, |row| row.get(0))?)
}
