//! Copies of a whole database, and their way back.

use super::{
    check::{self, Depth, Report},
    lock::{beside, lock, unwritable},
    outside,
};
use crate::store::Error;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use std::path::{Path, PathBuf};

/// Pages that are copied between two reports of progress.
const PAGES: i32 = 2000;

/// What a copy is doing: how much of how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Pages are copied.
    Copy(u64, u64),
    /// Instances in the copy are checked.
    Check(u64, u64),
}

/// A copy that was made.
#[derive(Clone, Debug)]
pub struct Copied {
    pub bytes: u64,
    /// What was found in it: nothing about the file itself, or it would not have been kept.
    pub report: Report,
}

fn differ(from: &Path, to: &Path) -> Result<(), Error> {
    match (from.canonicalize(), to.canonicalize()) {
        (Ok(from), Ok(to)) if from == to => {
            Err(Error::Refused(format!("{} cannot be copied onto itself", from.display())))
        }
        _ => Ok(()),
    }
}

/// Writes a copy of the database `from`, as it is at one moment, to the file `to`. Whoever has it open goes on meanwhile. The copy is
/// checked before it gets its name.
pub fn backup(from: &Path, to: &Path, force: bool, progress: &mut dyn FnMut(Step)) -> Result<Copied, Error> {
    outside::free(to, force)?;
    differ(from, to)?;
    // Where nothing is, nobody can be in the way, and no lock needs to lie beside the copy.
    let lock = match to.exists() {
        true => Some(lock(to)?),
        false => None,
    };
    let copied = copy(from, to, progress);
    drop(lock);
    copied
}

/// Writes the database `from` to where a server will find it. Refused while one has `to` open. Nothing of what was there is left.
pub fn restore(from: &Path, to: &Path, force: bool, progress: &mut dyn FnMut(Step)) -> Result<Copied, Error> {
    // A link must go on leading to where it leads.
    let to = to.canonicalize().unwrap_or_else(|_| to.to_owned());
    outside::free(&to, force)?;
    differ(from, &to)?;
    let lock = lock(&to)?;
    let copied = copy(from, &to, progress);
    drop(lock);
    copied
}

fn copy(from: &Path, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<Copied, Error> {
    let source = outside::beside_others(from)?;
    let part = Part(beside(to, &format!(".{}.part", std::process::id())));
    let copied = part.fill(&source, to, progress);
    drop(source);
    let copied = copied?;
    // A log that belongs to another database would be taken for part of this one. It goes first: in between there is the old file
    // without what it had in its log, which was to be replaced anyway, but never the new one with it.
    for ending in ["-wal", "-shm", "-journal"] {
        let stale = beside(to, ending);
        match std::fs::remove_file(&stale) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unwritable(&stale, &error));
            }
            _ => {}
        }
    }
    outside::sync_directory(to)?;
    outside::put_in_place(&part.0, to)?;
    Ok(copied)
}

/// A copy that has no name of its own yet. What is left of it goes.
pub struct Part(pub PathBuf);

impl Part {
    fn fill(&self, source: &Connection, to: &Path, progress: &mut dyn FnMut(Step)) -> Result<Copied, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || Connection::open_with_flags(&self.0, flags).map_err(|error| unwritable(to, &error));
        let mut target = open()?;
        // Nobody reads it before it is complete; it is made durable as a whole.
        target.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(()))?;
        target.pragma_update(None, "synchronous", "off")?;
        // As long as this is open, all pages are those of one moment.
        let moment = source.unchecked_transaction()?;
        moment.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let copying = Backup::new(&moment, &mut target)?;
        loop {
            let step = copying.step(PAGES)?;
            let told = copying.progress();
            let pages = |count: i32| u64::try_from(count).unwrap_or(0);
            let all = pages(told.pagecount);
            progress(Step::Copy(all.saturating_sub(pages(told.remaining)), all));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(Error::Busy("the copy is locked by another program".to_owned())),
            }
        }
        drop(copying);
        moment.finish()?;
        target.close().map_err(|(_, error)| Error::from(error))?;
        let target = open()?;
        // One file that can be read anywhere, without a log beside it.
        target.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
        let report = check::all(&target, Depth::Pages, &mut |done, all| progress(Step::Check(done, all)))?;
        target.close().map_err(|(_, error)| Error::from(error))?;
        if let Some(damage) = report.damage() {
            return Err(Error::Refused(format!(
                "the copy was not kept, because what was copied is damaged: {}; durahub check tells more",
                damage.problem
            )));
        }
        let bytes = std::fs::metadata(&self.0).map_err(|error| unwritable(to, &error))?.len();
        Ok(Copied { bytes, report })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            // Mostly it has got its name and is not there any more.
            let _gone = std::fs::remove_file(beside(&self.0, ending));
        }
    }
}
