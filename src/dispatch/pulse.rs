//! Whether dispatch gets anywhere. A server can answer every question and bring nothing forward: because nothing it decides can be stored
//! (a full disk, say), or because something that should always run has ended. Readiness asks here.

use crate::{model::Timestamp, store::Error};
use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::task::AbortHandle;

/// How long nothing may be stored before that is told.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a failure is told after the last one: perhaps nothing has been tried since.
const MEMORY: Duration = Duration::from_secs(60);

/// What was tried, and what runs.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Since the last change that was stored.
    failing: Mutex<Option<Failing>>,
    loops: OnceLock<Vec<(&'static str, AbortHandle)>>,
}

#[derive(Debug)]
struct Failing {
    since: Timestamp,
    last: Timestamp,
    error: String,
}

impl Pulse {
    /// From now on these have to run until the server stops.
    pub fn watch(&self, loops: Vec<(&'static str, AbortHandle)>) {
        // Called once, when dispatch starts.
        drop(self.loops.set(loops));
    }

    /// How it went to store a change.
    pub fn tried<T>(&self, outcome: &Result<T, Error>, now: Timestamp) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match (outcome, failing.as_mut()) {
            // That somebody else was faster says nothing about the store.
            (Err(Error::Fenced), _) | (Ok(_), None) => {}
            (Ok(_), Some(Failing { since, .. })) => {
                tracing::info!(%since, "changes are stored again");
                *failing = None;
            }
            (Err(error), Some(known)) => (known.last, known.error) = (now, error.to_string()),
            (Err(error), None) => {
                *failing = Some(Failing { since: now, last: now, error: error.to_string() });
            }
        }
    }

    /// What does not go on, each in a few words.
    pub fn missing(&self, now: Timestamp) -> Vec<String> {
        let mut missing = Vec::new();
        if let Some(Failing { since, last, error }) =
            &*self.failing.lock().unwrap_or_else(PoisonError::into_inner)
            && since.until(now) >= PATIENCE
            && last.until(now) <= MEMORY
        {
            missing.push(format!("no change of an instance could be stored since {since}: {error}"));
        }
        let ended = self.loops.get().into_iter().flatten().filter(|(_, task)| task.is_finished());
        missing.extend(
            ended.map(|(what, _)| format!("what {what} has ended; the server must be started again")),
        );
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    fn full() -> Result<(), Error> {
        Err(Error::Full("no space left".into()))
    }

    #[test]
    fn failures_are_told_when_they_last_and_until_something_is_stored() {
        let pulse = Pulse::default();
        pulse.tried(&full(), at(100));
        assert!(pulse.missing(at(109)).is_empty(), "it may have been once");
        pulse.tried(&full(), at(110));
        let told = pulse.missing(at(111));
        assert!(
            told.len() == 1 && told[0].contains("no space left") && told[0].contains(&at(100).to_string())
        );
        pulse.tried::<()>(&Err(Error::Fenced), at(112));
        assert_eq!(pulse.missing(at(112)).len(), 1);
        pulse.tried(&Ok(()), at(113));
        assert!(pulse.missing(at(113)).is_empty());
    }

    #[test]
    fn a_failure_after_which_nothing_was_tried_is_forgotten() {
        let pulse = Pulse::default();
        pulse.tried(&full(), at(100));
        assert_eq!(pulse.missing(at(130)).len(), 1);
        assert!(pulse.missing(at(161)).is_empty());
    }

    #[tokio::test]
    async fn a_loop_that_has_ended_is_told() {
        let pulse = Pulse::default();
        let task = tokio::spawn(std::future::pending::<()>());
        pulse.watch(vec![("keeps time", task.abort_handle())]);
        assert!(pulse.missing(at(0)).is_empty());
        task.abort();
        assert!(task.await.is_err());
        assert_eq!(pulse.missing(at(0)), ["what keeps time has ended; the server must be started again"]);
    }
}
