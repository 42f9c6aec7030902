//! Payloads: JSON text, where `null` and "nothing" are the same in both directions.

use serde::{Serialize, de::DeserializeOwned};
use std::any::TypeId;

/// As JSON text; `None` for `null`.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, serde_json::Error> {
    serde_json::to_string(value).map(|text| Some(text).filter(|text| text != "null"))
}

/// From JSON text. `()` takes anything: whoever asks for it does not care what is there.
pub(super) fn decode<T: DeserializeOwned + 'static>(text: Option<&str>) -> Result<T, serde_json::Error> {
    let text = text.filter(|text| !text.is_empty() && TypeId::of::<T>() != TypeId::of::<()>());
    serde_json::from_str(text.unwrap_or("null"))
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
    fn unit_takes_anything() {
        for text in [None, Some("7"), Some("{\"a\":1}"), Some("not json")] {
            decode::<()>(text).unwrap();
        }
        assert!(decode::<u8>(None).is_err());
    }
}
