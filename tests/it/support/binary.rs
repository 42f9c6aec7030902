//! The shipped binary as a process of its own, which can be signalled, killed, and started again on the same file.

use super::{Client, Http, PATIENCE, client, eventually, soon};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    ops::Deref,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

const PROGRAM: &str = env!("CARGO_BIN_EXE_durahub");

/// A folder with a database in it. Outlives the processes that use it.
pub struct Data {
    folder: TempDir,
}

impl Data {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store(&self) -> String {
        format!("sqlite:{}", self.path("d.db").display())
    }

    /// Starts the binary with samples.
    pub async fn serve(&self) -> Binary {
        self.serve_with(&[]).await
    }

    /// Starts the binary with more arguments, and waits until it is ready.
    pub async fn serve_with(&self, arguments: &[&str]) -> Binary {
        self.serve_on(&self.store(), arguments).await
    }

    /// The same with another store.
    pub async fn serve_on(&self, store: &str, arguments: &[&str]) -> Binary {
        self.start(store, arguments, &[]).await
    }

    /// Starts the binary with these environment variables.
    pub async fn serve_env(&self, environment: &[(&str, &str)]) -> Binary {
        self.start(&self.store(), &[], environment).await
    }

    async fn start(&self, store: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Binary {
        let log = self.path("log");
        let mut child = program()
            .args(["--listen", "127.0.0.1:0", "--store", store])
            .args(arguments)
            // However slow the machine, no read is given up and no page is cut short.
            .env("DURAHUB__STORE__READ_BUDGET_MS", "60000")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let (tell, told) = oneshot::channel();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            let listening = lines
                .by_ref()
                .map_while(Result::ok)
                .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned));
            drop(tell.send(listening));
            // Read on, so that it never has to wait for a reader.
            lines.for_each(drop);
        });
        let mut binary = Binary { child, http: Http::new(String::new()), log };
        let Some(url) = soon("the binary listens", told).await.unwrap() else {
            panic!("the binary did not start: {}", binary.log());
        };
        binary.http.url = url;
        if binary.http.url.starts_with("https") {
            // Whoever has the certificate asks.
            return binary;
        }
        eventually("the binary is ready", async || (binary.get("/readyz").await.status == 200).then_some(()))
            .await;
        binary
    }
}

/// A running binary, killed when dropped. Talk to it through [`Http`], which it derefs to.
pub struct Binary {
    child: Child,
    http: Http,
    log: PathBuf,
}

impl Binary {
    pub async fn grpc(&self) -> Client {
        client(&self.http.url).await
    }

    /// What it has logged, and those before it on the same data.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it as a power cut would, from the process's point of view.
    pub fn kill_nine(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal such as `TERM`.
    pub fn signal(&self, name: &str) {
        send_signal(self.child.id(), name);
    }

    /// Waits for the process's own end: its exit code, and how long that took.
    pub async fn ended(&mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        let status = eventually("the process ends", async || self.child.try_wait().unwrap()).await;
        (status.code(), begin.elapsed())
    }
}

impl Deref for Binary {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear();
    command
}

/// Runs the binary to its end. One that does not end, because it serves what it should refuse, is killed and fails the test.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    run_with(arguments, environment, Stdio::null())
}

/// The same with something to read on standard input.
pub fn run_with(arguments: &[&str], environment: &[(&str, &str)], input: Stdio) -> Output {
    let mut command = program();
    command.args(arguments).envs(environment.iter().copied()).stdin(input);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    told.recv_timeout(PATIENCE)
        .unwrap_or_else(|_| {
            send_signal(id, "KILL");
            panic!("durahub {arguments:?} runs on");
        })
        .unwrap()
}

fn send_signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).spawn();
    assert!(sent.unwrap().wait().unwrap().success());
}
