//! One action on one instance of a job.

use super::{
    super::{Error, IdempotencyKey, Manager, Restart, Under},
    RETRY,
    request::BulkAction,
};
use crate::{
    model::{InstanceId, Job, Status, StatusExt as _},
    store,
};
use sha2::{Digest as _, Sha256};

/// How often an action is tried while the store is too busy for it.
const TRIES: usize = 5;

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// The action does not apply to it, or it is gone.
    Skipped,
    /// Why not.
    Failed(String),
    /// The server is leaving; nothing was done.
    Cut,
}

/// Acts on the instance. `again`: a crash may have come after this was done already.
pub(super) async fn apply(
    manager: &Manager,
    job: &Job,
    action: &BulkAction,
    id: &InstanceId,
    again: bool,
) -> Outcome {
    let mut tries = 1;
    loop {
        if manager.jobs.leaving.is_cancelled() {
            return Outcome::Cut;
        }
        let error = match once(manager, job, action, id, again).await {
            Ok(outcome) => return outcome,
            Err(error) => error,
        };
        match error {
            Error::NotFound(_)
            | Error::AlreadyEnded { .. }
            | Error::WrongState { .. }
            | Error::AlreadyExists { .. }
            | Error::Overtaken { .. } => return Outcome::Skipped,
            Error::Store(store::Error::Closed) => return Outcome::Cut,
            // A job takes what room there is, however long that lasts.
            Error::Overloaded { again, .. } => {
                manager.rest_from_jobs(again).await;
            }
            Error::DiskLow { .. }
            | Error::Store(store::Error::Busy(_) | store::Error::Full(_) | store::Error::OverBudget(_))
                if tries < TRIES =>
            {
                tries += 1;
                manager.rest_from_jobs(RETRY).await;
            }
            other => return Outcome::Failed(other.to_string()),
        }
    }
}

async fn once(
    manager: &Manager,
    job: &Job,
    action: &BulkAction,
    id: &InstanceId,
    again: bool,
) -> Result<Outcome, Error> {
    let hub = job.hub;
    let Some(found) = manager.get(hub, id, false).await? else {
        let purged = again && matches!(action, BulkAction::Purge { .. });
        return Ok(if purged { Outcome::Done } else { Outcome::Skipped });
    };
    if found.record.key > job.newest {
        // Somebody has made it since, if it was not this job itself.
        let own =
            again && matches!(action, BulkAction::Restart { .. }) && has_restarted(manager, job, id).await?;
        return Ok(if own { Outcome::Done } else { Outcome::Skipped });
    }
    if again && has_come_about(manager, job, action, id, found.record.status).await? {
        return Ok(Outcome::Done);
    }
    match action.clone() {
        BulkAction::Terminate { reason, recursive } => manager.terminate(hub, id, reason, recursive).await?,
        BulkAction::Suspend { reason } => manager.suspend(hub, id, reason).await?,
        BulkAction::Resume { reason } => manager.resume(hub, id, reason).await?,
        BulkAction::Rewind { reason } => manager.rewind(hub, id, reason).await?,
        BulkAction::Restart { new_id } => {
            let under = if new_id { Under::MadeUp } else { Under::Same };
            let key = Some(IdempotencyKey::parse(&restart_key(job, id))?);
            let restart = Restart { under, ended_only: true, key, ..Restart::default() };
            drop(manager.restart(hub, id, restart).await?);
        }
        BulkAction::RaiseEvent { name, data } => manager.raise_event(hub, id, &name, data).await?,
        BulkAction::Purge { recursive: true } => drop(manager.purge_tree(hub, id).await?),
        BulkAction::Purge { recursive: false } => manager.purge(hub, id).await?,
    }
    Ok(Outcome::Done)
}

/// Whether what the action leads to is there already.
async fn has_come_about(
    manager: &Manager,
    job: &Job,
    action: &BulkAction,
    id: &InstanceId,
    status: Status,
) -> Result<bool, Error> {
    Ok(match action {
        BulkAction::Terminate { .. } => status == Status::Terminated,
        BulkAction::Suspend { .. } => status == Status::Suspended,
        BulkAction::Resume { .. } => status != Status::Suspended && !status.is_terminal(),
        // It may have failed again since.
        BulkAction::Rewind { .. } => {
            let revisions = manager.revisions(job.hub, id).await?;
            revisions.last().is_some_and(|latest| latest.rewound_at >= job.created_at)
        }
        BulkAction::Restart { .. } | BulkAction::RaiseEvent { .. } | BulkAction::Purge { .. } => false,
    })
}

/// Whether this job has put a new instance in the place of this one.
async fn has_restarted(manager: &Manager, job: &Job, id: &InstanceId) -> Result<bool, Error> {
    let valid_from = manager.clock.now().minus(manager.limits.idempotency);
    let found = manager.store.idempotency_get(job.hub, restart_key(job, id), valid_from).await?;
    Ok(found.is_some())
}

/// A key has a narrow alphabet and a length, an id has neither.
fn restart_key(job: &Job, id: &InstanceId) -> String {
    let digest = Sha256::digest(id.as_str());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("job-{}-{hex}", job.id)
}
