//! Merging: default < file < environment < flag, each layer checked before it counts.
//!
//! Pure but for reading the named file: the environment and the flags are handed in, so tests need not touch the process.

use super::{
    Config, Error,
    keys::{Allowed, KEYS, Key},
};
use crate::model::MAX_BESIDE_PAYLOAD;
use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use serde::Deserialize as _;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Everything a configuration can come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file to read; none is read otherwise.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not concern durahub are ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings from the command line.
    pub flags: Vec<Setting>,
}

/// One setting from the command line.
#[derive(Clone, Debug)]
pub struct Setting {
    /// As the user typed it, such as `--store`.
    pub flag: &'static str,
    /// The dotted key it sets.
    pub key: &'static str,
    /// Its value, written as in an environment variable.
    pub value: String,
}

/// A valid configuration that knows where each value came from.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The settings.
    pub config: Config,
    merged: Figment,
}

impl Effective {
    /// Where the value of a key came from: `default`, a file, a variable or a flag.
    pub fn origin(&self, key: &str) -> &str {
        self.merged.find_metadata(key).map_or("default", |found| &found.name)
    }
}

/// Merges and checks. The error names the key, where it was written and what is allowed.
pub fn load(sources: &Sources) -> Result<Effective, Error> {
    let mut layers = Vec::new();
    if let Some(path) = &sources.file {
        layers.push(file_layer(path)?);
    }
    for (name, value) in &sources.environment {
        layers.extend(variable_layer(&name.to_string_lossy(), &value.to_string_lossy())?);
    }
    for Setting { flag, key, value } in &sources.flags {
        let key = Key::find(key).expect("flags set known keys");
        layers.push(Layer::of(format!("flag {flag}"), key, value));
    }

    let defaults = Value::serialize(Config::default()).expect("the defaults are plain data");
    let defaults = defaults.into_dict().expect("the settings are sections");
    let mut merged = Figment::from(Layer { origin: "default".to_owned(), dict: defaults });
    let mut config = Config::default();
    for layer in layers {
        layer.check()?;
        merged = merged.merge(layer.clone());
        config = merged.extract().map_err(|error| layer.bad_value(&error.path))?;
    }
    let effective = Effective { config, merged };
    refuse_strangers(&effective)?;
    refuse_what_cannot_be_sent(&effective)?;
    refuse_half_of_tls(&effective)?;
    Ok(effective)
}

fn refuse_strangers(effective: &Effective) -> Result<(), Error> {
    let server = &effective.config.server;
    let asked = !effective.config.auth.keys.is_empty();
    if server.listen.ip().to_canonical().is_loopback() || server.insecure || asked {
        return Ok(());
    }
    Err(Error::Exposed { listen: server.listen, origin: effective.origin("server.listen").to_owned() })
}

fn refuse_half_of_tls(effective: &Effective) -> Result<(), Error> {
    let tls = &effective.config.tls;
    let (given, missing) = match (tls.is_on(), tls.key.as_os_str().is_empty()) {
        (true, true) => ("tls.cert", "tls.key"),
        (false, false) => ("tls.key", "tls.cert"),
        (true, false) | (false, true) => return Ok(()),
    };
    Err(Error::HalfOfTls { given, origin: effective.origin(given).to_owned(), missing })
}

/// What an activity brings besides its input, and the trace it inherits.
const BESIDE_A_PAYLOAD: usize = 2 * MAX_BESIDE_PAYLOAD;

/// A work item above the limit would end the stream of every worker that it is given to.
fn refuse_what_cannot_be_sent(effective: &Effective) -> Result<(), Error> {
    let limits = &effective.config.limits;
    let origin = |key: &str| effective.origin(key).to_owned();
    for (key, bytes, beside) in [
        ("limits.work_item_bytes", limits.work_item_bytes, 0),
        ("limits.payload_bytes", limits.payload_bytes, BESIDE_A_PAYLOAD),
    ] {
        let needed = bytes + beside;
        if limits.grpc_sent_bytes < needed {
            return Err(Error::SentTooSmall {
                sent: limits.grpc_sent_bytes,
                origin: origin("limits.grpc_sent_bytes"),
                key,
                bytes,
                bytes_origin: origin(key),
                needed,
            });
        }
    }
    Ok(())
}

/// Settings with one origin.
#[derive(Clone)]
struct Layer {
    origin: String,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

fn file_layer(path: &Path) -> Result<Layer, Error> {
    let text =
        fs::read_to_string(path).map_err(|reason| Error::Unreadable { path: path.to_owned(), reason })?;
    let dict = <figment::providers::Toml as figment::providers::Format>::from_str(&text)
        .map_err(|error| Error::Malformed { path: path.to_owned(), reason: error.to_string() })?;
    Ok(Layer { origin: format!("file {}", path.display()), dict })
}

/// `None`: the variable is somebody else's. `DURAHUB_...` with one underscore is left alone (container platforms make such names
/// up), unless it is plainly one of our keys misspelt.
fn variable_layer(name: &str, value: &str) -> Result<Option<Layer>, Error> {
    let origin = format!("environment variable {name}");
    if let Some(key) = Key::of_variable(name) {
        return Ok(Some(Layer::of(origin, key, value)));
    }
    let plain = |name: &str| name.to_uppercase().replace("__", "_");
    let meant = KEYS.iter().find(|key| plain(&key.variable()) == plain(name));
    if meant.is_none() && !name.to_uppercase().starts_with("DURAHUB__") {
        return Ok(None);
    }
    let known = match meant {
        Some(key) => format!("did you mean {}?", key.variable()),
        None => {
            let section = name.split("__").nth(1).unwrap_or_default().to_lowercase();
            let keys = KEYS.iter().filter(|key| key.section == section).map(Key::variable);
            known_names("variables", &section, keys.collect())
        }
    };
    Err(Error::Unknown { name: name.to_owned(), origin: "the environment".to_owned(), known })
}

fn known_names(what: &str, section: &str, names: Vec<String>) -> String {
    if !names.is_empty() {
        return format!("the {what} of [{section}] are {}", names.join(", "));
    }
    let mut sections: Vec<_> = KEYS.iter().map(|key| key.section).collect();
    sections.dedup();
    format!("the sections are {}", sections.join(", "))
}

impl Layer {
    fn of(origin: String, key: &Key, text: &str) -> Self {
        let section = Dict::from([(key.name.to_owned(), key.read(text))]);
        Self { origin, dict: Dict::from([(key.section.to_owned(), section.into())]) }
    }

    /// Every key is known, every value has the right type, every number is in range.
    fn check(&self) -> Result<(), Error> {
        for (section, keys) in &self.dict {
            let names: Vec<_> =
                KEYS.iter().filter(|key| key.section == *section).map(|key| key.name.to_owned()).collect();
            let unknown = |name: String| Error::Unknown {
                name,
                origin: self.origin.clone(),
                known: known_names("keys", section, names.clone()),
            };
            let Some(keys) = keys.as_dict() else {
                return Err(unknown(section.clone()));
            };
            if names.is_empty() {
                return Err(unknown(format!("[{section}]")));
            }
            for (name, value) in keys {
                let path = format!("{section}.{name}");
                match Key::find(&path) {
                    Some(key) if key.admits(value) => {}
                    Some(_) => return Err(self.bad_value(&[section.clone(), name.clone()])),
                    None => return Err(unknown(path)),
                }
            }
        }
        Ok(())
    }

    fn bad_value(&self, path: &[String]) -> Error {
        let key = path.get(..2).unwrap_or(path).join(".");
        let value = match path {
            [section, name, ..] => self.dict.get(section).and_then(|it| it.as_dict()?.get(name)),
            _ => None,
        };
        let allowed = Key::find(&key)
            .map_or_else(|| "one of its documented values".to_owned(), |it| it.allowed.to_string());
        let got = match (value, Key::find(&key).map(|it| &it.allowed)) {
            (Some(value), Some(Allowed::Keys)) => match super::auth::keys(value) {
                Err(wrong) => format!("not usable: {wrong}"),
                Ok(_) => "not usable".to_owned(),
            },
            (Some(value), Some(Allowed::Rules)) => match super::retention::rules(value) {
                Err(wrong) => format!("not usable: {wrong}"),
                Ok(_) => "not usable".to_owned(),
            },
            (Some(_), Some(Allowed::Secret(_) | Allowed::Secrets(_))) => "not shown here".to_owned(),
            (Some(value), _) if key == "store.url" => without_secret(value),
            (Some(value), _) => shown(value),
            (None, _) => "not usable".to_owned(),
        };
        Error::BadValue { key, got, origin: self.origin.clone(), allowed }
    }
}

/// The value as the user wrote it, or nearly so.
fn shown(value: &Value) -> String {
    serde_json::Value::deserialize(value).map_or_else(|_| "not usable".to_owned(), |plain| plain.to_string())
}

/// Only the scheme of a URL, since a password may follow; nothing of what has a place for one and is not quite a URL.
fn without_secret(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match text.split_once("://") {
        Some((scheme, _)) if !scheme.contains('@') => format!("\"{scheme}://...\""),
        _ if text.contains('@') => "not shown here".to_owned(),
        _ => shown(value),
    }
}
