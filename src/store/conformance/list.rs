//! Lists: every instance that stays is met exactly once, in order.

use super::fixture::*;
use crate::{
    model::{
        HubName, InstanceId, InstanceRecord, NewInstance, Payloads, Status, StatusExt as _, StatusSet,
        Timestamp, failure, pb,
    },
    store::{Filter, Listed, Order, PageLimits, Parent, Place, Read, Span, Tag, Took, Walk},
};

const ALL: PageLimits = PageLimits { rows: 10_000, bytes: usize::MAX, read: Read::FailureOnly };

pub fn at(offset: i64) -> Timestamp {
    Timestamp(NOW.0 + offset)
}

async fn page(cx: &StoreTest, filter: &Filter, walk: Walk, limits: PageLimits) -> Listed {
    cx.store.instance_list(cx.hub, filter.clone(), walk, limits).await.unwrap()
}

/// The ids of all pages of `rows` rows, a page at a time.
async fn pages(cx: &StoreTest, filter: &Filter, walk: Walk, rows: usize) -> Vec<Vec<String>> {
    let (mut next, mut pages) = (Some(walk), Vec::new());
    while let Some(walk) = next {
        let listed = page(cx, filter, walk, PageLimits { rows, ..ALL }).await;
        pages.push(ids(&listed));
        next = listed.next;
    }
    pages
}

fn ids(listed: &Listed) -> Vec<String> {
    listed.instances.iter().map(|(record, _)| record.id.to_string()).collect()
}

async fn list(cx: &StoreTest, filter: Filter) -> Vec<String> {
    ids(&page(cx, &filter, Walk::first(Order::Created), ALL).await)
}

async fn create_at(cx: &StoreTest, id: &str, offset: i64) {
    cx.create_as(NewInstance { created_at: at(offset), ..cx.new_instance(id) }).await;
}

pub async fn pages_follow_the_time_of_creation_then_the_key(cx: &mut StoreTest) {
    for (id, offset) in [("z", 0), ("late", 5), ("y", 0), ("x", 0), ("early", -5), ("a", 0)] {
        create_at(cx, id, offset).await;
    }
    let other = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    cx.create_as(new_instance(other, "elsewhere")).await;
    let order = ["early", "z", "y", "x", "a", "late"];
    for rows in 1..=6 {
        let found = pages(cx, &Filter::default(), Walk::first(Order::Created), rows).await;
        assert_eq!(found.concat(), order, "pages of {rows}");
    }
    let record = page(cx, &Filter::default(), Walk::first(Order::Created), ALL).await.instances.remove(0).0;
    let got = cx.store.instance_get(cx.hub, InstanceId::lookup("early"), false).await.unwrap().unwrap();
    assert_eq!(record, got.0);
}

pub async fn a_continuation_is_there_exactly_if_something_follows(cx: &mut StoreTest) {
    assert_eq!(pages(cx, &Filter::default(), Walk::first(Order::Created), 3).await, [[""; 0]]);
    for number in 0..6 {
        cx.create_ended(&format!("e{number}")).await;
    }
    create_at(cx, "live", 1).await;
    let ended = Filter { statuses: StatusSet::TERMINAL, ..Filter::default() };
    for (filter, walk) in
        [(&ended, Walk::first(Order::Created)), (&Filter::default(), Walk::first(Order::Completed))]
    {
        let sizes = |pages: Vec<Vec<String>>| pages.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(pages(cx, filter, walk.clone(), 3).await), [3, 3]);
        assert_eq!(sizes(pages(cx, filter, walk.clone(), 4).await), [4, 2]);
        assert_eq!(sizes(pages(cx, filter, walk.clone(), 6).await), [6]);
        assert_eq!(sizes(pages(cx, filter, walk, 7).await), [6]);
    }
}

pub async fn what_stays_is_met_once_while_others_come_and_go(cx: &mut StoreTest) {
    let mut stable = Vec::new();
    for number in 0..20_i64 {
        create_at(cx, &format!("stay{number:02}"), number / 5).await;
        stable.push(format!("stay{number:02}"));
        cx.create_ended_as(&format!("go{number:02}"), Status::Completed, at(number / 5), NOW).await;
    }
    let (mut next, mut met, mut round) = (Some(Walk::first(Order::Created)), Vec::new(), 0_i64);
    while let Some(walk) = next {
        let listed = page(cx, &Filter::default(), walk, PageLimits { rows: 3, ..ALL }).await;
        assert!(!listed.instances.is_empty(), "an empty page after a continuation");
        met.extend(ids(&listed));
        next = listed.next.clone();
        // Rows of the page just read go, others come on both sides of it, and one that stays changes.
        for id in ids(&listed).iter().filter(|id| id.starts_with("go")) {
            cx.store.instance_purge(cx.hub, InstanceId::lookup(id.as_str())).await.unwrap();
        }
        create_at(cx, &format!("before{round}"), -1).await;
        if round < 9 {
            create_at(cx, &format!("after{round}"), 9).await;
        }
        if let Some((record, _)) = listed.instances.iter().find(|(record, _)| record.turn == 0) {
            cx.store.turn_commit(cx.turn(record.key, 1)).await.unwrap();
        }
        round += 1;
    }
    let seen: Vec<_> = met.iter().filter(|id| id.starts_with("stay")).cloned().collect();
    assert_eq!(seen, stable);
    met.sort();
    assert!(met.windows(2).all(|two| two[0] != two[1]), "{met:?}");
}

pub async fn filters_hold_together(cx: &mut StoreTest) {
    for (number, status) in
        [Status::Completed, Status::Failed, Status::Terminated, Status::Completed].into_iter().enumerate()
    {
        let number = i64::try_from(number).unwrap();
        cx.create_ended_as(&format!("e{number}"), status, at(number), at(9)).await;
    }
    create_at(cx, "pending", 1).await;
    let set =
        |statuses: &[Status]| Filter { statuses: statuses.iter().copied().collect(), ..Filter::default() };
    let created = |from: Option<i64>, before: Option<i64>| Filter {
        created: Span { from: from.map(at), before: before.map(at) },
        ..Filter::default()
    };
    for (filter, expected) in [
        (set(&[Status::Completed]), "e0 e3"),
        (set(&[Status::Failed, Status::Pending]), "e1 pending"),
        (set(&[Status::Running]), ""),
        (set(&[]), ""),
        (created(Some(1), None), "e1 pending e2 e3"),
        (created(None, Some(1)), "e0"),
        (created(Some(1), Some(2)), "e1 pending"),
        (created(Some(2), Some(2)), ""),
        (created(Some(3), Some(1)), ""),
        (Filter { id_prefix: "e".into(), ..created(Some(1), Some(3)) }, "e1 e2"),
        (
            Filter {
                id_prefix: "e".into(),
                statuses: StatusSet::NONE.with(Status::Completed),
                ..created(Some(1), None)
            },
            "e3",
        ),
    ] {
        assert_eq!(list(cx, filter.clone()).await.join(" "), expected, "{filter:?}");
    }
    // A place before the range does not widen it.
    let begin = Walk::first(Order::Created).after(Place::Key(at(-100), crate::model::InstanceKey(0)));
    let listed = page(cx, &created(Some(3), None), begin, ALL).await;
    assert_eq!(ids(&listed), ["e3"]);
}

const ODD: [&str; 14] = [
    "a",
    "A",
    "a%",
    "a%b",
    "a_b",
    "axb",
    "aéb",
    "ae",
    "a*b",
    "a\u{10ffff}",
    "\u{10ffff}",
    "😀x",
    "😁",
    "a\u{0}b",
];

pub async fn a_prefix_is_taken_character_by_character(cx: &mut StoreTest) {
    for id in ODD {
        cx.create(id).await;
    }
    for prefix in
        ["", "a", "A", "a%", "a_", "aé", "a*", "a\u{10ffff}", "\u{10ffff}", "😀", "a\u{0}", "%", "b", "é"]
    {
        let expected: Vec<_> = ODD.into_iter().filter(|id| id.starts_with(prefix)).collect();
        let filter = Filter { id_prefix: prefix.into(), ..Filter::default() };
        assert_eq!(list(cx, filter.clone()).await, expected, "{prefix:?}");
        assert_eq!(pages(cx, &filter, Walk::first(Order::Created), 2).await.concat(), expected, "{prefix:?}");
    }
}

pub async fn many_and_few_of_a_prefix_are_listed_alike(cx: &mut StoreTest) {
    let create = |number: i64| {
        let new = NewInstance { created_at: at(number % 7), ..cx.new_instance(&format!("many{number}")) };
        cx.store.instance_create(new, StatusSet::NONE.into())
    };
    let made: Vec<_> = futures_util::future::join_all((0..2_100).map(create)).await;
    assert!(made.iter().all(Result::is_ok));
    create_at(cx, "other", 3).await;
    let many = Filter { id_prefix: "many".into(), ..Filter::default() };
    let all = list(cx, many.clone()).await;
    assert_eq!(all.len(), 2_100);
    assert_eq!(pages(cx, &many, Walk::first(Order::Created), 150).await.concat(), all);
    let few = Filter { id_prefix: "many20".into(), ..Filter::default() };
    let expected: Vec<_> = all.iter().filter(|id| id.starts_with("many20")).cloned().collect();
    assert_eq!(pages(cx, &few, Walk::first(Order::Created), 10).await.concat(), expected);
}

pub async fn ended_instances_are_listed_by_the_time_of_their_end(cx: &mut StoreTest) {
    for (id, status, end) in [
        ("late", Status::Completed, 9),
        ("z", Status::Failed, 5),
        ("b", Status::Completed, 5),
        ("a", Status::Terminated, 5),
        ("early", Status::Completed, 1),
    ] {
        cx.create_ended_as(id, status, NOW, at(end)).await;
    }
    cx.create("live").await;
    let everything = Filter::default();
    for rows in 1..=5 {
        let found = pages(cx, &everything, Walk::first(Order::Completed), rows).await;
        assert_eq!(found.concat(), ["early", "a", "b", "z", "late"], "pages of {rows}");
    }
    let ended = |from: Option<i64>, before: Option<i64>, statuses| Filter {
        completed: Span { from: from.map(at), before: before.map(at) },
        statuses,
        ..Filter::default()
    };
    let completed = StatusSet::NONE.with(Status::Completed);
    for (filter, expected) in [
        (ended(Some(5), None, StatusSet::ALL), "a b z late"),
        (ended(None, Some(5), StatusSet::ALL), "early"),
        (ended(Some(5), Some(9), StatusSet::ALL), "a b z"),
        (ended(Some(2), None, completed), "b late"),
        (ended(None, None, StatusSet::NONE.with(Status::Pending)), ""),
        (Filter { id_prefix: "z".into(), ..Filter::default() }, "z"),
        (Filter { created: Span { from: Some(at(1)), before: None }, ..Filter::default() }, ""),
    ] {
        let found = page(cx, &filter, Walk::first(Order::Completed), ALL).await;
        assert_eq!(ids(&found).join(" "), expected, "{filter:?}");
    }
}

pub async fn payloads_are_read_when_asked_for(cx: &mut StoreTest) {
    let mut new = cx.new_instance("a");
    new.started.input = Some("in".into());
    let key = cx.create_as(new).await;
    let mut end = cx.turn(key, 1);
    end.update.status = Status::Failed;
    end.update.completed_at = Some(NOW);
    end.update.output = Some("out".into());
    end.update.custom_status = Some(Some("half".into()));
    end.update.failure = Some(failure("Boom", "bang", false));
    cx.store.turn_commit(end).await.unwrap();
    let read = async |read| {
        let listed =
            page(cx, &Filter::default(), Walk::first(Order::Created), PageLimits { read, ..ALL }).await;
        let (_, Payloads { input, output, custom_status, failure }) = listed.instances[0].clone();
        let failure = failure.map(|failure| failure.error_message);
        [input, output, custom_status, failure].map(Option::unwrap_or_default).join(" ")
    };
    assert_eq!(read(Read::All).await, "in out half bang");
    assert_eq!(read(Read::NoInput).await, " out half bang");
    assert_eq!(read(Read::FailureOnly).await, "   bang");
    assert_eq!(read(Read::Nothing).await, "   ");
}

pub async fn a_page_ends_before_it_grows_too_large(cx: &mut StoreTest) {
    let large = "x".repeat(10_000);
    for (id, size) in [("a", 4_000), ("b", 4_000), ("c", 10_000), ("d", 1), ("e", 1)] {
        let mut new = cx.new_instance(id);
        new.started.input = Some(large[..size].to_owned());
        cx.create_as(new).await;
    }
    let limits = PageLimits { rows: 10, bytes: 9_000, read: Read::All };
    let (mut next, mut pages) = (Some(Walk::first(Order::Created)), Vec::new());
    while let Some(walk) = next {
        let listed = page(cx, &Filter::default(), walk, limits).await;
        let whole = |(record, payloads): &(InstanceRecord, Payloads)| {
            assert!(payloads.input.is_some());
            record.id.to_string()
        };
        pages.push(listed.instances.iter().map(whole).collect::<String>());
        next = listed.next;
    }
    assert_eq!(pages, ["ab", "c", "de"]);
    let narrow = PageLimits { read: Read::NoInput, ..limits };
    assert_eq!(page(cx, &Filter::default(), Walk::first(Order::Created), narrow).await.next, None);
}

pub const ORDERS: [Order; 7] =
    [Order::Created, Order::Updated, Order::Completed, Order::Id, Order::Name, Order::Status, Order::Took];

/// Instances that differ in all that can be filtered by.
pub async fn all_kinds(cx: &StoreTest) {
    let tags = |number: usize| match number % 5 {
        0 => vec![],
        1 => vec![("team", "red")],
        2 => vec![("team", "blue"), ("x\"y", "team\":\"red")],
        3 => vec![("x,", ":"), ("y", "b")],
        _ => vec![("team", ""), ("\n", "\\")],
    };
    for number in 0..120_usize {
        let offset = i64::try_from(number % 37).unwrap();
        let mut new =
            NewInstance { created_at: at(offset), ..cx.new_instance(&format!("{}-{number}", number % 3)) };
        new.started.name = ["A", "B", "a"][number % 7 % 3].to_owned();
        new.started.version = ["", "1", "2"].get(number % 4).map(|&version| version.to_owned());
        new.started.tags = tags(number).into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        if number % 6 == 1 {
            new.started.parent_instance = Some(pb::ParentInstanceInfo {
                orchestration_instance: Some(pb::OrchestrationInstance {
                    instance_id: format!("parent{}", number % 2),
                    execution_id: None,
                }),
                ..Default::default()
            });
        }
        let key = cx.create_as(new).await;
        let status = [Status::Pending, Status::Completed, Status::Running, Status::Failed, Status::Suspended];
        let status = *status.get(number % 9).unwrap_or(&Status::Terminated);
        if status != Status::Pending {
            let mut turn = cx.turn(key, 1);
            turn.update.status = status;
            turn.update.updated_at = at(i64::try_from(number % 11).unwrap());
            turn.update.completed_at = status.is_terminal().then_some(turn.update.updated_at);
            cx.store.turn_commit(turn).await.unwrap();
        }
    }
}

pub fn all_filters() -> Vec<Filter> {
    let tag = |key: &str, value: Option<&str>| Tag { key: key.into(), value: value.map(Into::into) };
    let tags = |tags: &[(&str, Option<&str>)]| Filter {
        tags: tags.iter().map(|(key, value)| tag(key, *value)).collect(),
        ..Filter::default()
    };
    let span = |from: i64, before: i64| Span { from: Some(at(from)), before: Some(at(before)) };
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let one = Filter::default;
    let mut filters = vec![
        one(),
        Filter { statuses: StatusSet::LIVE, ..one() },
        Filter { statuses: StatusSet::NONE.with(Status::Failed).with(Status::Running), ..one() },
        Filter { statuses: StatusSet::NONE.with(Status::Canceled), ..one() },
        Filter { created: span(3, 20), ..one() },
        Filter { updated: span(2, 7), ..one() },
        Filter { completed: span(2, 7), ..one() },
        Filter { completed: Span { from: None, before: Some(at(5)) }, statuses: StatusSet::LIVE, ..one() },
        Filter { took: Took { from: Some(-5), before: Some(3) }, ..one() },
        Filter { took: Took { from: Some(2), before: None }, names: texts(&["A", "none"]), ..one() },
        Filter { took: Took { from: None, before: Some(1) }, statuses: StatusSet::LIVE, ..one() },
        Filter { id_prefix: "1-".into(), ..one() },
        Filter { names: texts(&["A"]), ..one() },
        Filter { names: texts(&["a", "B", "none"]), ..one() },
        Filter { versions: texts(&["1"]), ..one() },
        Filter { versions: texts(&["", "2"]), ..one() },
        Filter { parent: Parent::Nobody, ..one() },
        Filter { parent: Parent::Is(InstanceId::lookup("parent1")), ..one() },
        Filter { parent: Parent::Is(InstanceId::lookup("parent1")), updated: span(2, 8), ..one() },
        tags(&[("team", None)]),
        tags(&[("team", Some("red"))]),
        tags(&[("team", Some(""))]),
        tags(&[("team", Some("blue")), ("x\"y", None)]),
        tags(&[("x\"y", Some("team\":\"red"))]),
        tags(&[(":", Some(","))]),
        tags(&[("\n", Some("\\"))]),
        tags(&[("y\"", None)]),
        tags(&[("tea", None)]),
    ];
    filters.push(Filter {
        statuses: StatusSet::NONE.with(Status::Completed).with(Status::Terminated),
        created: span(0, 30),
        updated: span(0, 9),
        id_prefix: "1".into(),
        names: texts(&["A", "B"]),
        parent: Parent::Nobody,
        ..one()
    });
    filters
}

pub async fn every_filter_in_every_order_finds_what_matches_page_by_page(cx: &mut StoreTest) {
    all_kinds(cx).await;
    let all = page(cx, &Filter::default(), Walk::first(Order::Created), ALL).await.instances;
    assert_eq!(all.len(), 120);
    for filter in all_filters() {
        for order in ORDERS {
            let mut matching: Vec<_> = all.iter().map(|(record, _)| record).collect();
            matching.retain(|record| {
                filter.matches(record) && (order != Order::Completed || record.completed_at.is_some())
            });
            for descending in [false, true] {
                let walk = Walk { descending, ..Walk::first(order) };
                let place = |record| Place::of(order, record);
                matching.sort_by(|left, right| walk.compare(&place(left), &place(right)));
                let expected: Vec<_> = matching.iter().map(|record| record.id.to_string()).collect();
                let found = pages(cx, &filter, walk, 7).await;
                assert_eq!(found.concat(), expected, "{order:?} {descending} {filter:?}");
                assert!(found.len() == 1 || found.iter().all(|page| !page.is_empty()), "{filter:?}");
            }
        }
    }
}

pub async fn counts_are_those_of_the_list(cx: &mut StoreTest) {
    all_kinds(cx).await;
    let elsewhere = cx.store.hub_ensure(HubName::parse("other").unwrap()).await.unwrap();
    assert_eq!(cx.store.instance_count(elsewhere, Filter::default()).await.unwrap().total(), 0);
    for filter in all_filters() {
        let counts = cx.store.instance_count(cx.hub, filter.clone()).await.unwrap();
        let listed = page(cx, &filter, Walk::first(Order::Created), ALL).await.instances;
        for status in Status::ALL {
            let expected = listed.iter().filter(|(record, _)| record.status == status).count();
            assert_eq!(counts.of(status), expected as u64, "{status:?} {filter:?}");
        }
        assert_eq!(counts.total(), listed.len() as u64, "{filter:?}");
    }
}

pub async fn an_ended_instance_that_lives_again_is_found_as_such(cx: &mut StoreTest) {
    let key = cx.create_ended("a").await;
    cx.store.turn_commit(cx.turn(key, 2)).await.unwrap();
    let of = |statuses| Filter { statuses, ..Filter::default() };
    assert_eq!(list(cx, of(StatusSet::TERMINAL)).await.concat(), "");
    assert_eq!(list(cx, of(StatusSet::LIVE)).await.concat(), "a");
    assert_eq!(ids(&page(cx, &Filter::default(), Walk::first(Order::Completed), ALL).await).concat(), "");
    assert_eq!(cx.store.instance_count(cx.hub, Filter::default()).await.unwrap().of(Status::Running), 1);
}
