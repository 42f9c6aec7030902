//! JSON, and what is sent in its place.

use super::*;
use crate::api::http::form;
use serde::Deserialize;
use serde_json::value::RawValue;

const DOCUMENTS: &[&str] = &[
    "null",
    r#"{"a": 1.50, "b":[ ], "a": 2, "": {"x": "\u00fc\ud83d\ude00"}}"#,
    r#"[1, -0, 1e400, -1E-400, 123456789012345678901234567890.0, 0.1e+1]"#,
    r#""text with \"quotes\", \\ and \n""#,
    r#""\ud800""#,
    "\"😀\u{7f}\u{2028}\"",
    "  true\n",
];

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "/*",
    "//",
    "'",
    "NaN",
    "Infinity",
    "+1",
    "01",
    "1.",
    ".5",
    "1e",
    "1e999999999",
    "-",
    "--1",
    "0x1",
    "undefined",
    "null",
    "true",
    "\t",
    "\n",
    "\r",
    " ",
    "\u{a0}",
    "{\"a\":",
    "\"a\":1,\"a\":2",
    "[[[[[[[[[[[[[[[[",
    "]]]]]]]]]]]]]]]]",
];

const JOBS: &[&str] = &[
    r#"{"action":"suspend","instanceIds":["a","nobody"],"reason":"x"}"#,
    r#"{"action":"raiseEvent","filter":"name=F&runtimeStatus=Pending","eventName":"E","eventData":{"a":1}}"#,
    r#"{"action":"restart","instanceIds":["done"],"restartWithNewInstanceId":true}"#,
    r#"{"name":"third"}"#,
];

const JOB_PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "null",
    "1",
    "\"a\"",
    "\"filter\":",
    "\"name=&top=1\"",
    "\"createdTimeFrom=x\"",
    "\"purge\"",
    "\"rewind\"",
    "\"action\":\"x\",",
    "\\u0000",
    "\\ud800",
    "instanceIds",
    "eventData",
    "😀",
];

fn document() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => fuzz::nearly(DOCUMENTS, PIECES),
        1 => (1..3_000_usize, select(&["[", "{\"a\":"][..])).prop_map(|(depth, open)| {
            let close = if open == "[" { "]" } else { "}" };
            format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
        }),
        1 => (select(&["1", "\\\\", "ü"][..]), 300..5_000_usize).prop_map(|(piece, times)| format!("\"{}\"", piece.repeat(times)).into_bytes()),
    ]
}

/// What stands in a status, letter by letter.
#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[test]
fn an_input_is_kept_letter_by_letter_or_refused_for_a_reason() {
    let server = Target::new(HttpSettings::default());
    proptest!(fuzz::config(1_500), |(body in document())| {
        let start = request("POST", "/runtime/webhooks/durabletask/orchestrators/F");
        let told = server.ask(start.header("content-type", "application/json").body(Body::from(body.clone())).unwrap());
        told.is_fair()?;
        let json = serde_json::from_slice::<&RawValue>(&body);
        let (expected, named) = match &json {
            _ if body.len() > BODY_LIMIT => (413, "limits.body_bytes"),
            Err(_) if !body.is_empty() => (400, "the request body is not valid"),
            _ if body.len() > PAYLOAD_LIMIT => (413, "limits.payload_bytes"),
            _ => (202, "\"id\":"),
        };
        prop_assert!(told.status == expected && told.text().contains(named), "{expected} {named}: {told:?}");
        if told.status == 202 {
            let id = told.json()?["id"].as_str().unwrap().to_owned();
            let path = format!("/runtime/webhooks/durabletask/instances/{}?showInput=true", form::encode(&id));
            let found = server.get(&path);
            let found: Status<'_> = serde_json::from_slice(&found.body).unwrap();
            prop_assert_eq!(found.input.get(), json.map_or("null", RawValue::get));
        }
    });
}

#[test]
fn no_body_of_any_kind_fails_the_server() {
    const TARGETS: &[&str] = &[
        "/runtime/webhooks/durabletask/instances/b/raiseEvent/E",
        "/runtime/webhooks/durabletask/instances/b/raiseEvent/E?contentType=any",
        "/durabletask/entities/counter/k?op=set",
        "/durabletask/instances/a/terminate",
        "/api/v1/jobs",
        "/api/v1/hubs",
    ];
    const KINDS: &[&str] = &[
        "application/json",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "",
    ];
    let server = Target::new(HttpSettings::default());
    let body = prop_oneof![document(), fuzz::nearly(JOBS, JOB_PIECES)];
    proptest!(fuzz::config(1_000), |(target in select(TARGETS), kind in select(KINDS), body in body)| {
        let valid = serde_json::from_slice::<&RawValue>(&body).is_ok();
        let told = server.ask(request("POST", target).header("content-type", kind).body(Body::from(body)).unwrap());
        told.is_fair()?;
        // What only takes JSON takes nothing else.
        let only_json = target.starts_with("/api/v1/");
        prop_assert!(valid || !only_json || told.status >= 400, "{target} {told:?}");
    });
    assert_eq!(server.get("/readyz").status, 200);
}
