//! `GET /api/v1/histogram`: how many instances were created, or ended, when.

use super::{
    super::{Call, Error, Query, answer, filter},
    known_hub,
};
use crate::{
    manager::{Chart, ChartQuery},
    model::{Short, Timestamp},
    store::{By, Moment},
};
use axum::{http::StatusCode, response::Response};
use serde::Serialize;

/// Buckets, if the caller names no number, and the most there can be.
const BUCKETS: u32 = 60;
const MOST: u32 = 400;
/// The names that have no series of their own.
const OTHER: &str = "other";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    from: String,
    to: String,
    bucket_ms: i64,
    series: Vec<Series>,
    total: u64,
}

#[derive(Serialize)]
struct Series {
    key: String,
    counts: Vec<u64>,
}

/// The filters are those of a list.
pub async fn histogram(call: &Call) -> Result<Response, Error> {
    let (filter, query) = (filter::asked(&call.query)?, asked(&call.query)?);
    let chart = call.api.manager.chart(known_hub(call)?, filter, query).await?;
    Ok(answer::json(StatusCode::OK, &Body::from(chart)))
}

fn asked(query: &Query) -> Result<ChartQuery, Error> {
    let (date, number) = (filter::DATE, format!("a number from 1 to {MOST}"));
    let buckets = filter::understood(query, "buckets", &number, |query, name| {
        query.count(name).filter(|buckets| (1..=MOST).contains(buckets))
    })?;
    Ok(ChartQuery {
        of: one_of(
            query.word("of"),
            "of",
            &[("created", Moment::Created), ("completed", Moment::Completed)],
        )?,
        by: one_of(query.word("by"), "by", &[("status", By::Status), ("name", By::Name)])?,
        from: filter::understood(query, "from", date, Query::at_or_after)?,
        before: filter::understood(query, "to", date, Query::at_or_before)?,
        buckets: buckets.unwrap_or(BUCKETS) as usize,
    })
}

/// One of these words, the first if none is given.
pub fn one_of<T: Copy>(given: Option<&str>, name: &str, words: &[(&str, T)]) -> Result<T, Error> {
    let Some(given) = given else { return Ok(words[0].1) };
    match words.iter().find(|(word, _)| given.eq_ignore_ascii_case(word)) {
        Some((_, meant)) => Ok(*meant),
        None => {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            Err(Error::Invalid(format!("{name} must be {}, not {:?}", words.join(" or "), Short(given))))
        }
    }
}

impl From<Chart> for Body {
    fn from(chart: Chart) -> Self {
        let Chart { from, before, bucket_ms, series, total } = chart;
        let series = series.into_iter().map(|series| Series {
            key: series.key.unwrap_or_else(|| OTHER.to_owned()),
            counts: series.counts,
        });
        let time = |time: Timestamp| time.to_string();
        Self { from: time(from), to: time(before), bucket_ms, series: series.collect(), total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_has_a_default_and_what_is_not_understood_is_refused() {
        let asked = |raw: &str| asked(&Query::parse(raw));
        let query = asked("of=&by=&from=&to=&buckets=").unwrap();
        assert_eq!((query.of, query.by, query.from, query.before), (Moment::Created, By::Status, None, None));
        assert_eq!(query.buckets, 60);
        let query = asked("of=Completed&by=NAME&buckets=400&from=1970-01-01&to=1970-01-02").unwrap();
        assert_eq!((query.of, query.by, query.buckets), (Moment::Completed, By::Name, 400));
        assert_eq!((query.from, query.before), (Some(Timestamp(0)), Some(Timestamp(86_400_000_000))));
        for raw in ["of=started", "by=tag", "from=now", "to=1", "buckets=0", "buckets=401", "buckets=x"] {
            let error = asked(raw).unwrap_err().to_string();
            assert!(error.starts_with(raw.split('=').next().unwrap()), "{error}");
        }
    }
}
