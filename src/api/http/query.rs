//! The query string, read the lenient way of the Durable Functions extension: names in any case, and a value that cannot be
//! parsed counts as absent. Pure.

use super::form;

/// A parsed query string. Every getter takes the name as documented, in whatever case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads `raw`, the part after `?`. A piece without `=` is ignored; a name given twice has its values joined by `,`.
    pub fn parse(raw: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in raw.split('&').filter_map(|piece| piece.split_once('=')) {
            let (name, value) = (form::decode_lossy(name.trim()), form::decode_lossy(value.trim()));
            match pairs.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, known)) => {
                    known.push(',');
                    known.push_str(&value);
                }
                None => pairs.push((name, value)),
            }
        }
        Self { pairs }
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
    fn blank_words_count_as_absent() {
        for (raw, value) in [("taskHub=", None), ("taskHub=+", None), ("taskHub=%20a+", Some("a"))] {
            assert_eq!(Query::parse(raw).word("taskhub"), value, "{raw}");
        }
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
