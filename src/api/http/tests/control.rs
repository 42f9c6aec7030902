//! Raising events, terminate, suspend, resume and purge, in every status.

use super::*;
use crate::model::{StatusExt as _, pb::history_event::EventType};

/// What `METHOD path` answers for an instance in each of these statuses, and for an unknown one.
async fn matrix(request: &str, unknown: u16, expected: &[(Status, u16)]) {
    let (method, path) = request.split_once(' ').unwrap();
    let json = [("content-type", "application/json")];
    let world = World::new().await;
    assert_eq!(world.ask(method, path, &json, "").await.status, unknown, "{request}");
    for (status, code) in expected {
        let world = World::new().await;
        world.given("a", *status).await;
        let answer = world.ask(method, path, &json, "").await;
        assert_eq!(answer.status, *code, "{request} while {status:?}");
        match code {
            409 => answer.is_error(409, &format!("it is {}", status.name())),
            412 => assert!(answer.json().as_str().unwrap().contains("cannot purge"), "{answer:?}"),
            200 => assert_eq!(answer.body, r#"{"instancesDeleted":1}"#),
            _ => answer.is_empty(*code),
        }
    }
}

fn all(live: u16, ended: u16) -> Vec<(Status, u16)> {
    let live = LIVE.map(|status| (status, live));
    live.into_iter().chain(ENDED.map(|status| (status, ended))).collect()
}

/// [`all`] with another code for one status.
fn except(status: Status, code: u16, mut rest: Vec<(Status, u16)>) -> Vec<(Status, u16)> {
    rest.iter_mut().filter(|(other, _)| *other == status).for_each(|(_, other)| *other = code);
    rest
}

#[tokio::test]
async fn the_state_matrix_holds() {
    matrix("POST /instances/a/raiseEvent/Go", 404, &all(202, 410)).await;
    matrix("POST /instances/a/terminate", 404, &all(202, 410)).await;
    matrix("POST /instances/a/suspend", 404, &except(Status::Suspended, 409, all(202, 410))).await;
    matrix("POST /instances/a/resume", 404, &except(Status::Suspended, 202, all(409, 410))).await;
    matrix("DELETE /instances/a", 404, &all(412, 200)).await;
}

#[tokio::test]
async fn an_event_is_stored_as_sent_and_an_empty_one_is_null() {
    let world = World::new().await;
    world.given("a", Status::Pending).await;
    for (path, body) in [("Go", " {\"x\" : 1.0}"), ("Go+now%21", "")] {
        let json = [("content-type", "Application/JSON; charset=utf-8")];
        world.ask("POST", &format!("/instances/a/RaiseEvent/{path}"), &json, body).await.is_empty(202);
    }
    let events = world.store.look("a", |kept| {
        let inbox = &kept.unwrap().inbox;
        let raised =
            inbox.iter().flat_map(|message| &message.events).filter_map(|event| match &event.event_type {
                Some(EventType::EventRaised(raised)) => {
                    Some((raised.name.clone(), raised.input.clone().unwrap()))
                }
                _ => None,
            });
        raised.collect::<Vec<_>>()
    });
    let expected = [("Go", " {\"x\" : 1.0}"), ("Go now!", "null")];
    assert_eq!(events, expected.map(|(name, input)| (name.to_owned(), input.to_owned())));
}

#[tokio::test]
async fn an_event_is_checked_in_the_documented_order() {
    let world = World::new().await;
    world.given("live", Status::Running).await;
    world.given("ended", Status::Completed).await;
    let text = [("content-type", "text/plain")];
    let raise = |id: &str| format!("/instances/{id}/raiseEvent/Go");
    world.ask("POST", &raise("unknown"), &text, "{bad").await.is_empty(404);
    world.ask("POST", &raise("ended"), &text, "{bad").await.is_empty(410);
    world.ask("POST", &raise("live"), &text, "{bad").await.is_error(400, "application/json");
    world.ask("POST", &raise("live"), &[], "1").await.is_error(400, "application/json");
    world.post(&raise("live"), "{bad").await.is_error(400, "line 1 column 2");
    let json = [("content-type", "application/json")];
    world.ask("POST", &raise("live"), &json, vec![b'"', 0xff, b'"']).await.is_error(400, "UTF-8");
    let huge = format!("\"{}\"", "x".repeat(BODY_LIMIT));
    world.post(&raise("unknown"), &huge).await.is_empty(404);
    world.post(&raise("live"), &huge).await.is_error(413, &BODY_LIMIT.to_string());
    let name = "e".repeat(257);
    world.post(&format!("/instances/live/raiseEvent/{name}"), "1").await.is_error(400, "event name");
}

#[tokio::test]
async fn verbs_ignore_bodies_and_take_a_reason() {
    let world = World::new().await;
    world.given("a", Status::Running).await;
    let binary = [("content-type", "application/octet-stream")];
    world.ask("POST", "/instances/a/suspend?Reason=a+b", &binary, vec![0xff]).await.is_empty(202);
    assert_eq!(world.get("/instances/a").await.json()["runtimeStatus"], "Suspended");
    world.ask("POST", "/instances/a/resume/", &binary, "").await.is_empty(202);
    assert_eq!(world.get("/instances/a").await.json()["runtimeStatus"], "Running");
    world.ask("POST", "/instances/a/TERMINATE?reason=%22done%22", &binary, "").await.is_empty(202);
    let body = world.get("/instances/a").await.json();
    assert_eq!((&body["runtimeStatus"], &body["output"]), (&"Terminated".into(), &"done".into()));
    let long = "x".repeat(PAYLOAD_LIMIT + 1);
    world.given("b", Status::Running).await;
    world.post(&format!("/instances/b/terminate?reason={long}"), "").await.is_error(413, "reason");
}

#[tokio::test]
async fn a_purged_instance_is_gone() {
    let world = World::new().await;
    world.given("a", Status::Completed).await;
    assert_eq!(world.ask("DELETE", "/instances/a/", &[], "").await.status, 200);
    world.get("/instances/a").await.is_empty(404);
    world.ask("DELETE", "/instances/a", &[], "").await.is_empty(404);
    world.ask("DELETE", "/instances/@counter@k", &[], "").await.is_empty(404);
}
