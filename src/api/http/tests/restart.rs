//! Restarting: which instance it makes, whom it refuses, and waiting for it as for a start.

use super::{start::LINKS, *};
use crate::model::{failure, pb::history_event::EventType};

/// An instance whose every part that a restart repeats has an unusual value.
async fn given_rich(world: &World, id: &str, status: Status) {
    world.given(id, status).await;
    world.store.change(id, |kept| {
        kept.payloads.input = Some(INPUT.into());
        kept.payloads.output = Some("\"old\"".into());
        kept.payloads.custom_status = Some("\"old\"".into());
        kept.record.version = Some("2.1".into());
        kept.record.tags = [("team".to_owned(), "blue".to_owned())].into();
        kept.record.execution_id = "old-execution".into();
    });
}

const INPUT: &str = " {\"n\" : 1.50}\n";

/// Asserts that `id` has just been started with all that [`given_rich`] gave.
fn is_again(world: &World, id: &str) {
    world.store.look(id, |kept| {
        let kept = kept.expect("the new instance exists");
        assert_eq!((kept.record.status, kept.record.turn), (Status::Pending, 0));
        assert_eq!((&*kept.record.name, kept.record.version.as_deref()), ("F", Some("2.1")));
        assert_eq!((kept.payloads.input.as_deref(), &kept.payloads.output), (Some(INPUT), &None));
        assert_eq!(kept.payloads.custom_status, None);
        assert_eq!(kept.record.tags.get("team").map(String::as_str), Some("blue"));
        assert_eq!(kept.record.created_at, Timestamp(BEGIN.0 + 3_000_000));
        assert_ne!(kept.record.execution_id, "old-execution");
        let Some(EventType::ExecutionStarted(started)) = &kept.inbox[0].events[0].event_type else {
            panic!("the first message starts the execution")
        };
        let instance = started.orchestration_instance.as_ref().unwrap();
        assert_eq!(instance.instance_id, id);
        assert_eq!(instance.execution_id.as_deref(), Some(kept.record.execution_id.as_str()));
        assert_eq!((started.input.as_deref(), started.tags.len()), (Some(INPUT), 1));
    });
}

#[tokio::test]
async fn a_new_id_leaves_the_old_instance_as_it_is_whatever_its_status() {
    for status in LIVE.into_iter().chain(ENDED) {
        for query in [
            "",
            "?restartWithNewInstanceId=True",
            "?restartWithNewInstanceId=",
            "?restartWithNewInstanceId=no",
        ] {
            let world = World::new().await;
            given_rich(&world, "a", status).await;
            let before = world.get("/instances/a").await.body;
            world.clock.0.fetch_add(3_000_000, Ordering::Relaxed);
            let answer = world.ask("POST", &format!("/instances/a/restart{query}"), &[], "").await;
            assert_eq!(
                (answer.status, answer.retry_after.as_deref()),
                (202, Some("10")),
                "{status:?}{query}"
            );
            assert_eq!(answer.fields(), LINKS);
            let body = answer.json();
            let id = body["id"].as_str().unwrap();
            assert!(id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{id}");
            assert_eq!(answer.location.as_deref(), body["statusQueryGetUri"].as_str());
            is_again(&world, id);
            assert_eq!((world.get("/instances/a").await.body, world.store.count()), (before, 2));
        }
    }
}

#[tokio::test]
async fn the_same_id_is_replaced_once_it_has_ended_and_refused_before() {
    for status in ENDED {
        let world = World::new().await;
        given_rich(&world, "a b", status).await;
        world.clock.0.fetch_add(3_000_000, Ordering::Relaxed);
        let answer = world.post("/instances/a+b/RESTART?restartWithNewInstanceId=FALSE", "").await;
        assert_eq!((answer.status, answer.json()["id"].as_str()), (202, Some("a b")), "{status:?}");
        is_again(&world, "a b");
        assert_eq!(world.store.count(), 1);
    }
    for status in LIVE {
        let world = World::new().await;
        given_rich(&world, "a", status).await;
        let before = world.get("/instances/a").await.body;
        let answer = world.post("/instances/a/restart?restartWithNewInstanceId=false", "").await;
        answer.is_error(409, "cannot restart instance a");
        assert_eq!(world.get("/instances/a").await.body, before);
    }
}

#[tokio::test]
async fn an_unknown_instance_is_a_bad_argument() {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    for path in [
        "/instances/b/restart",
        "/instances/b/restart?restartWithNewInstanceId=false",
        "/instances/A/restart",
    ] {
        world.post(path, "").await.is_error(400, "does not exist");
    }
    world.post("/instances/a/restart?taskHub=other", "").await.is_error(400, "\"other\" does not exist");
    world.post("/instances/a/restart?timeout=1&pollingInterval=2", "").await.is_error(400, "pollingInterval");
    assert_eq!(world.store.count(), 1, "nothing was started");
    world.get("/instances/a/restart").await.is_empty(404);
}

#[tokio::test]
async fn without_input_it_stays_without() {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    world.store.change("a", |kept| kept.payloads.input = None);
    assert_eq!(world.post("/instances/a/restart?restartWithNewInstanceId=false", "5").await.status, 202);
    world.store.look("a", |kept| assert_eq!(kept.unwrap().payloads.input, None));
}

#[tokio::test]
async fn what_limits_would_refuse_today_starts_again() {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    let large = format!("\"{}\"", "x".repeat(2 * PAYLOAD_LIMIT));
    world.store.change("a", |kept| kept.payloads.input = Some(large.clone()));
    let id = world.post("/instances/a/restart", "").await.json()["id"].as_str().unwrap().to_owned();
    world.store.look(&id, |kept| assert_eq!(kept.unwrap().payloads.input, Some(large)));
}

#[tokio::test]
async fn a_waiting_restart_is_answered_by_the_new_end_and_not_by_the_old() {
    for (status, code) in [(Status::Completed, 200), (Status::Failed, 500)] {
        let world = World::new().await;
        given_rich(&world, "a", Status::Completed).await;
        let store = world.store.clone();
        let worker = tokio::spawn(async move {
            while store.look("a", |kept| kept.unwrap().record.status != Status::Pending) {
                tokio::task::yield_now().await;
            }
            store.change("a", |kept| {
                kept.record.status = status;
                kept.payloads.output = Some("\"new\"".into());
                kept.payloads.failure = (status == Status::Failed).then(|| failure("Boom", "12", false));
            });
        });
        let query = "restartWithNewInstanceId=false&timeout=20&returnInternalServerErrorOnFailure=true";
        let answer = world.post(&format!("/instances/a/restart?{query}"), "").await;
        worker.await.unwrap();
        assert_eq!((answer.status, &answer.location), (code, &None));
        match status {
            Status::Completed => assert_eq!(answer.body, "\"new\""),
            _ => assert_eq!(answer.json()["runtimeStatus"], "Failed"),
        }
    }
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    let answer = world.post("/instances/a/restart?timeout=0&pollingInterval=0", "").await;
    assert_eq!(answer.status, 202, "one look, and it has not ended");
}

#[tokio::test]
async fn a_new_id_may_be_chosen_by_the_rules_of_a_start() {
    for operation in ["restart", "restartWithOptions", "RESTARTWITHOPTIONS"] {
        let world = World::new().await;
        given_rich(&world, "a", Status::Running).await;
        world.clock.0.fetch_add(3_000_000, Ordering::Relaxed);
        let restart = |query: &str| {
            let path = format!("/instances/a/{operation}?{query}");
            let world = &world;
            async move { world.post(&path, "").await }
        };
        let answer = restart("newInstanceId=b+c&restartWithNewInstanceId=true").await;
        assert_eq!((answer.status, answer.json()["id"].as_str()), (202, Some("b c")), "{operation}");
        assert_eq!(answer.fields(), LINKS);
        is_again(&world, "b c");
        assert_eq!(world.store.count(), 2);
        restart("newInstanceId=b+c").await.is_error(409, "instance b c already exists and is Pending");
        restart("newInstanceId=a").await.is_error(409, "cannot restart instance a: it is Running");
        for bad in ["@x", "a%2Fb", "..", "%07", &"x".repeat(257)] {
            restart(&format!("newInstanceId={bad}")).await.is_error(400, "instanceId");
        }
        assert_eq!(world.store.count(), 2);
        // An ended one is replaced, as a start replaces it.
        world.store.change("b c", |kept| kept.record.status = Status::Failed);
        assert_eq!(restart("newInstanceId=b+c").await.status, 202);
        is_again(&world, "b c");
        assert_eq!(restart("newInstanceId=").await.json()["id"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn a_new_id_and_the_same_id_contradict_each_other() {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    for id in ["a", "b"] {
        let path = format!("/instances/a/restart?newInstanceId={id}&restartWithNewInstanceId=False");
        let refused = "newInstanceId and restartWithNewInstanceId=false contradict";
        world.post(&path, "").await.is_error(400, refused);
    }
    assert_eq!(world.store.count(), 1);
    let own = world.post("/instances/a/restart?newInstanceId=a", "").await;
    assert_eq!((own.status, own.json()["id"].as_str(), world.store.count()), (202, Some("a"), 1));
}

#[tokio::test]
async fn another_version_may_be_chosen_and_an_empty_one_is_one() {
    for (query, version) in [("", "2.1"), ("&version=3.0+b", "3.0 b"), ("&version=", "")] {
        let world = World::new().await;
        given_rich(&world, "a", Status::Completed).await;
        assert_eq!(world.post(&format!("/instances/a/restart?newInstanceId=b{query}"), "").await.status, 202);
        assert_eq!(world.get("/instances/b").await.json()["version"], version, "{query}");
        world.store.look("b", |kept| {
            let message = &kept.unwrap().inbox[0];
            let Some(EventType::ExecutionStarted(started)) = &message.events[0].event_type else { panic!() };
            assert_eq!(started.version.as_deref(), Some(version));
        });
    }
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    let long = "x".repeat(257);
    world.post(&format!("/instances/a/restart?version={long}"), "").await.is_error(400, "version");
}

#[tokio::test]
async fn entities_have_no_beginning_to_run_from() {
    let world = World::new().await;
    for query in ["", "?restartWithNewInstanceId=false", "?newInstanceId=b"] {
        let answer = world.post(&format!("/instances/@counter@k/restart{query}"), "").await;
        answer.is_error(400, "ids that begin with '@' belong to entities");
    }
}
