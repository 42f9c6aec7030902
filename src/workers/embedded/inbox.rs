//! External events: buffered until somebody asks, handed out in order, never lost.
//!
//! Names are compared without regard to case. Events of one name go to those who asked for that name, first come first served;
//! whoever stops waiting with an event in hand gives it back.

use crate::model::pb::{EventRaisedEvent, HistoryEvent, history_event::EventType};
use std::{
    collections::{HashMap, VecDeque},
    task::{Context, Poll, Waker},
};

/// A raised event with its place in the order of arrival.
#[derive(Debug)]
struct Raised {
    order: u64,
    event: HistoryEvent,
}

#[derive(Debug, Default)]
struct Mailbox {
    buffered: VecDeque<Raised>,
    /// In the order in which they asked. May name some that have gone.
    waiting: VecDeque<u64>,
}

#[derive(Debug)]
struct Waiter {
    mailbox: String,
    waker: Option<Waker>,
    received: Option<Raised>,
}

/// The events of one execution that the code has not consumed yet, and who waits for more.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    mailboxes: HashMap<String, Mailbox>,
    waiters: HashMap<u64, Waiter>,
    arrivals: u64,
    next_waiter: u64,
}

impl Inbox {
    /// Takes in an `EventRaised`. Returns whom to wake.
    pub fn raise(&mut self, event: HistoryEvent) -> Option<Waker> {
        let Some(EventType::EventRaised(raised)) = &event.event_type else { return None };
        let name = fold(&raised.name);
        self.arrivals += 1;
        let raised = Raised { order: self.arrivals, event };
        match self.first_waiting(&name) {
            Some(id) => self.hand(id, raised),
            None => {
                self.mailboxes.entry(name).or_default().buffered.push_back(raised);
                None
            }
        }
    }

    /// Begins to wait for an event.
    pub fn wait(&mut self, name: &str) -> u64 {
        let id = self.next_waiter;
        self.next_waiter += 1;
        let name = fold(name);
        let mailbox = self.mailboxes.entry(name.clone()).or_default();
        let received = mailbox.buffered.pop_front();
        if received.is_none() {
            mailbox.waiting.push_back(id);
        }
        self.waiters.insert(id, Waiter { mailbox: name, waker: None, received });
        id
    }

    /// The event, once it is there. The waiting ends with it.
    pub fn poll(&mut self, id: u64, context: &mut Context<'_>) -> Poll<Option<EventRaisedEvent>> {
        let Some(waiter) = self.waiters.get_mut(&id) else { return Poll::Pending };
        let Some(raised) = waiter.received.take() else {
            waiter.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        self.waiters.remove(&id);
        Poll::Ready(match raised.event.event_type {
            Some(EventType::EventRaised(event)) => Some(event),
            _ => None,
        })
    }

    /// Ends the waiting. Returns whom to wake because an event was given back.
    pub fn leave(&mut self, id: u64) -> Option<Waker> {
        let waiter = self.waiters.remove(&id)?;
        let raised = waiter.received?;
        match self.first_waiting(&waiter.mailbox) {
            Some(next) => self.hand(next, raised),
            None => {
                // Several may come back, in any order.
                let buffered = &mut self.mailboxes.entry(waiter.mailbox).or_default().buffered;
                let at = buffered.partition_point(|other| other.order < raised.order);
                buffered.insert(at, raised);
                None
            }
        }
    }

    /// Whether a future is waiting for an event that has not come.
    pub fn is_awaited(&self) -> bool {
        self.waiters.values().any(|waiter| waiter.waker.is_some() && waiter.received.is_none())
    }

    /// Everything that was never consumed, in order of arrival.
    pub fn into_unconsumed(self) -> Vec<HistoryEvent> {
        let received = self.waiters.into_values().filter_map(|waiter| waiter.received);
        let buffered = self.mailboxes.into_values().flat_map(|mailbox| mailbox.buffered);
        let mut unconsumed: Vec<Raised> = received.chain(buffered).collect();
        unconsumed.sort_by_key(|raised| raised.order);
        unconsumed.into_iter().map(|raised| raised.event).collect()
    }

    fn first_waiting(&mut self, name: &str) -> Option<u64> {
        let waiting = &mut self.mailboxes.get_mut(name)?.waiting;
        std::iter::from_fn(|| waiting.pop_front()).find(|id| self.waiters.contains_key(id))
    }

    fn hand(&mut self, id: u64, raised: Raised) -> Option<Waker> {
        let waiter = self.waiters.get_mut(&id)?;
        waiter.received = Some(raised);
        waiter.waker.take()
    }
}

fn fold(name: &str) -> String {
    name.to_lowercase()
}
