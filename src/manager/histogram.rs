//! How many instances there were when, as a chart shows it.

use super::{Error, Manager};
use crate::{
    model::{HubId, Status, StatusExt as _, Timestamp},
    store::{By, Filter, Histogram, HistogramQuery, Moment, Series},
};
use std::cmp::Reverse;

/// Most names that have a series of their own.
const NAMES: usize = 12;

/// A question for a histogram.
#[derive(Clone, Copy, Debug)]
pub struct ChartQuery {
    pub of: Moment,
    pub by: By,
    /// `None`: from the first instance on.
    pub from: Option<Timestamp>,
    /// Exclusive. `None`: until now.
    pub before: Option<Timestamp>,
    pub buckets: usize,
}

/// An answer to a [`ChartQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub from: Timestamp,
    pub before: Timestamp,
    pub bucket_ms: i64,
    /// Statuses by their number, or names, the most frequent first and the others (`None`) together at last.
    pub series: Vec<Series>,
    pub total: u64,
}

impl Manager {
    /// Counts what matches by time; `hub`: `None` for one that does not exist, which has nothing. `Invalid`: the span ends before it begins.
    pub async fn chart(&self, hub: Option<HubId>, filter: Filter, query: ChartQuery) -> Result<Chart, Error> {
        let ChartQuery { of, by, from, before, buckets } = query;
        let before = before.unwrap_or_else(|| self.clock.now().next());
        if from.is_some_and(|from| from >= before) {
            return Err(Error::Invalid("to must be later than from".to_owned()));
        }
        let histogram = match hub {
            Some(hub) => {
                let query = HistogramQuery { of, by, from, before, buckets };
                self.store.instance_histogram(hub, filter, query).await?
            }
            None => Histogram::empty(from.unwrap_or_else(|| before.previous()), before, buckets).0,
        };
        let Histogram { from, bucket_ms, series } = histogram;
        let series = match by {
            By::Status => by_number(series),
            By::Name => most_frequent(series, NAMES),
        };
        let total = series.iter().map(sum).sum();
        Ok(Chart { from, before, bucket_ms, series, total })
    }
}

fn sum(series: &Series) -> u64 {
    series.counts.iter().sum()
}

fn by_number(mut series: Vec<Series>) -> Vec<Series> {
    let number = |key: &str| Status::ALL.into_iter().position(|status| status.name() == key);
    series.sort_by_key(|series| series.key.as_deref().and_then(number));
    series
}

/// The `most` names with the most, then all others as one.
fn most_frequent(mut series: Vec<Series>, most: usize) -> Vec<Series> {
    series.sort_by_cached_key(|series| (series.key.is_none(), Reverse(sum(series)), series.key.clone()));
    let own = series.iter().take(most).take_while(|series| series.key.is_some()).count();
    let others = series.split_off(own).into_iter().reduce(|mut sum, more| {
        sum.counts.iter_mut().zip(more.counts).for_each(|(sum, more)| *sum += more);
        sum
    });
    series.extend(others.map(|others| Series { key: None, ..others }));
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(key: &str, counts: &[u64]) -> Series {
        Series { key: (!key.is_empty()).then(|| key.to_owned()), counts: counts.to_vec() }
    }

    #[test]
    fn names_beyond_the_most_frequent_are_the_others() {
        let all = || {
            vec![
                series("", &[9, 9]),
                series("c", &[0, 2]),
                series("a", &[1, 1]),
                series("b", &[1, 2]),
                series("d", &[1, 0]),
            ]
        };
        let expected = [series("b", &[1, 2]), series("a", &[1, 1]), series("", &[10, 11])];
        assert_eq!(most_frequent(all(), 2), expected);
        assert_eq!(most_frequent(all(), 9).last(), Some(&series("", &[9, 9])));
        assert_eq!(most_frequent(vec![series("a", &[1])], 1), [series("a", &[1])]);
    }

    #[test]
    fn statuses_come_by_their_number() {
        let sorted =
            by_number(vec![series("Pending", &[1]), series("Running", &[1]), series("Failed", &[1])]);
        let keys: Vec<_> = sorted.iter().map(|series| series.key.as_deref().unwrap()).collect();
        assert_eq!(keys, ["Running", "Failed", "Pending"]);
    }
}
