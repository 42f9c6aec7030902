//! The binary and its data as a whole: checks, backups and their way back, moving a hub, and what damage does.

use crate::support::{Binary, Data, eventually, run};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Output,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the program on the data at `store` to a good end; answers what it told.
#[track_caller]
fn good(store: &str, arguments: &[&str]) -> String {
    let output = run(&[arguments, &["--store", store]].concat(), &[]);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs it to a refusal that says `part`.
#[track_caller]
fn refused(store: &str, arguments: &[&str], part: &str) {
    let output = run(&[arguments, &["--store", store]].concat(), &[]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
    assert!(told.starts_with("durahub: ") && told.contains(part) && !told.contains("panicked"), "{told}");
}

fn found(output: &Output) -> (Option<i32>, Value) {
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

/// Changes rows of a database that no server has open.
fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

async fn waiting(server: &Binary, id: &str) {
    server.start("HumanApproval", id, "").await;
    server.until_custom(id, |custom| custom["waitingFor"] == "Approval").await;
}

async fn end(mut server: Binary) {
    server.signal("TERM");
    assert_eq!(server.ended().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_of_one_moment_and_goes_on_where_that_was() {
    let data = Data::new();
    let server = data.serve().await;
    waiting(&server, "waits").await;
    server.start("SlowChain", "chain", r#"{"steps":40,"delayMs":20}"#).await;
    let (stop, started) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = async {
        while !stop.load(Ordering::Relaxed) {
            let number = started.load(Ordering::Relaxed);
            server.start("HelloCities", &format!("hello-{number}"), "").await;
            started.store(number + 1, Ordering::Relaxed);
        }
    };
    let (copy, store) = (data.path("copy.db"), data.store());
    let backing_up = async {
        eventually("some load", async || (started.load(Ordering::Relaxed) > 20).then_some(())).await;
        let before = started.load(Ordering::Relaxed);
        let (name, store) = (copy.display().to_string(), store.clone());
        let told =
            tokio::task::spawn_blocking(move || good(&store, &["backup", "--to", &name])).await.unwrap();
        assert!(told.contains("copy.db") && told.contains("checked"), "{told}");
        stop.store(true, Ordering::Relaxed);
        before
    };
    let ((), before) = tokio::join!(load, backing_up);
    server.kill_nine();
    // Nothing lies beside it, and nothing is wrong with it.
    assert!(!data.path("copy.db-wal").exists() && !data.path("copy.db.lock").exists());
    let (code, report) = found(&run(&["check", "--json", "--store", &url(&copy)], &[]));
    assert_eq!((code, &report["found"]), (Some(0), &json!(0)), "{report}");
    let server = data.serve_on(&url(&copy), &[]).await;
    for number in 0..before {
        server.until(&format!("hello-{number}"), "Completed").await;
    }
    assert_eq!(server.output("chain").await, 40);
    server.raise("waits", "Approval", "true").await;
    assert_eq!(server.output("waits").await, "Approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_takes_the_place_of_what_was_there() {
    let data = Data::new();
    let (copy, store) = (data.path("copy.db").display().to_string(), data.store());
    let server = data.serve().await;
    waiting(&server, "a").await;
    good(&store, &["backup", "--to", &copy]);
    refused(&store, &["backup", "--to", &copy], "--force");
    server.raise("a", "Approval", "true").await;
    server.until("a", "Completed").await;
    refused(&store, &["restore", "--from", &copy, "--force"], "in use by process");
    refused(&store, &["check"], "in use by process");
    // With a log left behind, which must not get into the backup.
    server.kill_nine();
    assert!(data.path("d.db-wal").exists());
    refused(&store, &["restore", "--from", &copy], "--force");
    good(&store, &["restore", "--from", &copy, "--force"]);
    assert!(!data.path("d.db-wal").exists());
    refused(&store, &["restore", "--from", "/nonexistent/x.db", "--force"], "/nonexistent/x.db");
    refused("sqlite::memory:", &["check"], "in memory");
    let server = data.serve().await;
    assert_eq!(server.status("a").await["runtimeStatus"], "Running");
    server.raise("a", "Approval", "false").await;
    assert_eq!(server.output("a").await, "Rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_a_torn_history_is_parked_and_the_others_go_on() {
    let data = Data::new();
    let server = data.serve().await;
    for id in ["gap", "end", "bytes", "well"] {
        waiting(&server, id).await;
        // A second chunk.
        server.raise(id, "Approval", "7").await;
        server.until_custom(id, |custom| custom["ignored"] == 1).await;
    }
    end(server).await;
    let of = |id: &str| format!("id >> 26 = (SELECT key FROM instance WHERE id = '{id}')");
    tamper(
        &data.path("d.db"),
        &format!(
            "DELETE FROM history WHERE {} AND id & 67108863 = 0; \
             DELETE FROM history WHERE {} AND id & 67108863 > 0; \
             UPDATE history SET events = x'ffffffff' WHERE {}",
            of("gap"),
            of("end"),
            of("bytes")
        ),
    );
    let (code, report) = found(&run(&["check", "--json", "--store", &data.store()], &[]));
    assert_eq!(code, Some(3), "{report}");
    let ids: Vec<_> = report["findings"].as_array().unwrap().iter().map(|row| &row["instanceId"]).collect();
    assert_eq!(ids, ["bytes", "end", "gap"], "{report}");
    let in_words = run(&["check", "--store", &data.store()], &[]);
    let told = text(&in_words.stdout);
    assert!(in_words.status.code() == Some(3) && told.contains("instance gap of the hub default"), "{told}");

    let server = data.serve().await;
    for (id, why) in
        [("gap", "event 0 is missing"), ("end", "but ends after"), ("bytes", "the chunk at event 0")]
    {
        server.raise(id, "Approval", "true").await;
        let told = eventually(&format!("{id} is parked"), async || {
            let told = server.get(&format!("/api/v1/instances/{id}/explain")).await.json();
            (told["turn"]["state"] == "parked").then_some(told)
        })
        .await;
        let summary = told["summary"].as_str().unwrap();
        assert!(summary.contains("cannot be used") && summary.contains(why), "{summary}");
        assert_eq!(server.status(id).await["runtimeStatus"], "Running");
    }
    server.raise("well", "Approval", "true").await;
    assert_eq!(server.output("well").await, "Approved");
    let log = server.log();
    for (id, why) in
        [("gap", "event 0 is missing"), ("end", "but ends after"), ("bytes", "the chunk at event 0")]
    {
        let parked = |line: &&str| line.contains("instance parked") && line.contains(id);
        assert!(log.lines().find(parked).is_some_and(|line| line.contains(why)), "{id}: {log}");
    }
    server.is_well().await;
    // A running server finds the same, and the file can be backed up all the same.
    assert_eq!(server.get("/api/v1/check").await.json()["state"], "none");
    assert_eq!(server.post("/api/v1/check", "").await.status, 202);
    let report = eventually("the check ends", async || {
        let report = server.get("/api/v1/check").await.json();
        (report["state"] != "running").then_some(report)
    })
    .await;
    assert_eq!(
        (&report["state"], &report["found"], &report["total"]),
        (&json!("completed"), &json!(3), &report["instances"])
    );
    assert_eq!(report["findings"][0]["instanceId"], "bytes");
    let copy = data.path("copy.db").display().to_string();
    let output = run(&["backup", "--to", &copy, "--store", &data.store()], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("instance gap"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_refused_with_the_cure_and_left_as_it_is() {
    let data = Data::new();
    let server = data.serve().await;
    server.start("HelloCities", "a", "").await;
    server.until("a", "Completed").await;
    end(server).await;
    let whole = std::fs::read(data.path("d.db")).unwrap();
    let bad = data.path("bad.db");
    let root: u32 = Connection::open(data.path("d.db"))
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'message'", [], |row| row.get(0))
        .unwrap();
    let mut torn = whole.clone();
    torn[(root as usize - 1) * 4096..root as usize * 4096].fill(0xa5);
    let cut = whole[..whole.len() - 5000].to_vec();
    for (bytes, part) in [(torn, "the table message cannot be read"), (cut, "is cut: it has")] {
        std::fs::write(&bad, &bytes).unwrap();
        refused(&url(&bad), &["--listen", "127.0.0.1:0"], part);
        refused(&url(&bad), &["--listen", "127.0.0.1:0"], "restore a backup");
        refused(&url(&bad), &["backup", "--to", &data.path("x").display().to_string()], "");
        assert!(!data.path("x").exists());
        assert_eq!(std::fs::read(&bad).unwrap(), bytes, "{part}");
    }
    // A log without its file would be thrown away by SQLite.
    std::fs::write(&bad, "").unwrap();
    std::fs::write(data.path("bad.db-wal"), "x".repeat(5000)).unwrap();
    refused(&url(&bad), &["--listen", "127.0.0.1:0"], "missing or empty");
    assert_eq!(std::fs::metadata(data.path("bad.db-wal")).unwrap().len(), 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_was_moved_goes_on_where_it_was() {
    let data = Data::new();
    let (file, store) = (data.path("hub.jsonl"), data.store());
    let name = file.display().to_string();
    let server = data.serve().await;
    waiting(&server, "waits").await;
    server.start("HumanApproval", "timer", r#"{"timeoutSeconds":2}"#).await;
    server.until_custom("timer", |custom| custom["waitingFor"] == "Approval").await;
    server.start("HelloCities", "done", "").await;
    let done = server.until("done", "Completed").await;
    server.post("entities/Samples.Counter/c?op=add", "41").await.is_empty(202);
    eventually("the counter", async || {
        (server.get("entities/Samples.Counter/c").await.body == "41").then_some(())
    })
    .await;
    // Nobody serves it here: it waits to be run where it comes to.
    end(server).await;
    let server = data.serve_with(&["--no-samples"]).await;
    server.start("HelloCities", "pending", "").await;
    let told = good(&store, &["export", "--hub", "default", "--to", &name]);
    assert!(told.contains("5 instances of the hub default"), "{told}");
    refused(&store, &["export", "--hub", "default", "--to", &name], "--force");
    refused(&store, &["export", "--hub", "nightly", "--to", &name, "--force"], "there are: default");
    refused(&store, &["import", "--from", &name, "--hub", "other"], "in use by process");
    end(server).await;

    let (target, cut) = (url(&data.path("new.db")), data.path("cut.jsonl"));
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&cut, &whole[..whole.len() * 2 / 3]).unwrap();
    refused(&target, &["import", "--from", &cut.display().to_string()], "is cut");
    refused(&target, &["import", "--from", &data.path("d.db").display().to_string()], "not an export");
    let told = good(&target, &["import", "--from", &name]);
    assert!(told.contains("5 instances into the hub default"), "{told}");
    refused(&target, &["import", "--from", &name], "is there already");
    assert!(
        good(&target, &["import", "--from", &name, "--on-existing", "skip"]).contains("5 left as they were")
    );
    assert!(good(&target, &["check"]).contains("nothing found (5 instances"));

    let server = data.serve_on(&target, &[]).await;
    assert_eq!(server.status("done").await, done);
    assert_eq!(server.output("timer").await, "TimedOut");
    server.until("pending", "Completed").await;
    server.raise("waits", "Approval", "true").await;
    assert_eq!(server.output("waits").await, "Approved");
    server.post("entities/Samples.Counter/c?op=add", "1").await.is_empty(202);
    eventually("the counter", async || {
        (server.get("entities/Samples.Counter/c").await.body == "42").then_some(())
    })
    .await;
    server.is_well().await;
    end(server).await;
    assert!(good(&target, &["check"]).contains("nothing found"));
}
