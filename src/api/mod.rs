//! The edges that callers meet: parse, one call on the manager or dispatch, answer. No rules live here.

pub mod grpc;
