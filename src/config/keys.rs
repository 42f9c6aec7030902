//! The table of keys: what a setting is called in each place it can come from, and what it may be.
//!
//! The structs in the parent say what types there are; this says what is allowed. A test holds the table and the structs together.

use figment::value::Value;
use std::{fmt, ops::RangeInclusive};

/// One setting.
pub(super) struct Key {
    pub section: &'static str,
    pub name: &'static str,
    pub allowed: Allowed,
}

/// What a setting may be.
pub(super) enum Allowed {
    /// A whole number in a range.
    Whole(RangeInclusive<i64>),
    /// True or false.
    Switch,
    /// Text; the description says what kind. Checked by the field's own type.
    Text(&'static str),
    /// A list of texts, separated by commas in the environment.
    List(&'static str),
    /// A list of texts that are never shown again.
    Secrets(&'static str),
    /// Text that is never shown; the description says what kind.
    Secret(&'static str),
    /// Keys: tables in a file, a line in the environment.
    Keys,
    /// A list of retention rules.
    Rules,
}

use Allowed::{Keys, List, Rules, Secret, Secrets, Switch, Text, Whole};

const GIB: i64 = 1024 * 1024 * 1024;
/// SQLite keeps nothing above a billion bytes in one value.
const BYTES: RangeInclusive<i64> = 1024..=GIB / 2;
const SLOTS: RangeInclusive<i64> = 1..=100_000;
const DAY_SECS: i64 = 24 * 60 * 60;

/// Every setting, in the order in which `config.toml` shows them.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("server", "listen", Text("an address and a port, such as 127.0.0.1:7071, [::1]:7071 or localhost:7071")),
    key("server", "insecure", Switch),
    key("server", "shutdown_deadline_secs", Whole(1..=3_600)),
    key("server", "public_base_url", Text("empty, or http://HOST or https://HOST, with a path if need be, without query")),
    key("server", "first_byte_secs", Whole(1..=3_600)),
    key("server", "head_secs", Whole(1..=3_600)),
    key("server", "idle_secs", Whole(1..=DAY_SECS)),
    key("server", "connections", Whole(10..=1_000_000)),
    key("server", "streams_per_connection", Whole(10..=1_000_000)),
    key("server", "trusted_proxies", List("a list of addresses such as 127.0.0.1 and networks such as 10.0.0.0/8")),
    key("server", "allowed_hosts", List("a list of host names such as durahub.internal, without ports, or * alone")),
    key("tls", "cert", Text("empty, or the path of a PEM file")),
    key("tls", "key", Text("empty, or the path of a PEM file")),
    key("tls", "hsts_secs", Whole(0..=2 * 365 * DAY_SECS)),
    key("http", "event_content_type", Text("json or any")),
    key("http", "overridable_existing_instance_states", Text("NonRunningStates or AnyState")),
    key("http", "cors_origins", List("a list of origins such as https://app.example.org, or * alone")),
    key("http", "compression", Switch),
    key("http", "body_idle_secs", Whole(1..=3_600)),
    key("dashboard", "read_only", Switch),
    key("auth", "keys", Keys),
    key("auth", "link_ttl_secs", Whole(0..=10 * 365 * DAY_SECS)),
    key("auth", "link_secret", Secret("empty, or text of at least 32 bytes")),
    key("auth", "open_rpc_mount", Switch),
    key("audit", "file", Text("empty, or the path of a file")),
    key("store", "url", Text("sqlite:PATH for a file, or sqlite::memory: for data that ends with the process")),
    key("store", "synchronous", Text("full or normal")),
    key("store", "readers", Whole(1..=256)),
    key("store", "read_budget_ms", Whole(10..=600_000)),
    key("hubs", "names", List("a list of at least one name, none twice (without regard to case), each 1 to 64 letters, digits, '-' or '_', beginning with a letter")),
    key("hubs", "create_on_start", Switch),
    key("hubs", "webhook_secrets", Secrets("a list of \"HUB github SECRET\" and \"HUB standard-webhooks whsec_BASE64\", secrets of at least 16 bytes")),
    key("hubs", "limits", List("a list of \"HUB per_second=N bytes_per_second=N live=N\", at least one of the three, above 0, each hub once")),
    key("retention", "rules", Rules),
    key("retention", "every_secs", Whole(1..=DAY_SECS)),
    key("retention", "per_second", Whole(1..=100_000)),
    key("samples", "enabled", Switch),
    key("limits", "new_work", Whole(1..=1_000_000)),
    key("limits", "free_disk_bytes", Whole(0..=1_024 * 1_024 * GIB)),
    key("limits", "body_bytes", Whole(BYTES)),
    key("limits", "payload_bytes", Whole(BYTES)),
    key("limits", "grpc_message_bytes", Whole(64 * 1024..=GIB)),
    key("limits", "grpc_sent_bytes", Whole(64 * 1024..=GIB)),
    key("limits", "work_item_bytes", Whole(64 * 1024..=GIB)),
    key("limits", "history_events", Whole(0..=1_000_000_000)),
    key("limits", "history_bytes", Whole(0..=64 * GIB)),
    key("limits", "wait_secs", Whole(0..=DAY_SECS)),
    key("limits", "idempotency_hours", Whole(1..=8_760)),
    key("dispatch", "orchestrations_per_worker", Whole(SLOTS)),
    key("dispatch", "activities_per_worker", Whole(SLOTS)),
    key("dispatch", "entities_per_worker", Whole(SLOTS)),
    key("dispatch", "embedded_orchestrations", Whole(SLOTS)),
    key("dispatch", "embedded_activities", Whole(SLOTS)),
    key("dispatch", "embedded_entities", Whole(SLOTS)),
    key("dispatch", "turn_lease_secs", Whole(1..=DAY_SECS)),
    key("dispatch", "activity_lease_secs", Whole(1..=30 * DAY_SECS)),
    key("dispatch", "cache_bytes", Whole(0..=64 * GIB)),
    key("dispatch", "window", Whole(10..=1_000_000)),
    key("dispatch", "window_bytes", Whole(65_536..=64 * GIB)),
    key("dispatch", "max_backoff_ms", Whole(1..=3_600_000)),
    key("dispatch", "activity_deliveries", Whole(0..=1_000_000)),
    key("dispatch", "turn_deliveries", Whole(0..=1_000_000)),
    key("dispatch", "concurrency", List("a list of \"activity N NAME\", \"orchestration N NAME\" and \"entity N NAME\", N from 1 to 1000000, each name once of its kind")),
    key("dispatch", "watchdog_secs", Whole(0..=DAY_SECS)),
    // The SDKs give a stream up after 120 silent seconds.
    key("grpc", "ping_secs", Whole(1..=100)),
    key("log", "level", Text("off, error, warn, info, debug or trace, or a comma-separated list of these and TARGET=LEVEL")),
    key("log", "format", Text("auto, text or json")),
];

const fn key(section: &'static str, name: &'static str, allowed: Allowed) -> Key {
    Key { section, name, allowed }
}

impl Key {
    /// The setting with this dotted name.
    pub fn find(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path() == path)
    }

    /// The setting with this environment variable.
    pub fn of_variable(variable: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.variable() == variable)
    }

    /// `section.name`, as errors name it.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("DURAHUB__{}__{}", self.section, self.name).to_uppercase()
    }

    /// Whether values must not be repeated to anybody.
    pub fn is_secret(&self) -> bool {
        matches!(self.allowed, Secrets(_))
    }

    /// Whether `value` has the right type and is in range. Texts are checked by the types they become.
    pub fn admits(&self, value: &Value) -> bool {
        match &self.allowed {
            Whole(range) => {
                let number = value.to_i128().or_else(|| value.to_u128().and_then(|n| n.try_into().ok()));
                number.and_then(|n| i64::try_from(n).ok()).is_some_and(|n| range.contains(&n))
            }
            Switch => value.to_bool().is_some(),
            Text(_) | Secret(_) => value.as_str().is_some(),
            List(_) | Secrets(_) => {
                value.as_array().is_some_and(|list| list.iter().all(|item| item.as_str().is_some()))
            }
            Keys => super::auth::keys(value).is_ok(),
            Rules => super::retention::rules(value).is_ok(),
        }
    }

    /// Reads what an environment variable says. What cannot be read stays text, and is then refused like any other wrong value.
    pub fn read(&self, text: &str) -> Value {
        match &self.allowed {
            Whole(_) => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
            Switch => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
            Text(_) | Secret(_) | Keys => text.into(),
            // So that an empty variable is an empty list.
            List(_) | Secrets(_) | Rules if text.trim().is_empty() => Vec::<Value>::new().into(),
            List(_) | Secrets(_) | Rules => {
                text.split(',').map(|item| Value::from(item.trim())).collect::<Vec<_>>().into()
            }
        }
    }
}

/// Completes the sentence "it must be ...".
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whole(range) => write!(f, "a whole number from {} to {}", range.start(), range.end()),
            Switch => f.write_str("true or false"),
            Text(what) | List(what) | Secret(what) | Secrets(what) => f.write_str(what),
            Keys => f.write_str(
                "a list of tables with name, role (read, operate, worker or admin), sha256 (one or two digests) and perhaps hubs (names; \
                 without it all hubs), or in the environment NAME:ROLE:DIGEST or NAME:ROLE:DIGEST:HUB+HUB, separated by commas",
            ),
            Rules => f.write_str(
                "a list of \"HUB after=30d status=Completed+Failed name=Prefix* unless_tag=KEY=VALUE\", where * is for every hub, and \
                 only after must be there",
            ),
        }
    }
}
