//! Hostile settings: whatever is written in a file, a variable or after a flag, the start is refused with what is wrong and where, or
//! the settings are good and can be written down again.

use super::{keys::KEYS, load::Sources, *};
use crate::fuzz;
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseError};
use std::fs;

const PIECES: &[&str] = &[
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "#",
    "\n",
    "\r",
    "\t",
    "\u{0}",
    "\u{feff}",
    "ü😀",
    ".",
    ",",
    "-1",
    "0",
    "1e9",
    "nan",
    "inf",
    "0x7f",
    "1_000",
    "9223372036854775807",
    "99999999999999999999",
    "true",
    "false",
    "\"\"",
    "[]",
    "{}",
    "1979-05-27T07:32:00Z",
    "[server]",
    "[auth]",
    "[nobody]",
    "listen",
    "[[auth.keys]]\n",
    "name = \"x\"\n",
    "hubs = []\n",
    "hubs = [\"a\", 1]\n",
    "sha256 = \"x\"\n",
    "server.listen = \"localhost:1\"\n",
    "\\u0000",
    "\\",
    "default",
    "\"*\"",
    "\"a github b\"",
];

const VALUES: &[&str] = &[
    "",
    "true",
    "0",
    "1",
    "-1",
    "100",
    "65536",
    "1e3",
    "99999999999999999999",
    "127.0.0.1:7071",
    "[::1]:0",
    "0.0.0.0:0",
    "localhost:99999",
    "https://example.org/hub/",
    "http://user@h",
    "sqlite::memory:",
    "sqlite:x.db",
    "postgres://me:hunter2@h/d",
    "full",
    "AnyState",
    "json",
    "default,other",
    "Default, default",
    "default github 0123456789abcdef",
    "default per_second=1 live=2",
    "10.0.0.0/8, ::1",
    "info,durahub=debug",
    "ops:admin:0000000000000000000000000000000000000000000000000000000000000000",
    "ops:worker:0000000000000000000000000000000000000000000000000000000000000000:a+b",
    "*",
    "https://a.example",
];

const VALUE_PIECES: &[&str] = &[
    ",", ":", "=", " ", "+", "\n", "\u{0}", "ü", "😀", "-", "/", "[", "]", "%", "*", "\"", "0", "9", "a",
    "::", "hunter2",
];

/// Files to begin with: all settings, and some that are not in the committed file.
fn files() -> Vec<String> {
    let committed = include_str!("../../config.toml");
    let keys = format!(
        "[[auth.keys]]\nname = \"ops\"\nrole = \"operate\"\nsha256 = [\"{}\"]\nhubs = [\"a\", \"B\"]\n[hubs]\nnames = [\"a\"]\n",
        "0".repeat(64)
    );
    // A few lines of it at a time, so that changes hit something.
    let mut files: Vec<String> = committed.split("\n\n").map(str::to_owned).collect();
    files.extend([committed.to_owned(), keys]);
    files
}

/// Good settings come back as they were from what `durahub config` prints, but for what is secret.
fn comes_back(effective: &Effective) -> Result<(), TestCaseError> {
    let printed = effective.to_toml();
    let secret = |config: &Config| {
        let auth = &config.auth;
        !auth.keys.is_empty()
            || auth.link_secret.reveal().is_some()
            || !config.hubs.webhook_secrets.is_empty()
    };
    if secret(&effective.config) {
        return Ok(());
    }
    let again =
        load_file(printed.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}: {printed}")))?;
    prop_assert_eq!(format!("{:#?}", again.config), format!("{:#?}", effective.config));
    Ok(())
}

fn before<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(before, _)| before)
}

fn load_file(text: &[u8]) -> Result<Effective, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    fs::write(&path, text).unwrap();
    load(&Sources { file: Some(path), ..Sources::default() })
}

/// Where it is, and which setting, or that it is no file of settings at all.
fn is_told(error: &Error, origin: &str) -> Result<(), TestCaseError> {
    let text = error.to_string();
    prop_assert!(text.contains(origin), "it does not say where: {text}");
    let named =
        KEYS.iter().any(|key| text.contains(&key.path()) || text.contains(&format!("[{}]", key.section)));
    let whole = ["not valid TOML", "cannot read", "the sections are"].iter().any(|part| text.contains(part));
    prop_assert!(named || whole, "it does not say what: {text}");
    Ok(())
}

#[test]
fn any_file_is_refused_by_name_or_gives_settings_that_can_be_written_down() {
    let file = (select(files()), fuzz::edits(PIECES))
        .prop_map(|(file, edits)| fuzz::edited(file.as_bytes(), &edits));
    proptest!(fuzz::config(400), |(text in prop_oneof![19 => file, 1 => vec(any::<u8>(), 0..200)])| {
        match load_file(&text) {
            Ok(effective) => comes_back(&effective)?,
            Err(error) => is_told(&error, "test.toml")?,
        }
    });
}

#[test]
fn any_variable_and_any_flag_is_refused_by_name_or_gives_settings_that_can_be_written_down() {
    // Flags name their settings for ever.
    let keys: Vec<(&'static str, _)> = KEYS.iter().map(|key| (&*key.path().leak(), key.variable())).collect();
    proptest!(fuzz::config(1_500), |((path, variable) in select(keys), value in fuzz::nearly_text(VALUES, VALUE_PIECES), flag in any::<bool>())| {
        let (sources, origin) = match flag {
            true => {
                let flags = vec![Setting { flag: "--some", key: path, value: value.clone() }];
                (Sources { flags, ..Sources::default() }, "flag --some")
            }
            false => {
                let environment = vec![(variable.clone().into(), value.clone().into())];
                (Sources { environment, ..Sources::default() }, variable.as_str())
            }
        };
        match load(&sources) {
            Ok(effective) => comes_back(&effective)?,
            Err(error) => {
                is_told(&error, origin)?;
                let text = error.to_string();
                // Names of keys are no secrets, nor is anything of a URL before its scheme ends.
                let named = |piece: &str, end| before(piece, end).contains("hunter2");
                let secret = match path {
                    "auth.keys" => !value.split(',').any(|piece| named(piece, ":")),
                    "store.url" => value.contains('@') && !named(&value, "://"),
                    _ => ["auth.link_secret", "hubs.webhook_secrets"].contains(&path),
                };
                prop_assert!(!secret || !text.contains("hunter2"), "{text}");
            }
        }
    });
}

#[test]
fn any_name_of_a_variable_is_left_alone_or_known_or_refused_by_name() {
    const NAMES: &[&str] =
        &["DURAHUB__SERVER__LISTEN", "DURAHUB_STORE_URL", "DURAHUB__AUTH__KEYS", "DURAHUB_CONFIG", "PATH"];
    const NAME_PIECES: &[&str] =
        &["_", "__", "DURAHUB", "durahub__", "X", "ü", "=", "\u{0}", ".", "SERVER", "KEYS"];
    proptest!(fuzz::config(500), |(name in fuzz::nearly_text(NAMES, NAME_PIECES))| {
        let environment = vec![(name.clone().into(), "x".into())];
        if let Err(error) = load(&Sources { environment, ..Sources::default() }) {
            prop_assert!(error.to_string().contains(&name), "{error}");
        }
    });
}
