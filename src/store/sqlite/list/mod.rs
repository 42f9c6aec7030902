//! Pages of instances, and how many there are.
//!
//! No index holds all instances of a hub in the order of a list, because each index costs every start or every turn something. Instead
//! those that live are in one, those that have ended in one by status and one by their end, all of them in one by name, and a page is
//! merged from as many streams as it needs (`sources`); each begins where the last page ended and is read no further than the page
//! reaches. Orders that no index has are walked through in sections (`sections`).

mod find;
mod histogram;
mod sections;
mod sources;
mod sql;
#[cfg(test)]
mod tests;

pub use find::page as find;
pub use histogram::histogram;

use super::{payload, rows};
use crate::{
    model::{HubId, InstanceKey, InstanceRecord, Payloads, StatusSet, Timestamp},
    store::{Counts, Error, Filter, Listed, Order, PageLimits, Place, Walk},
};
use rusqlite::{Connection, Rows, params_from_iter};
use sections::{Section, Sections};
use std::time::{Duration, Instant};

/// [`crate::store::Store::instance_list`]. Needs a transaction: everything must be of the same moment. `patience`: how long to search
/// before the page ends where it stands.
pub fn page(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    walk: &Walk,
    limits: PageLimits,
    patience: Duration,
) -> Result<Listed, Error> {
    let rows = limits.rows.max(1);
    let mut instances: Vec<(InstanceRecord, Payloads)> = Vec::with_capacity(rows.min(1_000));
    let mut bytes = 0_usize;
    let next = search(conn, hub, filter, walk, rows, patience, |record| {
        if instances.len() == rows {
            return Ok(Taken::No);
        }
        let payloads = payload::of(conn, &record, limits.read)?;
        bytes = bytes.saturating_add(weight(&record, &payloads));
        if bytes > limits.bytes && !instances.is_empty() {
            return Ok(Taken::No);
        }
        instances.push((record, payloads));
        Ok(Taken::Yes)
    })?;
    Ok(Listed { instances, next: next.map(|place| walk.after(place)) })
}

/// The oldest ended instances that match, after `after`, and where to go on if there are more. Needs a transaction.
#[allow(clippy::type_complexity, reason = "a name would say less")]
pub fn ended(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    after: Option<(Timestamp, InstanceKey)>,
    limit: usize,
    patience: Duration,
) -> Result<(Vec<InstanceKey>, Option<(Timestamp, InstanceKey)>), Error> {
    let filter = Filter { statuses: filter.statuses.and(StatusSet::TERMINAL), ..filter.clone() };
    let after = after.map(|(at, key)| Place::Key(at, key));
    let walk = Walk { after, ..Walk::first(Order::Created) };
    let mut keys = Vec::new();
    let next = search(conn, hub, &filter, &walk, limit.max(1), patience, |record| {
        if keys.len() == limit.max(1) {
            return Ok(Taken::No);
        }
        keys.push(record.key);
        Ok(Taken::Yes)
    })?;
    match next {
        None => Ok((keys, None)),
        Some(Place::Key(at, key)) => Ok((keys, Some((at, key)))),
        Some(_) => Err(sql::foreign_place()),
    }
}

/// [`crate::store::Store::instance_count`]. Needs a transaction.
pub fn count(conn: &Connection, hub: HubId, filter: &Filter) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for source in sources::for_count(conn, hub, filter)? {
        let (text, params) = sql::count(source, hub, filter);
        rows::all(conn, &text, params_from_iter(params), |row| {
            counts.add(rows::status(row, 0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0));
            Ok(())
        })?;
    }
    Ok(counts)
}

/// Most rows that are sorted at a time, if there must be many because few of them are wanted.
const SORTED: usize = 40_000;

/// Whether an instance was taken, or is the first one that is not.
enum Taken {
    Yes,
    No,
}

/// Where a search has stopped.
enum Stop {
    /// Nothing follows.
    End,
    /// Behind this place; `None`: where it began.
    At(Option<Place>),
    /// Behind this place, because a statement gave no more rows, though there may be some.
    Cut(Place),
}

/// One stream of a merge, with its next row.
struct Stream<'a> {
    rows: Rows<'a>,
    head: Option<(Place, InstanceRecord)>,
    /// How many more rows the statement gives, if it stops somewhere.
    left: Option<usize>,
}

impl Stream<'_> {
    fn advance(&mut self, order: Order) -> Result<(), Error> {
        let record = self.rows.next()?.map(rows::record).transpose()?;
        self.left = self.left.map(|left| left.saturating_sub(usize::from(record.is_some())));
        self.head = record.map(|record| (Place::of(order, &record), record));
        Ok(())
    }

    /// Whether more may follow that the statement does not give.
    fn is_cut(&self) -> bool {
        self.head.is_none() && self.left == Some(0)
    }
}

/// Shows `take` the matching instances in order until it takes one no more. Answers the place to go on from, behind all that was
/// taken; `None`: nothing follows. When patience is over, that is the place that was reached.
fn search(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    walk: &Walk,
    rows: usize,
    patience: Duration,
    mut take: impl FnMut(InstanceRecord) -> Result<Taken, Error>,
) -> Result<Option<Place>, Error> {
    let begun = Instant::now();
    let mut sections = Sections::new(hub, filter, walk)?;
    // The rest of a section may be nothing at all: only a whole one is a step ahead.
    let (mut reached, mut ahead) = (walk.after.clone(), false);
    let over = || begun.elapsed() > patience;
    while let Some(Section { filter, mut walk, end }) = sections.next(conn)? {
        if ahead && over() {
            return Ok(reached);
        }
        ahead |= walk.after.is_none();
        let mut rows = rows;
        loop {
            match within(conn, hub, &filter, &walk, rows, over, &mut take)? {
                Stop::End => break,
                Stop::At(place) => return Ok(place.or(reached)),
                Stop::Cut(place) if over() => return Ok(Some(place)),
                Stop::Cut(place) => {
                    walk = walk.after(place);
                    rows = rows.saturating_mul(2).min(SORTED.max(rows));
                }
            }
        }
        reached = end;
    }
    Ok(None)
}

/// The same within one section.
fn within(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    walk: &Walk,
    rows: usize,
    over: impl Fn() -> bool,
    take: &mut impl FnMut(InstanceRecord) -> Result<Taken, Error>,
) -> Result<Stop, Error> {
    let mut statements = Vec::new();
    for source in sources::for_list(conn, hub, filter, walk.order)? {
        let (text, params) = sql::list(source, hub, filter, walk, rows)?;
        let left = (!source.is_in(walk.order)).then(|| rows.saturating_add(1));
        statements.push((conn.prepare_cached(&text)?, params, left));
    }
    let mut streams = Vec::with_capacity(statements.len());
    for (statement, params, left) in &mut statements {
        let rows = statement.query(params_from_iter(params.iter()))?;
        let mut stream = Stream { rows, head: None, left: *left };
        stream.advance(walk.order)?;
        streams.push(stream);
    }
    let mut reached = walk.after.clone();
    while let Some(stream) = first(&mut streams, walk.descending) {
        let Some((place, record)) = stream.head.take() else { break };
        if filter.matches(&record)
            && let Taken::No = take(record)?
        {
            return Ok(Stop::At(reached));
        }
        if over() {
            return Ok(Stop::At(Some(place)));
        }
        stream.advance(walk.order)?;
        if stream.is_cut() {
            return Ok(Stop::Cut(place));
        }
        reached = Some(place);
    }
    Ok(Stop::End)
}

/// The stream whose next row comes first.
fn first<'s, 'a>(streams: &'s mut [Stream<'a>], descending: bool) -> Option<&'s mut Stream<'a>> {
    let waiting = streams.iter_mut().filter(|stream| stream.head.is_some());
    let place = |stream: &&mut Stream<'a>| stream.head.as_ref().map(|(place, _)| place.clone());
    match descending {
        false => waiting.min_by_key(place),
        true => waiting.max_by_key(place),
    }
}

/// What an instance adds to an answer, roughly.
fn weight(record: &InstanceRecord, payloads: &Payloads) -> usize {
    let text = |text: Option<&str>| text.map_or(0, str::len);
    let tags: usize = record.tags.iter().map(|(key, value)| key.len() + value.len() + 8).sum();
    let parent = text(record.parent.as_ref().map(|parent| parent.id.as_str()));
    let failure = payloads.failure.as_ref().map_or(0, prost::Message::encoded_len);
    let narrow = record.id.as_str().len()
        + record.name.len()
        + text(record.version.as_deref())
        + record.execution_id.len()
        + parent
        + tags;
    128 + narrow
        + failure
        + text(payloads.input.as_deref())
        + text(payloads.output.as_deref())
        + text(payloads.custom_status.as_deref())
}
