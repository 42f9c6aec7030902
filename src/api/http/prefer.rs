//! The header `Prefer` (RFC 7240). Pure.

use axum::http::{HeaderMap, HeaderName};

pub const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The seconds of `wait`. As the RFC asks, the first `wait` counts alone, and one that is no whole number counts as absent.
pub fn wait(headers: &HeaderMap) -> Option<u64> {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let preference = values.flat_map(|value| split(value, ',')).find_map(|preference| {
        // What follows a semicolon are parameters; `wait` has none.
        let (name, value) = split(preference, ';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then_some(value.trim())
    })?;
    let quoted = preference.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let digits = quoted.unwrap_or(preference);
    let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit are a very long time all the same.
    whole.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// The pieces between separators that are not within quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted => escaped = !literal,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_first_wait_counts_wherever_it_stands() {
        for (lines, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["WAIT=10"], Some(10)),
            (&[" respond-async , wait = 10 "], Some(10)),
            (&["wait=\"10\""], Some(10)),
            (&["wait=10; foo=bar"], Some(10)),
            (&["respond-async; wait=9, wait=10"], Some(10)),
            (&["return=\"a, wait=9\", wait=10"], Some(10)),
            (&["x=\"a\\\", wait=9\", wait=10"], Some(10)),
            (&["respond-async", "wait=10"], Some(10)),
            (&["wait=10, wait=20"], Some(10)),
            (&["wait=0"], Some(0)),
            (&["wait=99999999999999999999"], Some(u64::MAX)),
            (&["wait=soon, wait=20"], None),
            (&["wait=1.5"], None),
            (&["wait=-1"], None),
            (&["wait=+1"], None),
            (&["wait="], None),
            (&["wait"], None),
            (&["waiting=10"], None),
            (&[""], None),
            (&[], None),
        ] {
            let headers: HeaderMap =
                lines.iter().map(|line| (PREFER, HeaderValue::from_static(line))).collect();
            assert_eq!(wait(&headers), seconds, "{lines:?}");
        }
    }
}
