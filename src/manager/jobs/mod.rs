//! Bulk jobs: one action on many instances, carried out by the server itself at a gentle pace.
//!
//! A job is a row in the store. It survives whoever asked for it, and the server: after a restart it goes on from where it was. It
//! works in small slices, and each slice is written down before it is begun: what it has come to, and what is next, is one change. So a
//! crash repeats one slice at most, and what is repeated is recognised: a restart by an idempotency key that follows from job and
//! instance, a rewind by the revision it has left, everything else by the status it leads to. Only an event leaves nothing to recognise it
//! by, so after a crash in the middle of a slice some instances may be sent it twice; slices of events are the smallest.
//!
//! What a job acts on is fixed when it is made: later instances are none of its business, not even under the same id, and each is met once.
//! One that the action does not apply to, or that is gone, is skipped; what failed otherwise is kept with its reason.

mod apply;
mod request;
mod run;

pub use request::{Bulk, BulkAction, Targets};

use super::{Error, Manager};
use crate::model::{HubId, Job, JobEnd, JobFailure, JobState, JobWork, NewJob};
use request::Request;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// Most jobs that run at a time, of all hubs together.
const MOST_RUNNING: usize = 100;
/// Slices that are worked on at a time, of all jobs together; jobs take turns.
const SLICES_AT_ONCE: usize = 2;
/// How many ended jobs of a hub are kept.
const KEPT: usize = 200;
/// How many failures of a job are kept; all are counted.
const KEPT_FAILURES: usize = 1_000;
/// Pause after the store did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// The jobs that run in this process.
#[derive(Debug)]
pub(super) struct Jobs {
    tasks: TaskTracker,
    leaving: CancellationToken,
    slots: Semaphore,
}

impl Default for Jobs {
    fn default() -> Self {
        let slots = Semaphore::new(SLICES_AT_ONCE);
        Self { tasks: TaskTracker::new(), leaving: CancellationToken::new(), slots }
    }
}

impl Manager {
    /// Makes a job and begins with it. When this answers `Ok`, it is carried out, whatever happens. `Invalid`, `TooLarge`; `Crowded` if too
    /// many jobs run.
    pub async fn start_job(&self, hub: HubId, bulk: Bulk) -> Result<Job, Error> {
        let Bulk { action, targets, by } = bulk;
        self.check_action(&action)?;
        if self.jobs.tasks.len() >= MOST_RUNNING {
            return Err(Error::Crowded { running: MOST_RUNNING });
        }
        let now = self.clock.now();
        let (targets, filter, total) = match targets {
            Targets::Ids(ids) => {
                let ids = request::checked_ids(ids)?;
                let total = u64::try_from(ids.len()).ok();
                (Targets::Ids(ids), None, total)
            }
            Targets::Filter { text, filter } => {
                let filter = Box::new(request::bounded(*filter, now));
                // Only for show, so that a count which takes too long must not stand in the way.
                let total = self.count(hub, (*filter).clone()).await.ok().map(|counts| counts.total());
                (Targets::Filter { text: text.clone(), filter }, Some(text), total)
            }
        };
        let new = NewJob {
            id: Uuid::new_v4().simple().to_string(),
            hub,
            created_at: now,
            action: action.name().to_owned(),
            by,
            filter,
            reason: action.reason().map(str::to_owned),
            total,
            request: Request { action, targets }.to_text()?,
        };
        let request = new.request.clone();
        let job = self.store.job_create(new, KEPT).await?;
        tracing::info!(job = %job.id, action = %job.action, by = ?job.by, total = ?job.total, "a bulk job begins");
        self.carry_on(JobWork { job: job.clone(), request, position: String::new() });
        Ok(job)
    }

    /// The hub's jobs, the latest first: all that run, and those that ended last.
    pub async fn jobs(&self, hub: HubId) -> Result<Vec<Job>, Error> {
        Ok(self.store.job_list(hub, KEPT + MOST_RUNNING).await?)
    }

    /// One job, with the failures that are kept. `NoJob`.
    pub async fn job(&self, hub: HubId, id: &str) -> Result<(Job, Vec<JobFailure>), Error> {
        let job = self.find_job(hub, id).await?;
        let failures = self.store.job_failures(job.id.clone()).await?;
        Ok((job, failures))
    }

    /// Stops a job. What is under way at this moment is finished, and counted. `NoJob`, `JobEnded`.
    pub async fn stop_job(&self, hub: HubId, id: &str) -> Result<Job, Error> {
        let job = self.find_job(hub, id).await?;
        let end = JobEnd { state: JobState::Stopped, at: self.clock.now(), error: None };
        if !self.store.job_end(job.id.clone(), end).await? {
            return Err(Error::JobEnded { id: job.id });
        }
        tracing::info!(job = %job.id, "a bulk job was stopped");
        self.find_job(hub, id).await
    }

    /// Forgets a job that has ended. `NoJob`, `JobRuns`.
    pub async fn delete_job(&self, hub: HubId, id: &str) -> Result<(), Error> {
        let job = self.find_job(hub, id).await?;
        match self.store.job_delete(job.id.clone()).await? {
            true => Ok(()),
            false => Err(Error::JobRuns { id: job.id }),
        }
    }

    async fn find_job(&self, hub: HubId, id: &str) -> Result<Job, Error> {
        let found = self.store.job_get(hub, id.to_owned()).await?;
        found.ok_or_else(|| Error::NoJob { id: id.to_owned() })
    }

    /// Goes on with the jobs that a server before this one has left. To be called once, at the start.
    pub fn resume_jobs(&self) {
        let this = self.clone();
        self.jobs.tasks.spawn(async move {
            let left = loop {
                match this.store.job_running().await {
                    Ok(left) => break left,
                    Err(error) => tracing::error!(%error, "reading bulk jobs failed; trying again"),
                }
                if this.rest_from_jobs(RETRY).await {
                    return;
                }
            };
            for work in left {
                tracing::info!(job = %work.job.id, done = work.job.done, "a bulk job goes on");
                this.carry_on(work);
            }
        });
    }

    /// Lets every job finish what it has in its hands and write down how far it is. None begins anything after this.
    pub async fn leave_jobs(&self) {
        self.jobs.leaving.cancel();
        self.jobs.tasks.close();
        self.jobs.tasks.wait().await;
    }

    fn carry_on(&self, work: JobWork) {
        self.jobs.tasks.spawn(run::run(self.clone(), work));
    }

    /// Waits; `true`: the server is leaving.
    async fn rest_from_jobs(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => false,
            () = self.jobs.leaving.cancelled() => true,
        }
    }
}
