//! Where the rows of a list come from.

use super::sql;
use crate::{
    model::{HubId, Status, StatusSet},
    store::{Error, Filter, Moment, Order, Parent, sqlite::rows},
};
use rusqlite::{Connection, params_from_iter};

/// How many instances may share a prefix or a name and still be looked up by it and sorted at each page. Otherwise a search for few would
/// walk over everybody else.
const FEW: i64 = 2_000;

/// How far two ways to the same instances are compared. Beyond, each is long, and counting on would cost more than it tells.
const COMPARED: i64 = 10_000;

/// Most names that are looked up each by itself.
const NAMES: usize = 16;

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
    /// Those with that one of the filter's names, by creation.
    Named(usize),
    /// All, by name and then by creation.
    Names,
    /// All, by id; those with the filter's prefix lie together.
    Ids,
}

/// The sources that together hold whatever matches, none of them the same instance.
pub fn for_list(conn: &Connection, hub: HubId, filter: &Filter, order: Order) -> Result<Vec<Source>, Error> {
    if matches!(filter.parent, Parent::Is(_)) {
        return Ok(vec![Source::Children]);
    }
    if order == Order::Id {
        return Ok(vec![Source::Ids]);
    }
    if !filter.id_prefix.is_empty() && reach(conn, hub, filter, &[Source::Ids], FEW)? <= FEW {
        return Ok(vec![Source::Ids]);
    }
    let named = by_name(filter);
    Ok(match order {
        // How long it took is sorted by in any case, so the fewest are the best.
        Order::Created | Order::Name | Order::Status | Order::Took => narrower(conn, hub, filter, named)?,
        _ if !named.is_empty() && reach(conn, hub, filter, &named, FEW)? <= FEW => named,
        Order::Updated => {
            let ended = !filter.statuses.and(StatusSet::TERMINAL).is_empty();
            let live = !filter.statuses.and(StatusSet::LIVE).is_empty();
            let sources = [(live, Source::Live), (ended, Source::Completed)];
            sources.into_iter().filter_map(|(wanted, source)| wanted.then_some(source)).collect()
        }
        Order::Completed | Order::Id => vec![Source::Completed],
    })
}

/// The same for counting, where order does not matter.
pub fn for_count(conn: &Connection, hub: HubId, filter: &Filter) -> Result<Vec<Source>, Error> {
    Ok(match filter.parent {
        Parent::Is(_) => vec![Source::Children],
        Parent::Any | Parent::Nobody if !filter.id_prefix.is_empty() => vec![Source::Ids],
        Parent::Any | Parent::Nobody => narrower(conn, hub, filter, by_name(filter))?,
    })
}

/// The same for a histogram.
pub fn for_histogram(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    of: Moment,
) -> Result<Vec<Source>, Error> {
    let sources = for_count(conn, hub, filter)?;
    let few = match of {
        Moment::Created => true,
        Moment::Completed => reach(conn, hub, filter, &sources, COMPARED)? <= COMPARED,
    };
    // Only one index knows the end.
    Ok(if few || matches!(filter.parent, Parent::Is(_)) { sources } else { vec![Source::Completed] })
}

/// By name or by status, whichever has fewer instances to look at.
fn narrower(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    named: Vec<Source>,
) -> Result<Vec<Source>, Error> {
    let stated = by_status(filter.statuses);
    if named.is_empty() {
        return Ok(stated);
    }
    // All statuses together are all instances: no name has more.
    let shorter = filter.statuses == StatusSet::ALL
        || reach(conn, hub, filter, &named, COMPARED)? <= reach(conn, hub, filter, &stated, COMPARED)?;
    Ok(if shorter { named } else { stated })
}

/// One for each name; none if there is no name, or too many.
fn by_name(filter: &Filter) -> Vec<Source> {
    let names = &filter.names;
    if names.len() > NAMES {
        return Vec::new();
    }
    (0..names.len()).filter(|index| !names[..*index].contains(&names[*index])).map(Source::Named).collect()
}

fn by_status(statuses: StatusSet) -> Vec<Source> {
    const ENDS: [Status; 4] = [Status::Completed, Status::Failed, Status::Canceled, Status::Terminated];
    let live = (!statuses.and(StatusSet::LIVE).is_empty()).then_some(Source::Live);
    let ended = ENDS.into_iter().filter(|status| statuses.contains(*status)).map(Source::Ended);
    live.into_iter().chain(ended).collect()
}

/// How many instances of the filter's span these sources hold; counted until there are more than `most`.
fn reach(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    sources: &[Source],
    most: i64,
) -> Result<i64, Error> {
    let mut met = 0;
    for source in sources {
        if met > most {
            break;
        }
        let (text, params) = sql::reach(*source, hub, filter, most + 1 - met);
        met +=
            rows::one(conn, &text, params_from_iter(params), |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
    }
    Ok(met)
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
