//! What a backlog costs those who have nothing to do with it: `cargo bench --bench growth -- [--scale 0.1] [--seconds S] [--rounds N] [KIND...]`.
//!
//! For each kind of backlog a file is made that holds it. Then servers on a copy of that file and on an empty one take turns with
//! `durahub bench sequence`: what must not grow is the time to be ready, the memory, and the latency of other work.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first thing that goes wrong")]
#![allow(clippy::disallowed_methods, reason = "nothing else goes on while a run is waited for")]

mod backlog;

use backlog::Backlog;
use durahub::bench::Spawned;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_durahub");
/// Beside the build, not in /tmp: that may be memory, where a sync costs nothing.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        arguments.get(index + 1)
    };
    let scale: f64 = value("--scale").map_or(1.0, |text| text.parse().unwrap());
    let seconds: u64 = value("--seconds").map_or(5, |text| text.parse().unwrap());
    let rounds: usize = value("--rounds").map_or(3, |text| text.parse().unwrap());
    let named: Vec<_> =
        Backlog::ALL.into_iter().filter(|it| arguments.iter().any(|name| name == it.name())).collect();
    let kinds = if named.is_empty() { Backlog::ALL.to_vec() } else { named };
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "backlog", "file MB", "ready ms", "RSS MB", "per s", "p99 ms", "ratio"
    );
    for kind in kinds {
        let (count, file) = (kind.count(scale), Path::new(FOLDER).join(format!("growth-{}.db", kind.name())));
        remove(&file);
        kind.fill(&file, count).await;
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            without.push(measure(None, seconds).await);
            with.push(measure(Some(&file), seconds).await);
        }
        let (without, with) = (median(without), median(with));
        row("nothing", None, &without, 1.0);
        let megabytes = std::fs::metadata(&file).unwrap().len() >> 20;
        row(
            &format!("{count} {}", kind.title()),
            Some(megabytes),
            &with,
            with.per_second / without.per_second,
        );
        remove(&file);
    }
}

/// What one server did.
#[derive(Clone, Debug)]
struct Measured {
    ready: Duration,
    megabytes: u64,
    per_second: f64,
    p99: f64,
}

/// One server, on a copy of `file` or on an empty one.
async fn measure(file: Option<&Path>, seconds: u64) -> Measured {
    let copied = |to: &Path| file.map_or(Ok(()), |from| std::fs::copy(from, to).map(drop));
    let mut begun = Instant::now();
    let prepare = |to: &Path| {
        copied(to)?;
        // Or the disk would still be busy with the copy.
        if to.exists() {
            std::fs::File::open(to)?.sync_all()?;
        }
        begun = Instant::now();
        Ok(())
    };
    let server = Spawned::start_with(Path::new(PROGRAM), Path::new(FOLDER), prepare).await.unwrap();
    while !reqwest::get(format!("{}/readyz", server.url())).await.unwrap().status().is_success() {}
    let ready = begun.elapsed();
    let run = Command::new(PROGRAM)
        .args(["bench", "sequence", "--json", "--target", server.url(), "--seconds", &seconds.to_string()])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let figures: Value = serde_json::from_slice(&run.stdout).unwrap();
    let figure = |name: &str| figures[name].as_f64().unwrap();
    Measured { ready, megabytes: resident(&server), per_second: figure("per_second"), p99: figure("p99_ms") }
}

/// Of several runs the one in the middle, figure by figure.
fn median(runs: Vec<Measured>) -> Measured {
    let middle = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let of = |figure: fn(&Measured) -> f64| middle(runs.iter().map(figure).collect());
    Measured {
        ready: Duration::from_secs_f64(of(|run| run.ready.as_secs_f64())),
        megabytes: runs.iter().map(|run| run.megabytes).max().unwrap(),
        per_second: of(|run| run.per_second),
        p99: of(|run| run.p99),
    }
}

/// Resident memory of the server, after the run.
fn resident(server: &Spawned) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

fn row(title: &str, file: Option<u64>, measured: &Measured, ratio: f64) {
    let Measured { ready, megabytes, per_second, p99 } = measured;
    let file = file.map(|file| file.to_string()).unwrap_or_default();
    println!(
        "{title:<34} {file:>9} {:>9} {megabytes:>9} {per_second:>9.0} {p99:>9.1} {ratio:>7.2}",
        ready.as_millis()
    );
}

/// Removes a file and what SQLite keeps beside it.
fn remove(file: &Path) {
    for ending in ["", "-wal", "-shm", ".lock"] {
        // Most of them are not there.
        let _ = std::fs::remove_file(PathBuf::from(format!("{}{ending}", file.display())));
    }
}
