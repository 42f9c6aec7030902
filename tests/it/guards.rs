//! What pages in a browser may do: those of others nothing, those of this server what the settings permit. And what is told about it.

use crate::support::{Answer, Binary, Data};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs;

async fn configured(data: &Data, settings: &str) -> Binary {
    let file = data.path("guards.toml");
    fs::write(&file, settings).unwrap();
    data.serve_with(&["--config", file.to_str().unwrap()]).await
}

/// A key as a line of settings; the key is its own role.
fn key(role: &str) -> String {
    let digest: String = Sha256::digest(role).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[[auth.keys]]\nname = \"{role}-key\"\nrole = \"{role}\"\nsha256 = [\"{digest}\"]\n")
}

async fn ask(server: &Binary, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    server.ask_headers(method, target, headers, "").await
}

const START: &str = "orchestrators/HelloCities";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_changes_nothing() {
    let data = Data::new();
    let server = data.serve().await;
    let own = server.url.clone();
    let host = own.strip_prefix("http://").unwrap();
    let secure = format!("https://{host}");
    for (headers, permitted) in [
        (&[][..], true),
        (&[("origin", own.as_str())], true),
        (&[("origin", own.as_str()), ("sec-fetch-site", "same-origin")], true),
        // A proxy that speaks https may stand before it.
        (&[("origin", secure.as_str())], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "http://127.0.0.1:1")], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
        (&[("origin", host)], false),
        (&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
    ] {
        for (method, target) in [
            ("POST", START),
            ("DELETE", "instances/nobody"),
            ("POST", "/api/v1/hubs"),
            ("POST", "/durabletask/nothing"),
        ] {
            let answer = ask(&server, method, target, headers).await;
            match permitted {
                true => assert_ne!(answer.status, 403, "{method} {target} {headers:?}: {answer:?}"),
                false => answer.is_error(403, "http.cors_origins"),
            }
        }
        // Looking is what browsers themselves keep pages from.
        assert_eq!(ask(&server, "GET", "instances", headers).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_name_the_pages_that_may() {
    let data = Data::new();
    let server = configured(
        &data,
        "[server]\npublic_base_url = \"https://flows.example.com/durahub\"\n[http]\ncors_origins = [\"https://app.example\"]\n",
    )
    .await;
    for (origin, permitted) in [
        ("https://flows.example.com", true),
        ("https://app.example", true),
        ("http://flows.example.com", false),
        ("https://app.example.evil.example", false),
        ("https://app.exampl", false),
    ] {
        let answer = ask(&server, "POST", START, &[("origin", origin)]).await;
        assert_eq!(answer.status, if permitted { 202 } else { 403 }, "{origin}: {answer:?}");
    }
    let data = Data::new();
    let server = configured(&data, "[http]\ncors_origins = [\"*\"]\n").await;
    assert_eq!(ask(&server, "POST", START, &[("origin", "https://any.example")]).await.status, 202);
    let data = Data::new();
    let server =
        configured(&data, "[server]\ntrusted_proxies = [\"127.0.0.1\"]\nallowed_hosts = [\"inside\"]\n")
            .await;
    let forwarded =
        [("host", "inside"), ("x-forwarded-host", "outside.example"), ("x-forwarded-proto", "https")];
    let with = |origin| [&forwarded[..], &[("origin", origin)]].concat();
    assert_eq!(ask(&server, "POST", START, &with("https://outside.example")).await.status, 202);
    ask(&server, "POST", START, &with("https://elsewhere.example")).await.is_error(403, "elsewhere.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_only_a_known_host_is_served() {
    let data = Data::new();
    let server = configured(
        &data,
        "[server]\npublic_base_url = \"https://Flows.example.com\"\nallowed_hosts = [\"Durahub.internal\"]\n",
    )
    .await;
    for (host, permitted) in [
        ("127.0.0.1", true),
        ("127.0.0.1:7071", true),
        ("10.1.2.3:80", true),
        ("[::1]:7071", true),
        ("localhost", true),
        ("LocalHost:7071", true),
        ("app.localhost:7071", true),
        ("flows.example.com", true),
        ("FLOWS.example.com:8443", true),
        ("durahub.internal:7071", true),
        ("evil.example", false),
        ("evil.example:7071", false),
        ("localhost.evil.example", false),
        ("127.0.0.1.evil.example", false),
        ("notlocalhost", false),
        ("x.durahub.internal", false),
        ("2130706433x", false),
    ] {
        for (method, target) in [("GET", "instances"), ("GET", "/dashboard"), ("POST", START)] {
            let answer = ask(&server, method, target, &[("host", host)]).await;
            match permitted {
                true => assert!(matches!(answer.status, 200 | 202), "{host} {target}: {answer:?}"),
                false => answer.is_error(403, "server.allowed_hosts"),
            }
        }
        for target in ["/healthz", "/readyz"] {
            assert_eq!(ask(&server, "GET", target, &[("host", host)]).await.status, 200, "{host}");
        }
    }
    let data = Data::new();
    let server = configured(&data, "[server]\nallowed_hosts = [\"*\"]\n").await;
    assert_eq!(ask(&server, "GET", "instances", &[("host", "any.example")]).await.status, 200);
    // Who has to show a key cannot be made to by a name.
    let data = Data::new();
    let server = configured(&data, &key("read")).await;
    let headers = [("host", "any.example"), ("x-functions-key", "read")];
    assert_eq!(ask(&server, "GET", "instances", &headers).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_that_only_looks_is_held_to_it_by_the_server() {
    let data = Data::new();
    let server = configured(&data, &format!("[dashboard]\nread_only = true\n{}", key("admin"))).await;
    let keyed = ("x-functions-key", "admin");
    let (own, host) = (server.url.clone(), server.url.strip_prefix("http://").unwrap().to_owned());
    for page in [
        &[("origin", own.as_str())][..],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none"), ("host", &host)],
    ] {
        let headers = [page, &[keyed]].concat();
        for (method, target) in [
            ("POST", START),
            ("POST", "instances/i/terminate"),
            ("DELETE", "instances/i"),
            ("POST", "/api/v1/jobs"),
            ("DELETE", "/api/v1/hubs/x"),
            ("POST", "/durabletask/orchestrators/HelloCities"),
        ] {
            ask(&server, method, target, &headers).await.is_error(403, "dashboard.read_only");
        }
        let about = ask(&server, "GET", "/api/v1/about", &headers).await.json();
        assert_eq!((&about["readOnly"], &about["caller"]["name"]), (&json!(true), &json!("admin-key")));
    }
    // Programs are not concerned.
    assert_eq!(ask(&server, "POST", START, &[keyed]).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn about_tells_what_there_is_and_no_secret() {
    let data = Data::new();
    let secret = "a-secret-of-at-least-thirty-two-bytes";
    let settings = format!(
        "[auth]\nlink_secret = \"{secret}\"\n{}{}[hubs]\nwebhook_secrets = [\"default github 0123456789abcdef\"]\n",
        key("read"),
        key("admin")
    );
    let server = configured(&data, &settings).await;
    let answer = ask(&server, "GET", "/api/v1/about", &[("x-functions-key", "read")]).await;
    let digest: String = Sha256::digest("admin").iter().map(|byte| format!("{byte:02x}")).collect();
    for hidden in [secret, "0123456789abcdef", digest.as_str()] {
        assert!(!answer.body.contains(hidden), "{}", answer.body);
    }
    let about = answer.json();
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["store"]["kind"], "sqlite");
    assert!(about["store"]["bytes"].as_u64() > Some(1_000), "{about}");
    assert!(about["store"]["path"].as_str().unwrap().ends_with("d.db"));
    assert_eq!(
        about["endpoints"]["durableFunctions"],
        format!("{}/runtime/webhooks/durabletask", server.url)
    );
    assert_eq!(about["settings"]["auth"]["keys"][1], json!({ "name": "admin-key", "role": "admin" }));
    assert_eq!(about["settings"]["limits"]["wait_secs"], 230);
    assert_eq!(about["caller"], json!({ "name": "read-key", "role": "read", "permits": ["read"] }));
    assert_eq!(about["readOnly"], false);

    let data = Data::new();
    let open = data.serve_on("sqlite::memory:", &[]).await;
    let about = open.get("/api/v1/about").await.json();
    assert_eq!(about["store"], json!({ "kind": "memory", "path": null, "bytes": null, "walBytes": null }));
    assert_eq!(
        (&about["caller"]["name"], about["caller"]["permits"].as_array().unwrap().len()),
        (&json!(null), 12)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_are_made_and_removed_by_administrators() {
    let data = Data::new();
    let server = configured(&data, &[key("operate"), key("admin")].concat()).await;
    let call = async |role: &str, method: &str, target: &str, body: &str| {
        let headers = [("x-functions-key", role), ("content-type", "application/json")];
        server.ask_headers(method, target, &headers, body.to_owned()).await
    };
    let name = r#"{"name":"Nightly"}"#;
    call("operate", "POST", "/api/v1/hubs", name).await.is_empty(403);
    call("operate", "DELETE", "/api/v1/hubs/default", "").await.is_empty(403);
    let made = call("admin", "POST", "/api/v1/hubs", name).await;
    assert_eq!(
        (made.status, made.json()),
        (201, json!({ "name": "Nightly", "default": false, "removable": true }))
    );
    assert_eq!(call("admin", "POST", "/api/v1/hubs", r#"{"name":"nightly"}"#).await.status, 200);
    for bad in
        ["{}", r#"{"name":""}"#, r#"{"name":"a b"}"#, r#"{"name":"x","anew":true}"#, r#"{"name":7}"#, "["]
    {
        assert_eq!(call("admin", "POST", "/api/v1/hubs", bad).await.status, 400, "{bad}");
    }
    assert_eq!(
        call("admin", "POST", "orchestrators/HelloCities/h?taskHub=nightly&timeout=20", "").await.status,
        200
    );
    assert_eq!(call("admin", "POST", "orchestrators/Unserved/u", "").await.status, 202);
    let hubs = call("operate", "GET", "/api/v1/hubs?counts=true", "").await.json();
    assert_eq!(hubs[0]["name"], "default");
    assert_eq!(
        (&hubs[0]["removable"], &hubs[0]["instances"]["byStatus"]["Pending"]),
        (&json!(false), &json!(1))
    );
    assert_eq!((&hubs[1]["name"], &hubs[1]["instances"]["total"]), (&json!("Nightly"), &json!(1)));
    let removed = call("admin", "DELETE", "/api/v1/hubs/NIGHTLY", "").await;
    assert_eq!((removed.status, removed.json()), (200, json!({ "name": "Nightly", "removed": true })));
    call("admin", "DELETE", "/api/v1/hubs/nightly", "").await.is_empty(404);
    call("admin", "DELETE", "/api/v1/hubs/%20", "").await.is_empty(404);
    // The settings name it, so it stays, empty.
    let emptied = call("admin", "DELETE", "/api/v1/hubs/default", "").await;
    assert_eq!(emptied.json(), json!({ "name": "default", "removed": false }));
    assert_eq!(call("admin", "GET", "/api/v1/counts", "").await.json()["total"], 0);
}
