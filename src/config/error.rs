//! Why the server does not start. The texts are for the person who wrote the setting.

use std::{net::SocketAddr, path::PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named file is not there or cannot be read.
    #[error("cannot read the configuration file {}: {reason}", path.display())]
    Unreadable {
        /// The file, as it was named.
        path: PathBuf,
        /// What the system says.
        #[source]
        reason: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not valid TOML: {reason}", path.display())]
    Malformed {
        /// The file, as it was named.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A key nobody knows.
    #[error("unknown setting {name} (from {origin}); {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// Where it was written.
        origin: String,
        /// What could have been meant.
        known: String,
    },
    /// A known key with a value it cannot have.
    #[error("{key} is {got} (from {origin}); it must be {allowed}")]
    BadValue {
        /// The dotted key.
        key: String,
        /// The value, without what may be secret in it.
        got: String,
        /// Where it was written.
        origin: String,
        /// What it may be.
        allowed: String,
    },
    /// A message that the other settings let grow would not fit into one.
    #[error(
        "limits.grpc_sent_bytes is {sent} (from {origin}), too little for {key}, which is {bytes} (from {bytes_origin}): \
         it must be at least {needed}"
    )]
    SentTooSmall {
        /// The largest message that may be sent.
        sent: usize,
        /// Where that was written.
        origin: String,
        /// The key that asks for more.
        key: &'static str,
        /// Its value.
        bytes: usize,
        /// Where that was written.
        bytes_origin: String,
        /// The least that would do.
        needed: usize,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("{given} is set (from {origin}) and {missing} is not: TLS takes both")]
    HalfOfTls {
        /// The key that is set.
        given: &'static str,
        /// Where it was written.
        origin: String,
        /// The key that is not.
        missing: &'static str,
    },
    /// Listening where strangers can reach a server that asks nobody for a key.
    #[error(
        "server.listen is {listen} (from {origin}), which other machines can reach, and there is no key that callers must \
         have. Make one with `durahub key new --name ops --role admin`, or listen on a loopback address such as \
         127.0.0.1:7071, or, if everyone who can reach the port may do anything, say so with --insecure \
         (server.insecure = true)"
    )]
    Exposed {
        /// The address.
        listen: SocketAddr,
        /// Where it was written.
        origin: String,
    },
}
