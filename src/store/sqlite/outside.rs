//! Databases that are looked at without being served.

use super::{
    lock::{beside, lock, unwritable},
    migrate, open, shape,
};
use crate::store::Error;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags};
use std::{
    fs::File,
    ops::{Deref, DerefMut},
    path::Path,
    time::Duration,
};

/// How long to wait for locks that others hold for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database that nobody serves as long as this is there.
pub struct AtRest {
    conn: Connection,
    /// Let go of behind the connection.
    _lock: File,
}

impl Deref for AtRest {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl DerefMut for AtRest {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }
}

/// Opens the database at `path` so that nothing of it changes, not even files beside it. Refused if a server has it open.
pub fn at_rest(path: &Path) -> Result<AtRest, Error> {
    open::new_enough()?;
    let path = there(path)?;
    let lock = lock(&path)?;
    shape::look(&path)?;
    let logged = std::fs::metadata(beside(&path, "-wal")).is_ok_and(|found| found.len() > 0);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    // Without a log, the file is all there is. With one, SQLite must be free to read it.
    let immutable = if logged { "" } else { "?immutable=1" };
    let name = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let conn = Connection::open_with_flags(format!("file:{name}{immutable}"), flags);
    let conn = conn.map_err(|error| unreadable(&path, &error))?;
    conn.busy_timeout(PATIENCE)?;
    ours(&conn, &path)?;
    Ok(AtRest { conn, _lock: lock })
}

/// Opens the database at `path` for reading, beside a server if one has it open. The last one to close a database tidies up its log,
/// which may be this one: that is all it can write.
pub fn beside_others(path: &Path) -> Result<Connection, Error> {
    open::new_enough()?;
    let path = there(path)?;
    // A server in this very process may have it open.
    shape::has_its_log(&path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&path, flags).map_err(|error| unreadable(&path, &error))?;
    conn.busy_timeout(PATIENCE)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    ours(&conn, &path)?;
    Ok(conn)
}

/// Refuses what is no database of durahub, or too new.
fn ours(conn: &Connection, path: &Path) -> Result<(), Error> {
    let shown = path.display().to_string();
    match migrate::check_owner(conn, migrate::MIGRATIONS.len(), &shown)
        .map_err(|error| open::foreign(error, &shown))?
    {
        0 => Err(Error::Refused(format!("{shown} is an empty database: nothing of durahub is in it"))),
        _ => Ok(()),
    }
}

fn there(path: &Path) -> Result<std::path::PathBuf, Error> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            Err(Error::Refused(format!("{} is a directory; name a file in it", path.display())))
        }
        // A name that leads there by another way must lead to the same lock.
        Ok(_) => path.canonicalize().map_err(|error| unreadable(path, &error)),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Refused(format!(
        "cannot read the database {}: {why}; name it with --store sqlite:PATH",
        path.display()
    ))
}

/// A place for a new file; nothing may be there unless `force`.
pub fn free(path: &Path, force: bool) -> Result<(), Error> {
    let shown = path.display();
    if path.is_dir() {
        return Err(Error::Refused(format!("{shown} is a directory; name a file in it")));
    }
    if path.exists() && !force {
        return Err(Error::Refused(format!(
            "{shown} exists; choose another name, or replace it with --force"
        )));
    }
    Ok(())
}

/// Puts a finished file into its place, so that whatever happens there is the old one or the new one, whole and durable.
pub fn put_in_place(finished: &Path, path: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| unwritable(path, &error);
    File::open(finished).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(finished, path).map_err(failed)?;
    sync_directory(path)
}

/// Makes durable which files are in the directory of `path`.
pub fn sync_directory(path: &Path) -> Result<(), Error> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| unwritable(directory, &error))
}
