//! The lock on a database: whoever has it is the only one who serves the file or replaces it. It lies in a file of its own, so that it is
//! in nobody's way who only reads.

use crate::store::Error;
use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// The name of a file that lies beside the database.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Takes the lock on the database at `path`, which need not be there yet. Dropping the file lets go of it.
pub fn lock(path: &Path) -> Result<File, Error> {
    let name = beside(path, ".lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(|error| unwritable(&name, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // On Windows the owner's lock forbids reading; the message then does without the number.
            let _unreadable = file.read_to_string(&mut owner);
            let owner = owner.trim();
            let owner =
                if owner.is_empty() { "another process".to_owned() } else { format!("process {owner}") };
            return Err(Error::Refused(format!(
                "the database {} is in use by {owner}; one server owns a file: stop that one, or choose another file",
                path.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(unwritable(&name, &error)),
    }
    let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    written.map_err(|error| unwritable(&name, &error))?;
    Ok(file)
}

/// A file that cannot be written.
pub fn unwritable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Refused(format!(
        "cannot write {}: {why}; check who owns the file and its directory, or choose another file",
        path.display()
    ))
}
