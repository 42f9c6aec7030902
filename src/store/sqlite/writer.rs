//! The one thread that writes.
//!
//! It owns the write connection. Callers hand in changes as closures; the thread takes whatever waits and commits it as one
//! transaction, because the price of a commit is one fsync, however much is in it.
//!
//! What always holds:
//! - A change that fails or panics is rolled back to its savepoint and hurts nobody else of its group.
//! - If the transaction as a whole fails, every caller of the group gets an error and no effect is sent.
//! - Effects of a group are sent after its COMMIT and before any of its callers is answered.
//! - With nothing to do the thread sleeps on its queue and runs no statement; before that it gives back what the file holds for nothing, see
//!   [`Slack`].

use super::{
    counters::{Counters, Kind},
    error::again,
    open::Owned,
    slack::Slack,
};
use crate::{
    model::Effect,
    store::{CommitMeter, EffectSender, Error},
};
use rusqlite::Connection;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    thread::JoinHandle,
    time::Instant,
};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

/// How many changes share one transaction at most.
const GROUP: usize = 512;

/// What a change works with: the open transaction, and where its effects go.
pub struct Tx<'a> {
    pub conn: &'a Connection,
    /// Consequences of the change, in order.
    pub effects: &'a mut Vec<Effect>,
    counters: &'a mut Counters,
}

impl<'a> Tx<'a> {
    /// For who has the database to himself and has begun a transaction.
    pub fn alone(conn: &'a Connection, effects: &'a mut Vec<Effect>, counters: &'a mut Counters) -> Self {
        Self { conn, effects, counters }
    }

    /// A number that was never given out before.
    pub fn number(&mut self, kind: Kind) -> Result<i64, Error> {
        self.counters.next(self.conn, kind)
    }

    /// Runs a statement that returns no rows; answers how many rows it changed.
    pub fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, Error> {
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }
}

/// A caller's change on its way through the queue.
trait Job: Send {
    /// Applies the change; `false` if it failed and has to be rolled back.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Why it failed.
    fn error(&self) -> Option<&Error>;
    /// Answers the caller. `group`: what happened to the transaction as a whole, if it failed.
    fn answer(self: Box<Self>, group: Option<&Error>);
}

struct Change<F, T> {
    work: Option<F>,
    result: Result<T, Error>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Job for Change<F, T>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        if let Some(work) = self.work.take() {
            // Whatever a panic left half done is rolled back with the savepoint, so nobody sees it.
            self.result = catch_unwind(AssertUnwindSafe(|| work(tx)))
                .unwrap_or_else(|_| Err(Error::Backend("a change panicked and was rolled back".into())));
        }
        self.result.is_ok()
    }

    fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }

    fn answer(self: Box<Self>, group: Option<&Error>) {
        let result = match group {
            Some(error) => Err(again(error)),
            None => self.result,
        };
        // A caller that has gone away does not want to know.
        let _gone = self.reply.send(result);
    }
}

enum Command {
    Change(Box<dyn Job>),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// The callers' end. Dropping it waits for what was begun and closes the database.
pub struct Writer {
    queue: Option<mpsc::Sender<Command>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Instead of both.
    #[cfg(test)]
    here: Option<Mutex<Core>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(
        owned: Owned,
        queue: usize,
        effects: EffectSender,
        meter: CommitMeter,
    ) -> Result<Self, Error> {
        let counters = Counters::read(&owned.conn)?;
        let (sender, receiver) = mpsc::channel(queue.max(1));
        let slack = Slack::of(&owned);
        let core = Core { owned, counters, sender: effects, effects: Vec::new(), meter, slack };
        let thread = std::thread::Builder::new()
            .name("durahub-sqlite".into())
            .spawn(move || core.serve(receiver))
            .map_err(|error| Error::Backend(Box::new(error)))?;
        Ok(Self {
            queue: Some(sender),
            thread: Mutex::new(Some(thread)),
            #[cfg(test)]
            here: None,
        })
    }

    /// A writer without a thread: each change is made where it is asked for, in a transaction of its own. A simulation that shall do the
    /// same each time it is run cannot wait for another thread.
    #[cfg(test)]
    pub fn here(owned: Owned, effects: EffectSender) -> Result<Self, Error> {
        let counters = Counters::read(&owned.conn)?;
        let meter = CommitMeter::default();
        let slack = Slack::of(&owned);
        let core = Core { owned, counters, sender: effects, effects: Vec::new(), meter, slack };
        Ok(Self { queue: None, thread: Mutex::new(None), here: Some(Mutex::new(core)) })
    }

    /// What the next process would find after the death of this one: what was committed, and none of the numbers that were reserved.
    #[cfg(test)]
    pub fn crash(&self) -> Result<(), Error> {
        let mut core = self.here.as_ref().ok_or(Error::Closed)?.lock().map_err(|_| Error::Closed)?;
        core.counters = Counters::read(&core.owned.conn)?;
        Ok(())
    }

    /// Applies a change and answers once it is durable. Waits while the queue is full. If the caller goes away meanwhile the
    /// change is made all the same.
    pub async fn change<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let change = Change { work: Some(work), result: Err(Error::Closed), reply };
        #[cfg(test)]
        if let Some(here) = &self.here {
            here.lock().map_err(|_| Error::Closed)?.commit(&mut vec![Box::new(change)]);
            return answer.await.unwrap_or(Err(Error::Closed));
        }
        self.send(Command::Change(Box::new(change))).await?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Finishes what is queued and closes the database.
    pub async fn close(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Close(reply)).await?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// How many changes wait in the queue.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    async fn send(&self, command: Command) -> Result<(), Error> {
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(command).await.map_err(|_| Error::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.get_mut().ok().and_then(Option::take);
        if let Some(thread) = thread {
            // It catches the panics of changes; one of its own has already been reported on stderr.
            let _panicked = thread.join();
        }
    }
}

/// The thread's side.
struct Core {
    owned: Owned,
    counters: Counters,
    sender: EffectSender,
    effects: Vec<Effect>,
    meter: CommitMeter,
    slack: Slack,
}

impl Core {
    fn serve(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut group = Vec::new();
        let mut closing = None;
        while let Some(command) = self.wait(&mut queue) {
            let mut next = Some(command);
            while let Some(command) = next {
                match command {
                    Command::Change(job) => group.push(job),
                    Command::Close(reply) => {
                        // Nobody gets in any more; who is in already is still served.
                        queue.close();
                        closing.get_or_insert(reply);
                    }
                }
                next = if group.len() < GROUP { queue.try_recv().ok() } else { None };
            }
            self.commit(&mut group);
        }
        let closed = self.finish();
        if let Some(reply) = closing {
            let _gone = reply.send(closed);
        }
    }

    /// The next command; `None`: none will come. Space is given back as long as nobody wants anything else.
    fn wait(&mut self, queue: &mut mpsc::Receiver<Command>) -> Option<Command> {
        loop {
            match queue.try_recv() {
                Err(TryRecvError::Empty) if self.slack.step(&self.owned.conn) => {}
                Err(TryRecvError::Empty) => return queue.blocking_recv(),
                Err(TryRecvError::Disconnected) => return None,
                Ok(command) => return Some(command),
            }
        }
    }

    /// Commits the group and answers everybody in it.
    fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) {
        if group.is_empty() {
            return;
        }
        let reserved = self.counters.reserved();
        let (began, before) = (Instant::now(), self.owned.conn.total_changes());
        let outcome = self.apply(group);
        if outcome.is_ok() && self.owned.conn.total_changes() > before {
            self.meter.committed(group.len(), began.elapsed());
        }
        if outcome.is_err() {
            self.meter.failed.inc();
            self.effects.clear();
            self.counters.rolled_back(reserved);
            if !self.owned.conn.is_autocommit() {
                // If even this fails the next BEGIN does too, and its callers hear about it.
                let _still_open = self.execute("ROLLBACK");
            }
        } else if !self.effects.is_empty() {
            self.slack.heard(&self.effects);
            // Nobody listening is not an error: effects are hints, the rows are the truth.
            let _nobody = self.sender.send(std::mem::take(&mut self.effects));
        }
        for job in group.drain(..) {
            job.answer(outcome.as_ref().err());
        }
    }

    fn apply(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
        let alone = group.len() == 1;
        self.execute("BEGIN IMMEDIATE")?;
        for job in group {
            let (effects, reserved) = (self.effects.len(), self.counters.reserved());
            if !alone {
                self.execute("SAVEPOINT change")?;
            }
            let conn = &self.owned.conn;
            let mut tx = Tx { conn, effects: &mut self.effects, counters: &mut self.counters };
            let done = job.run(&mut tx);
            if self.owned.conn.is_autocommit() {
                // A full disk or the like: SQLite has rolled back everything, the neighbours' changes included.
                let lost = || Error::Backend("the transaction was rolled back by SQLite".into());
                return Err(job.error().map_or_else(lost, again));
            }
            if !done {
                self.effects.truncate(effects);
                self.counters.rolled_back(reserved);
                if alone {
                    return self.execute("ROLLBACK");
                }
                self.execute("ROLLBACK TO change")?;
            }
            if !alone {
                self.execute("RELEASE change")?;
            }
        }
        self.execute("COMMIT")
    }

    fn execute(&self, sql: &str) -> Result<(), Error> {
        self.owned.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        self.counters.give_back(&self.owned.conn)?;
        let Owned { conn, lock, .. } = self.owned;
        // The last connection to close copies the WAL into the database and removes it; only then may others come.
        conn.close().map_err(|(_, error)| Error::from(error))?;
        drop(lock);
        Ok(())
    }
}
