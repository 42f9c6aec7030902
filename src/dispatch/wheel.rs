//! Which messages become due next. Only the nearest are kept in memory, so a million timers cost no more than a page of them.

use crate::{model::Timestamp, store::Due};
use std::collections::BTreeSet;

/// How many are read at a time; at most twice as many are kept.
pub(super) const PAGE: usize = 10_000;

/// The nearest due times.
#[derive(Debug)]
pub(super) struct Wheel {
    soon: BTreeSet<Due>,
    /// Everything up to here is in `soon`; `None`: everything there is.
    horizon: Option<Due>,
    loading: bool,
}

impl Default for Wheel {
    /// A wheel that has not looked at the store yet.
    fn default() -> Self {
        Self { soon: BTreeSet::new(), horizon: Some(Self::START), loading: false }
    }
}

impl Wheel {
    const START: Due = Due {
        at: Timestamp(i64::MIN),
        message: crate::model::MessageId(i64::MIN),
        instance: crate::model::InstanceKey(i64::MIN),
    };

    /// Remembers a due time if it lies within the horizon. `true`: it is the earliest now.
    pub fn insert(&mut self, due: Due) -> bool {
        if !self.loading && self.horizon.is_some_and(|horizon| due > horizon) {
            return false;
        }
        self.soon.insert(due);
        self.trim();
        self.soon.first() == Some(&due)
    }

    /// Forgets a due time.
    pub fn remove(&mut self, due: &Due) {
        self.soon.remove(due);
    }

    /// Takes out all that is due at `now`.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        while self.soon.first().is_some_and(|first| first.at <= now) {
            due.extend(self.soon.pop_first());
        }
        due
    }

    /// When the earliest is due.
    pub fn earliest(&self) -> Option<Timestamp> {
        self.soon.first().map(|due| due.at)
    }

    /// Where to read on, if the wheel has run empty and there may be more. The caller reads a page after it and calls
    /// [`Wheel::loaded`].
    pub fn wants_page(&mut self) -> Option<Due> {
        let after = self.horizon.filter(|_| self.soon.is_empty() && !self.loading)?;
        // While the page is being read everything new is accepted, so that nothing falls between the page and the horizon.
        self.loading = true;
        Some(after)
    }

    /// Takes a page of at most [`PAGE`] in; `None`: reading failed, try again.
    pub fn loaded(&mut self, page: Option<Vec<Due>>) {
        self.loading = false;
        if let Some(page) = page {
            self.horizon = if page.len() < PAGE { None } else { page.last().copied() };
            self.soon.extend(page);
        }
        if let Some(horizon) = self.horizon {
            self.soon.retain(|due| *due <= horizon);
        }
    }

    fn trim(&mut self) {
        if self.loading || self.soon.len() <= 2 * PAGE {
            return;
        }
        while self.soon.len() > PAGE {
            self.soon.pop_last();
        }
        self.horizon = self.soon.last().copied();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InstanceKey, MessageId};

    const COUNT: i64 = 10_000;

    fn due(at: i64) -> Due {
        Due { at: Timestamp(at), message: MessageId(at), instance: InstanceKey(1) }
    }

    #[test]
    fn nothing_is_lost_between_a_page_being_read_and_new_timers() {
        let mut wheel = Wheel::default();
        assert!(wheel.wants_page().is_some());
        assert_eq!(wheel.wants_page(), None, "one reader at a time");
        wheel.insert(due(5));
        wheel.loaded(Some(vec![due(7)]));
        assert_eq!(wheel.take_due(Timestamp(10)), [due(5), due(7)]);
        assert_eq!(wheel.wants_page(), None, "everything is known");
    }

    #[test]
    fn far_timers_stay_in_the_store_until_their_page_comes() {
        let mut wheel = Wheel::default();
        wheel.wants_page();
        let page: Vec<_> = (0..COUNT).map(due).collect();
        let horizon = *page.last().unwrap();
        wheel.loaded(Some(page));
        assert!(!wheel.insert(due(i64::MAX)));
        assert_eq!(wheel.take_due(Timestamp(i64::MAX)).len(), PAGE);
        assert_eq!(wheel.wants_page(), Some(horizon));
    }

    #[test]
    fn a_wheel_that_overflows_forgets_the_farthest_and_remembers_that() {
        let mut wheel = Wheel::default();
        wheel.wants_page();
        wheel.loaded(Some(Vec::new()));
        for at in 0..=2 * COUNT {
            wheel.insert(due(at));
        }
        assert_eq!(wheel.take_due(Timestamp(i64::MAX)).len(), PAGE);
        assert_eq!(wheel.wants_page(), Some(due(COUNT - 1)));
    }
}
