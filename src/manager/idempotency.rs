//! Requests that may be sent twice and count once: a key that the caller makes up, and a digest of what was asked for.

use super::{Error, Manager, Started};
use crate::store::{Idempotency, Recorded};
use sha2::{Digest as _, Sha256};

/// Longest key, in characters.
const MAX_KEY_CHARS: usize = 255;

/// The name a caller gives to one request, so that it is recognised when it is repeated: 1 to 255 visible ASCII characters. Unique within
/// a hub for as long as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks a key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let chars = text.chars().count();
        if !(1..=MAX_KEY_CHARS).contains(&chars) {
            return Err(Error::Invalid(format!(
                "Idempotency-Key is {chars} characters long; 1 to {MAX_KEY_CHARS} are allowed"
            )));
        }
        match text.chars().find(|c| !c.is_ascii_graphic()) {
            Some(bad) => Err(Error::Invalid(format!(
                "Idempotency-Key must not contain {bad:?}: only visible ASCII characters are allowed"
            ))),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// SHA-256 over a list of parts, each with its length, so that no two lists look alike.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Of a request for `verb`.
    pub fn of(verb: &str) -> Self {
        Self(Sha256::new()).text(verb)
    }

    /// Adds a text.
    pub fn text(self, text: &str) -> Self {
        self.maybe(Some(text))
    }

    /// Adds a text that may be absent, which is not the same as empty.
    pub fn maybe(mut self, text: Option<&str>) -> Self {
        self.0.update([u8::from(text.is_some())]);
        if let Some(text) = text {
            self.0.update((text.len() as u64).to_be_bytes());
            self.0.update(text);
        }
        self
    }

    /// Adds a number.
    pub fn number(mut self, number: i64) -> Self {
        self.0.update(number.to_be_bytes());
        self
    }

    fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

impl Manager {
    /// How the store recognises the request with this key.
    pub(super) fn idempotency(&self, key: IdempotencyKey, request: Fingerprint) -> Idempotency {
        let valid_from = self.clock.now().minus(self.limits.idempotency);
        Idempotency { key: key.0, fingerprint: request.finish(), valid_from }
    }
}

/// The answer to a request that is on record: the same again, or `KeyReused` if it was another request that had the key.
pub(super) fn repeated(asked: &Idempotency, recorded: Recorded) -> Result<Started, Error> {
    if asked.fingerprint == recorded.fingerprint {
        Ok(Started { id: recorded.id, created: recorded.created, repeated: true })
    } else {
        Err(Error::KeyReused { key: asked.key.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_and_not_too_long() {
        for good in ["a", "8e03978e-40d5-43e8-bc93-6894a57f9324", "\"quoted\"", "~!", &"x".repeat(255)] {
            assert_eq!(IdempotencyKey::parse(good).unwrap(), IdempotencyKey(good.to_owned()));
        }
        for bad in ["", " ", "a b", "a\tb", "é", "a\u{7f}", &"x".repeat(256)] {
            let error = IdempotencyKey::parse(bad).unwrap_err().to_string();
            assert!(error.starts_with("Idempotency-Key "), "{error}");
        }
    }

    #[test]
    fn no_two_lists_of_parts_look_alike() {
        let of = |parts: &[Option<&str>]| {
            parts.iter().fold(Fingerprint::of("v"), |print, part| print.maybe(*part)).finish()
        };
        let lists: [&[Option<&str>]; 8] = [
            &[],
            &[None],
            &[Some("")],
            &[None, None],
            &[Some("a"), Some("b")],
            &[Some("ab"), Some("")],
            &[Some("ab")],
            &[Some("a\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{1}b")],
        ];
        for (i, one) in lists.iter().enumerate() {
            for (j, other) in lists.iter().enumerate() {
                assert_eq!(of(one) == of(other), i == j, "{one:?} {other:?}");
            }
        }
        assert_ne!(of(&[]), Fingerprint::of("w").finish());
        assert_eq!(of(&[]).len(), 32);
    }
}
