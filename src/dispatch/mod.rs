//! Brings work to workers: ready queues, leases, timers, and who waits for what.
//!
//! Everything is pushed. The store tells the effects of each commit; the `board` decides what follows; what needs the store or time is
//! done here, outside the board's lock. Leases and queues live in memory and are rebuilt from the rows at start, so nothing is written
//! to say that somebody is working on something.
//!
//! What always holds: one worker at most has a turn of an instance; an answer counts once, or not at all if the server has acted on
//! the instance meanwhile; what a worker that vanished held is handed out again at once.

mod backlog;
mod board;
mod entities;
mod finishing;
mod insight;
mod jobs;
mod lease;
mod limits;
mod loops;
mod pieces;
mod pulse;
mod queue;
#[cfg(test)]
mod room;
mod slot;
mod tally;
mod unnamed;
mod visit;
mod waiters;
mod waiting;
mod watchdog;
mod watchers;
mod wheel;
mod worker;

pub use insight::{
    ActivityView, Insight, InstanceView, Places, QueueView, ServedNames, Standing, WorkerView,
};
pub use limits::ConcurrencyLimit;
pub use tally::{Delivered, Tally};
pub use waiters::{Interest, Waiter, Waiters};
pub use watchdog::{LostKind, Watch};
pub use watchers::{Changes, Watcher};
pub use worker::{
    ActivityItem, BatchItem, EntityNames, Kind, Names, Offer, Seat, Serves, TurnItem, WorkItem, WorkerId,
};

use crate::{
    clock::Clock,
    engine::{self, Context, Execution, Outcome, Turn},
    model::{Class, Effect, HubId, NewMessage, bounded, error_type, event, failure, pb},
    store::{Error, Store},
};
use board::{Board, Rules, TakenTurn, fresh_id};
use pulse::Pulse;
use slot::State;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use visit::Desk;
use watchdog::Findings;

/// Settings of dispatch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes of idle instances' state kept in memory.
    pub cache_bytes: usize,
    /// How many items of one name and version wait in memory; the others are left to their rows.
    pub window: usize,
    /// Bytes that the requests of all activities waiting in memory may take.
    pub window_bytes: usize,
    /// Largest result or output taken from a worker, in bytes.
    pub payload_bytes: usize,
    /// Largest turn, history included, that a worker outside this process can receive, in bytes.
    pub work_item_bytes: usize,
    /// How long a history may be when a turn is added to it; an instance whose history is longer is parked.
    pub history: Longest,
    /// Longest pause before work that was put back is tried again.
    pub max_backoff: Duration,
    /// How often in a row an activity may be delivered without an answer before it fails; 0: without limit.
    pub activity_deliveries: u32,
    /// How often in a row a turn, or a batch, may be delivered without an answer before its instance is parked; 0: without limit.
    pub turn_deliveries: u32,
    /// Names of which only so much is handed out at a time.
    pub concurrency: Vec<ConcurrencyLimit>,
    /// How long a silent worker may hold a turn.
    pub turn_lease: Duration,
    /// How long a silent worker may hold an activity.
    pub activity_lease: Duration,
    /// How often the watchdog looks, and at what: at what has not moved for as long. Zero: never.
    pub watchdog: Duration,
}

/// How long a history may be. 0: without limit.
#[derive(Clone, Copy, Debug)]
pub struct Longest {
    pub events: usize,
    pub bytes: usize,
}

/// Why an answer was not taken. The worker may repeat it.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The answer could not be stored; the item is handed out again.
    #[error("the answer could not be stored: {0}")]
    Store(#[from] Error),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Closing,
}

impl std::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").finish_non_exhaustive()
    }
}

/// The dispatcher. Shared by the transports that bring workers.
#[derive(Clone)]
pub struct Dispatch {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    waiters: Arc<Waiters>,
    settings: Settings,
    desk: Mutex<Desk>,
    /// Rings when the earliest due time has changed.
    wind: Notify,
    /// Commits and reads under way.
    tasks: TaskTracker,
    pulse: Pulse,
    findings: Findings,
    stop: CancellationToken,
}

impl Dispatch {
    /// Starts dispatching: takes in `effects` as they come, and what the store holds from before.
    pub fn start(
        store: Arc<dyn Store>,
        effects: mpsc::UnboundedReceiver<Vec<Effect>>,
        clock: Arc<dyn Clock>,
        waiters: Arc<Waiters>,
        settings: Settings,
    ) -> Self {
        let rules = Rules {
            cache_bytes: settings.cache_bytes,
            window: settings.window,
            window_bytes: settings.window_bytes,
            payload_bytes: settings.payload_bytes,
            work_item_bytes: settings.work_item_bytes,
            history: settings.history,
            max_backoff: settings.max_backoff,
            activity_deliveries: settings.activity_deliveries,
            turn_deliveries: settings.turn_deliveries,
        };
        let shared = Shared {
            store,
            clock,
            waiters,
            desk: Mutex::new(Desk::new(Board::new(rules, &settings.concurrency), effects)),
            settings,
            wind: Notify::new(),
            tasks: TaskTracker::new(),
            pulse: Pulse::default(),
            findings: Findings::default(),
            stop: CancellationToken::new(),
        };
        let dispatch = Self { shared: Arc::new(shared) };
        dispatch.shared.pulse.watch(loops::spawn(&dispatch));
        dispatch
    }

    /// Whether work is handed out. What waited in the store at start is read page by page meanwhile, however much it is.
    pub fn is_ready(&self) -> bool {
        !self.shared.stop.is_cancelled()
    }

    /// What keeps work from going on although the server runs, each in a few words; nothing if all is well.
    pub fn missing(&self) -> Vec<String> {
        if self.shared.stop.is_cancelled() {
            return Vec::new();
        }
        let mut missing = self.shared.pulse.missing(self.shared.clock.now());
        missing.extend(self.with_board(|board| board.neglected()));
        missing
    }

    /// A worker joins. Its items come through [`Seat::items`]; call [`Dispatch::leave`] when it is gone.
    pub fn join(&self, offer: Offer) -> Seat {
        let label = offer.label.clone();
        let seat = self.with_board(|board| board.join(offer));
        tracing::info!(worker = %label, number = seat.id.0, "worker joined");
        seat
    }

    /// A worker is gone; what it held is handed out again.
    pub fn leave(&self, worker: WorkerId) {
        tracing::info!(number = worker.0, "worker left");
        self.with_board(|board| board.leave(worker));
    }

    /// A worker answers a turn. A token that is not (or no longer) valid is not an error: the answer means nothing. An answer without a
    /// token (durabletask-go sends none) is taken if it can only belong to the turn that is out, see `unnamed`.
    pub async fn complete_turn(
        &self,
        hub: HubId,
        mut response: pb::OrchestratorResponse,
    ) -> Result<(), AnswerError> {
        let token = std::mem::take(&mut response.completion_token);
        let taken = self.with_board(|board| {
            let token = match token.as_str() {
                "" => board.token_of_turn(hub, &response.instance_id, !response.is_partial)?,
                _ => token,
            };
            if response.requires_history {
                // History is always sent whole; a worker that asks all the same gets the same turn again.
                board.unable(hub, &token, Kind::Turn);
                return None;
            }
            if response.is_partial {
                board.add_piece(hub, &token, std::mem::take(&mut response));
                return None;
            }
            board.take_turn(hub, &token)
        });
        let Some(TakenTurn { key, execution, turn, pieces }) = taken else {
            tracing::debug!(instance.id = %response.instance_id, "a stale turn was answered; ignored");
            return Ok(());
        };
        // In a task of its own: a caller that hangs up must not stop a commit half way.
        let this = self.clone();
        self.finish(async move {
            let apply = AssertUnwindSafe(|| this.apply(execution, turn, pieces.complete(response)));
            let Ok(Outcome { commit, execution }) = catch_unwind(apply) else {
                this.with_board(|board| board.apply_failed(key));
                return Err(Error::Backend("the server could not work out what an answer means".into()));
            };
            let state = State::Orchestration(Box::new(execution));
            match this.with_board(|board| board.committing(key, commit, state)) {
                Some(commit) => this.commit(commit).await,
                None => Ok(()),
            }
        })
        .await
    }

    fn apply(&self, execution: Execution, turn: Turn, response: pb::OrchestratorResponse) -> Outcome {
        let (now, payload_bytes) = (self.shared.clock.now(), self.shared.settings.payload_bytes);
        let mut context = Context { now, fresh_id: &mut fresh_id, payload_bytes };
        engine::apply(execution, turn, response, &mut context)
    }

    /// A worker answers an activity. Stale tokens and answers nobody waits for any more are ignored.
    pub async fn complete_activity(
        &self,
        hub: HubId,
        response: pb::ActivityResponse,
    ) -> Result<(), AnswerError> {
        let pb::ActivityResponse { instance_id, task_id, result, failure_details, completion_token } =
            response;
        let taken = self.with_board(|board| {
            let token = match completion_token.as_str() {
                "" => board.token_of_activity(hub, &instance_id, task_id)?,
                _ => completion_token,
            };
            board.take_activity(hub, &token, failure_details.is_some())
        });
        let Some(waiting) = taken else {
            tracing::debug!(instance.id = %instance_id, task_id, "a stale activity was answered; ignored");
            return Ok(());
        };
        let this = self.clone();
        self.finish(async move {
            let shared = &this.shared;
            let (now, limit, task) = (shared.clock.now(), shared.settings.payload_bytes, waiting.task.task_id);
            let event = match (failure_details, result) {
                (Some(details), _) => event::task_failed(now, task, bounded(details, limit)),
                (None, Some(result)) if result.len() > limit => {
                    let got = result.len();
                    let text = format!("the activity's result is {got} bytes long; the limit is {limit} (setting limits.payload_bytes)");
                    event::task_failed(now, task, failure(error_type::PAYLOAD_TOO_LARGE, text, true))
                }
                (None, result) => event::task_completed(now, task, result),
            };
            let result = (!waiting.task.detached).then(|| NewMessage::now(Class::Result, event));
            match this.store_activity(waiting.task.key, result).await {
                Ok(wanted) => {
                    if !wanted {
                        tracing::debug!(instance.id = %waiting.task.instance, task, "nobody waits for this activity any more");
                    }
                    if !wanted || waiting.task.detached {
                        // No effect tells of it.
                        this.with_board(|board| board.activity_over(&waiting.task));
                    }
                    Ok(())
                }
                Err(error) => {
                    tracing::error!(instance.id = %waiting.task.instance, %error, "an activity's result could not be stored");
                    this.with_board(|board| board.rest_activity(waiting));
                    Err(error)
                }
            }
        })
        .await
    }

    /// A worker that can do nothing with an item puts it back, which counts against the limit of deliveries. Stale tokens are ignored.
    pub fn unable(&self, hub: HubId, token: &str, kind: Kind) {
        self.with_board(|board| board.unable(hub, token, kind));
    }

    /// A worker puts an item back that it does not want; it is tried again after a pause. Stale tokens are ignored.
    pub fn abandon(&self, hub: HubId, token: &str, kind: Kind) {
        self.with_board(|board| board.put_back(hub, token, kind));
    }

    /// Stops handing out work and ends the workers' channels. Answers are still taken for a while.
    pub fn stop(&self) {
        self.shared.stop.cancel();
        self.with_board(Board::stop);
    }

    /// How many items workers hold.
    pub fn held(&self) -> usize {
        self.with_board(|board| board.held())
    }

    /// Waits until every commit that was begun has ended. Call after [`Dispatch::stop`].
    pub async fn drained(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Runs work that must not stop half way, and waits for its result.
    async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, AnswerError> {
        match self.shared.tasks.spawn(work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(AnswerError::Closing),
        }
    }
}
