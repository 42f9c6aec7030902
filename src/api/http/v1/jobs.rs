//! `/api/v1/jobs`: actions on many instances, which the server carries out by itself.

use super::super::{Call, Error, answer, body, filter, signature};
use crate::{
    auth::{Caller, Operation},
    manager::{self, Bulk, BulkAction, Targets},
    model::{Job, JobFailure},
};
use axum::{body::Body, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a caller sends. A word that is not known is refused, because one that is dropped may ask for more than was meant.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    action: String,
    instance_ids: Option<Vec<String>>,
    filter: Option<String>,
    reason: Option<String>,
    event_name: Option<String>,
    event_data: Option<Box<RawValue>>,
    recursive: Option<bool>,
    restart_with_new_instance_id: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    action: String,
    task_hub: String,
    state: &'static str,
    created_time: String,
    ended_time: Option<String>,
    by: Option<String>,
    filter: Option<String>,
    reason: Option<String>,
    total: Option<u64>,
    done: u64,
    skipped: u64,
    failed: u64,
    error: Option<String>,
}

#[derive(Serialize)]
struct List {
    jobs: Vec<Row>,
}

#[derive(Serialize)]
struct WithFailures {
    #[serde(flatten)]
    row: Row,
    /// The number of them is in the place that lists have; here it is the failures themselves.
    failures: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    instance_id: String,
    why: String,
}

/// All that run and those that ended last. A task hub that does not exist has none.
pub async fn list(call: &Call) -> Result<Response, Error> {
    let jobs = match call.hub() {
        Ok(hub) => call.api.manager.jobs(hub).await?,
        Err(Error::Manager(manager::Error::UnknownHub { .. })) => Vec::new(),
        Err(other) => return Err(other),
    };
    Ok(answer::json(StatusCode::OK, &List { jobs: jobs.into_iter().map(|job| row(call, job)).collect() }))
}

/// One of them, with what failed.
pub async fn get(call: &Call, id: &str) -> Result<Response, Error> {
    let (job, failures) = call.api.manager.job(call.hub()?, id).await?;
    let failure = |JobFailure { instance, why }| Failure { instance_id: instance, why };
    let failures = failures.into_iter().map(failure).collect();
    Ok(answer::json(StatusCode::OK, &WithFailures { row: row(call, job), failures }))
}

/// 202 once it is stored; from then on it is carried out.
pub async fn start(call: &Call, body: Body) -> Result<Response, Error> {
    let bytes = body::read(body, &call.api.settings).await?;
    body::check_declared_json(&call.headers)?;
    let mut asked: Asked = body::object(&bytes)?;
    let targets = match (asked.instance_ids.take(), asked.filter.take()) {
        (Some(ids), None) => Targets::Ids(ids),
        (None, Some(text)) => Targets::Filter { filter: Box::new(filter::strict(&text)?), text },
        _ => return Err(Error::Invalid("give either instanceIds or filter, and not both".to_owned())),
    };
    let by_filter = matches!(targets, Targets::Filter { .. });
    call.note(|trail| {
        trail.about(&match &targets {
            Targets::Ids(ids) => format!("{} of {} ids", asked.action, ids.len()),
            Targets::Filter { text, .. } => format!("{} by filter {text}", asked.action),
        });
    });
    let action = action(asked)?;
    permitted(call, operation(action.name(), by_filter))?;
    let hub = call.hub()?;
    let signed = signature::is_asked(&call.api.settings.webhook_secrets, &call.api.manager.hub_name(hub));
    if signed && matches!(action, BulkAction::RaiseEvent { .. }) {
        return Err(Error::Invalid(
            "events of this task hub are signed one by one (setting hubs.webhook_secrets)".to_owned(),
        ));
    }
    let by = match &call.caller {
        Some(Caller::Key { name, .. }) => Some(name.to_string()),
        _ => None,
    };
    let job = call.api.manager.start_job(hub, Bulk { action, targets, by }).await?;
    call.note(|trail| trail.job(&job.id));
    Ok(answer::json(StatusCode::ACCEPTED, &row(call, job)))
}

/// Ends a running one; 409 if it has ended.
pub async fn stop(call: &Call, id: &str) -> Result<Response, Error> {
    call.note(|trail| trail.job(id));
    let hub = call.hub()?;
    permitted_for(call, &call.api.manager.job(hub, id).await?.0)?;
    let job = call.api.manager.stop_job(hub, id).await?;
    Ok(answer::json(StatusCode::OK, &row(call, job)))
}

/// Forgets an ended one; 409 while it runs.
pub async fn delete(call: &Call, id: &str) -> Result<Response, Error> {
    call.note(|trail| trail.job(id));
    let hub = call.hub()?;
    permitted_for(call, &call.api.manager.job(hub, id).await?.0)?;
    call.api.manager.delete_job(hub, id).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn row(call: &Call, job: Job) -> Row {
    Row {
        id: job.id,
        action: job.action,
        task_hub: call.api.manager.hub_name(job.hub),
        state: job.state.name(),
        created_time: job.created_at.to_string(),
        ended_time: job.ended_at.map(|at| at.to_string()),
        by: job.by,
        filter: job.filter,
        reason: job.reason,
        total: job.total,
        done: job.done,
        skipped: job.skipped,
        failed: job.failed,
        error: job.error,
    }
}

/// Reads the action. What has no meaning for it is refused.
fn action(asked: Asked) -> Result<BulkAction, Error> {
    let Asked { action, reason, event_name, event_data, recursive, restart_with_new_instance_id, .. } = asked;
    let word = action.as_str();
    for (name, given, fits) in [
        ("reason", reason.is_some(), matches!(word, "terminate" | "suspend" | "resume" | "rewind")),
        ("eventName", event_name.is_some(), word == "raiseEvent"),
        ("eventData", event_data.is_some(), word == "raiseEvent"),
        ("recursive", recursive.is_some(), matches!(word, "terminate" | "purge")),
        ("restartWithNewInstanceId", restart_with_new_instance_id.is_some(), word == "restart"),
    ] {
        if given && !fits {
            return Err(Error::Invalid(format!("{name} has no meaning for this action")));
        }
    }
    let recursive = recursive.unwrap_or(false);
    Ok(match word {
        "terminate" => BulkAction::Terminate { reason, recursive },
        "suspend" => BulkAction::Suspend { reason },
        "resume" => BulkAction::Resume { reason },
        "rewind" => BulkAction::Rewind { reason },
        "restart" => BulkAction::Restart { new_id: restart_with_new_instance_id.unwrap_or(true) },
        "raiseEvent" => {
            let data = Some(event_data.map_or_else(|| "null".to_owned(), |data| data.get().to_owned()));
            BulkAction::RaiseEvent { name: event_name.unwrap_or_default(), data }
        }
        "purge" => BulkAction::Purge { recursive },
        _ => {
            return Err(Error::Invalid(
                "action must be terminate, suspend, resume, rewind, restart, raiseEvent or purge".to_owned(),
            ));
        }
    })
}

/// What it takes to have this done: what it takes for one instance, except that to purge by filter takes what it takes elsewhere.
fn operation(action: &str, by_filter: bool) -> Operation {
    match action {
        "terminate" => Operation::Terminate,
        "suspend" => Operation::Suspend,
        "resume" => Operation::Resume,
        "rewind" => Operation::Rewind,
        "restart" => Operation::Restart,
        "raiseEvent" => Operation::RaiseEvent,
        "purge" if !by_filter => Operation::Purge,
        _ => Operation::PurgeMany,
    }
}

fn permitted_for(call: &Call, job: &Job) -> Result<(), Error> {
    permitted(call, operation(&job.action, job.filter.is_some()))
}

fn permitted(call: &Call, operation: Operation) -> Result<(), Error> {
    match call.caller.as_ref().is_some_and(|caller| caller.permits(operation)) {
        true => Ok(()),
        false => Err(Error::Forbidden),
    }
}
