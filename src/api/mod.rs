//! The ways in from outside. Each transport parses, makes one call on the manager or dispatch, and answers; rules live below.

mod audit;
mod caller;
pub mod grpc;
pub mod http;
mod meter;

pub use audit::Auditor;
pub use caller::Peer;
pub use meter::EdgeMeter;
