//! Sequences of activities in duroxide, on its SQLite provider in a file, measured as `durahub bench sequence` measures them: so many lanes, each
//! starts an orchestration, waits for its end, and begins anew until the time is over. Prints one JSON object.

use clap::Parser;
use duroxide::{
    ActivityContext, Client, OrchestrationContext, OrchestrationRegistry, OrchestrationStatus,
    providers::sqlite::SqliteProvider,
    runtime::{Runtime, RuntimeOptions, registry::ActivityRegistry},
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An orchestration without an end after this long has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// The size of the provider's pool.
const CONNECTIONS: usize = 5;

/// Measure sequences of activities in duroxide.
#[derive(Parser, Clone)]
struct Options {
    /// Where the database goes.
    #[arg(long)]
    folder: PathBuf,
    #[arg(long, default_value_t = 3)]
    activities: u32,
    #[arg(long, default_value_t = 64)]
    in_flight: u32,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The same for so many seconds before, which do not count.
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Sync every commit, and look for work more often than by default if nothing else is under way.
    #[arg(long)]
    tuned: bool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let url = format!("sqlite:{}?mode=rwc", options.folder.join("duroxide.db").display());
    let store = Arc::new(SqliteProvider::new(&url, None).await?);
    let durability = durability(&store, options.tuned).await?;

    let activities = ActivityRegistry::builder()
        .register("Step", |_: ActivityContext, _: String| async { Ok("done".to_owned()) });
    let orchestrations = OrchestrationRegistry::builder().register("Sequence", sequence);
    let (activities, orchestrations) = (activities.build(), orchestrations.build());
    let mut runtime_options = RuntimeOptions::default();
    runtime_options.observability.log_level = "error".to_owned();
    if options.tuned && options.in_flight == 1 {
        // Of many at a time, more are done with the default: whoever looks more often is in the way of those who write.
        runtime_options.dispatcher_min_poll_interval = Duration::from_millis(5);
    }
    let settings =
        format!("{durability}, looks for work every {:?}", runtime_options.dispatcher_min_poll_interval);
    let runtime =
        Runtime::start_with_options(store.clone(), activities, orchestrations, runtime_options).await;

    let client = Client::new(store);
    drive(&client, &options, "warm", options.warm_up).await?;
    let begun = Instant::now();
    let mut latencies = drive(&client, &options, "bench", options.seconds).await?;
    let seconds = begun.elapsed().as_secs_f64();
    runtime.shutdown(None).await;

    latencies.sort_unstable();
    let ms = |share: f64| {
        let place = (latencies.len() as f64 * share).ceil() as usize;
        latencies.get(place.saturating_sub(1)).map(|latency| latency.as_secs_f64() * 1e3)
    };
    let figures = serde_json::json!({
        "count": latencies.len(),
        "seconds": seconds,
        "per_second": latencies.len() as f64 / seconds,
        "p50_ms": ms(0.5),
        "p99_ms": ms(0.99),
        "errors": 0,
        "settings": settings,
    });
    println!("{figures}");
    Ok(())
}

async fn sequence(context: OrchestrationContext, activities: String) -> Result<String, String> {
    for _ in 0..activities.parse::<u32>().map_err(|error| error.to_string())? {
        context.schedule_activity("Step", "").await?;
    }
    Ok("done".to_owned())
}

/// What the provider's connections say about themselves, all of which are set to sync every commit first if `full`.
async fn durability(store: &SqliteProvider, full: bool) -> Result<String, Failure> {
    // All at once, so that none is met twice.
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(store.get_pool().acquire().await?);
    }
    let mut said = String::new();
    for connection in &mut connections {
        if full {
            sqlx::query("PRAGMA synchronous = FULL").execute(&mut **connection).await?;
        }
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut **connection).await?;
        let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut **connection).await?;
        let level = ["OFF", "NORMAL", "FULL", "EXTRA"].get(usize::try_from(level)?).unwrap_or(&"unknown");
        said = format!("SQLite, {} journal, synchronous={level}", journal.to_uppercase());
    }
    Ok(said)
}

/// All lanes for so many seconds, and until what they began has ended.
async fn drive(
    client: &Client,
    options: &Options,
    prefix: &str,
    seconds: u64,
) -> Result<Vec<Duration>, Failure> {
    let begun = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in 0..options.in_flight {
        let (client, prefix, input) =
            (client.clone(), format!("{prefix}-{lane}"), options.activities.to_string());
        lanes.spawn(async move {
            let mut latencies = Vec::new();
            while begun.elapsed() < Duration::from_secs(seconds) {
                let start = Instant::now();
                let id = format!("{prefix}-{}", latencies.len());
                client.start_orchestration(&id, "Sequence", input.as_str()).await?;
                match client.wait_for_orchestration(&id, PATIENCE).await? {
                    OrchestrationStatus::Completed { output, .. } if output == "done" => {
                        latencies.push(start.elapsed());
                    }
                    other => return Err(Failure::from(format!("{id} ended with {other:?}"))),
                }
            }
            Ok(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        all.extend(lane??);
    }
    Ok(all)
}
