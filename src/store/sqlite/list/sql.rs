//! The statements that read a source.
//!
//! They are built from pieces, so that what is not asked for costs nothing, and cached by their text.

use super::sources::{Source, prefix_bounds};
use crate::{
    model::{HubId, Status, StatusExt as _, StatusSet, Timestamp},
    store::{
        By, Error, Filter, HistogramQuery, Moment, Order, Parent, Place, Span, Took, Walk,
        sqlite::rows::{record_columns, tag_text},
    },
};
use rusqlite::types::Value;
use std::fmt::Write as _;

/// A statement, and what to bind to it.
type Sql = (String, Vec<Value>);

/// How long an instance took that has ended.
const TOOK: &str = "(i.completed_at - i.created_at)";

/// Rows that do not match are passed over inside of SQLite, except one in so many: that one tells how far the search has come.
const MARK: &str = "i.key & 1023 = 0";

/// What matches, in order, after where the walk stands. Some of the rows do not match, see [`MARK`]. `rows`: how many are wanted.
pub fn list(source: Source, hub: HubId, filter: &Filter, walk: &Walk, rows: usize) -> Result<Sql, Error> {
    let sorted = !source.is_in(walk.order);
    let mut build = Build::new(concat!("SELECT ", record_columns!()), source, hub, filter);
    let direction = if walk.descending { "DESC" } else { "ASC" };
    let order = within(walk.order);
    let (by, tie) = match order {
        Order::Created | Order::Name | Order::Status => ("i.created_at", "i.key"),
        Order::Updated => (source.changed_at(), "i.id"),
        Order::Completed => ("i.completed_at", "i.id"),
        Order::Id => ("i.id", "i.id"),
        Order::Took => (TOOK, "i.key"),
    };
    build.place(filter, walk, by)?;
    if matches!(order, Order::Completed | Order::Took) {
        build.and("i.completed_at IS NOT NULL");
    }
    let conditions = build.conditions(source, filter, Some(order));
    match sorted {
        // All of them are read in any case, so the search cannot be cut short in between.
        true => conditions.iter().for_each(|condition| build.and(condition)),
        false if conditions.is_empty() => {}
        false => build.and(&format!("({} OR {MARK})", conditions.join(" AND "))),
    }
    let _infallible = match order {
        Order::Id => write!(build.text, " ORDER BY {by} {direction}"),
        _ => write!(build.text, " ORDER BY {by} {direction}, {tie} {direction}"),
    };
    if sorted {
        // One more than wanted tells whether anything follows.
        let limit = build.bind(i64::try_from(rows).unwrap_or(i64::MAX).saturating_add(1));
        let _infallible = write!(build.text, " LIMIT {limit}");
    }
    Ok((build.text, build.params))
}

/// The order of the rows of one statement: those of one name, or of one status, are in the order of their creation.
fn within(order: Order) -> Order {
    match order {
        Order::Name | Order::Status => Order::Created,
        Order::Created | Order::Updated | Order::Completed | Order::Id | Order::Took => order,
    }
}

/// The name that follows `after` (or goes before it), or the first one (the last), if there is one.
pub fn next_name(source: Source, hub: HubId, filter: &Filter, after: Option<&str>, descending: bool) -> Sql {
    let (pick, beyond) = if descending { ("max", "<") } else { ("min", ">") };
    let mut build = Build::new(&format!("SELECT {pick}(i.name)"), source, hub, filter);
    if let Some(after) = after {
        let after = build.bind(after.to_owned());
        build.and(&format!("i.name {beyond} {after}"));
    }
    (build.text, build.params)
}

/// Name or status, and the moment, of what matches.
pub fn histogram(source: Source, hub: HubId, filter: &Filter, query: HistogramQuery) -> Sql {
    let by = match (query.by, source) {
        (By::Name, _) => "i.name".to_owned(),
        // Not read from the row, so that the index alone will do.
        (By::Status, Source::Ended(status)) => (status as i32).to_string(),
        (By::Status, _) => "i.status".to_owned(),
    };
    let mut build = Build::new(&format!("SELECT {by}, {}", moment(query.of)), source, hub, filter);
    for condition in build.conditions(source, filter, None) {
        build.and(&condition);
    }
    (build.text, build.params)
}

/// A moment before which nothing matches. What the index does not tell is not asked.
pub fn first_moment(source: Source, hub: HubId, filter: &Filter, of: Moment) -> Sql {
    let mut build = Build::new(&format!("SELECT min({})", moment(of)), source, hub, filter);
    let (column, span) = match of {
        Moment::Created => ("i.created_at", filter.created),
        Moment::Completed => ("i.completed_at", filter.completed),
    };
    let mut conditions = Vec::new();
    build.span(&mut conditions, column, span);
    if source == Source::Ids {
        build.prefix(&mut conditions, &filter.id_prefix);
    }
    conditions.iter().for_each(|condition| build.and(condition));
    (build.text, build.params)
}

fn moment(of: Moment) -> &'static str {
    match of {
        Moment::Created => "i.created_at",
        Moment::Completed => "i.completed_at",
    }
}

/// Status and number of what matches.
pub fn count(source: Source, hub: HubId, filter: &Filter) -> Sql {
    // One row with a column for each status: grouping them would sort all instances first, in memory.
    let of = |status: Status| format!("count(*) FILTER (WHERE i.status = {0}) AS s{0}", status as i32);
    let select = match source {
        Source::Ended(status) => format!("SELECT {}, count(*)", status as i32),
        _ => format!("WITH c AS MATERIALIZED (SELECT {}", Status::ALL.map(of).join(", ")),
    };
    let mut build = Build::new(&select, source, hub, filter);
    for condition in build.conditions(source, filter, None) {
        build.and(&condition);
    }
    if !matches!(source, Source::Ended(_)) {
        let row = |status: Status| format!("SELECT {0}, s{0} FROM c WHERE s{0} > 0", status as i32);
        build.text.push_str(") ");
        build.text.push_str(&Status::ALL.map(row).join(" UNION ALL "));
    }
    (build.text, build.params)
}

/// How many instances a source holds, but no more than `most`: of those created in the filter's span where the index tells when
/// that was, and in [`Source::Ids`] of those with the filter's prefix.
pub fn reach(source: Source, hub: HubId, filter: &Filter, most: i64) -> Sql {
    let mut build = Build::new("SELECT count(*) FROM (SELECT 1", source, hub, filter);
    let mut conditions = Vec::new();
    match source {
        Source::Ids => build.prefix(&mut conditions, &filter.id_prefix),
        Source::Completed | Source::Names => {}
        Source::Live | Source::Ended(_) | Source::Children | Source::Named(_) => {
            build.span(&mut conditions, "i.created_at", filter.created);
        }
    }
    conditions.iter().for_each(|condition| build.and(condition));
    let limit = build.bind(most);
    let _infallible = write!(build.text, " LIMIT {limit})");
    (build.text, build.params)
}

/// A place of another order than that of the walk.
pub fn foreign_place() -> Error {
    Error::Refused("a place in another order than that of the list".into())
}

impl Source {
    fn index(self) -> &'static str {
        match self {
            Source::Live => "instance_live",
            Source::Ended(_) => "instance_ended",
            Source::Completed => "instance_completed",
            Source::Children => "instance_parent",
            Source::Named(_) | Source::Names => "instance_name",
            Source::Ids => "sqlite_autoindex_instance_1",
        }
    }

    /// Whether its index is in this order.
    pub fn is_in(self, order: Order) -> bool {
        match self {
            Source::Live | Source::Ended(_) | Source::Children | Source::Named(_) => {
                within(order) == Order::Created
            }
            Source::Names => false,
            Source::Completed => matches!(order, Order::Updated | Order::Completed),
            Source::Ids => order == Order::Id,
        }
    }

    /// [`crate::model::InstanceRecord::changed_at`].
    fn changed_at(self) -> &'static str {
        match self {
            Source::Live => "i.updated_at",
            Source::Completed => "i.completed_at",
            Source::Ended(_) | Source::Children | Source::Named(_) | Source::Names | Source::Ids => {
                "coalesce(i.completed_at, i.updated_at)"
            }
        }
    }

    /// The statuses that can be met in it.
    fn statuses(self) -> StatusSet {
        match self {
            Source::Live => StatusSet::LIVE,
            Source::Ended(status) => StatusSet::NONE.with(status),
            Source::Completed => StatusSet::TERMINAL,
            Source::Children | Source::Named(_) | Source::Names | Source::Ids => StatusSet::ALL,
        }
    }
}

struct Build {
    text: String,
    params: Vec<Value>,
}

impl Build {
    fn new(select: &str, source: Source, hub: HubId, filter: &Filter) -> Self {
        let text = format!("{select} FROM instance i INDEXED BY {} WHERE i.hub = ?1", source.index());
        let mut build = Self { text, params: vec![hub.0.into()] };
        match (source, &filter.parent) {
            (Source::Live, _) => build.and("i.completed_at IS NULL"),
            (Source::Ended(status), _) => build.and(&format!("i.status = {}", status as i32)),
            (Source::Completed, _) => build.and("i.completed_at IS NOT NULL"),
            (Source::Children, Parent::Is(parent)) => {
                let parent = build.bind(parent.as_str().to_owned());
                build.and(&format!("i.parent_id = {parent}"));
            }
            (Source::Children, Parent::Any | Parent::Nobody) => build.and("i.parent_id IS NOT NULL"),
            (Source::Named(index), _) => {
                let name = build.bind(filter.names.get(index).cloned().unwrap_or_default());
                build.and(&format!("i.name = {name}"));
            }
            (Source::Ids | Source::Names, _) => {}
        }
        build
    }

    fn and(&mut self, condition: &str) {
        let _infallible = write!(self.text, " AND {condition}");
    }

    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }

    /// Begins where the walk stands, and stays within the filter's span of what the list is ordered by. One bound at each end, because
    /// SQLite seeks to one only.
    fn place(&mut self, filter: &Filter, walk: &Walk, by: &str) -> Result<(), Error> {
        let beyond = if walk.descending { "<" } else { ">" };
        let span = match walk.order {
            Order::Created | Order::Name | Order::Status => filter.created,
            Order::Updated => filter.updated,
            Order::Completed => filter.completed,
            Order::Took => {
                Span { from: filter.took.from.map(Timestamp), before: filter.took.before.map(Timestamp) }
            }
            Order::Id => return self.id_place(filter, walk, beyond),
        };
        let mut first = span.from.map_or(i64::MIN, |from| from.0);
        // Times are whole microseconds.
        let mut last = span.before.map_or(i64::MAX, |before| before.0.saturating_sub(1));
        if let Some(after) = &walk.after {
            let (at, tie, place): (_, _, Value) = match (walk.order, after) {
                (Order::Created, Place::Key(at, key))
                | (Order::Name | Order::Status, Place::Within(_, at, key)) => (at.0, "i.key", key.0.into()),
                (Order::Updated | Order::Completed, Place::Id(at, id)) => {
                    (at.0, "i.id", id.as_str().to_owned().into())
                }
                (Order::Took, Place::Took(micros, key)) => (*micros, "i.key", key.0.into()),
                _ => return Err(foreign_place()),
            };
            if walk.descending {
                last = last.min(at);
            } else {
                first = first.max(at);
            }
            let (at, place) = (self.bind(at), self.bind(place));
            self.and(&format!("({by} {beyond} {at} OR {tie} {beyond} {place})"));
        }
        let (first, last) = (self.bind(first), self.bind(last));
        self.and(&format!("{by} >= {first} AND {by} <= {last}"));
        Ok(())
    }

    fn id_place(&mut self, filter: &Filter, walk: &Walk, beyond: &str) -> Result<(), Error> {
        let (first, end) = prefix_bounds(&filter.id_prefix);
        let after = match &walk.after {
            None => None,
            Some(Place::Id(_, id)) => Some(id.as_str()),
            Some(Place::Key(..) | Place::Within(..) | Place::Took(..)) => return Err(foreign_place()),
        };
        // What lies before the first of the prefix does not narrow it, and must not widen it.
        let (after, first, end) = match (after, walk.descending) {
            (Some(after), false) if after >= first => (Some(after), None, end),
            (Some(after), true) if end.as_deref().is_none_or(|end| after < end) => {
                (Some(after), Some(first), None)
            }
            _ => (None, Some(first), end),
        };
        for (operator, bound) in [(beyond, after), (">=", first), ("<", end.as_deref())] {
            if let Some(bound) = bound {
                let bound = self.bind(bound.to_owned());
                self.and(&format!("i.id {operator} {bound}"));
            }
        }
        Ok(())
    }

    /// What else the filter asks for, besides what the source and the place (if there is one, in `order`) give by themselves.
    fn conditions(&mut self, source: Source, filter: &Filter, order: Option<Order>) -> Vec<String> {
        let mut conditions = Vec::new();
        if source.statuses().and(filter.statuses) != source.statuses() {
            let bits = self.bind(i64::from(filter.statuses.bits()));
            conditions.push(format!("({bits} >> i.status) & 1"));
        }
        for (given_by, column, span) in [
            (Order::Created, "i.created_at", filter.created),
            (Order::Updated, source.changed_at(), filter.updated),
            (Order::Completed, "i.completed_at", filter.completed),
        ] {
            if order != Some(given_by) {
                self.span(&mut conditions, column, span);
            }
        }
        if order != Some(Order::Took) {
            let Took { from, before } = filter.took;
            let span = Span { from: from.map(Timestamp), before: before.map(Timestamp) };
            self.span(&mut conditions, TOOK, span);
        }
        if order != Some(Order::Id) && !filter.id_prefix.is_empty() {
            self.prefix(&mut conditions, &filter.id_prefix);
        }
        for (column, texts) in [("i.name", &filter.names), ("i.version", &filter.versions)] {
            let given = column == "i.name" && matches!(source, Source::Named(_));
            if !given && !texts.is_empty() {
                let texts: Vec<_> = texts.iter().map(|text| self.bind(text.clone())).collect();
                conditions.push(format!("{column} IN ({})", texts.join(", ")));
            }
        }
        // Entities never end, so where all have ended nobody needs to look for them.
        if !filter.entities && !matches!(source, Source::Ended(_) | Source::Completed) {
            conditions.push("substr(i.id, 1, 1) <> '@'".to_owned());
        }
        if filter.parent == Parent::Nobody {
            conditions.push("i.parent_id IS NULL".to_owned());
        }
        for tag in &filter.tags {
            let text = self.bind(tag_text(&tag.key, tag.value.as_deref()));
            conditions.push(format!("instr(i.tags, {text})"));
        }
        conditions
    }

    fn prefix(&mut self, conditions: &mut Vec<String>, prefix: &str) {
        let (first, end) = prefix_bounds(prefix);
        for (operator, bound) in [(">=", Some(first)), ("<", end.as_deref())] {
            if let Some(bound) = bound {
                let bound = self.bind(bound.to_owned());
                conditions.push(format!("i.id {operator} {bound}"));
            }
        }
    }

    fn span(&mut self, conditions: &mut Vec<String>, column: &str, span: Span) {
        let bounds: [(&str, Option<Timestamp>); 2] = [(">=", span.from), ("<", span.before)];
        for (operator, bound) in bounds {
            if let Some(bound) = bound {
                let bound = self.bind(bound.0);
                conditions.push(format!("{column} {operator} {bound}"));
            }
        }
    }
}
