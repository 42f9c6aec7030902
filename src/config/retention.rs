//! `[retention]`: what is removed some time after its end, and at what pace.

use crate::engine::retention::Rule;
use figment::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `[retention]`: what goes by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// What is removed, and when. Empty: nothing.
    #[serde(serialize_with = "rules_out", deserialize_with = "rules_in")]
    pub rules: Vec<Rule>,
    /// How long from one look to the next, at least.
    pub every_secs: u64,
    /// How many instances are removed a second, at most.
    pub per_second: u32,
}

impl Default for Retention {
    fn default() -> Self {
        // More than most servers end in a second, and about a tenth of what the writer could remove.
        Self { rules: Vec::new(), every_secs: 60, per_second: 1_000 }
    }
}

/// Reads a list of rules; the error names the one that cannot be used, and what is wrong with it.
pub(super) fn rules(value: &Value) -> Result<Vec<Rule>, String> {
    let list = value.as_array().ok_or("it is not a list")?;
    let rule = |(place, item): (usize, &Value)| {
        let text = item.as_str().ok_or_else(|| format!("rule {} is not a text", place + 1))?;
        text.parse().map_err(|wrong| format!("rule {} ({text:?}): {wrong}", place + 1))
    };
    list.iter().enumerate().map(rule).collect()
}

fn rules_in<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Rule>, D::Error> {
    rules(&<Value as Deserialize>::deserialize(from)?).map_err(de::Error::custom)
}

fn rules_out<S: Serializer>(rules: &[Rule], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(rules.iter().map(Rule::to_string))
}
