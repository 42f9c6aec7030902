//! Text from outside in messages of our own.

use std::fmt;

/// Shows no more of a text than a caller may choose for an id. What a caller sends has no limit where it only looks something up, and
/// an error that repeats all of it does not fit into the trailers of an answer.
pub struct Short<'a>(pub &'a str);

impl Short<'_> {
    /// Most characters shown.
    const CHARS: usize = 256;

    /// What is shown, and whether something is left out.
    fn parts(&self) -> (&str, bool) {
        match self.0.char_indices().nth(Self::CHARS) {
            Some((end, _)) => (&self.0[..end], true),
            None => (self.0, false),
        }
    }
}

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, cut) = self.parts();
        write!(f, "{shown}{}", if cut { "…" } else { "" })
    }
}

/// In quotes, with escapes.
impl fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, cut) = self.parts();
        write!(f, "{shown:?}{}", if cut { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_cut_and_between_characters() {
        let fits = "ü".repeat(256);
        assert_eq!(Short(&fits).to_string(), fits);
        assert_eq!(Short(&format!("{fits}x")).to_string(), format!("{fits}…"));
        assert_eq!(
            format!("{:?} {:?}", Short("a\"b"), Short(&format!("{fits}x"))),
            format!("\"a\\\"b\" \"{fits}\"…")
        );
    }
}
