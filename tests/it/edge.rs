//! What lies around the routes: names of requests, browsers, compression, and the reference.

use crate::support::{Binary, Data, get_request};
use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Path, PathBuf},
};

async fn configured(data: &Data, text: &str) -> Binary {
    let config = data.path("edge.toml");
    std::fs::write(&config, text).unwrap();
    data.serve_with(&["--config", config.to_str().unwrap()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_and_the_log_name_the_request() {
    let data = Data::new();
    let server = configured(&data, "[log]\nlevel = \"debug\"\n").await;
    for target in ["/healthz", "/readyz", "/openapi.yaml", "/docs", "/nowhere", "instances", "instances/i"] {
        let own = server.ask_headers("GET", target, &[("x-request-id", "order-7/try:2")], "").await;
        assert_eq!(own.header("x-request-id"), Some("order-7/try:2"), "{target}");
    }
    let long = "x".repeat(129);
    let mut made = BTreeSet::new();
    for headers in [&[][..], &[("x-request-id", "")], &[("x-request-id", "a b")], &[("x-request-id", &long)]]
    {
        let answer = server.ask_headers("GET", "instances/i", headers, "").await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        made.insert(id);
    }
    assert_eq!(made.len(), 4, "every request has a name of its own");
    let log = server.log();
    assert!(log.contains("order-7/try:2"), "{log}");
    assert!(made.iter().all(|id| log.contains(id)) && !log.contains(&long), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_be_careful() {
    let data = Data::new();
    let server = configured(&data, "[dashboard]\nread_only = true\n").await;
    server.start("HelloCities", "i", "\"<script>\"").await;
    let page = [("origin", "https://evil.example")];
    for (method, target, headers, policy, keep) in [
        ("GET", "instances", &[][..], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        ("GET", "instances/i", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        ("GET", "instances/nobody", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        ("POST", "orchestrators/HelloCities", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        (
            "POST",
            "orchestrators/HelloCities",
            &page,
            "default-src 'none'; frame-ancestors 'none'",
            "no-store",
        ),
        ("GET", "/api/v1/instances/i", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        (
            "GET",
            "/api/v1/instances/i/payloads/input",
            &[],
            "default-src 'none'; frame-ancestors 'none'",
            "no-store",
        ),
        ("GET", "/api/v1/export?format=csv", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        ("GET", "/nowhere", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        ("GET", "/healthz", &[], "default-src 'none'; frame-ancestors 'none'", "no-store"),
        ("GET", "/docs", &[], "default-src 'none'; style-src 'sha256-", "no-store"),
        ("GET", "/dashboard", &[], "default-src 'self'; object-src 'none'", "no-cache"),
    ] {
        let answer = server.ask_headers(method, target, headers, "").await;
        let told = format!("{method} {target}: {answer:?}");
        let csp = answer.header("content-security-policy").expect(&told);
        assert!(csp.starts_with(policy) && csp.ends_with("frame-ancestors 'none'"), "{told}");
        assert_eq!(answer.header("cache-control"), Some(keep), "{told}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{told}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{told}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{told}");
        assert_eq!(answer.header("strict-transport-security"), None, "only with TLS: {told}");
        for name in ["content-security-policy", "cache-control", "x-content-type-options", "referrer-policy"]
        {
            assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{name} {told}");
        }
    }
}

/// The code of the server, without the load generator, which is a client, and without tests.
fn code_of_the_server() -> Vec<(PathBuf, String)> {
    let (mut folders, mut files) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("src/bench") && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path, text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()));
            }
        }
    }
    files
}

#[test]
fn the_server_connects_to_nobody() {
    let files = code_of_the_server();
    assert!(files.len() > 100, "the code is not where this test believes");
    for (path, text) in files {
        for call in [
            "TcpStream::connect",
            "UnixStream",
            "UdpSocket",
            "lookup_host",
            "reqwest",
            "hyper::client",
            "client::legacy",
            "transport::Channel",
            "Endpoint::",
            "Command::new(\"",
        ] {
            assert!(!text.contains(call), "{} calls out ({call}): see docs/security.md", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_do_not_speak_grpc_whatever_name_led_them_here() {
    let data = Data::new();
    let server = data.serve().await;
    let message = prost::Message::encode_to_vec(&crate::support::start_request("HelloCities", "stolen"));
    let framed = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], message.as_slice()].concat();
    let grpc = ("content-type", "application/grpc");
    for headers in [
        &[grpc][..],
        &[grpc, ("host", "evil.example"), ("origin", "http://evil.example")],
        &[grpc, ("origin", &server.url)],
        &[("content-type", "text/plain"), ("origin", "http://evil.example")],
    ] {
        let answer =
            server.ask_headers("POST", "/TaskHubSidecarService/StartInstance", headers, framed.clone()).await;
        let expected = if headers[0] == grpc { 505 } else { 415 };
        assert_eq!(answer.status, expected, "{headers:?} {answer:?}");
    }
    // Over HTTP/2, as a browser with TLS would.
    let mut client = server.grpc().await;
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")] {
        let mut request = tonic::Request::new(crate::support::start_request("HelloCities", "stolen"));
        request.metadata_mut().insert(name, value.parse().unwrap());
        let refused = client.start_instance(request).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{name}");
    }
    server.get("instances/stolen").await.is_empty(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_permitted_what_the_settings_permit() {
    const PAGE: &str = "https://app.example";
    let preflight = [
        ("origin", PAGE),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-functions-key"),
    ];
    let data = Data::new();
    let server = data.serve().await;
    server.ask_headers("OPTIONS", "instances/i", &preflight, "").await.is_empty(404);
    let plain = server.ask_headers("GET", "instances", &preflight[..1], "").await;
    assert_eq!((plain.status, plain.header("access-control-allow-origin")), (200, None));

    let data = Data::new();
    let server = configured(&data, &format!("[http]\ncors_origins = [\"http://other\", \"{PAGE}\"]\n")).await;
    let permitted = server.ask_headers("OPTIONS", "instances/i/raiseEvent/E", &preflight, "").await;
    assert_eq!((permitted.status, permitted.header("access-control-allow-origin")), (200, Some(PAGE)));
    assert_eq!(permitted.header("access-control-allow-headers"), Some("content-type,x-functions-key"));
    assert_eq!(permitted.header("access-control-allow-methods"), Some("GET,POST,DELETE"));
    assert!(permitted.header("x-request-id").is_some());
    let started = server.ask_headers("POST", "orchestrators/HelloCities", &preflight[..1], "").await;
    assert_eq!((started.status, started.header("access-control-allow-origin")), (202, Some(PAGE)));
    let exposed = started.header("access-control-expose-headers").unwrap();
    for name in
        ["location", "retry-after", "x-ms-continuation-token", "link", "x-request-id", "preference-applied"]
    {
        assert!(exposed.split(',').any(|header| header.trim() == name), "{name}: {exposed}");
    }
    let refused = server.ask_headers("GET", "instances", &[("origin", "https://evil.example")], "").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (200, None));
    // A cache must not give one page the answer for another.
    assert!(refused.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin")));

    let data = Data::new();
    let server = configured(&data, "[http]\ncors_origins = [\"*\"]\n").await;
    let anybody = server.ask_headers("GET", "/readyz", &preflight[..1], "").await;
    assert_eq!(anybody.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_compressed_for_those_who_ask() {
    let input = format!("\"{}\"", "x".repeat(10_000));
    let gzip = [("accept-encoding", "gzip")];
    let data = Data::new();
    let server = data.serve().await;
    server.start("Unserved", "large", &input).await;
    server.start("Unserved", "small", "1").await;
    let plain = server.get("instances/large").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.header("vary").is_some_and(|vary| vary.contains("accept-encoding")), "{plain:?}");

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let target = format!("{}/runtime/webhooks/durabletask/instances/large", server.url);
    let packed = client.get(target).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["content-type"], "application/json; charset=utf-8");
    let bytes = packed.bytes().await.unwrap();
    assert!(bytes.len() < 1_000, "{}", bytes.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.body);

    let small = server.ask_headers("GET", "instances/small", &gzip, "").await;
    assert_eq!((small.header("content-encoding"), small.json()["input"].as_i64()), (None, Some(1)));

    // gRPC has its own ways.
    let mut request = tonic::Request::new(get_request("large"));
    request.metadata_mut().insert("accept-encoding", "gzip".parse().unwrap());
    let mut grpc = server.grpc().await;
    let mut with_payloads = request.into_inner();
    with_payloads.get_inputs_and_outputs = true;
    let answer = grpc.get_instance(with_payloads).await.unwrap();
    assert!(
        answer.metadata().get("content-encoding").is_none()
            && answer.metadata().get("x-request-id").is_none()
    );
    assert_eq!(answer.into_inner().orchestration_state.unwrap().input.as_deref(), Some(input.as_str()));

    let data = Data::new();
    let server = configured(&data, "[http]\ncompression = false\n").await;
    let page = server.ask_headers("GET", "/docs", &gzip, "").await;
    assert_eq!(page.header("content-encoding"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_and_its_reference_come_with_the_binary() {
    let data = Data::new();
    let server = data.serve().await;
    let contract = server.get("/openapi.yaml").await;
    assert_eq!((contract.status, contract.header("content-type")), (200, Some("application/yaml")));
    assert_eq!(contract.body, include_str!("../../openapi.yaml"));
    let page = server.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("startOrchestration") && page.body.contains("</html>"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    for (method, target) in [("POST", "/docs"), ("PUT", "/openapi.yaml"), ("GET", "/docs/x")] {
        server.ask(method, target, None).await.is_empty(404);
    }
}
