//! Points in time: UTC, whole microseconds, which is what every backend keeps.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time `duration` later. Saturates instead of overflowing.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time `duration` earlier. Saturates instead of overflowing.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The next representable moment.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The moment before; the first one has none and stays.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The first whole millisecond strictly later.
    #[must_use]
    pub fn next_millisecond(self) -> Self {
        Self(self.0.div_euclid(1_000).saturating_add(1).saturating_mul(1_000))
    }

    /// How long from `self` until `later`; zero if it has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_micros(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// A wire time, rounded **up** to whole microseconds so that nothing kept by it is ever early.
    pub fn at_or_after(wire: &prost_types::Timestamp) -> Self {
        let nanos = i64::from(wire.nanos.clamp(0, 999_999_999));
        Self(wire.seconds.saturating_mul(1_000_000).saturating_add((nanos + 999) / 1_000))
    }

    /// The wire form.
    pub fn to_wire(self) -> prost_types::Timestamp {
        prost_types::Timestamp {
            seconds: self.0.div_euclid(1_000_000),
            nanos: i32::try_from(self.0.rem_euclid(1_000_000) * 1_000).unwrap_or(0),
        }
    }

    /// As a calendar date, clamped to what chrono can express.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

/// RFC 3339 with microseconds and `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_times_round_up_so_that_no_timer_is_early() {
        let wire = prost_types::Timestamp { seconds: 1, nanos: 1_001 };
        assert_eq!(Timestamp::at_or_after(&wire), Timestamp(1_000_002));
    }

    #[test]
    fn the_next_millisecond_is_whole_and_later() {
        let next = |micros| Timestamp(micros).next_millisecond().0;
        assert_eq!([0, 1, 999, 1_000, -1, -1_000].map(next), [1_000, 1_000, 1_000, 2_000, 0, 0]);
        assert_eq!(next(i64::MAX), i64::MAX);
        assert!(next(i64::MIN) > i64::MIN);
    }

    #[test]
    fn the_moment_before_the_first_is_the_first() {
        assert_eq!(Timestamp(0).previous(), Timestamp(-1));
        assert_eq!(Timestamp(i64::MIN).previous(), Timestamp(i64::MIN));
    }

    #[test]
    fn times_before_1970_and_far_away_survive_the_wire() {
        for micros in [-1, -1_500_000, 0, 253_402_300_799_999_999] {
            assert_eq!(Timestamp::at_or_after(&Timestamp(micros).to_wire()), Timestamp(micros));
        }
    }
}
