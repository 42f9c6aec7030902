//! `docs/limits.md` is made from the settings: `UPDATE_EXPECT=1 cargo test limits_page` writes it anew.

use super::keys::{Allowed, KEYS};
use std::fmt::Write as _;

const HEAD: &str = "\
# Limits

Everything that durahub bounds, and where. An error that a limit causes names it, and the setting if it is one. Made from the settings by a test
(`UPDATE_EXPECT=1 cargo test limits_page`); lists of the other settings: `config.toml`, `durahub config`.

## Settings

| setting | default | from | to | |
| --- | ---: | ---: | ---: | --- |
";

const FIXED: &str = "
## Fixed

| what | at most |
| --- | --- |
| names of functions, events, versions, operations, tags | 256 characters, no control characters |
| ids of instances | 256 UTF-16 units, which is what Durable Functions permits |
| names of task hubs | 64 letters, digits, `-` and `_`, beginning with a letter |
| tags of an instance | 64 |
| tags, names and trace context that travel beside a payload | 64 KiB together |
| an `Idempotency-Key` | 255 characters |
| failures within failures | 64, deeper ones are cut; their messages and stack traces share `limits.payload_bytes` |
| new events of one turn | 1 MiB, but always one; the others come with the next turn |
| operations of one batch of an entity | 100, and 1 MiB, but always one |
| a page of a list | 1,000 rows, and 32 MiB of payloads |
| a page of a history | 10,000 rows over the Durable Functions API, 5,000 over `/api/v1` |
| a request that reads lists | `store.read_budget_ms`; what was found by then is answered, with a continuation |
| children that a rewind or a recursive purge goes down to | 10,000 |
| bulk jobs that run | 100; one names 10,000 instances, or a filter |
| failures of a bulk job that are kept | 1,000; all are counted |
| callers of `/api/v1/events` | 500; one message names 200 instances |
| the head of a request | HTTP/1: 100 headers and 400 KiB; HTTP/2: 16 KiB of headers; 431 above |
| nested JSON in payloads | as deep as they are long: they are passed on as text |
| open connections | `server.connections` |
| open requests of one HTTP/2 connection | `server.streams_per_connection` |
| turns, activities and batches that one worker holds | `dispatch.*_per_worker`, or what it asks for, if that is less |

What outgrows a limit hurts only itself: a payload is refused at the door, an activity whose result is too large fails with a
`PayloadTooLargeError`, an orchestration whose history no worker can receive any more fails with a `HistoryTooLargeError`, and an instance whose
history reaches `limits.history_events` or `limits.history_bytes`, or whose data cannot be used, is parked. The process and other instances go on.
";

/// A setting as `config.toml` shows it.
struct Shown {
    section: String,
    name: String,
    value: String,
    comment: String,
}

/// All settings of the file. Several in a row may share the comment above the first.
fn shown(file: &str) -> Vec<Shown> {
    let (mut section, mut comment, mut fresh) = (String::new(), String::new(), true);
    let mut all = Vec::new();
    for line in file.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            comment.clear();
        } else if let Some(text) = line.strip_prefix("# ") {
            if !fresh {
                comment.clear();
            }
            fresh = true;
            let space = if comment.is_empty() { "" } else { " " };
            let _infallible = write!(comment, "{space}{text}");
        } else if let Some((name, value)) = line.split_once(" = ") {
            fresh = false;
            let (section, comment) = (section.clone(), comment.clone());
            all.push(Shown { section, name: name.to_owned(), value: value.to_owned(), comment });
        }
    }
    all
}

fn page(file: &str) -> String {
    let mut page = HEAD.to_owned();
    for Shown { section, name, value, comment } in shown(file) {
        let key = KEYS.iter().find(|key| key.section == section && key.name == name).expect("a setting");
        let range = match &key.allowed {
            Allowed::Whole(range) => format!("{} | {}", range.start(), range.end()),
            _ if ["hubs.limits", "retention.rules", "dispatch.concurrency"]
                .contains(&key.path().as_str()) =>
            {
                " | ".to_owned()
            }
            _ => continue,
        };
        let comment = comment.replace('|', "\\|");
        let _infallible = writeln!(page, "| `{section}.{name}` | {value} | {range} | {comment} |");
    }
    page + FIXED
}

#[test]
fn the_page_of_limits_says_what_the_settings_say() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml")).unwrap();
    expect_test::expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/docs/limits.md")].assert_eq(&page(&file));
}
