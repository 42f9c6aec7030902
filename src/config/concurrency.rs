//! How much of one name may run at a time, written `activity 5 Samples.SayHello`.

use crate::{
    dispatch::{ConcurrencyLimit, Kind},
    model::{EntityId, MAX_NAME_CHARS},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A limit that nobody reaches is a slip of the pen.
const HIGHEST: usize = 1_000_000;

/// The limit of one name.
#[derive(Clone, Debug)]
pub struct Concurrency(pub ConcurrencyLimit);

impl Concurrency {
    /// What no two limits may have in common.
    pub(super) fn subject(&self) -> (Kind, &str) {
        (self.0.kind, &self.0.name)
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConcurrencyLimit { kind, name, most } = &self.0;
        write!(f, "{} {most} {name}", kind.name())
    }
}

impl Serialize for Concurrency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse(&String::deserialize(from)?).ok_or_else(|| de::Error::custom("not the limit of a name"))
    }
}

/// A name may have spaces in it, so it comes last.
fn parse(text: &str) -> Option<Concurrency> {
    let (kind, rest) = text.trim().split_once(char::is_whitespace)?;
    let (most, name) = rest.trim_start().split_once(char::is_whitespace)?;
    let most = most.parse().ok().filter(|most| (1..=HIGHEST).contains(most))?;
    let name = name.trim_start();
    if name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return None;
    }
    let (kind, name) = match kind {
        "orchestration" => (Kind::Turn, name.into()),
        "activity" => (Kind::Activity, name.into()),
        // Whatever its key.
        "entity" => (Kind::Batch, EntityId::new(name, "").ok()?.name().clone()),
        _ => return None,
    };
    Some(Concurrency(ConcurrencyLimit { kind, name, most }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_kind_a_number_and_a_name() {
        for good in ["activity 5 Samples.SayHello", "orchestration 1 with space", "entity 1000000 counter"] {
            assert_eq!(parse(good).unwrap().to_string(), good);
        }
        assert_eq!(parse("  activity   7  A b ").unwrap().to_string(), "activity 7 A b");
        assert_eq!(
            parse("entity 3 Counter").unwrap().to_string(),
            "entity 3 counter",
            "as entities are called"
        );
        for bad in [
            "",
            "activity",
            "activity 5",
            "activity 5 ",
            "activity X 5",
            "activity 0 A",
            "activity -1 A",
            "activity 1000001 A",
            "activities 5 A",
            "entity 5 @a@b",
            "5 A",
            "activity 5 A\u{7}",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert!(parse(&format!("activity 5 {}", "x".repeat(257))).is_none());
    }
}
