//! How stored text becomes JSON. Payloads are kept as the text that was given; most of it is JSON and is embedded as it stands,
//! number spelling and all. Text that is not JSON is sent as one JSON string.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Stored text, to be written into an answer: nothing as `null`, blanks as `""`, JSON verbatim, anything else as a string.
#[derive(Clone, Copy, Debug)]
pub struct Embedded<'a>(pub Option<&'a str>);

impl Serialize for Embedded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_none(),
            Some(text) if text.trim().is_empty() => serializer.serialize_str(""),
            // The whole text must parse: "5 minutes late" is a string, not the number 5.
            Some(text) => match serde_json::from_str::<&RawValue>(text) {
                Ok(json) => json.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_embedded_verbatim_and_the_rest_becomes_a_string() {
        for (stored, sent) in [
            (None, "null"),
            (Some(""), r#""""#),
            (Some("  \n"), r#""""#),
            (Some("null"), "null"),
            (Some(r#"{"a": 1.50, "b":[ ]}"#), r#"{"a": 1.50, "b":[ ]}"#),
            (Some(" 12345678901234567890.0 "), "12345678901234567890.0"),
            (Some(r#""hi""#), r#""hi""#),
            (Some("hi"), r#""hi""#),
            (Some("5 minutes late"), r#""5 minutes late""#),
            (Some("{'a':1}"), r#""{'a':1}""#),
            (Some("NaN"), r#""NaN""#),
            (Some(r#""{\"a\": 1}""#), r#""{\"a\": 1}""#),
            (Some("line\nbreak \"x\""), r#""line\nbreak \"x\"""#),
        ] {
            assert_eq!(serde_json::to_string(&Embedded(stored)).unwrap(), sent, "{stored:?}");
        }
    }

    #[test]
    fn deeply_nested_text_neither_fails_nor_exhausts_the_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(serde_json::to_string(&Embedded(Some(&deep))).unwrap(), deep);
    }
}
