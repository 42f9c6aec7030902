//! The binary's arguments, exit codes and messages: a start that cannot work says why and changes nothing.

use crate::support::{Data, run};
use std::{fs, net::TcpListener, process::Output};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code and standard error of a run that prints nothing on standard output.
#[track_caller]
fn refused(output: &Output) -> (i32, String) {
    assert_eq!(text(&output.stdout), "");
    let told = text(&output.stderr);
    assert!(told.starts_with("durahub: ") && !told.contains("panicked"), "{told}");
    (output.status.code().unwrap(), told)
}

#[test]
fn help_and_version_are_told_on_standard_output() {
    for (arguments, parts) in [
        (["--help"].as_slice(), ["Usage: durahub", "--listen <ADDR:PORT>", "DURAHUB__LOG__LEVEL=debug"]),
        (&["serve", "--help"], ["Usage: durahub serve", "--store <URL>", "--no-samples"]),
        (&["--version"], ["durahub ", ".", env!("CARGO_PKG_VERSION")]),
    ] {
        let output = run(arguments, &[]);
        let told = text(&output.stdout);
        assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(0), true), "{told}");
        for part in parts {
            assert!(told.contains(part), "{part:?} not in {told}");
        }
    }
}

#[test]
fn the_config_command_shows_what_holds_and_where_it_comes_from() {
    let data = Data::new();
    let file = data.path("my.toml");
    fs::write(&file, "[store]\nreaders = 7\n[log]\nlevel = \"warn\"").unwrap();
    let environment = [
        ("DURAHUB__LOG__LEVEL", "debug"),
        ("DURAHUB__HUBS__NAMES", "one,two"),
        ("DURAHUB__GRPC__PING_SECS", "3"),
    ];
    let output =
        run(&["config", "--config", file.to_str().unwrap(), "--listen", "127.0.0.1:1234"], &environment);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    for (key, value, origin) in [
        ("listen", "\"127.0.0.1:1234\"", "--listen"),
        ("readers", "7", "my.toml"),
        ("level", "\"debug\"", "DURAHUB__LOG__LEVEL"),
        ("names", "[\"one\",\"two\"]", "DURAHUB__HUBS__NAMES"),
        ("ping_secs", "3", "DURAHUB__GRPC__PING_SECS"),
        ("body_bytes", "16777216", "default"),
    ] {
        let line = told.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
        assert!(line.contains(value) && line.contains(origin), "{line}");
    }
}

#[test]
fn unknown_settings_stop_the_start_with_code_2_and_their_name() {
    let data = Data::new();
    let file = data.path("bad.toml");
    fs::write(&file, "[server]\nlissten = \"127.0.0.1:0\"").unwrap();
    let store = data.store();
    for (arguments, environment, names) in [
        (vec!["--config", file.to_str().unwrap()], vec![], "server.lissten"),
        (vec![], vec![("DURAHUB__STORE__RAEDERS", "3")], "DURAHUB__STORE__RAEDERS"),
        (vec![], vec![("DURAHUB__STORE__READERS", "0")], "store.readers"),
        (vec![], vec![("DURAHUB_CONFIG", "/nonexistent/x.toml")], "/nonexistent/x.toml"),
        (vec!["--listen", "nowhere"], vec![], "server.listen"),
        (vec!["--listen", "0.0.0.0:0"], vec![], "--insecure"),
        (vec!["--store", "postgres://user:secret@db/x"], vec![], "store.url"),
        (vec!["--log-level", "laud"], vec![], "log.level"),
    ] {
        let arguments = if arguments.contains(&"--store") {
            arguments
        } else {
            [vec!["--store", &store], arguments].concat()
        };
        let (code, told) = refused(&run(&arguments, &environment));
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(names) && !told.contains("secret"), "{told}");
    }
    let output = run(&["--lissten", "x"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--lissten"), "{output:?}");
    assert!(!data.path("d.db").exists());
}

#[test]
fn a_store_that_cannot_be_opened_stops_the_start_with_the_cure() {
    let data = Data::new();
    let garbage = data.path("garbage.db");
    let noise = "this is a letter to my aunt, not a database. ".repeat(100);
    fs::write(&garbage, &noise).unwrap();
    let [garbage, folder, missing] =
        [&garbage, &data.path(""), &data.path("no/such/d.db")].map(|path| path.display().to_string());
    for (path, parts) in [
        (garbage.as_str(), ["not a SQLite database", "choose another file"]),
        (&folder, ["directory", "name a file"]),
        (&missing, ["there is no directory", "choose another file"]),
        ("/proc/d.db", ["cannot write", "choose another file"]),
    ] {
        let (code, told) =
            refused(&run(&["--listen", "127.0.0.1:0", "--store", &format!("sqlite:{path}")], &[]));
        assert_eq!(code, 1, "{told}");
        for part in parts {
            assert!(
                told.contains(part) && told.contains(path.trim_end_matches('/')),
                "{part:?} not in {told}"
            );
        }
    }
    assert_eq!(fs::read_to_string(garbage).unwrap(), noise);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_file_is_refused_and_hurts_nobody() {
    let data = Data::new();
    let server = data.serve().await;
    let (code, told) = refused(&run(&["--listen", "127.0.0.1:0", "--store", &data.store()], &[]));
    assert_eq!(code, 1);
    assert!(told.contains("in use by process") && told.contains("d.db"), "{told}");
    server.is_well().await;
    // By another name, too.
    let other = data.path("link.db");
    std::os::unix::fs::symlink(data.path("d.db"), &other).unwrap();
    let (code, told) =
        refused(&run(&["--listen", "127.0.0.1:0", "--store", &format!("sqlite:{}", other.display())], &[]));
    assert!(code == 1 && told.contains("in use by process"), "{told}");
    server.kill_nine();
    data.serve().await.is_well().await;
}

#[test]
fn a_port_that_is_taken_is_told_with_the_way_out() {
    let data = Data::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, told) = refused(&run(&["--listen", &address, "--store", &data.store()], &[]));
    assert_eq!(code, 1);
    assert!(told.contains(&address) && told.contains("--listen ADDR:PORT"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_memory_is_gone_and_what_was_in_the_file_is_not() {
    let data = Data::new();
    let server = data.serve_with(&["--no-samples"]).await;
    server.start("HelloCities", "kept", "").await;
    drop(server);
    let server = data.serve_on("sqlite::memory:", &[]).await;
    server.get("instances/kept").await.is_empty(404);
    server.is_well().await;
    drop(server);
    let server = data.serve().await;
    server.until("kept", "Completed").await;
}
