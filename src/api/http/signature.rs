//! Signatures of event senders: whether a request is signed with a secret of its hub. Pure; looks at the bytes as they were
//! received, before anything is parsed.
//!
//! A hub with secrets takes no event without a good signature, and a good signature is all that an event needs: it stands in for
//! whatever else a caller would have to show. Requests are not remembered, so one that is sent twice counts twice.

use crate::model::{HubName, Timestamp};
use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// How far the time in a Standard Webhooks signature may be from now, in either direction.
const TOLERANCE_SECS: i64 = 5 * 60;

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `X-Hub-Signature-256: sha256=HEX` over the body.
    GitHub,
    /// `webhook-signature: v1,BASE64 ...` over `webhook-id.webhook-timestamp.body`, with a limited age.
    StandardWebhooks,
}

/// A secret of one hub, ready to check with. Never shown.
#[derive(Clone)]
pub struct Secret {
    hub: String,
    style: Style,
    mac: Hmac<Sha256>,
}

impl Secret {
    /// `key`: the bytes of the key, as the style defines them.
    pub fn new(hub: &HubName, style: Style, key: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Self { hub: hub.folded(), style, mac }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} {:?})", self.hub, self.style)
    }
}

/// What there is to say about a request's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The hub has no secret, so signatures mean nothing there.
    NotAsked,
    /// Signed with one of the hub's secrets.
    Good,
    /// Not signed, or not with one of the hub's secrets, or too long ago. The text is for the log.
    Refused(&'static str),
}

/// Whether `hub` has a secret at all, whose name matches in any case.
pub fn is_asked(secrets: &[Secret], hub: &str) -> bool {
    of(secrets, hub).next().is_some()
}

/// Judges an event for `hub` with these headers and this whole body. Any one of the hub's secrets will do.
pub fn verify(secrets: &[Secret], hub: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Verdict {
    let mut verdict = Verdict::NotAsked;
    for secret in of(secrets, hub) {
        match secret.verify(headers, body, now) {
            Ok(()) => return Verdict::Good,
            Err(why) => verdict = Verdict::Refused(why),
        }
    }
    verdict
}

fn of<'a>(secrets: &'a [Secret], hub: &str) -> impl Iterator<Item = &'a Secret> {
    secrets.iter().filter(move |secret| secret.hub.eq_ignore_ascii_case(hub))
}

impl Secret {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), &'static str> {
        match self.style {
            Style::GitHub => self.github(headers, body),
            Style::StandardWebhooks => self.standard(headers, body, now),
        }
    }

    fn github(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), &'static str> {
        let signature = text(headers, "x-hub-signature-256").ok_or("no X-Hub-Signature-256")?;
        let signature =
            signature.strip_prefix("sha256=").and_then(hex).ok_or("not sha256= and 64 hex digits")?;
        let mac = self.mac.clone().chain_update(body);
        mac.verify_slice(&signature).map_err(|_| "the signature is not that of this body")
    }

    fn standard(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), &'static str> {
        let id = text(headers, "webhook-id").ok_or("no webhook-id")?;
        let sent = text(headers, "webhook-timestamp").ok_or("no webhook-timestamp")?;
        let signatures = text(headers, "webhook-signature").ok_or("no webhook-signature")?;
        let seconds: i64 = sent.parse().map_err(|_| "webhook-timestamp is not a number of seconds")?;
        let age = now.0.div_euclid(1_000_000).saturating_sub(seconds);
        if !(-TOLERANCE_SECS..=TOLERANCE_SECS).contains(&age) {
            return Err("webhook-timestamp is more than five minutes from now");
        }
        let mac = self.mac.clone().chain_update(id).chain_update(".").chain_update(sent).chain_update(".");
        let mac = mac.chain_update(body);
        // Several, while the sender changes its own secret; other versions than v1 are not ours to judge.
        let ours = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        let mut decoded = ours.filter_map(|signature| STANDARD.decode(signature).ok());
        let good = decoded.any(|signature| mac.clone().verify_slice(&signature).is_ok());
        good.then_some(()).ok_or("no signature is that of this body")
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Bytes from hex digits of either case.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation.
    const GITHUB: (&str, &str, &str) = (
        "It's a Secret to Everybody",
        "Hello, World!",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    );
    /// The example of the Standard Webhooks libraries.
    const STANDARD_KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const STANDARD_BODY: &str = r#"{"test": 2432232314}"#;
    const STANDARD_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const STANDARD_AT: i64 = 1_614_265_330;
    const STANDARD_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret(hub: &str, style: Style, key: &[u8]) -> Secret {
        Secret::new(&HubName::parse(hub).unwrap(), style, key)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn a_github_signature_is_over_the_body_and_nothing_but_the_body() {
        let (key, body, signature) = GITHUB;
        let secrets = [secret("default", Style::GitHub, key.as_bytes())];
        let judge = |signature: &str, body: &str| {
            verify(
                &secrets,
                "Default",
                &headers(&[("x-hub-signature-256", signature)]),
                body.as_bytes(),
                at(0),
            )
        };
        assert_eq!(judge(signature, body), Verdict::Good);
        assert_eq!(judge(&signature.to_uppercase().replace("SHA256", "sha256"), body), Verdict::Good);
        for (signature, body) in [
            (signature, "Hello, World"),
            (signature, ""),
            (&signature[..signature.len() - 2], body),
            (&signature[..signature.len() - 1], body),
            (&signature.replace("757", "756"), body),
            (&signature.replace("sha256=", "sha1="), body),
            (&signature.replace("757", "x57"), body),
            ("sha256=", body),
            ("", body),
        ] {
            assert!(matches!(judge(signature, body), Verdict::Refused(_)), "{signature} {body}");
        }
        assert!(matches!(verify(&secrets, "default", &HeaderMap::new(), b"", at(0)), Verdict::Refused(_)));
        assert_eq!(verify(&secrets, "other", &HeaderMap::new(), b"", at(0)), Verdict::NotAsked);
        assert!(is_asked(&secrets, "DEFAULT") && !is_asked(&secrets, "other"));
    }

    #[test]
    fn a_standard_webhooks_signature_covers_id_time_and_body_for_five_minutes() {
        let secrets = [secret("default", Style::StandardWebhooks, &STANDARD.decode(STANDARD_KEY).unwrap())];
        let judge = |id: &str, sent: &str, signatures: &str, body: &str, now: i64| {
            let headers = headers(&[
                ("webhook-id", id),
                ("webhook-timestamp", sent),
                ("webhook-signature", signatures),
            ]);
            verify(&secrets, "default", &headers, body.as_bytes(), at(now))
        };
        let (id, sent, good) = (STANDARD_ID, STANDARD_AT.to_string(), STANDARD_SIGNATURE);
        for (signatures, now) in [
            (good.to_owned(), STANDARD_AT),
            (good.to_owned(), STANDARD_AT + 300),
            (good.to_owned(), STANDARD_AT - 300),
            (format!("v1,AAAA v2,x v1a,y {good}"), STANDARD_AT),
        ] {
            assert_eq!(
                judge(id, &sent, &signatures, STANDARD_BODY, now),
                Verdict::Good,
                "{signatures} {now}"
            );
        }
        let later = (STANDARD_AT + 1).to_string();
        for (id, sent, signatures, body, now) in [
            (id, sent.as_str(), good, STANDARD_BODY, STANDARD_AT + 301),
            (id, &sent, good, STANDARD_BODY, STANDARD_AT - 301),
            (id, &sent, good, r#"{"test": 2432232315}"#, STANDARD_AT),
            ("msg_other", &sent, good, STANDARD_BODY, STANDARD_AT),
            (id, &later, good, STANDARD_BODY, STANDARD_AT),
            (id, "soon", good, STANDARD_BODY, STANDARD_AT),
            (id, "-9223372036854775808", good, STANDARD_BODY, STANDARD_AT),
            (id, &sent, "", STANDARD_BODY, STANDARD_AT),
            (id, &sent, &good[3..], STANDARD_BODY, STANDARD_AT),
            (id, &sent, &good.replace("v1,", "v2,"), STANDARD_BODY, STANDARD_AT),
        ] {
            let verdict = judge(id, sent, signatures, body, now);
            assert!(matches!(verdict, Verdict::Refused(_)), "{id} {sent} {signatures} {body} {now}");
        }
    }

    #[test]
    fn while_one_secret_replaces_another_both_are_good_whatever_their_style() {
        let (key, body, signature) = GITHUB;
        let secrets = [
            secret("default", Style::GitHub, b"the one that comes next"),
            secret("default", Style::GitHub, key.as_bytes()),
            secret("default", Style::StandardWebhooks, b"a third one of another style"),
            secret("other", Style::GitHub, b"none of our business"),
        ];
        let headers = headers(&[("x-hub-signature-256", signature)]);
        assert_eq!(verify(&secrets, "default", &headers, body.as_bytes(), at(0)), Verdict::Good);
        assert!(matches!(verify(&secrets, "other", &headers, body.as_bytes(), at(0)), Verdict::Refused(_)));
        assert!(!format!("{secrets:?}").contains("next"));
    }
}
