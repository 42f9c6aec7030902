//! The query string, read the lenient way of the Durable Functions extension: names in any case, and a value that cannot be
//! parsed counts as absent. Pure.

use super::form;
use crate::model::{Status, StatusExt as _, StatusSet, Timestamp};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};

/// A parsed query string. Every getter takes the name as documented, in whatever case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Each name once, its values joined.
    pairs: Vec<(String, String)>,
    /// Each piece by itself.
    pieces: Vec<(String, String)>,
}

impl Query {
    /// Reads `raw`, the part after `?`. A piece without `=` is ignored; a name given twice has its values joined by `,`.
    pub fn parse(raw: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut pieces = Vec::new();
        for (name, value) in raw.split('&').filter_map(|piece| piece.split_once('=')) {
            let (name, value) = (form::decode_lossy(name.trim()), form::decode_lossy(value.trim()));
            pieces.push((name.clone(), value.clone()));
            match pairs.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, known)) => {
                    known.push(',');
                    known.push_str(&value);
                }
                None => pairs.push((name, value)),
            }
        }
        Self { pairs, pieces }
    }

    /// The texts given under this name, one by one, without those that are empty.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pieces.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Every name there is.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    /// The text as given, also if it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The text without outer blanks; absent if there is nothing else.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.text(name).map(str::trim).filter(|word| !word.is_empty())
    }

    /// `true` or `false` in any case; anything else counts as absent.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let word = self.word(name)?;
        match word {
            _ if word.eq_ignore_ascii_case("true") => Some(true),
            _ if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A number of seconds: any floating number, also negative or infinite, but never NaN.
    pub fn seconds(&self, name: &str) -> Option<f64> {
        self.word(name)?.parse().ok().filter(|seconds: &f64| !seconds.is_nan())
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.word(name)?.parse().ok()
    }

    /// A whole number that is not negative.
    pub fn count(&self, name: &str) -> Option<u32> {
        self.word(name)?.parse().ok()
    }

    /// A number of milliseconds, from 0 on, as far as it fits into microseconds.
    pub fn millis(&self, name: &str) -> Option<i64> {
        self.word(name)?.parse().ok().filter(|millis| (0..i64::MAX / 1_000).contains(millis))
    }

    /// A date as the beginning of a range: nothing that is kept, in microseconds, lies between it and the date.
    pub fn at_or_after(&self, name: &str) -> Option<Timestamp> {
        let date = date(self.word(name)?)?;
        let cut = Timestamp::from(date);
        Some(if date.timestamp_subsec_nanos().is_multiple_of(1_000) { cut } else { cut.next() })
    }

    /// A date as the end of a range that includes it.
    pub fn at_or_before(&self, name: &str) -> Option<Timestamp> {
        date(self.word(name)?).map(Timestamp::from)
    }

    /// Statuses by name, in any case, or number; given several times, separated by commas, or both. What is neither is dropped, so
    /// the set may be empty: a list of nothing but mistakes asks for nothing, not for everything. `None`: not asked.
    pub fn statuses(&self, name: &str) -> Option<StatusSet> {
        let status = |word: &str| match word.parse::<i32>() {
            Ok(number) => Status::try_from(number).ok(),
            Err(_) => Status::from_name(word),
        };
        Some(self.text(name)?.split(',').filter_map(|word| status(word.trim())).collect())
    }
}

/// A date with a time and an offset, a date with a time (UTC), or a date (its first moment in UTC).
fn date(text: &str) -> Option<DateTime<Utc>> {
    // Python's strftime does not pad years before 1000.
    let year = text.find('-').filter(|digits| (1..4).contains(digits));
    let padded = year.map(|digits| format!("{}{text}", &"0000"[digits..]));
    let text = padded.as_deref().unwrap_or(text);
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    // Between date and time a blank will do; before the offset it is a `+` that was not encoded.
    let (day, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?.replace(' ', "+");
    let (time, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time.as_str(), "Z"),
    };
    let seconds = if time.len() == 5 { ":00" } else { "" };
    let local =
        NaiveDateTime::parse_from_str(&format!("{day}T{time}{seconds}"), "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    let offset: FixedOffset =
        if offset.eq_ignore_ascii_case("z") { "+00:00" } else { offset }.parse().ok()?;
    Some(local.and_local_timezone(offset).single()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_case_and_values_are_decoded() {
        for (raw, name, value) in [
            ("reason=too%20late", "reason", Some("too late")),
            ("REASON=too+late", "reason", Some("too late")),
            ("reason=a=b", "Reason", Some("a=b")),
            ("reason=", "reason", Some("")),
            ("reason", "reason", None),
            ("", "reason", None),
            ("&&=x&reason=%zz", "reason", Some("%zz")),
            ("reason=%ff", "reason", Some("\u{fffd}")),
            ("reason=a&Reason=b", "reason", Some("a,b")),
            (" reason = a ", "reason", Some("a")),
            ("re%61son=a", "reason", Some("a")),
        ] {
            assert_eq!(Query::parse(raw).text(name), value, "{raw}");
        }
    }

    #[test]
    fn values_given_several_times_stay_apart() {
        let query = Query::parse("name=a,b&x=1&NAME=c+d&name=&name");
        assert_eq!(query.values("Name").collect::<Vec<_>>(), ["a,b", "c d"]);
        assert_eq!(query.values("y").count(), 0);
    }

    #[test]
    fn blank_words_count_as_absent() {
        for (raw, value) in [("taskHub=", None), ("taskHub=+", None), ("taskHub=%20a+", Some("a"))] {
            assert_eq!(Query::parse(raw).word("taskhub"), value, "{raw}");
        }
    }

    #[test]
    fn counts_and_milliseconds_are_whole_and_not_negative() {
        for (raw, value) in
            [("x=0", Some(0)), ("x=+7+", Some(7)), ("x=-1", None), ("x=1.5", None), ("x=", None)]
        {
            let query = Query::parse(raw);
            assert_eq!((query.count("x").map(i64::from), query.millis("x")), (value, value), "{raw}");
        }
        assert_eq!(Query::parse("x=4294967296").count("x"), None);
        assert_eq!(Query::parse("x=9223372036854775").millis("x"), None);
        assert_eq!(Query::parse("x=9223372036854774").millis("x"), Some(9_223_372_036_854_774));
    }

    #[test]
    fn flags_are_true_or_false_and_nothing_else() {
        for (raw, value) in [
            ("x=true", Some(true)),
            ("x=True", Some(true)),
            ("x=+FALSE+", Some(false)),
            ("x=1", None),
            ("x=yes", None),
            ("x=", None),
            ("x=true&x=true", None),
        ] {
            assert_eq!(Query::parse(raw).flag("x"), value, "{raw}");
        }
    }

    #[test]
    fn numbers_are_whole_and_decimal() {
        for (raw, value) in [
            ("x=10", Some(10)),
            ("x=%2B5", Some(5)),
            ("x=+-3+", Some(-3)),
            ("x=0", Some(0)),
            ("x=10.0", None),
            ("x=2147483648", None),
            ("x=ten", None),
            ("x=", None),
            ("x=1&x=2", None),
        ] {
            assert_eq!(Query::parse(raw).number("x"), value, "{raw}");
        }
    }

    #[test]
    fn dates_are_rfc_3339_or_less() {
        const DAY: i64 = 1_767_312_000_000_000; // 2026-01-02
        const TIME: i64 = DAY + 11_045_000_000; // 03:04:05
        for (raw, value) in [
            ("2026-01-02T03:04:05Z", Some(TIME)),
            ("2026-01-02t03:04:05z", Some(TIME)),
            ("2026-01-02T03:04:05", Some(TIME)),
            ("2026-01-02+03:04:05", Some(TIME)),
            ("+2026-01-02T03%3A04%3A05Z+", Some(TIME)),
            ("2026-01-02T03:04Z", Some(TIME - 5_000_000)),
            ("2026-01-02", Some(DAY)),
            ("2026-01-02T03:04:05.5Z", Some(TIME + 500_000)),
            ("2026-01-02T03:04:05.123456Z", Some(TIME + 123_456)),
            ("2026-01-02T05:04:05%2B02:00", Some(TIME)),
            ("2026-01-02T05:04:05+02:00", Some(TIME)),
            ("2026-01-01T22:04:05.000000-05:00", Some(TIME)),
            ("2026-01-02T05:04:05%2B0200", Some(TIME)),
            ("1-01-01T00:00:00Z", Some(-62_135_596_800_000_000)),
            ("0001-01-01T00:00:00.000000Z", Some(-62_135_596_800_000_000)),
            ("9999-12-31T23:59:59.9999999Z", Some(253_402_300_799_999_999)),
            ("", None),
            ("yesterday", None),
            ("2026-13-02", None),
            ("2026-02-30T00:00:00Z", None),
            ("2026-01-02T25:00:00Z", None),
            ("2026-01-02T03:04:05ZZ", None),
            ("2026-01-02T03:04:05%2B", None),
            ("2026-01-02T", None),
            ("1767323045", None),
            ("%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9", None),
            ("2026-01-02&x=2026-01-03", None),
        ] {
            let query = Query::parse(&format!("x={raw}"));
            assert_eq!(query.at_or_before("X"), value.map(Timestamp), "{raw}");
        }
        // A seventh digit is finer than what is kept.
        let query = Query::parse("x=2026-01-02T03:04:05.1234567Z");
        assert_eq!(query.at_or_after("x"), Some(Timestamp(TIME + 123_457)));
        assert_eq!(query.at_or_before("x"), Some(Timestamp(TIME + 123_456)));
        assert_eq!(
            Query::parse("x=2026-01-02T03:04:05.123456Z").at_or_after("x"),
            Some(Timestamp(TIME + 123_456))
        );
    }

    #[test]
    fn statuses_are_names_or_numbers_and_mistakes_are_dropped() {
        use Status::{Completed, Failed, Pending, Running};
        for (raw, value) in [
            ("x=Running", Some(&[Running][..])),
            ("x=running,FAILED", Some(&[Running, Failed])),
            ("x=Running&x=Completed,+Pending+", Some(&[Running, Completed, Pending])),
            ("x=1,6", Some(&[Completed, Pending])),
            ("x=Runing,Failed", Some(&[Failed])),
            ("x=Runing", Some(&[])),
            ("x=99,-1", Some(&[])),
            ("x=", Some(&[])),
            ("y=Running", None),
        ] {
            let expected = value.map(|value| value.iter().copied().collect());
            assert_eq!(Query::parse(raw).statuses("x"), expected, "{raw}");
        }
    }

    #[test]
    fn seconds_are_any_number() {
        for (raw, value) in [
            ("x=10", Some(10.0)),
            ("x=+1.5", Some(1.5)),
            ("x=-1", Some(-1.0)),
            ("x=1e3", Some(1000.0)),
            ("x=infinity", Some(f64::INFINITY)),
            ("x=nan", None),
            ("x=00:00:10", None),
            ("x=ten", None),
            ("x=1&x=2", None),
        ] {
            assert_eq!(Query::parse(raw).seconds("x"), value, "{raw}");
        }
    }
}
