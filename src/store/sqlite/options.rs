//! How a SQLite store is opened.

use crate::store::CommitMeter;
use std::{path::PathBuf, time::Duration};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this file, with `-wal`, `-shm` and `.lock` beside it. Made if there is none; its directory is not.
    File(PathBuf),
    /// In the memory of this process, for tests and trials. Gone when the store is closed.
    Memory,
}

/// What can be chosen about a SQLite store. Begin with [`SqliteOptions::file`] or [`SqliteOptions::memory`].
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    pub location: Location,
    /// `true`: an answered call survives power loss. `false`: it survives the death of the process only.
    pub synchronous_full: bool,
    /// How many queries of callers may run at once. Reads of the engine have lanes of their own. Of no use in memory.
    pub readers: u32,
    /// How long one query of a caller may take. Of no use in memory.
    pub read_budget: Duration,
    /// How long to wait for locks that other programs hold (backups, the sqlite3 shell).
    pub busy_timeout: Duration,
    /// How many changes may wait for the writer; whoever comes later waits to be let in.
    pub queue: usize,
    /// Hears of every commit.
    pub meter: CommitMeter,
}

impl SqliteOptions {
    /// The defaults, in the file `path`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::at(Location::File(path.into()))
    }

    /// The defaults, in memory.
    pub fn memory() -> Self {
        Self::at(Location::Memory)
    }

    fn at(location: Location) -> Self {
        Self {
            location,
            synchronous_full: true,
            readers: 4,
            read_budget: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            queue: 1024,
            meter: CommitMeter::default(),
        }
    }
}
