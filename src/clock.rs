//! The one source of time. Times are made in `manager` and `dispatch`, from a [`Clock`], and only stored below them.
#![warn(missing_docs)]

use crate::model::Timestamp;
use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

/// Tells the time, in UTC and whole microseconds.
pub trait Clock: Send + Sync {
    /// The present. Never earlier than what the same clock has said before.
    fn now(&self) -> Timestamp;
}

/// The computer's clock, made so that it never goes backwards within the process: when it has been set back, time goes on from where it was,
/// at half the speed, until the computer's clock has caught up. Whatever waits for a second then waits for two, and not for as long as the
/// clock was set back.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// What all [`SystemClock`]s have told.
static SYSTEM: Forward = Forward::new();

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SYSTEM.tell(wall(), Instant::now)
    }
}

/// The computer's clock, read as many seconds ahead as a file says at that moment: for tests that set the clock of a server.
#[derive(Debug)]
pub struct SetClock {
    file: PathBuf,
    told: Forward,
}

impl SetClock {
    /// Fails if `file` does not hold a number. What becomes of it later is left out if it is none.
    pub fn by(file: PathBuf) -> io::Result<Self> {
        seconds(&file)?;
        Ok(Self { file, told: Forward::new() })
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        let ahead = seconds(&self.file).unwrap_or(0).saturating_mul(1_000_000);
        self.told.tell(Timestamp(wall().0.saturating_add(ahead)), Instant::now)
    }
}

fn seconds(file: &PathBuf) -> io::Result<i64> {
    fs::read_to_string(file)?.trim().parse().map_err(io::Error::other)
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
fn wall() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}

/// Makes a time that only goes forward of one that may be set back.
#[derive(Debug)]
struct Forward {
    /// The latest that was told.
    latest: AtomicI64,
    slow: Mutex<Option<Slow>>,
}

/// Time goes on by itself, slowly.
#[derive(Clone, Copy, Debug)]
struct Slow {
    from: Timestamp,
    since: Instant,
    /// What it told last: if something later has been told, it is over.
    told: Timestamp,
}

impl Forward {
    const fn new() -> Self {
        Self { latest: AtomicI64::new(i64::MIN), slow: Mutex::new(None) }
    }

    fn tell(&self, wall: Timestamp, instant: impl FnOnce() -> Instant) -> Timestamp {
        if wall.0 >= self.latest.fetch_max(wall.0, Ordering::Relaxed) {
            return wall;
        }
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        let (latest, instant) = (Timestamp(self.latest.load(Ordering::Relaxed)), instant());
        let begun = Slow { from: latest, since: instant, told: latest };
        let on = slow.filter(|slow| slow.told == latest).unwrap_or(begun);
        let told = on.from.plus(instant.saturating_duration_since(on.since) / 2).max(latest);
        *slow = Some(Slow { told, ..on });
        self.latest.fetch_max(told.0, Ordering::Relaxed);
        told
    }
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
        Timestamp(self.0.fetch_max(time.0, Ordering::Relaxed).max(time.0))
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

    /// What is told when the wall clock shows the first at the second, both in seconds.
    fn told(shown: &[(i64, u64)]) -> Vec<f64> {
        let (forward, begun) = (Forward::new(), Instant::now());
        let tell = |&(wall, passed): &(i64, u64)| {
            let told = forward.tell(Timestamp(wall * 1_000_000), || begun + Duration::from_secs(passed));
            #[allow(clippy::cast_precision_loss, reason = "seconds of a test")]
            let seconds = told.0 as f64 / 1e6;
            seconds
        };
        shown.iter().map(tell).collect()
    }

    #[test]
    fn when_the_wall_clock_is_set_back_time_goes_on_at_half_speed_until_it_has_caught_up() {
        let day = 86_400;
        assert_eq!(
            told(&[
                (day, 0),
                (5, 5),
                (6, 6),
                (15, 15),
                (day, 86_400),
                (2 * day, 172_800),
                (2 * day + 1, 172_801)
            ]),
            [86_400.0, 86_400.0, 86_400.5, 86_405.0, 129_597.5, 172_800.0, 172_801.0]
        );
    }

    #[test]
    fn what_is_set_back_twice_goes_on_from_where_it_was_each_time() {
        // Back by 90, caught up, on for long, back by 900, and back further while behind.
        let shown =
            [(100, 0), (10, 1), (300, 400), (9_000, 9_000), (8_100, 9_001), (8_101, 9_003), (0, 9_005)];
        assert_eq!(told(&shown), [100.0, 100.0, 300.0, 9_000.0, 9_000.0, 9_001.0, 9_002.0]);
    }

    #[test]
    fn many_small_steps_are_as_long_as_one() {
        let (forward, begun) = (Forward::new(), Instant::now());
        forward.tell(Timestamp(1_000), || begun);
        let mut last = Timestamp(0);
        for nanos in 0..10_000 {
            last = forward.tell(Timestamp(0), || begun + Duration::from_nanos(nanos));
        }
        assert_eq!(last, Timestamp(1_004));
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
    fn a_clock_set_by_a_file_goes_as_far_ahead_as_that_says() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(SetClock::by(file.path().to_owned()).is_err(), "it holds no number");
        fs::write(&file, "86400\n").unwrap();
        let clock = SetClock::by(file.path().to_owned()).unwrap();
        let (before, told, after) = (wall(), clock.now(), wall());
        let day = Duration::from_secs(86_400);
        assert!((before.plus(day)..=after.plus(day)).contains(&told), "{told}");
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
