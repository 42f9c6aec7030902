//! Rows as comma-separated values (RFC 4180), safe to open with a spreadsheet: a text that it would take for a formula has an apostrophe
//! before it.

use super::row::Row;

const COLUMNS: [&str; 14] = [
    "instanceId",
    "name",
    "version",
    "runtimeStatus",
    "createdTime",
    "lastUpdatedTime",
    "scheduledStartTime",
    "completedTime",
    "durationMs",
    "parentInstanceId",
    "tags",
    "customStatus",
    "errorType",
    "errorMessage",
];
const SIZES: [&str; 2] = ["historyEvents", "historyBytes"];

/// The first line.
pub fn head(sizes: bool) -> String {
    let sizes = if sizes { &SIZES[..] } else { &[] };
    format!("{}\r\n", [&COLUMNS[..], sizes].concat().join(","))
}

/// Adds a line.
pub fn write(out: &mut String, row: &Row, sizes: bool) {
    let narrow = &row.narrow;
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.as_deref().map(cell).unwrap_or_default();
    let tags = match narrow.tags.is_empty() {
        true => String::new(),
        // Text can always be written.
        false => cell(&serde_json::to_string(&narrow.tags).unwrap_or_default()),
    };
    let failure = row.failure.as_ref();
    let mut cells = vec![
        cell(&narrow.instance_id),
        cell(&narrow.name),
        text(&narrow.version),
        narrow.runtime_status.to_owned(),
        narrow.created_time.clone(),
        narrow.last_updated_time.clone(),
        narrow.scheduled_start_time.clone().unwrap_or_default(),
        narrow.completed_time.clone().unwrap_or_default(),
        number(narrow.duration_ms),
        text(&narrow.parent_instance_id),
        tags,
        text(&row.custom_status),
        failure.map(|failure| cell(&failure.error_type)).unwrap_or_default(),
        failure.map(|failure| cell(&failure.message)).unwrap_or_default(),
    ];
    if sizes {
        cells.extend([number(row.history_events), number(row.history_bytes)]);
    }
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

/// A text of whoever's making.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{guard}{}\"", text.replace('"', "\"\"")),
        false => format!("{guard}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_if_they_must_be_and_are_no_formulas() {
        for (text, expected) in [
            ("a b", "a b"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("=1+1", "'=1+1"),
            ("@counter@a", "'@counter@a"),
            ("-1,5", "\"'-1,5\""),
            ("1-1", "1-1"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
