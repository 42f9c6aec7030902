//! `GET /api/v1/statistics`: how long things take, and when they fail.

use super::{
    super::{Call, Error, answer, filter},
    known_hub,
};
use crate::manager::{Durations, FailedByHour, Statistics};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    durations: Vec<Duration>,
    failures_by_hour: Vec<Failed>,
    activities: Vec<Activity>,
    looked_at: usize,
    more: bool,
    sampled_histories: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Duration {
    name: String,
    count: usize,
    failed: usize,
    p50_ms: i64,
    p95_ms: i64,
    p99_ms: i64,
    max_ms: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    name: String,
    count: usize,
    failed: usize,
    p50_ms: i64,
    p99_ms: i64,
    max_ms: i64,
    example_instance_id: String,
}

#[derive(Serialize)]
struct Failed {
    /// `other`: those without a row of their own.
    name: String,
    hours: Vec<Hour>,
}

#[derive(Serialize)]
struct Hour {
    hour: String,
    count: u64,
}

/// The filters are those of a list.
pub async fn statistics(call: &Call) -> Result<Response, Error> {
    let filter = filter::asked(&call.query)?;
    let statistics = match known_hub(call)? {
        Some(hub) => call.api.manager.statistics(hub, filter).await?,
        None => Statistics::default(),
    };
    let Statistics { durations, failures, activities, looked_at, more, sampled } = statistics;
    let body = Body {
        durations: durations.into_iter().map(Duration::from).collect(),
        failures_by_hour: failures.into_iter().map(Failed::from).collect(),
        activities: activities.into_iter().map(Activity::from).collect(),
        looked_at,
        more,
        sampled_histories: sampled,
    };
    Ok(answer::json(StatusCode::OK, &body))
}

impl From<Durations> for Duration {
    fn from(took: Durations) -> Self {
        let Durations { name, count, failed, p50, p95, p99, max, example: _ } = took;
        Self { name, count, failed, p50_ms: p50, p95_ms: p95, p99_ms: p99, max_ms: max }
    }
}

impl From<Durations> for Activity {
    fn from(took: Durations) -> Self {
        let Durations { name, count, failed, p50, p95: _, p99, max, example } = took;
        let example_instance_id = example.to_string();
        Self { name, count, failed, p50_ms: p50, p99_ms: p99, max_ms: max, example_instance_id }
    }
}

impl From<FailedByHour> for Failed {
    fn from(FailedByHour { name, hours }: FailedByHour) -> Self {
        let hours = hours.into_iter().map(|(hour, count)| Hour { hour: hour.to_string(), count });
        Self { name: name.unwrap_or_else(|| "other".to_owned()), hours: hours.collect() }
    }
}
