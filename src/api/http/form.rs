//! `application/x-www-form-urlencoded` text: `%XX` and `+` for space. Paths, queries and our own links all use it, so that a
//! link for an id with spaces leads back to that id.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the characters that .NET's form encoder leaves alone. The space is left out because it becomes `+` afterwards.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'*')
    .remove(b'(')
    .remove(b')')
    .remove(b' ');

/// Encodes one value: letters, digits and `-_.!*()` stay, a space becomes `+`, every other byte upper-case `%XX`.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

/// Decodes once. `None` if a `%` is not followed by two hex digits or the result is not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let whole = text.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        (0..2).all(|_| digits.next().is_some_and(|digit| digit.is_ascii_hexdigit()))
    });
    if !whole {
        return None;
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|decoded| decoded.into_owned())
}

/// Decodes once and never fails: a broken `%` stays as it is, bytes that are not UTF-8 become U+FFFD. For queries, where
/// nothing unreadable is ever an error.
pub fn decode_lossy(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for (plain, encoded) in [
            ("order-7", "order-7"),
            ("a b", "a+b"),
            ("a+b", "a%2Bb"),
            ("100%", "100%25"),
            ("%41", "%2541"),
            ("@counter@k", "%40counter%40k"),
            ("-_.!*()", "-_.!*()"),
            ("~'|&=", "%7E%27%7C%26%3D"),
            ("ü😀", "%C3%BC%F0%9F%98%80"),
        ] {
            assert_eq!(encode(plain), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(plain));
            assert_eq!(decode_lossy(encoded), plain);
        }
    }

    #[test]
    fn broken_escapes_are_refused_or_kept() {
        for (broken, kept) in
            [("%", "%"), ("a%4", "a%4"), ("%zz", "%zz"), ("%%41", "%A"), ("%ff", "\u{fffd}")]
        {
            assert_eq!(decode(broken), None, "{broken}");
            assert_eq!(decode_lossy(broken), kept);
        }
    }
}
