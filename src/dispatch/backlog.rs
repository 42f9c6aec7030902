//! What is ready but not in memory. Of each route only so much is kept here, the *window*; what does not fit is left to its row, and the
//! route is remembered to have more *behind* it. When such a queue runs low the rows are read in the order of their keys, a page at a time,
//! round and round: a *circle*. Nothing is behind a route any more when a whole circle has met nothing of it that did not fit.
//!
//! At start nothing is known, so the first circle goes over everything there is.

use super::queue::Route;
use std::collections::HashMap;

/// How many rows of what is ready are read at a time, at most.
pub(super) const PAGE: usize = 1_000;

/// Where the rows of one kind of work, with keys of type `K`, are read next, and for whom.
#[derive(Debug)]
pub(super) struct Backlog<K> {
    behind: HashMap<Route, Behind>,
    /// How many circles have been gone.
    circle: u64,
    /// The next page begins after this key.
    after: K,
    /// Before all keys.
    start: K,
    reading: bool,
    /// How many rows the first circle has met.
    from_before: usize,
}

/// A route with work that is not in memory.
#[derive(Debug)]
struct Behind {
    /// The circle in which some of it was last met.
    met: u64,
    /// Some work of the route has been handed out since the last circle ended.
    moved: bool,
    /// A whole circle has brought nothing that could be handed out: what is there waits for something else. It rests a little.
    resting: bool,
}

/// What the end of a page says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PageRead {
    /// At the end of the first circle: how many rows there were in all.
    pub from_before: Option<usize>,
    /// A route rests from now on; [`Backlog::rested`] ends that.
    pub rest: bool,
}

impl<K: Copy> Backlog<K> {
    /// A backlog of which nothing is known yet. `start`: lower than every key.
    pub fn new(start: K) -> Self {
        Self { behind: HashMap::new(), circle: 0, after: start, start, reading: false, from_before: 0 }
    }

    /// Something of this route was left to its row.
    pub fn leave(&mut self, route: &Route) {
        match self.behind.get_mut(route) {
            Some(behind) => behind.met = self.circle,
            None => {
                let behind = Behind { met: self.circle, moved: true, resting: false };
                self.behind.insert(route.clone(), behind);
            }
        }
    }

    /// Whether something of this route may not be in memory.
    pub fn is_behind(&self, route: &Route) -> bool {
        self.behind.contains_key(route)
    }

    /// Whether the first circle has gone over everything.
    pub fn is_complete(&self) -> bool {
        self.circle > 0
    }

    /// Some work of the route was handed out.
    pub fn moved(&mut self, route: &Route) {
        if let Some(behind) = self.behind.get_mut(route) {
            behind.moved = true;
        }
    }

    /// The rest of the routes is over.
    pub fn rested(&mut self) {
        self.behind.values_mut().for_each(|behind| (behind.resting, behind.moved) = (false, false));
    }

    /// After which key a page is to be read now, if one is: of all routes with something behind them one is `hungry` and does not rest, or
    /// the first circle is not over. The page is brought by [`Backlog::page_read`].
    pub fn wants_page(&mut self, hungry: impl Fn(&Route) -> bool) -> Option<K> {
        let mut behind = self.behind.iter();
        let wanted = !self.reading
            && (self.circle == 0 || behind.any(|(route, behind)| !behind.resting && hungry(route)));
        self.reading |= wanted;
        wanted.then_some(self.after)
    }

    /// A page of so many rows was taken in, up to the key `last`; `None`: nothing follows it.
    pub fn page_read(&mut self, rows: usize, last: Option<K>) -> PageRead {
        self.reading = false;
        let first = self.circle == 0;
        if first {
            self.from_before += rows;
        }
        if let Some(last) = last {
            self.after = last;
            return PageRead::default();
        }
        let gone = self.circle;
        self.behind.retain(|_, behind| behind.met == gone);
        let mut rest = false;
        for behind in self.behind.values_mut() {
            let stuck = !std::mem::take(&mut behind.moved);
            rest |= stuck && !behind.resting;
            behind.resting |= stuck;
        }
        self.circle += 1;
        self.after = self.start;
        PageRead { from_before: first.then_some(self.from_before), rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dispatch::worker::Kind, model::HubId};

    fn route(name: &str) -> Route {
        Route { hub: HubId(1), kind: Kind::Turn, name: name.into(), version: None }
    }

    #[test]
    fn the_first_circle_goes_over_everything_and_then_nothing_is_read() {
        let mut backlog = Backlog::new(0);
        assert_eq!(backlog.wants_page(|_| false), Some(0));
        assert_eq!(backlog.wants_page(|_| false), None, "one page at a time");
        assert_eq!(backlog.page_read(3, Some(7)), PageRead::default());
        assert_eq!(backlog.wants_page(|_| false), Some(7));
        assert_eq!(backlog.page_read(2, None).from_before, Some(5));
        assert_eq!(backlog.wants_page(|_| true), None);
    }

    #[test]
    fn what_was_left_in_one_circle_is_looked_for_until_the_end_of_the_next() {
        let mut backlog = Backlog::new(0);
        backlog.wants_page(|_| true);
        // Perhaps on a page that this circle has passed already.
        backlog.leave(&route("A"));
        backlog.page_read(0, None);
        assert!(backlog.is_behind(&route("A")));
        assert_eq!(backlog.wants_page(|_| false), None, "its queue is long enough");
        assert_eq!(backlog.wants_page(|_| true), Some(0));
        backlog.page_read(0, None);
        assert!(!backlog.is_behind(&route("A")));
        assert_eq!(backlog.wants_page(|_| true), None);
    }

    #[test]
    fn a_route_that_did_not_fit_again_stays() {
        let mut backlog = Backlog::new(0);
        backlog.wants_page(|_| true);
        backlog.leave(&route("A"));
        backlog.page_read(0, None);
        backlog.wants_page(|_| true);
        backlog.leave(&route("A"));
        backlog.page_read(0, None);
        assert!(backlog.is_behind(&route("A")));
    }

    #[test]
    fn what_waits_for_something_else_is_not_read_round_and_round() {
        let mut backlog = Backlog::new(0);
        backlog.wants_page(|_| true);
        backlog.page_read(0, None);
        let mut circles = 0;
        // Each circle meets work that does not fit, and nothing of it can be handed out.
        backlog.leave(&route("A"));
        while backlog.wants_page(|_| true).is_some() {
            circles += 1;
            backlog.leave(&route("A"));
            assert_eq!(backlog.page_read(0, None).rest, circles == 2);
        }
        assert_eq!(circles, 2);
        backlog.rested();
        assert_eq!(backlog.wants_page(|_| true), Some(0));
        backlog.leave(&route("A"));
        backlog.moved(&route("A"));
        assert!(!backlog.page_read(0, None).rest, "something has moved");
    }
}
