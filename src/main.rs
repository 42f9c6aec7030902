//! The durahub binary: arguments, signals, exit codes. Everything else is the library.
#![forbid(unsafe_code)]

use durahub::{
    bench,
    cli::{Command, KeyVerb},
    config::{Config, StoreUrl},
    samples,
    server::{Server, permit_connections},
    telemetry,
    workers::embedded::Registry,
};
use std::{io::Write as _, process::ExitCode};
use tokio::signal::unix::{Signal, SignalKind, signal};

fn main() -> ExitCode {
    match Command::from_process() {
        Ok(Command::Serve(config)) => serve(&config),
        Ok(Command::Config(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Command::Key(verb)) => key(&verb),
        Ok(Command::Bench(options)) => measure(&options),
        Ok(Command::Keep(verb, store)) => verb.run(&store),
        Err(stop) => stop.report(),
    }
}

fn key(verb: &KeyVerb) -> ExitCode {
    match verb.run(&mut std::io::stdin()) {
        Ok(told) => {
            if let Err(error) = std::io::stdout().write_all(told.output.as_bytes()) {
                return fail(&format!("cannot write to standard output: {error}"));
            }
            if let Some(note) = told.note {
                eprintln!("durahub: {note}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

#[tokio::main]
async fn measure(options: &bench::Options) -> ExitCode {
    // Whoever interrupts it wants no server and no folder left behind.
    let done = tokio::select! {
        done = bench::run(options) => done,
        _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[tokio::main]
async fn serve(config: &Config) -> ExitCode {
    telemetry::init(&config.log);
    let functions = if config.samples.enabled { samples::registry() } else { Registry::new() };
    let (mut terminate, mut interrupt) =
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(error), _) | (_, Err(error)) => return fail(&format!("cannot listen for signals: {error}")),
        };
    // Without a certificate there is nothing to read again, and SIGHUP does what it always did.
    let mut hang_ups = match config.tls.is_on().then(|| signal(SignalKind::hangup())).transpose() {
        Ok(hang_ups) => hang_ups,
        Err(error) => return fail(&format!("cannot listen for signals: {error}")),
    };
    permit_connections(config.server.connections);
    let server = match Server::start(config, functions).await {
        Ok(server) => server,
        Err(error) => return fail(&error.to_string()),
    };
    greet(config, &server);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = hang_up(&mut hang_ups) => match server.reload_certificate() {
                Ok(()) => tracing::info!("the certificate has been read again"),
                Err(error) => tracing::error!(%error, "the certificate in use stays"),
            },
        }
    }
    tracing::info!("shutting down; a second signal ends at once");
    tokio::select! {
        () = server.shutdown() => {
            tracing::info!("shut down");
            ExitCode::SUCCESS
        }
        _ = terminate.recv() => fail("ended by a second signal before the shutdown was complete"),
        _ = interrupt.recv() => fail("ended by a second signal before the shutdown was complete"),
    }
}

async fn hang_up(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => drop(signals.recv().await),
        None => std::future::pending().await,
    }
}

/// Tells a newcomer what he needs to know, on standard output. Logs go to standard error.
fn greet(config: &Config, server: &Server) {
    // Whoever reads this may stop after the line he wanted; that is no reason to end.
    if let Err(error) = std::io::stdout().write_all(greeting(config, server).as_bytes()) {
        tracing::debug!(%error, "standard output is closed");
    }
}

fn greeting(config: &Config, server: &Server) -> String {
    let (url, address) = (server.url(), server.address());
    let hub = config.hubs.default_name();
    let transport = if config.tls.is_on() { "TLS" } else { "h2c" };
    let version = env!("CARGO_PKG_VERSION");
    let data = match &config.store.url {
        StoreUrl::File(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            format!("{} (SQLite)", path.display())
        }
        StoreUrl::Memory => "in memory only: nothing survives the end of this process".to_owned(),
    };
    let mut greeting = format!(
        "\
durahub {version}
Listening on {url}
  dashboard   {url}/dashboard
  HTTP API    {url}/runtime/webhooks/durabletask
  reference   {url}/docs
  health      {url}/healthz  {url}/readyz
  data        {data}
  SDKs        Endpoint={url};TaskHub={hub};Authentication=None
              gRPC ({transport}) address {address}
"
    );
    let mut header = "";
    if !config.auth.keys.is_empty() {
        let keys: Vec<_> =
            config.auth.keys.iter().map(|key| format!("{} ({})", key.name, key.role)).collect();
        greeting.push_str(&format!("  keys        {}\n", keys.join(", ")));
        header = " -H 'x-functions-key: KEY'";
    }
    if config.samples.enabled {
        let start = format!("{url}/runtime/webhooks/durabletask/orchestrators/HelloCities?timeout=10");
        greeting.push_str(&format!("Try it:\n  curl -i -X POST{header} '{start}'\n"));
    }
    greeting
}

fn fail(message: &str) -> ExitCode {
    eprintln!("durahub: {message}");
    ExitCode::FAILURE
}
