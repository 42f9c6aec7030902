//! The one source of time. Times are made in `manager` and `dispatch`, from a [`Clock`], and only stored below them.
#![warn(missing_docs)]

use crate::model::Timestamp;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// Tells the time, in UTC and whole microseconds.
pub trait Clock: Send + Sync {
    /// The present. Never earlier than what the same clock has said before.
    fn now(&self) -> Timestamp;
}

/// The computer's clock, made so that it never goes backwards within the process: while it is being set back, time stands still.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The latest time any [`SystemClock`] has told.
static LATEST: AtomicI64 = AtomicI64::new(i64::MIN);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
        let wall = Timestamp::from(chrono::Utc::now());
        no_earlier(&LATEST, wall)
    }
}

fn no_earlier(latest: &AtomicI64, wall: Timestamp) -> Timestamp {
    Timestamp(latest.fetch_max(wall.0, Ordering::Relaxed).max(wall.0))
}

/// A clock that tests move by hand.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at `start` until it is moved.
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves forward, and tells the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        self.move_to(self.now().plus(by))
    }

    /// Moves forward to `time`; stays where it is if that has passed. Tells the new time.
    pub fn move_to(&self, time: Timestamp) -> Timestamp {
        no_earlier(&self.0, time)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_set_back_makes_time_stand_still() {
        let latest = AtomicI64::new(i64::MIN);
        let told: Vec<_> = [5, 9, 3, 8, 9, 10].map(|wall| no_earlier(&latest, Timestamp(wall)).0).into();
        assert_eq!(told, [5, 9, 9, 9, 9, 10]);
    }

    #[test]
    fn the_system_clock_tells_the_present_and_never_an_earlier_one() {
        let mut last = SystemClock.now();
        assert!(last > Timestamp(1_700_000_000_000_000), "{last}");
        for _ in 0..10_000 {
            let now = SystemClock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn a_manual_clock_moves_only_when_told_and_only_forward() {
        let clock = ManualClock::at(Timestamp(10));
        assert_eq!((clock.now(), clock.now()), (Timestamp(10), Timestamp(10)));
        assert_eq!(clock.advance(Duration::from_secs(1)), Timestamp(1_000_010));
        assert_eq!(clock.move_to(Timestamp(3)), Timestamp(1_000_010));
        assert_eq!(clock.now(), Timestamp(1_000_010));
    }
}
