//! Connections that only read.
//!
//! Reads run beside the writer, each on a connection of its own that sees what was committed when it began. There are
//! two kinds of lanes, so that however many queries a dashboard runs, the engine never queues behind them: callers'
//! queries share `readers` lanes and are stopped when their time budget is over; the engine's reads have lanes of
//! their own and no budget, because an instance whose history cannot be read in time would never move again.

use super::open::stable_plans;
use crate::store::Error;
use r2d2::ManageConnection;
use rusqlite::{Connection, OpenFlags};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Lanes of the engine. Its reads are short and mostly served from the page cache; more would only fight for the processor.
const ENGINE_LANES: u32 = 4;

/// How often a running statement looks at the clock, in SQLite's virtual instructions.
const INSTRUCTIONS: i32 = 4000;

/// Who reads.
#[derive(Clone, Copy)]
pub enum Lane {
    /// The engine, which must get on.
    Engine,
    /// Somebody who asked; may be told that it takes too long.
    Query,
}

/// The pool of one open store.
pub struct Readers {
    /// `None` once closed.
    pool: Mutex<Option<r2d2::Pool<Manager>>>,
    engine: Arc<Semaphore>,
    query: Arc<Semaphore>,
    query_lanes: u32,
    budget: Duration,
    /// The way of those who take their time, one after the other.
    alone: Arc<Semaphore>,
    manager: Manager,
    /// What takes its time is to stop.
    closing: Arc<AtomicBool>,
}

impl Readers {
    /// Opens nothing yet: connections are made when they are first needed.
    pub fn new(path: PathBuf, readers: u32, budget: Duration, busy: Duration) -> Result<Self, Error> {
        let query_lanes = readers.max(1);
        let manager = Manager { path, busy };
        let pool = r2d2::Pool::builder()
            .max_size(query_lanes + ENGINE_LANES)
            .min_idle(Some(0))
            .max_lifetime(None)
            .idle_timeout(None)
            .test_on_check_out(false)
            .connection_timeout(busy.max(Duration::from_millis(1)))
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build(manager.clone())
            .map_err(|error| Error::Backend(Box::new(error)))?;
        let lanes = |count: u32| Arc::new(Semaphore::new(count as usize));
        Ok(Self {
            pool: Mutex::new(Some(pool)),
            engine: lanes(ENGINE_LANES),
            query: lanes(query_lanes),
            query_lanes,
            budget,
            alone: lanes(1),
            manager,
            closing: Arc::default(),
        })
    }

    /// Runs `work`, which may take as long as it likes, on a connection of its own. Closing stops it.
    pub async fn alone<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let permit = self.alone.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let (manager, closing) = (self.manager.clone(), self.closing.clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut reader = manager.connect()?;
            let stop = closing.clone();
            reader.conn.progress_handler(INSTRUCTIONS, Some(move || stop.load(Ordering::Relaxed)))?;
            let answer = reader.within(None, work);
            drop(reader);
            drop(permit);
            match answer {
                Err(_) if closing.load(Ordering::Relaxed) => Err(Error::Closed),
                other => other,
            }
        });
        done.await.map_err(|error| Error::Backend(Box::new(error)))?
    }

    /// Runs `work` on a thread that may block. A panic in `work` is answered as an error.
    pub async fn read<T, F>(&self, lane: Lane, work: F) -> Result<T, Error>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (lanes, budget) = match lane {
            Lane::Engine => (&self.engine, None),
            Lane::Query => (&self.query, Some(self.budget)),
        };
        let permit = lanes.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let pool = self.pool().clone().ok_or(Error::Closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let reader = pool.get().map_err(|error| Error::Busy(error.to_string()))?;
            let answer = reader.within(budget, work);
            // The connection must be back, and nobody hold the pool, before the lane is free: whoever closes waits for the lanes.
            drop(reader);
            drop(pool);
            drop(permit);
            answer
        });
        done.await.map_err(|error| Error::Backend(Box::new(error)))?
    }

    /// Waits for the reads under way and refuses all others.
    pub async fn close(&self) {
        // Already closed is closed.
        self.closing.store(true, Ordering::Relaxed);
        let _alone = self.alone.acquire().await;
        let _engine = self.engine.acquire_many(ENGINE_LANES).await;
        let _query = self.query.acquire_many(self.query_lanes).await;
        self.engine.close();
        self.query.close();
        self.alone.close();
        // The writer must be the last to close the file: who closes last copies the WAL into it.
        self.pool().take();
    }

    fn pool(&self) -> MutexGuard<'_, Option<r2d2::Pool<Manager>>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection with the clock that stops its statements.
struct Reader {
    conn: Connection,
    opened: Instant,
    /// When the statement must be over, in milliseconds since `opened`.
    deadline_ms: Arc<AtomicU64>,
}

impl Reader {
    fn within<T>(
        &self,
        budget: Option<Duration>,
        work: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let budget_ms = budget.map_or(u64::MAX, millis);
        self.deadline_ms.store(millis(self.opened.elapsed()).saturating_add(budget_ms), Ordering::Relaxed);
        work(&self.conn).map_err(|error| match error {
            Error::OverBudget(_) => Error::OverBudget(budget_ms),
            other => other,
        })
    }
}

#[derive(Clone)]
struct Manager {
    path: PathBuf,
    busy: Duration,
}

impl ManageConnection for Manager {
    type Connection = Reader;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Reader, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(self.busy)?;
        conn.set_prepared_statement_cache_capacity(64);
        conn.pragma_update(None, "query_only", true)?;
        conn.pragma_update(None, "temp_store", "memory")?;
        conn.pragma_update(None, "mmap_size", 0)?;
        conn.pragma_update(None, "cache_size", -4 * 1024)?;
        stable_plans(&conn)?;
        let (opened, deadline_ms) = (Instant::now(), Arc::new(AtomicU64::new(u64::MAX)));
        let deadline = deadline_ms.clone();
        conn.progress_handler(
            INSTRUCTIONS,
            Some(move || opened.elapsed().as_millis() > u128::from(deadline.load(Ordering::Relaxed))),
        )?;
        Ok(Reader { conn, opened, deadline_ms })
    }

    fn is_valid(&self, _: &mut Reader) -> Result<(), rusqlite::Error> {
        Ok(())
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
        // A read that panicked in the middle of a transaction must not hold its snapshot for ever.
        !reader.conn.is_autocommit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

    fn readers(budget: Duration) -> (tempfile::TempDir, Readers) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let readers = Readers::new(path, 1, budget, Duration::from_secs(5)).unwrap();
        (dir, readers)
    }

    #[tokio::test]
    async fn a_query_without_end_is_stopped_and_the_connection_stays_good() {
        let (_dir, readers) = readers(Duration::from_millis(30));
        let endless = |conn: &Connection| Ok(conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?);
        let error = readers.read(Lane::Query, endless).await.unwrap_err();
        assert!(matches!(error, Error::OverBudget(30)), "{error:?}");
        let one = |conn: &Connection| Ok(conn.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?);
        assert_eq!(readers.read(Lane::Query, one).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let (_dir, readers) = readers(Duration::from_secs(5));
        let write = |conn: &Connection| Ok(conn.execute("INSERT INTO t VALUES (1)", [])?);
        assert!(readers.read(Lane::Engine, write).await.is_err());
    }

    #[tokio::test]
    async fn a_panic_in_a_read_costs_that_read_only() {
        let (_dir, readers) = readers(Duration::from_secs(5));
        let panics = |_: &Connection| -> Result<(), Error> { panic!("on purpose") };
        assert!(matches!(readers.read(Lane::Query, panics).await, Err(Error::Backend(_))));
        assert!(readers.read(Lane::Query, |_| Ok(())).await.is_ok());
        readers.close().await;
        assert!(matches!(readers.read(Lane::Query, |_| Ok(())).await, Err(Error::Closed)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_takes_his_time_is_not_stopped_by_the_clock_but_by_the_end() {
        let (_dir, readers) = readers(Duration::from_millis(1));
        let readers = Arc::new(readers);
        let (begun, running) = tokio::sync::oneshot::channel();
        let endless = move |conn: &Connection| {
            begun.send(()).unwrap();
            Ok(conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?)
        };
        let reading = tokio::spawn({
            let readers = readers.clone();
            async move { readers.alone(endless).await }
        });
        running.await.unwrap();
        // Others are served meanwhile.
        readers.read(Lane::Query, |_| Ok(())).await.unwrap();
        readers.close().await;
        assert!(matches!(reading.await.unwrap(), Err(Error::Closed)));
        assert!(matches!(readers.alone(|_| Ok(())).await, Err(Error::Closed)));
    }
}
