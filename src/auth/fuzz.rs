//! Whatever is shown in place of a key or a link is nobody's. That every changed byte of a link is noticed is in `tests`.

use super::*;
use crate::{clock::ManualClock, fuzz};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::{prelude::*, sample::select};
use sha2::Sha256;
use std::{sync::Arc, time::Duration};

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
const KEY: &str = "UjKt1imuk7_T7zTk0VSnTW03jMpCzdFlY5QLrmslSDM";
const SHOWN: &[&str] = &[
    KEY,
    "l1.AP8AAAAAAAAAAAdkZWZhdWx0dHJpcC0y.RiBE5EuPpApqIOaU2lukuWmZLGyEzpT1--S_qIfWVyc",
    "l1..",
    "d865351e5ddf8b21175d186a654f7d840d8f10362f76d416bb65a83385f30dc2",
];
const PIECES: &[&str] = &["", ".", "l1.", "l2.", "=", "A", "-", "_", " ", "\u{0}", "ü"];

/// A text that is signed with the right secret.
fn signed(text: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap().chain_update(text).finalize().into_bytes();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac))
}

proptest! {
    #![proptest_config(fuzz::config(2_000))]

    #[test]
    fn only_a_key_is_a_key(
        shown in prop_oneof![
            3 => fuzz::nearly(SHOWN, PIECES),
            1 => (select(PIECES), select(PIECES), any::<bool>()).prop_map(|(before, after, both)| {
                format!("{before}{KEY}{}", if both { after } else { "" }).into_bytes()
            }),
        ],
    ) {
        let key = NamedKey {
            name: "ops".into(),
            role: Role::Admin,
            reach: Reach::ALL,
            digests: vec![Digest::of(KEY.as_bytes())],
        };
        let clock = Arc::new(ManualClock::default());
        let gate = Gate::guarded(Keys::new(vec![key]), LinkSigner::new(SECRET), Duration::ZERO, clock);
        let place = || Place { hub: "default".into(), instance: Some("trip-2".into()) };
        let verdict = gate.decide(Some(&shown), Operation::Status, place);
        prop_assert_eq!(verdict == Verdict::Unauthenticated, shown != KEY.as_bytes(), "{:?}", verdict);
    }

    /// Should the secret ever sign something else: it is no link, or one that means exactly what its text says.
    #[test]
    fn what_is_well_signed_is_a_link_in_one_way_or_none(
        (operations, expires) in (0..0x200_u16, prop_oneof![Just(0), 0..9_000_000_000_000_i64, any::<i64>()]),
        (hub, instance, more) in ("[a-z]{0,10}", ".{0,10}", 0..3_usize),
        edits in fuzz::edits(PIECES),
    ) {
        let signer = LinkSigner::new(SECRET);
        let length = u8::try_from(hub.len() + more).unwrap();
        let mut payload = [&operations.to_be_bytes()[..], &expires.to_be_bytes(), &[length]].concat();
        payload.extend([hub.as_bytes(), instance.as_bytes()].concat());
        let text = format!("l1.{}", URL_SAFE_NO_PAD.encode(payload));
        let text = String::from_utf8_lossy(&fuzz::edited(text.as_bytes(), &edits)).into_owned();
        if let Some(grant) = signer.read(signed(&text).as_bytes()) {
            // Times are kept in microseconds, and whoever may wait that long has a link for ever.
            prop_assume!(grant.expires_at.is_none_or(|at| (i64::MIN / 2..i64::MAX / 2).contains(&at.0)));
            prop_assert_eq!(signer.sign(&grant), signed(&text));
        }
    }
}
