//! `durahub bench`: each workload, small, against a server of its own or one that is there.

use crate::support::{Data, run};
use serde_json::Value;

/// The lines that it prints with `--json`; it must succeed and say nothing else.
#[track_caller]
fn measured(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[&["bench", "--json"], arguments].concat(), &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*told), (Some(0), ""), "{arguments:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_workload_measures_a_server_that_is_there_and_leaves_it_serving() {
    let data = Data::new();
    let server = data.serve_with(&["--no-samples"]).await;
    let target = server.url.clone();
    for (workload, arguments, count) in [
        ("sequence", ["--activities", "2"], 20),
        ("fanout", ["--activities", "50"], 2),
        ("events", ["--events", "3"], 5),
        ("timers", ["--delay-ms", "20"], 5),
        ("entities", ["--entities", "3"], 30),
        ("suborchestrations", ["--children", "2"], 5),
        ("start", ["--in-flight", "2"], 10),
        ("status", ["--in-flight", "2"], 10),
        ("list", ["--stored", "7"], 5),
        ("purge", ["--stored", "230"], 230),
    ] {
        let asked = count.to_string();
        let arguments = [&[workload, "--target", &target, "--count", &asked], arguments.as_slice()].concat();
        let figures = &measured(&arguments)[..];
        let [figures] = figures else { panic!("{workload}: {figures:?}") };
        assert_eq!(
            (&figures["workload"], &figures["count"], &figures["errors"]),
            (&workload.into(), &count.into(), &0.into())
        );
        for field in ["seconds", "per_second", "p50_ms", "p99_ms"] {
            assert!(
                figures[field].as_f64().is_some_and(|number| number >= 0.0),
                "{workload} {field}: {figures}"
            );
        }
    }
}

#[test]
fn a_spawned_server_and_its_folder_are_gone_afterwards() {
    let before = leftovers();
    let figures = measured(&["sequence", "--spawn", "--count", "3"]);
    assert_eq!(figures[0]["count"], 3);
    assert_eq!(leftovers(), before);
}

/// Folders of spawned servers in the directory that tests run in.
fn leftovers() -> usize {
    let entries = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("durahub-bench-")).count()
}

#[test]
fn what_cannot_be_measured_says_why() {
    for (arguments, part) in [
        (["sequence", "--target", "http://127.0.0.1:1"], "cannot connect to 127.0.0.1:1"),
        (["sequence", "--target", "https://127.0.0.1:1"], "https"),
        (["sequence", "--target", "nowhere"], "http://HOST:PORT"),
        (["all", "--count", "3"], "--count"),
    ] {
        let output = run(&[&["bench"], arguments.as_slice()].concat(), &[]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.starts_with("durahub: ") && told.contains(part), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_keys_is_measured_with_one() {
    let data = Data::new();
    let key = run(&["key", "new", "--name", "bench", "--role", "admin"], &[]);
    let told = String::from_utf8(key.stdout).unwrap();
    let key = told.lines().next().unwrap();
    let setting = told.lines().find_map(|line| line.strip_prefix("DURAHUB__AUTH__KEYS=")).unwrap();
    let server = data.serve_env(&[("DURAHUB__AUTH__KEYS", setting)]).await;
    let target = server.url.clone();
    let without = run(&["bench", "sequence", "--target", &target, "--count", "1"], &[]);
    assert!(String::from_utf8_lossy(&without.stderr).contains("Unauthenticated"));
    for workload in ["sequence", "status"] {
        let with =
            run(&["bench", workload, "--json", "--target", &target, "--count", "2"], &[("DURAHUB_KEY", key)]);
        let figures: Value = serde_json::from_slice(&with.stdout).unwrap();
        assert_eq!(figures["count"], 2, "{workload}");
    }
}
