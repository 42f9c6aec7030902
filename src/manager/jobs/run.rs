//! Carrying a job out, slice by slice.

use super::{
    super::Manager,
    KEPT_FAILURES, RETRY,
    apply::{Outcome, apply},
    request::{BulkAction, Request, Targets},
};
use crate::{
    model::{InstanceId, InstanceKey, Job, JobEnd, JobFailure, JobState, JobStep, JobWork, Timestamp},
    store::{self, Filter, Order, PageLimits, Place, Read, Walk},
};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// Instances in a slice.
const SLICE: usize = 50;
/// Instances in a slice of events, of which a crash may send some twice.
const SLICE_OF_EVENTS: usize = 10;
/// How many of a slice are worked on at a time.
const AT_ONCE: usize = 8;
/// The longest rest between two slices. Each is followed by one as long as it took.
const LONGEST_REST: Duration = Duration::from_millis(100);
/// How often a search that takes too long is repeated before the job fails.
const SEARCHES: usize = 10;

/// How far a job is, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The ids that are worked on, or about to be.
    pub slice: Vec<String>,
    /// Of a list: how many of it have been in a slice.
    pub taken: usize,
    /// Of a filter: when the last one that was looked at was created, and its key.
    pub after: Option<(i64, i64)>,
    /// No slice follows.
    pub last: bool,
}

/// Runs the job until it ends, is stopped or deleted, or the server leaves.
pub(super) async fn run(manager: Manager, work: JobWork) {
    let JobWork { job, request, position } = work;
    let read = || {
        let position = match position.as_str() {
            "" => Position::default(),
            text => serde_json::from_str(text)
                .map_err(|error| store::Error::Corrupt(format!("a bulk job's position: {error}")))?,
        };
        Ok::<_, store::Error>((Request::from_text(&request)?, position))
    };
    match read() {
        Ok((Request { action, targets }, position)) => {
            let runner = Runner { manager, job, action, targets };
            runner.run(position).await;
        }
        Err(error) => {
            tracing::error!(job = %job.id, %error, "a bulk job cannot be read");
            let end =
                JobEnd { state: JobState::Failed, at: manager.clock.now(), error: Some(error.to_string()) };
            if let Err(error) = manager.store.job_end(job.id.clone(), end).await {
                tracing::error!(job = %job.id, %error, "and its end could not be stored");
            }
        }
    }
}

struct Runner {
    manager: Manager,
    job: Job,
    action: BulkAction,
    targets: Targets,
}

impl Runner {
    async fn run(self, mut position: Position) {
        let jobs = &self.manager.jobs;
        // What was about to be done when somebody else stopped writing may have been done.
        let mut again = true;
        loop {
            let permit = tokio::select! {
                permit = jobs.slots.acquire() => permit,
                () = jobs.leaving.cancelled() => return,
            };
            let began = Instant::now();
            let mut step = self.work(&mut position.slice, again).await;
            again = false;
            let mut end = None;
            if position.slice.is_empty() && !position.last && !jobs.leaving.is_cancelled() {
                match self.next(&mut position).await {
                    Ok(()) => {}
                    Err(store::Error::Closed) => return,
                    Err(error) => {
                        tracing::error!(job = %self.job.id, %error, "a bulk job cannot go on");
                        end = Some(self.ended(JobState::Failed, Some(error.to_string())));
                    }
                }
            }
            if position.slice.is_empty() && position.last && end.is_none() {
                end = Some(self.ended(JobState::Completed, None));
            }
            // Numbers and text can always be written.
            step.position = serde_json::to_string(&position).unwrap_or_default();
            if !self.advance(step, end).await {
                return;
            }
            drop(permit);
            if self.manager.rest_from_jobs(began.elapsed().min(LONGEST_REST)).await {
                return;
            }
        }
    }

    /// Acts on the slice. What the server leaves undone stays in it.
    async fn work(&self, slice: &mut Vec<String>, again: bool) -> JobStep {
        let mut step = JobStep::default();
        let act = |id: String| async move {
            let instance = InstanceId::lookup(id.as_str());
            let outcome = apply(&self.manager, &self.job, &self.action, &instance, again).await;
            (id, outcome)
        };
        let mut outcomes = stream::iter(std::mem::take(slice)).map(act).buffered(AT_ONCE);
        while let Some((id, outcome)) = outcomes.next().await {
            match outcome {
                Outcome::Done => step.done += 1,
                Outcome::Skipped => step.skipped += 1,
                Outcome::Failed(why) => step.failures.push(JobFailure { instance: id, why }),
                Outcome::Cut => slice.push(id),
            }
        }
        step
    }

    /// Puts the next instances into the slice. None may be found, although some follow.
    async fn next(&self, position: &mut Position) -> Result<(), store::Error> {
        let rows = match self.action {
            BulkAction::RaiseEvent { .. } => SLICE_OF_EVENTS,
            _ => SLICE,
        };
        match &self.targets {
            Targets::Ids(ids) => {
                position.slice = ids.iter().skip(position.taken).take(rows).cloned().collect();
                position.taken += position.slice.len();
                position.last = position.taken >= ids.len();
            }
            Targets::Filter { filter, .. } => self.search(filter, rows, position).await?,
        }
        Ok(())
    }

    async fn search(
        &self,
        filter: &Filter,
        rows: usize,
        position: &mut Position,
    ) -> Result<(), store::Error> {
        let after = position.after.map(|(at, key)| Place::Key(Timestamp(at), InstanceKey(key)));
        let walk = Walk { after, ..Walk::first(Order::Created) };
        let limits = PageLimits { rows, bytes: usize::MAX, read: Read::FailureOnly };
        let mut searches = 1;
        let listed = loop {
            let page = self.manager.store.instance_list(self.job.hub, filter.clone(), walk.clone(), limits);
            match page.await {
                Err(store::Error::Busy(_) | store::Error::OverBudget(_)) if searches < SEARCHES => {
                    searches += 1;
                    if self.manager.rest_from_jobs(RETRY).await {
                        return Err(store::Error::Closed);
                    }
                }
                answered => break answered?,
            }
        };
        let own = |record: &crate::model::InstanceRecord| record.key <= self.job.newest;
        let records = listed.instances.into_iter().map(|(record, _)| record);
        position.slice = records.filter(own).map(|record| record.id.to_string()).collect();
        match listed.next.and_then(|walk| walk.after) {
            Some(Place::Key(at, key)) => position.after = Some((at.0, key.0)),
            _ => position.last = true,
        }
        Ok(())
    }

    fn ended(&self, state: JobState, error: Option<String>) -> JobEnd {
        JobEnd { state, at: self.manager.clock.now(), error }
    }

    /// Writes down how far it is, however long that takes. `false`: there is nothing more to do.
    async fn advance(&self, step: JobStep, end: Option<JobEnd>) -> bool {
        loop {
            let store = &self.manager.store;
            match store.job_advance(self.job.id.clone(), step.clone(), end.clone(), KEPT_FAILURES).await {
                Ok(true) => return true,
                Ok(false) => {
                    tracing::info!(job = %self.job.id, "a bulk job is over");
                    return false;
                }
                Err(store::Error::Closed) => return false,
                Err(error) => {
                    tracing::error!(job = %self.job.id, %error, "a bulk job's progress could not be stored; trying again");
                }
            }
            if self.manager.rest_from_jobs(RETRY).await {
                return false;
            }
        }
    }
}
