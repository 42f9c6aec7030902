//! Searches: pages of instances by what they say of themselves.

use super::{Taken, search};
use crate::{
    model::{FailureBrief, HubId, InstanceRecord, Status, StatusSet},
    store::{
        Error, Found, Holds, Search, Searched, Walk,
        sqlite::{history, payload},
    },
};
use rusqlite::Connection;
use std::time::Duration;

/// How many rows are sorted at a time if only some of them may be wanted.
const SORTED_AT_ONCE: usize = 5_000;

/// [`crate::store::Store::instance_search`]. Needs a transaction.
pub fn page(
    conn: &Connection,
    hub: HubId,
    asked: &Search,
    walk: &Walk,
    rows: usize,
    patience: Duration,
) -> Result<Searched, Error> {
    let rows = rows.max(1);
    let mut filter = asked.filter.clone();
    if asked.error.is_some() {
        filter.statuses = filter.statuses.and(StatusSet::NONE.with(Status::Failed));
    }
    let texts = Texts {
        error: asked.error.as_deref().map(Holds::new),
        custom_status: asked.custom_status.as_deref().map(Holds::new),
    };
    let sorted = if texts.are_asked() { SORTED_AT_ONCE.max(rows) } else { rows };
    let mut instances = Vec::with_capacity(rows.min(1_000));
    let next = search(conn, hub, &filter, walk, sorted, patience, |record| {
        let Some(found) = texts.look(conn, record)? else { return Ok(Taken::Yes) };
        if instances.len() == rows {
            return Ok(Taken::No);
        }
        let size = if asked.sizes { Some(history::size(conn, found.record.key)?) } else { None };
        instances.push(Found { size, ..found });
        Ok(Taken::Yes)
    })?;
    Ok(Searched { instances, next: next.map(|place| walk.after(place)) })
}

/// What the payloads must hold.
struct Texts {
    error: Option<Holds>,
    custom_status: Option<Holds>,
}

impl Texts {
    fn are_asked(&self) -> bool {
        self.error.is_some() || self.custom_status.is_some()
    }

    /// The instance, if its payloads hold what they must.
    fn look(&self, conn: &Connection, record: InstanceRecord) -> Result<Option<Found>, Error> {
        let failure = match record.status {
            Status::Failed => payload::failure(conn, record.key)?,
            _ => None,
        };
        if let Some(wanted) = &self.error
            && !failure.as_ref().is_some_and(|failure| wanted.is_in_failure(failure))
        {
            return Ok(None);
        }
        if let Some(wanted) = &self.custom_status {
            let whole = payload::text(conn, record.key, payload::Kind::CustomStatus)?;
            if !whole.is_some_and(|whole| wanted.is_in(&whole)) {
                return Ok(None);
            }
        }
        let custom_status =
            payload::beginning(conn, record.key, payload::Kind::CustomStatus, Found::CUSTOM_STATUS_BYTES)?;
        let failure = failure.as_ref().map(FailureBrief::of);
        Ok(Some(Found { record, custom_status, failure, size: None }))
    }
}
