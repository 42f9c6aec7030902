//! Workloads of the HTTP API.

use super::{
    Figures, Workload,
    drive::{Lane, Sample, drive},
    http::Connection,
    plan::Plan,
    target::Target,
    workloads,
};
use hyper::{Method, StatusCode};

/// Where the API is.
const BASE: &str = "/runtime/webhooks/durabletask";

/// One request after another on each connection.
pub async fn requests(plan: &Plan, target: &Target, quiet: bool) -> Result<Figures, String> {
    let hub = target.hub.as_ref().map(|hub| format!("&taskHub={hub}")).unwrap_or_default();
    let run = &target.run;
    let what = match plan.workload {
        Workload::Start => What::Start(format!("{BASE}/orchestrators/DurahubBench.Nobody/{run}-"), hub),
        Workload::Status => {
            workloads::prepare(target, 1, true).await?;
            What::Read(format!("{BASE}/instances/{run}-0?showInput=true{hub}"))
        }
        _ => {
            workloads::prepare(target, plan.size, quiet).await?;
            What::Read(format!("{BASE}/instances?top=100{hub}"))
        }
    };
    let lane = |_| Requests { connection: Connection::new(target), what: what.clone() };
    Ok(drive(plan, (0..plan.in_flight).map(lane).collect(), quiet).await.end(plan))
}

#[derive(Clone)]
enum What {
    /// The path up to the number of the instance, and what follows the question mark.
    Start(String, String),
    Read(String),
}

struct Requests {
    connection: Connection,
    what: What,
}

impl Lane for Requests {
    async fn once(&mut self, number: u64) -> Result<Sample, String> {
        let (expected, answered) = match &self.what {
            What::Start(path, hub) => {
                let path = format!("{path}{number}?{}", hub.trim_start_matches('&'));
                (StatusCode::ACCEPTED, self.connection.ask(Method::POST, &path, b"{\"a\":1}").await?)
            }
            What::Read(path) => (StatusCode::OK, self.connection.ask(Method::GET, path, b"").await?),
        };
        let (status, body) = answered;
        match status == expected {
            true => Ok(Sample::ONE),
            false => Err(format!(
                "{status}: {}",
                String::from_utf8_lossy(&body).chars().take(200).collect::<String>()
            )),
        }
    }
}
