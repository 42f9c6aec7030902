//! Signals to entities, from the first one sent until the last one is part of a state.

use crate::{
    report::{self, Tally},
    server::{Client, Server},
    worker,
};
use durahub::model::pb;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Keeps `in_flight` signals on their way to `entities` entities for `time`. Latencies are of the acknowledgement; the rate counts what was
/// applied.
pub async fn run(workload: &str, entities: usize, in_flight: usize, time: Duration) {
    let server = Server::start();
    let worker = tokio::spawn(worker::serve(server.client().await));
    let client = server.client().await;
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for lane in 0..in_flight {
        let mut client = client.clone();
        callers.spawn(async move {
            let (mut tally, mut next) = (Tally::default(), lane);
            while begin.elapsed() < time {
                let start = Instant::now();
                let instance_id = format!("@count@{}", next % entities);
                let signal =
                    pb::SignalEntityRequest { instance_id, name: "add".into(), ..Default::default() };
                client.signal_entity(signal).await.unwrap();
                tally.done(start);
                next += in_flight;
            }
            tally
        });
    }
    let mut tally = Tally::default();
    while let Some(caller) = callers.join_next().await {
        tally.merge(caller.unwrap());
    }
    while applied(&mut client.clone()).await < tally.latencies.len() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report::line(workload, tally, begin.elapsed());
    worker.abort();
}

/// The sum of all counts.
async fn applied(client: &mut Client) -> usize {
    let (mut sum, mut continuation_token) = (0, None);
    loop {
        let query = pb::EntityQuery {
            include_state: true,
            page_size: Some(1_000),
            continuation_token,
            ..Default::default()
        };
        let page = client
            .query_entities(pb::QueryEntitiesRequest { query: Some(query) })
            .await
            .unwrap()
            .into_inner();
        let counts = page.entities.iter().filter_map(|entity| entity.serialized_state.as_ref());
        sum += counts.map(|count| count.parse::<usize>().unwrap()).sum::<usize>();
        continuation_token = page.continuation_token;
        if continuation_token.is_none() {
            return sum;
        }
    }
}
