//! There and back, and everything that must not get in.

use super::{
    super::{SqliteOptions, SqliteStore, check, check::tests::sound},
    Imported, OnExisting, export, import,
};
use crate::{
    model::{HubName, InstanceId},
    store::{Error, Loaded, Store},
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn quiet(_: u64, _: u64) {}

/// A database with one of everything, its export, and the lines of it.
async fn exported() -> (TempDir, PathBuf, PathBuf, Vec<String>) {
    let (folder, path) = sound().await;
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "UPDATE instance SET tags = '{' || char(10) || '\"team\":\"blue\"' || char(10) || '}', trace = x'0102', \
                 parent_id = 'p', parent_execution_id = 'pe', parent_task_id = 7 WHERE key = 1; \
             INSERT INTO instance (key, hub, id, name, execution_id, status, turn, created_at, updated_at) \
                 VALUES (4, 1, '@e@k', 'e', '', 0, 3, 5, 6); \
             INSERT INTO payload VALUES (16, CAST('42' AS BLOB)); \
             INSERT INTO entity_lock SELECT 4, 1, execution_id, 's1' FROM instance WHERE key = 1; \
             INSERT INTO parked VALUES (1, 1, 55, 0, 10, 'it kills'); \
             INSERT INTO revision SELECT 1, 1, 1, 77, 'why', count, 'x', 1, events FROM history WHERE id = 1 << 26; \
             INSERT INTO idempotency VALUES (1, 'once', x'aa', 'a', 1, 9); \
             UPDATE message SET due = 123 WHERE key = 1; \
             UPDATE counter SET next = 10 WHERE name = 'instance';",
        )
        .unwrap();
    let file = folder.path().join("one.jsonl");
    let written = export(&path, "ONE", &file, false, &mut quiet).unwrap();
    assert_eq!((written.hub.as_str(), written.instances), ("one", 4));
    let lines: Vec<_> = std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.len() as u64, written.records + 2);
    (folder, path, file, lines)
}

fn read(to: &Path, from: &Path, hub: Option<&str>, on_existing: OnExisting) -> Result<Imported, Error> {
    import(to, from, hub, on_existing, &mut quiet)
}

async fn loaded(path: &Path, hub: &str, id: &str) -> Loaded {
    let store =
        SqliteStore::open(SqliteOptions::file(path), tokio::sync::mpsc::unbounded_channel().0).unwrap();
    let hub = store.hub_ensure(HubName::parse(hub).unwrap()).await.unwrap();
    let (record, _) = store.instance_get(hub, InstanceId::lookup(id), false).await.unwrap().unwrap();
    let loaded = store.instance_load(record.key).await.unwrap().unwrap();
    store.close().await.unwrap();
    loaded
}

#[tokio::test]
async fn what_was_exported_is_there_again_under_numbers_of_its_own() {
    let (folder, path, file, lines) = exported().await;
    let to = folder.path().join("b.db");
    // Something is there already, so that no number is what it was.
    read(&to, &file, Some("other"), OnExisting::Refuse).unwrap();
    let done = read(&to, &file, None, OnExisting::Refuse).unwrap();
    assert_eq!(done, Imported { hub: "one".into(), instances: 4, skipped: 0, replaced: 0 });
    let again = folder.path().join("again.jsonl");
    export(&to, "one", &again, false, &mut quiet).unwrap();
    let second: Vec<_> = std::fs::read_to_string(&again).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(second, lines);
    for kind in [
        "header", "instance", "payload", "history", "revision", "message", "parked", "activity", "lock",
        "answered", "end",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{{\"{kind}\":"))), "{kind}");
    }
    assert_eq!(check::at_rest(&to, &mut quiet).unwrap().findings, []);
    let (old, new) = (loaded(&path, "one", "a").await, loaded(&to, "one", "a").await);
    assert_ne!(old.record.key, new.record.key);
    assert_eq!(
        (old.history, old.record.tags, old.record.parent),
        (new.history, new.record.tags, new.record.parent)
    );
    assert_eq!(old.inbox[0].events, new.inbox[0].events);
    let locked = loaded(&to, "one", "@e@k").await.entity.unwrap();
    assert_eq!((locked.state.as_deref(), locked.lock.unwrap().owner.as_str()), (Some("42"), "a"));
}

#[tokio::test]
async fn ids_that_are_taken_are_refused_kept_or_replaced_as_asked() {
    let (folder, _, file, _) = exported().await;
    let to = folder.path().join("b.db");
    read(&to, &file, None, OnExisting::Refuse).unwrap();
    let told = read(&to, &file, None, OnExisting::Refuse).unwrap_err().to_string();
    assert!(told.contains("instance a is there already") && told.contains("--on-existing"), "{told}");
    let before = loaded(&to, "one", "a").await.record.key;
    let skipped = read(&to, &file, None, OnExisting::Skip).unwrap();
    assert_eq!((skipped.instances, skipped.skipped), (0, 4));
    assert_eq!(loaded(&to, "one", "a").await.record.key, before);
    let replaced = read(&to, &file, None, OnExisting::Replace).unwrap();
    assert_eq!((replaced.instances, replaced.replaced), (4, 4));
    assert_ne!(loaded(&to, "one", "a").await.record.key, before);
    assert_eq!(check::at_rest(&to, &mut quiet).unwrap().findings, []);
}

#[tokio::test]
async fn a_file_that_is_cut_changed_or_foreign_is_refused_and_nothing_of_it_stays() {
    let (folder, _, file, lines) = exported().await;
    let to = folder.path().join("b.db");
    let whole = std::fs::read(&file).unwrap();
    let bad = folder.path().join("bad.jsonl");
    let refused = |bytes: &[u8], part: &str| {
        std::fs::write(&bad, bytes).unwrap();
        match read(&to, &bad, None, OnExisting::Refuse) {
            Err(Error::Refused(told)) => {
                assert!(told.contains(part) && told.contains("bad.jsonl"), "{part}: {told}");
            }
            other => panic!("{part}: {other:?}"),
        }
    };
    // Cut at the end of each line, and within each.
    let mut end = lines[0].len() + 1;
    for line in &lines[1..] {
        refused(&whole[..end], "is cut");
        refused(&whole[..end + line.len() / 2], "is cut");
        end += line.len() + 1;
    }
    let text = String::from_utf8(whole.clone()).unwrap();
    refused(text.replace("\"blue\"", "\"bleu\"").as_bytes(), "count or digest differ");
    refused(format!("{text}{}\n", lines[1]).as_bytes(), "behind the last line");
    refused(text.replace("durahub-hub", "durahub-dog").as_bytes(), "not an export of a hub");
    refused(text.replace("\"version\":1,\"hub\"", "\"version\":2,\"hub\"").as_bytes(), "a newer durahub");
    refused(b"SQLite format 3", "is not an export");
    refused(b"", "is not an export");
    refused(format!("{}\n{}\n", lines[0], lines[2]).as_bytes(), "belongs to no instance");
    // Of good form and digest, but not possible.
    let one: Vec<_> = lines.iter().filter(|line| !line.contains("\"first\":1,")).cloned().collect();
    let body = one[..one.len() - 1].iter().fold(String::new(), |text, line| text + line + "\n");
    let digest = super::record::hex(<sha2::Sha256 as sha2::Digest>::new_with_prefix(&body));
    let records = one.len() - 2;
    let torn =
        format!("{body}{{\"end\":{{\"instances\":4,\"records\":{records},\"sha256\":\"{digest}\"}}}}\n");
    refused(torn.as_bytes(), "event 1 is missing");
    // Nothing came in with all that, and the whole one still does.
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        Connection::open(&to).unwrap().query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    for table in [
        "hub",
        "instance",
        "history",
        "payload",
        "message",
        "activity",
        "entity_lock",
        "parked",
        "idempotency",
    ] {
        assert_eq!(count(table), 0, "{table}");
    }
    read(&to, &file, None, OnExisting::Refuse).unwrap();
}

#[tokio::test]
async fn an_export_replaces_nothing_and_names_the_hubs_there_are() {
    let (folder, path, file, _) = exported().await;
    let told = export(&path, "one", &file, false, &mut quiet).unwrap_err().to_string();
    assert!(told.contains("exists") && told.contains("--force"), "{told}");
    let told = export(&path, "two", &folder.path().join("x"), false, &mut quiet).unwrap_err().to_string();
    assert!(told.contains("there is no hub two; there are: one"), "{told}");
    assert!(!folder.path().join("x").exists());
    assert!(
        std::fs::read_dir(folder.path())
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().into_string().unwrap().ends_with(".part") })
    );
}
