//! Taking possession of a database: the lock, the checks, the settings of the write connection.
//!
//! What always holds: a file is changed only once it is known to be ours, of a version we know, undamaged at a quick look, and held by
//! nobody else. Whatever speaks against it is answered as `Refused` with the cure in the text.

use super::{
    lock::{lock, unwritable},
    migrate,
    options::{Location, SqliteOptions},
    shape,
};
use crate::store::Error;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Older ones can lose a commit when a checkpoint and a WAL reset meet (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST_SQLITE: i32 = 3_051_003;

/// The WAL is copied into the database when it has grown to so many pages (16 MB).
const CHECKPOINT_PAGES: i64 = 4000;

/// What the writer owns while the store is open.
pub struct Owned {
    pub conn: Connection,
    /// Held until the connection is closed. `None` in memory.
    pub lock: Option<File>,
    /// Where readers find the database. `None` in memory.
    pub path: Option<PathBuf>,
}

/// Opens or makes the database and brings it to the schema of this version.
pub fn open(options: &SqliteOptions) -> Result<Owned, Error> {
    open_as(options, &migrate::MIGRATIONS)
}

/// The same for a program that knows these migrations.
pub fn open_as(options: &SqliteOptions, migrations: &[&str]) -> Result<Owned, Error> {
    new_enough()?;
    let mut owned = match &options.location {
        Location::Memory => Owned { conn: Connection::open_in_memory()?, lock: None, path: None },
        Location::File(path) => open_file(path)?,
    };
    let shown = owned.path.as_deref().unwrap_or(Path::new(":memory:")).display().to_string();
    owned.conn.busy_timeout(options.busy_timeout)?;
    owned.conn.set_prepared_statement_cache_capacity(128);
    judge(&owned.conn, migrations, &shown)?;
    settings(&owned, options, &shown)?;
    migrate::migrate(&mut owned.conn, migrations, &shown)?;
    Ok(owned)
}

/// Whether the SQLite in this program is one that can be trusted.
pub fn new_enough() -> Result<(), Error> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        let version = rusqlite::version();
        return Err(Error::Refused(format!("SQLite {version} is too old; durahub needs 3.51.3 or newer")));
    }
    Ok(())
}

/// Refuses what is not ours, too new, or has lost a part that must be there. Reads only, and little, however large the file is.
pub fn judge(conn: &Connection, migrations: &[&str], shown: &str) -> Result<usize, Error> {
    let seen = migrate::check_owner(conn, migrations.len(), shown).map_err(|error| foreign(error, shown))?;
    shape::check(conn, &migrations[..seen], shown)?;
    Ok(seen)
}

fn open_file(path: &Path) -> Result<Owned, Error> {
    let shown = path.display();
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !directory.is_dir() {
        return Err(Error::Refused(format!(
            "cannot open the database {shown}: there is no directory {}; create it, or choose another file",
            directory.display()
        )));
    }
    if path.is_dir() {
        return Err(Error::Refused(format!(
            "cannot open the database {shown}: it is a directory; name a file in it"
        )));
    }
    // One file reached by two names must have one lock.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let lock = lock(&path)?;
    shape::look(&path)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&path, flags).map_err(|error| unwritable(&path, &error))?;
    if conn.is_readonly("main")? {
        return Err(unwritable(&path, &"it is read-only"));
    }
    Ok(Owned { conn, lock: Some(lock), path: Some(path) })
}

/// At the first look at a file, damage means most likely that it is something else.
pub fn foreign(error: Error, shown: &str) -> Error {
    match error {
        Error::Corrupt(text) => Error::Refused(format!(
            "{shown} is not a SQLite database, or its first page is damaged ({text}); choose another file or restore a backup"
        )),
        other => other,
    }
}

/// Without this, SQLite looks at what is bound to a range or a limit and prepares the statement anew whenever that changes, which cost a
/// tenth of a turn. There are no statistics that a plan could gain from.
pub fn stable_plans(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn settings(owned: &Owned, options: &SqliteOptions, shown: &str) -> Result<(), Error> {
    let conn = &owned.conn;
    // Before anything is written: a file that holds something keeps what it has.
    conn.pragma_update(None, "auto_vacuum", "incremental")?;
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "cache_size", -32 * 1024)?;
    stable_plans(conn)?;
    if owned.path.is_none() {
        return Ok(());
    }
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(
        |error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => Error::Refused(format!(
                "the database {shown} is in use by another program; close that one, or choose another file"
            )),
            _ => error.into(),
        },
    )?;
    if mode != "wal" {
        return Err(Error::Refused(format!(
            "the database {shown} cannot use a write-ahead log here (got {mode:?}); choose a file on a local disk"
        )));
    }
    conn.pragma_update(None, "synchronous", if options.synchronous_full { "full" } else { "normal" })?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    conn.pragma_update(None, "journal_size_limit", 4 * CHECKPOINT_PAGES * 4096)?;
    Ok(())
}
