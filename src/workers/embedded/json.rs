//! Payloads: JSON text, where `null` and "nothing" are the same in both directions.

use serde::{Serialize, de::DeserializeOwned};
use std::any::TypeId;

/// As JSON text; `None` for `null`.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, serde_json::Error> {
    serde_json::to_string(value).map(|text| Some(text).filter(|text| text != "null"))
}

/// From JSON text. `()` takes anything: whoever asks for it does not care what is there.
///
/// A string that does not fit is looked into: the Durable Functions clients for Python send JSON inside a JSON string, and the one for
/// JavaScript an empty string for nothing (facts: HTTP API, sections 8.2 and 8.3). The error told is that of the text as it came.
pub(super) fn decode<T: DeserializeOwned + 'static>(text: Option<&str>) -> Result<T, serde_json::Error> {
    let text = text.filter(|text| !text.is_empty() && TypeId::of::<T>() != TypeId::of::<()>());
    serde_json::from_str(text.unwrap_or("null")).or_else(|error| {
        let inner: Option<String> = text.and_then(|text| serde_json::from_str(text).ok());
        let inner = inner.as_deref().map(|inner| if inner.is_empty() { "null" } else { inner });
        inner.and_then(|inner| serde_json::from_str(inner).ok()).ok_or(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_nothing_are_the_same() {
        assert_eq!(encode(&()).unwrap(), None);
        assert_eq!(encode(&None::<u8>).unwrap(), None);
        assert_eq!(encode("null").unwrap().as_deref(), Some("\"null\""));
        assert_eq!(decode::<Option<u8>>(None).unwrap(), None);
        assert_eq!(decode::<Option<u8>>(Some("")).unwrap(), None);
        assert_eq!(decode::<Option<u8>>(Some("7")).unwrap(), Some(7));
    }

    #[test]
    fn json_inside_a_string_is_taken_where_a_string_does_not_fit() {
        assert_eq!(decode::<Vec<u8>>(Some(r#""[1,2]""#)).unwrap(), [1, 2]);
        assert!(decode::<bool>(Some(r#""true""#)).unwrap());
        assert_eq!(decode::<Option<u8>>(Some(r#""""#)).unwrap(), None);
        assert_eq!(decode::<String>(Some(r#""[1,2]""#)).unwrap(), "[1,2]");
        let error = decode::<bool>(Some(r#""maybe""#)).unwrap_err();
        assert!(error.to_string().contains("string"), "{error}");
    }

    #[test]
    fn unit_takes_anything() {
        for text in [None, Some("7"), Some("{\"a\":1}"), Some("not json")] {
            decode::<()>(text).unwrap();
        }
        assert!(decode::<u8>(None).is_err());
    }
}
