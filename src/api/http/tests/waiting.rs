//! Waiting: by `timeout` and by preference, on start, restart and status; what it costs, and what ends it.

use super::*;
use futures_util::future::join_all;

const PREFER: (&str, &str) = ("prefer", "wait=20");

/// Ends `a` with `"out"` as soon as `callers` wait.
async fn end_when_waited_for(world: &World, callers: usize) {
    while world.manager.waiting() < callers {
        tokio::task::yield_now().await;
    }
    world.store.change("a", |kept| {
        kept.record.status = Status::Completed;
        kept.payloads.output = Some("\"out\"".into());
    });
}

#[tokio::test]
async fn a_preference_waits_on_start_and_restart_as_a_timeout_does() {
    for (method, path) in
        [("POST", "/orchestrators/F/a"), ("POST", "/instances/a/restart?restartWithNewInstanceId=false")]
    {
        let world = World::new().await;
        if path.contains("restart") {
            world.given("a", Status::Terminated).await;
        }
        let (answer, ()) =
            tokio::join!(world.ask(method, path, &[PREFER], ""), end_when_waited_for(&world, 1));
        assert_eq!((answer.status, answer.body.as_str()), (200, "\"out\""), "{path}");
        assert_eq!(answer.preference_applied.as_deref(), Some("wait=20"));
    }
}

#[tokio::test]
async fn the_answer_says_how_long_a_preference_was_honoured() {
    let settings = HttpSettings { wait_cap: Duration::from_secs(5), ..HttpSettings::default() };
    let world = World::with(settings, false).await;
    world.given("done", Status::Completed).await;
    for (query, prefer, applied) in [
        ("", "wait=3", Some("wait=3")),
        ("", "respond-async, wait=\"3\"", Some("wait=3")),
        ("", "wait=3000", Some("wait=5")),
        ("", "wait=0", Some("wait=0")),
        ("", "wait=soon", None),
        ("", "return=minimal", None),
        ("?timeout=3", "wait=4", None),
        ("?timeout=soon", "wait=4", Some("wait=4")),
    ] {
        let answer = world.ask("GET", &format!("/instances/done{query}"), &[("prefer", prefer)], "").await;
        assert_eq!((answer.status, answer.preference_applied.as_deref()), (200, applied), "{query} {prefer}");
    }
    assert_eq!(world.get("/instances/done").await.preference_applied, None);
}

#[tokio::test]
async fn a_status_poll_waits_for_the_end_and_answers_as_ever() {
    for (query, headers) in [("?timeout=20", &[][..]), ("", &[PREFER]), ("?timeout=20&showHistory=true", &[])]
    {
        let world = World::new().await;
        world.given("a", Status::Running).await;
        let path = format!("/instances/a{query}");
        let (answer, ()) = tokio::join!(world.ask("GET", &path, headers, ""), end_when_waited_for(&world, 1));
        assert_eq!((answer.status, &answer.location, &answer.retry_after), (200, &None, &None));
        assert_eq!(
            (&answer.json()["output"], &answer.json()["runtimeStatus"]),
            (&"out".into(), &"Completed".into())
        );
        let plain = world.get(&path.replace("timeout=20", "x=y")).await;
        assert_eq!(answer.body, plain.body);
    }
}

#[tokio::test]
async fn a_status_poll_that_runs_out_of_time_answers_as_ever() {
    let world = World::new().await;
    world.given("a", Status::Suspended).await;
    let plain = world.get("/instances/a").await;
    for (query, headers) in
        [("?timeout=0.01", &[][..]), ("?timeout=0", &[]), ("?timeout=-1", &[]), ("", &[("prefer", "wait=0")])]
    {
        let path = format!("/instances/a{query}");
        let answer = world.ask("GET", &path, headers, "").await;
        assert_eq!((answer.status, answer.retry_after.as_deref()), (202, Some("5")), "{query}");
        assert_eq!(answer.body, plain.body);
        let itself = format!("http://host:7071{WEBHOOK_BASE}{path}");
        assert_eq!(answer.location.as_deref(), Some(itself.as_str()), "the next poll waits, too");
    }
    world.get("/instances/a?timeout=1&pollingInterval=2").await.is_error(400, "pollingInterval");
    let answer = world.ask("GET", "/instances/a?pollingInterval=30", &[PREFER], "").await;
    answer.is_error(400, "the wait in Prefer (20 s)");
}

#[tokio::test]
async fn a_failed_instance_that_was_waited_for_is_an_error_only_if_asked_for() {
    let world = World::new().await;
    world.given("a", Status::Failed).await;
    assert_eq!(world.get("/instances/a?timeout=20").await.status, 200);
    assert_eq!(
        world.get("/instances/a?timeout=20&returnInternalServerErrorOnFailure=true").await.status,
        500
    );
}

#[tokio::test]
async fn nobody_waits_for_what_is_not_there_or_goes_away() {
    let world = World::new().await;
    world.ask("GET", "/instances/none", &[PREFER], "").await.is_empty(404);
    world.get("/instances/none?timeout=200&showHistory=true").await.is_empty(404);
    world.get("/instances/none?timeout=200&taskHub=other").await.is_empty(404);
    world.given("a", Status::Running).await;
    let purge = async {
        while world.manager.waiting() < 2 {
            tokio::task::yield_now().await;
        }
        world.store.vanish("a");
    };
    let (plain, history, ()) = tokio::join!(
        world.get("/instances/a?timeout=200"),
        world.get("/instances/a?timeout=200&showHistory=true"),
        purge
    );
    plain.is_empty(404);
    history.is_empty(404);
}

#[tokio::test]
async fn a_server_that_shuts_down_answers_those_who_poll() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let leaving = async {
        while world.manager.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        world.leaving.cancel();
    };
    let both = async { tokio::join!(world.ask("GET", "/instances/a", &[PREFER], ""), leaving) };
    let (answer, ()) =
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("long before 20 seconds");
    assert_eq!((answer.status, answer.retry_after.as_deref()), (202, Some("5")));
    assert_eq!(world.manager.waiting(), 0);
}

#[tokio::test]
async fn a_caller_who_hangs_up_waits_no_more() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let hang_up = async {
        while world.manager.waiting() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = world.get("/instances/a?timeout=200") => panic!("{answer:?}"),
        answer = world.post("/orchestrators/F/a?onExisting=return&timeout=200", "") => panic!("{answer:?}"),
        () = hang_up => {}
    }
    assert_eq!(world.manager.waiting(), 0);
}

#[tokio::test]
async fn thousands_of_waits_read_twice_each_however_many_turns_pass() {
    const CALLERS: usize = 2_000;
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let before = world.store.reads();
    let turns = async {
        while world.manager.waiting() < CALLERS {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.store.reads() - before, CALLERS, "one look each");
        for turn in 0..1_000 {
            world.store.change("a", |kept| kept.record.turn = turn);
            if turn % 10 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(world.store.reads() - before, CALLERS, "turns cost nothing");
        end_when_waited_for(&world, CALLERS).await;
    };
    let (answers, ()) =
        tokio::join!(join_all((0..CALLERS).map(|_| world.get("/instances/a?timeout=200"))), turns);
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!((world.store.reads() - before, world.manager.waiting()), (2 * CALLERS, 0));
}
