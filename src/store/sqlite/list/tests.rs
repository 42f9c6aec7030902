//! Plans, and what depends on how SQLite reads.

use super::*;
use crate::{
    model::{InstanceId, Status},
    store::{Moment, Parent, Read, Search, Span, Tag, Took, sqlite::open::stable_plans},
};
use rusqlite::StatementStatus;
use sources::{Source, prefix_bounds};

fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    stable_plans(&conn).unwrap();
    conn.execute_batch(include_str!("../migrations/0001_init.sql")).unwrap();
    conn
}

fn insert(conn: &Connection, key: i64, status: Status, name: &str) {
    let ended = StatusSet::TERMINAL.contains(status).then_some(key);
    conn.execute(
        "INSERT INTO instance (key, hub, id, name, execution_id, status, turn, created_at, updated_at, completed_at) \
         VALUES (?1, 1, 'i' || ?1, ?2, 'e', ?3, 0, ?1, ?1, ?4)",
        rusqlite::params![key, name, status as i32, ended],
    )
    .unwrap();
}

fn plan(conn: &Connection, (text, params): &(String, Vec<rusqlite::types::Value>)) -> Vec<String> {
    let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let steps = plan.query_map(params_from_iter(params), |row| row.get::<_, String>(3));
    steps.unwrap().map(Result::unwrap).collect()
}

/// Filters that ask for one thing each, and one that asks for all of them.
fn filters() -> Vec<Filter> {
    let span = Span { from: Some(Timestamp(1)), before: Some(Timestamp(9)) };
    let tag = |key: &str, value: Option<&str>| Tag { key: key.into(), value: value.map(Into::into) };
    let some = StatusSet::NONE.with(Status::Running).with(Status::Failed);
    let all = Filter {
        entities: false,
        statuses: some,
        created: span,
        updated: span,
        completed: span,
        took: Took { from: Some(1), before: Some(9) },
        id_prefix: "i".into(),
        names: vec!["a".into(), "b".into()],
        versions: vec!["1".into()],
        parent: Parent::Nobody,
        tags: vec![tag("k", None), tag("k", Some("v"))],
    };
    let is = Parent::Is(InstanceId::lookup("p"));
    vec![
        Filter::default(),
        Filter { statuses: some, ..Filter::default() },
        Filter { created: span, ..Filter::default() },
        Filter { updated: span, ..Filter::default() },
        Filter { completed: span, ..Filter::default() },
        Filter { took: Took { from: Some(1), before: None }, ..Filter::default() },
        Filter { id_prefix: "i".into(), ..Filter::default() },
        Filter { names: vec!["a".into()], ..Filter::default() },
        Filter { parent: is.clone(), ..Filter::default() },
        Filter { parent: is, ..all.clone() },
        all,
    ]
}

const SOURCES: [Source; 7] = [
    Source::Live,
    Source::Ended(Status::Completed),
    Source::Ended(Status::Terminated),
    Source::Completed,
    Source::Children,
    Source::Named(0),
    Source::Ids,
];

const ORDERS: [Order; 7] =
    [Order::Created, Order::Updated, Order::Completed, Order::Id, Order::Name, Order::Status, Order::Took];

/// Every walk that is needed, at its beginning and in its middle.
fn walks() -> Vec<Walk> {
    let mut walks = Vec::new();
    for order in ORDERS {
        let place = match order {
            Order::Created => Place::Key(Timestamp(5), InstanceKey(5)),
            Order::Name | Order::Status => Place::Within("a".into(), Timestamp(5), InstanceKey(5)),
            Order::Took => Place::Took(5, InstanceKey(5)),
            Order::Updated | Order::Completed | Order::Id => {
                Place::Id(Timestamp(5), InstanceId::lookup("i5"))
            }
        };
        for descending in [false, true] {
            for after in [None, Some(place.clone())] {
                walks.push(Walk { order, descending, after });
            }
        }
    }
    walks
}

#[test]
fn a_page_begins_where_the_last_one_ended_and_is_sorted_only_if_the_index_is_not() {
    let conn = database();
    for filter in filters() {
        for walk in walks() {
            for source in SOURCES {
                let statement = sql::list(source, HubId(1), &filter, &walk, 10).unwrap();
                let steps = plan(&conn, &statement);
                let order = match walk.order {
                    Order::Name | Order::Status => Order::Created,
                    order => order,
                };
                let seeks = match (source, order, walk.after.is_some()) {
                    (Source::Live, Order::Created, _) => "(hub=? AND created_at>? AND created_at<?)",
                    (Source::Ended(_), Order::Created, _) => {
                        "(hub=? AND status=? AND created_at>? AND created_at<?)"
                    }
                    (Source::Children, Order::Created, _) => {
                        "(hub=? AND parent_id=? AND created_at>? AND created_at<?)"
                    }
                    (Source::Named(_), Order::Created, _) => {
                        "(hub=? AND name=? AND created_at>? AND created_at<?)"
                    }
                    (Source::Completed, Order::Updated | Order::Completed, _) => {
                        "(hub=? AND completed_at>? AND completed_at<?)"
                    }
                    (Source::Ids, Order::Id, true) if walk.descending => "id<?)",
                    (Source::Ids, Order::Id, true) => "(hub=? AND id>?",
                    _ => "(hub=?",
                };
                // Children are only looked for if the filter names their parent.
                if source == Source::Children && !matches!(filter.parent, Parent::Is(_)) {
                    continue;
                }
                if source == Source::Named(0) && filter.names.is_empty() {
                    continue;
                }
                assert!(
                    steps[0].starts_with("SEARCH i USING") && steps[0].contains(seeks),
                    "{statement:?}: {steps:?}"
                );
                assert_eq!(steps.len() > 1, statement.0.contains("LIMIT"), "{statement:?}: {steps:?}");
            }
        }
    }
}

#[test]
fn names_are_looked_up_unless_fewer_instances_have_the_status() {
    let conn = database();
    let tx = conn.unchecked_transaction().unwrap();
    for key in 1..=12_000 {
        let status = match key {
            ..4_000 => Status::Failed,
            4_000 => Status::Running,
            _ => Status::Completed,
        };
        insert(&conn, key, status, if key % 6_000 == 0 { "rare" } else { "often" });
    }
    tx.commit().unwrap();
    let failed = StatusSet::NONE.with(Status::Failed);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let many: Vec<_> = (0..17).map(|number| format!("n{number}")).collect();
    let all = StatusSet::ALL;
    let stated = |status| vec![Source::Ended(status)];
    let by_end = vec![Source::Live, Source::Completed];
    for (statuses, names, order, expected) in [
        (all, names(&["rare"]), Order::Created, vec![Source::Named(0)]),
        (all, names(&["rare"]), Order::Updated, vec![Source::Named(0)]),
        (all, names(&["rare"]), Order::Completed, vec![Source::Named(0)]),
        (all, names(&["rare"]), Order::Id, vec![Source::Ids]),
        (all, names(&["often"]), Order::Created, vec![Source::Named(0)]),
        // Too many to be sorted.
        (all, names(&["often"]), Order::Updated, by_end),
        (all, names(&["rare", "none", "rare"]), Order::Created, vec![Source::Named(0), Source::Named(1)]),
        (failed, names(&["rare"]), Order::Created, vec![Source::Named(0)]),
        (failed, names(&["often"]), Order::Created, stated(Status::Failed)),
        (StatusSet::LIVE, names(&["often"]), Order::Created, vec![Source::Live]),
        (failed, many, Order::Created, stated(Status::Failed)),
    ] {
        let filter = Filter { statuses, names, ..Filter::default() };
        let sources = sources::for_list(&conn, HubId(1), &filter, order).unwrap();
        assert_eq!(sources, expected, "{order:?} {filter:?}");
        if order == Order::Created {
            assert_eq!(sources::for_count(&conn, HubId(1), &filter).unwrap(), sources);
        }
    }
    // Only one index knows when they ended, but few are found by any.
    for (statuses, expected) in [(all, vec![Source::Completed]), (failed, stated(Status::Failed))] {
        let filter = Filter { statuses, ..Filter::default() };
        let sources = |of| sources::for_histogram(&conn, HubId(1), &filter, of).unwrap();
        assert_eq!(sources(Moment::Completed), expected);
        assert_eq!(sources(Moment::Created), sources::for_count(&conn, HubId(1), &filter).unwrap());
    }
    // Within a span in which few of the name were made, it does not matter how many there are outside.
    let created = Span { from: Some(Timestamp(1)), before: Some(Timestamp(10)) };
    let filter = Filter { created, statuses: failed, names: names(&["often"]), ..Filter::default() };
    let sources = sources::for_list(&conn, HubId(1), &filter, Order::Created).unwrap();
    assert_eq!(sources, [Source::Named(0)]);
}

#[test]
fn ended_instances_are_counted_within_the_index() {
    let conn = database();
    let created = Filter { created: Span { from: Some(Timestamp(1)), before: None }, ..Filter::default() };
    for filter in [Filter::default(), created] {
        let steps = plan(&conn, &sql::count(Source::Ended(Status::Completed), HubId(1), &filter));
        assert!(steps[0].contains("USING COVERING INDEX instance_ended (hub=? AND status=?"), "{steps:?}");
    }
}

#[test]
fn nothing_is_sorted_to_be_counted() {
    let conn = database();
    for (filter, source) in
        filters().into_iter().flat_map(|filter| SOURCES.map(|source| (filter.clone(), source)))
    {
        let steps = plan(&conn, &sql::count(source, HubId(1), &filter));
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{source:?}: {steps:?}");
    }
}

#[test]
fn statements_are_not_planned_anew_each_time() {
    let conn = database();
    for key in 1..50 {
        insert(
            &conn,
            key,
            [Status::Running, Status::Completed, Status::Failed][usize::try_from(key).unwrap() % 3],
            "a",
        );
    }
    for filter in filters() {
        for source in SOURCES {
            let lists =
                walks().into_iter().map(|walk| sql::list(source, HubId(1), &filter, &walk, 10).unwrap());
            for (text, params) in lists.chain([sql::count(source, HubId(1), &filter)]) {
                let mut statement = conn.prepare(&text).unwrap();
                for _ in 0..10 {
                    let mut rows = statement.query(params_from_iter(&params)).unwrap();
                    while rows.next().unwrap().is_some() {}
                }
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{text}");
            }
        }
    }
}

#[test]
fn a_search_without_patience_still_comes_to_its_end_and_misses_nothing() {
    let conn = database();
    for key in 1..5_000 {
        let status = [Status::Running, Status::Completed, Status::Failed][usize::try_from(key).unwrap() % 3];
        insert(&conn, key, status, if key % 1_000 == 7 { "rare" } else { "often" });
    }
    // No index is by version.
    conn.execute("UPDATE instance SET version = name", []).unwrap();
    let rare = Filter { versions: vec!["rare".into()], ..Filter::default() };
    let limits = PageLimits { rows: 3, bytes: usize::MAX, read: Read::FailureOnly };
    for descending in [false, true] {
        for (patience, exact) in [(Duration::ZERO, false), (Duration::MAX, true)] {
            let (mut next, mut found, mut pages) =
                (Some(Walk { descending, ..Walk::first(Order::Created) }), Vec::new(), Vec::new());
            while let Some(walk) = next {
                let listed = page(&conn, HubId(1), &rare, &walk, limits, patience).unwrap();
                pages.push(listed.instances.len());
                found.extend(listed.instances.into_iter().map(|(record, _)| record.key.0));
                assert_ne!(listed.next, Some(walk), "no step ahead");
                next = listed.next;
            }
            let mut expected = vec![7, 1_007, 2_007, 3_007, 4_007];
            if descending {
                expected.reverse();
            }
            assert_eq!(found, expected);
            // Four marks lead through those that do not match.
            if exact {
                assert_eq!(pages, [3, 2]);
            } else {
                assert!(pages.iter().filter(|found| **found == 0).count() >= 4, "{pages:?}");
            }
        }
    }
}

#[test]
fn a_walk_in_sections_without_patience_comes_to_its_end_and_misses_nothing() {
    let conn = database();
    for key in 1..50 {
        let status = [Status::Running, Status::Completed, Status::Failed][usize::try_from(key).unwrap() % 3];
        insert(&conn, key, status, ["a", "b", "c", "d"][usize::try_from(key).unwrap() / 2 % 4]);
    }
    // Sections that hold nothing are walked through, too.
    let only = Filter { names: vec!["b".into(), "none".into(), "c".into()], ..Filter::default() };
    let limits = PageLimits { rows: 3, bytes: usize::MAX, read: Read::FailureOnly };
    for filter in [only, Filter { versions: vec!["none".into()], ..Filter::default() }, Filter::default()] {
        for order in [Order::Name, Order::Status, Order::Took] {
            for descending in [false, true] {
                let walk = Walk { descending, ..Walk::first(order) };
                let found = |patience| {
                    let (mut next, mut found) = (Some(walk.clone()), Vec::new());
                    while let Some(walk) = next {
                        let listed = page(&conn, HubId(1), &filter, &walk, limits, patience).unwrap();
                        found.extend(listed.instances.into_iter().map(|(record, _)| record.key.0));
                        assert_ne!(listed.next, Some(walk), "no step ahead");
                        next = listed.next;
                    }
                    found
                };
                assert_eq!(found(Duration::ZERO), found(Duration::MAX), "{order:?} {descending}");
            }
        }
    }
}

#[test]
fn names_are_found_one_after_another_by_their_index() {
    let conn = database();
    for source in [Source::Names, Source::Children] {
        for after in [None, Some("a")] {
            for descending in [false, true] {
                let filter = Filter { parent: Parent::Is(InstanceId::lookup("p")), ..Filter::default() };
                let steps = plan(&conn, &sql::next_name(source, HubId(1), &filter, after, descending));
                let seeks = match (source, after, descending) {
                    (Source::Children, ..) => "(hub=? AND parent_id=?)",
                    (_, None, _) => "(hub=?)",
                    (_, Some(_), false) => "(hub=? AND name>?)",
                    (_, Some(_), true) => "(hub=? AND name<?)",
                };
                assert!(steps[0].starts_with("SEARCH i USING") && steps[0].contains(seeks), "{steps:?}");
            }
        }
    }
}

#[test]
fn a_search_among_many_that_must_be_sorted_misses_nothing() {
    let conn = database();
    let tx = conn.unchecked_transaction().unwrap();
    // All of them must be sorted, more than are sorted at a time, and every thousandth is wanted.
    for key in 1..=12_000 {
        insert(&conn, key, Status::Completed, "a");
        let status = if key % 1_000 == 0 { "\"here\"" } else { "\"there\"" };
        conn.execute("INSERT INTO payload (id, body) VALUES (?1, ?2)", (key * 4 + 2, status.as_bytes()))
            .unwrap();
    }
    tx.commit().unwrap();
    let search = Search { custom_status: Some("\"HERE".into()), ..Search::default() };
    let found = |order, descending, rows| {
        let (mut next, mut keys, mut pages) =
            (Some(Walk { descending, ..Walk::first(order) }), Vec::new(), 0);
        while let Some(walk) = next {
            let page = find(&conn, HubId(1), &search, &walk, rows, Duration::MAX).unwrap();
            keys.extend(page.instances.into_iter().map(|found| found.record.key.0));
            assert_ne!(page.next, Some(walk), "no step ahead");
            (next, pages) = (page.next, pages + 1);
        }
        (keys, pages)
    };
    for order in ORDERS.into_iter().filter(|order| *order != Order::Id) {
        for descending in [false, true] {
            let mut expected: Vec<i64> = (1..=12).map(|number| number * 1_000).collect();
            if descending {
                expected.reverse();
            }
            let (keys, pages) = found(order, descending, 5);
            assert_eq!(keys, expected, "{order:?} {descending}");
            assert_eq!(pages, 3, "{order:?} {descending}");
            assert_eq!(found(order, descending, 12), (expected, 1), "{order:?} {descending}");
        }
    }
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
