//! Lists, counts, single reads and purge over a file that holds many instances: `cargo bench --bench lists -- --db FILE [--seconds S]`.
//! `cargo run --release --example seed` makes such a file; this works on a copy of it, with the release binary.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first thing that goes wrong")]

mod http;
mod report;

use durahub::bench::Spawned;
use http::{BASE, exchange};
use report::Tally;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};

/// How often each page is asked for, and for how long at most.
const REPEATS: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked, and how the report calls it.
const PAGES: &[(&str, &str)] = &[
    ("page of 100", "/instances"),
    ("... Failed", "/instances?runtimeStatus=Failed"),
    ("... Canceled (0.1 %)", "/instances?runtimeStatus=Canceled"),
    ("... Pending (none)", "/instances?runtimeStatus=Pending"),
    ("... live", "/instances?runtimeStatus=Running,Pending,Suspended"),
    ("... name (a fourth)", "/instances?name=ProcessOrder"),
    ("... name (1 in 10,000)", "/instances?name=DisasterRecovery"),
    ("... name (none)", "/instances?name=Nobody"),
    ("... version", "/instances?version=2.0"),
    ("... tag (1 in 12)", "/instances?tag=team:red"),
    ("... tag (1 in 15,000)", "/instances?tag=tenant:t17"),
    ("... tag (1 in 20,000)", "/instances?tag=vip"),
    ("... tag (none)", "/instances?tag=none"),
    ("... top level", "/instances?topLevel=true"),
    ("... prefix (a fourth)", "/instances?instanceIdPrefix=processorder"),
    ("... prefix (1 in 10,000)", "/instances?instanceIdPrefix=disaster"),
    ("... newest first", "/instances?order=createdTime+desc"),
    ("... Failed, newest first", "/instances?order=createdTime+desc&runtimeStatus=Failed"),
    ("... last updated first", "/instances?order=lastUpdatedTime+desc"),
    ("... by id", "/instances?order=id"),
];
const COUNTS: &[(&str, &str)] = &[
    ("counts", ""),
    ("... Failed", "?runtimeStatus=Failed"),
    ("... name", "?name=ProcessOrder"),
    ("... tag", "?tag=team:red"),
    ("... prefix (1 in 10,000)", "?instanceIdPrefix=disaster"),
];
const HISTORIES: &[(&str, &str)] = &[
    ("history of 10,000 events, first 200 rows", "historyTop=200"),
    ("... rows behind event 3,000", "historyTop=200&historyAfter=3000"),
    ("... rows behind event 9,000", "historyTop=200&historyAfter=9000"),
    ("... all of it", ""),
];

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let value = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        arguments.get(index + 1)
    };
    let time = Duration::from_secs(value("--seconds").map_or(10, |text| text.parse().unwrap()));
    match value("--db") {
        Some(db) => run(&PathBuf::from(db), time).await,
        None => println!("lists: nothing to do without --db FILE"),
    }
}

/// Measures on a copy of the file at `db`.
async fn run(db: &Path, time: Duration) {
    report::header();
    // Beside the build, not in /tmp: that may be memory, where a sync costs nothing.
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = Path::new(env!("CARGO_BIN_EXE_durahub"));
    let server =
        Spawned::start_with(program, parent, |file| std::fs::copy(db, file).map(drop)).await.unwrap();
    let mut caller = Caller::connect(&server).await;
    for (name, target) in PAGES {
        caller.repeat(name, &format!("{BASE}{target}")).await;
    }
    for (name, query) in COUNTS {
        caller.repeat(name, &format!("/api/v1/counts{query}")).await;
    }
    for (name, query) in HISTORIES {
        caller.repeat(name, &format!("{BASE}/instances/long-history?showHistory=true&{query}")).await;
    }
    let parent = caller.some_parent().await;
    caller.repeat("page of children", &format!("{BASE}/instances?parentInstanceId={parent}")).await;
    let (ids, deep) = caller.all_pages().await;
    caller
        .repeat("page of 100 in the middle", &format!("{BASE}/instances?top=100&continuationToken={deep}"))
        .await;
    singles(&server, &ids, time / 2).await;
    purge(&server, time / 2).await;
}

struct Caller {
    connection: TcpStream,
    buffer: Vec<u8>,
}

impl Caller {
    async fn connect(server: &Spawned) -> Self {
        let connection = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
        connection.set_nodelay(true).unwrap();
        Self { connection, buffer: Vec::new() }
    }

    async fn ask(&mut self, method: &str, target: &str) -> (String, serde_json::Value) {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        exchange(&mut self.connection, &request, "HTTP/1.1 200", &mut self.buffer).await;
        let text = std::str::from_utf8(&self.buffer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    async fn repeat(&mut self, name: &str, target: &str) {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let (mut tally, begin) = (Tally::default(), Instant::now());
        for _ in 0..REPEATS {
            if begin.elapsed() > PATIENCE {
                break;
            }
            let start = Instant::now();
            exchange(&mut self.connection, &request, "HTTP/1.1 200", &mut self.buffer).await;
            tally.done(start);
        }
        report::line(name, tally, begin.elapsed());
    }

    /// The id of an instance that has children, if names and numbers are as the seed makes them.
    async fn some_parent(&mut self) -> String {
        let (_, page) = self.ask("GET", &format!("{BASE}/instances?top=1")).await;
        page[0]["instanceId"].as_str().unwrap_or_default().to_owned()
    }

    /// Every page, to the last: each instance must be there once. Answers some ids, and the token in the middle.
    async fn all_pages(&mut self) -> (Vec<String>, String) {
        let (_, counts) = self.ask("GET", "/api/v1/counts").await;
        let total = counts["total"].as_u64().unwrap();
        let (mut token, mut met, mut ids, mut deep) = (String::new(), 0_u64, Vec::new(), String::new());
        let (mut tally, begin) = (Tally::default(), Instant::now());
        loop {
            let start = Instant::now();
            let target = format!("{BASE}/instances?top=1000&showInput=false&continuationToken={token}");
            let (head, page) = self.ask("GET", &target).await;
            tally.done(start);
            let page = page.as_array().unwrap();
            met += page.len() as u64;
            ids.extend(
                page.iter().step_by(10).filter_map(|row| Some(row["instanceId"].as_str()?.to_owned())),
            );
            let next = head.lines().find_map(|line| line.strip_prefix("x-ms-continuation-token: "));
            match next.map(str::trim).filter(|next| !next.is_empty()) {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
            if met < total / 2 {
                token.clone_into(&mut deep);
            }
        }
        assert_eq!(met, total, "every instance is on one page");
        report::line("all pages of 1,000 (with reading them)", tally, begin.elapsed());
        (ids, deep)
    }
}

/// The status of single instances, at random.
async fn singles(server: &Spawned, ids: &[String], time: Duration) {
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for lane in 0..64_usize {
        let mut caller = Caller::connect(server).await;
        let ids: Vec<_> = ids.iter().skip(lane).step_by(64).cloned().collect();
        callers.spawn(async move {
            let (mut tally, mut index) = (Tally::default(), 0_usize);
            while begin.elapsed() < time {
                index = (index + 7_919) % ids.len();
                let request =
                    format!("GET {BASE}/instances/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", ids[index]);
                let start = Instant::now();
                exchange(&mut caller.connection, &request, "HTTP/1.1 20", &mut caller.buffer).await;
                tally.done(start);
            }
            tally
        });
    }
    let mut tally = Tally::default();
    while let Some(caller) = callers.join_next().await {
        tally.merge(caller.unwrap());
    }
    report::line("status of one of them, 64 connections", tally, begin.elapsed());
}

/// Orchestrations one after another on 8 connections, first alone, then while 100,000 instances are purged.
async fn purge(server: &Spawned, time: Duration) {
    orchestrations(server, "HelloCities, 8 at a time, alone", async { tokio::time::sleep(time).await }).await;
    let mut purger = Caller::connect(server).await;
    // The page after 100 pages of 1,000 begins with the first that stays.
    let mut token = String::new();
    for _ in 0..100 {
        let target =
            format!("{BASE}/instances?top=1000&showInput=false&order=createdTime&continuationToken={token}");
        let (head, _) = purger.ask("GET", &target).await;
        let next = head.lines().find_map(|line| line.strip_prefix("x-ms-continuation-token: "));
        next.map(str::trim).unwrap_or_default().clone_into(&mut token);
    }
    let target = format!("{BASE}/instances?top=1&continuationToken={token}");
    let (_, page) = purger.ask("GET", &target).await;
    let until = page[0]["createdTime"].as_str().unwrap_or("9999-01-01T00:00:00Z").to_owned();
    let purged = async {
        let begin = Instant::now();
        let (mut deleted, mut calls) = (0, 0);
        loop {
            let target = format!("{BASE}/instances?createdTimeFrom=2000-01-01&createdTimeTo={until}");
            let request = format!("DELETE {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
            exchange(&mut purger.connection, &request, "HTTP/1.1 ", &mut purger.buffer).await;
            let text = String::from_utf8_lossy(&purger.buffer).into_owned();
            if text.starts_with("HTTP/1.1 404") {
                break;
            }
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            let answer: serde_json::Value = serde_json::from_str(body).unwrap();
            deleted += answer["instancesDeleted"].as_u64().unwrap();
            calls += 1;
        }
        (deleted, calls, begin.elapsed())
    };
    let (deleted, calls, took) = orchestrations(server, "... while instances are purged", purged).await;
    let rate = deleted as f64 / took.as_secs_f64();
    println!(
        "purged {deleted} instances in {calls} calls and {:.1} s: {rate:.0} per second",
        took.as_secs_f64()
    );
}

/// Runs orchestrations until `work` is done.
async fn orchestrations<T>(server: &Spawned, name: &str, work: impl Future<Output = T>) -> T {
    let stop = tokio_util::sync::CancellationToken::new();
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (mut caller, stop) = (Caller::connect(server).await, stop.clone());
        callers.spawn(async move {
            let mut tally = Tally::default();
            while !stop.is_cancelled() {
                let start = Instant::now();
                caller.ask("POST", &format!("{BASE}/orchestrators/HelloCities?timeout=30")).await;
                tally.done(start);
            }
            tally
        });
    }
    let answer = work.await;
    stop.cancel();
    let mut tally = Tally::default();
    while let Some(caller) = callers.join_next().await {
        tally.merge(caller.unwrap());
    }
    report::line(name, tally, begin.elapsed());
    answer
}
