//! The server under test: the release binary on a file of its own.

use durahub::api::grpc::generated::task_hub_sidecar_service_client::TaskHubSidecarServiceClient;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;
use tonic::transport::Channel;

/// A client of the protocol.
pub type Client = TaskHubSidecarServiceClient<Channel>;

/// A running server; ended and its data removed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
    _data: TempDir,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// On a copy of a file, so that it can be measured again.
    pub fn start_on_copy_of(db: &Path) -> Self {
        Self::start_with(|file| {
            std::fs::copy(db, file).unwrap();
        })
    }

    fn start_with(prepare: impl FnOnce(&Path)) -> Self {
        // Beside the build, not in /tmp: that may be memory, where a sync costs nothing.
        let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = data.path().join("bench.db");
        prepare(&file);
        let mut child = Command::new(env!("CARGO_BIN_EXE_durahub"))
            .args(["serve", "--listen", "127.0.0.1:0", "--store", &format!("sqlite:{}", file.display())])
            .env("DURAHUB__LOG__LEVEL", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on http://").map(str::to_owned));
        Self { child, address: address.expect("the server prints where it listens"), _data: data }
    }

    pub async fn client(&self) -> Client {
        let channel = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        TaskHubSidecarServiceClient::new(channel.connect().await.unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
