//! Looking through a history page by page, in either direction, without ever holding all of it.

use super::{Error, Instance, Manager};
use crate::{
    model::{Chunk, CorruptHistory, HubId, InstanceId, InstanceKey, pb::HistoryEvent},
    store::{self, HistorySize},
};
use prost::Message as _;
use std::ops::Range;

/// Most events that are looked at for one page.
const MOST_LOOKED_AT: i64 = 20_000;
/// Most bytes of events, roughly, that are looked at for one page.
const MOST_BYTES: usize = 16 << 20;
/// Events that are read at first; more as long as they are small.
const STEP: i64 = 64;
const LARGEST_STEP: i64 = 4_096;
const SMALL_BYTES: usize = 256 << 10;

/// Which page of which history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryAsked {
    /// One that a rewind has put aside; `None`: that of the current execution.
    pub revision: Option<i64>,
    /// The last event first.
    pub descending: bool,
    /// The number of the event behind which (before which, if descending) the page begins; `None`: at the beginning.
    pub after: Option<i64>,
    /// Most events on the page.
    pub top: usize,
}

/// A page of a history.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Number and event, in the order that was asked for.
    pub events: Vec<(i64, HistoryEvent)>,
    /// What to give as `after` for the next page; `None`: nothing follows. A page that would take too long to find ends early, perhaps
    /// with nothing, and then this is there.
    pub next: Option<i64>,
    /// How many events the whole history has.
    pub total: i64,
    /// The execution it is of.
    pub execution_id: String,
}

/// Where events are read from.
enum Source {
    Current(InstanceKey),
    Revision(Chunk),
}

impl Manager {
    /// How large the history of an instance is.
    pub async fn history_size(&self, key: InstanceKey) -> Result<HistorySize, Error> {
        Ok(self.store.history_size(key).await?)
    }

    /// The events of these numbers in the history of the current execution, as far as they are there.
    pub async fn history_events(
        &self,
        key: InstanceKey,
        numbers: Range<i64>,
    ) -> Result<Vec<HistoryEvent>, Error> {
        let found = self.events(&Source::Current(key), numbers).await?;
        found.iter().map(|(_, bytes)| decode(bytes)).collect()
    }

    /// The first or the last events that `keep` wants, as `asked` says. `NotFound`; `None` if there is no such revision.
    pub async fn history_page(
        &self,
        hub: HubId,
        id: &InstanceId,
        asked: HistoryAsked,
        keep: impl Fn(&HistoryEvent) -> bool + Send + Sync,
    ) -> Result<Option<HistoryPage>, Error> {
        loop {
            let Instance { record, .. } = self.known(hub, id).await?;
            let (source, total, execution_id) = match asked.revision {
                None => {
                    let size = self.store.history_size(record.key).await?;
                    (Source::Current(record.key), size.events, record.execution_id.clone())
                }
                Some(number) => {
                    let revisions = self.store.revision_list(record.key).await?;
                    let told = revisions.into_iter().find(|revision| revision.number == number);
                    let chunk = self.store.revision_read(record.key, number).await?;
                    let Some((told, chunk)) = told.zip(chunk) else { return Ok(None) };
                    (Source::Revision(chunk), told.events, told.execution_id)
                }
            };
            let (events, next) = self.look_through(&source, total, asked, &keep).await?;
            let after = self.known(hub, id).await?.record;
            let same = (after.key, &after.execution_id) == (record.key, &record.execution_id);
            // Within an execution a history only grows, but for a rewind, which leaves less of it than there was.
            if same
                && (asked.revision.is_some() || self.store.history_size(record.key).await?.events >= total)
            {
                return Ok(Some(HistoryPage { events, next, total, execution_id }));
            }
        }
    }

    async fn known(&self, hub: HubId, id: &InstanceId) -> Result<Instance, Error> {
        self.get(hub, id, false).await?.ok_or_else(|| Error::NotFound(id.clone()))
    }

    async fn look_through(
        &self,
        source: &Source,
        total: i64,
        asked: HistoryAsked,
        keep: &(impl Fn(&HistoryEvent) -> bool + Send + Sync),
    ) -> Result<(Vec<(i64, HistoryEvent)>, Option<i64>), Error> {
        let mut left = match (asked.descending, asked.after) {
            (_, None) => 0..total,
            (false, Some(after)) => after.saturating_add(1).clamp(0, total)..total,
            (true, Some(after)) => 0..after.clamp(0, total),
        };
        let (mut kept, mut looked_at, mut bytes, mut step) = (Vec::new(), 0, 0, STEP);
        while !left.is_empty() {
            let part = take(&mut left, step, asked.descending);
            let mut found = self.events(source, part).await?;
            if asked.descending {
                found.reverse();
            }
            let before = bytes;
            for (number, encoded) in found {
                looked_at += 1;
                bytes += encoded.len();
                let event = decode(&encoded)?;
                if keep(&event) {
                    kept.push((number, event));
                }
                let full = kept.len() >= asked.top || bytes >= MOST_BYTES || looked_at >= MOST_LOOKED_AT;
                if full {
                    let is_last = if asked.descending { number == 0 } else { number + 1 >= total };
                    return Ok((kept, (!is_last).then_some(number)));
                }
            }
            if bytes - before < SMALL_BYTES {
                step = (step * 4).min(LARGEST_STEP);
            }
        }
        Ok((kept, None))
    }

    /// The events of these numbers, each still encoded.
    async fn events(&self, source: &Source, part: Range<i64>) -> Result<Vec<(i64, bytes::Bytes)>, Error> {
        let chunks = match source {
            Source::Current(key) => self.store.history_part(*key, part.start, part.end).await?,
            Source::Revision(chunk) => vec![chunk.clone()],
        };
        let mut events = Vec::new();
        for chunk in chunks {
            let slices = chunk.slices().map_err(store::Error::from)?;
            events.extend((chunk.first..).zip(slices).filter(|(number, _)| part.contains(number)));
        }
        Ok(events)
    }
}

/// Takes the next `step` numbers from the end of `left` that comes first.
fn take(left: &mut Range<i64>, step: i64, descending: bool) -> Range<i64> {
    if descending {
        let start = left.end.saturating_sub(step).max(left.start);
        let part = start..left.end;
        left.end = start;
        part
    } else {
        let end = left.start.saturating_add(step).min(left.end);
        let part = left.start..end;
        left.start = end;
        part
    }
}

fn decode(bytes: &bytes::Bytes) -> Result<HistoryEvent, Error> {
    let decoded = HistoryEvent::decode(bytes.clone());
    Ok(decoded.map_err(|error| store::Error::from(CorruptHistory(error.to_string())))?)
}
