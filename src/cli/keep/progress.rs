//! How far something is, on one line of a terminal that is written over. Where nobody watches nothing is said.

use crate::store::sqlite::Step;
use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// How often the line changes at most.
const EVERY: Duration = Duration::from_millis(100);

/// One line on standard error.
pub struct Progress {
    watched: bool,
    shown: Option<Instant>,
}

impl Progress {
    /// Shows nothing yet.
    pub fn begin() -> Self {
        Self { watched: std::io::stderr().is_terminal(), shown: None }
    }

    /// A copy is so far.
    pub fn copy(&mut self, step: Step) {
        match step {
            Step::Copy(done, all) => self.show("copying pages", done, all),
            Step::Check(done, all) => self.show("checking instances", done, all),
        }
    }

    /// So much of so much has been done.
    pub fn show(&mut self, what: &str, done: u64, all: u64) {
        if !self.watched || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        self.write(&format!("\r\x1b[K{what}: {done} of {all}"));
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if self.shown.take().is_some() {
            self.write("\r\x1b[K");
        }
    }

    fn write(&self, text: &str) {
        // Whoever closes his terminal does not want to know.
        let mut err = std::io::stderr().lock();
        let _closed = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}
