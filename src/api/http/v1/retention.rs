//! `GET /api/v1/retention` and `/retention/preview`: what is removed some time after its end, and what would be now.

use super::{
    super::{Call, Error, answer},
    known_hub,
    search::top,
};
use crate::{
    engine::retention::Rule,
    manager::{Previewed, RuleState},
    model::{Short, StatusExt as _},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

/// How many instances a preview shows if nobody says.
const SHOWN: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    every_secs: u64,
    per_second: u32,
    rules: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    number: usize,
    rule: String,
    removed: u64,
    running: bool,
    /// Absent: none has come to its end.
    last_pass: Option<LastPass>,
    /// Absent: nothing is to be removed unless something ends.
    next_pass: Option<String>,
    trouble: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastPass {
    began: String,
    seconds: f64,
    removed: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    rule: String,
    at: String,
    count: u64,
    more: bool,
    instances: Vec<Going>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Going {
    task_hub: String,
    instance_id: String,
    name: String,
    runtime_status: &'static str,
    created_time: String,
    completed_time: Option<String>,
    /// The instance that it goes with, whose sub-orchestration it is, or one of those.
    goes_with: Option<String>,
}

/// The rules for the hub, and what has come of them since the server started.
pub fn rules(call: &Call) -> Result<Response, Error> {
    let (plan, states) = call.api.manager.retention();
    let hub = known_hub(call)?.map(|hub| call.api.manager.hub_name(hub));
    let row = |(number, (rule, state)): (usize, (&Rule, RuleState))| Row {
        number,
        rule: rule.to_string(),
        removed: state.removed,
        running: state.running,
        last_pass: state.last.map(|last| LastPass {
            began: last.began.to_string(),
            seconds: last.took.as_secs_f64(),
            removed: last.removed,
        }),
        next_pass: state.next.map(|at| at.to_string()),
        trouble: state.trouble,
    };
    let here = |(_, (rule, _)): &(usize, (&Rule, _))| hub.as_ref().is_some_and(|hub| rule.covers(hub));
    let rules = plan.rules.iter().zip(states).enumerate().filter(here).map(row).collect();
    let body = Body { every_secs: plan.every.as_secs(), per_second: plan.per_second, rules };
    Ok(answer::json(StatusCode::OK, &body))
}

/// What a rule would remove in the hub if it were carried out now. Nothing is.
pub async fn preview(call: &Call) -> Result<Response, Error> {
    let number = number(call)?;
    let manager = &call.api.manager;
    let preview = manager.preview_retention(call.hub()?, number, top(&call.query)?.unwrap_or(SHOWN)).await?;
    let going = |Previewed { hub, record, with }: Previewed| Going {
        task_hub: hub,
        instance_id: record.id.to_string(),
        name: record.name.to_string(),
        runtime_status: record.status.name(),
        created_time: record.created_at.to_string(),
        completed_time: record.completed_at.map(|at| at.to_string()),
        goes_with: with.map(|id| id.to_string()),
    };
    let rule = manager.retention().0.rules[number].to_string();
    let (at, count, more) = (preview.at.to_string(), preview.count, preview.more);
    let instances = preview.instances.into_iter().map(going).collect();
    Ok(answer::json(StatusCode::OK, &Preview { rule, at, count, more, instances }))
}

/// Which rule is asked about: its place, from 0 on; the first one if nobody says.
fn number(call: &Call) -> Result<usize, Error> {
    match call.query.word("rule") {
        None => Ok(0),
        Some(word) => word
            .parse()
            .map_err(|_| Error::Invalid(format!("rule must be a number from 0 on, not {:?}", Short(word)))),
    }
}
