//! The command line. Turns arguments, environment and file into a [`Command`] that is ready to run; decides nothing else.
//!
//! Anything wrong with what the user gave is a [`Stop`]: one readable message on standard error, exit code 2.
#![warn(missing_docs)]

mod keep;
mod key;

pub use keep::KeepVerb;
pub use key::{KeyVerb, Told};

use crate::{
    bench,
    config::{self, Config, Setting, Sources, StoreUrl},
};
use clap::{Args, Parser, Subcommand};
use std::{ffi::OsString, path::PathBuf, process::ExitCode};

const EXAMPLES: &str = "\
Examples:
  durahub                                     start on 127.0.0.1:7071, data in ./durahub.db
  durahub serve --listen 127.0.0.1:8080       start on another port
  durahub --store sqlite::memory:             keep nothing after the end
  durahub --config config.toml                read settings from a file
  DURAHUB__LOG__LEVEL=debug durahub           set one value by its environment variable
  durahub config                              print every setting and where it comes from
  durahub key new --name ops --role operate   make a key that callers must have
  durahub backup --to copy.db                 copy the data while the server runs
  durahub check                               look for damage while it does not
  durahub bench all --spawn                   measure this machine, on a server of its own

Settings: a flag wins over an environment variable (DURAHUB__SECTION__KEY), a variable over the file, the file over the
default. No file is read unless --config or DURAHUB_CONFIG names one. Unknown keys and bad values stop the start.
";

/// Durable orchestrations on your own machine.
#[derive(Debug, Parser)]
#[command(name = "durahub", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Clone, Debug, Default, Subcommand)]
enum Verb {
    /// Run the server (what happens if no command is named)
    #[default]
    Serve,
    /// Print the settings that a server started like this would have, as TOML
    Config,
    /// Make keys, so that only their holders are served
    #[command(subcommand)]
    Key(KeyVerb),
    /// Measure a server
    Bench(bench::Options),
    #[command(flatten)]
    Keep(KeepVerb),
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
struct Settings {
    /// Where to serve HTTP and gRPC; port 0 takes any free one [default: 127.0.0.1:7071]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Where the data is: sqlite:PATH or sqlite::memory: [default: sqlite:./durahub.db]
    #[arg(long, global = true, value_name = "URL")]
    store: Option<String>,
    /// Read settings from this file (or name it in DURAHUB_CONFIG) [default: none is read]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not register the sample functions
    #[arg(long, global = true)]
    no_samples: bool,
    /// Permit an address that other machines can reach, although there are no keys
    #[arg(long, global = true)]
    insecure: bool,
    /// off, error, warn, info, debug, trace, or directives like info,durahub::store=debug [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// What the user wants done.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one in the life of the process")]
pub enum Command {
    /// Run the server with these settings.
    Serve(Config),
    /// Print this text, the effective settings.
    Config(String),
    /// Make a key or a digest.
    Key(KeyVerb),
    /// Measure a server.
    Bench(bench::Options),
    /// Check, copy or move the data that is there.
    Keep(KeepVerb, StoreUrl),
}

impl Command {
    /// Reads this process's arguments and environment.
    pub fn from_process() -> Result<Self, Stop> {
        Self::parse(std::env::args_os(), std::env::vars_os())
    }

    /// Reads `arguments` (the program's name first) and `environment`, and the configuration file if they name one.
    pub fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Stop> {
        let Arguments { verb, settings } = Arguments::try_parse_from(arguments).map_err(Stop::Usage)?;
        // Whatever the settings are, a key can be made for them.
        let verb = match verb.unwrap_or_default() {
            Verb::Key(verb) => return Ok(Self::Key(verb)),
            Verb::Bench(options) => return Ok(Self::Bench(options)),
            verb @ (Verb::Config | Verb::Serve | Verb::Keep(_)) => verb,
        };
        let environment: Vec<_> = environment.into_iter().collect();
        let named = environment.iter().find(|(name, file)| name == "DURAHUB_CONFIG" && !file.is_empty());
        let sources = Sources {
            file: settings.config.clone().or_else(|| named.map(|(_, file)| file.into())),
            flags: settings.flags(),
            environment,
        };
        let effective = config::load(&sources).map_err(Stop::Config)?;
        Ok(match verb {
            Verb::Config => Self::Config(effective.to_toml()),
            Verb::Keep(verb) => Self::Keep(verb, effective.config.store.url),
            _ => Self::Serve(effective.config),
        })
    }
}

impl Settings {
    fn flags(self) -> Vec<Setting> {
        let stated = |flag: bool, value: &str| flag.then(|| value.to_owned());
        [
            ("--listen", "server.listen", self.listen),
            ("--store", "store.url", self.store),
            ("--no-samples", "samples.enabled", stated(self.no_samples, "false")),
            ("--insecure", "server.insecure", stated(self.insecure, "true")),
            ("--log-level", "log.level", self.log_level),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| value.map(|value| Setting { flag, key, value }))
        .collect()
    }
}

/// Why nothing is run.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The arguments make no sense, or ask for help or the version.
    #[error(transparent)]
    Usage(clap::Error),
    /// The settings cannot be used.
    #[error(transparent)]
    Config(config::Error),
}

impl Stop {
    /// Tells the user: help and version on standard output with code 0, everything else on standard error with code 2.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // If even the message cannot be written, the exit code is all that is left to say.
                let _ = error.print();
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
            Self::Config(error) => {
                eprintln!("durahub: {error}");
                ExitCode::from(2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, error::ErrorKind};
    use std::fs;

    fn parse(line: &str) -> Result<Command, Stop> {
        parse_with(line, &[])
    }

    fn parse_with(line: &str, environment: &[(&str, &str)]) -> Result<Command, Stop> {
        let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
        Command::parse(line.split_whitespace().map(Into::into), environment)
    }

    fn serve(line: &str) -> Config {
        match parse(line) {
            Ok(Command::Serve(config)) => config,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn serve_is_what_happens_unless_another_command_is_named() {
        for line in ["durahub", "durahub serve"] {
            assert_eq!(format!("{:?}", serve(line)), format!("{:?}", Config::default()));
        }
    }

    #[test]
    fn flags_work_before_after_and_without_the_command() {
        for line in [
            "durahub --listen 127.0.0.1:0 --store sqlite::memory: --no-samples --log-level debug",
            "durahub serve --listen 127.0.0.1:0 --store sqlite::memory: --no-samples --log-level debug",
            "durahub --listen 127.0.0.1:0 --no-samples serve --store=sqlite::memory: --log-level=debug",
        ] {
            let config = serve(line);
            assert_eq!(config.server.listen.port(), 0, "{line}");
            assert_eq!(config.store.url, StoreUrl::Memory, "{line}");
            assert!(!config.samples.enabled, "{line}");
            assert_eq!(config.log.level, "debug", "{line}");
        }
    }

    #[test]
    fn a_public_address_needs_the_insecure_flag() {
        let refused = parse("durahub --listen 0.0.0.0:7071").unwrap_err().to_string();
        assert!(refused.contains("flag --listen") && refused.contains("--insecure"), "{refused}");
        assert!(serve("durahub --listen 0.0.0.0:7071 --insecure").server.insecure);
    }

    #[test]
    fn the_flag_wins_over_the_variable_that_names_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one.toml", "two.toml"].map(|name| folder.path().join(name));
        fs::write(&one, "[store]\nreaders = 1").unwrap();
        fs::write(&two, "[store]\nreaders = 2").unwrap();
        let readers = |line: &str, variable: &str| match parse_with(line, &[("DURAHUB_CONFIG", variable)]) {
            Ok(Command::Serve(config)) => config.store.readers,
            other => panic!("{line}: {other:?}"),
        };
        let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
        assert_eq!(readers("durahub", one), 1);
        assert_eq!(readers(&format!("durahub --config {two}"), one), 2);
        assert_eq!(readers("durahub", ""), 4);
    }

    #[test]
    fn the_config_command_prints_settings_with_their_origin() {
        let Ok(Command::Config(text)) = parse("durahub config --listen localhost:8080") else { panic!() };
        let line = text.lines().find(|line| line.starts_with("listen")).unwrap();
        assert!(line.contains("\"127.0.0.1:8080\"") && line.ends_with("# flag --listen"), "{line}");
    }

    #[test]
    fn wrong_usage_is_exit_code_2_and_help_is_not() {
        for (line, kind, code) in [
            ("durahub --lisen x", ErrorKind::UnknownArgument, 2),
            ("durahub start", ErrorKind::InvalidSubcommand, 2),
            ("durahub --listen", ErrorKind::InvalidValue, 2),
            ("durahub --help", ErrorKind::DisplayHelp, 0),
            ("durahub --version", ErrorKind::DisplayVersion, 0),
        ] {
            let Err(Stop::Usage(error)) = parse(line) else { panic!("{line}") };
            assert_eq!((error.kind(), error.exit_code()), (kind, code), "{line}");
        }
    }
}
