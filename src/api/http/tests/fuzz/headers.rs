//! Headers that callers, proxies and senders of events make up.

use super::*;
use crate::{
    api::http::{
        links,
        signature::{self, Secret, Style, Verdict},
    },
    model::HubName,
};
use axum::http::{HeaderName, HeaderValue};
use proptest::collection::vec;

const LINES: &[&str] = &[
    "host:7071",
    "flows.example.com, evil.example",
    "https",
    "for=\"[2001:db8::1]:4711\";host=h:8443;proto=https;by=x",
    "host=\"h\\\"\";proto=http, host=y",
    "1.2.3.4, ::1",
    "order-4711",
    "wait=5, respond-async; foo=\"a,b\"",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "1614265330",
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    "application/json; charset=utf-8",
    "Bearer l1.AP8AAAAAAAAAAAdkZWZhdWx0dHJpcC0y.RiBE5EuPpApqIOaU2lukuWmZLGyEzpT1--S_qIfWVyc",
];

const PIECES: &[&str] = &[
    ",",
    ";",
    "=",
    "\"",
    "\\",
    "\\\"",
    " ",
    "\t",
    ":",
    "@",
    "/",
    "?",
    "#",
    "[",
    "]",
    "[::1",
    "%0d%0a",
    "user:pass@",
    "\u{fc}",
    "😀",
    "é",
    "-",
    "wait=99999999999999999999",
    "host=",
    "proto=ftp",
    "http://",
    "://",
    "<script>",
    "_",
    "--",
    "00-",
    "ff-",
    "v1,",
    "sha256=",
    "-1",
    "0",
    "9223372036854775807",
    ".",
    "..",
    "xn--",
];

const NAMES: &[&str] = &[
    "host",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-for",
    "forwarded",
    "via",
    "idempotency-key",
    "prefer",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-functions-key",
    "authorization",
    "content-type",
    "accept",
    "accept-encoding",
    "origin",
    "sec-fetch-site",
    "x-hub-signature-256",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-ms-continuation-token",
];

fn value() -> impl Strategy<Value = HeaderValue> {
    fuzz::nearly(LINES, PIECES).prop_filter_map("it is no header", |line| HeaderValue::from_bytes(&line).ok())
}

fn lines(names: &'static [&'static str]) -> impl Strategy<Value = HeaderMap> {
    vec((select(names), value()), 1..5).prop_map(|lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    })
}

/// What a link may begin with: scheme, host, perhaps a port, and nothing else.
fn is_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https")
            && links::is_host(host)
            && !host.contains(['/', '?', '#', '@', '"', '<', '>', ' ', '\\'])
    })
}

#[test]
fn no_headers_fail_the_server_and_links_never_repeat_what_is_no_host() {
    let everyone = ["0.0.0.0/0".parse().unwrap()];
    let server = Target::new(HttpSettings {
        trusted_proxies: everyone.into(),
        allowed_hosts: vec!["*".to_owned()],
        ..HttpSettings::default()
    });
    proptest!(fuzz::config(1_500), |(headers in lines(NAMES), near in any::<bool>())| {
        let mut request = Request::post("/runtime/webhooks/durabletask/orchestrators/F").body(Body::empty()).unwrap();
        *request.headers_mut() = headers;
        if near {
            request.extensions_mut().insert(Peer("10.0.0.1:9".parse().unwrap()));
        }
        let told = server.ask(request);
        told.is_fair()?;
        let name = told.header("x-request-id").unwrap_or_default();
        prop_assert!((1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic()), "{told:?}");
        if told.status == 202 {
            let answer = told.json()?;
            let link = answer["statusQueryGetUri"].as_str().unwrap_or_default();
            let path = format!("{WEBHOOK_BASE}/instances/{}?", answer["id"].as_str().unwrap_or_default());
            let origin = link.split_once(&path).map(|(origin, _)| origin);
            prop_assert!(origin.is_some_and(is_origin), "{link}");
        }
    });
}

#[test]
fn an_idempotency_key_is_refused_or_makes_of_two_requests_one() {
    let server = Target::new(HttpSettings::default());
    proptest!(fuzz::config(500), |(key in value())| {
        let ask = || {
            let request = request("POST", "/runtime/webhooks/durabletask/orchestrators/F").header("idempotency-key", &key);
            server.ask(request.body(Body::empty()).unwrap())
        };
        let (one, two) = (ask(), ask());
        one.is_fair()?;
        prop_assert_eq!((one.status, &one.body), (two.status, &two.body));
        let fits = (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
        prop_assert_eq!(one.status, if fits { 202 } else { 400 }, "{:?}", one);
        if fits {
            prop_assert_eq!(two.header("idempotency-replayed"), Some("true"));
        } else {
            prop_assert!(one.text().contains("Idempotency-Key"), "{one:?}");
        }
    });
}

#[test]
fn nothing_but_the_signature_of_a_body_is_taken_for_it() {
    const SIGNATURES: &[&str] =
        &["x-hub-signature-256", "webhook-id", "webhook-timestamp", "webhook-signature"];
    // The examples of those who describe the styles; `LINES` has their signatures.
    let hub = HubName::parse("default").unwrap();
    let github = Secret::new(&hub, Style::GitHub, b"It's a Secret to Everybody");
    let now = Timestamp(1_614_265_330_000_000);
    let secrets = [github, Secret::new(&hub, Style::StandardWebhooks, b"another secret of some length")];
    let good = HeaderValue::from_static(LINES[11]);
    proptest!(fuzz::config(1_500), |(mut headers in lines(SIGNATURES), signed in any::<bool>(), body in fuzz::nearly(&["Hello, World!"], PIECES))| {
        if signed {
            headers.insert("x-hub-signature-256", good.clone());
        }
        // Hex digits count in either case, and so do blanks around them.
        let shown = headers.get("x-hub-signature-256").and_then(|line| line.to_str().ok()).unwrap_or_default().trim();
        let digits = (shown.strip_prefix("sha256="), good.to_str().unwrap().strip_prefix("sha256="));
        let same = matches!(digits, (Some(one), Some(other)) if one.eq_ignore_ascii_case(other));
        let verdict = signature::verify(&secrets, "default", &headers, &body, now);
        prop_assert_eq!(verdict == Verdict::Good, same && body == b"Hello, World!", "{:?}", headers);
    });
}
