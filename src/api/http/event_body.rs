//! The body of an event as JSON text. Strictly: it is JSON and says so. Or whatever a sender sends that knows nothing of us, wrapped
//! in the least that keeps it whole:
//!
//! | Body | Becomes |
//! |---|---|
//! | nothing | `null` |
//! | `application/json`, `...+json` | itself, which must be strict JSON |
//! | `application/x-www-form-urlencoded` | an object: each name with its value as a string, or an array of strings if it comes several times |
//! | `text/...`, `application/xml`, `...+xml` | a string |
//! | anything else, also what is not UTF-8 although it should be text | `{"contentType": "...", "base64": "..."}` |

use super::{Error, body};
use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use std::{borrow::Cow, collections::HashMap};

/// What is said of a body that says nothing of itself.
const UNKNOWN: &str = "application/octet-stream";

/// Which bodies are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// `application/json` only.
    Json,
    /// Anything.
    Any,
}

impl Accepted {
    /// As a caller writes it, in any case. `None`: no such choice, which counts as not said.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            _ if word.eq_ignore_ascii_case("json") => Some(Accepted::Json),
            _ if word.eq_ignore_ascii_case("any") => Some(Accepted::Any),
            _ => None,
        }
    }
}

/// What kind of thing a content type is.
enum Kind {
    Json,
    Form,
    Text,
    Binary,
}

/// The body as the JSON text that is stored. A content type that is not taken is told before anything else that may be wrong with it.
pub fn event_text(
    accepted: Accepted,
    headers: &HeaderMap,
    bytes: Result<Bytes, Error>,
) -> Result<String, Error> {
    if accepted == Accepted::Json {
        body::check_declared_json(headers)?;
    }
    let bytes = bytes?;
    if bytes.is_empty() {
        return Ok("null".to_owned());
    }
    let declared = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let declared = declared.filter(|declared| !declared.trim().is_empty()).unwrap_or(Cow::Borrowed(UNKNOWN));
    match kind(&declared) {
        Kind::Json => Ok(body::json_text(&bytes)?.unwrap_or_else(|| "null".to_owned())),
        Kind::Form => form(&bytes).map_or_else(|| binary(&declared, &bytes), Ok),
        Kind::Text => match std::str::from_utf8(&bytes) {
            Ok(text) => written(&text),
            Err(_) => binary(&declared, &bytes),
        },
        Kind::Binary => binary(&declared, &bytes),
    }
}

fn kind(declared: &str) -> Kind {
    let mut parts = declared.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    // Text in another charset is kept as it is; whoever reads it finds the charset in the content type.
    let charset =
        parts.find_map(|part| part.strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned()));
    let utf8 = charset.is_none_or(|name| matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii"));
    match essence.as_str() {
        "application/json" => Kind::Json,
        _ if essence.ends_with("+json") => Kind::Json,
        _ if !utf8 => Kind::Binary,
        "application/x-www-form-urlencoded" => Kind::Form,
        "application/xml" => Kind::Text,
        _ if essence.starts_with("text/") || essence.ends_with("+xml") => Kind::Text,
        _ => Kind::Binary,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Binary<'a> {
    content_type: &'a str,
    base64: String,
}

fn binary(content_type: &str, bytes: &[u8]) -> Result<String, Error> {
    written(&Binary { content_type: content_type.trim(), base64: STANDARD.encode(bytes) })
}

fn written(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| Error::NotJson(format!("the request body cannot be written as JSON: {error}")))
}

/// The form as an object, names in the order in which they came. `None` if a name or value is not UTF-8.
fn form(bytes: &[u8]) -> Option<String> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for piece in bytes.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        let at = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = at.map_or((piece, &piece[..0]), |at| (&piece[..at], &piece[at + 1..]));
        let (name, value) = (decoded(name)?, decoded(value)?);
        let place = *places.entry(name.clone()).or_insert(fields.len());
        if place == fields.len() {
            fields.push((name, Vec::new()));
        }
        fields[place].1.push(value);
    }
    serde_json::to_string(&Form(&fields)).ok()
}

/// Written as an object, in order.
struct Form<'a>(&'a [(String, Vec<String>)]);

impl Serialize for Form<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(Some(self.0.len()))?;
        for (name, values) in self.0 {
            match values.as_slice() {
                [one] => object.serialize_entry(name, one)?,
                several => object.serialize_entry(name, several)?,
            }
        }
        object.end()
    }
}

/// Like browsers read forms: `+` is a space, and a `%` without two hex digits is itself.
fn decoded(bytes: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(accepted: Accepted, content_type: Option<&str>, bytes: &[u8]) -> Result<String, String> {
        let headers =
            content_type.map(|it| (header::CONTENT_TYPE, it.parse().unwrap())).into_iter().collect();
        event_text(accepted, &headers, Ok(Bytes::copy_from_slice(bytes))).map_err(|error| error.to_string())
    }

    #[test]
    fn anything_becomes_json_when_anything_is_taken() {
        const FORM: &str = "application/x-www-form-urlencoded";
        for (content_type, bytes, expected) in [
            ("application/json", &b" {\"a\" : 1.50}"[..], r#" {"a" : 1.50}"#),
            ("Application/JSON; charset=utf-8", b"1", "1"),
            ("application/cloudevents+json", b"[]", "[]"),
            ("application/json", b"", "null"),
            ("image/png", b"", "null"),
            (FORM, b"a=1&b=x+y%21&c=", r#"{"a":"1","b":"x y!","c":""}"#),
            (FORM, b"z=1&a=2&z=3&z=4", r#"{"z":["1","3","4"],"a":"2"}"#),
            (FORM, b"payload=%7B%22a%22%3A1%7D", r#"{"payload":"{\"a\":1}"}"#),
            (FORM, b"&&alone&=nameless&a=b=c&%zz=%", r#"{"alone":"","":"nameless","a":"b=c","%zz":"%"}"#),
            (FORM, "ü=😀".as_bytes(), r#"{"ü":"😀"}"#),
            (FORM, b"a=%ff", r#"{"contentType":"application/x-www-form-urlencoded","base64":"YT0lZmY="}"#),
            ("text/plain", b"a \"word\"\n", r#""a \"word\"\n""#),
            ("text/plain; charset=UTF-8", "ü".as_bytes(), r#""ü""#),
            ("text/xml", b"<a/>", r#""<a/>""#),
            ("application/xml", b"<a/>", r#""<a/>""#),
            ("application/soap+xml; charset=\"utf-8\"", b"<a/>", r#""<a/>""#),
            (
                "text/plain; charset=iso-8859-1",
                b"\xfc",
                r#"{"contentType":"text/plain; charset=iso-8859-1","base64":"/A=="}"#,
            ),
            ("text/plain", b"\xfc", r#"{"contentType":"text/plain","base64":"/A=="}"#),
            ("image/png", b"\x89PNG", r#"{"contentType":"image/png","base64":"iVBORw=="}"#),
            (
                "multipart/form-data; boundary=x",
                b"--x--",
                r#"{"contentType":"multipart/form-data; boundary=x","base64":"LS14LS0="}"#,
            ),
            (" ", b"1", r#"{"contentType":"application/octet-stream","base64":"MQ=="}"#),
        ] {
            let text = text(Accepted::Any, Some(content_type), bytes);
            assert_eq!(text.as_deref(), Ok(expected), "{content_type} {bytes:?}");
            serde_json::from_str::<serde_json::Value>(expected).unwrap();
        }
        let silent = text(Accepted::Any, None, b"1");
        assert_eq!(silent.as_deref(), Ok(r#"{"contentType":"application/octet-stream","base64":"MQ=="}"#));
        assert!(
            text(Accepted::Any, Some("application/json"), b"{bad").unwrap_err().contains("not valid JSON")
        );
    }

    #[test]
    fn only_declared_json_is_taken_strictly() {
        assert_eq!(text(Accepted::Json, Some("application/json"), b"").as_deref(), Ok("null"));
        for content_type in [None, Some("text/plain"), Some("application/cloudevents+json")] {
            assert!(text(Accepted::Json, content_type, b"1").unwrap_err().contains("application/json"));
        }
        assert_eq!(Accepted::named("ANY"), Some(Accepted::Any));
        assert_eq!(Accepted::named("Json"), Some(Accepted::Json));
        assert_eq!(Accepted::named("xml"), None);
    }
}
