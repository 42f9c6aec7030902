//! The audit log: who asked, from where, for what, and what came of it. One record for each call that would change something, made or
//! not, and one for each call that was refused. No payload, no key and no link is ever in it.
//!
//! Records go to the tracing target `audit` at the level of `debug`, and to a file if the settings name one. The edges make them
//! (`api/audit`); nothing here knows HTTP or gRPC. What always holds of the file: whoever has got an answer to a call finds the call in it,
//! unless writing failed, and then the log says so loudly and the file says how many are missing.
#![warn(missing_docs)]

mod file;

use crate::{clock::Clock, model::Timestamp};
use file::File;
use serde::Serialize;
use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::oneshot;

/// Refusals of callers whom nobody knows, a second: more are counted and not written, since anybody can cause them.
const STRANGERS_A_SECOND: u64 = 100;
const SECOND: i64 = 1_000_000;

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// The caller may not.
    Refused,
    /// The caller may, and it was not done all the same.
    Failed,
    /// The caller left before the answer. Perhaps it was done.
    Unknown,
}

/// One call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// When it ended.
    #[serde(serialize_with = "as_text")]
    pub time: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// The status of the answer: a number for HTTP, a name for gRPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `http` or `grpc`.
    pub via: &'static str,
    /// What was asked for: the operation, the route or the rpc.
    pub call: String,
    /// `key`, `link`, `signature`, `local`, `anyone`, or `nobody` for a caller who showed nothing that is known.
    pub caller: &'static str,
    /// The name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The role of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// The address of the caller, or of the proxy before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The address that a trusted proxy names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_for: Option<String>,
    /// The task hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// The instance or entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The instance that came of it, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// The bulk job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Of calls on many: how they were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The request's `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Refusals of strangers before this one that were not written, because there were too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

fn as_text<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

/// Where records go. Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    file: Option<File>,
    strangers: Mutex<Strangers>,
    clock: Arc<dyn Clock>,
}

/// How many refusals of strangers there were in the second that `since` is in.
#[derive(Default)]
struct Strangers {
    second: i64,
    written: u64,
    left_out: u64,
}

impl Strangers {
    /// Whether one more may be written, and how many were not since the last that was.
    fn one_more(&mut self, now: Timestamp) -> Option<u64> {
        let second = now.0.div_euclid(SECOND);
        if second != self.second {
            (self.second, self.written) = (second, 0);
        }
        if self.written == STRANGERS_A_SECOND {
            self.left_out += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

impl Audit {
    /// With a file, which is made if it is not there, or without.
    pub fn open(path: Option<&Path>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = path.map(|path| File::open(path, clock.clone())).transpose()?;
        Ok(Self(Arc::new(Inner { file, strangers: Mutex::default(), clock })))
    }

    /// Whether anybody reads it; if not, nothing needs to be put together.
    pub fn is_on(&self) -> bool {
        self.0.file.is_some() || tracing::enabled!(target: "audit", tracing::Level::DEBUG)
    }

    /// The time for a record.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Writes a record. What comes back, if anything, is to be waited for before the caller is answered: then the file has it.
    pub fn write(&self, mut record: Record) -> Option<oneshot::Receiver<()>> {
        if record.caller == "nobody" {
            let mut strangers = self.0.strangers.lock().unwrap_or_else(PoisonError::into_inner);
            record.left_out = Some(strangers.one_more(record.time)?).filter(|count| *count > 0);
        }
        tracing::debug!(
            target: "audit",
            outcome = ?record.outcome,
            status = record.status,
            via = record.via,
            call = record.call,
            caller = record.caller,
            key = record.key,
            role = record.role,
            from = record.from,
            forwarded_for = record.forwarded_for,
            hub = record.hub,
            instance.id = record.instance,
            made = record.made,
            job = record.job,
            about = record.about,
            request.id = record.request,
            left_out = record.left_out,
            "call"
        );
        let file = self.0.file.as_ref()?;
        let mut line = serde_json::to_vec(&record).expect("a record is plain data");
        line.push(b'\n');
        Some(file.append(line))
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("file", &self.0.file.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_fill_no_disk_and_are_counted() {
        let mut strangers = Strangers::default();
        let at = |second: i64| Timestamp(second * SECOND + 7);
        for _ in 0..STRANGERS_A_SECOND {
            assert_eq!(strangers.one_more(at(1)), Some(0));
        }
        for _ in 0..5 {
            assert_eq!(strangers.one_more(at(1)), None);
        }
        assert_eq!(strangers.one_more(at(2)), Some(5));
        assert_eq!(strangers.one_more(at(2)), Some(0));
    }
}
