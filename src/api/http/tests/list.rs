//! Listing and counting instances, and purging by filter.

use super::*;
use crate::model::{InstanceId, ParentRef};

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

/// `a` to `e` with what only durahub's own parameters ask for.
async fn labelled() -> World {
    let world = World::new().await;
    five(&world).await;
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    world.store.change("a", |kept| kept.record.name = "G".into());
    world.store.change("b", |kept| {
        kept.record.name = "a,b".into();
        kept.record.version = Some("1.0".into());
        kept.record.tags = [tag("team", "red"), tag("x", "1:2")].into();
    });
    world.store.change("c", |kept| {
        kept.record.version = Some("2".into());
        kept.record.tags = [tag("team", "blue")].into();
        kept.record.updated_at = Timestamp(BEGIN.0 + 10_000_000);
    });
    world.store.change("d", |kept| {
        let id = InstanceId::lookup("a");
        kept.record.parent = Some(ParentRef { id, execution_id: "e".into(), task_id: 0 });
    });
    world
}

#[tokio::test]
async fn own_filters_hold_together_with_the_others() {
    let world = labelled().await;
    for (query, expected) in [
        ("name=F", "c d e"),
        ("name=F&name=G", "a c d e"),
        ("name=a,b", "b"),
        ("name=f", ""),
        ("NAME=G&runtimeStatus=Failed", ""),
        ("version=1.0&version=2", "b c"),
        ("tag=team", "b c"),
        ("tag=team:red", "b"),
        ("tag=team:red&tag=x:1:2", "b"),
        ("tag=team:blue&tag=x", ""),
        ("parentInstanceId=a", "d"),
        ("topLevel=true", "a b c e"),
        ("topLevel=false", "a b c d e"),
        ("entities=false", "a b c d e"),
        ("lastUpdatedTimeFrom=2026-01-02T03:04:09.5Z", "c e"),
        ("lastUpdatedTimeTo=2026-01-02T03:04:06.999999Z", "a b"),
        ("order=createdTime+desc", "e d c b a"),
        ("order=lastUpdatedTime", "a b d e c"),
        ("order=lastUpdatedTime+desc&top=2", "c e"),
        ("order=id+desc&runtimeStatus=Running,Failed", "c b"),
    ] {
        assert_eq!(ids(&world, query).await, expected, "{query}");
    }
    for (query, part) in [
        ("lastUpdatedTimeFrom=soon", "lastUpdatedTimeFrom"),
        ("topLevel=maybe", "topLevel"),
        ("entities=maybe", "entities"),
        ("tag=:x", "tag"),
        ("order=name", "order"),
    ] {
        world.get(&format!("/instances?{query}")).await.is_error(400, part);
        world.get(&format!("/instances?taskHub=nowhere&{query}")).await.is_error(400, part);
    }
}

#[tokio::test]
async fn the_link_to_the_next_page_works_by_itself_and_for_its_own_list_only() {
    let world = labelled().await;
    for (query, expected) in [
        ("top=2", "a b c d e"),
        ("top=2&order=createdTime+desc", "e d c b a"),
        ("top=1&order=lastUpdatedTime+desc&topLevel=true", "c e b a"),
        ("top=1&order=id&tag=team", "b c"),
    ] {
        let (mut path, mut met) = (format!("/instances?{query}"), Vec::new());
        loop {
            let answer = world.get(&path).await;
            let page = answer.json();
            assert_ne!(page.as_array().unwrap().len(), 0, "an empty page");
            met.extend(
                page.as_array().unwrap().iter().map(|item| item["instanceId"].as_str().unwrap().to_owned()),
            );
            match answer.link {
                Some(link) => path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned(),
                None => break assert_eq!(answer.continuation.as_deref(), Some("")),
            }
        }
        assert_eq!(met.join(" "), expected, "{query}");
    }
    let token = world.get("/instances?top=2&name=F").await.continuation.unwrap();
    for query in
        ["", "name=G", "name=F&order=id", "name=F&order=createdTime+desc", "name=F&runtimeStatus=Running"]
    {
        let path = format!("/instances?{query}&continuationToken={token}");
        world.get(&path).await.is_error(400, "continuation token");
        let header = [("x-ms-continuation-token", token.as_str())];
        let answer = world.ask("GET", &format!("/instances?{query}"), &header, "").await;
        answer.is_error(400, "repeat those of the page before");
    }
    assert_eq!(ids(&world, &format!("name=F&top=7&continuationToken={token}")).await, "e");
}

#[tokio::test]
async fn counts_are_by_status_and_name_all_of_them() {
    let world = labelled().await;
    let counts = async |query: &str| {
        let answer = world.get(&format!("http://host:7071/api/v1/counts{query}")).await;
        assert_eq!(answer.status, 200, "{query}");
        answer
    };
    expect_test::expect![[r#"{"total":5,"byStatus":{"Running":1,"Completed":1,"ContinuedAsNew":0,"Failed":1,"Canceled":0,"Terminated":1,"Pending":1,"Suspended":0}}"#]]
        .assert_eq(&counts("").await.body);
    for (query, total) in [
        ("?name=F", 3),
        ("?runtimeStatus=Failed,Running&tag=team", 2),
        ("?runtimeStatus=Nonsense", 0),
        ("?parentInstanceId=a", 1),
        ("?taskHub=nowhere", 0),
    ] {
        assert_eq!(counts(query).await.json()["total"], total, "{query}");
    }
    world.get("http://host:7071/api/v1/counts?topLevel=x").await.is_error(400, "topLevel");
    world.ask("POST", "http://host:7071/api/v1/counts", &[], "").await.is_empty(404);
    world.get("http://host:7071/api/v1/other").await.is_empty(404);
}

#[tokio::test]
async fn a_purge_takes_no_more_than_the_filter_says() {
    for (query, left) in [
        ("name=G", "b c d e"),
        ("tag=team:red", "a c d e"),
        ("instanceIdPrefix=d", "a b c e"),
        ("topLevel=true&runtimeStatus=Completed,Terminated", "b c d e"),
    ] {
        let world = labelled().await;
        let path = format!("/instances?createdTimeFrom=2026-01-01&{query}");
        assert_eq!(world.ask("DELETE", &path, &[], "").await.body, r#"{"instancesDeleted":1}"#, "{query}");
        assert_eq!(ids(&world, "").await, left, "{query}");
    }
    let world = labelled().await;
    world
        .ask("DELETE", "/instances?createdTimeFrom=2026-01-01&topLevel=x", &[], "")
        .await
        .is_error(400, "topLevel");
}

#[tokio::test]
async fn a_purge_that_shutdown_keeps_from_beginning_says_so() {
    let world = World::new().await;
    five(&world).await;
    world.leaving.cancel();
    let answer = world.ask("DELETE", "/instances?createdTimeFrom=2026-01-01", &[], "").await;
    answer.is_error(503, "shutting down");
    assert_eq!(world.store.count(), 5);
}

#[tokio::test]
async fn a_refusal_repeats_no_more_of_a_word_than_an_answer_should_carry() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let long = "%C3%BC".repeat(2_000);
    for (method, target) in [
        ("GET", format!("/instances?order={long}")),
        ("GET", format!("/instances?lastUpdatedTimeFrom={long}")),
        ("DELETE", format!("/instances?createdTimeFrom=2026-01-01&lastUpdatedTimeTo={long}")),
        ("GET", format!("/instances?topLevel={long}")),
        ("GET", format!("/instances?tag=:{long}")),
        ("GET", format!("/instances/a?showHistory=true&historyTop={long}")),
        ("POST", format!("/orchestrators/F/b?onExisting={long}")),
        ("POST", format!("/orchestrators/F/b?taskHub={long}")),
        ("POST", format!("/orchestrators/{long}/b")),
        ("POST", format!("/orchestrators/F/{long}")),
        ("POST", format!("/instances/a/restart?newInstanceId={long}")),
        ("POST", format!("/instances/{long}/restart")),
        ("POST", format!("/instances/{long}/rewind")),
    ] {
        let answer = world.ask(method, &target, &[], "").await;
        let shown = &target[..60];
        assert!((400..500).contains(&answer.status), "{shown}: {}", answer.status);
        // Twice in the body, two bytes a character.
        assert!(answer.body.len() < 2 * 2 * 256 + 500, "{shown}: {} bytes", answer.body.len());
    }
}
