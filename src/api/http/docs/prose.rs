//! Text of the description as HTML: paragraphs, lists and code, which is all the markup that is used there.

use std::fmt::Write as _;

/// `text` without meaning to a browser.
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
        out
    })
}

/// One piece of text with `code` between backticks.
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    for (index, piece) in text.trim().split('`').enumerate() {
        let piece = escape(piece);
        let written =
            if index % 2 == 1 { write!(out, "<code>{piece}</code>") } else { write!(out, "{piece}") };
        written.expect("writing to a String cannot fail");
    }
    out
}

/// Several paragraphs, and lists whose points begin with `- `.
pub fn blocks(text: &str) -> String {
    let mut out = String::new();
    for block in text.trim().split("\n\n") {
        match block.strip_prefix("- ") {
            Some(points) => {
                let points = points.split("\n- ").map(|point| format!("<li>{}</li>", inline(point)));
                out.push_str(&format!("<ul>{}</ul>\n", points.collect::<String>()));
            }
            None => out.push_str(&format!("<p>{}</p>\n", inline(block))),
        }
    }
    out
}
