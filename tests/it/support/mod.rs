//! Fixtures: servers to talk to, and the means to talk to them.

mod binary;
mod http;
mod inside;
mod worker;

pub use binary::{Binary, Data, run, run_with};
pub use http::{Answer, Http, escaped};
pub use inside::Inside;
pub use worker::{
    Client, Work, Worker, channel, client, code_of, get_request, in_hub, raised, start_request,
};

use std::time::Duration;
use tokio::time::Instant;

/// How long anything may take before a test gives up. Long, because it only matters when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until there is something to see.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "not seen in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for `work`, but not for ever.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("not in time: {what}"),
    }
}
