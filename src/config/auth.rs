//! `[auth]`: how keys and the signing secret are written, and the rules about them.
//!
//! Nothing here repeats what was written except names: a person who puts the key itself where its digest belongs must not find it in
//! an error, a log or the printed settings.

use crate::{
    auth::{Digest, MAX_DIGESTS, NamedKey, Reach, Role},
    model::HubName,
};
use figment::value::{Dict, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Shortest signing secret, in bytes.
const MIN_SECRET_BYTES: usize = 32;
const FIELDS: [&str; 4] = ["name", "role", "sha256", "hubs"];

/// `[auth]`: whom the server answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Accepted keys. Empty: nobody is asked for one.
    #[serde(serialize_with = "keys_out", deserialize_with = "keys_in")]
    pub keys: Vec<NamedKey>,
    /// How long the links in answers are good; 0: for ever.
    pub link_ttl_secs: u64,
    /// What links are signed with; empty: a secret that the server makes up and keeps in its store.
    pub link_secret: Secret,
    /// Whether callers on this machine need no key below `/durabletask/`.
    pub open_rpc_mount: bool,
}

/// Text that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret, if one is set.
    pub fn reveal(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "(set)" })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if self.0.is_empty() { "" } else { "(set)" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.len() {
            0 | MIN_SECRET_BYTES.. => Ok(Self(text)),
            _ => Err(de::Error::custom("too short")),
        }
    }
}

/// Reads the keys as a file or a variable writes them. The error says what is wrong, without repeating more than names.
pub(super) fn keys(value: &Value) -> Result<Vec<NamedKey>, String> {
    let mut keys: Vec<NamedKey> = Vec::new();
    match (value.as_str(), value.as_array()) {
        (Some(line), _) => {
            for piece in line.split(',') {
                let key = piece_of_line(piece.trim())?;
                let name = &*key.name;
                match keys.iter_mut().find(|known| known.name == key.name) {
                    Some(known) if known.role != key.role => {
                        return Err(format!(
                            "the key {name:?} has two roles: {} and {}",
                            known.role, key.role
                        ));
                    }
                    Some(known) if known.reach != key.reach => {
                        return Err(format!("the key {name:?} has two lists of hubs"));
                    }
                    Some(known) => known.digests.extend(key.digests),
                    None => keys.push(key),
                }
            }
        }
        (None, Some(tables)) => {
            for table in tables {
                let table = table.as_dict().ok_or("an entry is not a table with name, role and sha256")?;
                keys.push(key_of_table(table)?);
            }
        }
        (None, None) => return Err("it is neither a list of tables nor text".to_owned()),
    }
    check(&keys)?;
    Ok(keys)
}

/// `name:role:hexdigest`, or `name:role:hexdigest:hub+hub`.
fn piece_of_line(piece: &str) -> Result<NamedKey, String> {
    let fields: Vec<_> = piece.split(':').map(str::trim).collect();
    let (name, role, digest, hubs) = match fields.as_slice() {
        [name, role, digest] => (name, role, digest, None),
        [name, role, digest, hubs] => (name, role, digest, Some(hubs.split('+').map(str::trim))),
        _ => return Err("a piece is not NAME:ROLE:DIGEST or NAME:ROLE:DIGEST:HUB+HUB".to_owned()),
    };
    let name = name_of(name)?;
    let (role, digests) = (role_of(&name, role)?, vec![digest_of(&name, digest)?]);
    let reach = hubs.map_or(Ok(Reach::ALL), |hubs| reach_of(&name, hubs))?;
    Ok(NamedKey { name: name.into(), role, reach, digests })
}

fn key_of_table(table: &Dict) -> Result<NamedKey, String> {
    let name = table.get("name").and_then(|name| name.as_str()).ok_or("a key has no name")?;
    let name = name_of(name)?;
    if table.keys().any(|field| !FIELDS.contains(&field.as_str())) {
        return Err(format!("the key {name:?} has a field other than {}", FIELDS.join(", ")));
    }
    let role = table.get("role").and_then(|role| role.as_str());
    let role = role_of(&name, role.unwrap_or_default())?;
    let digests = table.get("sha256").and_then(|list| list.as_array()).unwrap_or_default();
    let digests = digests.iter().map(|digest| digest_of(&name, digest.as_str().unwrap_or_default()));
    let digests = digests.collect::<Result<_, _>>()?;
    let reach = match table.get("hubs") {
        None => Reach::ALL,
        Some(hubs) => {
            let hubs = hubs
                .as_array()
                .ok_or_else(|| format!("the hubs of the key {name:?} are not a list of names"))?;
            reach_of(&name, hubs.iter().map(|hub| hub.as_str().unwrap_or_default()))?
        }
    };
    Ok(NamedKey { name: name.into(), role, reach, digests })
}

/// An empty list is refused: one could take it for all hubs, or for none.
fn reach_of<'a>(name: &str, hubs: impl Iterator<Item = &'a str>) -> Result<Reach, String> {
    let hubs: Vec<_> = hubs.map(HubName::parse).collect::<Result<_, _>>().map_err(|_| {
        format!(
            "the key {name:?} names a hub that is not 1 to 64 letters, digits, '-' or '_', beginning with a letter"
        )
    })?;
    match hubs.as_slice() {
        [] => Err(format!("the key {name:?} has an empty list of hubs; leave it out for all hubs")),
        some => Ok(Reach::only(some)),
    }
}

/// Checks the name of a key. What is not a name may be a key in the wrong place, and is not repeated.
pub fn name_of(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match (1..=32).contains(&text.len()) && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(
            "a name is not 1 to 32 letters, digits, '-', '_' or '.' (it names the key; it is not the key)"
                .to_owned(),
        ),
    }
}

fn role_of(name: &str, text: &str) -> Result<Role, String> {
    let known = Role::ALL.map(Role::name).join(", ");
    Role::from_name(text).ok_or_else(|| format!("the role of the key {name:?} is not one of {known}"))
}

fn digest_of(name: &str, text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| {
        format!(
            "the key {name:?} has a sha256 that is not 64 hexadecimal digits; `durahub key hash` makes them from a key"
        )
    })
}

fn check(keys: &[NamedKey]) -> Result<(), String> {
    for (place, key) in keys.iter().enumerate() {
        let name = &*key.name;
        match key.digests.len() {
            0 => return Err(format!("the key {name:?} has no sha256")),
            1..=MAX_DIGESTS => {}
            more => {
                return Err(format!(
                    "the key {name:?} has {more} digests; at most {MAX_DIGESTS} may be live at once, the new and the old"
                ));
            }
        }
        for other in &keys[..place] {
            if other.name == key.name {
                return Err(format!("the name {name:?} is there twice"));
            }
            if other.digests.iter().any(|digest| key.digests.contains(digest)) {
                return Err(format!("{:?} and {name:?} are the same key", &*other.name));
            }
        }
    }
    Ok(())
}

fn keys_in<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<NamedKey>, D::Error> {
    keys(&<Value as Deserialize>::deserialize(from)?).map_err(de::Error::custom)
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    role: &'static str,
    sha256: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hubs: Option<&'a [String]>,
}

/// Digests as their beginnings only.
fn keys_out<S: Serializer>(keys: &[NamedKey], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(keys.iter().map(|key| Shown {
        name: &key.name,
        role: key.role.name(),
        sha256: key.digests.iter().map(Digest::to_string).collect(),
        hubs: key.reach.names(),
    }))
}
