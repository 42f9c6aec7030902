//! `durahub check`, `backup`, `restore`, `export` and `import`: what is done with the data as a whole. What that means is the store's
//! business; here it is asked for, and told to a person or a program.

mod progress;

use crate::{
    config::StoreUrl,
    store::{
        self, Finding,
        sqlite::{self, Copied, OnExisting, Report},
    },
};
use clap::{Args, Subcommand, ValueEnum};
use progress::Progress;
use serde_json::json;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The exit code that says that the data is not as it should be.
const FOUND: u8 = 3;
/// How many findings are told one by one on a terminal; `--json` has them all.
const TOLD: usize = 50;

const CHECK_HELP: &str = "\
The server must be stopped: a running one is asked with POST /api/v1/check, or checked by way of a backup. Nothing is changed.

Exit code: 0 nothing was found, 3 something was found, 1 it could not be checked.
";

const BACKUP_HELP: &str = "\
The server may run, and goes on while the copy is made; the copy is of one moment. It gets its name only when it has been written and
checked. Whatever is committed meanwhile waits in the -wal file, which can grow.
";

const RESTORE_HELP: &str = "\
The server must be stopped. The copy is checked before it takes the place of what is there. Orchestrations go on from the moment of the
backup: activities that have run since then run again.
";

const EXPORT_HELP: &str = "\
The server may run; the export is of one moment. Bulk jobs are left out.
";

const IMPORT_HELP: &str = "\
The server must be stopped. Everything is imported or nothing. What was going on goes on as soon as a server has the file: activities
that wait are run, timers fire. So end it where it came from, or it goes on twice.
";

/// What to do with the data.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum KeepVerb {
    /// Look at everything that is stored and tell what is not as it should be
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a copy of the data, of a running server, too
    #[command(after_help = BACKUP_HELP)]
    Backup {
        /// The file to write
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Put a backup in the place of the data
    #[command(after_help = RESTORE_HELP)]
    Restore {
        /// The backup
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Replace the data that is there
        #[arg(long)]
        force: bool,
    },
    /// Write one hub with all it has to a file that another durahub can import
    #[command(after_help = EXPORT_HELP)]
    Export(ExportOptions),
    /// Read a hub that was exported
    #[command(after_help = IMPORT_HELP)]
    Import(ImportOptions),
}

/// What to export.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// The hub
    #[arg(long, value_name = "NAME")]
    hub: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// What to import.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// The export
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The hub to import into, which is made if it is not there [default: the one it was exported from]
    #[arg(long, value_name = "NAME")]
    hub: Option<String>,
    /// What to do about instances whose ids are taken
    #[arg(long, value_enum, default_value_t = Taken::Refuse)]
    on_existing: Taken,
}

/// What to do about ids that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Taken {
    /// Import nothing
    Refuse,
    /// Keep those that are there
    Skip,
    /// Remove those that are there
    Replace,
}

impl KeepVerb {
    /// Does it with the data at `store`.
    pub fn run(&self, store: &StoreUrl) -> ExitCode {
        let StoreUrl::File(path) = store else {
            return failed(
                "there is no file to do this with: the store is in memory; name one with --store sqlite:PATH",
            );
        };
        let mut progress = Progress::begin();
        let done = match self {
            Self::Check { json } => check(path, *json, &mut progress),
            Self::Backup { to, force } => sqlite::backup(path, to, *force, &mut |step| progress.copy(step))
                .map(|copied| wrote(to, &copied, &mut progress)),
            Self::Restore { from, force } => {
                sqlite::restore(from, path, *force, &mut |step| progress.copy(step))
                    .map(|copied| wrote(path, &copied, &mut progress))
            }
            Self::Export(options) => export(path, options, &mut progress),
            Self::Import(options) => import(path, options, &mut progress),
        };
        progress.end();
        done.unwrap_or_else(|error| failed(&told(&error)))
    }
}

fn check(path: &Path, json: bool, progress: &mut Progress) -> Result<ExitCode, store::Error> {
    let report = sqlite::check(path, &mut |done, all| progress.show("checking instances", done, all))?;
    progress.end();
    let text = if json { in_json(path, &report) } else { in_words(path, &report) };
    print!("{text}");
    Ok(if report.found == 0 { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn wrote(to: &Path, Copied { bytes, report }: &Copied, progress: &mut Progress) -> ExitCode {
    progress.end();
    println!("{}: {bytes} bytes, {} instances, checked", to.display(), report.instances);
    if report.found > 0 {
        // The file is whole, and whoever has one bad instance needs backups more than others.
        eprintln!("durahub: the copy is what was there, but that is not all as it should be:");
        eprint!("{}", in_words(to, report));
    }
    ExitCode::SUCCESS
}

fn export(path: &Path, options: &ExportOptions, progress: &mut Progress) -> Result<ExitCode, store::Error> {
    let ExportOptions { hub, to, force } = options;
    let mut show = |done, all| progress.show("exporting instances", done, all);
    let written = sqlite::export(path, hub, to, *force, &mut show)?;
    progress.end();
    println!(
        "{}: {} instances of the hub {}, {} records",
        to.display(),
        written.instances,
        written.hub,
        written.records
    );
    Ok(ExitCode::SUCCESS)
}

fn import(path: &Path, options: &ImportOptions, progress: &mut Progress) -> Result<ExitCode, store::Error> {
    let ImportOptions { from, hub, on_existing } = options;
    let taken = match on_existing {
        Taken::Refuse => OnExisting::Refuse,
        Taken::Skip => OnExisting::Skip,
        Taken::Replace => OnExisting::Replace,
    };
    let mut show = |done, all| progress.show("importing bytes", done, all);
    let read = sqlite::import(path, from, hub.as_deref(), taken, &mut show)?;
    progress.end();
    println!(
        "{}: {} instances into the hub {}, {} left as they were, {} replaced",
        path.display(),
        read.instances,
        read.hub,
        read.skipped,
        read.replaced
    );
    Ok(ExitCode::SUCCESS)
}

fn in_words(path: &Path, report: &Report) -> String {
    let shown = path.display();
    if report.found == 0 {
        return format!(
            "{shown}: nothing found ({} instances, schema {})\n",
            report.instances, report.schema
        );
    }
    let mut text = format!(
        "{shown}: {} findings ({} instances, schema {})\n",
        report.found, report.instances, report.schema
    );
    let mut about = None;
    for finding in report.findings.iter().take(TOLD) {
        let Finding { hub, instance, part, problem } = finding;
        if about != Some((hub, instance)) {
            let _infallible = match (hub, instance) {
                (Some(hub), Some(id)) => writeln!(text, "instance {id} of the hub {hub}"),
                (None, Some(id)) => writeln!(text, "instance {id}"),
                (_, None) => writeln!(text, "the file as a whole"),
            };
            about = Some((hub, instance));
        }
        let _infallible = writeln!(text, "  {part}: {problem}");
    }
    if report.found > TOLD {
        let _infallible =
            writeln!(text, "and {} more; --json tells up to {}", report.found - TOLD, Report::KEPT);
    }
    text
}

fn in_json(path: &Path, report: &Report) -> String {
    let finding = |Finding { hub, instance, part, problem }: &Finding| json!({ "hub": hub, "instanceId": instance, "part": part, "problem": problem });
    let findings: Vec<_> = report.findings.iter().map(finding).collect();
    let body = json!({
        "file": path.display().to_string(),
        "schema": report.schema,
        "instances": report.instances,
        "found": report.found,
        "findings": findings,
    });
    format!("{body:#}\n")
}

/// An error with what it comes from.
fn told(error: &store::Error) -> String {
    match error {
        store::Error::Backend(source) => format!("{error}: {source}"),
        other => other.to_string(),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("durahub: {message}");
    ExitCode::FAILURE
}
