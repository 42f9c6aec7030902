//! Signals to entities, from the first one sent until the last one is part of a state.

use super::{
    Figures,
    drive::{Lane, Sample, drive},
    functions::COUNTER,
    plan::Plan,
    target::{Client, Target, told},
};
use crate::model::pb;
use std::time::{Duration, Instant};

/// How often is looked whether everything has been applied, and how long that may take without progress.
const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

/// The rate counts what was applied; latencies are of the acknowledgement.
pub async fn signals(plan: &Plan, target: &Target, quiet: bool) -> Result<Figures, String> {
    let prefix = format!("@{COUNTER}@{}", target.run);
    let lane = || Signals { client: target.client(), prefix: prefix.clone(), entities: plan.size.into() };
    let driven = drive(plan, (0..plan.in_flight).map(|_| lane()).collect(), quiet).await;
    let mut client = target.client();
    let (mut before, mut since) = (0, Instant::now());
    loop {
        let applied = applied(&mut client, &prefix).await?;
        if applied >= driven.count() {
            return Ok(driven.end(plan));
        }
        if applied > before {
            (before, since) = (applied, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            return Err(format!(
                "{applied} of {} signals were applied, and then none for a minute",
                driven.count()
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}

struct Signals {
    client: Client,
    prefix: String,
    entities: u64,
}

impl Lane for Signals {
    async fn once(&mut self, number: u64) -> Result<Sample, String> {
        let instance_id = format!("{}-{}", self.prefix, number % self.entities);
        let signal = pb::SignalEntityRequest { instance_id, name: "add".into(), ..Default::default() };
        self.client.signal_entity(signal).await.map_err(told)?;
        Ok(Sample::ONE)
    }
}

/// The sum of all counts.
async fn applied(client: &mut Client, prefix: &str) -> Result<u64, String> {
    let (mut sum, mut continuation_token) = (0, None);
    loop {
        let query = pb::EntityQuery {
            instance_id_starts_with: Some(prefix.to_owned()),
            include_state: true,
            page_size: Some(1_000),
            continuation_token,
            ..Default::default()
        };
        let request = pb::QueryEntitiesRequest { query: Some(query) };
        let page = client.query_entities(request).await.map_err(told)?.into_inner();
        let states = page.entities.iter().filter_map(|entity| entity.serialized_state.as_ref());
        sum += states.filter_map(|state| state.parse::<u64>().ok()).sum::<u64>();
        continuation_token = page.continuation_token.filter(|token| !token.is_empty());
        if continuation_token.is_none() {
            return Ok(sum);
        }
    }
}
