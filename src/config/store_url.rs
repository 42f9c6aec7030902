//! Where the data is, as one piece of text: `sqlite:PATH` or `sqlite::memory:`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, path::PathBuf, str::FromStr};

/// A store to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// SQLite in this file, relative to the working directory unless absolute.
    File(PathBuf),
    /// SQLite in memory: everything is gone when the process ends.
    Memory,
}

/// The text names no store this version can open. The text itself is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedUrl {
    /// Another backend, or none.
    #[error("only SQLite is supported: write sqlite:PATH, or sqlite::memory:")]
    NotSqlite,
    /// `sqlite:` alone.
    #[error("sqlite: must be followed by the path of a file, or by :memory:")]
    NoPath,
    /// The path is not taken for a URL, so these would become part of the file's name.
    #[error("write sqlite:PATH without // before the path and without ?options after it")]
    NotAPath,
}

impl FromStr for StoreUrl {
    type Err = UnsupportedUrl;

    fn from_str(text: &str) -> Result<Self, UnsupportedUrl> {
        let path = text.strip_prefix("sqlite:").ok_or(UnsupportedUrl::NotSqlite)?;
        match path {
            "" => Err(UnsupportedUrl::NoPath),
            ":memory:" => Ok(Self::Memory),
            _ if path.starts_with("//") || path.starts_with(':') || path.contains(['?', '\0']) => {
                Err(UnsupportedUrl::NotAPath)
            }
            _ => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "sqlite:{}", path.display()),
            Self::Memory => f.write_str("sqlite::memory:"),
        }
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_memory_are_read_and_written_alike() {
        for (text, url) in [
            ("sqlite:./durahub.db", StoreUrl::File("./durahub.db".into())),
            ("sqlite:/var/lib/durahub/my data.db", StoreUrl::File("/var/lib/durahub/my data.db".into())),
            ("sqlite:x", StoreUrl::File("x".into())),
            ("sqlite::memory:", StoreUrl::Memory),
        ] {
            assert_eq!(text.parse(), Ok(url.clone()));
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write_instead() {
        for (text, why) in [
            ("", UnsupportedUrl::NotSqlite),
            ("durahub.db", UnsupportedUrl::NotSqlite),
            ("postgres://me:secret@db/durahub", UnsupportedUrl::NotSqlite),
            ("SQLITE:x", UnsupportedUrl::NotSqlite),
            ("sqlite:", UnsupportedUrl::NoPath),
            ("sqlite:///data/x.db", UnsupportedUrl::NotAPath),
            ("sqlite:x.db?mode=rwc", UnsupportedUrl::NotAPath),
            ("sqlite::memory", UnsupportedUrl::NotAPath),
        ] {
            assert_eq!(text.parse::<StoreUrl>(), Err(why), "{text}");
        }
    }
}
