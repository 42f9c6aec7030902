//! Ids, names and times that somebody else makes up.

use super::{EntityId, HubName, InstanceId, Timestamp};
use crate::fuzz;
use proptest::prelude::*;

const NAMES: &[&str] = &["order-7", "@counter@k", "a.b:c", "ü😀 x", "default", "Hub_1", "..", "@", "a@b"];
const PIECES: &[&str] = &[
    "@",
    "/",
    "\\",
    "?",
    "#",
    ".",
    "..",
    " ",
    "\u{0}",
    "\n",
    "\u{7f}",
    "\u{85}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "😀",
    "-",
    "_",
    "0",
    "A",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

proptest! {
    #![proptest_config(fuzz::config(2_000))]

    #[test]
    fn an_id_is_kept_as_it_is_or_refused_with_the_reason(text in fuzz::nearly_text(NAMES, PIECES)) {
        let units = text.encode_utf16().count();
        let addressable = !text.chars().any(|c| matches!(c, '/' | '\\' | '?' | '#') || c.is_control());
        let fits = (1..=InstanceId::MAX_UNITS).contains(&units);
        match InstanceId::orchestration(&text) {
            Ok(id) => {
                prop_assert_eq!(id.as_str(), text.as_str());
                prop_assert!(fits && addressable && !text.starts_with('@') && text != "." && text != "..");
            }
            Err(error) => {
                prop_assert!(!(fits && addressable) || text.starts_with('@') || text == "." || text == "..");
                prop_assert!(error.to_string().starts_with("instanceId "), "{error}");
            }
        }
        if let Ok(entity) = EntityId::parse(&text) {
            let (name, key) = EntityId::split(entity.id().as_str()).unwrap();
            let again = EntityId::new(name, key).unwrap();
            prop_assert_eq!(again.id(), entity.id());
            prop_assert!(entity.id().is_entity());
        }
        if let Ok(hub) = HubName::parse(&text) {
            prop_assert_eq!(hub.as_str(), text.as_str());
            prop_assert!(HubName::parse(&hub.folded()).is_ok());
        }
    }

    #[test]
    fn any_time_is_kept_to_the_microsecond_and_never_earlier(
        seconds in prop_oneof![-10_000_000_000..10_000_000_000_i64, any::<i64>()],
        nanos in prop_oneof![0..1_000_000_000, any::<i32>()],
        micros in any::<i64>(),
    ) {
        let wire = prost_types::Timestamp { seconds, nanos };
        let kept = Timestamp::at_or_after(&wire);
        let exact = i128::from(seconds) * 1_000_000_000 + i128::from(nanos.clamp(0, 999_999_999));
        let kept_nanos = i128::from(kept.0) * 1_000;
        if (i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&(exact / 1_000)) {
            prop_assert!(kept_nanos >= exact && kept_nanos - exact < 1_000, "{wire:?} is kept as {}", kept.0);
        }
        let time = Timestamp(micros);
        prop_assert_eq!(Timestamp::at_or_after(&time.to_wire()), time);
        prop_assert!(!time.to_string().is_empty());
    }
}
