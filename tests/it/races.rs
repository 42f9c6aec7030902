//! Many callers who want the same id at the same moment.

use crate::support::{Http, Inside, client, code_of, start_request};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::Barrier, task::JoinSet};
use tonic::Code;

const CALLERS: usize = 64;

/// Counts what `CALLERS` callers are told who all act at once.
async fn told<T: Ord + Send + 'static, F>(
    mut caller: impl FnMut(usize, Arc<Barrier>) -> F,
) -> BTreeMap<T, usize>
where
    F: Future<Output = T> + Send + 'static,
{
    let together = Arc::new(Barrier::new(CALLERS));
    let mut callers: JoinSet<T> = (0..CALLERS).map(|i| caller(i, together.clone())).collect();
    let mut told = BTreeMap::new();
    while let Some(answer) = callers.join_next().await {
        *told.entry(answer.unwrap()).or_default() += 1;
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_http_clients_that_start_one_id_together_one_gets_202() {
    let server = Inside::start().await;
    let told = told(|i, together| {
        let http = Http::new(server.url.clone());
        async move {
            together.wait().await;
            let answer = http
                .post("orchestrators/HumanApproval/same", &format!(r#"{{"timeoutSeconds":{}}}"#, 100 + i))
                .await;
            if answer.status == 409 {
                answer.is_error(409, "already exists");
            }
            answer.status
        }
    })
    .await;
    assert_eq!(told, BTreeMap::from([(202, 1), (409, CALLERS - 1)]));
    server.until("same", "Running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_http_clients_that_want_one_instance_to_run_one_starts_it_and_all_get_it() {
    let server = Inside::start().await;
    let told = told(|_, together| {
        let http = Http::new(server.url.clone());
        async move {
            together.wait().await;
            let answer = http.post("orchestrators/HumanApproval/same?onExisting=return", "").await;
            assert_eq!(answer.location(), answer.json()["statusQueryGetUri"].as_str().unwrap());
            answer.status
        }
    })
    .await;
    assert_eq!(told, BTreeMap::from([(202, 1), (200, CALLERS - 1)]));
    server.until("same", "Running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_grpc_clients_that_start_one_id_together_one_gets_ok() {
    let server = Inside::start().await;
    let url = server.url.clone();
    let told = told(|_, together| {
        let url = url.clone();
        async move {
            let mut client = client(&url).await;
            together.wait().await;
            code_of(&client.start_instance(start_request("HumanApproval", "same")).await) as i32
        }
    })
    .await;
    assert_eq!(told, BTreeMap::from([(Code::Ok as i32, 1), (Code::AlreadyExists as i32, CALLERS - 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_and_grpc_clients_share_one_winner() {
    let server = Inside::start().await;
    let url = server.url.clone();
    let won = told(|i, together| {
        let url = url.clone();
        async move {
            if i % 2 == 0 {
                let http = Http::new(url);
                together.wait().await;
                http.post("orchestrators/HumanApproval/same", "").await.status == 202
            } else {
                let mut client = client(&url).await;
                together.wait().await;
                client.start_instance(start_request("HumanApproval", "same")).await.is_ok()
            }
        }
    })
    .await;
    assert_eq!(won, BTreeMap::from([(false, CALLERS - 1), (true, 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_terminate_together_nobody_fails_and_one_reason_stays() {
    let server = Inside::start().await;
    server.start("HumanApproval", "same", "").await;
    let told = told(|i, together| {
        let http = Http::new(server.url.clone());
        async move {
            together.wait().await;
            http.post(&format!("instances/same/terminate?reason=r{i}"), "").await.status
        }
    })
    .await;
    assert!(told.keys().all(|status| matches!(status, 202 | 410)) && told.contains_key(&202), "{told:?}");
    let ended = server.status("same").await;
    assert_eq!(ended["runtimeStatus"], "Terminated");
    assert!(ended["output"].as_str().unwrap().starts_with('r'), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_many_callers_do_to_one_id_nobody_sees_a_failure() {
    let server = Inside::start().await;
    let told = told(|i, together| {
        let http = Http::new(server.url.clone());
        async move {
            together.wait().await;
            let mut worst = 0;
            for round in 0..12 {
                let (method, target) = match (i * 5 + round * 7) % 9 {
                    0 => ("POST", "orchestrators/HumanApproval/same"),
                    1 => ("POST", "orchestrators/HelloCities/same"),
                    2 => ("POST", "orchestrators/HelloCities/same?timeout=0.05"),
                    3 => ("POST", "instances/same/terminate?reason=x"),
                    4 => ("POST", "instances/same/suspend"),
                    5 => ("POST", "instances/same/resume"),
                    6 => ("POST", "instances/same/raiseEvent/Approval"),
                    7 => ("DELETE", "instances/same"),
                    _ => ("GET", "instances/same?showHistory=true"),
                };
                let json = if target.contains("Human") { "{\"timeoutSeconds\":100}" } else { "true" };
                let answer = http.ask(method, target, Some(json)).await;
                answer.is_no_failure();
                worst = worst.max(answer.status);
            }
            worst
        }
    })
    .await;
    assert!(told.keys().all(|worst| *worst < 500), "{told:?}");
    // Whatever is there now can be ended and replaced.
    let ended = server.post("instances/same/terminate", "").await;
    assert!(matches!(ended.status, 202 | 404 | 410), "{ended:?}");
    let again = server.post("orchestrators/HelloCities/same?timeout=20", "").await;
    assert_eq!((again.status, &again.json()[2]), (200, &"Hello, London!".into()), "{again:?}");
    server.is_well().await;
}
