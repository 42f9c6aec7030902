//! A program with its own durable functions: no separate server, no worker process.
//!
//! ```sh
//! cargo run --example embedded_order
//! ```
//!
//! Starts one order, approves it from the same program, and prints the result. Meanwhile the server listens as always, so SDKs and
//! curl can talk to it, too. The data is kept in memory here; a file would outlive the program.

use durahub::{
    config::{Config, StoreUrl},
    manager::{Start, WaitFor},
    server::Server,
    workers::embedded::{
        ActivityContext, OrchestrationContext, Registry, RetryPolicy, TaskError, future::try_join_all,
    },
};
use serde::{Deserialize, Serialize};
use std::{error::Error, net::SocketAddr, time::Duration};

#[derive(Deserialize, Serialize)]
struct Order {
    customer: String,
    items: Vec<String>,
}

#[derive(Serialize)]
struct Receipt {
    total: u64,
    payment: String,
}

/// Prices all items at once; large orders need the event `Approval` within a minute; pays, and tries again if that fails.
async fn order(ctx: OrchestrationContext, order: Order) -> Result<Receipt, TaskError> {
    let prices = order.items.iter().map(|item| ctx.activity::<u64>("PriceOf", item));
    let total = try_join_all(prices).await?.iter().sum();
    if total > 50 {
        ctx.set_custom_status("waiting for approval");
        match ctx.event("Approval").timeout(Duration::from_secs(60)).await? {
            Some(true) => ctx.set_custom_status("approved"),
            Some(false) => return Err(TaskError::new("Declined", format!("{total} is too much"))),
            None => return Err(TaskError::new("Declined", "nobody decided in time")),
        }
    }
    let patience = RetryPolicy::new(5, Duration::from_secs(1)).backoff(2.0);
    let payment = ctx.activity("Pay", &total).retry(patience).await?;
    ctx.log(format_args!("{} has paid {total}", order.customer));
    Ok(Receipt { total, payment })
}

async fn price_of(item: String) -> Result<u64, TaskError> {
    match item.len() {
        0 => Err(TaskError::new("NoSuchItem", "an item needs a name").non_retriable()),
        letters => Ok(5 * letters as u64),
    }
}

/// An activity runs at least once: after a crash it may run again, with the same task id. That makes a key by which a payment
/// service recognises the repetition.
async fn pay(ctx: ActivityContext, total: u64) -> Result<String, TaskError> {
    Ok(format!("{total} paid, key {}/{}", ctx.instance_id(), ctx.task_id()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let functions =
        Registry::new().orchestrator("Order", order).activity("PriceOf", price_of).activity("Pay", pay);

    let mut config = Config::default();
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.store.url = StoreUrl::Memory;
    let server = Server::start(&config, functions).await?;
    println!("listening on {}", server.url());

    let manager = server.manager();
    let hub = manager.hub(None)?;
    let input = Order { customer: "Ada".into(), items: vec!["train ticket".into(), "hotel".into()] };
    let start = Start {
        name: "Order".into(),
        id: Some("order-1".into()),
        input: Some(serde_json::to_string(&input)?),
        ..Start::default()
    };
    let started = manager.start(hub, start).await?;
    println!("started {}", started.id);

    // An event may come before anybody waits for it; it is kept.
    manager.raise_event(hub, &started.id, "Approval", Some("true".into())).await?;

    let ended = manager.wait(hub, &started.id, WaitFor::End, true).await?;
    let ended = ended.ok_or("somebody has purged the instance")?;
    println!("{:?}: {}", ended.record.status, ended.payloads.output.unwrap_or_default());

    server.shutdown().await;
    Ok(())
}
