//! The caller's W3C trace position, handed to the instance so that its spans join the caller's trace.

use crate::model::pb::TraceContext;
use axum::http::HeaderMap;

/// Reads `traceparent` and `tracestate`. `None` without a valid `traceparent`, as the W3C rules ask: a broken one is ignored, and
/// so is its `tracestate`.
pub fn context(headers: &HeaderMap) -> Option<TraceContext> {
    let trace_parent = headers.get("traceparent")?.to_str().ok()?.trim();
    let span_id = span_of(trace_parent)?.to_owned();
    let states: Vec<&str> =
        headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    let trace_state = Some(states.join(",")).filter(|state| !state.is_empty());
    Some(TraceContext { trace_parent: trace_parent.to_owned(), span_id, trace_state })
}

/// The span id inside a valid `traceparent`. Later versions may have more fields; of version 00 exactly four are allowed.
fn span_of(trace_parent: &str) -> Option<&str> {
    let fields: Vec<&str> = trace_parent.split('-').collect();
    let [version, trace, span, flags, more @ ..] = fields.as_slice() else { return None };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |text: &str, length: usize| hex(text, length) && text.bytes().any(|b| b != b'0');
    let valid = hex(version, 2)
        && *version != "ff"
        && (*version != "00" || more.is_empty())
        && id(trace, 32)
        && id(span, 16)
        && hex(flags, 2);
    valid.then_some(*span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_traceparent_counts() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (text, span) in [
            (format!("00-{trace}-00f067aa0ba902b7-01"), Some("00f067aa0ba902b7")),
            (format!("cc-{trace}-00f067aa0ba902b7-01-what-the-future-brings"), Some("00f067aa0ba902b7")),
            (format!("00-{trace}-00f067aa0ba902b7-01-more"), None),
            (format!("ff-{trace}-00f067aa0ba902b7-01"), None),
            (format!("00-{trace}-0000000000000000-01"), None),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), None),
            (format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()), None),
            (format!("00-{trace}-00f067aa0ba902b7"), None),
            ("garbage".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(span_of(&text), span, "{text}");
        }
    }
}
