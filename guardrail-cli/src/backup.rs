//! `guardrail backup`: the log with its plans, and the policy, knowledge and templates beside it, in one
//! archive that is verified, and the way back.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use guardrail::Guard;
use guardrail::policy::Layer;
use guardrail::redact::{Redactor, visible};
use guardrail_audit::Hash;
use guardrail_audit::PlanFiles;
use guardrail_audit::read::archive::{self, ArchiveError, Part, Verified};
use guardrail_exec::Library;
use serde_json::json;

use crate::arguments::Layers;
use crate::policy;

/// The archive is none, or something in it cannot be used.
const NO: u8 = 3;

const STATUSES: &str = "\
Exit status:
  0   done, and good
  1   it could not be done: something cannot be read or written, or is there already
  2   wrong usage
  3   the archive is damaged or another one, or something in it cannot be used";

/// `guardrail backup`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES, disable_help_subcommand = true)]
pub(crate) struct Backup {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Copy a log, also while it is written, and the files beside it
    Create(Create),
    /// Read all of an archive, and say whether it is whole and can be used
    Verify(Verify),
    /// Copy an archive to where its files are to be used, overwriting nothing
    Restore(Restore),
}

/// `guardrail backup create`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
struct Create {
    /// The directory of the log; its plans are in it
    log: PathBuf,
    /// The archive: a directory that does not exist or is empty
    to: PathBuf,
    #[command(flatten)]
    layers: Layers,
    /// A file with knowledge of one's own tools (may be repeated)
    #[arg(long, value_name = "FILE")]
    knowledge: Vec<PathBuf>,
    /// The directory of a library of plans
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `guardrail backup verify`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
struct Verify {
    /// The archive
    archive: PathBuf,
    /// The digest that was printed when it was made
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    digest: Option<Hash>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `guardrail backup restore`.
#[derive(Debug, Args)]
#[command(after_help = STATUSES)]
struct Restore {
    /// The archive
    archive: PathBuf,
    /// Where its files are to be: a directory that does not exist or is empty
    to: PathBuf,
    /// The digest that was printed when it was made
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    digest: Option<Hash>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn digest(text: &str) -> Result<Hash, String> {
    Hash::from_hex(text.as_bytes())
        .ok_or_else(|| "a digest is 64 hexadecimal digits in lower case".to_owned())
}

/// Runs the task and returns the exit status.
pub(crate) fn run(backup: &Backup) -> io::Result<u8> {
    let (done, at, json) = match &backup.task {
        Task::Create(task) => (archive::create(&task.log, &parts(task)?, &task.to), &task.to, task.json),
        Task::Verify(task) => (archive::verify(&task.archive, task.digest), &task.archive, task.json),
        Task::Restore(task) => (archive::restore(&task.archive, &task.to, task.digest), &task.to, task.json),
    };
    let verified = match done {
        Ok(verified) => verified,
        Err(error @ (ArchiveError::Damaged(_) | ArchiveError::Another { .. })) => {
            writeln!(io::stderr(), "guardrail: {}", visible(&error.to_string()))?;
            return Ok(NO);
        }
        Err(error) => return Err(io::Error::other(visible(&error.to_string()).into_owned())),
    };
    let unfit = unfit(at, &verified);
    print(at, &verified, &unfit, json)?;
    Ok(if unfit.is_empty() { 0 } else { NO })
}

/// The files beside the log, with their names in the archive: in the order of their layers.
fn parts(task: &Create) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut add = |folder: &str, paths: &[PathBuf]| -> io::Result<()> {
        for (number, path) in paths.iter().enumerate() {
            let name = path.file_name().and_then(OsStr::to_str);
            let name = name.ok_or_else(|| io::Error::other(format!("{}: it has no name", path.display())))?;
            parts.push(Part { name: format!("{folder}/{number:02}-{name}"), from: path.clone() });
        }
        Ok(())
    };
    for (layer, paths) in [
        (Layer::Organisation, &task.layers.organisation),
        (Layer::User, &task.layers.user),
        (Layer::Project, &task.layers.project),
    ] {
        add(&format!("policy/{}", layer.as_str()), paths)?;
    }
    add("knowledge", &task.knowledge)?;
    if let Some(directory) = &task.templates {
        // It is not made where there is none.
        std::fs::read_dir(directory)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.display())))?;
        let library = Library::open(directory).map_err(io::Error::other)?;
        for name in library.names().map_err(io::Error::other)? {
            let file = format!("{name}.json");
            parts.push(Part { name: format!("templates/{file}"), from: directory.join(file) });
        }
    }
    Ok(parts)
}

/// What is in an archive as it was, and cannot be used.
fn unfit(archive: &Path, verified: &Verified) -> Vec<String> {
    let mut found = Vec::new();
    let files: Vec<&str> = verified.manifest.files.keys().map(String::as_str).collect();
    let below = |folder: String| -> Vec<PathBuf> {
        files.iter().filter(|name| name.starts_with(&folder)).map(|name| archive.join(name)).collect()
    };
    let knowledge = below("knowledge/".to_owned()).iter().try_fold(Guard::builder(), |builder, path| {
        let text = policy::read(path).map_err(|error| error.to_string())?;
        builder.tool(&text).map_err(|error| format!("{}: {error}", path.display()))
    });
    let of = |layer: Layer| below(format!("policy/{}/", layer.as_str()));
    let layers =
        Layers { user: of(Layer::User), organisation: of(Layer::Organisation), project: of(Layer::Project) };
    match (knowledge, policy::of_layers(&layers)) {
        (Ok(builder), Ok(Some(policy))) => {
            let tried = policy.and_then(|policy| builder.policy(policy));
            found.extend(tried.err().map(|error| format!("the policy: {error}")));
        }
        (Err(error), _) => found.push(error),
        (Ok(_), Ok(None)) => {}
        (Ok(_), Err(error)) => found.push(error.to_string()),
    }
    let templates = archive.join("templates");
    if templates.is_dir() {
        let library = Library::open(&templates).and_then(|library| {
            let names = library.names()?;
            names.iter().try_for_each(|name| library.get(name).map(drop))
        });
        found.extend(library.err().map(|error| error.to_string()));
    }
    let plans = archive.join("log/plans");
    if plans.is_dir() {
        let plans = PlanFiles::open(&plans, Redactor::new()).and_then(|plans| {
            let digests = plans.list()?;
            digests.iter().try_for_each(|digest| plans.fetch(digest).map(drop))
        });
        found.extend(plans.err().map(|error| error.to_string()));
    }
    found
}

fn print(at: &Path, verified: &Verified, unfit: &[String], json: bool) -> io::Result<()> {
    let Verified { manifest, digest } = verified;
    let mut out = io::stdout().lock();
    if json {
        let answer = json!({
            "archive": at, "digest": digest, "made": manifest.made, "log": manifest.log,
            "files": manifest.files.len(), "unfit": unfit,
        });
        return writeln!(out, "{answer}");
    }
    let log = &manifest.log;
    let origin = log.origin.as_deref().unwrap_or("a log without a name");
    let records = log.size.saturating_sub(log.first);
    let files = manifest.files.len();
    writeln!(
        out,
        "{records} records of {} and {files} files, all read back: {}",
        visible(origin),
        at.display()
    )?;
    for (name, state) in &manifest.files {
        if let Some(from) = &state.from {
            writeln!(out, "  {} was {}", visible(name), visible(from))?;
        }
    }
    writeln!(out, "digest {digest}: keep it elsewhere, and give it to verify and restore")?;
    for unfit in unfit {
        writeln!(out, "cannot be used: {}", visible(unfit))?;
    }
    Ok(())
}
