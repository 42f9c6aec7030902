//! Awaiting external events.

use super::{
    TaskError,
    journal::Shared,
    json,
    timer::{Due, Timer},
};
use crate::model::pb::EventRaisedEvent;
use serde::de::DeserializeOwned;
use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// An external event to wait for; made by [`OrchestrationContext::event`](super::OrchestrationContext::event).
#[must_use = "an event is consumed when it is awaited"]
pub struct Event<T> {
    journal: Shared,
    name: String,
    waiter: Option<u64>,
    payload: PhantomData<fn() -> T>,
}

impl<T> Event<T> {
    pub(super) fn new(journal: Shared, name: &str) -> Self {
        Self { journal, name: name.to_owned(), waiter: None, payload: PhantomData }
    }

    /// Waits no longer than this; `None` then. An event that comes later is kept for whoever asks next.
    pub fn timeout(self, after: Duration) -> EventWithin<T> {
        let timer = Timer::new(self.journal.clone(), Due::In(after));
        EventWithin { event: Some(self), timer }
    }

    fn poll_raised(&mut self, context: &mut Context<'_>) -> Poll<Option<EventRaisedEvent>> {
        let mut journal = self.journal.borrow_mut();
        let waiter = *self.waiter.get_or_insert_with(|| journal.inbox.wait(&self.name));
        journal.inbox.poll(waiter, context)
    }
}

impl<T: DeserializeOwned + 'static> Future for Event<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let input = ready!(self.poll_raised(context)).and_then(|event| event.input);
        Poll::Ready(json::decode(input.as_deref()).map_err(|error| {
            TaskError::data(format_args!("the payload of event '{}' cannot be used", self.name), &error)
        }))
    }
}

impl<T> Drop for Event<T> {
    fn drop(&mut self) {
        let waker = self.waiter.and_then(|waiter| self.journal.borrow_mut().inbox.leave(waiter));
        waker.inspect(std::task::Waker::wake_by_ref);
    }
}

impl<T> fmt::Debug for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Event").field(&self.name).finish()
    }
}

/// An external event to wait for, but not for ever; made by [`Event::timeout`].
#[derive(Debug)]
#[must_use = "an event is consumed when it is awaited"]
pub struct EventWithin<T> {
    event: Option<Event<T>>,
    timer: Timer,
}

impl<T: DeserializeOwned + 'static> Future for EventWithin<T> {
    type Output = Result<Option<T>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(event) = &mut self.event else { return Poll::Pending };
        if let Poll::Ready(payload) = Pin::new(event).poll(context) {
            self.event = None;
            return Poll::Ready(payload.map(Some));
        }
        ready!(Pin::new(&mut self.timer).poll(context));
        self.event = None;
        Poll::Ready(Ok(None))
    }
}
