//! Rules as they are written: `HUB after=30d status=Completed+Terminated name=Prefix* unless_tag=keep=yes`, `*` for every hub. Only `after`
//! must be there.

use super::{Exemption, Name, Rule};
use crate::model::{HubName, Status, StatusExt as _, StatusSet};
use std::{fmt, str::FromStr, time::Duration};

/// Units of time with their seconds, the largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// Longest time, a hundred years.
const MOST_SECS: u64 = 36_500 * 86_400;

/// The text says what is wrong and what is allowed.
impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let hub = hub(words
            .next()
            .ok_or("it is empty; it must begin with the name of a task hub, or * for all")?)?;
        let (mut after, mut statuses, mut name, mut unless) = (None, None, None, Vec::new());
        for word in words {
            let (field, value) = word.split_once('=').unwrap_or((word, ""));
            let again = match field {
                "after" => after.replace(duration(value)?).is_some(),
                "status" => statuses.replace(ends(value)?).is_some(),
                "name" => name.replace(named(value)?).is_some(),
                "unless_tag" => {
                    unless.push(exemption(value)?);
                    false
                }
                _ => {
                    return Err(format!(
                        "{word:?} is unknown; after the hub there may be after=, status=, name= and unless_tag="
                    ));
                }
            };
            if again {
                return Err(format!("{field} is there twice; only unless_tag may be given several times"));
            }
        }
        Ok(Self {
            hub,
            after: after.ok_or(format!("after is missing; {AFTER}"))?,
            statuses: statuses.unwrap_or(StatusSet::TERMINAL),
            name: name.unwrap_or(Name::Any),
            unless,
        })
    }
}

const AFTER: &str = "after must be a whole number with s, m, h or d, such as 30d, from 1s to 36500d";

fn hub(text: &str) -> Result<Option<HubName>, String> {
    if text == "*" {
        return Ok(None);
    }
    HubName::parse(text).map(Some).map_err(|error| format!("{error}, or * for all task hubs"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let secs = UNITS.iter().find_map(|(unit, secs)| {
        let number = text.strip_suffix(*unit).filter(|number| number.chars().all(|c| c.is_ascii_digit()))?;
        number.parse::<u64>().ok()?.checked_mul(*secs)
    });
    match secs {
        Some(secs @ 1..=MOST_SECS) => Ok(Duration::from_secs(secs)),
        _ => Err(format!("after is {text:?}; {AFTER}")),
    }
}

fn ends(text: &str) -> Result<StatusSet, String> {
    let end = |word: &str| {
        let known = Status::from_name(word).filter(|status| status.is_terminal());
        known.ok_or_else(|| {
            format!("status is {text:?}; status must be Completed, Failed, Canceled or Terminated, or several of them with + in between")
        })
    };
    text.split('+').map(end).collect()
}

fn named(text: &str) -> Result<Name, String> {
    let name = match text.strip_suffix('*') {
        Some("") => Name::Any,
        Some(beginning) => Name::Beginning(beginning.to_owned()),
        None => Name::Exactly(text.to_owned()),
    };
    match text.trim_end_matches('*') {
        "" if name != Name::Any => Err(bad_name(text)),
        inner if inner.contains('*') || text.ends_with("**") => Err(bad_name(text)),
        _ => Ok(name),
    }
}

fn bad_name(text: &str) -> String {
    format!("name is {text:?}; name must be the name of a function, or its beginning with * behind it")
}

fn exemption(text: &str) -> Result<Exemption, String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text, None),
    };
    if key.is_empty() {
        return Err(format!("unless_tag is {text:?}; unless_tag must be the key of a tag, or KEY=VALUE"));
    }
    Ok(Exemption { key: key.to_owned(), value })
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hub = self.hub.as_ref().map_or("*", HubName::as_str);
        let secs = self.after.as_secs();
        let exact = UNITS.iter().find(|(_, unit)| secs.is_multiple_of(*unit));
        let (unit, size) = exact.copied().unwrap_or(('s', 1));
        write!(f, "{hub} after={}{unit}", secs / size)?;
        if self.statuses != StatusSet::TERMINAL {
            let ends = Status::ALL.into_iter().filter(|status| self.statuses.contains(*status));
            write!(f, " status={}", ends.map(Status::name).collect::<Vec<_>>().join("+"))?;
        }
        match &self.name {
            Name::Any => {}
            Name::Exactly(name) => write!(f, " name={name}")?,
            Name::Beginning(with) => write!(f, " name={with}*")?,
        }
        for Exemption { key, value } in &self.unless {
            write!(f, " unless_tag={key}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shown_as_they_are_written() {
        for good in [
            "default after=30d",
            "* after=1s",
            "Prod after=90m status=Completed+Terminated name=Order* unless_tag=keep unless_tag=team=red",
            "a after=36500d status=Failed name=Exact unless_tag=a=b=c unless_tag=empty=",
        ] {
            assert_eq!(good.parse::<Rule>().unwrap().to_string(), good);
        }
        for (written, shown) in [
            ("  a \t unless_tag=k  after=24h ", "a after=1d unless_tag=k"),
            ("a after=3600s status=completed+COMPLETED", "a after=1h status=Completed"),
            ("a after=120m status=Completed+Failed+Canceled+Terminated name=*", "a after=2h"),
            ("a after=061s", "a after=61s"),
        ] {
            assert_eq!(written.parse::<Rule>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_said_with_what_is_allowed() {
        for (bad, told) in [
            ("", "it is empty; it must begin with the name of a task hub, or * for all"),
            ("  ", "it is empty"),
            ("1hub after=1d", "task hub name \"1hub\" is not valid: 1 to 64 letters"),
            ("after=1d", "or * for all task hubs"),
            ("a", "after is missing; after must be a whole number with s, m, h or d, such as 30d"),
            ("a name=x", "after is missing"),
            ("a after", "after is \"\""),
            ("a after=30", "after is \"30\""),
            ("a after=d", "after is \"d\""),
            ("a after=1w", "after is \"1w\""),
            ("a after=-1d", "after is \"-1d\""),
            ("a after=+1d", "after is \"+1d\""),
            ("a after=0s", "from 1s to 36500d"),
            ("a after=36501d", "from 1s to 36500d"),
            ("a after=99999999999999999999d", "from 1s to 36500d"),
            ("a after=18446744073709551615d", "from 1s to 36500d"),
            ("a after=1.5h", "after is \"1.5h\""),
            ("a after=1d after=2d", "after is there twice"),
            ("a after=1d status=Running", "status must be Completed, Failed, Canceled or Terminated"),
            ("a after=1d status=", "status is \"\""),
            ("a after=1d status=Completed,Failed", "with + in between"),
            ("a after=1d status=Failed status=Completed", "status is there twice"),
            ("a after=1d name=", "name is \"\""),
            ("a after=1d name=a*b", "its beginning with * behind it"),
            ("a after=1d name=a**", "its beginning with * behind it"),
            ("a after=1d name=**", "its beginning with * behind it"),
            ("a after=1d name=x name=y", "name is there twice"),
            ("a after=1d unless_tag=", "unless_tag must be the key of a tag, or KEY=VALUE"),
            ("a after=1d unless_tag==x", "unless_tag is \"=x\""),
            ("a after=1d Status=Failed", "\"Status=Failed\" is unknown; after the hub there may be after="),
            ("a after=1d keep", "\"keep\" is unknown"),
        ] {
            let error = bad.parse::<Rule>().unwrap_err();
            assert!(error.contains(told), "{bad:?}: {error}");
        }
    }
}
