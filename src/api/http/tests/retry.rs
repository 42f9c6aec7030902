//! `Idempotency-Key`: a repeated request starts nothing and is answered as the first one was.

use super::*;

async fn post(world: &World, path: &str, key: &str, body: &str) -> Answer {
    world.ask("POST", path, &[("Idempotency-Key", key)], body.to_owned()).await
}

/// Asserts that `again` is `first` once more, and says so.
fn is_replayed(first: &Answer, again: &Answer) {
    assert_eq!((first.status, first.replayed.as_deref()), (202, None));
    assert_eq!((again.status, again.replayed.as_deref()), (202, Some("true")), "{again:?}");
    assert_eq!((&again.body, &again.location), (&first.body, &first.location));
    assert_eq!(again.retry_after, first.retry_after);
}

fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_repeated_start_is_answered_with_the_same_instance_made_up_or_chosen() {
    for path in ["/orchestrators/F", "/orchestrators/F/a"] {
        let world = World::new().await;
        let first = post(&world, path, "k", "7").await;
        for _ in 0..3 {
            is_replayed(&first, &post(&world, path, "k", "7").await);
        }
        assert_eq!(world.store.count(), 1);
        let other = post(&world, "/orchestrators/F", "l", "7").await;
        assert_eq!((other.status, other.replayed.as_deref()), (202, None));
        assert_eq!(world.store.count(), 2);
    }
}

#[tokio::test]
async fn the_answer_stays_when_the_instance_has_ended_been_replaced_or_purged() {
    let world = World::new().await;
    let first = post(&world, "/orchestrators/F/a", "k", "7").await;
    let repeat = || post(&world, "/orchestrators/F/a", "k", "7");
    world.store.change("a", |kept| kept.record.status = Status::Completed);
    is_replayed(&first, &repeat().await);
    world.store.look("a", |kept| assert_eq!(kept.unwrap().record.status, Status::Completed));
    assert_eq!(world.post("/orchestrators/G/a", "").await.status, 202);
    is_replayed(&first, &repeat().await);
    world.store.look("a", |kept| assert_eq!(&*kept.unwrap().record.name, "G"));
    world.store.change("a", |kept| kept.record.status = Status::Failed);
    assert_eq!(world.ask("DELETE", "/instances/a", &[], "").await.status, 200);
    is_replayed(&first, &repeat().await);
    assert_eq!(world.store.count(), 0);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused_and_told_why() {
    let world = World::new().await;
    assert_eq!(post(&world, "/orchestrators/F/a?version=1", "k", "7").await.status, 202);
    for (path, body) in [
        ("/orchestrators/G/a?version=1", "7"),
        ("/orchestrators/f/a?version=1", "7"),
        ("/orchestrators/F/b?version=1", "7"),
        ("/orchestrators/F?version=1", "7"),
        ("/orchestrators/F/a?version=2", "7"),
        ("/orchestrators/F/a?version=", "7"),
        ("/orchestrators/F/a", "7"),
        ("/orchestrators/F/a?version=1", "8"),
        ("/orchestrators/F/a?version=1", " 7"),
        ("/orchestrators/F/a?version=1", ""),
        ("/orchestrators/F/a?version=1&onExisting=return", "7"),
        ("/instances/a/restart", ""),
    ] {
        let answer = post(&world, path, "k", body).await;
        answer.is_error(422, "Idempotency-Key \"k\" belongs to a request for something else");
        assert_eq!(answer.replayed, None);
    }
    assert_eq!(world.store.count(), 1);
    // What changes only the answer does not make it another request.
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("idempotency-key", "k"), ("traceparent", trace), ("prefer", "wait=0")];
    let path =
        "/ORCHESTRATORS/F/a/?version=1&connection=Other&showInput=false&onExisting=reject&taskHub=default";
    let again = world.ask("POST", path, &headers, "7").await;
    assert_eq!((again.status, again.replayed.as_deref(), world.store.count()), (202, Some("true"), 1));
}

#[tokio::test]
async fn a_key_that_breaks_the_rules_is_refused_by_its_name() {
    let world = World::new().await;
    for key in ["", " ", "a b", "\u{e9}", &"x".repeat(256)] {
        post(&world, "/orchestrators/F/a", key, "").await.is_error(400, "Idempotency-Key");
        post(&world, "/instances/a/restart", key, "").await.is_error(400, "Idempotency-Key");
    }
    let twice = [("idempotency-key", "k"), ("idempotency-key", "k")];
    world
        .ask("POST", "/orchestrators/F/a", &twice, "")
        .await
        .is_error(400, "Idempotency-Key must be given once");
    assert_eq!(world.store.count(), 0);
    let longest = "x".repeat(255);
    assert_eq!(post(&world, "/orchestrators/F/a", &longest, "").await.status, 202);
}

#[tokio::test]
async fn a_refused_start_leaves_the_key_free() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    post(&world, "/orchestrators/F/a", "k", "7").await.is_error(409, "already exists");
    post(&world, "/orchestrators/F/b", "k", "{bad").await.is_error(400, "JSON");
    post(&world, "/orchestrators/F/@b", "k", "7").await.is_error(400, "instanceId");
    post(&world, "/orchestrators/F/b?onExisting=x", "k", "7").await.is_error(400, "onExisting");
    post(&world, "/orchestrators/F/b?timeout=1&pollingInterval=2", "k", "7")
        .await
        .is_error(400, "pollingInterval");
    let large = format!("\"{}\"", "x".repeat(PAYLOAD_LIMIT));
    post(&world, "/orchestrators/F/b", "k", &large).await.is_error(413, "limit");
    post(&world, "/instances/none/restart", "k", "").await.is_error(400, "does not exist");
    let first = post(&world, "/orchestrators/F/b", "k", "7").await;
    is_replayed(&first, &post(&world, "/orchestrators/F/b", "k", "7").await);
}

#[tokio::test]
async fn a_repeated_start_may_wait_like_the_first() {
    let world = World::new().await;
    post(&world, "/orchestrators/F/a", "k", "7").await;
    let again = post(&world, "/orchestrators/F/a?timeout=0", "k", "7").await;
    assert_eq!((again.status, again.replayed.as_deref()), (202, Some("true")));
    world.store.change("a", |kept| {
        kept.record.status = Status::Completed;
        kept.payloads.output = Some("\"out\"".into());
    });
    let again = post(&world, "/orchestrators/F/a?timeout=20", "k", "7").await;
    assert_eq!(
        (again.status, again.body.as_str(), again.replayed.as_deref()),
        (200, "\"out\"", Some("true"))
    );
}

#[tokio::test]
async fn a_key_is_forgotten_in_time_and_is_its_hubs_own() {
    let world = World::with(HttpSettings::default(), true).await;
    let first = post(&world, "/orchestrators/F", "k", "").await;
    let elsewhere = post(&world, "/orchestrators/F?taskHub=other", "k", "").await;
    assert_eq!(elsewhere.replayed, None);
    assert_ne!(id_of(&first), id_of(&elsewhere));
    world.clock.0.fetch_add(3_600_000_000, Ordering::Relaxed);
    is_replayed(&first, &post(&world, "/orchestrators/F", "k", "").await);
    world.clock.0.fetch_add(1, Ordering::Relaxed);
    let fresh = post(&world, "/orchestrators/F", "k", "").await;
    assert_eq!((fresh.status, fresh.replayed.as_deref()), (202, None));
    assert_ne!(id_of(&fresh), id_of(&first));
}

#[tokio::test]
async fn a_repeated_restart_is_answered_with_the_same_instance() {
    for query in ["", "?newInstanceId=b", "?restartWithNewInstanceId=false", "?newInstanceId=a", "?version=2"]
    {
        let world = World::new().await;
        world.given("a", Status::Completed).await;
        let path = format!("/instances/a/restart{query}");
        let first = post(&world, &path, "k", "").await;
        let count = world.store.count();
        is_replayed(&first, &post(&world, &path, "k", "").await);
        // The instance that was restarted may be gone by now.
        let id = id_of(&first);
        for gone in ["a", &id] {
            if world.store.look(gone, |kept| kept.is_some()) {
                world.store.change(gone, |kept| kept.record.status = Status::Completed);
                assert_eq!(world.ask("DELETE", &format!("/instances/{gone}"), &[], "").await.status, 200);
            }
        }
        is_replayed(&first, &post(&world, &path, "k", "").await);
        assert_eq!((count, world.store.count()), (if id == "a" { 1 } else { 2 }, 0));
        let other =
            format!("/instances/a/restart{query}{}version=3", if query.is_empty() { '?' } else { '&' });
        post(&world, &other, "k", "").await.is_error(422, "\"k\"");
        post(&world, "/orchestrators/F/a", "k", "").await.is_error(422, "\"k\"");
        post(&world, &path, "l", "").await.is_error(400, "does not exist");
    }
}
