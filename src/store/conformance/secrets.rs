//! Secrets of the server itself.

use super::fixture::*;
use std::collections::HashSet;

pub async fn the_first_candidate_stays(cx: &mut StoreTest) {
    let first = vec![0, 255, b'\'', 0];
    assert_eq!(cx.store.secret_ensure("links", first.clone()).await.unwrap(), first);
    assert_eq!(cx.store.secret_ensure("links", vec![1; 32]).await.unwrap(), first);
    assert_eq!(cx.store.secret_ensure("other", vec![2; 32]).await.unwrap(), vec![2; 32]);
    assert_eq!(cx.store.secret_ensure("links", Vec::new()).await.unwrap(), first);
    assert_eq!(cx.effects(), []);
}

pub async fn of_64_candidates_one_is_given_to_all(cx: &mut StoreTest) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..64 {
        let store = cx.store.clone();
        tasks.spawn(async move { store.secret_ensure("links", vec![n; 32]).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().collect::<HashSet<_>>().len(), 1);
}
