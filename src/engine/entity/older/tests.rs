use super::*;
use crate::{
    engine::{
        Context, Entity, NextBatch,
        entity::{self, outbound_older, serve},
        tests::script::START,
    },
    model::{
        Class, Commit, HubId, InstanceId, InstanceKey, InstanceRecord, InstanceRef, LockChange, Message,
        MessageId, NewMessage, Outgoing, Recipient, Timestamp, event, failure,
        pb::{
            EntityBatchResult, EventSentEvent, OperationResult, OperationResultFailure,
            OperationResultSuccess, operation_result::ResultType,
        },
    },
};
use proptest::prelude::*;

const ID: &str = "0a1b2c3d-0000-4000-8000-00000000abcd";

fn asked(name: &str, data: &str) -> Result<Sent, String> {
    read("@Counter@K", name, Some(data))
}

#[test]
fn a_request_is_a_call_unless_it_says_that_it_is_a_signal() {
    for (data, signal, input) in [
        (r#"{"op":"add","id":"ID"}"#, false, None),
        (
            r#"{"op":"add","signal":false,"input":"5","id":"ID","parent":"o","parentExecution":"e"}"#,
            false,
            Some("5"),
        ),
        (r#"{"op":"add","signal":true,"input":"\"x\"","id":"ID"}"#, true, Some("\"x\"")),
        (
            r#"{"op":"add","signal":true,"input":null,"lockset":null,"id":"ID","Timestamp":"2026-01-02T03:04:05Z","Predecessor":"x"}"#,
            true,
            None,
        ),
    ] {
        // However the id is spelt, the answer is found under one spelling.
        for id in [ID.to_owned(), ID.to_uppercase(), ID.replace('-', ""), format!("{{{ID}}}")] {
            match asked("op", &data.replace("ID", &id)).unwrap() {
                Sent::EntityOperationCalled(call) => {
                    assert!(!signal && call.older_form && call.scheduled_time.is_none());
                    assert_eq!((call.request_id.as_str(), call.operation.as_str()), (ID, "add"));
                    assert_eq!(
                        (call.input.as_deref(), call.target_instance_id.as_deref()),
                        (input, Some("@counter@K"))
                    );
                    assert_eq!(
                        (call.parent_instance_id, call.parent_execution_id),
                        (None, None),
                        "that is known"
                    );
                }
                Sent::EntityOperationSignaled(told) => {
                    assert!(signal && told.scheduled_time.is_none());
                    assert_eq!((told.request_id.as_str(), told.operation.as_str()), (ID, "add"));
                    assert_eq!(
                        (told.input.as_deref(), told.target_instance_id.as_deref()),
                        (input, Some("@counter@K"))
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_time_is_part_of_the_name() {
    for (time, seconds, nanos) in [
        ("2026-01-02T03:04:05.1234567Z", 1_767_323_045, 123_456_700),
        ("2026-01-02T03:04:05.0000000Z", 1_767_323_045, 0),
        ("2026-01-02T03:04:05Z", 1_767_323_045, 0),
        ("2026-01-02T03:04:05.5", 1_767_323_045, 500_000_000),
        ("2026-01-02T05:04:05.0000000+02:00", 1_767_323_045, 0),
        ("2016-12-31T23:59:60.9999999Z", 1_483_228_799, 999_999_999),
        ("9999-12-31T23:59:59.9999999Z", 253_402_300_799, 999_999_900),
    ] {
        let data = format!(r#"{{"op":"add","signal":true,"id":"{ID}"}}"#);
        let Ok(Sent::EntityOperationSignaled(told)) = asked(&format!("op@{time}"), &data) else {
            panic!("{time}")
        };
        assert_eq!(told.scheduled_time, Some(prost_types::Timestamp { seconds, nanos }), "{time}");
    }
}

#[test]
fn a_lock_set_names_its_entities_in_any_of_three_ways() {
    let data = format!(
        r#"{{"op":null,"id":"{ID}","pos":0,"lockset":["@B@1",{{"name":"A","key":"k@k"}},{{"EntityName":"c","EntityKey":""}}]}}"#
    );
    let Ok(Sent::EntityLockRequested(request)) = asked("op", &data) else { panic!() };
    assert_eq!(request.lock_set, ["@b@1", "@a@k@k", "@c@"]);
    assert!(request.older_form && request.critical_section_id == ID && request.position == 0);
    let Ok(Sent::EntityUnlockSent(unlock)) = asked("release", &format!(r#"{{"parent":"x","id":"{ID}"}}"#))
    else {
        panic!()
    };
    assert_eq!(
        (unlock.critical_section_id.as_str(), unlock.target_instance_id.as_deref()),
        (ID, Some("@counter@K"))
    );
    assert_eq!(unlock.parent_instance_id, None, "that is known");
}

#[test]
fn what_is_no_request_is_refused_with_the_reason() {
    let long = "x".repeat(10_000);
    for (name, data, part) in [
        ("Go", "{}", "only the events op, op@TIME and release"),
        ("op ", "{}", "only the events op"),
        ("OP", "{}", "only the events op"),
        ("continue", "{}", "only the events op"),
        ("release@2026-01-02T03:04:05Z", "{}", "only the events op"),
        ("op@", r#"{"op":"a","id":"ID"}"#, "is not a time"),
        ("op@soon", r#"{"op":"a","id":"ID"}"#, "\"soon\" is not a time"),
        (&format!("op@{long}"), r#"{"op":"a","id":"ID"}"#, "is not a time"),
        ("op", "", "cannot be read: EOF"),
        ("op", "{bad", "cannot be read: key must be a string"),
        ("op", "null", "cannot be read: invalid type: null"),
        ("op", "[]", "cannot be read"),
        ("op", r#"{"op":"a"}"#, "missing field `id`"),
        ("op", r#"{"op":"a","id":7}"#, "invalid type: integer `7`, expected a string"),
        ("op", r#"{"op":"a","id":"seven"}"#, "the id \"seven\" is no GUID"),
        ("op", r#"{"op":7,"id":"ID"}"#, "expected a string"),
        ("op", r#"{"op":"a","input":{"n":1},"id":"ID"}"#, "expected a string"),
        ("op", r#"{"op":"a","signal":1,"id":"ID"}"#, "expected a boolean"),
        ("op", r#"{"op":"a","id":"ID"} x"#, "trailing characters"),
        ("op", r#"{"id":"ID"}"#, "neither op nor lockset"),
        ("op", r#"{"id":"ID","lockset":{}}"#, "expected a sequence"),
        ("op", r#"{"id":"ID","lockset":[]}"#, "lockSet must not be empty"),
        ("op", r#"{"id":"ID","lockset":[7]}"#, "lockset holds something that is no entity"),
        ("op", r#"{"id":"ID","lockset":[{"name":"a"}]}"#, "lockset holds something that is no entity"),
        ("op", r#"{"id":"ID","lockset":["a"]}"#, "lockset: \"a\" is not the id of an entity"),
        (
            "op",
            r#"{"id":"ID","lockset":[{"name":"a@b","key":""}]}"#,
            "lockset: the name of an entity must not contain",
        ),
        (
            "op@2026-01-02T03:04:05Z",
            r#"{"id":"ID","lockset":["@a@b"]}"#,
            "lock cannot be asked for at a later time",
        ),
        ("release", "{}", "missing field `id`"),
        ("release", r#"{"id":""}"#, "the id \"\" is no GUID"),
    ] {
        let reason = entity::check_older("@counter@k", name, Some(&data.replace("ID", ID))).unwrap_err();
        assert!(reason.contains(part) && reason.len() < 500, "{name} {data}: {reason}");
    }
    assert_eq!(entity::check_older("@counter@k", "op", None).unwrap_err(), "it has no data");
    for target in ["@counter", "@", "@@k", "counter"] {
        let data = format!(r#"{{"op":"a","id":"{ID}"}}"#);
        assert!(entity::check_older(target, "op", Some(&data)).unwrap_err().contains("entity"), "{target}");
    }
}

proptest! {
    /// Whatever passes the check is sent, and nothing panics on the way.
    #[test]
    fn every_event_is_either_refused_or_sent(
        target in "@?[a-cA@]{0,4}@[k@]{0,2}",
        name in prop_oneof!["op", "release", "op@[0-9T:Z.-]{0,24}", ".{0,6}"],
        data in prop_oneof![
            ".{0,20}",
            r#"\{("op":"[a-z]{0,3}",)?("signal":(true|false|null|1),)?("lockset":\[("@a@b",)?("@c@d")?\],)?"id":"(0a1b2c3d-0000-4000-8000-00000000abcd|x)"\}"#,
        ],
    ) {
        let event = EventSentEvent { instance_id: target.clone(), name: name.clone(), input: Some(data.clone()) };
        let fine = entity::check_older(&target, &name, Some(&data)).is_ok();
        prop_assert_eq!(outbound_older(&sender(), &event, START).is_some(), fine);
    }
}

// What follows is one orchestration and its entities, without a store.

fn sender() -> InstanceRecord {
    let message = NewMessage::now(
        Class::Start,
        event::server_event(START, EventType::ExecutionStarted(Default::default())),
    );
    let reference = InstanceRef {
        key: InstanceKey(1),
        hub: HubId(1),
        id: InstanceId::lookup("order"),
        name: "Checkout".into(),
        version: None,
    };
    let message =
        Message { id: MessageId(1), class: message.class, due: message.due, events: message.events };
    let newborn = InstanceRecord::newborn(&reference, &message).unwrap();
    InstanceRecord { execution_id: "e1".to_owned(), ..newborn }
}

fn sent(target: &str, name: &str, data: &str) -> Outgoing {
    let data = Some(data.replace("ID", ID));
    let event = EventSentEvent { instance_id: target.to_owned(), name: name.to_owned(), input: data };
    outbound_older(&sender(), &event, START).unwrap()
}

fn entity(id: &str) -> Entity {
    let id = EntityId::parse(id).unwrap();
    let (key, hub, name) = (InstanceKey(2), HubId(1), id.name().clone());
    Entity::new(InstanceRef { key, hub, id: id.id().clone(), name, version: None })
}

fn arrived(message: NewMessage) -> Message {
    Message { id: MessageId(7), class: message.class, due: message.due, events: message.events }
}

/// Where a message goes, and the one event in it: an event's name and data.
fn raised(outgoing: &Outgoing) -> (&Recipient, Class, &str, &str) {
    let [event] = outgoing.message.events.as_slice() else { panic!("{outgoing:?}") };
    assert_eq!(event.event_id, -1);
    assert!(event.timestamp.is_some());
    match &event.event_type {
        Some(EventType::EventRaised(it)) => {
            (&outgoing.to, outgoing.message.class, &it.name, it.input.as_deref().unwrap())
        }
        other => panic!("{other:?}"),
    }
}

fn answered(entity: Entity, message: Message, result: ResultType) -> Commit {
    let NextBatch::Deliver(batch) = entity.next([&message].into_iter(), START, usize::MAX) else { panic!() };
    let Some(EventType::EntityOperationCalled(call)) = &batch.operations[0].event_type else { panic!() };
    assert!(!call.older_form, "the mark is the server's own");
    assert_eq!(call.parent_instance_id.as_deref(), Some("order"));
    assert_eq!(call.parent_execution_id.as_deref(), Some("e1"));
    let result = EntityBatchResult {
        results: vec![OperationResult { result_type: Some(result) }],
        entity_state: Some("1".to_owned()),
        ..EntityBatchResult::default()
    };
    let mut context = Context { now: START, fresh_id: &mut String::new, payload_bytes: 1_000 };
    entity::answer(entity, batch, result, &mut context).commit
}

#[test]
fn a_call_is_answered_with_an_event_to_the_execution_that_asked() {
    let owner = Recipient::Execution(InstanceId::lookup("order"), "e1".to_owned());
    let mut details = failure("Outer", "went wrong", true);
    details.inner_failure = Some(Box::new(failure("Inner", "of \"it\"", false)));
    details.stack_trace = Some("at x".to_owned());
    let success = |result: Option<&str>| {
        ResultType::Success(OperationResultSuccess {
            result: result.map(str::to_owned),
            ..Default::default()
        })
    };
    let failed =
        ResultType::Failure(OperationResultFailure { failure_details: Some(details), ..Default::default() });
    for (result, told) in [
        (success(Some(r#"{"n":1}"#)), json!({"result": r#"{"n":1}"#})),
        (success(Some("")), json!({"result": ""})),
        (success(None), json!({})),
        (
            failed,
            json!({"exceptionType": "went wrong", "failureDetails": {
                "ErrorType": "Outer", "ErrorMessage": "went wrong", "StackTrace": "at x", "IsNonRetriable": true,
                "InnerFailure": {"ErrorType": "Inner", "ErrorMessage": "of \"it\"", "StackTrace": null,
                    "IsNonRetriable": false, "InnerFailure": null}}}),
        ),
    ] {
        let Outgoing { to, message } = sent("@Counter@k", "op", r#"{"op":"add","id":"ID"}"#);
        assert_eq!(to, Recipient::Entity(EntityId::parse("@counter@k").unwrap()));
        let commit = answered(entity("@counter@k"), arrived(message), result);
        let [reply] = commit.outbox.as_slice() else { panic!() };
        let (to, class, name, data) = raised(reply);
        assert_eq!((to, class, name), (&owner, Class::Result, ID));
        assert_eq!(serde_json::from_str::<Value>(data).unwrap(), told);
        assert_eq!(commit.consumed, [MessageId(7)], "in the same commit, so it is answered once");
    }
}

#[test]
fn a_result_counts_as_long_as_it_is_when_it_is_told() {
    for (quotes, fits) in [(400, true), (600, false)] {
        let result = ResultType::Success(OperationResultSuccess {
            result: Some("\"".repeat(quotes)),
            ..Default::default()
        });
        let message = arrived(sent("@c@k", "op", r#"{"op":"add","id":"ID"}"#).message);
        let commit = answered(entity("@c@k"), message, result);
        let (_, _, _, data) = raised(&commit.outbox[0]);
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["result"].is_string(), fits);
        let told =
            "the operation's result is 1202 bytes long; the limit is 1000 (setting limits.payload_bytes)";
        assert_eq!(data["exceptionType"], if fits { Value::Null } else { told.into() });
    }
}

#[test]
fn a_refused_batch_is_told_in_the_form_of_each_caller() {
    let older = sent("@c@k", "op", r#"{"op":"add","id":"ID"}"#).message;
    let mut native = older.clone();
    if let Some(EventType::EntityOperationCalled(call)) = &mut native.events[0].event_type {
        call.older_form = false;
    }
    let (older, native) = (arrived(older), Message { id: MessageId(8), ..arrived(native) });
    let NextBatch::Deliver(batch) = entity("@c@k").next([&older, &native].into_iter(), START, usize::MAX)
    else {
        panic!()
    };
    let commit = entity::refuse(entity("@c@k"), batch, failure("E", "m", false), START).commit;
    let kind = |at: usize| commit.outbox[at].message.events[0].event_type.as_ref().unwrap();
    assert!(matches!(kind(0), EventType::EventRaised(_)), "{:?}", kind(0));
    assert!(matches!(kind(1), EventType::EntityOperationFailed(_)), "{:?}", kind(1));
}

#[test]
fn what_is_due_later_waits() {
    let later = "op@2026-01-02T03:04:05.1234567Z";
    let due = Timestamp(1_767_323_045_123_457);
    for data in [r#"{"op":"add","signal":true,"id":"ID"}"#, r#"{"op":"add","id":"ID"}"#] {
        let message = arrived(sent("@c@k", later, data).message);
        assert_eq!(message.due, Some(due));
        assert_eq!(entity("@c@k").next([&message].into_iter(), START, usize::MAX), NextBatch::Wait);
        assert!(matches!(
            entity("@c@k").next([&message].into_iter(), due, usize::MAX),
            NextBatch::Deliver(_)
        ));
    }
    assert_eq!(
        sent("@c@k", "op@2000-01-01T00:00:00Z", r#"{"op":"add","id":"ID"}"#).message.due,
        None,
        "it has passed"
    );
}

#[test]
fn a_lock_goes_through_its_entities_and_ends_as_an_event() {
    let asked =
        r#"{"id":"ID","lockset":[{"name":"c","key":"2"},{"name":"c","key":"1"},{"name":"c","key":"2"}]}"#;
    let Outgoing { to, message } = sent("@c@2", "op", asked);
    assert_eq!(to, Recipient::Entity(EntityId::parse("@c@1").unwrap()), "everybody locks in one order");
    let take = |id: &str, message: NewMessage| {
        let NextBatch::Serve(message) = entity(id).next([&arrived(message)].into_iter(), START, usize::MAX)
        else {
            panic!()
        };
        let outcome = serve(entity(id), message, START);
        match outcome.commit.entity.unwrap().lock {
            LockChange::Take { lock, then } => {
                assert_eq!(
                    (lock.owner.as_str(), lock.execution_id.as_str(), lock.section.as_str()),
                    ("order", "e1", ID)
                );
                (outcome.entity, *then)
            }
            other => panic!("{other:?}"),
        }
    };
    let (_, next) = take("@c@1", message);
    assert_eq!(next.to, Recipient::Entity(EntityId::parse("@c@2").unwrap()));
    let (locked, last) = take("@c@2", next.message);
    let owner = Recipient::Execution(InstanceId::lookup("order"), "e1".to_owned());
    assert_eq!(raised(&last), (&owner, Class::Result, ID, r#"{"result":"Lock Acquisition Completed"}"#));

    let Outgoing { to, message } =
        sent("@C@2", "release", &format!(r#"{{"parent":"x","id":"{}"}}"#, ID.to_uppercase()));
    assert_eq!(to, Recipient::Instance(InstanceId::lookup("@c@2")));
    let NextBatch::Serve(message) = locked.next([&arrived(message)].into_iter(), START, usize::MAX) else {
        panic!()
    };
    let outcome = serve(locked, message, START);
    assert_eq!((outcome.commit.entity.unwrap().lock, outcome.entity.lock), (LockChange::Release, None));
}
