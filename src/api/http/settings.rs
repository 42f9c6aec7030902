//! What the HTTP room can be told from outside.

use super::{event_body::Accepted, signature::Secret};
use ipnet::IpNet;
use std::time::Duration;

/// Settings of the HTTP API. Whoever reads the configuration fills them in.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Scheme, host and port (and path prefix, if a proxy strips one) at which callers reach this server, for the links it hands
    /// out: `https://flows.example.com`. `None`: the links repeat the `Host` of the request, with `http`.
    pub public_base_url: Option<String>,
    /// Largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// Longest time a caller may wait for an instance to end, whatever the request says.
    pub wait_cap: Duration,
    /// How long a request body may stand still.
    pub body_patience: Duration,
    /// Which bodies an event may have if the request does not say.
    pub events_accepted: Accepted,
    /// Whether a start replaces whatever instance holds its id, unless the request says otherwise; `false`: only one that has ended.
    pub replaces_any_state: bool,
    /// What events must be signed with, for hubs that have such a secret.
    pub webhook_secrets: Vec<Secret>,
    /// Origins of web pages that may use the API, or `*` alone. Empty: no page may.
    pub cors_origins: Vec<String>,
    /// Names by which this server is known besides its addresses, `localhost` and the host of its public address; or `*` alone.
    pub allowed_hosts: Vec<String>,
    /// Whether pages in a browser may only look.
    pub read_only: bool,
    /// Whether callers reach this server over TLS.
    pub tls: bool,
    /// With TLS: for how many seconds browsers are to use nothing else for this host. 0: they are not told to.
    pub hsts_secs: u64,
    /// Whether larger answers are compressed for callers who accept that.
    pub compression: bool,
    /// Proxies whose forwarding headers shape the links.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether clients on this machine need no key at the second mount.
    pub open_rpc_mount: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_base_url: None,
            body_limit_bytes: 16 * 1024 * 1024,
            wait_cap: Duration::from_secs(230),
            body_patience: Duration::from_secs(30),
            events_accepted: Accepted::Json,
            replaces_any_state: false,
            webhook_secrets: Vec::new(),
            cors_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            read_only: false,
            tls: false,
            hsts_secs: 0,
            compression: true,
            trusted_proxies: Vec::new(),
            open_rpc_mount: false,
        }
    }
}
