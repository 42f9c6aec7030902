//! Orchestrators and activities as Rust functions in this process.
