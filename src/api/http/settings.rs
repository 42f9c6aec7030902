//! What the HTTP room can be told from outside.

use std::time::Duration;

/// Settings of the HTTP API. Whoever reads the configuration fills them in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Scheme, host and port (and path prefix, if a proxy strips one) at which callers reach this server, for the links it hands
    /// out: `https://flows.example.com`. `None`: the links repeat the `Host` of the request, with `http`.
    pub public_base_url: Option<String>,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Longest time a caller may wait for an instance to end, whatever the request says.
    pub wait_cap: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { public_base_url: None, body_limit_bytes: 16 * 1024 * 1024, wait_cap: Duration::from_secs(230) }
    }
}
