//! Pages of instances.
//!
//! A page is read along an index, from where the last one ended, and nothing is sorted. The one exception: an id prefix that few
//! instances share is looked up in the index of ids, and those few are sorted; otherwise the search for them would walk
//! over everybody else.

use super::{payload, rows};
use crate::{
    model::{HubId, InstanceKey, InstanceRecord, Payloads, StatusSet, Timestamp},
    store::{Error, Filter, Listed, PageLimits, Walk},
};
use rusqlite::{Connection, params};

/// How many instances may share a prefix and still be sorted at each page.
const FEW: i64 = 2_000;

// What a filter asks for. ?4 is absent if nothing sorts behind the prefix.
macro_rules! matching {
    () => {
        "i.hub = ?1 AND (?2 >> i.status) & 1 AND i.id >= ?3 AND (?4 IS NULL OR i.id < ?4)"
    };
}

macro_rules! created {
    ($columns:expr, $index:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM instance i ",
            $index,
            " WHERE ",
            matching!(),
            " AND (i.created_at, i.key) > (?5, ?6) AND i.created_at < ?7 ORDER BY i.created_at, i.key LIMIT ?8"
        )
    };
}

const BY_CREATED: &str = created!(rows::record_columns!(), "INDEXED BY instance_created");
const ENDED: &str = created!("i.created_at, i.key", "INDEXED BY instance_created");
const FEW_BY_CREATED: &str = concat!(
    "SELECT ",
    rows::record_columns!(),
    " FROM instance i INDEXED BY sqlite_autoindex_instance_1",
    " WHERE i.hub = ?1 AND (?2 >> i.status) & 1 AND i.id >= ?3 AND i.id < ?4",
    " AND (i.created_at, i.key) > (?5, ?6) AND i.created_at < ?7 ORDER BY i.created_at, i.key LIMIT ?8"
);
const BY_COMPLETED: &str = concat!(
    "SELECT ",
    rows::record_columns!(),
    " FROM instance i INDEXED BY instance_completed WHERE ",
    matching!(),
    " AND i.completed_at IS NOT NULL AND (i.completed_at, i.id) > (?5, ?6) AND i.completed_at < ?7",
    " AND i.created_at >= ?9 AND i.created_at < ?10 ORDER BY i.completed_at, i.id LIMIT ?8"
);
const SHARING: &str = "SELECT count(*) FROM (SELECT 1 FROM instance i \
    WHERE i.hub = ?1 AND i.id >= ?2 AND i.id < ?3 LIMIT ?4)";

/// [`crate::store::Store::instance_list`]. Needs a transaction: rows and payloads must be of the same moment.
pub fn page(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    walk: Walk,
    limits: PageLimits,
) -> Result<Listed, Error> {
    // One more than wanted tells whether anything follows.
    let rows = limits.rows.max(1);
    let found = narrow(conn, hub, filter, &walk, rows.saturating_add(1))?;
    let total = found.len();
    let mut instances: Vec<(InstanceRecord, Payloads)> = Vec::with_capacity(total.min(rows));
    let mut bytes = 0_usize;
    for record in found.into_iter().take(rows) {
        let payloads = payload::of(conn, &record, limits.read)?;
        bytes = bytes.saturating_add(weight(&record, &payloads));
        if bytes > limits.bytes && !instances.is_empty() {
            break;
        }
        instances.push((record, payloads));
    }
    let next = match instances.last() {
        Some((last, _)) if instances.len() < total => Some(match walk {
            Walk::Created(_) => Walk::Created(Some((last.created_at, last.key))),
            Walk::Completed(_) => {
                let at = last.completed_at.ok_or_else(|| Error::Corrupt("an end without a time".into()))?;
                Walk::Completed(Some((at, last.id.clone())))
            }
        }),
        _ => None,
    };
    Ok(Listed { instances, next })
}

/// The oldest ended instances that match, after `after`, and where to go on if there are more.
#[allow(clippy::type_complexity, reason = "a name would say less")]
pub fn ended(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    after: Option<(Timestamp, InstanceKey)>,
    limit: usize,
) -> Result<(Vec<InstanceKey>, Option<(Timestamp, InstanceKey)>), Error> {
    let limit = limit.max(1);
    let (after, before) = created_bounds(filter, after);
    let (first, end) = prefix_bounds(&filter.id_prefix);
    let ended = filter.statuses.and(StatusSet::TERMINAL);
    let params = params![
        hub.0,
        ended.bits(),
        first,
        end,
        after.0.0,
        after.1.0,
        before.0,
        count(limit.saturating_add(1))
    ];
    let mut found =
        rows::all(conn, ENDED, params, |row| Ok((Timestamp(row.get(0)?), InstanceKey(row.get(1)?))))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().copied().filter(|_| more);
    Ok((found.into_iter().map(|(_, key)| key).collect(), next))
}

/// The rows without payloads.
fn narrow(
    conn: &Connection,
    hub: HubId,
    filter: &Filter,
    walk: &Walk,
    limit: usize,
) -> Result<Vec<InstanceRecord>, Error> {
    let (first, end) = prefix_bounds(&filter.id_prefix);
    let bits = filter.statuses.bits();
    match walk {
        Walk::Created(after) => {
            let few = match &end {
                Some(end) => sharing(conn, hub, first, end)? <= FEW,
                None => false,
            };
            let (after, before) = created_bounds(filter, *after);
            let params = params![hub.0, bits, first, end, after.0.0, after.1.0, before.0, count(limit)];
            rows::all(conn, if few { FEW_BY_CREATED } else { BY_CREATED }, params, rows::record)
        }
        Walk::Completed(after) => {
            let ended = filter.statuses.and(StatusSet::TERMINAL).bits();
            // No id is empty, so this is before everything of its time.
            let from = (filter.completed.from.unwrap_or(Timestamp(i64::MIN)), "");
            let after = after.as_ref().map_or(from, |(at, id)| from.max((*at, id.as_str())));
            let before = filter.completed.before.unwrap_or(Timestamp(i64::MAX));
            let created = filter.created;
            let params = params![
                hub.0,
                ended,
                first,
                end,
                after.0.0,
                after.1,
                before.0,
                count(limit),
                created.from.map_or(i64::MIN, |from| from.0),
                created.before.map_or(i64::MAX, |before| before.0),
            ];
            rows::all(conn, BY_COMPLETED, params, rows::record)
        }
    }
}

/// The place after which, and the time before which, instances were created.
fn created_bounds(
    filter: &Filter,
    after: Option<(Timestamp, InstanceKey)>,
) -> ((Timestamp, InstanceKey), Timestamp) {
    // Before every key of its time.
    let from = (filter.created.from.unwrap_or(Timestamp(i64::MIN)), InstanceKey(i64::MIN));
    (after.map_or(from, |after| after.max(from)), filter.created.before.unwrap_or(Timestamp(i64::MAX)))
}

/// The ids that begin with `prefix` are those from the first bound on and before the second: SQLite compares text by bytes, and
/// UTF-8 sorts as its characters do. No second bound: nothing sorts behind them (or there is no prefix).
fn prefix_bounds(prefix: &str) -> (&str, Option<String>) {
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

/// How many ids are between the bounds, counted no further than [`FEW`] and one.
fn sharing(conn: &Connection, hub: HubId, first: &str, end: &str) -> Result<i64, Error> {
    let found = rows::one(conn, SHARING, params![hub.0, first, end, FEW + 1], |row| Ok(row.get(0)?))?;
    Ok(found.unwrap_or(0))
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

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sql: &str) -> Vec<String> {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("migrations/0001_init.sql")).unwrap();
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let zeros = vec![0_i64; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(zeros), |row| row.get::<_, String>(3));
        steps.unwrap().map(Result::unwrap).collect()
    }

    // SQLite seeks by time only, since it takes no row number into a range; what it skips then is of the same microsecond, and is
    // skipped within the index.
    #[test]
    fn a_page_begins_where_the_last_one_ended_and_is_not_sorted() {
        for (sql, search) in [
            (BY_CREATED, "USING INDEX instance_created (hub=? AND created_at>? AND created_at<?)"),
            (ENDED, "USING INDEX instance_created (hub=? AND created_at>? AND created_at<?)"),
            (
                BY_COMPLETED,
                "USING INDEX instance_completed (hub=? AND (completed_at,id)>(?,?) AND completed_at<?)",
            ),
        ] {
            assert_eq!(plan(sql), [format!("SEARCH i {search}")]);
        }
    }

    #[test]
    fn few_ids_of_a_prefix_are_looked_up_by_id() {
        let steps = plan(FEW_BY_CREATED);
        assert!(steps[0].ends_with("(hub=? AND id>? AND id<?)"), "{steps:?}");
        let steps = plan(SHARING);
        assert!(
            steps.iter().any(|step| step.contains("COVERING INDEX") && step.ends_with("id<?)")),
            "{steps:?}"
        );
    }

    #[test]
    fn the_bounds_of_a_prefix_hold_what_begins_with_it_and_nothing_else() {
        let ids = [
            "a",
            "a%",
            "a%b",
            "a_",
            "ab",
            "aé",
            "b",
            "\u{d7ff}",
            "\u{d7ff}x",
            "\u{e000}",
            "\u{10ffff}",
            "\u{10ffff}z",
        ];
        for prefix in ["a", "a%", "a_", "aé", "\u{d7ff}", "\u{10ffff}", "a\u{10ffff}", ""] {
            let (first, end) = prefix_bounds(prefix);
            for id in ids {
                let within = id >= first && end.as_deref().is_none_or(|end| id < end);
                assert_eq!(within, id.starts_with(prefix), "{id:?} and {prefix:?}");
            }
        }
    }
}
