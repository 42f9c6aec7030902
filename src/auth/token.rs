//! Links: what they carry in `code`, signed.
//!
//! `l1.` payload `.` signature, the latter two as base64url without padding. The signature is the HMAC-SHA256 of everything before the
//! second dot. The payload, numbers with the highest byte first: 2 bytes of operations, 8 bytes of seconds since 1970 at which the
//! link ends (0: never), 1 byte with the length of the hub's name, that name in lower case, the instance's id.
//!
//! The hub is named and not numbered, so that a link never means another hub in another database with the same secret.

use super::Operations;
use crate::model::Timestamp;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// Which layout the payload has.
const VERSION: &str = "l1.";
const MICROS: i64 = 1_000_000;

/// What a link permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The hub's name in lower case.
    pub hub: String,
    /// The instance's id.
    pub instance: String,
    /// What may be done with it.
    pub operations: Operations,
    /// From when on nothing is permitted any more; whole seconds. `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Signs links and reads them back. Whoever has its secret can make links for everything.
#[derive(Clone)]
pub struct LinkSigner(Hmac<Sha256>);

impl LinkSigner {
    /// With this secret: the same secret reads what it has signed, also after a restart.
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes secrets of any length"))
    }

    /// The text of a link's `code`.
    pub fn sign(&self, grant: &Grant) -> String {
        let signed = format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(payload(grant)));
        let mac = self.0.clone().chain_update(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// The inverse of [`LinkSigner::sign`], whether or not the link has ended; `None` for what it has not signed.
    pub fn read(&self, token: &[u8]) -> Option<Grant> {
        let token = std::str::from_utf8(token).ok()?;
        let (signed, mac) = token.rsplit_once('.')?;
        let encoded = signed.strip_prefix(VERSION)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        // In constant time.
        self.0.clone().chain_update(signed).verify_slice(&mac).ok()?;
        grant(&URL_SAFE_NO_PAD.decode(encoded).ok()?)
    }
}

/// Without the secret.
impl fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSigner")
    }
}

fn payload(grant: &Grant) -> Vec<u8> {
    let hub = grant.hub.as_bytes();
    let hub = &hub[..hub.len().min(usize::from(u8::MAX))];
    let expires = grant.expires_at.map_or(0, |at| at.0.div_euclid(MICROS));
    let mut bytes = Vec::with_capacity(11 + hub.len() + grant.instance.len());
    bytes.extend(grant.operations.bits().to_be_bytes());
    bytes.extend(expires.to_be_bytes());
    bytes.push(u8::try_from(hub.len()).unwrap_or(u8::MAX));
    bytes.extend(hub);
    bytes.extend(grant.instance.as_bytes());
    bytes
}

fn grant(payload: &[u8]) -> Option<Grant> {
    let (operations, rest) = payload.split_first_chunk()?;
    let (expires, rest) = rest.split_first_chunk()?;
    let (hub_length, rest) = rest.split_first()?;
    let (hub, instance) = rest.split_at_checked(usize::from(*hub_length))?;
    let expires = i64::from_be_bytes(*expires);
    Some(Grant {
        hub: String::from_utf8(hub.to_vec()).ok()?,
        instance: String::from_utf8(instance.to_vec()).ok()?,
        operations: Operations::from_bits(u16::from_be_bytes(*operations))?,
        expires_at: (expires != 0).then(|| Timestamp(expires.saturating_mul(MICROS))),
    })
}
