//! What an orchestration costs the writer, in statements and in bytes of the log. Counts do not depend on the machine, so a change that makes
//! the way of a turn longer is seen here, before any benchmark. Who makes it shorter writes the smaller number.

use super::{SqliteOptions, SqliteStore, open, writer::Writer};
use crate::{
    model::{ActivityKey, Class, Effect, HistoryChange, HubName, InstanceId, MessageId, Pending, Status},
    store::{
        CommitMeter, Store,
        conformance::fixture::{activity, chunk, message, new_instance, turn},
    },
};
use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Statements by their first word.
type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

struct Measured {
    store: SqliteStore,
    effects: UnboundedReceiver<Vec<Effect>>,
    counts: Counts,
}

impl Measured {
    fn open(file: &Path) -> Self {
        let mut owned = open::open(&SqliteOptions::file(file)).unwrap();
        let counts = Counts::default();
        let counting = counts.clone();
        let note = move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(statement, _) = event {
                let verb = statement.sql().split_whitespace().next().unwrap_or_default().to_owned();
                *counting.lock().unwrap().entry(verb).or_default() += 1;
            }
        };
        owned.conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).unwrap();
        let (sender, effects) = unbounded_channel();
        let writer = Writer::start(owned, 64, sender, CommitMeter::default()).unwrap();
        let store = SqliteStore { readers: None, writer, patience: std::time::Duration::MAX };
        Self { store, effects, counts }
    }

    /// What has been counted since the last time.
    fn counted(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut *self.counts.lock().unwrap()).into_iter().collect()
    }

    /// The message and the activity that the last change made.
    fn made(&mut self) -> (Option<MessageId>, Option<ActivityKey>) {
        let (mut letter, mut work) = (None, None);
        for effect in std::iter::from_fn(|| self.effects.try_recv().ok()).flatten() {
            match effect {
                Effect::Message { message, .. } => letter = Some(message.id),
                Effect::Activity(task) => work = Some(task.key),
                _ => {}
            }
        }
        (letter, work)
    }

    /// An orchestration of three activities, each change by itself; `look` is called behind each.
    async fn orchestration(&mut self, id: &str, mut look: impl FnMut(&Self, &str)) {
        let hub = self.store.hub_ensure(HubName::parse("default").unwrap()).await.unwrap();
        self.counted();
        self.store
            .instance_create(new_instance(hub, id), crate::model::StatusSet::NONE.into())
            .await
            .unwrap();
        look(self, "start");
        let key = self.store.instance_get(hub, InstanceId::lookup(id), false).await.unwrap().unwrap().0.key;
        self.counted();
        let (mut letter, _) = self.made();
        for number in 1..=3 {
            let mut next = turn(hub, key, number);
            next.consumed = letter.into_iter().collect();
            next.history = HistoryChange::Append(chunk(number, "three or four events"));
            next.activities = vec![activity(i32::try_from(number).unwrap())];
            self.store.turn_commit(next).await.unwrap();
            look(self, "turn");
            let (_, work) = self.made();
            self.store.activity_complete(work.unwrap(), Some(message(Class::Result, "done"))).await.unwrap();
            look(self, "result");
            (letter, _) = self.made();
        }
        let mut last = turn(hub, key, 4);
        last.consumed = letter.into_iter().collect();
        last.history = HistoryChange::Append(chunk(4, "three or four events"));
        last.update.status = Status::Completed;
        last.update.output = Some("\"done\"".into());
        last.pending = Pending::DropAll;
        self.store.turn_commit(last).await.unwrap();
        look(self, "end");
    }
}

#[tokio::test]
async fn each_change_runs_these_statements_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut measured = Measured::open(&folder.path().join("a.db"));
    // The first one prepares, and reserves numbers.
    measured.orchestration("warm", |_, _| ()).await;
    let mut seen = BTreeMap::new();
    measured
        .orchestration("a", |measured, what| {
            let counted: Vec<_> =
                measured.counted().into_iter().map(|(verb, count)| format!("{count} {verb}")).collect();
            seen.insert(what.to_owned(), counted.join(", "));
        })
        .await;
    let told: Vec<_> = seen.iter().map(|(what, counted)| format!("{what}: {counted}")).collect();
    expect_test::expect![[r#"
        end: 1 BEGIN, 1 COMMIT, 3 DELETE, 2 INSERT, 2 SELECT, 1 UPDATE
        result: 1 BEGIN, 1 COMMIT, 1 DELETE, 1 INSERT, 1 SELECT
        start: 1 BEGIN, 1 COMMIT, 2 INSERT
        turn: 1 BEGIN, 1 COMMIT, 1 DELETE, 2 INSERT, 1 SELECT, 1 UPDATE"#]]
    .assert_eq(&told.join("\n"));
}

#[tokio::test]
async fn a_finished_orchestration_takes_this_much_of_the_file() {
    const COUNT: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let mut measured = Measured::open(&file);
    for number in 0..COUNT {
        measured.orchestration(&format!("instance-{number:08}"), |_, _| ()).await;
    }
    measured.store.close().await.unwrap();
    let each = std::fs::metadata(&file).unwrap().len() / COUNT as u64;
    expect_test::expect!["819"].assert_eq(&each.to_string());
}

#[tokio::test]
async fn an_orchestration_writes_this_much_to_the_log() {
    const COUNT: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let mut measured = Measured::open(&file);
    let never = |conn: &Connection| Ok(conn.pragma_update(None, "wal_autocheckpoint", 0)?);
    measured.store.writer.change(move |tx| never(tx.conn)).await.unwrap();
    for number in 0..COUNT {
        measured.orchestration(&format!("instance-{number:08}"), |_, _| ()).await;
    }
    let pages = std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len() / 4_120;
    expect_test::expect!["30.6"].assert_eq(&format!("{:.1}", pages as f64 / COUNT as f64));
}
