//! Events from systems that know nothing of this API: bodies of any kind, and signatures.

use crate::support::{Answer, Data, Http, eventually};

const SECRET: &str = "It's a Secret to Everybody";
/// `sha256=` of "Hello, World!" under the secret, as GitHub documents it.
const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

async fn raise(server: &Http, target: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
    server.ask_with("POST", target, content_type, body.to_vec()).await
}

/// What an orchestration is given for an event that is sent like this.
async fn received(
    server: &Http,
    id: &str,
    query: &str,
    content_type: &str,
    body: &[u8],
) -> serde_json::Value {
    server.start("HumanApproval", id, "").await;
    let target = format!("instances/{id}/raiseEvent/Callback{query}");
    raise(server, &target, Some(content_type), body).await.is_empty(202);
    let row = eventually("the event is in the history", async || {
        let mut status = server.get(&format!("instances/{id}?showHistory=true")).await.json();
        let rows = status["historyEvents"].as_array_mut()?;
        let row = rows.iter_mut().find(|row| row["EventType"] == "EventRaised" && row["Name"] == "Callback");
        row.map(serde_json::Value::take)
    })
    .await;
    serde_json::from_str(row["Input"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_any_kind_arrives_as_json_when_the_request_says_so() {
    let data = Data::new();
    let server = data.serve().await;
    for (id, content_type, body, expected) in [
        ("form", "application/x-www-form-urlencoded", &b"a=1&b=x+y&b=z"[..], r#"{"a":"1","b":["x y","z"]}"#),
        ("text", "text/plain", b"it is done", r#""it is done""#),
        ("xml", "application/xml", b"<a b=\"c\"/>", r#""<a b=\"c\"/>""#),
        ("binary", "image/png", b"\x89PNG\0", r#"{"contentType":"image/png","base64":"iVBORwA="}"#),
        ("json", "application/json", b"{\"a\": 1}", r#"{"a":1}"#),
        ("nothing", "text/plain", b"", "null"),
    ] {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(received(&server, id, "?contentType=any", content_type, body).await, expected, "{id}");
    }
    let target = "instances/form/raiseEvent/E";
    raise(&server, target, Some("text/plain"), b"1").await.is_error(400, "application/json");
    raise(&server, target, None, b"1").await.is_error(400, "application/json");
    let any = format!("{target}?CONTENTTYPE=Any");
    raise(&server, &any, Some("application/json"), b"{bad").await.is_error(400, "not valid JSON");
    raise(&server, &format!("{target}?contentType=some"), Some("text/plain"), b"1")
        .await
        .is_error(400, "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_decides_where_the_request_does_not() {
    let data = Data::new();
    let config = data.path("any.toml");
    std::fs::write(&config, "[http]\nevent_content_type = \"any\"\n").unwrap();
    let server = data.serve_with(&["--config", config.to_str().unwrap()]).await;
    assert_eq!(received(&server, "i", "", "text/plain", b"hi").await, "hi");
    let strict = "instances/i/raiseEvent/E?contentType=json";
    raise(&server, strict, Some("text/plain"), b"hi").await.is_error(400, "application/json");
    // What is wrong with the instance still comes first.
    raise(&server, "instances/unknown/raiseEvent/E", Some("application/json"), b"{bad").await.is_empty(404);
    server.control("i", "terminate", "").await;
    raise(&server, "instances/i/raiseEvent/E", Some("application/json"), b"{bad").await.is_empty(410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_with_a_secret_takes_only_signed_events() {
    let data = Data::new();
    let config = data.path("secret.toml");
    let secrets = format!("\"signed github the one that comes next\", \"signed github {SECRET}\"");
    let text = format!(
        "[hubs]\nnames = [\"open\", \"signed\"]\nwebhook_secrets = [{secrets}]\n[log]\nlevel = \"debug\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let server = data.serve_with(&["--config", config.to_str().unwrap()]).await;
    for hub in ["open", "signed"] {
        let started = server.post(&format!("orchestrators/HumanApproval/i?taskHub={hub}"), "").await;
        assert_eq!(started.status, 202);
    }
    let send = async |hub: &str, id: &str, signature: Option<&str>, body: &str| {
        let target = format!("instances/{id}/raiseEvent/E?taskHub={hub}&contentType=any");
        let headers: Vec<_> =
            signature.map(|signature| ("x-hub-signature-256", signature)).into_iter().collect();
        server.ask_headers("POST", &target, &headers, body.to_owned()).await
    };
    send("SIGNED", "i", Some(SIGNED), "Hello, World!").await.is_empty(202);
    for (signature, body) in [
        (None, "Hello, World!"),
        (Some(SIGNED), "Hello, World?"),
        (Some("sha256=00"), "Hello, World!"),
        (Some(""), ""),
    ] {
        send("signed", "i", signature, body).await.is_empty(401);
        // Also whether there is such an instance is nobody's business.
        send("signed", "unknown", signature, body).await.is_empty(401);
    }
    send("signed", "unknown", Some(SIGNED), "Hello, World!").await.is_empty(404);
    send("open", "i", None, "Hello, World!").await.is_empty(202);
    // Only events are signed.
    assert_eq!(server.get("instances/i?taskHub=signed").await.status, 202);
    let log = server.log();
    assert!(log.contains("without a good signature"), "{log}");
    assert!(!log.contains("Secret to") && !log.contains("comes next") && !log.contains("757107"), "{log}");
}
