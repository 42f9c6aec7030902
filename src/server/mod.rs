//! The whole server in one value: builds the rooms from a [`Config`], serves them on one port, and takes them down in order.
//!
//! The binary is a thin shell around this; a program that embeds durahub uses it directly:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use durahub::{config::Config, server::Server, workers::embedded::Registry};
//!
//! let server = Server::start(&Config::default(), Registry::new()).await?;
//! println!("listening on {}", server.url());
//! tokio::signal::ctrl_c().await?;
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod crowd;
mod disk;
mod files;
mod greet;
mod listen;
mod ready;
mod tls;
mod watched;

use crate::{
    api::{
        Auditor,
        grpc::{self as grpc_api, Sidecar},
        http::{self, HttpSettings, Meters, Readiness},
    },
    audit::Audit,
    auth::{self, Gate, Keys, LinkSigner},
    clock::{Clock, SetClock, SystemClock},
    config::{self, Config, EventContentType, OverridableStates, SignatureStyle, StoreUrl, Synchronous},
    dispatch::{self, Dispatch, Waiters},
    manager::{self, Allowance, Disk, Hubs, Limits, Manager, RetentionPlan},
    model::Timestamp,
    store::{
        self, EffectSender, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
    workers::{
        embedded::{self, Registry},
        grpc,
    },
};
use axum::Router;
use crowd::Crowd;
pub use files::permit_connections;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tls::Tls;
pub use tls::TlsError;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

/// How long connections may take to end once all work has been answered and all callers who waited have been sent away. Only those
/// take longer whose other side is silent: half a request, or a machine that has vanished.
const LINGER: Duration = Duration::from_secs(3);

/// Why the server did not start. The text is for the operator and names the cure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data could not be opened.
    #[error("cannot open the store {url}: {source}")]
    Store {
        /// The store's URL.
        url: String,
        /// What the store said.
        source: store::Error,
    },
    /// The clock of a test cannot be read.
    #[error("cannot read how far the clock is ahead from {path} (variable {TEST_CLOCK}): {source}")]
    Clock {
        /// The file.
        path: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The hubs of the configuration could not be set up.
    #[error("cannot set up the task hubs: {0}")]
    Hubs(#[source] manager::Error),
    /// The audit log cannot be written.
    #[error("cannot open the audit log {path} (setting audit.file): {source}")]
    Audit {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No secret for links could be made or kept.
    #[error("cannot make a secret to sign links with: {0}")]
    Secret(#[source] store::Error),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source} (choose another with --listen ADDR:PORT)")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    manager: Manager,
    dispatch: Dispatch,
    store: Arc<dyn Store>,
    /// Callers who wait are sent away.
    leaving: CancellationToken,
    /// No new connections, and the open ones end after their requests.
    closing: CancellationToken,
    listener: JoinHandle<()>,
    tls: Option<Arc<Tls>>,
    grace: Duration,
}

impl Server {
    /// Opens the store and serves `config.server.listen`. `functions` run inside this process.
    pub async fn start(config: &Config, functions: Registry) -> Result<Self, StartError> {
        let tls = open_tls(config)?;
        let (effects, told) = mpsc::unbounded_channel();
        let meters = meters(config);
        let store = open_store(config, effects, &meters).await?;
        let clock = clock()?;
        let waiters = Arc::new(Waiters::default());
        let audit = open_audit(config, &clock)?;
        let hubs = Hubs::open(&*store, &config.hubs.names, config.hubs.create_on_start).await;
        let hubs = Arc::new(hubs.map_err(StartError::Hubs)?);
        let gate = Arc::new(gate(config, &*store, clock.clone()).await.map_err(StartError::Secret)?);
        let idempotency = Duration::from_secs(config.limits.idempotency_hours * 60 * 60);
        let limits = Limits { payload_bytes: config.limits.payload_bytes, idempotency };

        // Bound before anything runs, so that a second server on the same port changes nothing.
        let address = config.server.listen;
        let listening = listen::bind(address);
        let listening = listening.map_err(|source| StartError::Listen { address, source })?;
        let address = listening.local_addr().unwrap_or(address);

        let manager = Manager::new(store.clone(), waiters.clone(), clock.clone(), hubs, limits)
            .allowing(allowance(config))
            .retaining(retention_plan(config));
        let dispatch =
            Dispatch::start(store.clone(), told, clock.clone(), waiters, dispatch_settings(config));
        manager.resume_jobs();
        manager.begin_retention();
        let leaving = CancellationToken::new();
        if !functions.is_empty() {
            let places = embedded::Places {
                turns: config.dispatch.embedded_orchestrations,
                activities: config.dispatch.embedded_activities,
                batches: config.dispatch.embedded_entities,
            };
            embedded::run(dispatch.clone(), Arc::new(functions), places);
        }
        let rooms = Rooms {
            manager: &manager,
            dispatch: &dispatch,
            store: &store,
            clock: &clock,
            gate: &gate,
            audit,
            meters,
            leaving: &leaving,
        };
        let router = routes(config, rooms);
        let closing = CancellationToken::new();
        let port = listen::Port {
            router,
            patience: patience(config),
            crowd: Crowd::of(config.server.connections),
            streams: config.server.streams_per_connection,
            tls: tls.clone(),
            closing: closing.clone(),
        };
        let listener = tokio::spawn(listen::serve(listening, port));
        let grace = Duration::from_secs(config.server.shutdown_deadline_secs);
        Ok(Self { address, manager, dispatch, store, leaving, closing, listener, tls, grace })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's base URL, without a trailing slash.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Reads the certificate and its key again, for new connections; if they cannot be used, the ones in use stay. Without TLS this does
    /// nothing.
    pub fn reload_certificate(&self) -> Result<(), TlsError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// The verbs, for programs that embed the server.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Stops taking work, lets workers hand in what they hold, ends streams with UNAVAILABLE, closes the store. Returns within the
    /// configured deadline; what workers still hold then is handed out again at the next start.
    pub async fn shutdown(self) {
        let deadline = Instant::now() + self.grace;
        // What bulk jobs have in their hands takes a moment, as long as work is dispatched; what is cut off is done again at the next start.
        self.leaving.cancel();
        if tokio::time::timeout(LINGER, self.manager.leave_jobs()).await.is_err() {
            tracing::info!("some bulk jobs had not put down their work; they do it again at the next start");
        }
        self.manager.leave_retention().await;
        self.dispatch.stop();
        // Half of the time for answers to work that is out; connections need the rest.
        let answers_until = Instant::now() + self.grace / 2;
        while self.dispatch.held() > 0 && Instant::now() < answers_until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.closing.cancel();
        let linger_until = deadline.min(Instant::now() + LINGER);
        match tokio::time::timeout_at(linger_until, self.listener).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the listener ended badly"),
            Err(_) => tracing::info!("some connections would not end; they are cut off"),
        }
        if tokio::time::timeout_at(deadline, self.dispatch.drained()).await.is_err() {
            tracing::warn!("some commits had not ended at the deadline");
        }
        if let Err(error) = self.store.close().await {
            tracing::error!(%error, "the store did not close cleanly");
        }
    }
}

/// The variable that names the file of a [`SetClock`].
const TEST_CLOCK: &str = "DURAHUB_TEST_CLOCK";

/// The computer's, unless a test wants to set it.
fn clock() -> Result<Arc<dyn Clock>, StartError> {
    let Some(file) = std::env::var_os(TEST_CLOCK).map(PathBuf::from) else {
        return Ok(Arc::new(SystemClock));
    };
    let path = file.display().to_string();
    tracing::warn!(%path, "the clock is ahead of the computer's by as many seconds as a file says: {TEST_CLOCK} is for tests");
    let clock = SetClock::by(file).map_err(|source| StartError::Clock { path, source })?;
    Ok(Arc::new(clock))
}

async fn open_store(
    config: &Config,
    effects: EffectSender,
    meters: &Meters,
) -> Result<Arc<dyn Store>, StartError> {
    let url = &config.store.url;
    let mut options = match url {
        StoreUrl::File(path) => SqliteOptions::file(path),
        StoreUrl::Memory => SqliteOptions::memory(),
    };
    options.synchronous_full = matches!(config.store.synchronous, Synchronous::Full);
    options.readers = config.store.readers;
    options.meter = meters.commits.clone();
    options.read_budget = Duration::from_millis(config.store.read_budget_ms);
    let failed = |source| StartError::Store { url: url.to_string(), source };
    let opened = tokio::task::spawn_blocking(move || SqliteStore::open(options, effects)).await;
    let store = opened.map_err(|error| failed(store::Error::Backend(error.into())))?.map_err(failed)?;
    Ok(Arc::new(store))
}

fn open_tls(config: &Config) -> Result<Option<Arc<Tls>>, TlsError> {
    if !config.tls.is_on() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Tls::open(&config.tls.cert, &config.tls.key)?)))
}

fn open_audit(config: &Config, clock: &Arc<dyn Clock>) -> Result<Audit, StartError> {
    let path = Some(config.audit.file.as_path()).filter(|path| !path.as_os_str().is_empty());
    Audit::open(path, clock.clone())
        .map_err(|source| StartError::Audit { path: config.audit.file.display().to_string(), source })
}

fn patience(config: &Config) -> listen::Patience {
    listen::Patience {
        first_byte: Duration::from_secs(config.server.first_byte_secs),
        head: Duration::from_secs(config.server.head_secs),
        idle: Duration::from_secs(config.server.idle_secs),
    }
}

/// The name under which the store keeps what links are signed with.
const LINK_SECRET: &str = "links";

/// Asks for keys if there are any.
async fn gate(config: &Config, store: &dyn Store, clock: Arc<dyn Clock>) -> Result<Gate, store::Error> {
    let auth = &config.auth;
    if auth.keys.is_empty() {
        return Ok(Gate::open(clock));
    }
    let secret = match auth.link_secret.reveal() {
        Some(secret) => secret.as_bytes().to_vec(),
        None => {
            let candidate = auth::new_key().map_err(|error| store::Error::Backend(error.into()))?;
            store.secret_ensure(LINK_SECRET, candidate.into_bytes()).await?
        }
    };
    let ttl = Duration::from_secs(auth.link_ttl_secs);
    Ok(Gate::guarded(Keys::new(auth.keys.clone()), LinkSigner::new(&secret), ttl, clock))
}

/// What the settings mean to dispatch.
pub(crate) fn dispatch_settings(config: &Config) -> dispatch::Settings {
    dispatch::Settings {
        cache_bytes: config.dispatch.cache_bytes,
        window: config.dispatch.window,
        window_bytes: config.dispatch.window_bytes,
        payload_bytes: config.limits.payload_bytes,
        work_item_bytes: config.limits.work_item_bytes,
        history: dispatch::Longest {
            events: config.limits.history_events,
            bytes: config.limits.history_bytes,
        },
        max_backoff: Duration::from_millis(config.dispatch.max_backoff_ms),
        activity_deliveries: config.dispatch.activity_deliveries,
        turn_deliveries: config.dispatch.turn_deliveries,
        concurrency: config.dispatch.concurrency.iter().map(|limit| limit.0.clone()).collect(),
        turn_lease: Duration::from_secs(config.dispatch.turn_lease_secs),
        activity_lease: Duration::from_secs(config.dispatch.activity_lease_secs),
        watchdog: Duration::from_secs(config.dispatch.watchdog_secs),
    }
}

fn retention_plan(config: &Config) -> RetentionPlan {
    let config::Retention { rules, every_secs, per_second } = config.retention.clone();
    RetentionPlan { rules, every: Duration::from_secs(every_secs), per_second }
}

fn allowance(config: &Config) -> Allowance {
    let hubs = config.hubs.limits.iter().map(|limits| (limits.hub.clone(), limits.allowance));
    let least = config.limits.free_disk_bytes;
    let disk = match &config.store.url {
        StoreUrl::File(path) if least > 0 => {
            let path = path.clone();
            Some(Disk { least, free: Arc::new(move || disk::free_bytes(&path)) })
        }
        StoreUrl::File(_) | StoreUrl::Memory => None,
    };
    Allowance { under_way: config.limits.new_work, disk, hubs: hubs.collect() }
}

fn http_settings(config: &Config) -> HttpSettings {
    let public = config.server.public_base_url.trim_end_matches('/');
    let webhook_secrets = config.hubs.webhook_secrets.iter().map(|secret| {
        let style = match secret.style {
            SignatureStyle::GitHub => http::Style::GitHub,
            SignatureStyle::StandardWebhooks => http::Style::StandardWebhooks,
        };
        http::Secret::new(&secret.hub, style, &secret.key)
    });
    HttpSettings {
        public_base_url: Some(public.to_owned()).filter(|url| !url.is_empty()),
        body_limit_bytes: config.limits.body_bytes,
        wait_cap: Duration::from_secs(config.limits.wait_secs),
        body_patience: Duration::from_secs(config.http.body_idle_secs),
        events_accepted: match config.http.event_content_type {
            EventContentType::Json => http::Accepted::Json,
            EventContentType::Any => http::Accepted::Any,
        },
        replaces_any_state: config.http.overridable_existing_instance_states == OverridableStates::AnyState,
        webhook_secrets: webhook_secrets.collect(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        open_rpc_mount: config.auth.open_rpc_mount,
        cors_origins: config.http.cors_origins.clone(),
        allowed_hosts: config.server.allowed_hosts.clone(),
        read_only: config.dashboard.read_only,
        tls: config.tls.is_on(),
        hsts_secs: config.tls.hsts_secs,
        compression: config.http.compression,
    }
}

fn meters(config: &Config) -> Meters {
    let free_disk: Option<Arc<dyn Fn() -> Option<u64> + Send + Sync>> = match &config.store.url {
        StoreUrl::File(path) => {
            let path = path.clone();
            Some(Arc::new(move || disk::free_bytes(&path)))
        }
        StoreUrl::Memory => None,
    };
    Meters { free_disk, ..Meters::default() }
}

fn facts(config: &Config, started: Timestamp) -> http::Facts {
    let (store_kind, store_path) = match &config.store.url {
        StoreUrl::File(path) => ("sqlite", Some(path.clone())),
        StoreUrl::Memory => ("memory", None),
    };
    http::Facts { started, store_kind, store_path, settings: config.without_secrets() }
}

/// What the routes are built over.
struct Rooms<'a> {
    manager: &'a Manager,
    dispatch: &'a Dispatch,
    store: &'a Arc<dyn Store>,
    clock: &'a Arc<dyn Clock>,
    gate: &'a Arc<Gate>,
    audit: Audit,
    meters: Meters,
    leaving: &'a CancellationToken,
}

fn routes(config: &Config, rooms: Rooms<'_>) -> Router {
    let Rooms { manager, dispatch, store, clock, gate, audit, meters, leaving } = rooms;
    let readiness: Arc<dyn Readiness> = Arc::new(ready::Probe::new(store.clone(), dispatch.clone()));
    let auditor = Arc::new(Auditor {
        audit,
        trusted_proxies: config.server.trusted_proxies.clone(),
        open: gate.is_open(),
    });
    let recorder =
        grpc_api::Recorder { auditor: auditor.clone(), manager: manager.clone(), edge: meters.edge.clone() };
    let api = http::Api {
        manager: manager.clone(),
        settings: Arc::new(http_settings(config)),
        readiness: readiness.clone(),
        insight: Arc::new(dispatch.clone()),
        clock: clock.clone(),
        gate: gate.clone(),
        auditor,
        facts: Arc::new(facts(config, clock.now())),
        meters,
        leaving: leaving.clone(),
    };
    let workers = grpc::Settings {
        max_turns: config.dispatch.orchestrations_per_worker,
        max_activities: config.dispatch.activities_per_worker,
        max_batches: config.dispatch.entities_per_worker,
        ping: Duration::from_secs(config.grpc.ping_secs),
    };
    let sidecar = Sidecar::new(manager.clone(), dispatch.clone(), workers, leaving.clone());
    let sizes =
        grpc_api::Sizes { received: config.limits.grpc_message_bytes, sent: config.limits.grpc_sent_bytes };
    grpc_api::mount(http::router(api), sidecar, sizes, readiness, gate.clone(), recorder, leaving.clone())
}
