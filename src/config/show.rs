//! The configuration as TOML, with where each value came from: what `durahub config` prints.

use super::{Config, Effective, keys::KEYS};
use std::fmt::Write as _;

impl Config {
    /// Every setting by section, for showing to whoever may look: of secrets only how many there are, of keys only names, roles and hubs.
    pub fn without_secrets(&self) -> serde_json::Value {
        let mut values = serde_json::to_value(self).expect("the settings are plain data");
        for key in KEYS {
            let value = &mut values[key.section][key.name];
            let count = value.as_array().map_or(0, Vec::len);
            if key.is_secret() && count > 0 {
                *value = format!("({count}, not shown)").into();
            }
        }
        let named = |key: &crate::auth::NamedKey| match key.reach.names() {
            None => serde_json::json!({ "name": &*key.name, "role": key.role.name() }),
            Some(hubs) => serde_json::json!({ "name": &*key.name, "role": key.role.name(), "hubs": hubs }),
        };
        values["auth"]["keys"] = self.auth.keys.iter().map(named).collect();
        values
    }
}

impl Effective {
    /// Every key with its value. Read back as a configuration file it gives the same settings, but
    /// for secrets, which are only counted.
    pub fn to_toml(&self) -> String {
        let values = serde_json::to_value(&self.config).expect("the settings are plain data");
        let mut text = String::new();
        let mut section = "";
        for key in KEYS {
            if key.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = key.section;
                writeln!(text, "{gap}[{section}]").expect("writing to a String cannot fail");
            }
            // For numbers, truth values, plain texts and lists of these, JSON is valid TOML, but for one character.
            let value = toml(&values[section][key.name]).replace('\u{7f}', "\\u007f");
            let mut line = format!("{} = {value}", key.name);
            // A comment, so that the text stays a configuration file.
            if key.is_secret() && value != "[]" {
                let count = values[section][key.name].as_array().map_or(0, Vec::len);
                line = format!("# {} = ({count}, not shown)", key.name);
            }
            writeln!(text, "{line:<48} # {}", self.origin(&key.path()))
                .expect("writing to a String cannot fail");
        }
        text
    }
}

/// JSON as TOML writes it. They differ in the tables of `auth.keys`.
fn toml(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(list) => {
            format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(","))
        }
        serde_json::Value::Object(table) => {
            let fields: Vec<_> =
                table.iter().map(|(name, value)| format!("{name} = {}", toml(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        plain => plain.to_string(),
    }
}
