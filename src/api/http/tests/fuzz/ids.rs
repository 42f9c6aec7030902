//! Ids that callers choose.

use super::*;
use crate::{api::http::form, model::InstanceId};

const IDS: &[&str] =
    &["order-7", "with space", "a+b%c", "ü😀", "x|y", "100%", "%41", "a&b=c;d", "@counter@k", "..", "~'\"<>"];
const PIECES: &[&str] = &[
    "%", "+", "&", "=", ";", "/", "?", "#", "\\", " ", "\u{0}", "\n", "😀", "é", "{", "}", "%2F", "..", ".",
    "@", ":", "'", "\"", "<", "\u{202e}",
];

#[test]
fn an_id_that_is_taken_leads_back_to_its_instance_and_any_other_is_refused() {
    let server = Target::new(HttpSettings::default());
    proptest!(fuzz::config(1_000), |(id in fuzz::nearly_text(IDS, PIECES))| {
        let path = format!("{WEBHOOK_BASE}/orchestrators/F/{}?onExisting=return", form::encode(&id));
        let told = server.ask(request("POST", &path).body(Body::empty()).unwrap());
        told.is_fair()?;
        // A slash, however it is written, is one; then, and without an id, another route is meant, or none, or the id without it.
        if id.contains('/') || id.is_empty() {
            return Ok(());
        }
        match InstanceId::orchestration(&id) {
            Err(error) => prop_assert!(told.status == 400 && told.json()?["Message"].as_str() == Some(&error.to_string()), "{told:?}"),
            Ok(_) => {
                prop_assert!(matches!(told.status, 200 | 202), "{told:?}");
                prop_assert_eq!(&told.json()?["id"], &Value::from(id.as_str()));
                told.leads_back(&server)?;
                let seen = server.get(&format!("/api/v1/instances/{}", percent(&id)));
                prop_assert_eq!(&seen.json()?["instanceId"], &Value::from(id.as_str()));
            }
        }
    });
}

/// As durahub's own paths have it.
fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
