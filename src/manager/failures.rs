//! What has failed lately, sorted by what went wrong.

use super::{Error, Instance, ListQuery, Manager};
use crate::{
    model::{FailureBrief, HubId, InstanceId, Status, StatusSet, Timestamp},
    store::{Filter, Order, Read},
};

/// Most failed instances that are looked at, the latest ones.
pub const MOST: usize = 2_000;
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
}

/// Groups, the largest first, and whether there were more failures than were looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failures {
    pub groups: Vec<FailureGroup>,
    pub looked_at: usize,
    pub more: bool,
}

impl Manager {
    /// Groups the failed instances that match, at most the latest [`MOST`].
    pub async fn failures(&self, hub: HubId, filter: Filter) -> Result<Failures, Error> {
        let filter = Filter { statuses: StatusSet::NONE.with(Status::Failed), ..filter };
        let mut failures = Failures::default();
        let mut continuation = None;
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
            page.instances.into_iter().for_each(|instance| failures.add(instance));
            continuation = page.continuation;
            failures.more = continuation.is_some();
            if continuation.is_none() || failures.looked_at >= MOST {
                break;
            }
        }
        failures.groups.sort_by_key(|group| std::cmp::Reverse((group.count, group.last)));
        Ok(failures)
    }
}

impl Failures {
    /// Takes in one more; they come latest first.
    fn add(&mut self, instance: Instance) {
        let Instance { record, payloads } = instance;
        let at = record.changed_at();
        let FailureBrief { error_type, message } = FailureBrief::of(&payloads.failure.unwrap_or_default());
        let alike = self.groups.iter_mut().find(|group| {
            group.name == *record.name && group.error_type == error_type && group.message == message
        });
        match alike {
            Some(group) => {
                group.count += 1;
                group.first = group.first.min(at);
            }
            None => self.groups.push(FailureGroup {
                name: record.name.to_string(),
                error_type,
                message,
                count: 1,
                first: at,
                last: at,
                example: record.id,
            }),
        }
    }
}
