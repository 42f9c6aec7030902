//! Orchestrations over gRPC: what one operation is.

use super::{
    Figures, Workload,
    drive::{Lane, Sample, drive},
    functions,
    plan::{Limit, Plan},
    target::{Client, Target, told},
};
use crate::model::pb;
use std::time::{Duration, Instant};

/// Instances that one call purges.
const PURGED: usize = 100;
/// How many orchestrations at a time prepare what is purged or listed.
const PREPARED: u32 = 64;

/// Orchestrations from start to end.
pub async fn orchestrations(plan: &Plan, target: &Target, quiet: bool) -> Result<Figures, String> {
    let lane = |prefix| Orchestration {
        client: target.client(),
        prefix,
        name: match plan.workload {
            Workload::Fanout => functions::FAN_OUT,
            Workload::Timers => functions::TIMER,
            Workload::Suborchestrations => functions::PARENT,
            _ => functions::SEQUENCE,
        },
        input: plan.size.to_string(),
        rest: if plan.workload == Workload::Timers {
            Duration::from_millis(plan.size.into())
        } else {
            Duration::ZERO
        },
    };
    // The first one finds out whether anything works, and warms the connection up.
    lane(format!("{}-warm", target.run)).once(0).await?;
    let lanes = (0..plan.in_flight).map(|_| lane(target.run.clone())).collect();
    Ok(drive(plan, lanes, quiet).await.end(plan))
}

/// Orchestrations that get their events one after another.
pub async fn events(plan: &Plan, target: &Target, quiet: bool) -> Result<Figures, String> {
    let lanes = (0..plan.in_flight).map(|_| Events {
        client: target.client(),
        target: target.clone(),
        events: plan.size,
    });
    Ok(drive(plan, lanes.collect(), quiet).await.end(plan))
}

/// Makes finished instances, and measures how fast they go.
pub async fn purge(plan: &Plan, target: &Target, quiet: bool) -> Result<Figures, String> {
    prepare(target, plan.size, quiet).await?;
    let stored = u64::from(plan.size);
    let calls = stored.div_ceil(PURGED as u64);
    let lanes =
        (0..plan.in_flight).map(|_| Purge { client: target.client(), target: target.clone(), stored });
    let limited = Plan { limit: Limit::Count(calls), ..*plan };
    Ok(drive(&limited, lanes.collect(), quiet).await.end(plan))
}

/// Makes `stored` finished instances, numbered from 0.
pub async fn prepare(target: &Target, stored: u32, quiet: bool) -> Result<(), String> {
    let plan = Plan {
        workload: Workload::Sequence,
        in_flight: PREPARED,
        limit: Limit::Count(stored.into()),
        size: 0,
    };
    let lane = || Orchestration {
        client: target.client(),
        prefix: target.run.clone(),
        name: functions::SEQUENCE,
        input: "0".to_owned(),
        rest: Duration::ZERO,
    };
    let figures = drive(&plan, (0..PREPARED).map(|_| lane()).collect(), quiet).await.end(&plan);
    match figures.first_error {
        Some(error) => Err(format!("instances cannot be prepared: {error}")),
        None => Ok(()),
    }
}

struct Orchestration {
    client: Client,
    prefix: String,
    name: &'static str,
    input: String,
    /// How long it sleeps, which is no latency.
    rest: Duration,
}

impl Lane for Orchestration {
    async fn once(&mut self, number: u64) -> Result<Sample, String> {
        let begun = Instant::now();
        let instance_id = format!("{}-{number}", self.prefix);
        start(&mut self.client, instance_id.clone(), self.name, self.input.clone()).await?;
        wait(&mut self.client, instance_id).await?;
        Ok(Sample { latency: Some(begun.elapsed().saturating_sub(self.rest)), items: 1 })
    }
}

struct Events {
    client: Client,
    target: Target,
    events: u32,
}

impl Lane for Events {
    async fn once(&mut self, number: u64) -> Result<Sample, String> {
        let instance_id = self.target.id(number);
        start(&mut self.client, instance_id.clone(), functions::EVENTS, self.events.to_string()).await?;
        for _ in 0..self.events {
            let (instance_id, name, input) = (instance_id.clone(), "Bench".to_owned(), Some("1".to_owned()));
            let event = pb::RaiseEventRequest { instance_id, name, input };
            self.client.raise_event(event).await.map_err(told)?;
        }
        wait(&mut self.client, instance_id).await?;
        Ok(Sample::ONE)
    }
}

struct Purge {
    client: Client,
    target: Target,
    stored: u64,
}

impl Lane for Purge {
    async fn once(&mut self, number: u64) -> Result<Sample, String> {
        let first = number * PURGED as u64;
        let ids = (first..self.stored.min(first + PURGED as u64)).map(|number| self.target.id(number));
        let batch = pb::InstanceBatch { instance_ids: ids.collect() };
        let request = pb::PurgeInstancesRequest {
            request: Some(pb::purge_instances_request::Request::InstanceBatch(batch)),
            ..Default::default()
        };
        let answer = self.client.purge_instances(request).await.map_err(told)?.into_inner();
        Ok(Sample { latency: None, items: u64::try_from(answer.deleted_instance_count).unwrap_or(0) })
    }
}

async fn start(client: &mut Client, instance_id: String, name: &str, input: String) -> Result<(), String> {
    let request = pb::CreateInstanceRequest {
        instance_id,
        name: name.to_owned(),
        input: Some(input),
        ..Default::default()
    };
    client.start_instance(request).await.map(drop).map_err(told)
}

/// Waits for the end, which must be the right one.
async fn wait(client: &mut Client, instance_id: String) -> Result<(), String> {
    let request = pb::GetInstanceRequest { instance_id, get_inputs_and_outputs: true };
    let answer = client.wait_for_instance_completion(request).await.map_err(told)?.into_inner();
    let output = answer.orchestration_state.and_then(|state| state.output);
    match output.as_deref() {
        Some(functions::DONE) => Ok(()),
        other => Err(format!("an orchestration ended with {}", other.unwrap_or("nothing"))),
    }
}
