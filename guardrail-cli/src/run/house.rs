//! What a runner of this program stands on: a log, documents and claims in one directory, and this
//! machine.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use guardrail::redact::Redactor;
use guardrail::{Facts, Guard};
use guardrail_approve::{FileDrop, Reviewer, Reviewers};
use guardrail_audit::PlanFiles;
use guardrail_core::plan::{Executor, Origin, Plan, Principal};
use guardrail_exec::{FileClaims, LocalWorld, Runner, RunnerBuilder};
use guardrail_host::secrets::Secrets;

use super::arguments::Place;
use crate::recording::Recording;
use crate::secrets::arguments::Given;

/// Bytes that a plan's file may have.
const LONGEST: u64 = 1 << 20;

/// A runner's parts, with everything that remembers in one directory.
pub(super) fn builder(
    guard: Guard,
    place: &Place,
    facts: Facts,
    secrets: &Given,
) -> io::Result<RunnerBuilder> {
    let directory = directory(place)?;
    let log = Arc::new(Recording::open(&directory, place.log_key.as_deref())?.into_log());
    let secrets = secrets.open(log.clone())?;
    let plans = PlanFiles::open(&directory.join("plans"), Redactor::new()).map_err(io::Error::other)?;
    let claims = FileClaims::open(&directory.join("claims"))?;
    let world = world(facts).withhold(secrets.withheld);
    Ok(Runner::builder(Arc::new(guard), log, Arc::new(plans), executor(secrets.provider)?)
        .claims(Arc::new(claims))
        .world(Arc::new(world))
        .stopper(person()))
}

#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn executor(secrets: Option<Secrets>) -> io::Result<Arc<dyn Executor>> {
    let executor = guardrail_exec::ProcessExecutor::new();
    Ok(Arc::new(match secrets {
        Some(secrets) => executor.credentials(Arc::new(secrets)),
        None => executor,
    }))
}

#[cfg(not(target_os = "linux"))]
fn executor(_: Option<Secrets>) -> io::Result<Arc<dyn Executor>> {
    Err(io::Error::other("plans are run on Linux alone, so far"))
}

/// This machine, of which the caller knows some facts.
pub(super) fn world(facts: Facts) -> LocalWorld {
    let account = || std::env::home_dir()?.into_os_string().into_string().ok();
    let home = facts.home.clone().or_else(account);
    LocalWorld::new().known(Facts { home, ..facts })
}

/// Reviewers who are asked by a directory.
pub(super) fn file_drop(questions: &Path, reviewers: &Path) -> io::Result<FileDrop> {
    let named = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", reviewers.display()));
    let mut text = String::new();
    let file = std::fs::File::open(reviewers).map_err(|error| named(&error))?;
    io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text).map_err(|error| named(&error))?;
    let listed: Vec<Reviewer> = serde_json::from_str(&text).map_err(|error| named(&error))?;
    let reviewers = Reviewers::new(listed).map_err(|error| named(&error))?;
    FileDrop::open(questions, Arc::new(reviewers)).map_err(io::Error::other)
}

/// The directory of the log, made where it is the standard one.
pub(crate) fn directory(place: &Place) -> io::Result<PathBuf> {
    if let Some(directory) = &place.log {
        return Ok(directory.clone());
    }
    let state = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")));
    let state = state.ok_or_else(|| io::Error::other("there is no home directory: give --log DIR"))?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&state)?;
    Ok(state.join("guardrail"))
}

/// Reads a plan's file. What names no directory runs in this one.
pub(super) fn read(path: &Path, cwd: Option<String>) -> io::Result<Plan> {
    let named = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let mut text = String::new();
    if path == Path::new("-") {
        io::Read::read_to_string(&mut io::Read::take(io::stdin().lock(), LONGEST), &mut text)?;
    } else {
        let file = std::fs::File::open(path).map_err(|error| named(&error))?;
        io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text)
            .map_err(|error| named(&error))?;
    }
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    let plan = if yaml { Plan::from_yaml(&text) } else { Plan::from_json(&text) };
    let mut plan = plan.map_err(|error| named(&error))?;
    if plan.cwd.is_none() {
        let here = || std::env::current_dir().ok()?.into_os_string().into_string().ok();
        plan.cwd = cwd.or_else(here);
    }
    Ok(plan)
}

/// Who proposes what comes from a file.
pub(super) fn origin(actor: &str) -> Origin {
    Origin { requester: Principal::agent(actor), owner: None, session: None, channel: None }
}

/// The person whose account this runs under, by the system's own list of accounts: nothing that the
/// environment says.
pub(crate) fn person() -> Principal {
    let uid = std::fs::metadata("/proc/self").map(|own| own.uid()).ok();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse().ok() == uid).then(|| name.to_owned())
    });
    let number = || uid.map_or_else(|| "unknown".to_owned(), |uid| format!("uid-{uid}"));
    Principal::person(named.unwrap_or_else(number))
}
