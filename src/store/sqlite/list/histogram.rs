//! How many instances there were when: one walk over the rows that match, counted as they pass by.

use super::{sources, sql};
use crate::{
    model::{HubId, StatusExt as _, StatusSet, Timestamp},
    store::{By, Error, Filter, Histogram, HistogramQuery, Moment, Series, Span, sqlite::rows},
};
use rusqlite::{Connection, params_from_iter};
use std::collections::HashMap;

/// How far back an empty histogram begins that was not told where to.
const NOTHING: i64 = 3_600_000_000;

/// [`crate::store::Store::instance_histogram`]. Needs a transaction.
pub fn histogram(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    query: HistogramQuery,
) -> Result<Histogram, Error> {
    let mut filter = filter.clone();
    if query.of == Moment::Completed {
        filter.statuses = filter.statuses.and(StatusSet::TERMINAL);
    }
    let span = match query.of {
        Moment::Created => &mut filter.created,
        Moment::Completed => &mut filter.completed,
    };
    let from = span.from.max(query.from);
    let before = span.before.map_or(query.before, |before| before.min(query.before));
    *span = Span { from, before: Some(before) };
    let sources = sources::for_histogram(conn, hub, &filter, query.of)?;
    let from = match query.from {
        Some(from) => from,
        None => first(conn, hub, &filter, &sources, query.of)?
            .filter(|first| *first < query.before)
            .unwrap_or(Timestamp(query.before.0.saturating_sub(NOTHING))),
    };
    let (empty, buckets) = Histogram::empty(from, query.before, query.buckets);
    let mut counts = Counts { buckets, ..Counts::default() };
    for source in sources {
        let (text, params) = sql::histogram(source, hub, &filter, query);
        let mut statement = conn.prepare_cached(&text)?;
        let mut rows = statement.query(params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            let at: i64 = row.get(1)?;
            let bucket = at.saturating_sub(from.0) / 1_000 / empty.bucket_ms;
            let Ok(bucket) = usize::try_from(bucket) else { continue };
            match query.by {
                By::Status => counts.add(rows::status(row, 0)?.name(), bucket),
                By::Name => counts.add(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, bucket),
            }
        }
    }
    Ok(Histogram { series: counts.series(), ..empty })
}

/// The first moment that matches, or one before it.
fn first(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    sources: &[sources::Source],
    of: Moment,
) -> Result<Option<Timestamp>, Error> {
    let mut first: Option<Timestamp> = None;
    for source in sources {
        let (text, params) = sql::first_moment(*source, hub, filter, of);
        let found =
            rows::one(conn, &text, params_from_iter(params), |row| Ok(row.get::<_, Option<i64>>(0)?))?;
        first = first.into_iter().chain(found.flatten().map(Timestamp)).min();
    }
    Ok(first)
}

/// What has been counted so far.
#[derive(Default)]
struct Counts {
    buckets: usize,
    places: HashMap<String, usize>,
    series: Vec<Vec<u64>>,
    /// Those for whose name there was no room.
    others: Option<Vec<u64>>,
}

impl Counts {
    fn add(&mut self, key: &str, bucket: usize) {
        let counts = match self.places.get(key) {
            Some(place) => &mut self.series[*place],
            None if self.places.len() < Histogram::NAMES => {
                self.places.insert(key.to_owned(), self.series.len());
                self.series.push(vec![0; self.buckets]);
                let last = self.series.len() - 1;
                &mut self.series[last]
            }
            None => self.others.get_or_insert_with(|| vec![0; self.buckets]),
        };
        if let Some(count) = counts.get_mut(bucket) {
            *count += 1;
        }
    }

    fn series(mut self) -> Vec<Series> {
        let named = self
            .places
            .into_iter()
            .map(|(key, place)| Series { key: Some(key), counts: std::mem::take(&mut self.series[place]) });
        let others = self.others.map(|counts| Series { key: None, counts });
        named.chain(others).collect()
    }
}
