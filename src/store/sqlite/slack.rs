//! Giving back what the file holds for nothing.
//!
//! What is removed leaves free pages, which what comes next fills again. If there are many, the writer moves the last pages of the file to
//! where free ones are, a few at a time, and the file becomes shorter (sqlite.org/pragma.html, `incremental_vacuum`). It does so only when
//! nobody else wants anything, so that whoever comes waits for one step at most. Files that were made without `auto_vacuum` stay as they are.

use super::open::Owned;
use crate::{model::Effect, store::Error};
use rusqlite::Connection;

/// So many free pages (4 MB) are always kept for what comes next.
const KEPT_PAGES: i64 = 1_000;
/// And one in so many of all pages.
const KEPT_PART: i64 = 10;
/// Pages that are given back in one transaction. Each may move one page and change two more.
const STEP: i64 = 32;
/// `PRAGMA auto_vacuum` of a file that can become shorter.
const INCREMENTAL: i64 = 2;

/// What the writer knows of it.
pub struct Slack {
    /// There may be many free pages.
    looks: bool,
    /// The log has steps that have not reached the file, which only then becomes shorter.
    unfinished: bool,
    /// What was last said about a step that failed, so that it is said once.
    trouble: Option<String>,
}

impl Slack {
    /// A file is looked at once, because the process before may have died before it was done.
    pub fn of(owned: &Owned) -> Self {
        Self { looks: owned.path.is_some(), unfinished: false, trouble: None }
    }

    /// What has been committed: whatever is gone leaves free pages. A database in memory has nobody to give them back to, and no idle moments.
    pub fn heard(&mut self, effects: &[Effect]) {
        self.looks |= effects.iter().any(|effect| matches!(effect, Effect::Gone { .. }));
    }

    /// Gives some pages back, unless there is no reason to; then it answers `false`, and nothing is run until something has been removed.
    pub fn step(&mut self, conn: &Connection) -> bool {
        if !self.looks {
            return false;
        }
        match self.try_step(conn) {
            Ok(more) => {
                self.looks = more;
                self.trouble = None;
            }
            Err(error) => {
                self.looks = false;
                let text = error.to_string();
                if self.trouble.as_ref() != Some(&text) {
                    tracing::warn!(%error, "free space of the file could not be given back; it is tried again after the next removal");
                }
                self.trouble = Some(text);
            }
        }
        self.looks
    }

    fn try_step(&mut self, conn: &Connection) -> Result<bool, Error> {
        let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (free, all) = (number("freelist_count")?, number("page_count")?);
        if free > KEPT_PAGES && free > all / KEPT_PART && number("auto_vacuum")? == INCREMENTAL {
            // Each row that it gives is a page; it is a transaction of its own.
            let mut vacuum = conn.prepare_cached(&format!("PRAGMA incremental_vacuum({STEP})"))?;
            let mut rows = vacuum.raw_query();
            while rows.next()?.is_some() {}
            self.unfinished = true;
            return Ok(true);
        }
        if std::mem::take(&mut self.unfinished) {
            conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(false)
    }
}
