//! A server within the test's own process.

use super::{Client, Http, client};
use durahub::{config::Config, samples, server::Server, workers::embedded::Registry};
use std::ops::Deref;
use tempfile::TempDir;

/// A running server on a free port with a file of its own. Talk to it through [`Http`], which it derefs to.
pub struct Inside {
    pub server: Server,
    pub http: Http,
    /// Holds the file. To be dropped after the server.
    pub folder: TempDir,
}

impl Inside {
    /// With samples and default settings.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With samples and `change`d settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::serving(samples::registry(), change).await
    }

    pub async fn serving(functions: Registry, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.store.url = format!("sqlite:{}/d.db", folder.path().display()).parse().unwrap();
        // However slow the machine, no read is given up and no page is cut short.
        config.store.read_budget_ms = 60_000;
        change(&mut config);
        let server = Server::start(&config, functions).await.unwrap();
        let http = Http::new(server.url());
        Self { server, http, folder }
    }

    /// A gRPC client on a connection of its own.
    pub async fn grpc(&self) -> Client {
        client(&self.http.url).await
    }
}

impl Deref for Inside {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}
