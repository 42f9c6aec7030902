//! Lists and purges while the world changes, over a real file.

use crate::support::{Binary, Data, Inside, eventually, soon};
use durahub::{
    model::{
        Commit, HistoryChange, HubName, InstanceId, InstanceUpdate, NewInstance, Pending, Status, StatusSet,
        Timestamp, pb,
    },
    store::{
        Created, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use futures_util::future::join_all;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

const STABLE: usize = 120;

/// Pages through the list until its end; how often each id was met.
async fn walk(server: &Inside, query: &str) -> HashMap<String, usize> {
    let (mut met, mut token, mut pages) = (HashMap::new(), String::new(), 0);
    loop {
        let answer = server.get(&format!("instances?{query}&continuationToken={token}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        let page = page.as_array().unwrap();
        for row in page {
            *met.entry(row["instanceId"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        answer.header("x-ms-continuation-token").unwrap().clone_into(&mut token);
        // What was promised may have been purged since, but then nothing more is promised.
        assert!(
            !page.is_empty() || token.is_empty(),
            "page {pages} of {query} is empty and promises another"
        );
        pages += 1;
        if token.is_empty() {
            return met;
        }
    }
}

/// The same through a search.
async fn walk_search(server: &Inside, query: &str) -> HashMap<String, usize> {
    let (mut met, mut after) = (HashMap::new(), String::new());
    loop {
        let answer = server.get(&format!("/api/v1/instances?{query}&after={after}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        let rows = page["instances"].as_array().unwrap();
        for row in rows {
            *met.entry(row["instanceId"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let Some(next) = page["next"].as_str() else { return met };
        assert!(!rows.is_empty(), "a page of {query} is empty and promises another");
        next.clone_into(&mut after);
    }
}

/// Starts an instance, ends it, and takes away every other one, over and over.
async fn churn(server: &Inside, lane: usize, stop: &AtomicBool, ended: &AtomicU64) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("churn-{lane}-{number}");
        server.start("HumanApproval", &id, "").await;
        let answer = server.post(&format!("instances/{id}/terminate?reason=x"), "").await;
        assert_eq!(answer.status, 202, "{answer:?}");
        if number % 2 == 0 {
            let answer = server.ask("DELETE", &format!("instances/{id}"), None).await;
            assert!(matches!(answer.status, 200 | 412), "{answer:?}");
        }
        ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_stays_is_on_one_page_while_others_come_end_and_go() {
    let server = Inside::start().await;
    for number in 0..STABLE {
        let id = format!("stay-{number}");
        server.start("HumanApproval", &id, "").await;
        if number % 3 == 0 {
            server.post(&format!("instances/{id}/terminate"), "").await;
            server.until(&id, "Terminated").await;
        } else {
            server.until(&id, "Running").await;
        }
    }
    let (stop, ended) = (AtomicBool::new(false), AtomicU64::new(0));
    let look = async {
        // Each list is walked through while at least so many instances begin and end.
        for query in [
            "top=20",
            "top=20&order=createdTime+desc&name=HumanApproval&topLevel=true",
            "top=20&order=id&runtimeStatus=Running,Terminated",
            "top=20&order=lastUpdatedTime+desc",
        ] {
            let until = ended.load(Ordering::Relaxed) + 100;
            loop {
                let met = walk(&server, query).await;
                for number in 0..STABLE {
                    assert_eq!(met.get(&format!("stay-{number}")), Some(&1), "stay-{number} in {query}");
                }
                // In these orders nothing moves.
                if !query.contains("lastUpdatedTime") {
                    assert!(met.values().all(|times| *times == 1), "{query}: {met:?}");
                }
                if ended.load(Ordering::Relaxed) >= until {
                    break;
                }
            }
        }
        for query in ["top=20&order=name+desc", "top=20&order=runtimeStatus", "top=20&order=duration+desc"] {
            let until = ended.load(Ordering::Relaxed) + 100;
            while ended.load(Ordering::Relaxed) < until {
                let met = walk_search(&server, query).await;
                for number in 0..STABLE {
                    assert_eq!(met.get(&format!("stay-{number}")), Some(&1), "stay-{number} in {query}");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    };
    let lanes = join_all((0..8).map(|lane| churn(&server, lane, &stop, &ended)));
    soon("all walks while the world changes", async { tokio::join!(look, lanes) }).await;
}

/// Fills the file with instances that have ended, a microsecond apart, and some that have not.
async fn fill(data: &Data, ended: i64, live: i64) {
    let store =
        SqliteStore::open(SqliteOptions::file(data.path("d.db")), tokio::sync::mpsc::unbounded_channel().0);
    let store = store.unwrap();
    let hub = store.hub_ensure(HubName::parse("default").unwrap()).await.unwrap();
    let make = |number: i64| {
        let store = &store;
        async move {
            let at = Timestamp(1_700_000_000_000_000 + number);
            let started = pb::ExecutionStartedEvent {
                name: "Elsewhere".into(),
                orchestration_instance: Some(pb::OrchestrationInstance {
                    instance_id: format!("i{number}"),
                    execution_id: Some("e".into()),
                }),
                ..Default::default()
            };
            let id = InstanceId::lookup(format!("i{number}"));
            let new = NewInstance { hub, id, created_at: at, start_at: None, started };
            let Created::New(key) = store.instance_create(new, StatusSet::NONE.into()).await.unwrap() else {
                panic!("i{number} is taken");
            };
            // Live ones lie between the others.
            if number % (ended / live + 1) == 0 {
                return;
            }
            let update = InstanceUpdate {
                status: Status::Completed,
                updated_at: at,
                reopens: false,
                completed_at: Some(at),
                custom_status: None,
                trace: None,
                output: Some("1".into()),
                failure: None,
                execution: None,
            };
            let commit = Commit {
                hub,
                key,
                turn: 1,
                consumed: Vec::new(),
                history: HistoryChange::Keep,
                update,
                pending: Pending::DropAll,
                children: Vec::new(),
                activities: Vec::new(),
                outbox: Vec::new(),
                entity: None,
            };
            store.turn_commit(commit).await.unwrap();
        }
    };
    join_all((0..ended + live).map(make)).await;
    store.close().await.unwrap();
}

async fn counted(server: &Binary) -> (u64, u64) {
    let url = format!("{}/api/v1/counts", server.url);
    let counts: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let of = |status: &str| counts["byStatus"][status].as_u64().unwrap();
    (of("Completed"), of("Pending"))
}

const PURGE: &str = "instances?createdTimeFrom=2020-01-01";

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_counts_exactly_and_goes_on_where_time_was_up() {
    let data = Data::new();
    fill(&data, 5_000, 50).await;
    let server = data.serve().await;
    assert_eq!(counted(&server).await, (5_000, 50));
    let mut client = server.grpc().await;
    // No time at all is enough for one batch.
    let filter = pb::PurgeInstanceFilter {
        created_time_from: Some(prost_types::Timestamp::default()),
        timeout: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let request = pb::purge_instances_request::Request::PurgeInstanceFilter(filter);
    let request = pb::PurgeInstancesRequest { request: Some(request), ..Default::default() };
    let mut deleted = 0;
    for _ in 0..5 {
        let answer = client.purge_instances(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.is_complete, Some(false));
        assert!(answer.deleted_instance_count > 0);
        deleted += u64::try_from(answer.deleted_instance_count).unwrap();
    }
    assert_eq!(counted(&server).await, (5_000 - deleted, 50));
    let answer = server.ask("DELETE", PURGE, None).await;
    assert_eq!(answer.json()["instancesDeleted"], 5_000 - deleted, "{answer:?}");
    server.ask("DELETE", PURGE, None).await.is_empty(404);
    assert_eq!(counted(&server).await, (0, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_ends_at_shutdown_with_a_true_count() {
    let data = Data::new();
    fill(&data, 5_000, 50).await;
    let mut server = data.serve().await;
    let asking = async { server.ask("DELETE", PURGE, None).await };
    let begun = async {
        let looks = async || (counted(&server).await.0 < 5_000).then_some(());
        eventually("the purge has begun", looks).await;
        server.signal("TERM");
    };
    let (answer, ()) = soon("an answer at shutdown", async { tokio::join!(asking, begun) }).await;
    let deleted = answer.json()["instancesDeleted"].as_u64().unwrap();
    assert!(deleted > 0);
    assert_eq!(server.ended().await.0, Some(0), "{}", server.log());
    assert_eq!(counted(&data.serve().await).await, (5_000 - deleted, 50));
}
