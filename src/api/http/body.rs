//! Request bodies: read up to the limit, checked to be strict JSON where JSON is asked for, and never parsed into values: what
//! is stored is the text as it came.

use super::{Error, HttpSettings};
use crate::model::Short;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use bytes::BytesMut;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::time::Duration;

/// How much of a body that is too large is read and thrown away, and for how long. A client that writes its whole body before it
/// reads would otherwise see a broken pipe and never the answer that names the limit.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_PATIENCE: Duration = Duration::from_secs(10);

/// Reads the whole body, keeping at most the limit's bytes. `BodyTooLarge`; `BodyStalled` if nothing comes for too long; `BodyCut` if
/// the caller went away.
pub async fn read(mut body: Body, settings: &HttpSettings) -> Result<Bytes, Error> {
    let (limit, patience) = (settings.body_limit_bytes, settings.body_patience);
    let mut whole = BytesMut::new();
    loop {
        match tokio::time::timeout(patience, body.frame()).await {
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if whole.len() + data.len() > limit {
                    // In time or not, the answer is the same.
                    drop(tokio::time::timeout(DRAIN_PATIENCE, drain(body)).await);
                    return Err(Error::BodyTooLarge { limit });
                }
                whole.extend_from_slice(&data);
            }
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a request body broke off");
                return Err(Error::BodyCut);
            }
            Err(_) => return Err(Error::BodyStalled { patience_secs: patience.as_secs() }),
        }
    }
}

async fn drain(mut body: Body) {
    let mut drained = 0;
    while drained < DRAIN_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        drained += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// The body as an object of our own. The refusal tells what is wrong and where, and repeats no more than a little of what was sent.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::NotJson(format!("the request body cannot be used: {}", Short(&error.to_string())))
    })
}

/// The body as the JSON text it is, `None` if it is empty. Nothing is changed: blanks and number spelling stay.
pub fn json_text(bytes: &[u8]) -> Result<Option<String>, Error> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = utf8(bytes)?;
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(error) => Err(Error::NotJson(format!("the request body is not valid JSON: {error}"))),
    }
}

/// The same, except that a body which is not declared as JSON becomes one JSON string.
pub fn json_text_or_string(headers: &HeaderMap, bytes: &[u8]) -> Result<Option<String>, Error> {
    if bytes.is_empty() || is_declared_json(headers) {
        return json_text(bytes);
    }
    let text = utf8(bytes)?;
    Ok(Some(serde_json::Value::from(text).to_string()))
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::NotJson(format!("the request body is not valid UTF-8 from byte {} on", error.valid_up_to()))
    })
}

/// Refuses a body that is not declared as `application/json`; parameters such as `charset` are allowed.
pub fn check_declared_json(headers: &HeaderMap) -> Result<(), Error> {
    if is_declared_json(headers) {
        Ok(())
    } else {
        Err(Error::Invalid("the content type must be application/json".into()))
    }
}

fn is_declared_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|declared| declared.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_kept_as_it_came() {
        for good in ["null", " {\"a\" : 1.50}\n", "\"ü\"", "[1,2]", "1e400"] {
            assert_eq!(json_text(good.as_bytes()).unwrap().as_deref(), Some(good));
        }
        assert_eq!(json_text(b"").unwrap(), None);
    }

    #[test]
    fn what_is_not_strict_json_is_refused_with_the_place() {
        for (bad, place) in [
            ("{bad", "line 1 column 2"),
            ("{\"a\":1}\n x", "line 2 column 2"),
            ("{'a':1}", "line 1 column 2"),
            ("NaN", "line 1 column 1"),
            ("// note\n1", "line 1 column 1"),
            ("  ", "line 1 column 2"),
            ("01", "line 1 column 2"),
            ("\u{feff}1", "line 1 column 1"),
        ] {
            let error = json_text(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.ends_with(place), "{bad:?}: {error}");
        }
        let error = json_text(b"\"\xff\"").unwrap_err().to_string();
        assert!(error.ends_with("UTF-8 from byte 1 on"), "{error}");
    }

    #[test]
    fn what_is_not_the_object_that_is_asked_for_is_not_repeated_at_length() {
        let told = |body: &str| object::<(u8, u8)>(body.as_bytes()).unwrap_err().to_string();
        assert!(
            told("[1,true]")
                .ends_with("cannot be used: invalid type: boolean `true`, expected u8 at line 1 column 7")
        );
        let long = told(&format!("\"{}\"", "x".repeat(100_000)));
        assert!(long.len() < 500 && long.contains("xxx"), "{} bytes", long.len());
    }

    #[test]
    fn a_body_of_another_type_is_a_string() {
        let text = |declared: Option<&str>, bytes: &[u8]| {
            let declared = declared.map(|declared| (header::CONTENT_TYPE, declared.parse().unwrap()));
            json_text_or_string(&declared.into_iter().collect(), bytes)
        };
        for declared in [None, Some("text/plain"), Some("application/octet-stream")] {
            assert_eq!(text(declared, b"a \"b\"\n").unwrap().as_deref(), Some(r#""a \"b\"\n""#));
            assert_eq!(text(declared, b"").unwrap(), None);
            assert!(text(declared, b"a\xff").unwrap_err().to_string().ends_with("UTF-8 from byte 1 on"));
        }
        assert_eq!(text(Some("application/json"), b" 1").unwrap().as_deref(), Some(" 1"));
        text(Some("application/json"), b"a").unwrap_err();
    }

    #[test]
    fn only_application_json_is_declared_json() {
        for (declared, fine) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/json-patch+json", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, declared.parse().unwrap())]);
            assert_eq!(check_declared_json(&headers).is_ok(), fine, "{declared}");
        }
        assert!(check_declared_json(&HeaderMap::new()).is_err());
    }
}
