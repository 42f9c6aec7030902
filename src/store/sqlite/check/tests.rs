//! Each rule is broken by hand in a database that is otherwise sound.

use super::{
    super::{SqliteOptions, SqliteStore, backup, restore},
    Report, at_rest,
};
use crate::{
    model::{
        Chunk, Effect, HistoryChange, HubName, InstanceId, Status, StatusSet, event,
        pb::{TaskScheduledEvent, history_event::EventType},
    },
    store::{
        Created, Error, Store,
        conformance::fixture::{NOW, activity, chunk, message, new_instance, turn},
    },
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

fn open(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(SqliteOptions::file(path), unbounded_channel().0)
}

/// Two instances that live, `a` with three chunks of history, an activity and a message, and `b`, which has not begun; one that has
/// ended, `c`.
pub async fn sound() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    let (effects, mut told) = unbounded_channel();
    let store = SqliteStore::open(SqliteOptions::file(&path), effects).unwrap();
    let hub = store.hub_ensure(HubName::parse("one").unwrap()).await.unwrap();
    let mut keys = Vec::new();
    for id in ["a", "b", "c"] {
        let mut new = new_instance(hub, id);
        new.started.input = Some("in".to_owned());
        let created = store.instance_create(new, StatusSet::NONE.into()).await.unwrap();
        let Created::New(key) = created else { panic!("{created:?}") };
        keys.push(key);
    }
    // Told, not read: a reader that is slow to end would leave the log of changes beside the file.
    let Some(Effect::Message { message: start, .. }) = told.recv().await.unwrap().into_iter().next() else {
        panic!("no start")
    };
    for number in 1..=3 {
        let mut next = turn(hub, keys[0], number);
        next.consumed = if number == 1 { vec![start.id] } else { Vec::new() };
        // The first turn has asked for the activity.
        let task = EventType::TaskScheduled(TaskScheduledEvent::default());
        let history = match number {
            1 => Chunk::encode(0, vec![event::with_id(1, NOW, task)]),
            _ => chunk(number - 1, "event"),
        };
        next.history = HistoryChange::Append(history);
        next.activities = if number == 1 { vec![activity(1)] } else { Vec::new() };
        store.turn_commit(next).await.unwrap();
    }
    store
        .message_append(hub, InstanceId::lookup("a"), message(crate::model::Class::Event, "x"))
        .await
        .unwrap();
    let mut end = turn(hub, keys[2], 1);
    end.update.status = Status::Failed;
    end.update.failure = Some(crate::model::failure("E", "no".to_owned(), false));
    end.pending = crate::model::Pending::DropAll;
    end.history = HistoryChange::Append(chunk(0, "event"));
    store.turn_commit(end).await.unwrap();
    store.close().await.unwrap();
    (folder, path)
}

fn checked(path: &Path) -> Report {
    at_rest(path, &mut |_, _| ()).unwrap()
}

fn told(report: &Report) -> Vec<String> {
    let tell = |finding: &crate::store::Finding| {
        format!("{} {}: {}", finding.instance.as_deref().unwrap_or("-"), finding.part, finding.problem)
    };
    report.findings.iter().map(tell).collect()
}

#[tokio::test]
async fn what_is_sound_has_no_findings_and_is_not_changed_by_looking() {
    let (folder, path) = sound().await;
    let before = std::fs::read(&path).unwrap();
    let report = checked(&path);
    assert_eq!((told(&report), report.found, report.instances, report.schema), (vec![], 0, 3, 1));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "the file and its lock");
}

#[tokio::test]
async fn every_broken_rule_is_found_and_named_with_its_instance() {
    let (_folder, path) = sound().await;
    for (change, expected) in [
        (
            "DELETE FROM history WHERE id = (1 << 26)",
            "a history: event 0 is missing: the next one stored is 1",
        ),
        (
            "DELETE FROM history WHERE id = (1 << 26) + 1",
            "a history: event 1 is missing: the next one stored is 2",
        ),
        (
            "DELETE FROM history WHERE id = (1 << 26) + 2",
            "a history: it should have 3 events, but ends after 2",
        ),
        ("DELETE FROM history WHERE id >> 26 = 1", "a history: it should have 3 events, but ends after 0"),
        ("UPDATE history SET events = x'ffff' WHERE id = (1 << 26) + 1", "a history: the chunk at event 1: "),
        (
            "UPDATE history SET count = 2 WHERE id = (1 << 26)",
            "a history: the chunk at event 0 should have 2 events, but has 1",
        ),
        (
            "UPDATE history SET id = (9 << 26) WHERE id = (3 << 26)",
            "- history: a row of the table history belongs to nobody (instance number 9",
        ),
        ("INSERT INTO payload VALUES (1, 'x')", "error"),
        (
            "INSERT INTO payload VALUES (400, x'20')",
            "- payload: a row of the table payload belongs to nobody (instance number 100",
        ),
        (
            "INSERT INTO payload VALUES (-4, x'20')",
            "- payload: a row of the table payload belongs to nobody (instance number -1",
        ),
        ("UPDATE payload SET body = x'ff' WHERE id = 4", "a payload: its input cannot be read"),
        ("UPDATE payload SET body = x'ff' WHERE id = 15", "c payload: its failure cannot be read"),
        ("UPDATE message SET class = 9 WHERE key = 1", "a message: message 4 is of an unknown class, 9"),
        ("UPDATE message SET events = x'ffff' WHERE key = 1", "a message: message 4: "),
        (
            "UPDATE message SET key = 3 WHERE key = 1",
            "c message: it has ended, but message 4 is in its inbox",
        ),
        (
            "UPDATE message SET key = 7 WHERE key = 1",
            "- message: a row of the table message belongs to nobody",
        ),
        ("DELETE FROM message WHERE key = 2", "b message: nothing will begin it"),
        (
            "UPDATE counter SET next = 4 WHERE name = 'message'",
            "a message: message 4: numbers from 4 on count as unused",
        ),
        (
            "UPDATE counter SET next = 3 WHERE name = 'instance'",
            "c instance: its number is 3, but numbers from 3 on",
        ),
        ("DELETE FROM counter WHERE name = 'activity'", "a activity: activity 1: numbers from 1 on"),
        ("DELETE FROM activity", "a instance: it waits for activity 1, which is neither queued nor answered"),
        ("UPDATE activity SET key = 3", "c activity: it has ended, but activity 1 waits"),
        ("UPDATE activity SET key = 8", "- activity: a row of the table activity belongs to nobody"),
        ("UPDATE activity SET task_id = 5", "a activity: activity 1 is for task 5, but says 1"),
        ("UPDATE activity SET request = x'ffff'", "a activity: activity 1 cannot be read"),
        (
            "UPDATE instance SET hub = 5 WHERE key = 2",
            "b instance: it belongs to hub number 5, which is not there",
        ),
        (
            "UPDATE instance SET status = 77 WHERE key = 3",
            "c instance: stored data cannot be read: instance status 77",
        ),
        (
            "UPDATE instance SET completed_at = 5 WHERE key = 1",
            "a instance: its status and its time of completion contradict",
        ),
        (
            "UPDATE instance SET tags = '{' WHERE key = 1",
            "a instance: stored data cannot be read: instance tags",
        ),
        (
            "UPDATE instance SET parent_id = 'p' WHERE key = 1",
            "a instance: what it says of its parent is incomplete",
        ),
        ("INSERT INTO parked VALUES (1, 1, 5, 9, 3, 'r')", "a parked: it is parked for an unknown cause, 9"),
        (
            "INSERT INTO parked VALUES (1, 7, 5, 0, 3, 'r')",
            "a parked: it is parked in another hub than its own",
        ),
        (
            "INSERT INTO parked VALUES (9, 1, 5, 0, 3, 'r')",
            "- parked: a row of the table parked belongs to nobody",
        ),
        ("INSERT INTO entity_lock VALUES (1, 2, 'x', 's')", "a lock: it is locked, but is no entity"),
        (
            "INSERT INTO entity_lock VALUES (9, 2, 'x', 's')",
            "- lock: a row of the table lock belongs to nobody (instance number 9",
        ),
        (
            "INSERT INTO revision VALUES (1, 1, 2, 0, NULL, 1, 'x', 0, x'')",
            "a revision: revision 1 is missing",
        ),
        (
            "INSERT INTO revision VALUES (1, 1, 1, 0, NULL, 1, 'x', 0, x'')",
            "a revision: revision 1: the chunk at event 0 should have 1 events",
        ),
        ("INSERT INTO job_failure VALUES (4, 0, 'x', 'y')", "- job: a failure of a job that is not there: x"),
        (
            "INSERT INTO idempotency VALUES (9, 'k', x'', 'x', 1, 0)",
            "- idempotency: the record of a request to a hub",
        ),
        ("UPDATE hub SET removed = 1", "- hub: a removed hub that has instances: one"),
        ("UPDATE hub SET name = '1 2'", "- hub: task hub name"),
    ] {
        let copy = TempDir::new().unwrap();
        let broken = copy.path().join("b.db");
        std::fs::copy(&path, &broken).unwrap();
        let changed = Connection::open(&broken).unwrap().execute_batch(change);
        if expected == "error" {
            changed.unwrap_err();
            continue;
        }
        changed.unwrap();
        let found = told(&checked(&broken));
        assert!(found.iter().any(|line| line.starts_with(expected)), "{change}: {found:#?}");
    }
}

/// The place in the file of the first page of a table.
fn page(path: &Path, table: &str) -> (usize, usize) {
    let conn = Connection::open(path).unwrap();
    let root: u32 = conn
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
        .unwrap();
    let size: u32 = conn.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    (((root - 1) * size) as usize, size as usize)
}

#[tokio::test]
async fn torn_pages_are_findings_and_the_rest_is_looked_at_all_the_same() {
    let (_folder, path) = sound().await;
    for table in ["history", "payload", "message", "activity", "idempotency"] {
        let copy = TempDir::new().unwrap();
        let torn = copy.path().join("b.db");
        let (at, size) = page(&path, table);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at..at + size].fill(0xa5);
        std::fs::write(&torn, &bytes).unwrap();
        let report = checked(&torn);
        let found = told(&report);
        assert!(found.iter().any(|line| line.starts_with("- file: ")), "{table}: {found:#?}");
        assert_eq!(report.instances, 3, "{table}");
        // Nothing is served from it, and nothing is copied from it.
        let refused = open(&torn).err().unwrap_or_else(|| panic!("{table} is served")).to_string();
        assert!(
            refused.contains("is damaged") && refused.contains(table) && refused.contains("restore a backup"),
            "{refused}"
        );
        let to = copy.path().join("c.db");
        let refused = backup(&torn, &to, false, &mut |_| ()).unwrap_err().to_string();
        assert!(refused.contains("was not kept"), "{refused}");
        assert_eq!(std::fs::read(&torn).unwrap(), bytes);
        assert!(!to.exists());
    }
}

#[tokio::test]
async fn a_server_that_has_the_file_is_named() {
    let (_folder, path) = sound().await;
    let store = open(&path).unwrap();
    let told = at_rest(&path, &mut |_, _| ()).unwrap_err().to_string();
    assert!(told.contains("in use by process"), "{told}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_whole_and_replaces_only_what_it_may() {
    let (folder, path) = sound().await;
    let store = open(&path).unwrap();
    let hub = store.hub_list().await.unwrap()[0].0;
    // In the log only, as far as the file goes.
    store.instance_create(new_instance(hub, "late"), StatusSet::NONE.into()).await.unwrap();
    let copy = folder.path().join("copy.db");
    let mut steps = Vec::new();
    let copied = backup(&path, &copy, false, &mut |step| steps.push(step)).unwrap();
    assert_eq!((copied.report.instances, copied.report.found), (4, 0));
    assert_eq!(copied.bytes, std::fs::metadata(&copy).unwrap().len());
    assert!(
        matches!(steps[..], [super::super::Step::Copy(a, b), .., super::super::Step::Check(4, 4)] if a == b),
        "{steps:?}"
    );
    let again = backup(&path, &copy, false, &mut |_| ()).unwrap_err().to_string();
    assert!(again.contains("exists") && again.contains("--force"), "{again}");
    backup(&path, &copy, true, &mut |_| ()).unwrap();
    let onto = backup(&path, &path, true, &mut |_| ()).unwrap_err().to_string();
    assert!(onto.contains("onto itself"), "{onto}");
    let served = restore(&copy, &path, true, &mut |_| ()).unwrap_err().to_string();
    assert!(served.contains("in use by process"), "{served}");
    store.close().await.unwrap();

    // A log that was left behind by another database does not get into the restored one.
    let target = folder.path().join("new.db");
    std::fs::write(folder.path().join("new.db-wal"), "left behind").unwrap();
    restore(&copy, &target, false, &mut |_| ()).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("new") || name.contains("part"))
        .collect();
    names.sort();
    assert_eq!(names, ["new.db", "new.db.lock"]);
    let restored = open(&target).unwrap();
    assert!(restored.instance_get(hub, InstanceId::lookup("late"), false).await.unwrap().is_some());
    restored.close().await.unwrap();
    let refused = restore(&copy, &target, false, &mut |_| ()).unwrap_err().to_string();
    assert!(refused.contains("--force"), "{refused}");
}
