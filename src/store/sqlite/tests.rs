//! The conformance suite on a file and in memory, and what only SQLite has: files, locks, groups, the writer's thread.

use super::{SqliteOptions, SqliteStore};
use crate::{
    model::{HubName, InstanceKey, Timestamp},
    store::{
        Created, EffectSender, Error, Store,
        conformance::{self, Open, StoreTest, conformance, conformance_durable},
    },
};
use rusqlite::Connection;
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

async fn open_file() -> StoreTest {
    let dir = TempDir::new().unwrap();
    let open: Open = Box::new(move |effects| {
        let options = SqliteOptions::file(dir.path().join("hub.db"));
        Box::pin(async move { Ok(Arc::new(SqliteStore::open(options, effects)?) as Arc<dyn Store>) })
    });
    StoreTest::new(open).await
}

async fn open_memory() -> StoreTest {
    let open = |effects| SqliteStore::open(SqliteOptions::memory(), effects);
    let open: Open =
        Box::new(move |effects| Box::pin(async move { Ok(Arc::new(open(effects)?) as Arc<dyn Store>) }));
    StoreTest::new(open).await
}

mod file {
    use super::*;
    conformance!(crate::store::sqlite::tests::open_file);
    mod survives {
        use super::*;
        conformance_durable!(crate::store::sqlite::tests::open_file);
    }
}

mod memory {
    use super::*;
    conformance!(crate::store::sqlite::tests::open_memory);
}

async fn open_here() -> StoreTest {
    let open = |effects| Ok(Arc::new(SqliteStore::here(effects)?) as Arc<dyn Store>);
    StoreTest::new(Box::new(move |effects| Box::pin(async move { open(effects) }))).await
}

/// The one that simulations use, which has no thread, is otherwise like all others.
mod without_a_thread {
    use super::*;
    conformance!(crate::store::sqlite::tests::open_here);
}

fn sender() -> EffectSender {
    unbounded_channel().0
}

fn open(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(SqliteOptions::file(path), sender())
}

#[track_caller]
fn refused(answer: Result<SqliteStore, Error>, part: &str) {
    match answer {
        Err(Error::Refused(text)) => assert!(text.contains(part), "{text}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_file_in_use_is_refused_with_the_owner_and_the_cure() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.db");
    let first = open(&path).unwrap();
    let owner = format!("in use by process {}", std::process::id());
    refused(open(&path), &owner);
    #[cfg(unix)]
    {
        let alias = dir.path().join("alias.db");
        std::os::unix::fs::symlink(&path, &alias).unwrap();
        refused(open(&alias), &owner);
    }
    drop(first);
    open(&path).unwrap();
}

#[test]
fn places_that_cannot_hold_a_database_are_refused() {
    let dir = TempDir::new().unwrap();
    refused(open(&dir.path().join("no/such/hub.db")), "there is no directory");
    refused(open(dir.path()), "it is a directory");
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let garbage = dir.path().join("garbage.db");
    let bytes = "this is not a database, it is a diary ".repeat(200);
    std::fs::write(&garbage, &bytes).unwrap();
    refused(open(&garbage), "is not a SQLite database");
    assert_eq!(std::fs::read_to_string(&garbage).unwrap(), bytes);

    let foreign = dir.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE diary (x)").unwrap();
    let before = std::fs::read(&foreign).unwrap();
    refused(open(&foreign), "another program");
    assert_eq!(std::fs::read(&foreign).unwrap(), before);

    let marked = dir.path().join("marked.db");
    Connection::open(&marked).unwrap().pragma_update(None, "application_id", 7).unwrap();
    refused(open(&marked), "another program");
}

#[test]
fn an_empty_file_becomes_a_database() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.db");
    std::fs::write(&path, "").unwrap();
    open(&path).unwrap();
}

#[test]
fn a_newer_schema_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.db");
    drop(open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refused(open(&path), "written by a newer durahub (schema 99");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
    open(&path).unwrap();
}

#[test]
fn a_closed_store_leaves_one_file_and_its_lock() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir.path().join("hub.db")).unwrap());
    let mut names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["hub.db", "hub.db.lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_and_its_wal_as_a_crash_leaves_them_hold_every_answered_call() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.db");
    let store = open(&path).unwrap();
    let hub = store.hub_ensure(HubName::parse("crash").unwrap()).await.unwrap();
    let mut keys = Vec::new();
    for number in 0..100 {
        let new = conformance::new_instance(hub, &format!("i{number}"));
        let created = store.instance_create(new, crate::model::StatusSet::NONE.into()).await.unwrap();
        let Created::New(key) = created else { panic!("{created:?}") };
        keys.push(key);
    }
    // The store is still open and has had no occasion to tidy up.
    let copy = TempDir::new().unwrap();
    for name in ["hub.db", "hub.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let again = open(&copy.path().join("hub.db")).unwrap();
    let ready = again.ready_claim(Timestamp(i64::MAX), InstanceKey(0), 1000).await.unwrap();
    assert_eq!(ready.iter().map(|ready| ready.instance.key).collect::<Vec<_>>(), keys);
    let new = conformance::new_instance(hub, "later");
    let created = again.instance_create(new, crate::model::StatusSet::NONE.into()).await.unwrap();
    assert!(matches!(created, Created::New(key) if key > keys[99]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_instances_leave_no_rows_in_any_table() {
    use crate::{
        model::{HistoryChange, InstanceId, Status, StatusSet},
        store::conformance::fixture,
    };
    let store = SqliteStore::open(SqliteOptions::memory(), sender()).unwrap();
    let hub = store.hub_ensure(HubName::parse("h").unwrap()).await.unwrap();
    for round in 0..3 {
        let mut new = fixture::new_instance(hub, "a");
        new.started.input = Some("in".into());
        let created = store.instance_create(new, StatusSet::TERMINAL.into()).await.unwrap();
        let Created::New(key) = created else { panic!("{round}: {created:?}") };
        let mut end = fixture::turn(hub, key, 1);
        end.update.status = Status::Completed;
        end.update.output = Some("out".into());
        end.history = HistoryChange::Append(fixture::chunk(0, "x"));
        end.activities = vec![fixture::activity(1)];
        store.turn_commit(end).await.unwrap();
    }
    store.instance_purge(hub, InstanceId::lookup("a")).await.unwrap();
    for table in ["instance", "payload", "history", "message", "activity"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let count =
            move |tx: &mut super::writer::Tx<'_>| Ok(tx.conn.query_row(&sql, [], |row| row.get(0))?);
        assert_eq!(store.writer.change::<i64, _>(count).await.unwrap(), 0, "{table}");
    }
}

/// Keeps the writer busy until told to go on.
async fn hold(store: &Arc<SqliteStore>) -> std::sync::mpsc::Sender<()> {
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (begun, running) = tokio::sync::oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let wait = move |_: &mut super::writer::Tx<'_>| {
            begun.send(()).unwrap();
            gate.recv().unwrap();
            Ok(())
        };
        store.writer.change(wait).await.unwrap();
    });
    running.await.unwrap();
    go
}

/// Has the changes wait until all are in the writer's queue, so that they share a transaction.
async fn grouped<T: Send + 'static>(
    store: &Arc<SqliteStore>,
    changes: Vec<impl FnOnce(&mut super::writer::Tx<'_>) -> Result<T, Error> + Send + 'static>,
) -> Vec<Result<T, Error>> {
    let go = hold(store).await;
    let mut callers = Vec::new();
    for change in changes {
        let store_of_caller = store.clone();
        callers.push(tokio::spawn(async move { store_of_caller.writer.change(change).await }));
        // One after the other, so that the order is known.
        while store.writer.waiting() < callers.len() {
            tokio::task::yield_now().await;
        }
    }
    go.send(()).unwrap();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    answers
}

type Change = Box<dyn FnOnce(&mut super::writer::Tx<'_>) -> Result<i64, Error> + Send>;

fn insert(name: &'static str) -> Change {
    Box::new(move |tx| {
        tx.run("INSERT INTO hub (name, folded) VALUES (?1, ?1)", [name])?;
        let (hub, key) = (crate::model::HubId(0), InstanceKey(0));
        let id = crate::model::InstanceId::lookup(name);
        tx.effects.push(crate::model::Effect::Gone { hub, id, key });
        tx.number(super::counters::Kind::Instance)
    })
}

/// The first instance key that is not reserved on disk.
async fn reserved_instances(store: &SqliteStore) -> i64 {
    let sql = "SELECT next FROM counter WHERE name = 'instance'";
    store.writer.change(move |tx| Ok(tx.conn.query_row(sql, [], |row| row.get(0))?)).await.unwrap()
}

fn hub_names(answer: Vec<(crate::model::HubId, HubName)>) -> Vec<String> {
    answer.into_iter().map(|(_, name)| name.as_str().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_fails_or_panics_hurts_nobody_else_of_its_group() {
    let (effects, mut told) = unbounded_channel();
    let store = Arc::new(SqliteStore::open(SqliteOptions::memory(), effects).unwrap());
    let fails: Change = Box::new(|tx| {
        insert("lost")(tx)?;
        Err(Error::Fenced)
    });
    let panics: Change = Box::new(|tx| {
        insert("gone")(tx)?;
        panic!("on purpose")
    });
    // The first number of all is reserved by a change that is rolled back.
    let answers =
        grouped(&store, vec![fails, insert("a"), panics, insert("b"), insert("a"), insert("c")]).await;
    assert!(matches!(answers[0], Err(Error::Fenced)));
    assert!(matches!(answers[2], Err(Error::Backend(_))));
    assert!(answers[4].is_err());
    let good: Vec<_> = [1, 3, 5].into_iter().map(|index| *answers[index].as_ref().unwrap()).collect();
    assert!(good.is_sorted_by(|a, b| a < b));
    let group = told.try_recv().unwrap();
    let gone: Vec<_> = conformance::short(&group);
    assert_eq!(gone, ["Gone a", "Gone b", "Gone c"]);
    assert!(told.try_recv().is_err(), "one group, one send");
    assert_eq!(hub_names(store.hub_list().await.unwrap()), ["a", "b", "c"]);

    assert!(reserved_instances(&store).await > good[2]);

    // Alone in its transaction it fares no better, and the writer lives on.
    let panics: Change = Box::new(|tx| {
        insert("gone")(tx)?;
        panic!("on purpose")
    });
    assert!(store.writer.change(panics).await.is_err());
    store.writer.change(insert("d")).await.unwrap();
    assert_eq!(hub_names(store.hub_list().await.unwrap()), ["a", "b", "c", "d"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_the_commit_fails_everybody_hears_of_it_and_no_effect_is_told() {
    let (effects, mut told) = unbounded_channel();
    let store = Arc::new(SqliteStore::open(SqliteOptions::memory(), effects).unwrap());
    let setup: Change = Box::new(|tx| {
        tx.conn.execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT; \
             CREATE TABLE child (p INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
        )?;
        Ok(0)
    });
    store.writer.change(setup).await.unwrap();
    // Outside a transaction the setting takes effect; a job cannot do that, so it is done by ending the transaction.
    let enforce: Change = Box::new(|tx| {
        tx.conn.execute_batch("COMMIT; PRAGMA foreign_keys = on; BEGIN IMMEDIATE")?;
        Ok(0)
    });
    store.writer.change(enforce).await.unwrap();
    let orphan: Change = Box::new(|tx| {
        tx.run("INSERT INTO child VALUES (4711)", [])?;
        Ok(0)
    });
    let answers = grouped(&store, vec![insert("a"), orphan, insert("b")]).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Backend(_)))), "{answers:?}");
    assert!(told.try_recv().is_err());
    assert_eq!(hub_names(store.hub_list().await.unwrap()), [""; 0]);
    // The reservation of numbers went with it and is made again.
    let number = store.writer.change(insert("c")).await.unwrap();
    assert!(reserved_instances(&store).await > number);
    assert_eq!(told.try_recv().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_sqlite_drops_the_transaction_nobody_is_told_that_it_worked() {
    let store = Arc::new(SqliteStore::open(SqliteOptions::memory(), sender()).unwrap());
    let drops: Change = Box::new(|tx| {
        tx.conn.execute_batch("ROLLBACK")?;
        Ok(0)
    });
    let answers = grouped(&store, vec![insert("a"), drops, insert("b")]).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(hub_names(store.hub_list().await.unwrap()), [""; 0]);
    store.writer.change(insert("c")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_called_that_and_passes() {
    let store = Arc::new(SqliteStore::open(SqliteOptions::memory(), sender()).unwrap());
    let limit: Change = Box::new(|tx| {
        let pages: i64 = tx.conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
        tx.conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok(pages)
    });
    let pages = store.writer.change(limit).await.unwrap();
    let big: Change = Box::new(|tx| {
        tx.run("INSERT INTO payload (id, body) VALUES (4, zeroblob(1000000))", [])?;
        Ok(0)
    });
    let answer = store.writer.change(big).await;
    assert!(matches!(answer, Err(Error::Full(_))), "{answer:?}");
    let more: Change = Box::new(move |tx| {
        tx.conn.pragma_update_and_check(None, "max_page_count", pages + 1000, |_| Ok(()))?;
        Ok(0)
    });
    store.writer.change(more).await.unwrap();
    store.writer.change(insert("a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_in_the_queue_are_finished_before_a_close_is_answered() {
    let store = Arc::new(SqliteStore::open(SqliteOptions::memory(), sender()).unwrap());
    let go = hold(&store).await;
    let queued = tokio::spawn({
        let store = store.clone();
        async move { store.writer.change(insert("a")).await }
    });
    while store.writer.waiting() < 1 {
        tokio::task::yield_now().await;
    }
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    go.send(()).unwrap();
    closing.await.unwrap().unwrap();
    queued.await.unwrap().unwrap();
    assert!(matches!(store.ping().await, Err(Error::Closed)));
}

/// Ends so many instances, each with a large output, and purges them; answers the pages that are free then, and all.
async fn filled_and_purged(path: &Path, count: usize) -> (i64, i64) {
    let store = open(path).unwrap();
    let hub = store.hub_ensure(HubName::parse("default").unwrap()).await.unwrap();
    for number in 0..count {
        let new = conformance::new_instance(hub, &format!("i{number}"));
        let Created::New(key) =
            store.instance_create(new, crate::model::StatusSet::NONE.into()).await.unwrap()
        else {
            panic!("{number} is new");
        };
        let mut end = conformance::fixture::turn(hub, key, 1);
        end.update.status = crate::model::Status::Completed;
        end.update.completed_at = Some(Timestamp(1));
        end.update.output = Some("x".repeat(100_000));
        end.pending = crate::model::Pending::DropAll;
        store.turn_commit(end).await.unwrap();
    }
    store.instance_purge_matching(hub, crate::store::Filter::default(), None, count).await.unwrap();
    pages(path)
}

fn pages(path: &Path) -> (i64, i64) {
    let conn = Connection::open(path).unwrap();
    let number = |name: &str| conn.pragma_query_value(None, name, |row| row.get(0)).unwrap();
    (number("freelist_count"), number("page_count"))
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn a_file_becomes_shorter_after_much_of_it_was_removed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.db");
    let store = open(&path).unwrap();
    drop(store);
    filled_and_purged(&path, 100).await;
    let size = || std::fs::metadata(&path).unwrap().len();
    let (free, all) = pages(&path);
    // The store was dropped at once; the next one goes on.
    let store = open(&path).unwrap();
    until("the file is shorter", || size() < 5_000_000 && pages(&path).0 <= 1_000).await;
    assert!(free > 1_000 || all < 1_300, "{free} of {all}");
    let (free, all) = pages(&path);
    assert!(free > 900 && all < 1_200, "what comes next has room: {free} of {all}");
    store.close().await.unwrap();
    assert_eq!(pages(&path), (free, all));
    let whole: String = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
}

#[tokio::test]
async fn a_file_that_was_made_without_the_means_stays_as_long_as_it_is_until_it_is_converted() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.db");
    drop(open(&path).unwrap());
    let convert = |to: &str| Connection::open(&path).unwrap().execute_batch(to).unwrap();
    convert("PRAGMA auto_vacuum = none; VACUUM");
    filled_and_purged(&path, 100).await;
    let store = open(&path).unwrap();
    for _ in 0..10 {
        store.ping().await.unwrap();
    }
    store.close().await.unwrap();
    let (free, _) = pages(&path);
    assert!(free > 2_000, "{free}");
    convert("PRAGMA auto_vacuum = incremental; VACUUM");
    assert_eq!(pages(&path).0, 0);
    filled_and_purged(&path, 100).await;
    open(&path).unwrap().close().await.unwrap();
    let store = open(&path).unwrap();
    until("pages are given back", || pages(&path).0 <= 1_000).await;
    store.close().await.unwrap();
}
