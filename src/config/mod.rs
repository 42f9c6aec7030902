//! Typed settings: what they are called, what they default to, and nothing about who uses them.
//!
//! A setting comes from a flag, else from the environment (`DURAHUB__SECTION__KEY`), else from the configuration file, else from
//! its default. What always holds of a [`Config`]: every value is within its documented range, whatever it came from; a key nobody
//! knows or a value that is not allowed never gets this far ([`load()`] says which and where). The committed `config.toml` shows every
//! key, and a test holds the two together. No file is read unless one is named.
#![warn(missing_docs)]

mod auth;
mod concurrency;
mod error;
#[cfg(test)]
mod fuzz;
mod hub_limits;
mod keys;
#[cfg(test)]
mod limits_page;
mod load;
mod retention;
mod show;
mod store_url;
#[cfg(test)]
mod tests;
mod values;
mod webhook;

pub use auth::name_of as key_name;
pub use auth::{Auth, Secret};
pub use concurrency::Concurrency;
pub use error::Error;
pub use hub_limits::HubLimits;
pub use load::{Effective, Setting, Sources, load};
pub use retention::Retention;
pub use store_url::{StoreUrl, UnsupportedUrl};
pub use webhook::{SignatureStyle, WebhookSecret};

use crate::model::HubName;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

const MIB: usize = 1024 * 1024;

/// All settings, by section.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[tls]`
    pub tls: Tls,
    /// `[http]`
    pub http: Http,
    /// `[dashboard]`
    pub dashboard: Dashboard,
    /// `[auth]`
    pub auth: Auth,
    /// `[audit]`
    pub audit: Audit,
    /// `[store]`
    pub store: Store,
    /// `[hubs]`
    pub hubs: Hubs,
    /// `[retention]`
    pub retention: Retention,
    /// `[samples]`
    pub samples: Samples,
    /// `[limits]`
    pub limits: Limits,
    /// `[dispatch]`
    pub dispatch: Dispatch,
    /// `[grpc]`
    pub grpc: Grpc,
    /// `[log]`
    pub log: Log,
}

/// `[server]`: the one port, and the process around it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where HTTP and gRPC are served. Port 0 lets the system choose one.
    #[serde(deserialize_with = "values::listen_address")]
    pub listen: SocketAddr,
    /// Permits a listen address that other machines can reach although callers need no key.
    pub insecure: bool,
    /// How long a clean shutdown may take before the process leaves anyway.
    pub shutdown_deadline_secs: u64,
    /// Base of the links in answers, without a slash at the end. Empty: taken from the request.
    #[serde(deserialize_with = "values::base_url")]
    pub public_base_url: String,
    /// How long a new connection may be silent.
    pub first_byte_secs: u64,
    /// How long the head of a request may take, from its first byte.
    pub head_secs: u64,
    /// How long an HTTP/1 connection may be silent between two requests.
    pub idle_secs: u64,
    /// Connections that may be open at a time.
    pub connections: usize,
    /// Requests, waiting ones and worker streams included, that one HTTP/2 connection may have open at a time.
    pub streams_per_connection: u32,
    /// Proxies whose word about the address that callers use is taken.
    #[serde(serialize_with = "values::networks_out", deserialize_with = "values::networks_in")]
    pub trusted_proxies: Vec<IpNet>,
    /// Without keys: host names that callers may use besides addresses, `localhost` and the host of `public_base_url`; or `*` for any.
    #[serde(deserialize_with = "values::host_names")]
    pub allowed_hosts: Vec<String>,
}

/// `[tls]`: encryption of everything on the port.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The file with the certificate, and those that lead from it to one that callers know. Empty: nothing is encrypted.
    pub cert: PathBuf,
    /// The file with its private key.
    pub key: PathBuf,
    /// How long browsers are to use nothing but TLS for this host. 0: they are not told to.
    pub hsts_secs: u64,
}

impl Tls {
    /// Whether there is a certificate.
    pub fn is_on(&self) -> bool {
        !self.cert.as_os_str().is_empty()
    }
}

/// `[http]`: the HTTP API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// What the body of an event may be if the request does not say.
    pub event_content_type: EventContentType,
    /// Which instances a start under the same id replaces if the request does not say.
    pub overridable_existing_instance_states: OverridableStates,
    /// Web pages that may call the API from a browser: their origins, or `*` for all. Empty: none.
    #[serde(deserialize_with = "values::origins")]
    pub cors_origins: Vec<String>,
    /// Whether larger answers are sent compressed to callers who accept that.
    pub compression: bool,
    /// How long the body of a request may stand still.
    pub body_idle_secs: u64,
}

/// `http.event_content_type`: what the body of an event may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventContentType {
    /// `application/json` and nothing else.
    Json,
    /// Anything; what is not JSON is wrapped as JSON.
    Any,
}

/// `http.overridable_existing_instance_states`: which instances a start under the same id replaces. Spelled as in `host.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverridableStates {
    /// Those that have ended.
    NonRunningStates,
    /// Live ones, too.
    AnyState,
}

/// `[dashboard]`: the page in the browser.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Whether every write from a page in a browser is refused.
    pub read_only: bool,
}

/// `[audit]`: who did what.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// The file that calls are written to. Empty: none.
    pub file: PathBuf,
}

/// `[store]`: where everything durable is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Which backend, and where its data is.
    pub url: StoreUrl,
    /// When a commit counts as done.
    pub synchronous: Synchronous,
    /// Connections that only read.
    pub readers: u32,
    /// How long one read may take before it is stopped.
    pub read_budget_ms: u64,
}

/// `store.synchronous`: what a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// The disk has it: survives power loss.
    Full,
    /// The operating system has it: survives `kill -9`, but power loss may take the last commits.
    Normal,
}

/// `[hubs]`: task hubs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hubs {
    /// Hubs that exist from the start. Never empty; the first is the default hub.
    #[serde(serialize_with = "values::hub_names_out", deserialize_with = "values::hub_names_in")]
    pub names: Vec<HubName>,
    /// Whether a start or a worker that names an unknown hub creates it.
    pub create_on_start: bool,
    /// Secrets that senders of events sign with. A hub with at least one takes no event over HTTP without a signature.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// What hubs take in. Those that are not named have no limits of their own.
    #[serde(deserialize_with = "values::hub_limits")]
    pub limits: Vec<HubLimits>,
}

impl Hubs {
    /// The hub of callers who name none.
    pub fn default_name(&self) -> &HubName {
        self.names.first().expect("loading refuses an empty list of hubs")
    }
}

/// `[samples]`: the functions that come with the binary.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// Whether they are registered.
    pub enabled: bool,
}

/// `[limits]`: what is refused at the door.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Starts, events and signals that may be under way at a time.
    pub new_work: usize,
    /// Bytes that must be free on the disk for new work. 0: it is not looked at.
    pub free_disk_bytes: u64,
    /// Largest body of an HTTP request.
    pub body_bytes: usize,
    /// Largest input, output, event, custom status or reason.
    pub payload_bytes: usize,
    /// Largest gRPC message the server accepts.
    pub grpc_message_bytes: usize,
    /// Largest gRPC message the server sends. Never below what `payload_bytes` and `work_item_bytes` let grow.
    pub grpc_sent_bytes: usize,
    /// Largest turn, history included, that is sent to a gRPC worker. An orchestration that outgrows it fails.
    pub work_item_bytes: usize,
    /// Most events of a history; an orchestration that goes on beyond it is parked. 0: without limit.
    pub history_events: usize,
    /// Largest history in bytes, likewise.
    pub history_bytes: usize,
    /// Longest that an HTTP caller may wait for an orchestration; longer waits are cut to this.
    pub wait_secs: u64,
    /// How long a request is recognised by its `Idempotency-Key`.
    pub idempotency_hours: u64,
}

/// `[dispatch]`: how work is handed out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// Turns one gRPC worker holds at a time if it does not say.
    pub orchestrations_per_worker: usize,
    /// Activities one gRPC worker holds at a time if it does not say.
    pub activities_per_worker: usize,
    /// Batches of entity operations one gRPC worker holds at a time if it does not say.
    pub entities_per_worker: usize,
    /// Turns that run inside the process at a time.
    pub embedded_orchestrations: usize,
    /// Activities that run inside the process at a time.
    pub embedded_activities: usize,
    /// Batches of entity operations that run inside the process at a time.
    pub embedded_entities: usize,
    /// How long a worker may be silent about a turn before another gets it.
    pub turn_lease_secs: u64,
    /// How long a worker may be silent about an activity before another gets it.
    pub activity_lease_secs: u64,
    /// Memory for the histories of recent instances. 0: none.
    pub cache_bytes: usize,
    /// How many turns, or activities, of one name and version wait in memory; the others wait in their rows.
    pub window: usize,
    /// Memory for the inputs of activities that wait.
    pub window_bytes: usize,
    /// Longest pause before work that came back from a worker is handed out again.
    pub max_backoff_ms: u64,
    /// How often in a row an activity may be delivered without an answer before it fails. 0: without limit.
    pub activity_deliveries: u32,
    /// How often in a row a turn, or a batch of entity operations, may be delivered without an answer before its instance is parked. 0:
    /// without limit.
    pub turn_deliveries: u32,
    /// Names of which only so much runs at a time, in each hub.
    #[serde(deserialize_with = "values::concurrency")]
    pub concurrency: Vec<Concurrency>,
    /// How often the watchdog looks, and for how long what it looks at must not have moved. 0: never.
    pub watchdog_secs: u64,
}

/// `[grpc]`: worker streams.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Pause between health pings on a worker's stream.
    pub ping_secs: u64,
}

/// `[log]`: what is written to standard error, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `tracing` filter directives, such as `info` or `info,durahub::store=debug`.
    #[serde(deserialize_with = "values::log_level")]
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// `log.format`: how a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7071)),
            insecure: false,
            shutdown_deadline_secs: 20,
            public_base_url: String::new(),
            first_byte_secs: 30,
            head_secs: 30,
            // Longer than the pools of most clients keep a connection, so that it is they who close it.
            idle_secs: 120,
            connections: 10_000,
            // SDK clients put every waiting call on one connection.
            streams_per_connection: 10_000,
            trusted_proxies: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            event_content_type: EventContentType::Json,
            overridable_existing_instance_states: OverridableStates::NonRunningStates,
            cors_origins: Vec::new(),
            compression: true,
            body_idle_secs: 30,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: StoreUrl::File("./durahub.db".into()),
            synchronous: Synchronous::Full,
            readers: 4,
            read_budget_ms: 5_000,
        }
    }
}

impl Default for Hubs {
    fn default() -> Self {
        let name = HubName::parse("default").expect("the word is a valid hub name");
        Self { names: vec![name], create_on_start: false, webhook_secrets: Vec::new(), limits: Vec::new() }
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            new_work: 10_000,
            free_disk_bytes: 256 * MIB as u64,
            body_bytes: 16 * MIB,
            // Most SDKs refuse a work item above 4 MiB, and a payload never travels alone.
            payload_bytes: 3 * MIB,
            grpc_message_bytes: 64 * MIB,
            grpc_sent_bytes: 64 * MIB,
            work_item_bytes: 4 * MIB - 64 * 1024,
            history_events: 1_000_000,
            history_bytes: 256 * MIB,
            wait_secs: 230,
            idempotency_hours: 24,
        }
    }
}

impl Default for Dispatch {
    fn default() -> Self {
        Self {
            orchestrations_per_worker: 100,
            activities_per_worker: 100,
            entities_per_worker: 100,
            embedded_orchestrations: 64,
            embedded_activities: 64,
            embedded_entities: 64,
            turn_lease_secs: 600,
            activity_lease_secs: 3_600,
            cache_bytes: 64 * MIB,
            window: 10_000,
            window_bytes: 64 * MIB,
            max_backoff_ms: 10_000,
            activity_deliveries: 10,
            turn_deliveries: 10,
            concurrency: Vec::new(),
            watchdog_secs: 300,
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self { ping_secs: 30 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}
