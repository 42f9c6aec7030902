//! Histograms: the list, counted by time.

use super::{
    fixture::*,
    list::{all_filters, all_kinds, at},
};
use crate::{
    model::{InstanceRecord, NewInstance, Status, StatusExt as _, Timestamp},
    store::{By, Filter, Histogram, HistogramQuery, Moment, Order, PageLimits, Read, Series, Span, Walk},
};
use std::collections::BTreeMap;

async fn histogram(cx: &StoreTest, filter: &Filter, query: HistogramQuery) -> Histogram {
    let mut histogram = cx.store.instance_histogram(cx.hub, filter.clone(), query).await.unwrap();
    histogram.series.sort_by(|left, right| left.key.cmp(&right.key));
    histogram
}

pub async fn a_histogram_counts_what_the_list_has(cx: &mut StoreTest) {
    all_kinds(cx).await;
    // Instances are a few microseconds apart; buckets are whole milliseconds.
    for number in 0..40 {
        let offset = number * 700;
        let mut new = NewInstance { created_at: at(offset), ..cx.new_instance(&format!("apart{number}")) };
        new.started.name = ["A", "far"][usize::try_from(number).unwrap() % 2].to_owned();
        let key = cx.create_as(new).await;
        if number % 3 > 0 {
            let mut end = cx.turn(key, 1);
            end.update.status = [Status::Failed, Status::Completed][usize::try_from(number).unwrap() % 2];
            end.update.completed_at = Some(at(offset + 2_000));
            cx.store.turn_commit(end).await.unwrap();
        }
    }
    let limits = PageLimits { rows: 1_000, bytes: usize::MAX, read: Read::Nothing };
    let all = cx.store.instance_list(cx.hub, Filter::default(), Walk::first(Order::Created), limits);
    let all: Vec<InstanceRecord> =
        all.await.unwrap().instances.into_iter().map(|(record, _)| record).collect();
    assert_eq!(all.len(), 160);
    let wide = Span { from: Some(at(-5)), before: Some(at(1_000_000)) };
    let wide = Filter { created: wide, completed: wide, ..Filter::default() };
    for filter in all_filters().into_iter().chain([wide]) {
        for (of, by) in
            [Moment::Created, Moment::Completed].into_iter().flat_map(|of| [(of, By::Status), (of, By::Name)])
        {
            for (from, before, buckets) in
                [(0, 60_000, 7), (-5_000, 9_001, 400), (1_400, 1_401, 1), (7, 21_000, 3)]
            {
                let query = HistogramQuery { of, by, from: Some(at(from)), before: at(before), buckets };
                let (empty, count) = Histogram::empty(at(from), at(before), buckets);
                let mut expected: BTreeMap<Option<String>, Vec<u64>> = BTreeMap::new();
                for record in all.iter().filter(|record| filter.matches(record)) {
                    let moment =
                        if of == Moment::Created { Some(record.created_at) } else { record.completed_at };
                    let Some(moment) = moment.filter(|moment| (at(from)..at(before)).contains(moment)) else {
                        continue;
                    };
                    let key = if by == By::Name {
                        record.name.to_string()
                    } else {
                        record.status.name().to_owned()
                    };
                    let bucket = (moment.0 - at(from).0) / (empty.bucket_ms * 1_000);
                    expected.entry(Some(key)).or_insert_with(|| vec![0; count])
                        [usize::try_from(bucket).unwrap()] += 1;
                }
                let expected = expected.into_iter().map(|(key, counts)| Series { key, counts }).collect();
                let found = histogram(cx, &filter, query).await;
                assert_eq!(found, Histogram { series: expected, ..empty }, "{query:?} {filter:?}");
            }
        }
    }
}

pub async fn an_open_beginning_is_that_of_the_first_instance(cx: &mut StoreTest) {
    let query = |of| HistogramQuery { of, by: By::Status, from: None, before: at(9_000), buckets: 4 };
    for of in [Moment::Created, Moment::Completed] {
        let nothing = histogram(cx, &Filter::default(), query(of)).await;
        assert_eq!((nothing.from, nothing.series), (Timestamp(at(9_000).0 - 3_600_000_000), Vec::new()));
    }
    cx.create_ended_as("b", Status::Failed, at(1_000), at(3_000)).await;
    cx.create_ended_as("c", Status::Completed, at(8_999), at(9_000)).await;
    cx.create_as(NewInstance { created_at: at(-999), ..cx.new_instance("a") }).await;
    let of = async |of, filter: Filter| {
        let found = histogram(cx, &filter, query(of)).await;
        let sum: u64 = found.series.iter().flat_map(|series| &series.counts).sum();
        (found.from, found.bucket_ms, sum)
    };
    assert_eq!(of(Moment::Created, Filter::default()).await, (at(-999), 3, 3));
    assert_eq!(of(Moment::Completed, Filter::default()).await, (at(3_000), 2, 1));
    let prefix = |prefix: &str| Filter { id_prefix: prefix.into(), ..Filter::default() };
    assert_eq!(of(Moment::Created, prefix("b")).await, (at(1_000), 2, 1));
}

pub async fn names_for_which_there_is_no_room_are_counted_together(cx: &mut StoreTest) {
    for number in 0..Histogram::NAMES + 5 {
        let mut new = cx.new_instance(&number.to_string());
        new.started.name = format!("n{number}");
        cx.create_as(new).await;
    }
    let query =
        HistogramQuery { of: Moment::Created, by: By::Name, from: Some(NOW), before: at(1), buckets: 1 };
    let found = histogram(cx, &Filter::default(), query).await;
    assert_eq!(found.series.len(), Histogram::NAMES + 1);
    assert_eq!(found.series[0], Series { key: None, counts: vec![5] });
}
