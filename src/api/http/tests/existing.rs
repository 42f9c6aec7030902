//! `onExisting`: what a start does when its id is taken.

use super::{start::LINKS, *};

#[tokio::test]
async fn a_live_instance_is_returned_if_the_caller_says_so() {
    for status in LIVE {
        let world = World::new().await;
        world.given("a b", status).await;
        let before = world.get("/instances/a+b").await.body;
        for query in ["onExisting=return", "ONEXISTING=+Return+"] {
            let answer = world.post(&format!("/orchestrators/G/a+b?{query}"), "8").await;
            assert_eq!((answer.status, answer.retry_after.as_deref()), (200, Some("10")), "{status:?}");
            assert_eq!(answer.fields(), LINKS);
            let body = answer.json();
            assert_eq!(
                (body["id"].as_str(), answer.location.as_deref()),
                (Some("a b"), body["statusQueryGetUri"].as_str())
            );
            assert_eq!(world.get("/instances/a+b").await.body, before);
        }
        for query in ["", "?onExisting=reject", "?onexisting=REJECT"] {
            world.post(&format!("/orchestrators/G/a+b{query}"), "8").await.is_error(409, "already exists");
        }
        assert_eq!(world.store.count(), 1);
    }
}

#[tokio::test]
async fn a_free_id_is_started_and_an_ended_instance_is_replaced() {
    let world = World::new().await;
    assert_eq!(world.post("/orchestrators/F/a?onExisting=return", "").await.status, 202);
    assert_eq!(world.post("/orchestrators/F?onExisting=return", "").await.status, 202);
    for status in ENDED {
        world.store.change("a", |kept| kept.record.status = status);
        assert_eq!(world.post("/orchestrators/F/a?onExisting=return", "").await.status, 202, "{status:?}");
        world.store.look("a", |kept| assert_eq!(kept.unwrap().record.status, Status::Pending));
    }
}

#[tokio::test]
async fn any_other_word_is_refused_and_the_allowed_ones_are_named() {
    let world = World::new().await;
    for query in ["onExisting=replace", "onExisting=", "onExisting=return&onExisting=return", "onExisting=1"]
    {
        world
            .post(&format!("/orchestrators/F/a?{query}"), "")
            .await
            .is_error(400, "must be reject or return");
    }
    assert_eq!(world.store.count(), 0);
}

#[tokio::test]
async fn whoever_waits_waits_for_the_existing_one_and_200_means_that_it_has_ended() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let path = "/orchestrators/F/a?onExisting=return";
    let answer = world.post(&format!("{path}&timeout=0"), "").await;
    assert_eq!((answer.status, answer.fields()), (202, LINKS.map(str::to_owned).to_vec()));
    let target = format!("{path}&timeout=20");
    let waiting = world.post(&target, "");
    let ending = async {
        while world.manager.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        world.store.change("a", |kept| {
            kept.record.status = Status::Completed;
            kept.payloads.output = Some("\"out\"".into());
        });
    };
    let (answer, ()) = tokio::join!(waiting, ending);
    assert_eq!((answer.status, answer.body.as_str(), answer.location), (200, "\"out\"", None));
}

#[tokio::test]
async fn a_repeated_request_is_told_again_that_the_instance_was_there() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let ask = || world.ask("POST", "/orchestrators/F/a?onExisting=return", &[("idempotency-key", "k")], "");
    let first = ask().await;
    world.store.change("a", |kept| kept.record.status = Status::Completed);
    let again = ask().await;
    assert_eq!((first.status, again.status, again.replayed.as_deref()), (200, 200, Some("true")));
    assert_eq!(again.body, first.body);
    world.store.look("a", |kept| assert_eq!(kept.unwrap().record.status, Status::Completed));
}

/// As the setting AnyState makes it.
async fn replacing() -> World {
    World::with(HttpSettings { replaces_any_state: true, ..HttpSettings::default() }, false).await
}

#[tokio::test]
async fn where_any_state_may_be_replaced_a_live_instance_goes_without_a_word() {
    for status in LIVE.into_iter().chain(ENDED) {
        let world = replacing().await;
        world.given("a", status).await;
        let old = world.store.look("a", |kept| kept.unwrap().record.key);
        assert_eq!(world.post("/orchestrators/G/a", "8").await.status, 202, "{status:?}");
        world.store.look("a", |kept| {
            let kept = kept.unwrap();
            assert_eq!((&*kept.record.name, kept.record.status), ("G", Status::Pending));
            assert_ne!(kept.record.key, old);
            // The start is all it has: nobody has tried to terminate it first.
            assert_eq!(kept.inbox.len(), 1);
        });
        assert_eq!(world.store.count(), 1);
    }
}

#[tokio::test]
async fn what_the_request_says_wins_over_the_setting() {
    let world = replacing().await;
    world.given("a", Status::Running).await;
    let before = world.get("/instances/a").await.body;
    assert_eq!(world.post("/orchestrators/G/a?onExisting=return", "8").await.status, 200);
    world.post("/orchestrators/G/a?onExisting=reject", "8").await.is_error(409, "already exists");
    assert_eq!(world.get("/instances/a").await.body, before);
}

#[tokio::test]
async fn a_request_that_is_repeated_replaces_nothing() {
    let world = replacing().await;
    let ask = || world.ask("POST", "/orchestrators/F/a", &[("idempotency-key", "k")], "");
    assert_eq!(ask().await.status, 202);
    let made = world.store.look("a", |kept| kept.unwrap().record.key);
    let again = ask().await;
    assert_eq!((again.status, again.replayed.as_deref()), (202, Some("true")));
    assert_eq!(world.store.look("a", |kept| kept.unwrap().record.key), made);
}
