//! The ways in from outside. Each transport parses, makes one call on the manager or dispatch, and answers; rules live below.

pub mod grpc;
pub mod http;
