//! Bulk jobs in memory.

use crate::model::{HubId, InstanceKey, Job, JobEnd, JobFailure, JobState, JobStep, NewJob};

/// Jobs in the order they were made, with their failures.
#[derive(Default)]
pub struct Jobs(Vec<(Job, Vec<JobFailure>)>);

impl Jobs {
    pub fn create(&mut self, new: NewJob, newest: InstanceKey) -> Job {
        let NewJob { id, hub, created_at, action, by, filter, reason, total, .. } = new;
        let (done, skipped, failed, error, ended_at, state) = (0, 0, 0, None, None, JobState::Running);
        let job = Job {
            id,
            hub,
            created_at,
            ended_at,
            state,
            action,
            by,
            filter,
            reason,
            total,
            done,
            skipped,
            failed,
            error,
            newest,
        };
        self.0.push((job.clone(), Vec::new()));
        job
    }

    /// The last one first.
    pub fn list(&self, hub: HubId) -> Vec<Job> {
        self.0.iter().rev().map(|(job, _)| job).filter(|job| job.hub == hub).cloned().collect()
    }

    /// Of a job that exists.
    pub fn failures(&self, id: &str) -> Vec<JobFailure> {
        self.0.iter().find(|(job, _)| job.id == id).map(|(_, failures)| failures.clone()).unwrap()
    }

    /// Whether it goes on.
    pub fn advance(&mut self, id: &str, step: JobStep, end: Option<JobEnd>) -> bool {
        let Some((job, failures)) = self.0.iter_mut().find(|(job, _)| job.id == id) else { return false };
        job.done += step.done;
        job.skipped += step.skipped;
        job.failed += step.failures.len() as u64;
        failures.extend(step.failures);
        if let Some(end) = end.filter(|_| job.state == JobState::Running) {
            (job.state, job.ended_at, job.error) = (end.state, Some(end.at), end.error);
        }
        job.state == JobState::Running
    }

    /// Whether it was running.
    pub fn end(&mut self, id: &str, end: JobEnd) -> bool {
        let was_running = self.0.iter().any(|(job, _)| job.id == id && job.state == JobState::Running);
        self.advance(id, JobStep::default(), Some(end));
        was_running
    }

    /// Whether it was there, and over.
    pub fn delete(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(job, _)| job.id != id || job.state == JobState::Running);
        self.0.len() < before
    }
}
