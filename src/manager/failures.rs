//! What has failed lately, sorted by what went wrong.

use super::{Error, Instance, ListQuery, Manager};
use crate::{
    model::{FailureBrief, HubId, InstanceId, Status, StatusSet, Timestamp},
    store::{Filter, Order, Read},
};

/// Most failed instances that are looked at, the latest ones.
pub const MOST: usize = 2_000;
/// Into how many parts the span of all failures is cut.
pub const PARTS: usize = 24;
/// Instances on one page of the search.
const PAGE: usize = 500;

/// Instances that failed alike: the same function, the same kind of error, the same first line.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureGroup {
    pub name: String,
    pub error_type: String,
    /// The first line of the message, shortened.
    pub message: String,
    pub count: usize,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The latest one.
    pub example: InstanceId,
    /// How many there were in each part of the span of all groups.
    pub times: [u32; PARTS],
}

/// Groups, the largest first, and whether there were more failures than were looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failures {
    pub groups: Vec<FailureGroup>,
    pub looked_at: usize,
    pub more: bool,
    /// When the first and the last of those looked at failed.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Manager {
    /// Groups the failed instances that match, at most the latest [`MOST`].
    pub async fn failures(&self, hub: HubId, filter: Filter) -> Result<Failures, Error> {
        let filter = Filter { statuses: StatusSet::NONE.with(Status::Failed), ..filter };
        let mut failures = Failures::default();
        let (mut continuation, mut met) = (None, Vec::new());
        loop {
            let page = ListQuery {
                filter: filter.clone(),
                order: Order::Updated,
                descending: true,
                top: Some(PAGE.min(MOST - failures.looked_at)),
                bytes: usize::MAX,
                read: Read::FailureOnly,
                continuation,
            };
            let page = self.list(hub, page).await?;
            failures.looked_at += page.instances.len();
            met.extend(page.instances.into_iter().map(|instance| failures.add(instance)));
            continuation = page.continuation;
            failures.more = continuation.is_some();
            if continuation.is_none() || failures.looked_at >= MOST {
                break;
            }
        }
        failures.count_by_time(&met);
        failures.groups.sort_by_key(|group| std::cmp::Reverse((group.count, group.last)));
        Ok(failures)
    }
}

/// In which part of the span from `from` to `to` a moment within it lies.
fn part(from: Timestamp, to: Timestamp, at: Timestamp) -> usize {
    let width = (to.0 - from.0) / i64::try_from(PARTS).unwrap_or(1) + 1;
    usize::try_from((at.0 - from.0) / width).unwrap_or(0).min(PARTS - 1)
}

impl Failures {
    /// Takes in one more; they come latest first. Answers when it failed, and the place of its group.
    fn add(&mut self, instance: Instance) -> (Timestamp, usize) {
        let Instance { record, payloads } = instance;
        let at = record.changed_at();
        let FailureBrief { error_type, message } = FailureBrief::of(&payloads.failure.unwrap_or_default());
        let alike = self.groups.iter().position(|group| {
            group.name == *record.name && group.error_type == error_type && group.message == message
        });
        match alike {
            Some(place) => {
                let group = &mut self.groups[place];
                group.count += 1;
                group.first = group.first.min(at);
                (at, place)
            }
            None => {
                self.groups.push(FailureGroup {
                    name: record.name.to_string(),
                    error_type,
                    message,
                    count: 1,
                    first: at,
                    last: at,
                    example: record.id,
                    times: [0; PARTS],
                });
                (at, self.groups.len() - 1)
            }
        }
    }

    /// Cuts the span of all of `met` into parts and counts those of each group in each.
    fn count_by_time(&mut self, met: &[(Timestamp, usize)]) {
        let times = || met.iter().map(|(at, _)| *at);
        self.span = times().min().zip(times().max());
        for (at, group) in met {
            let part = self.span.map_or(0, |(from, to)| part(from, to, *at));
            self.groups[*group].times[part] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_cut_into_equal_parts_that_hold_both_ends() {
        let parts = |to: i64, at: &[i64]| {
            at.iter()
                .map(|at| part(Timestamp(10), Timestamp(10 + to), Timestamp(10 + at)))
                .collect::<Vec<_>>()
        };
        assert_eq!(parts(0, &[0]), [0]);
        assert_eq!(parts(23, &[0, 1, 22, 23]), [0, 1, 22, 23]);
        assert_eq!(parts(2_399, &[0, 99, 100, 1_200, 2_399]), [0, 0, 1, 12, 23]);
        assert_eq!(parts(i64::MAX - 10, &[0, i64::MAX - 10]), [0, 23]);
    }
}
