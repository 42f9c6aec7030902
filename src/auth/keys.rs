//! Keys, of which only digests are kept.

use super::{Reach, Role};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// Digests that one key may have: the new one and, until everybody has changed over, the old one.
pub const MAX_DIGESTS: usize = 2;
/// Bytes of a digest that are shown to people: enough to tell keys apart.
const SHOWN_BYTES: usize = 4;

/// The SHA-256 of a key. Only its beginning is ever written: a key that a person made up could be guessed from all of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of this key.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads 64 hexadecimal digits, in either case.
    pub fn parse(hex: &str) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        Some(Self(bytes?.try_into().ok()?))
    }

    /// All of it, for the person who is making a key.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

/// The beginning.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}...", hex(&self.0[..SHOWN_BYTES]))
    }
}

/// The beginning, here too.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// A key by the name that logs call it, with what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// For people; not secret.
    pub name: Arc<str>,
    /// What it is for.
    pub role: Role,
    /// Where it is good.
    pub reach: Reach,
    /// One, or two while the key is being changed.
    pub digests: Vec<Digest>,
}

/// Every key that is accepted.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<NamedKey>);

impl Keys {
    /// These keys.
    pub fn new(keys: Vec<NamedKey>) -> Self {
        Self(keys)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that `credential` is. How long this takes tells neither whether there is one nor which: every digest is compared, and
    /// each to its end.
    pub fn find(&self, credential: &[u8]) -> Option<&NamedKey> {
        let presented = Digest::of(credential);
        let mut found = u64::MAX;
        for (place, key) in (0_u64..).zip(&self.0) {
            for digest in &key.digests {
                found.conditional_assign(&place, digest.0.ct_eq(&presented.0));
            }
        }
        usize::try_from(found).ok().and_then(|place| self.0.get(place))
    }
}

/// A fresh key: 256 random bits as base64url, 43 characters that need no quoting anywhere.
pub fn new_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
