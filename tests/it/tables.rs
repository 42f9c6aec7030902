//! What tables and charts are made of: searches, exports, histograms, statistics, entities.

use crate::support::{Inside, eventually};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;

async fn read(server: &Inside, target: &str) -> Value {
    let answer = server.get(&format!("/api/v1/{target}")).await;
    assert_eq!(answer.status, 200, "{target}: {answer:?}");
    answer.json()
}

/// `hello-1` to `hello-3` completed, `bad-1` and `bad-2` failed, `waits` running.
async fn six(server: &Inside) {
    for number in 1..=3 {
        server.start("HelloCities", &format!("hello-{number}"), "").await;
        server.until(&format!("hello-{number}"), "Completed").await;
    }
    for number in 1..=2 {
        server.start("FanOutFanIn", &format!("bad-{number}"), "{\"bad\":1}").await;
        server.until(&format!("bad-{number}"), "Failed").await;
    }
    server.start("HumanApproval", "waits", "").await;
    server.until("waits", "Running").await;
}

fn ids(page: &Value) -> Vec<&str> {
    let rows = page["instances"].as_array().unwrap().iter();
    rows.map(|row| row["instanceId"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_tells_what_a_table_shows() {
    let server = Inside::start().await;
    six(&server).await;
    let page = read(&server, "instances?order=name&sizes=true").await;
    assert_eq!(ids(&page), ["bad-1", "bad-2", "hello-1", "hello-2", "hello-3", "waits"]);
    let rows = page["instances"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["historyEvents"].as_i64() > Some(1)), "{page}");
    assert!(rows.iter().all(|row| row["historyBytes"].as_i64() > Some(50)), "{page}");
    assert!(rows[..5].iter().all(|row| row["durationMs"].as_i64() >= Some(0)), "{page}");
    assert_eq!(rows[5]["durationMs"], Value::Null);
    assert_eq!(ids(&read(&server, "instances?order=duration+desc").await)[5], "waits");
    let word = rows[0]["failure"]["message"].as_str().unwrap().split(' ').next().unwrap().to_uppercase();
    let found = read(&server, &format!("instances?error={}", crate::support::escaped(&word))).await;
    assert_eq!(ids(&found), ["bad-1", "bad-2"], "{word}");
    assert_eq!(ids(&read(&server, "instances?error=nothing+like+it").await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_instance_once_in_either_format() {
    let server = Inside::start().await;
    // More than two of its pages.
    join_all((0..1_100).map(|number| {
        let server = &server;
        async move { server.start("Elsewhere", &format!("i,{number}"), "").await }
    }))
    .await;
    let answer = server.get("/api/v1/export?format=ndjson&order=id&sizes=true").await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"instances.ndjson\""));
    let rows: Vec<Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: HashSet<&str> = rows.iter().map(|row| row["instanceId"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), ids.len()), (1_100, 1_100));
    assert_eq!(rows[0]["historyEvents"], 0);

    let answer = server.get("/api/v1/export?name=Elsewhere").await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<&str> = answer.body.split_terminator("\r\n").collect();
    assert!(lines[0].starts_with("instanceId,name,version,runtimeStatus,"), "{}", lines[0]);
    assert_eq!(lines.iter().filter(|line| line.starts_with("\"i,")).count(), 1_100);
    assert!(lines[1].contains("\",Elsewhere,,Pending,20"), "{}", lines[1]);

    let none = server.get("/api/v1/export?taskHub=nowhere").await;
    assert_eq!((none.status, none.body.lines().count()), (200, 1));
    for (query, part) in
        [("format=xml", "format must be csv or ndjson"), ("order=size", "order"), ("sizes=1", "sizes")]
    {
        server.get(&format!("/api/v1/export?{query}")).await.is_error(400, part);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_histogram_and_statistics_count_what_has_happened() {
    let server = Inside::start().await;
    six(&server).await;
    let sum = |chart: &Value, key: &str| {
        let series = chart["series"].as_array().unwrap();
        let series = series.iter().find(|series| series["key"] == key);
        series.map(|series| {
            series["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>()
        })
    };
    let chart = read(&server, "histogram?buckets=5").await;
    assert_eq!(
        (sum(&chart, "Completed"), sum(&chart, "Failed"), sum(&chart, "Running")),
        (Some(3), Some(2), Some(1))
    );
    assert_eq!((&chart["total"], chart["series"].as_array().unwrap().len()), (&json!(6), 3));
    let chart = read(&server, "histogram?of=completed&by=name&from=2020-01-01&name=HelloCities").await;
    assert_eq!((sum(&chart, "HelloCities"), &chart["total"]), (Some(3), &json!(3)));
    assert_eq!(chart["from"], "2020-01-01T00:00:00.000000Z");
    server
        .get("/api/v1/histogram?from=2020-01-02&to=2020-01-02")
        .await
        .is_error(400, "to must be later than from");
    server.get("/api/v1/histogram?buckets=0").await.is_error(400, "buckets");
    assert_eq!(read(&server, "histogram?taskHub=nowhere").await["total"], 0);

    // Histories are read for a second only, which may be too short for all of them.
    let told = eventually("all histories read", async || {
        Some(read(&server, "statistics").await).filter(|told| told["sampledHistories"] == 5)
    })
    .await;
    let names = |rows: &Value| -> Vec<(String, u64, u64)> {
        let rows = rows.as_array().unwrap().iter();
        let number = |row: &Value, field: &str| row[field].as_u64().unwrap();
        rows.map(|row| (row["name"].as_str().unwrap().into(), number(row, "count"), number(row, "failed")))
            .collect()
    };
    let durations = names(&told["durations"]);
    assert_eq!(durations, [("HelloCities".to_owned(), 3, 0), ("FanOutFanIn".to_owned(), 2, 2)]);
    assert!(told["durations"][0]["p50Ms"].as_i64() <= told["durations"][0]["maxMs"].as_i64());
    assert!(names(&told["activities"]).contains(&("Samples.SayHello".to_owned(), 9, 0)), "{told}");
    assert!(told["activities"][0]["exampleInstanceId"].as_str().unwrap().starts_with("hello-"));
    let failed = &told["failuresByHour"];
    let hours = failed[0]["hours"].as_array().unwrap();
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["name"]), (1, &json!("FanOutFanIn")));
    assert_eq!(hours.iter().map(|hour| hour["count"].as_u64().unwrap()).sum::<u64>(), 2);
    assert!(hours[0]["hour"].as_str().unwrap().ends_with(":00:00.000000Z"), "{told}");
    assert_eq!((&told["lookedAt"], &told["more"]), (&json!(5), &json!(false)));
    let told = read(&server, "statistics?runtimeStatus=Completed").await;
    assert_eq!((&told["failuresByHour"], &told["lookedAt"]), (&json!([]), &json!(3)));
    assert_eq!(read(&server, "statistics?taskHub=nowhere").await["lookedAt"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_shown_with_their_states_and_what_waits_for_them() {
    let server = Inside::start().await;
    for key in ["a1", "a2", "b"] {
        server.post(&format!("entities/Samples.Counter/{key}?op=add"), "12").await.is_empty(202);
    }
    // Nobody serves it.
    for _ in 0..2 {
        server.post("entities/Nobodys/x?op=add", "1").await.is_empty(202);
    }
    let rows = eventually("the counters have counted", async || {
        let page = read(&server, "entities").await;
        let rows = page["entities"].as_array().unwrap().clone();
        (rows.iter().filter(|row| row["stateBytes"] == 2).count() == 3).then_some(rows)
    })
    .await;
    let nobodys = &rows[0];
    assert_eq!(
        (&nobodys["name"], &nobodys["key"], &nobodys["instanceId"]),
        (&json!("nobodys"), &json!("x"), &json!("@nobodys@x"))
    );
    assert_eq!(
        (&nobodys["backlog"], &nobodys["stateBytes"], &nobodys["lockedBy"]),
        (&json!(2), &Value::Null, &Value::Null)
    );
    let keys = async |query: &str| {
        let page = read(&server, &format!("entities?{query}")).await;
        let keys = page["entities"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap());
        (keys.collect::<Vec<_>>().join(" "), page["next"].as_str().map(str::to_owned))
    };
    for (query, expected) in [
        ("name=samples.counter", "a1 a2 b"),
        ("name=Samples.Counter&keyPrefix=a", "a1 a2"),
        ("hasState=true", "a1 a2 b"),
        ("hasState=false", "x"),
        ("name=a@b", ""),
        ("lastOperationTimeTo=2020-01-01", ""),
        ("taskHub=nowhere", ""),
    ] {
        assert_eq!(keys(query).await, (expected.to_owned(), None), "{query}");
    }
    let (first, next) = keys("name=Samples.Counter&top=2").await;
    assert_eq!(first, "a1 a2");
    let next = format!("name=Samples.Counter&top=2&after={}", next.unwrap());
    assert_eq!(keys(&next).await, ("b".to_owned(), None));
    server.get("/api/v1/entities?keyPrefix=a").await.is_error(400, "keyPrefix needs a name");
    server.get("/api/v1/entities?after=x").await.is_error(400, "continuation token");
}
