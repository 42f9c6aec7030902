//! Entities that are Rust functions in the server's process, with the samples and with some that misbehave.

use crate::support::{Client, Inside, Worker, eventually, in_hub, soon};
use durahub::{
    model::pb,
    workers::embedded::{
        Entity, EntityContext, EntityId, OrchestrationContext, Registry, TaskError, future::join_all,
    },
};
use serde_json::{Value, json};

async fn signal(client: &mut Client, id: &str, operation: &str, input: &str) {
    let request = pb::SignalEntityRequest {
        instance_id: id.to_owned(),
        name: operation.to_owned(),
        input: Some(input.to_owned()).filter(|input| !input.is_empty()),
        ..Default::default()
    };
    client.signal_entity(in_hub("default", request)).await.unwrap();
}

async fn entity(client: &mut Client, id: &str) -> Option<pb::EntityMetadata> {
    let request = pb::GetEntityRequest { instance_id: id.to_owned(), include_state: true };
    let answer = client.get_entity(in_hub("default", request)).await.unwrap().into_inner();
    assert_eq!(answer.exists, answer.entity.is_some());
    answer.entity
}

/// The state, once nothing waits to be done.
async fn state(client: &mut Client, id: &str) -> Option<Value> {
    eventually(&format!("{id} at rest"), async || match entity(client, id).await {
        None => Some(None),
        Some(entity) if entity.backlog_queue_size == 0 && entity.locked_by.is_none() => {
            Some(entity.serialized_state.map(|state| serde_json::from_str(&state).unwrap()))
        }
        Some(_) => None,
    })
    .await
}

/// Waits for the end, which must be a failure, and tells why.
async fn failure(server: &Inside, id: &str) -> String {
    server.until(id, "Failed").await["output"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_counts_signals_and_calls_and_is_deleted() {
    let functions = durahub::samples::registry().orchestrator("Count", async |ctx: OrchestrationContext| {
        let counter = EntityId::new("SAMPLES.COUNTER", "visits")?;
        ctx.signal_entity(&counter, "add", &100);
        let sum: i64 = ctx.call_entity(&counter, "add", &1).await?;
        let read: i64 = ctx.call_entity(&counter, "get", &()).await?;
        let unknown = ctx.call_entity::<()>(&counter, "sing", &()).await.unwrap_err();
        Ok::<_, TaskError>((sum, read, unknown.to_string()))
    });
    let server = Inside::serving(functions, |_| {}).await;
    let mut client = server.grpc().await;
    for _ in 0..50 {
        signal(&mut client, "@Samples.Counter@visits", "add", "2").await;
    }
    signal(&mut client, "@samples.counter@visits", "add", "\"no number\"").await;
    server.start("Count", "count", "").await;
    let expected = json!([
        201,
        201,
        "operation 'sing' of entity '@samples.counter@visits' failed: UnknownOperationError: entity '@samples.counter@visits' has no operation 'sing'; it has add, get, reset and delete"
    ]);
    assert_eq!(server.output("count").await, expected);
    assert_eq!(state(&mut client, "@samples.counter@visits").await, Some(json!(201)));
    signal(&mut client, "@samples.counter@visits", "reset", "").await;
    assert_eq!(state(&mut client, "@samples.counter@visits").await, Some(json!(0)));
    signal(&mut client, "@samples.counter@visits", "delete", "").await;
    assert_eq!(state(&mut client, "@samples.counter@visits").await, None);
    // Looking does not make one.
    signal(&mut client, "@samples.counter@other", "get", "").await;
    assert_eq!(state(&mut client, "@samples.counter@other").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_alone_are_served() {
    let cell = Entity::new().operation("set", async |state: &mut u8, to: u8| {
        *state = to;
        Ok::<_, TaskError>(())
    });
    let server = Inside::serving(Registry::new().entity("Cell", cell), |_| {}).await;
    let mut client = server.grpc().await;
    signal(&mut client, "@cell@1", "set", "7").await;
    assert_eq!(state(&mut client, "@cell@1").await, Some(json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_that_are_not_served_here_go_to_a_worker_without_filters() {
    let server = Inside::start().await;
    let mut worker = Worker::for_everything(&server.url, "default").await;
    let mut client = server.grpc().await;
    signal(&mut client, "@samples.counter@ours", "add", "1").await;
    signal(&mut client, "@mine@K", "add", "1").await;
    let (request, token) = worker.batch().await;
    assert_eq!((request.instance_id.as_str(), request.operation_requests.len()), ("@mine@K", 1));
    assert!(!token.is_empty());
    assert_eq!(state(&mut client, "@samples.counter@ours").await, Some(json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_moves_money_or_fails_with_the_reason() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    signal(&mut client, "@samples.account@anna", "deposit", "100").await;
    server.start("Transfer", "good", r#"{"from":"anna","to":"ben","amount":30}"#).await;
    assert_eq!(server.output("good").await, json!({"from": 70, "to": 30}));
    server.start("Transfer", "poor", r#"{"from":"ben","to":"anna","amount":31}"#).await;
    let why = failure(&server, "poor").await;
    assert!(why.contains("Overdrawn: the balance is 30, which is less than 31"), "{why}");
    for (id, input, why) in [
        ("zero", r#"{"from":"anna","to":"ben","amount":0}"#, "amount must be above 0, not 0"),
        ("same", r#"{"from":"anna","to":"anna","amount":1}"#, "from and to are the same account, 'anna'"),
    ] {
        server.start("Transfer", id, input).await;
        assert_eq!(failure(&server, id).await, why);
    }
    assert_eq!(state(&mut client, "@samples.account@anna").await, Some(json!({"balance": 70})));
    assert_eq!(state(&mut client, "@samples.account@ben").await, Some(json!({"balance": 30})));
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_that_contend_conserve_the_total_and_leave_no_lock() {
    let server = Inside::start().await;
    let mut client = server.grpc().await;
    let accounts = ["a", "b", "c", "d"];
    for key in accounts {
        signal(&mut client, &format!("@samples.account@{key}"), "deposit", "1000").await;
    }
    let transfers = (0..20usize).map(|i| {
        let (from, to) = (accounts[i % 4], accounts[(i + 1 + i / 4 % 3) % 4]);
        (format!("t{i}"), json!({"from": from, "to": to, "amount": 1 + i}), from, to, 1 + i)
    });
    let transfers: Vec<_> = transfers.collect();
    let server = &server;
    join_all(transfers.iter().map(async |(id, input, ..)| {
        server.start("Transfer", id, &input.to_string()).await;
    }))
    .await;
    let mut expected = [1000i64; 4];
    for (id, _, from, to, amount) in &transfers {
        soon(id, server.output(id)).await;
        let amount = i64::try_from(*amount).unwrap();
        expected[accounts.iter().position(|key| key == from).unwrap()] -= amount;
        expected[accounts.iter().position(|key| key == to).unwrap()] += amount;
    }
    for (key, balance) in accounts.into_iter().zip(expected) {
        let id = format!("@samples.account@{key}");
        assert_eq!(state(&mut client, &id).await, Some(json!({ "balance": balance })));
        assert_eq!(entity(&mut client, &id).await.unwrap().locked_by, None);
    }
    assert_eq!(expected.iter().sum::<i64>(), 4000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_withdrawal_can_be_caught_and_leaves_the_balance() {
    let functions = durahub::samples::registry().orchestrator("Try", async |ctx: OrchestrationContext| {
        let account = EntityId::new("Samples.Account", "anna")?;
        ctx.call_entity::<i64>(&account, "deposit", &10).await?;
        let refused = ctx.call_entity::<i64>(&account, "withdraw", &11).await.unwrap_err();
        let left: i64 = ctx.call_entity(&account, "balance", &()).await?;
        Ok::<_, TaskError>((refused.error_type().to_owned(), refused.message().to_owned(), left))
    });
    let server = Inside::serving(functions, |_| {}).await;
    server.start("Try", "try", "").await;
    let expected = json!(["Overdrawn", "the balance is 10, which is less than 11", 10]);
    assert_eq!(server.output("try").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_within_a_section_gives_the_locks_back() {
    async fn holder(ctx: OrchestrationContext, end: String) -> Result<String, TaskError> {
        let (one, two) = (EntityId::new("Samples.Counter", "1")?, EntityId::new("Samples.Counter", "2")?);
        let section = ctx.lock_entities([&two, &one]).await?;
        ctx.set_custom_status("inside");
        ctx.call_entity::<i64>(&one, "add", &1).await?;
        ctx.event::<()>("Go").await?;
        match end.as_str() {
            "again" => ctx.continue_as_new("unlock").await,
            "fail" => Err(TaskError::new("Enough", "of this")),
            "panic" => panic!("in a section"),
            "misuse" => ctx.call_entity(&EntityId::new("Samples.Counter", "3")?, "get", &()).await,
            _ => {
                section.unlock();
                ctx.set_custom_status("outside");
                ctx.event::<()>("Go").await?;
                Ok(end)
            }
        }
    }
    let functions = durahub::samples::registry().orchestrator("Hold", holder);
    let server = Inside::serving(functions, |_| {}).await;
    let mut client = server.grpc().await;
    for (end, status) in [
        ("fail", "Failed"),
        ("panic", "Failed"),
        ("misuse", "Failed"),
        ("terminate", "Terminated"),
        ("again", ""),
        ("unlock", ""),
    ] {
        server.start("Hold", end, &json!(end).to_string()).await;
        server.until_custom(end, |custom| custom == "inside").await;
        for id in ["@samples.counter@1", "@samples.counter@2"] {
            assert_eq!(entity(&mut client, id).await.unwrap().locked_by.as_deref(), Some(end));
        }
        // While it holds the lock, this waits.
        signal(&mut client, "@samples.counter@2", "add", "1").await;
        assert_eq!(entity(&mut client, "@samples.counter@2").await.unwrap().backlog_queue_size, 1);
        match end {
            "terminate" => server.control(end, "terminate", "enough").await,
            _ => server.raise(end, "Go", "true").await,
        }
        match status {
            "" => {
                if end == "again" {
                    server.until_custom(end, |custom| custom == "inside").await;
                    server.raise(end, "Go", "true").await;
                }
                server.until_custom(end, |custom| custom == "outside").await;
            }
            _ => drop(server.until(end, status).await),
        }
        state(&mut client, "@samples.counter@1").await;
        state(&mut client, "@samples.counter@2").await;
    }
    // Six signals, and each holder's own call, of which one ran twice.
    assert_eq!(state(&mut client, "@samples.counter@1").await, Some(json!(7)));
    assert_eq!(state(&mut client, "@samples.counter@2").await, Some(json!(6)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_outlives_the_server() {
    let functions = || {
        durahub::samples::registry().orchestrator("Hold", async |ctx: OrchestrationContext| {
            let one = EntityId::new("Samples.Counter", "1")?;
            let _section = ctx.lock_entities([&one]).await?;
            ctx.set_custom_status("inside");
            ctx.event::<()>("Go").await?;
            ctx.call_entity::<i64>(&one, "add", &1).await
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/d.db", folder.path().display());
    let server = Inside::serving(functions(), |config| config.store.url = url.parse().unwrap()).await;
    server.start("Hold", "hold", "").await;
    server.until_custom("hold", |custom| custom == "inside").await;
    signal(&mut server.grpc().await, "@samples.counter@1", "add", "10").await;
    server.server.shutdown().await;

    let server = Inside::serving(functions(), |config| config.store.url = url.parse().unwrap()).await;
    let mut client = server.grpc().await;
    let held = entity(&mut client, "@samples.counter@1").await.unwrap();
    assert_eq!((held.locked_by.as_deref(), held.backlog_queue_size), (Some("hold"), 1));
    server.raise("hold", "Go", "true").await;
    assert_eq!(server.output("hold").await, 1);
    assert_eq!(state(&mut client, "@samples.counter@1").await, Some(json!(11)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_within_a_section_fails_again_when_it_is_rewound() {
    let functions = durahub::samples::registry()
        .orchestrator("Guarded", async |ctx: OrchestrationContext| {
            let one = EntityId::new("Samples.Counter", "1")?;
            let _section = ctx.lock_entities([&one]).await?;
            ctx.activity::<()>("Bad", &()).await
        })
        .activity("Bad", async || Err::<(), _>(TaskError::new("Bad", "oops")));
    let server = Inside::serving(functions, |_| {}).await;
    server.start("Guarded", "g", "").await;
    let why = failure(&server, "g").await;
    assert!(why.contains("Bad: oops"), "{why}");
    let answer = server.post("instances/g/rewind?reason=again", "").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(failure(&server, "g").await, why);
    assert_eq!(state(&mut server.grpc().await, "@samples.counter@1").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_signal_each_other_and_start_orchestrations_unless_they_fail() {
    #[derive(Default, serde::Deserialize, serde::Serialize)]
    struct Domino(u32);

    #[expect(
        clippy::unused_async,
        reason = "operations are async functions, whether they wait for something or not"
    )]
    impl Domino {
        async fn push(&mut self, ctx: EntityContext, left: u32) -> Result<(), TaskError> {
            self.0 += 1;
            let next = EntityId::new("Domino", &left.to_string())?;
            match left {
                0 => drop(ctx.orchestration("Fallen", "all").id("fallen").start()),
                _ => ctx.signal_entity(&next, "push", &(left - 1)),
            }
            Ok(())
        }
        async fn fail(&mut self, ctx: EntityContext) -> Result<(), TaskError> {
            self.0 += 100;
            ctx.signal_entity(ctx.id(), "push", &0);
            ctx.orchestration("Fallen", "never").id("never").start();
            Err(TaskError::new("Stuck", "glue"))
        }
    }

    let domino = Entity::new().operation("push", Domino::push).operation("fail", Domino::fail);
    let functions = Registry::new()
        .entity("Domino", domino)
        .orchestrator("Fallen", async |_: OrchestrationContext, who: String| Ok::<_, TaskError>(who));
    let server = Inside::serving(functions, |_| {}).await;
    let mut client = server.grpc().await;
    signal(&mut client, "@domino@start", "fail", "").await;
    signal(&mut client, "@domino@start", "push", "5").await;
    eventually("the last domino", async || {
        (server.get("instances/fallen").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(server.output("fallen").await, "all");
    assert_eq!(server.get("instances/never").await.status, 404);
    for key in ["start", "1", "2", "3", "4", "5"] {
        assert_eq!(state(&mut client, &format!("@domino@{key}")).await, Some(json!(1)), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_for_later_comes_later() {
    let functions = durahub::samples::registry().orchestrator("Later", async |ctx: OrchestrationContext| {
        let counter = EntityId::new("Samples.Counter", "later")?;
        let soon = ctx.now() + std::time::Duration::from_millis(300);
        ctx.signal_entity_at(soon, &counter, "add", &10);
        ctx.timer_at(soon + std::time::Duration::from_millis(1)).await;
        let mut seen = Vec::new();
        // The signal and the timer are due together; which one is served first is not said.
        while seen.last() != Some(&10) {
            seen.push(ctx.call_entity::<i64>(&counter, "get", &()).await?);
        }
        Ok::<_, TaskError>(true)
    });
    let server = Inside::serving(functions, |_| {}).await;
    let mut client = server.grpc().await;
    server.start("Later", "later", "").await;
    let waiting =
        eventually("the signal waits", async || entity(&mut client, "@samples.counter@later").await).await;
    assert_eq!(server.output("later").await, true);
    assert!(waiting.serialized_state.is_none() || waiting.serialized_state.as_deref() == Some("10"));
    assert_eq!(state(&mut client, "@samples.counter@later").await, Some(json!(10)));
}
