//! Who runs code: inside the process ([`embedded`]), on a gRPC stream, or (later) behind an HTTP endpoint.

pub mod embedded;
pub mod grpc;
