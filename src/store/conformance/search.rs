//! Searches: a list by other means, with texts.

use super::{
    fixture::*,
    list::{ORDERS, all_filters, all_kinds, at},
};
use crate::{
    model::{InstanceId, NewInstance, Pending, Status, failure, pb::TaskFailureDetails},
    store::{Filter, Found, HistorySize, Order, PageLimits, Read, Search, Searched, Walk},
};

async fn page(cx: &StoreTest, search: &Search, walk: Walk, rows: usize) -> Searched {
    cx.store.instance_search(cx.hub, search.clone(), walk, rows).await.unwrap()
}

fn ids(found: &[Found]) -> Vec<String> {
    found.iter().map(|found| found.record.id.to_string()).collect()
}

/// The ids on all pages of `rows`.
async fn all(cx: &StoreTest, search: &Search, walk: Walk, rows: usize) -> Vec<String> {
    let (mut next, mut found) = (Some(walk), Vec::new());
    while let Some(walk) = next {
        let page = page(cx, search, walk, rows).await;
        assert!(page.next.is_none() || page.instances.len() == rows, "a short page before another");
        found.extend(ids(&page.instances));
        next = page.next;
    }
    found
}

pub async fn a_search_finds_what_a_list_finds(cx: &mut StoreTest) {
    all_kinds(cx).await;
    for filter in all_filters() {
        for order in ORDERS {
            for descending in [false, true] {
                let walk = Walk { descending, ..Walk::first(order) };
                let limits = PageLimits { rows: 1_000, bytes: usize::MAX, read: Read::FailureOnly };
                let listed =
                    cx.store.instance_list(cx.hub, filter.clone(), walk.clone(), limits).await.unwrap();
                let listed: Vec<_> =
                    listed.instances.into_iter().map(|(record, _)| record.id.to_string()).collect();
                let search = Search { filter: filter.clone(), ..Search::default() };
                assert_eq!(all(cx, &search, walk, 9).await, listed, "{order:?} {descending} {filter:?}");
            }
        }
    }
}

/// Makes an instance and ends it as failed with these details.
async fn failed(cx: &StoreTest, id: &str, details: TaskFailureDetails, custom_status: Option<&str>) {
    let key = cx.create(id).await;
    let mut end = cx.turn(key, 1);
    end.update.status = Status::Failed;
    end.update.completed_at = Some(NOW);
    end.update.failure = Some(details);
    end.update.custom_status = custom_status.map(|text| Some(text.to_owned()));
    end.pending = Pending::DropAll;
    cx.store.turn_commit(end).await.unwrap();
}

pub async fn texts_are_found_in_any_case_and_nowhere_else(cx: &mut StoreTest) {
    failed(cx, "type", failure("TimeoutÉrror", "late", false), Some("\"Half way\"")).await;
    failed(cx, "message", failure("E", "no tiMEOut here\nbut 100%", false), None).await;
    let cause = TaskFailureDetails {
        inner_failure: Some(Box::new(failure("E", "timeout", false))),
        ..failure("E", "outer", false)
    };
    failed(cx, "cause", cause, Some("half")).await;
    let trace = TaskFailureDetails { stack_trace: Some("timeout".into()), ..failure("E", "m", false) };
    failed(cx, "trace", trace, Some("")).await;
    cx.create_ended("timeout").await;
    let texts = |error: Option<&str>, custom_status: Option<&str>| Search {
        error: error.map(str::to_owned),
        custom_status: custom_status.map(str::to_owned),
        ..Search::default()
    };
    for (error, custom_status, expected) in [
        (Some("TIMEOUT"), None, "type message cause"),
        (Some("outÉ"), None, "type"),
        (Some("outé"), None, "type"),
        (Some("0%"), None, "message"),
        (Some("%"), None, "message"),
        (Some("_"), None, ""),
        (None, Some("HALF"), "type cause"),
        (None, Some("half\""), ""),
        (None, Some("\"half"), "type"),
        (Some("timeout"), Some("half"), "type cause"),
        (Some(""), None, "type message cause trace"),
        (None, Some(""), "type cause trace"),
    ] {
        for rows in [1, 2, 10] {
            let search = texts(error, custom_status);
            let found = all(cx, &search, Walk::first(Order::Created), rows).await;
            assert_eq!(found.join(" "), expected, "{error:?} {custom_status:?} by {rows}");
        }
    }
    let others = Search {
        filter: Filter { id_prefix: "c".into(), ..Filter::default() },
        ..texts(Some("timeout"), None)
    };
    assert_eq!(all(cx, &others, Walk::first(Order::Name), 10).await, ["cause"]);
}

pub async fn what_is_shown_of_an_instance_is_short(cx: &mut StoreTest) {
    let (long, short) = ("ü".repeat(5_000), Some("\"half\""));
    failed(cx, "long", failure(&long, format!("{long}\nx"), false), Some(&format!("x{long}"))).await;
    failed(cx, "short", failure("E", "first\nsecond", false), short).await;
    cx.create("none").await;
    let found = page(cx, &Search::default(), Walk::first(Order::Created), 10).await.instances;
    let [long, short, none] = found.as_slice() else { panic!("{found:?}") };
    let shown = long.custom_status.as_deref().unwrap();
    assert!(shown.len() < 1_100 && shown.len() > 1_000 && shown.starts_with("xü"), "{shown}");
    let told = long.failure.as_ref().unwrap();
    assert!(told.message.len() < 600 && told.error_type.len() < 600 && told.message.starts_with('ü'));
    assert_eq!(short.custom_status.as_deref(), Some("\"half\""));
    assert_eq!(short.failure.as_ref().unwrap().message, "first");
    assert_eq!((&none.custom_status, &none.failure, none.size), (&None, &None, None));
}

pub async fn sizes_are_told_when_asked_for(cx: &mut StoreTest) {
    let key = cx.create("a").await;
    cx.create("b").await;
    let mut bytes = 0;
    for number in 1..=3 {
        let mut turn = cx.turn(key, number);
        let chunk = chunk(number - 1, "event");
        bytes += i64::try_from(chunk.bytes.len()).unwrap();
        turn.history = crate::model::HistoryChange::Append(chunk);
        cx.store.turn_commit(turn).await.unwrap();
    }
    let search = Search { sizes: true, ..Search::default() };
    let found = page(cx, &search, Walk::first(Order::Id), 10).await.instances;
    let sizes: Vec<_> = found.iter().map(|found| found.size.unwrap()).collect();
    assert_eq!(sizes, [HistorySize { events: 3, bytes }, HistorySize::default()]);
}

pub async fn what_stays_is_met_once_in_every_order_while_others_come_and_go(cx: &mut StoreTest) {
    const STATUSES: [Status; 3] = [Status::Completed, Status::Failed, Status::Terminated];
    const NAMES: [&str; 3] = ["A", "B", "C"];
    let make = async |id: String, number: usize, ends: bool| {
        let offset = i64::try_from(number % 5).unwrap();
        let mut new = NewInstance { created_at: at(offset), ..cx.new_instance(&id) };
        new.started.name = NAMES[number % 3].to_owned();
        let key = cx.create_as(new).await;
        if ends {
            let mut end = cx.turn(key, 1);
            end.update.status = STATUSES[number % 2 + number / 7 % 2];
            end.update.completed_at = Some(at(i64::try_from(number % 11).unwrap()));
            end.pending = Pending::DropAll;
            cx.store.turn_commit(end).await.unwrap();
        }
    };
    let mut made = 0;
    let mut stable: Vec<String> = Vec::new();
    for number in 0..24 {
        stable.push(format!("stay{number:02}"));
        make(format!("stay{number:02}"), number, number % 4 != 0).await;
    }
    for order in ORDERS.into_iter().filter(|order| *order != Order::Completed) {
        for descending in [false, true] {
            for number in 0..12 {
                make(format!("go{made}-{number}"), number, number % 3 != 0).await;
            }
            let (mut next, mut met) = (Some(Walk { descending, ..Walk::first(order) }), Vec::new());
            let mut rounds = 0;
            while let Some(walk) = next {
                let page = page(cx, &Search::default(), walk, 3).await;
                let shown = ids(&page.instances);
                // Some that have been met go, and one that the next page may begin with.
                for id in shown.iter().filter(|id| !id.starts_with("stay")) {
                    let _gone =
                        cx.store.instance_purge(cx.hub, InstanceId::lookup(id.as_str())).await.unwrap();
                }
                made += 1;
                if rounds < 12 {
                    make(format!("new{made}"), made, made % 2 == 0).await;
                }
                rounds += 1;
                assert!(!shown.is_empty(), "an empty page after a continuation");
                met.extend(shown);
                next = page.next;
            }
            let mut stayed: Vec<_> = met.iter().filter(|id| id.starts_with("stay")).cloned().collect();
            stayed.sort();
            assert_eq!(stayed, stable, "{order:?} {descending}");
        }
    }
}
