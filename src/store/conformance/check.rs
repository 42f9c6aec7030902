//! A look at everything that is stored.

use super::fixture::*;
use crate::{
    model::{Class, HistoryChange, InstanceId, Pending, Status},
    store::{CheckPlace, Finding},
};

/// Walks through everything: how many instances there are, how many were met, and what was found.
async fn checked(cx: &StoreTest) -> (Option<u64>, u64, Vec<Finding>) {
    let (mut place, mut total, mut met, mut found) = (Some(CheckPlace::File), None, 0, Vec::new());
    while let Some(here) = place {
        let slice = cx.store.check(here).await.unwrap();
        total = slice.total.or(total);
        met += slice.instances;
        found.extend(slice.findings);
        assert_ne!(slice.next, place, "it goes on");
        place = slice.next;
    }
    (total, met, found)
}

pub async fn nothing_is_found_where_only_the_store_has_written(cx: &mut StoreTest) {
    assert_eq!(checked(cx).await, (Some(0), 0, Vec::new()));
    for number in 0..401 {
        let key = cx.create(&format!("i{number}")).await;
        let begun = cx.load(key).await;
        let mut first = cx.turn(key, 1);
        first.consumed = begun.inbox.iter().map(|message| message.id).collect();
        first.history = HistoryChange::Append(chunk(0, "begun"));
        first.activities = vec![activity(1)];
        if number % 3 == 0 {
            continue;
        }
        cx.store.turn_commit(first).await.unwrap();
        cx.store
            .message_append(cx.hub, InstanceId::lookup(format!("i{number}")), message(Class::Event, "later"))
            .await
            .unwrap();
        if number % 3 == 1 {
            let mut end = cx.turn(key, 2);
            end.history = HistoryChange::Append(chunk(1, "end"));
            end.update.status = Status::Completed;
            end.update.output = Some("out".into());
            end.pending = Pending::DropAll;
            cx.store.turn_commit(end).await.unwrap();
        }
    }
    assert_eq!(checked(cx).await, (Some(401), 401, Vec::new()));
}
