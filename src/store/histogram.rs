//! How many instances there were when.

use crate::model::Timestamp;

/// Which moment of an instance counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Created,
    /// Its end; leaves out what has not ended.
    Completed,
}

/// What the series of a histogram are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Status,
    Name,
}

/// A span of time, cut into buckets of the same width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistogramQuery {
    pub of: Moment,
    pub by: By,
    /// `None`: from the first instance on.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub before: Timestamp,
    /// Most buckets.
    pub buckets: usize,
}

/// Those of one name or status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The name; `None`: all names for which there was no room, see [`Histogram::NAMES`].
    pub key: Option<String>,
    /// One number for each bucket.
    pub counts: Vec<u64>,
}

/// How many instances there are in each bucket. Buckets are whole milliseconds wide, the last one may reach beyond the span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    pub from: Timestamp,
    pub bucket_ms: i64,
    /// In no order, none of them empty.
    pub series: Vec<Series>,
}

impl Histogram {
    /// How many names are told apart: the first that are met.
    pub const NAMES: usize = 1_000;

    /// One without instances, from `from` until `before`, and how many buckets it has.
    pub fn empty(from: Timestamp, before: Timestamp, buckets: usize) -> (Self, usize) {
        let span = before.0.saturating_sub(from.0).max(1);
        let most = i64::try_from(buckets.max(1)).unwrap_or(i64::MAX);
        let width = (ceiling(span, most)).max(1);
        let bucket_ms = ceiling(width, 1_000);
        let buckets = ceiling(span, bucket_ms.saturating_mul(1_000));
        (Self { from, bucket_ms, series: Vec::new() }, usize::try_from(buckets).unwrap_or(1))
    }
}

/// A positive quotient, rounded up.
fn ceiling(number: i64, by: i64) -> i64 {
    number / by + i64::from(number % by != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_whole_milliseconds_and_hold_the_span() {
        for (span, most, bucket_ms, buckets) in [
            (1, 1, 1, 1),
            (1, 400, 1, 1),
            (1_000, 2, 1, 1),
            (1_001, 2, 1, 2),
            (86_400_000_000, 24, 3_600_000, 24),
            (86_400_000_001, 24, 3_600_001, 24),
            (10_000, 3, 4, 3),
            (0, 5, 1, 1),
            (i64::MAX, 400, 23_058_430_092_137, 400),
        ] {
            let (empty, count) = Histogram::empty(Timestamp(0), Timestamp(span), most);
            assert_eq!((empty.bucket_ms, count), (bucket_ms, buckets), "{span} {most}");
        }
    }
}
