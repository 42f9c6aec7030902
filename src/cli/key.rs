//! `durahub key`: making keys, and their digests. Neither reads nor changes anything that a server uses.

use crate::{
    auth::{self, Digest, Role},
    config,
    model::HubName,
};
use clap::Subcommand;
use std::io::Read;

/// Keys shorter than this can be found by trying, given their digest.
const SHORT_CHARS: usize = 32;
/// No key is longer: it has to fit into a header.
const MAX_BYTES: u64 = 1024;

const NEW_EXAMPLES: &str = "\
Roles:
  read      look at instances
  operate   look at instances, start them, and act on one at a time
  worker    run functions: take work over gRPC and hand in results
  admin     everything

Only a digest of the key belongs into the settings, so nobody can read the key there. The key is shown once: keep it where you
keep passwords. With --hub it is good for that task hub only. To change a key without an interruption, let its name have two digests until everybody uses the new one.
";

/// What to do about keys.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum KeyVerb {
    /// Make a key: prints it once, with what to write into the settings
    #[command(after_help = NEW_EXAMPLES)]
    New {
        /// What logs call it: letters, digits, '-', '_' and '.', at most 32
        #[arg(long, value_parser = name)]
        name: String,
        /// What it is for: read, operate, worker or admin
        #[arg(long, value_parser = role)]
        role: Role,
        /// A task hub that it is for, again for another one; without it, all hubs and the server itself
        #[arg(long = "hub", value_name = "HUB", value_parser = hub)]
        hubs: Vec<String>,
    },
    /// Read a key from standard input and print the digest for the settings
    Hash,
}

fn name(text: &str) -> Result<String, String> {
    config::key_name(text)
}

fn role(text: &str) -> Result<Role, String> {
    let known = Role::ALL.map(Role::name).join(", ");
    Role::from_name(text).ok_or_else(|| format!("the roles are {known}"))
}

fn hub(text: &str) -> Result<String, String> {
    HubName::parse(text).map(|hub| hub.to_string()).map_err(|error| error.to_string())
}

/// What to print, and what to say beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// For standard output.
    pub output: String,
    /// For standard error, if there is something to mind.
    pub note: Option<String>,
}

impl KeyVerb {
    /// Does it. `input`: standard input, read by `hash` only. The error is for standard error.
    pub fn run(&self, input: &mut dyn Read) -> Result<Told, String> {
        match self {
            Self::New { name, role, hubs } => {
                let key =
                    auth::new_key().map_err(|error| format!("the system gives no randomness: {error}"))?;
                let digest = Digest::of(key.as_bytes()).to_hex();
                Ok(Told { output: new_text(&key, name, *role, hubs, &digest), note: None })
            }
            Self::Hash => {
                let key = read_key(input)?;
                let note = (key.len() < SHORT_CHARS).then(|| {
                    format!(
                        "this key has fewer than {SHORT_CHARS} characters; unless they are random, whoever sees the digest can \
                         find the key. `durahub key new` makes a good one"
                    )
                });
                Ok(Told { output: format!("{}\n", Digest::of(key.as_bytes()).to_hex()), note })
            }
        }
    }
}

/// The key comes first and alone, so that `head -1` gives it to a script.
fn new_text(key: &str, name: &str, role: Role, hubs: &[String], digest: &str) -> String {
    let (line, piece) = match hubs {
        [] => (String::new(), String::new()),
        some => (format!("\nhubs = [\"{}\"]", some.join("\", \"")), format!(":{}", some.join("+"))),
    };
    format!(
        "\
{key}

That is the key. It is not kept anywhere and cannot be shown again. For the configuration file:

[[auth.keys]]
name = \"{name}\"
role = \"{role}\"
sha256 = [\"{digest}\"]{line}

or, instead, as an environment variable (more keys after a comma):

DURAHUB__AUTH__KEYS={name}:{role}:{digest}{piece}

Callers send it as x-functions-key: KEY, as Authorization: Bearer KEY (gRPC metadata, too), or as ?code=KEY.
"
    )
}

/// One line; a key is what can be sent in a header.
fn read_key(input: &mut dyn Read) -> Result<String, String> {
    let mut text = String::new();
    let read = input.take(MAX_BYTES + 3).read_to_string(&mut text);
    read.map_err(|error| format!("standard input cannot be read as text: {error}"))?;
    let key = text.strip_suffix('\n').unwrap_or(&text);
    let key = key.strip_suffix('\r').unwrap_or(key);
    if key.is_empty() {
        return Err("there is no key on standard input; try: printf '%s' KEY | durahub key hash".to_owned());
    }
    if u64::try_from(key.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(format!("the key has more than {MAX_BYTES} bytes, which is the limit"));
    }
    match key.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(key.to_owned()),
        false => {
            Err("a key is one line of printable ASCII without blanks, so that it can be sent in a header"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(input: &str) -> Result<Told, String> {
        KeyVerb::Hash.run(&mut input.as_bytes())
    }

    #[test]
    fn a_new_key_is_long_and_its_settings_can_be_read() {
        let new = KeyVerb::New { name: "ops".into(), role: Role::Operate, hubs: Vec::new() };
        let told = [(); 2].map(|()| new.run(&mut std::io::empty()).unwrap().output);
        let keys = told.each_ref().map(|text| text.lines().next().unwrap());
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys[0].len(), 43);
        let file: String =
            told[0].lines().skip_while(|line| !line.starts_with("[[")).take(4).collect::<Vec<_>>().join("\n");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, file).unwrap();
        let sources = config::Sources { file: Some(path), ..config::Sources::default() };
        let from_file = config::load(&sources).unwrap().config.auth.keys;
        assert_eq!(from_file.len(), 1);
        assert_eq!((&*from_file[0].name, from_file[0].role), ("ops", Role::Operate));
        assert_eq!(from_file[0].digests, [Digest::of(keys[0].as_bytes())]);
        let variable = told[0].lines().find_map(|line| line.strip_prefix("DURAHUB__AUTH__KEYS=")).unwrap();
        let environment = vec![("DURAHUB__AUTH__KEYS".into(), variable.into())];
        let sources = config::Sources { environment, ..config::Sources::default() };
        assert_eq!(config::load(&sources).unwrap().config.auth.keys, from_file);
        let told = hash(keys[0]).unwrap();
        assert_eq!((told.output.trim(), told.note), (variable.rsplit(':').next().unwrap(), None));
    }

    #[test]
    fn a_new_key_for_some_hubs_says_so_in_both_forms() {
        let hubs = vec!["orders".to_owned(), "Billing".to_owned()];
        let told = KeyVerb::New { name: "ops".into(), role: Role::Operate, hubs };
        let told = told.run(&mut std::io::empty()).unwrap().output;
        let table: Vec<_> = told.lines().skip_while(|line| !line.starts_with("[[")).take(5).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, table.join("\n")).unwrap();
        let sources = config::Sources { file: Some(path), ..config::Sources::default() };
        let from_file = config::load(&sources).unwrap().config.auth.keys;
        let names: Vec<_> = from_file[0].reach.names().unwrap().iter().map(String::as_str).collect();
        assert_eq!(names, ["billing", "orders"]);
        let variable = told.lines().find_map(|line| line.strip_prefix("DURAHUB__AUTH__KEYS=")).unwrap();
        let environment = vec![("DURAHUB__AUTH__KEYS".into(), variable.into())];
        let sources = config::Sources { environment, ..config::Sources::default() };
        assert_eq!(config::load(&sources).unwrap().config.auth.keys, from_file);
        assert!(hub("1bad").is_err() && hub("orders").is_ok());
    }

    #[test]
    fn a_digest_is_that_of_the_key_without_the_end_of_its_line() {
        // As `printf abc | sha256sum` has it.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
        for input in ["abc", "abc\n", "abc\r\n"] {
            let told = hash(input).unwrap();
            assert_eq!(told.output, abc);
            assert!(told.note.is_some_and(|note| note.contains("fewer than 32") && !note.contains("abc")));
        }
    }

    #[test]
    fn what_cannot_be_sent_in_a_header_is_no_key() {
        let long = "x".repeat(1025);
        for (input, part) in [
            ("", "no key"),
            ("\n", "no key"),
            ("a b", "blanks"),
            ("a\nb", "one line"),
            ("ü", "ASCII"),
            (&long, "1024"),
        ] {
            let refused = hash(input).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert!(hash(&long[1..]).is_ok());
        assert!(KeyVerb::Hash.run(&mut [0xff].as_slice()).is_err());
    }
}
