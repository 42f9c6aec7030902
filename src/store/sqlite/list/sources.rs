//! Where the rows of a list come from.

use crate::{
    model::{HubId, Status, StatusSet},
    store::{Error, Filter, Order, Parent, sqlite::rows},
};
use rusqlite::{Connection, params};

/// How many instances may share a prefix and still be looked up by it and sorted at each page. Otherwise a search for few would walk over
/// everybody else.
const FEW: i64 = 2_000;

/// An index to read along. Each holds other instances, or the same ones in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Those that have not ended, by creation.
    Live,
    /// Those that ended with this status, by creation.
    Ended(Status),
    /// Those that have ended, by their end.
    Completed,
    /// The children of the parent that the filter names, by creation.
    Children,
    /// All, by id; those with the filter's prefix lie together.
    Ids,
}

/// The sources that together hold whatever matches, none of them the same instance.
pub fn for_list(conn: &Connection, hub: HubId, filter: &Filter, order: Order) -> Result<Vec<Source>, Error> {
    Ok(match order {
        _ if matches!(filter.parent, Parent::Is(_)) => vec![Source::Children],
        Order::Id => vec![Source::Ids],
        Order::Created | Order::Updated | Order::Completed if few(conn, hub, &filter.id_prefix)? => {
            vec![Source::Ids]
        }
        Order::Created => by_status(filter.statuses),
        Order::Updated => {
            let ended = !filter.statuses.and(StatusSet::TERMINAL).is_empty();
            let live = !filter.statuses.and(StatusSet::LIVE).is_empty();
            let sources = [(live, Source::Live), (ended, Source::Completed)];
            sources.into_iter().filter_map(|(wanted, source)| wanted.then_some(source)).collect()
        }
        Order::Completed => vec![Source::Completed],
    })
}

/// The same for counting, where order does not matter.
pub fn for_count(filter: &Filter) -> Vec<Source> {
    match filter.parent {
        Parent::Is(_) => vec![Source::Children],
        Parent::Any | Parent::Nobody if !filter.id_prefix.is_empty() => vec![Source::Ids],
        Parent::Any | Parent::Nobody => by_status(filter.statuses),
    }
}

fn by_status(statuses: StatusSet) -> Vec<Source> {
    const ENDS: [Status; 4] = [Status::Completed, Status::Failed, Status::Canceled, Status::Terminated];
    let live = (!statuses.and(StatusSet::LIVE).is_empty()).then_some(Source::Live);
    let ended = ENDS.into_iter().filter(|status| statuses.contains(*status)).map(Source::Ended);
    live.into_iter().chain(ended).collect()
}

/// Whether only few ids begin so.
fn few(conn: &Connection, hub: HubId, prefix: &str) -> Result<bool, Error> {
    const SHARING: &str = "SELECT count(*) FROM (SELECT 1 FROM instance i \
        WHERE i.hub = ?1 AND i.id >= ?2 || '' AND i.id < ?3 || '' LIMIT 2001)";
    let (first, Some(end)) = prefix_bounds(prefix) else { return Ok(false) };
    let sharing = rows::one(conn, SHARING, params![hub.0, first, end], |row| Ok(row.get::<_, i64>(0)?))?;
    Ok(sharing.is_some_and(|sharing| sharing <= FEW))
}

/// The ids that begin with `prefix` are those from the first bound on and before the second: SQLite compares text by bytes, and
/// UTF-8 sorts as its characters do. No second bound: nothing sorts behind them (or there is no prefix).
pub fn prefix_bounds(prefix: &str) -> (&str, Option<String>) {
    let mut end: Vec<char> = prefix.chars().collect();
    while let Some(last) = end.pop() {
        let next = match last {
            // What lies between are no characters.
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            end.push(next);
            return (prefix, Some(end.into_iter().collect()));
        }
    }
    (prefix, None)
}
