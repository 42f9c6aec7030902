//! Entities: their shapes, their results, and what a failure leaves (nothing).

use super::*;
use crate::model::pb::{operation_action::OperationActionType, operation_result::ResultType};
use chrono::DateTime;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Default, Deserialize, Serialize)]
struct Basket {
    items: Vec<String>,
}

#[expect(
    clippy::unused_async,
    reason = "operations are async functions, whether they wait for something or not"
)]
impl Basket {
    async fn add(&mut self, item: String) -> Result<usize, TaskError> {
        self.items.push(item);
        Ok(self.items.len())
    }
    async fn clear(&mut self) -> Result<(), BoxError> {
        self.items.clear();
        Ok(())
    }
    async fn count(&self) -> Result<usize, TaskError> {
        Ok(self.items.len())
    }
    async fn has(&self, item: String) -> Result<bool, TaskError> {
        Ok(self.items.contains(&item))
    }
    async fn who(&self, ctx: EntityContext) -> Result<String, TaskError> {
        Ok(format!("{} {} {:?}", ctx.id(), ctx.operation(), ctx.caller()))
    }
    async fn compare(&self, ctx: EntityContext, key: String) -> Result<bool, TaskError> {
        Ok(ctx.id().key() == key)
    }
    async fn spoil(&mut self, ctx: EntityContext, how: String) -> Result<(), TaskError> {
        self.items.push("bad".to_owned());
        ctx.signal_entity(ctx.id(), "clear", &());
        ctx.orchestration("Clean", &1).start();
        match how.as_str() {
            "error" => Err(TaskError::new("Spoilt", "oops")),
            "panic" => panic!("oops"),
            "signal" => {
                ctx.signal_entity(ctx.id(), "x", &std::collections::BTreeMap::from([(vec![1], 2)]));
                Ok(())
            }
            "id" => {
                ctx.orchestration("Clean", &()).id("@a@b").start();
                Ok(())
            }
            "name" => {
                ctx.orchestration("", &()).start();
                Ok(())
            }
            _ => Ok(()),
        }
    }
    async fn tell(&mut self, ctx: EntityContext) -> Result<String, TaskError> {
        let noon = DateTime::from_timestamp(43_200, 0).unwrap();
        let other = EntityId::new("Other", "K")?;
        ctx.signal_entity(&other, "now", &7);
        ctx.signal_entity_at(noon, &other, "later", &());
        ctx.orchestration("Child", &1).id("mine").version("2").at(noon).start();
        Ok(ctx.orchestration("Child", &()).start())
    }
    async fn leave(&mut self, ctx: EntityContext) -> Result<(), TaskError> {
        self.items.push("forgotten".to_owned());
        ctx.delete_state();
        Ok(())
    }
}

fn baskets() -> Registry {
    let basket = Entity::new()
        .operation("add", Basket::add)
        .operation("Clear", Basket::clear)
        .operation("count", Basket::count)
        .operation("has", Basket::has)
        .operation("who", Basket::who)
        .operation("compare", Basket::compare)
        .operation("spoil", Basket::spoil)
        .operation("tell", Basket::tell)
        .operation("leave", Basket::leave)
        .operation("closure", async |basket: &mut Basket, n: usize| {
            basket.items.truncate(n);
            Ok::<_, TaskError>(())
        });
    Registry::new().entity("Basket", basket)
}

fn batch_of(state: Option<&str>, operations: &[(&str, Option<&str>)]) -> pb::EntityRequest {
    let call = |(operation, input): &(&str, Option<&str>)| {
        let call = pb::EntityOperationCalledEvent {
            operation: (*operation).to_owned(),
            input: input.map(str::to_owned),
            parent_instance_id: Some("caller".to_owned()),
            ..Default::default()
        };
        event::server_event(Timestamp(0), EventType::EntityOperationCalled(call))
    };
    pb::EntityRequest {
        instance_id: "@basket@K".to_owned(),
        entity_state: state.map(str::to_owned),
        operation_requests: operations.iter().map(call).collect(),
        ..Default::default()
    }
}

fn results(batch: &pb::EntityBatchResult) -> Vec<String> {
    let words = |result: &pb::OperationResult| match result.result_type.as_ref().unwrap() {
        ResultType::Success(it) => it.result.clone().unwrap_or_else(|| "-".into()),
        ResultType::Failure(it) => {
            let it = it.failure_details.as_ref().unwrap();
            format!("{}{}: {}", it.error_type, if it.is_non_retriable { "!" } else { "" }, it.error_message)
        }
    };
    batch.results.iter().map(words).collect()
}

/// Runs one batch: results, and the state after it.
async fn run(state: Option<&str>, operations: &[(&str, Option<&str>)]) -> (Vec<String>, Option<String>) {
    let batch = baskets().run_entity(batch_of(state, operations)).await;
    (results(&batch), batch.entity_state)
}

#[tokio::test]
async fn operations_come_in_many_shapes_and_run_in_order() {
    let (results, state) = run(
        None,
        &[
            ("count", None),
            ("add", Some("\"tea\"")),
            ("ADD", Some("\"milk\"")),
            ("count", Some("\"ignored\"")),
            ("has", Some("\"tea\"")),
            ("who", None),
            ("compare", Some("\"K\"")),
            ("closure", Some("1")),
        ],
    )
    .await;
    assert_eq!(results, ["0", "1", "2", "2", "true", "\"@basket@K who Some(\\\"caller\\\")\"", "true", "-"]);
    assert_eq!(state.as_deref(), Some(r#"{"items":["tea"]}"#));
}

#[tokio::test]
async fn reading_does_not_make_an_entity_and_does_not_rewrite_its_state() {
    assert_eq!(run(None, &[("count", None)]).await.1, None);
    let odd = r#"{ "items" : [ ] , "unknown": 1 }"#;
    assert_eq!(run(Some(odd), &[("count", None)]).await, (vec!["0".to_owned()], Some(odd.to_owned())));
    assert_eq!(run(None, &[("clear", None)]).await.1.as_deref(), Some(r#"{"items":[]}"#));
}

#[tokio::test]
async fn what_fails_leaves_nothing_and_the_next_operation_goes_on() {
    let start = r#"{"items":["tea"]}"#;
    for (how, expected) in [
        ("\"error\"", "Spoilt: oops"),
        ("\"panic\"", "PanicError: operation 'spoil' of entity '@basket@K' panicked: oops"),
        (
            "\"signal\"",
            "InvalidDataError!: the input of signal 'x' to '@basket@K' cannot be written as JSON: key must be a string",
        ),
        ("\"id\"", "InvalidIdError!: instanceId must not start with '@': such ids belong to entities"),
        ("\"name\"", "InvalidInputError!: an orchestration to be started needs a name"),
        (
            "7",
            "InvalidInputError!: the input of operation 'spoil' of entity '@basket@K' cannot be used: invalid type: integer `7`, expected a string at line 1 column 1",
        ),
    ] {
        let request = batch_of(Some(start), &[("spoil", Some(how)), ("add", Some("\"milk\""))]);
        let batch = baskets().run_entity(request).await;
        assert_eq!(results(&batch), [expected, "2"]);
        assert_eq!(batch.entity_state.as_deref(), Some(r#"{"items":["tea","milk"]}"#));
        assert_eq!(batch.actions, []);
    }
    // Without a failure all of it happens.
    let batch = baskets().run_entity(batch_of(Some(start), &[("spoil", Some("\"\""))])).await;
    assert_eq!(batch.entity_state.as_deref(), Some(r#"{"items":["tea","bad"]}"#));
    assert_eq!(batch.actions.iter().map(|action| action.id).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn signals_and_starts_become_actions() {
    let batch = baskets().run_entity(batch_of(None, &[("tell", None)])).await;
    let mut actions = batch.actions.iter().map(|action| action.operation_action_type.clone().unwrap());
    let Some(OperationActionType::SendSignal(now)) = actions.next() else { panic!() };
    assert_eq!((&*now.instance_id, &*now.name, now.input.as_deref()), ("@other@K", "now", Some("7")));
    assert_eq!(now.scheduled_time, None);
    let Some(OperationActionType::SendSignal(later)) = actions.next() else { panic!() };
    assert_eq!((later.input, later.scheduled_time.unwrap().seconds), (None, 43_200));
    let Some(OperationActionType::StartNewOrchestration(mine)) = actions.next() else { panic!() };
    assert_eq!((&*mine.instance_id, mine.version.as_deref()), ("mine", Some("2")));
    assert_eq!((mine.input.as_deref(), mine.scheduled_time.unwrap().seconds), (Some("1"), 43_200));
    let Some(OperationActionType::StartNewOrchestration(fresh)) = actions.next() else { panic!() };
    assert_eq!(results(&batch), [format!("{:?}", fresh.instance_id)]);
}

#[tokio::test]
async fn a_state_can_be_deleted_and_begun_again() {
    let start = Some(r#"{"items":["tea"]}"#);
    assert_eq!(run(start, &[("leave", None)]).await, (vec!["-".to_owned()], None));
    assert_eq!(run(start, &[("Delete", None)]).await, (vec!["-".to_owned()], None));
    let (results, state) = run(start, &[("delete", None), ("count", None), ("add", Some("\"milk\""))]).await;
    assert_eq!(
        (results, state.as_deref()),
        (vec!["-".into(), "0".into(), "1".into()], Some(r#"{"items":["milk"]}"#))
    );
    // A state of null is none.
    let maybe =
        Entity::<Option<u8>>::new().operation("set", async |state: &mut Option<u8>, to: Option<u8>| {
            *state = to;
            Ok::<_, TaskError>(())
        });
    let registry = Registry::new().entity("Basket", maybe);
    for (input, expected) in [(Some("7"), Some("7")), (None, None)] {
        let batch = registry.run_entity(batch_of(Some("5"), &[("set", input)])).await;
        assert_eq!(batch.entity_state.as_deref(), expected);
    }
}

#[tokio::test]
async fn a_state_of_another_shape_fails_operations_but_can_be_deleted() {
    let (results, state) = run(Some("[1]"), &[("count", None), ("add", Some("\"x\""))]).await;
    for result in results {
        assert!(
            result.starts_with("InvalidDataError!: the state of entity '@basket@K' cannot be used: "),
            "{result}"
        );
    }
    assert_eq!(state.as_deref(), Some("[1]"));
    assert_eq!(run(Some("[1]"), &[("delete", None)]).await.1, None);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let known = "add, clear, closure, compare, count, has, leave, spoil, tell, who and delete";
    let expected =
        format!("UnknownOperationError!: entity '@basket@K' has no operation 'Sing'; it has {known}");
    assert_eq!(run(None, &[("Sing", None)]).await.0, [expected]);
    let batch = Registry::new().run_entity(batch_of(Some("1"), &[("add", None), ("delete", None)])).await;
    let expected = "EntityNotRegisteredError!: no entity named 'basket' is registered in this process";
    assert_eq!(results(&batch), [expected, expected]);
    assert_eq!(batch.entity_state.as_deref(), Some("1"));
    let mut request = batch_of(None, &[("count", None)]);
    request.operation_requests.push(event::timer_fired(Timestamp(0), 1, Timestamp(0).to_wire()));
    let batch = baskets().run_entity(request).await;
    let expected = "UnknownOperationError!: entity '@basket@K' was given something that is no operation";
    assert_eq!(results(&batch), ["0", expected]);
}

#[test]
fn names_are_in_lower_case_and_merge() {
    let registry = baskets().merge(Registry::new().entity("ALONE", Entity::<()>::new()));
    assert!(registry.entities().eq(["alone", "basket"]));
    assert!(!registry.is_empty() && Registry::new().is_empty());
}

#[test]
#[should_panic(expected = "'a@b' cannot be registered: the name of an entity must not contain '@'")]
fn a_name_that_cannot_be_addressed_is_refused() {
    drop(Registry::new().entity("a@b", Entity::<()>::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_operations_are_cut_into_batches_makes_no_difference(
        picks in prop::collection::vec(0..8usize, 0..40),
        sizes in prop::collection::vec(1..6usize, 40),
    ) {
        let operations = [
            ("add", Some("\"tea\"")), ("add", Some("7")), ("count", None), ("spoil", Some("\"panic\"")),
            ("spoil", Some("\"error\"")), ("closure", Some("1")), ("delete", None), ("sing", None),
        ];
        let picked: Vec<_> = picks.iter().map(|&pick| operations[pick]).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let registry = baskets();
        let whole = runtime.block_on(registry.run_entity(batch_of(None, &picked)));
        let (mut left, mut state, mut told) = (&picked[..], None, Vec::new());
        for size in sizes {
            let (now, later) = left.split_at(size.min(left.len()));
            let batch = runtime.block_on(registry.run_entity(batch_of(state.as_deref(), now)));
            told.extend(results(&batch));
            (left, state) = (later, batch.entity_state);
        }
        prop_assert_eq!(told.len(), picked.len());
        prop_assert_eq!(told, results(&whole));
        prop_assert_eq!(&state, &whole.entity_state);
        // What the operations that succeeded did, and nothing else.
        let mut items: Option<Vec<&str>> = None;
        for (operation, input) in &picked {
            match (*operation, *input) {
                ("add", Some("\"tea\"")) => items.get_or_insert_default().push("tea"),
                ("closure", _) => items.get_or_insert_default().truncate(1),
                ("delete", _) => items = None,
                _ => {}
            }
        }
        prop_assert_eq!(state, items.map(|items| serde_json::json!({ "items": items }).to_string()));
    }
}
