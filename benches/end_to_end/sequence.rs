//! Orchestrations that call activities one after another, from start to completed.

use crate::{
    report::{self, Tally},
    server::{Client, Server},
    worker,
};
use durahub::model::pb;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Keeps `in_flight` orchestrations of `activities` steps going for `time`.
pub async fn run(workload: &str, activities: u32, in_flight: u32, time: Duration) {
    let server = Server::start();
    let worker = tokio::spawn(worker::serve(server.client().await));
    let client = server.client().await;
    one(&mut client.clone(), activities).await;
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..in_flight {
        let mut client = client.clone();
        callers.spawn(async move {
            let mut tally = Tally::default();
            while begin.elapsed() < time {
                let start = Instant::now();
                one(&mut client, activities).await;
                tally.done(start);
            }
            tally
        });
    }
    let mut tally = Tally::default();
    while let Some(caller) = callers.join_next().await {
        tally.merge(caller.unwrap());
    }
    report::line(workload, tally, begin.elapsed());
    worker.abort();
}

async fn one(client: &mut Client, activities: u32) {
    let input = Some(activities.to_string());
    let start = pb::CreateInstanceRequest { name: "Sequence".into(), input, ..Default::default() };
    let instance_id = client.start_instance(start).await.unwrap().into_inner().instance_id;
    let wait = pb::GetInstanceRequest { instance_id, get_inputs_and_outputs: true };
    let done = client.wait_for_instance_completion(wait).await.unwrap().into_inner();
    assert_eq!(done.orchestration_state.unwrap().output.as_deref(), Some("\"done\""));
}
