//! What a task hub takes in, written `HUB per_second=100 bytes_per_second=1000000 live=10000`, at least one of the three.

use crate::{manager::HubAllowance, model::HubName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// The limits of one hub.
#[derive(Clone, Debug)]
pub struct HubLimits {
    /// Whose.
    pub hub: HubName,
    /// What it takes in.
    pub allowance: HubAllowance,
}

impl fmt::Display for HubLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HubAllowance { per_second, bytes_per_second, live } = self.allowance;
        self.hub.fmt(f)?;
        for (word, limit) in
            [("per_second", per_second), ("bytes_per_second", bytes_per_second), ("live", live)]
        {
            if let Some(limit) = limit {
                write!(f, " {word}={limit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for HubLimits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HubLimits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse(&String::deserialize(from)?).ok_or_else(|| de::Error::custom("not the limits of a hub"))
    }
}

fn parse(text: &str) -> Option<HubLimits> {
    let mut words = text.split_whitespace();
    let hub = HubName::parse(words.next()?).ok()?;
    let mut allowance = HubAllowance::default();
    for word in words {
        let (name, limit) = word.split_once('=')?;
        let limit: u64 = limit.parse().ok().filter(|limit| *limit > 0)?;
        let place = match name {
            "per_second" => &mut allowance.per_second,
            "bytes_per_second" => &mut allowance.bytes_per_second,
            "live" => &mut allowance.live,
            _ => return None,
        };
        if place.replace(limit).is_some() {
            return None;
        }
    }
    (allowance != HubAllowance::default()).then_some(HubLimits { hub, allowance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_a_hub_and_at_least_one_number_with_its_name() {
        for good in ["default live=1", "Prod per_second=5 bytes_per_second=1000000 live=10000"] {
            assert_eq!(parse(good).unwrap().to_string(), good);
        }
        assert_eq!(parse("  a   live=7 ").unwrap().to_string(), "a live=7");
        for bad in [
            "",
            "default",
            "default live",
            "default live=",
            "default live=0",
            "default live=-1",
            "default live=1 live=2",
            "default lives=1",
            "1hub live=1",
            "live=1",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
