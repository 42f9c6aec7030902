//! The Durable Task protocol: `TaskHubSidecarService` (facts: gRPC protocol, sections 3 to 9).
//!
//! Each rpc parses, makes one call and answers. The hub comes from the `taskhub` metadata; without it the default hub is meant.

mod audit;
mod door;
mod entity;
#[cfg(test)]
mod fuzz;
mod health;
mod history;
mod permit;
mod query;
mod reflection;
mod restart;
mod routes;
mod service;
mod size;
mod state;
mod status;

/// The service as generated from `proto/`, for servers and for test clients.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used, unused_qualifications)]
pub mod generated {
    include!(concat!(env!("OUT_DIR"), "/service/_.rs"));
}

pub use audit::Recorder;
use door::{Porter, door};
pub use history::HistoryChunk;
pub use routes::mount;
pub use service::Sidecar;
pub use size::Sizes;
