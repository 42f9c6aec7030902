//! The second mount serves the same API, and its links lead to the first.

use super::*;

const RPC: &str = "http://host:7071/durabletask";

#[tokio::test]
async fn both_mounts_are_one_api_whose_links_lead_to_the_first() {
    let world = World::new().await;
    let started = world.ask("POST", &format!("{RPC}/orchestrators/F/a"), &[], "1").await;
    assert_eq!(started.status, 202);
    let first = format!("http://host:7071{WEBHOOK_BASE}/instances/a");
    assert!(started.location.as_ref().unwrap().starts_with(&format!("{first}?taskHub=")), "{started:?}");
    for path in ["/DurableTask/Instances/a/?x=%20y", "/durabletask/Instances/a/?x=%20y"] {
        let poll = world.get(&format!("http://host:7071{path}")).await;
        let expected = format!("http://host:7071{WEBHOOK_BASE}/Instances/a/?x=%20y");
        assert_eq!((poll.status, poll.location.unwrap()), (202, expected));
    }
    assert_eq!(world.get(&format!("{RPC}/instances/a")).await.body, world.get("/instances/a").await.body);
    world.ask("POST", &format!("{RPC}/instances/a/terminate"), &[], "").await.is_empty(202);
    assert_eq!(world.get("/instances/a").await.json()["runtimeStatus"], "Terminated");
    let again = world.ask("POST", &format!("{RPC}/instances/a/restart"), &[], "").await.json();
    let restart = again["restartPostUri"].as_str().unwrap();
    assert!(restart.starts_with(&format!("http://host:7071{WEBHOOK_BASE}/instances/")), "{restart}");
}

#[tokio::test]
async fn the_public_address_replaces_the_second_mount_too() {
    let public_base_url = Some("https://flows.example.com".into());
    let world = World::with(HttpSettings { public_base_url, ..HttpSettings::default() }, false).await;
    world.given("a", Status::Running).await;
    let poll = world.get(&format!("{RPC}/instances/a")).await;
    let expected = format!("https://flows.example.com{WEBHOOK_BASE}/instances/a");
    assert_eq!(poll.location, Some(expected));
}

#[tokio::test]
async fn what_only_resembles_a_mount_is_not_one() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    for path in [
        "/durabletaskx/instances/a",
        "/durabletask",
        "/durabletask/",
        "/x/durabletask/instances/a",
        "/instances/a",
    ] {
        world.get(&format!("http://host:7071{path}")).await.is_empty(404);
    }
}

#[tokio::test]
async fn making_it_primary_changes_nothing_and_succeeds() {
    let world = World::new().await;
    for method in ["POST", "GET", "PUT", "DELETE"] {
        world.ask(method, "/makeprimary", &[], "").await.is_empty(200);
        world.ask(method, &format!("{RPC}/MakePrimary/"), &[], "").await.is_empty(200);
    }
}
