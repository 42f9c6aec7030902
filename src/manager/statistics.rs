//! How long things take, and when they fail: of the latest that have ended.

use super::{ChartQuery, Error, Manager};
use crate::{
    model::{
        HubId, InstanceId, InstanceKey, Status, StatusSet, Timestamp,
        pb::{HistoryEvent, history_event::EventType},
    },
    store::{self, By, Filter, Moment, Order, PageLimits, Read, Series, Walk},
};
use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Most ended instances that are looked at, the latest ones.
pub const MOST: usize = 20_000;
/// Instances on one page of the search.
const PAGE: usize = 2_000;
/// Most rows of an answer.
const ROWS: usize = 200;
/// Most histories that are read, and how far each.
const HISTORIES: usize = 200;
const EVENTS: i64 = 2_000;
/// How long histories are read before those that have been must do.
const PATIENCE: Duration = Duration::from_secs(1);
/// Over how many hours failures are counted, up to now.
const HOURS: u32 = 7 * 24;
const HOUR: i64 = 3_600_000_000;

/// How long the orchestrations of a name took, or the calls of an activity; in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Durations {
    pub name: String,
    pub count: usize,
    pub failed: usize,
    pub p50: i64,
    pub p95: i64,
    pub p99: i64,
    pub max: i64,
    /// The one that took longest.
    pub example: InstanceId,
}

/// How often the orchestrations of a name failed; hours without a failure are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedByHour {
    /// `None`: all others together.
    pub name: Option<String>,
    pub hours: Vec<(Timestamp, u64)>,
}

/// What has been found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The most frequent name first.
    pub durations: Vec<Durations>,
    pub failures: Vec<FailedByHour>,
    /// The slowest (by its 99th percentile) first.
    pub activities: Vec<Durations>,
    /// Of how many instances `durations` are.
    pub looked_at: usize,
    /// Whether there are earlier ones.
    pub more: bool,
    /// Of how many instances `activities` are.
    pub sampled: usize,
}

impl Manager {
    /// Looks at the latest [`MOST`] ended instances that match, at some of their histories, and at the failures of the last seven days.
    pub async fn statistics(&self, hub: HubId, filter: Filter) -> Result<Statistics, Error> {
        let ended = Filter { statuses: filter.statuses.and(StatusSet::TERMINAL), ..filter.clone() };
        let mut next = Some(Walk { descending: true, ..Walk::first(Order::Completed) });
        let (mut durations, mut latest) = (Samples::default(), Vec::new());
        let mut looked_at = 0;
        while let Some(walk) = next.take_if(|_| looked_at < MOST) {
            let limits =
                PageLimits { rows: PAGE.min(MOST - looked_at), bytes: usize::MAX, read: Read::Nothing };
            let page = self.store.instance_list(hub, ended.clone(), walk, limits).await?;
            looked_at += page.instances.len();
            for (record, _) in page.instances {
                durations.add(
                    &record.name,
                    record.took().unwrap_or(0),
                    record.status == Status::Failed,
                    &record.id,
                );
                if latest.len() < HISTORIES {
                    latest.push((record.key, record.id));
                }
            }
            next = page.next;
        }
        let (activities, sampled) = self.sample(latest).await?;
        let mut durations = durations.summed_up();
        durations.sort_by(|left, right| {
            (Reverse(left.count), &left.name).cmp(&(Reverse(right.count), &right.name))
        });
        let mut activities = activities.summed_up();
        activities
            .sort_by(|left, right| (Reverse(left.p99), &left.name).cmp(&(Reverse(right.p99), &right.name)));
        durations.truncate(ROWS);
        activities.truncate(ROWS);
        let failures = self.failed_by_hour(hub, filter).await?;
        Ok(Statistics { durations, failures, activities, looked_at, more: next.is_some(), sampled })
    }

    /// How long the activities took in these histories, and how many of them were read.
    async fn sample(&self, instances: Vec<(InstanceKey, InstanceId)>) -> Result<(Samples, usize), Error> {
        let (begun, mut samples, mut sampled) = (Instant::now(), Samples::default(), 0);
        for (key, id) in instances {
            if begun.elapsed() > PATIENCE {
                break;
            }
            let mut calls = Calls::default();
            for chunk in self.store.history_part(key, 0, EVENTS).await? {
                for event in chunk.events().map_err(store::Error::from)? {
                    calls.meet(event, |name, micros, failed| samples.add(name, micros, failed, &id));
                }
            }
            sampled += 1;
        }
        Ok((samples, sampled))
    }

    async fn failed_by_hour(&self, hub: HubId, filter: Filter) -> Result<Vec<FailedByHour>, Error> {
        let filter = Filter { statuses: filter.statuses.and(StatusSet::NONE.with(Status::Failed)), ..filter };
        let before = Timestamp((self.clock.now().0.div_euclid(HOUR) + 1) * HOUR);
        let query = ChartQuery {
            of: Moment::Completed,
            by: By::Name,
            from: Some(Timestamp(before.0 - i64::from(HOURS) * HOUR)),
            before: Some(before),
            buckets: HOURS as usize,
        };
        let chart = self.chart(Some(hub), filter, query).await?;
        let hours = |Series { key, counts }: Series| {
            let starts = (0..).map(|hour| Timestamp(chart.from.0 + hour * HOUR));
            FailedByHour { name: key, hours: starts.zip(counts).filter(|(_, count)| *count > 0).collect() }
        };
        Ok(chart.series.into_iter().map(hours).collect())
    }
}

/// The activities of one history that have been scheduled and not answered.
#[derive(Default)]
struct Calls(HashMap<i32, (Arc<str>, i64)>);

impl Calls {
    /// Tells `done` of a call if `event` is its answer: name, microseconds, whether it failed.
    fn meet(&mut self, event: HistoryEvent, done: impl FnOnce(&Arc<str>, i64, bool)) {
        let at = event.timestamp.as_ref().map_or(0, |at| Timestamp::at_or_after(at).0);
        let (task, failed) = match event.event_type {
            Some(EventType::TaskScheduled(scheduled)) => {
                self.0.insert(event.event_id, (scheduled.name.into(), at));
                return;
            }
            Some(EventType::TaskCompleted(completed)) => (completed.task_scheduled_id, false),
            Some(EventType::TaskFailed(failed)) => (failed.task_scheduled_id, true),
            _ => return,
        };
        if let Some((name, since)) = self.0.remove(&task) {
            done(&name, at.saturating_sub(since), failed);
        }
    }
}

/// Durations by name.
#[derive(Default)]
struct Samples(HashMap<Arc<str>, Sample>);

struct Sample {
    micros: Vec<i64>,
    failed: usize,
    longest: (i64, InstanceId),
}

impl Samples {
    fn add(&mut self, name: &Arc<str>, micros: i64, failed: bool, id: &InstanceId) {
        let sample = self.0.entry(name.clone()).or_insert_with(|| Sample {
            micros: Vec::new(),
            failed: 0,
            longest: (micros, id.clone()),
        });
        if micros > sample.longest.0 {
            sample.longest = (micros, id.clone());
        }
        sample.micros.push(micros);
        sample.failed += usize::from(failed);
    }

    fn summed_up(self) -> Vec<Durations> {
        let sum_up = |(name, sample): (Arc<str>, Sample)| {
            let Sample { mut micros, failed, longest } = sample;
            micros.sort_unstable();
            let percent = |percent: usize| nearest_rank(&micros, percent) / 1_000;
            Durations {
                name: name.to_string(),
                count: micros.len(),
                failed,
                p50: percent(50),
                p95: percent(95),
                p99: percent(99),
                max: percent(100),
                example: longest.1,
            }
        };
        self.0.into_iter().map(sum_up).collect()
    }
}

/// The smallest number that so many percent are not above.
fn nearest_rank(sorted: &[i64], percent: usize) -> i64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{event, failure, pb};

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!([50, 95, 99, 100].map(|percent| nearest_rank(&hundred, percent)), [50, 95, 99, 100]);
        assert_eq!([50, 95, 99, 100].map(|percent| nearest_rank(&[1, 2, 3], percent)), [2, 3, 3, 3]);
        assert_eq!((nearest_rank(&[7], 50), nearest_rank(&[], 50)), (7, 0));
    }

    #[test]
    fn calls_are_paired_with_their_answers() {
        let scheduled = |id, at: i64, name: &str| {
            let scheduled = pb::TaskScheduledEvent { name: name.into(), ..Default::default() };
            event::with_id(id, Timestamp(at), EventType::TaskScheduled(scheduled))
        };
        let events = [
            scheduled(0, 0, "A"),
            scheduled(1, 10, "B"),
            scheduled(2, 10, "A"),
            event::task_failed(Timestamp(30), 1, failure("E", "m", false)),
            event::task_completed(Timestamp(5), 0, None),
            event::task_completed(Timestamp(9), 0, None),
            event::task_completed(Timestamp(9), 7, None),
        ];
        let (mut calls, mut told) = (Calls::default(), Vec::new());
        for event in events {
            calls.meet(event, |name, micros, failed| told.push((name.to_string(), micros, failed)));
        }
        assert_eq!(told, [("B".to_owned(), 20, true), ("A".to_owned(), 5, false)]);
    }

    #[test]
    fn a_sample_knows_its_slowest() {
        let (mut samples, name) = (Samples::default(), Arc::from("A"));
        for (number, micros) in [5_000, 9_999, 1_000, 9_000].into_iter().enumerate() {
            samples.add(&name, micros, number == 2, &InstanceId::lookup(number.to_string()));
        }
        let [took] = &samples.summed_up()[..] else { panic!() };
        assert_eq!((took.count, took.failed, took.p50, took.p95, took.max), (4, 1, 5, 9, 9));
        assert_eq!(took.example.as_str(), "1");
    }
}
