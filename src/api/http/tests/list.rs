//! Listing instances, and purging by filter.

use super::*;

async fn ids(world: &World, query: &str) -> String {
    let answer = world.get(&format!("/instances?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    let shown = |item: &serde_json::Value| item["instanceId"].as_str().unwrap().to_owned();
    answer.json().as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// `a` to `e`, a second apart; `a` at 2026-01-02T03:04:05.999999Z.
async fn five(world: &World) {
    let statuses = [Status::Completed, Status::Failed, Status::Running, Status::Terminated, Status::Pending];
    for (id, status) in ["a", "b", "c", "d", "e"].into_iter().zip(statuses) {
        world.given(id, status).await;
        world.clock.0.fetch_add(1_000_000, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_list_is_an_array_of_status_objects() {
    let world = World::new().await;
    let answer = world.get("/instances").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
    assert_eq!(answer.continuation.as_deref(), Some(""));
    world.given("a", Status::Running).await;
    world.given("b", Status::Completed).await;
    for id in ["a", "b"] {
        world.store.change(id, |kept| kept.payloads.custom_status = Some("1".into()));
        for show in ["", "?showInput=false", "?showHistory=true"] {
            let list = world.get(&format!("/instances{show}")).await.json();
            let single = world.get(&format!("/instances/{id}{}", show.replace("History", "x"))).await.json();
            let found = list.as_array().unwrap().iter().find(|item| item["instanceId"] == id).unwrap();
            assert_eq!(*found, single, "{show}");
        }
    }
    assert_eq!(world.get("/instances?taskHub=nowhere").await.body, "[]");
}

#[tokio::test]
async fn filters_are_read_leniently_and_never_widen() {
    let world = World::new().await;
    five(&world).await;
    for (query, expected) in [
        ("", "a b c d e"),
        ("runtimeStatus=Running", "c"),
        ("runtimeStatus=running,4&RuntimeStatus=Failed", "b c"),
        ("runtimeStatus=5,Nonsense", "d"),
        ("runtimeStatus=Nonsense", ""),
        ("runtimeStatus=", "a b c d e"),
        ("createdTimeFrom=2026-01-02T03:04:05.999999Z", "a b c d e"),
        ("createdTimeFrom=2026-01-02T03:04:06Z", "b c d e"),
        ("createdTimeFrom=2026-01-02T03:04:05.9999991Z", "b c d e"),
        ("createdTimeTo=2026-01-02T03:04:05.999999Z", "a"),
        ("createdTimeTo=2026-01-02T03:04:05.9999999Z", "a"),
        ("createdTimeTo=2026-01-02T03:04:05Z", ""),
        ("createdTimeFrom=2026-01-02T05:04:06%2B02:00&createdTimeTo=2026-01-02T03:04:08", "b c"),
        ("createdTimeFrom=garbage", "a b c d e"),
        ("createdTimeFrom=2027-01-01", ""),
        ("instanceIdPrefix=b", "b"),
        ("instanceIdPrefix=B", ""),
        ("instanceIdPrefix=", "a b c d e"),
        ("instanceIdPrefix=%25", ""),
        ("top=2", "a b"),
        ("top=0", "a b c d e"),
        ("top=-1", "a b c d e"),
        ("top=x", "a b c d e"),
    ] {
        assert_eq!(ids(&world, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_continuation_leads_through_every_page_once() {
    let world = World::new().await;
    five(&world).await;
    let (mut token, mut met, mut seen) = (String::new(), Vec::new(), Vec::new());
    loop {
        let header = [("X-MS-Continuation-Token", token.as_str())];
        let answer = world.ask("GET", "/instances?top=2", &header, "").await;
        for item in answer.json().as_array().unwrap() {
            met.push(item["instanceId"].as_str().unwrap().to_owned());
        }
        token = answer.continuation.unwrap();
        if token.is_empty() {
            break;
        }
        assert!(!seen.contains(&token), "{token} twice");
        seen.push(token.clone());
    }
    assert_eq!((met.concat().as_str(), seen.len()), ("abcde", 2));
    for bad in ["x", "0", "null", "é", "0100"] {
        let answer = world.ask("GET", "/instances", &[("x-ms-continuation-token", bad)], "").await;
        answer.is_error(400, "continuation token");
    }
}

#[tokio::test]
async fn a_page_is_100_unless_asked_and_1000_at_most() {
    let world = World::new().await;
    for number in 0..1_001 {
        world.given(&number.to_string(), Status::Running).await;
    }
    for (query, size) in [("", 100), ("top=101", 101), ("top=1000", 1_000), ("top=2147483647", 1_000)] {
        let answer = world.get(&format!("/instances?{query}")).await;
        assert_eq!(answer.json().as_array().unwrap().len(), size, "{query}");
        assert_ne!(answer.continuation.as_deref(), Some(""), "{query}");
    }
}

#[tokio::test]
async fn a_purge_by_filter_takes_ended_instances_and_tells_how_many() {
    const FROM: &str = "createdTimeFrom=2026-01-01";
    let purge =
        async |world: &World, query: &str| world.ask("DELETE", &format!("/instances?{query}"), &[], "").await;
    for (query, left) in [
        (FROM.to_owned(), "c e"),
        (format!("{FROM}&runtimeStatus=failed"), "a c d e"),
        (format!("{FROM}&runtimeStatus=Failed,Running,Pending&runtimeStatus=Completed"), "c d e"),
        (format!("{FROM}&createdTimeTo=2026-01-02T03:04:07"), "c d e"),
        ("createdTimeFrom=2026-01-02T03:04:06.999999Z".to_owned(), "a c e"),
    ] {
        let world = World::new().await;
        five(&world).await;
        let answer = purge(&world, &query).await;
        let gone = 5 - left.split(' ').count();
        assert_eq!(
            (answer.status, answer.body),
            (200, format!(r#"{{"instancesDeleted":{gone}}}"#)),
            "{query}"
        );
        assert_eq!(ids(&world, "").await, left, "{query}");
    }
}

#[tokio::test]
async fn a_purge_that_asks_for_nothing_that_may_go_takes_nothing() {
    let world = World::new().await;
    five(&world).await;
    let purge = async |query: &str| world.ask("DELETE", &format!("/instances?{query}"), &[], "").await;
    for query in [
        "runtimeStatus=Running",
        "runtimeStatus=Running,Pending,Suspended,ContinuedAsNew",
        "runtimeStatus=Nonsense",
        "runtimeStatus=",
        "createdTimeTo=2025-01-01",
        "taskHub=nowhere",
    ] {
        purge(&format!("createdTimeFrom=2020-01-01&{query}")).await.is_empty(404);
    }
    purge("createdTimeFrom=2030-01-01").await.is_empty(404);
    for query in ["", "createdTimeFrom=", "createdTimeFrom=garbage", "createdTimeTo=2030-01-01"] {
        let answer = purge(query).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json().as_str().unwrap().contains("createdTimeFrom"), "{answer:?}");
    }
    assert_eq!(world.store.count(), 5);
}
