//! What the board leaves to be done outside its lock: reading, committing, waiting.

use super::{
    Dispatch,
    backlog::PAGE,
    board::{Board, Job, Read, ReadError},
    lease::Waiting,
    slot::State,
};
use crate::{
    engine::{Entity, Execution},
    model::{
        ActivityKey, Class, Commit, InstanceKey, InstanceRef, NewMessage, Parking, Status, event,
        pb::TaskFailureDetails,
    },
    store::{EntityLoaded, Error, Loaded},
};
use std::time::Duration;

/// How often the answer of an activity is stored again when the store says it is busy.
const BUSY_ATTEMPTS: u32 = 5;
/// Pause after the store failed to answer.
const RETRY: Duration = Duration::from_secs(1);

impl Dispatch {
    /// Stores a commit; its effects move the board on. If it fails, the board forgets what it knows and reads again, and a worker gets the
    /// turn once more: repeating the commit would mean keeping a copy of every one.
    pub(super) async fn commit(&self, commit: Commit) -> Result<(), Error> {
        let (key, turn) = (commit.key, commit.turn);
        let stored = self.shared.store.turn_commit(commit).await;
        self.shared.pulse.tried(&stored, self.shared.clock.now());
        let Err(error) = stored else { return Ok(()) };
        let pause = match &error {
            Error::Fenced => Duration::ZERO,
            _ => Duration::from_secs(1),
        };
        tracing::error!(instance.key = key.0, turn, %error, "a turn could not be committed");
        self.with_board(|board| board.commit_failed(key, turn, pause));
        Err(error)
    }

    /// Stores the answer of an activity. Repeated while the store is busy: running the activity again would cost more.
    pub(super) async fn store_activity(
        &self,
        key: ActivityKey,
        result: Option<NewMessage>,
    ) -> Result<bool, Error> {
        let mut attempt = 0;
        loop {
            match self.shared.store.activity_complete(key, result.clone()).await {
                Err(Error::Busy(_)) if attempt < BUSY_ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
                }
                done => {
                    self.shared.pulse.tried(&done, self.shared.clock.now());
                    return done;
                }
            }
        }
    }

    /// Does, outside the board's lock, what a visit has left to be done.
    pub(super) fn run(&self, job: Job) {
        let this = self.clone();
        match job {
            Job::WindClock => self.shared.wind.notify_one(),
            Job::Commit(commit) => {
                self.shared.tasks.spawn(async move { this.commit(*commit).await });
            }
            Job::Load(key) => {
                self.shared.tasks.spawn(async move {
                    let read = this.read(key).await;
                    this.with_board(|board| board.loaded(key, read));
                });
            }
            Job::FindTurns(after, rows) => {
                self.shared.tasks.spawn(async move { this.find_turns(after, rows).await });
            }
            Job::FindActivities(after) => {
                self.shared.tasks.spawn(async move { this.find_activities(after).await });
            }
            Job::Locate(keys) => {
                self.shared.tasks.spawn(async move {
                    for key in keys {
                        match this.shared.store.instance_route(key).await {
                            Ok(Some((reference, status))) => {
                                this.with_board(|board| board.located(reference, status));
                            }
                            Ok(None) => {}
                            Err(error) => {
                                tracing::error!(instance.key = key.0, %error, "a timer is due but its instance cannot be read; trying again");
                                tokio::time::sleep(Duration::from_secs(1)).await;
                                this.run(Job::Locate(vec![key]));
                            }
                        }
                    }
                });
            }
            Job::Forget(waiting) => {
                self.shared.tasks.spawn(async move {
                    if let Err(error) = this.store_activity(waiting.task.key, None).await {
                        tracing::error!(instance.id = %waiting.task.instance, %error, "an activity's end could not be stored; it is run again");
                        return this.with_board(|board| board.rest_activity(*waiting));
                    }
                    this.with_board(|board| board.activity_over(&waiting.task));
                });
            }
            Job::Fail(waiting, details) => {
                self.shared.tasks.spawn(async move { this.fail_activity(*waiting, *details).await });
            }
            Job::Park(instance, status, parking) => {
                self.shared.tasks.spawn(async move { this.park(instance, status, *parking).await });
            }
            Job::Rest(key, pause) => self.later(pause, move |board| board.rested(key)),
            Job::RestBacklog(pause) => self.later(pause, Board::backlog_rested),
            Job::RestActivity(key, pause) => self.later(pause, move |board| board.activity_rested(key)),
        }
    }

    /// Visits the board again after a pause, unless the server stops first.
    fn later(&self, pause: Duration, act: impl FnOnce(&mut Board) + Send + 'static) {
        let this = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = this.shared.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => this.with_board(act),
            }
        });
    }

    async fn find_turns(&self, after: InstanceKey, rows: usize) {
        let store = &self.shared.store;
        let now = self.shared.clock.now();
        let Some(page) = self.insist("ready instances", || store.ready_claim(now, after, rows)).await else {
            return;
        };
        let last = page.last().filter(|_| page.len() == rows).map(|ready| ready.instance.key);
        self.with_board(|board| board.found_turns(page, last));
    }

    async fn find_activities(&self, after: ActivityKey) {
        let store = &self.shared.store;
        let Some(page) = self.insist("activities", || store.activity_claim(after, PAGE)).await else {
            return;
        };
        let last = page.last().map(|task| task.key);
        self.with_board(|board| board.found_activities(page, last));
    }

    /// Repeats a read until it succeeds. `None`: the server stops.
    async fn insist<T, F: Future<Output = Result<T, Error>>>(
        &self,
        what: &str,
        read: impl Fn() -> F,
    ) -> Option<T> {
        loop {
            match read().await {
                Ok(found) => return Some(found),
                Err(error) => tracing::error!(%error, "reading {what} failed; trying again"),
            }
            tokio::select! {
                () = self.shared.stop.cancelled() => return None,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    pub(super) async fn read(&self, key: InstanceKey) -> Result<Read, ReadError> {
        let loaded = match self.shared.store.instance_load(key).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Err(ReadError::Gone),
            Err(Error::Corrupt(reason)) => return Err(self.outline(key, reason).await),
            Err(error) => {
                tracing::error!(instance.key = key.0, %error, "an instance could not be read; trying again");
                return Err(ReadError::Again);
            }
        };
        let Loaded { record, custom_status, entity, history, inbox, parked } = loaded;
        let state = match entity {
            Some(EntityLoaded { state, lock }) => State::Entity(Box::new(Entity {
                turn: record.turn,
                state: state.map(Into::into),
                lock,
                reference: record.reference(),
            })),
            None => match Execution::read(record, custom_status, &history) {
                Ok(execution) => State::Orchestration(Box::new(execution)),
                Err(error) => return Err(self.outline(key, error.to_string()).await),
            },
        };
        Ok(Read { state, history, inbox, parked: parked.is_some() })
    }

    /// What can be told of an instance of which not everything can be read.
    async fn outline(&self, key: InstanceKey, reason: String) -> ReadError {
        match self.shared.store.instance_outline(key).await {
            Ok(Some(outline)) => ReadError::Unusable(reason, Box::new(outline)),
            Ok(None) => ReadError::Gone,
            Err(error) => {
                tracing::error!(instance.key = key.0, reason, %error, "not even the row of an instance can be read; trying again");
                ReadError::Again
            }
        }
    }

    /// Completes an activity as failed, as an answer would.
    async fn fail_activity(&self, waiting: Waiting, details: TaskFailureDetails) {
        let task = &waiting.task;
        tracing::error!(instance.id = %task.instance, activity = %task.name, reason = %details.error_message, "activity failed");
        let event = event::task_failed(self.shared.clock.now(), task.task_id, details);
        let result = (!task.detached).then(|| NewMessage::now(Class::Result, event));
        match self.store_activity(task.key, result).await {
            Ok(true) if !task.detached => {}
            Ok(_) => self.with_board(|board| board.activity_over(task)),
            Err(error) => {
                tracing::error!(instance.id = %task.instance, %error, "an activity's failure could not be stored; it is handed out once more");
                self.with_board(|board| board.rest_activity(waiting));
            }
        }
    }

    async fn park(&self, instance: InstanceRef, status: Status, parking: Parking) {
        match self.shared.store.instance_park(instance.key, parking).await {
            Ok(true) => self.shared.waiters.tell(instance.hub, &instance.id, Some(status)),
            // It has ended meanwhile, which other effects tell.
            Ok(false) => {}
            Err(error) => {
                tracing::error!(instance.id = %instance.id, %error, "that an instance is parked could not be stored; it goes on");
                self.with_board(|board| board.park_failed(instance.key));
            }
        }
    }
}
