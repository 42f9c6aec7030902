//! Awaiting a point in time.

use super::{
    TimedOut,
    journal::{Shared, Task, TaskKind},
};
use crate::model::{
    Timestamp,
    pb::{CreateTimerAction, orchestrator_action::OrchestratorActionType as Action},
};
use chrono::{DateTime, Utc};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// The last moment the wire can express: 9999-12-31T23:59:59.999999Z.
const END_OF_TIME: Timestamp = Timestamp(253_402_300_799_999_999);

/// A durable timer; made by [`OrchestrationContext::timer`](super::OrchestrationContext::timer).
///
/// It is set when first awaited (or polled by a combinator), or by [`start`](Self::start), and counts from then.
#[derive(Debug)]
#[must_use = "a timer is set when it is awaited or started"]
pub struct Timer {
    journal: Shared,
    due: Due,
    task: Option<Task>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    In(Duration),
    At(DateTime<Utc>),
}

impl Timer {
    pub(super) fn new(journal: Shared, due: Due) -> Self {
        Self { journal, due, task: None }
    }

    /// Sets it now, to be awaited later.
    pub fn start(mut self) -> Self {
        self.task();
        self
    }

    fn task(&mut self) -> &mut Task {
        self.task.get_or_insert_with(|| match self.due {
            Due::In(duration) => begin_timer(&self.journal, duration),
            Due::At(time) => begin_timer_at(&self.journal, not_before(time)),
        })
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(self.task()).poll(context).map(|_| ())
    }
}

/// Sets a timer that counts from the current turn's time.
pub(super) fn begin_timer(journal: &Shared, duration: Duration) -> Task {
    let now = Timestamp::from(journal.borrow().now);
    begin_timer_at(journal, now.plus(duration))
}

/// Rounded up to whole microseconds, so that no timer is early.
pub(super) fn not_before(time: DateTime<Utc>) -> Timestamp {
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0);
    Timestamp::at_or_after(&prost_types::Timestamp { seconds: time.timestamp(), nanos })
}

fn begin_timer_at(journal: &Shared, at: Timestamp) -> Task {
    let action = CreateTimerAction { fire_at: Some(at.min(END_OF_TIME).to_wire()) };
    Task::begin(journal, TaskKind::Timer, Action::CreateTimer(action), false)
}

/// A future that is given up after a while; made by [`OrchestrationContext::timeout`](super::OrchestrationContext::timeout).
#[must_use = "futures do nothing unless awaited"]
pub struct Timeout<F> {
    after: Duration,
    future: Option<Pin<Box<F>>>,
    timer: Timer,
}

impl<F> Timeout<F> {
    pub(super) fn new(journal: Shared, after: Duration, future: F) -> Self {
        Self { after, future: Some(Box::pin(future)), timer: Timer::new(journal, Due::In(after)) }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            self.future = None;
            return Poll::Ready(Ok(output));
        }
        ready!(Pin::new(&mut self.timer).poll(context));
        self.future = None;
        Poll::Ready(Err(TimedOut { after: self.after }))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("after", &self.after).finish_non_exhaustive()
    }
}
