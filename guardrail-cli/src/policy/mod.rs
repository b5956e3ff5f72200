//! `guardrail policy`: policies are checked, tested and explained before they bite.

mod diff;
mod files;
mod remembered;
mod shadow;
mod starter;
mod suggest;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use guardrail::policy::{Fixtures, Policy, PolicyError, PolicyProblem};
use guardrail::{Guard, Request, Shadow, Style};

use crate::arguments::{self, Layers, PolicyCheck, PolicyExplain, PolicyTest, wrong_usage};

/// The exit status of a policy that is refused.
pub(crate) const REFUSED: u8 = 20;

/// Runs a subcommand and returns the exit status.
pub(crate) fn run(task: &arguments::Policy) -> io::Result<u8> {
    match task {
        arguments::Policy::Check(task) => check(task),
        arguments::Policy::Test(task) => test(task),
        arguments::Policy::Explain(task) => explain(task),
        arguments::Policy::Diff(task) => diff::run(task),
        arguments::Policy::Shadow(task) => shadow::run(task),
        arguments::Policy::Suggest(task) => suggest::run(task),
        arguments::Policy::Init(task) => print(starter::text(task.mode)),
        arguments::Policy::Schema => print(include_str!("../../schema/policy.schema.json")),
    }
}

/// A guard with the policy of some files; `None`, and the reason on standard error, where it was
/// refused. Without files it is the standard one.
pub(crate) fn guard(layers: &Layers) -> io::Result<Option<Guard>> {
    match files::policy(&[], layers)? {
        None => Ok(Some(Guard::new())),
        Some(policy) => refused(policy.and_then(with)),
    }
}

/// The policy of some files, or what is wrong with it; `None` where there are none.
pub(crate) fn of_layers(layers: &Layers) -> io::Result<Option<Result<Policy, PolicyError>>> {
    files::policy(&[], layers)
}

/// A policy's or a tool's text.
pub(crate) fn read(path: &std::path::Path) -> io::Result<String> {
    files::read(path)
}

/// Has a guard try the policy of some files in place of the user's. Where that cannot be loaded, it
/// is said, and nothing else comes of it.
pub(crate) fn shadow(guard: &Guard, shadow: &[PathBuf], layers: &Layers) {
    if shadow.is_empty() {
        return;
    }
    let layers = Layers { user: Vec::new(), ..layers.clone() };
    let builder = files::add(Policy::builder(), shadow, &layers).map_err(|error| error.to_string());
    let policy = builder
        .and_then(|builder| builder.and_then(|builder| builder.build()).map_err(|error| error.to_string()));
    guard.try_policy(policy);
    if let Some(Shadow::Failed { reason }) = guard.evaluate(&Request::shell("")).shadow.as_deref() {
        let reason = guardrail::redact::visible(reason);
        eprintln!("guardrail: the policy that is to be tried cannot be loaded, and is not: {reason}");
    }
}

fn with(policy: Policy) -> Result<Guard, PolicyError> {
    Ok(Guard::builder().policy(policy)?.build())
}

/// What was made, or why not on standard error.
fn refused<T>(made: Result<T, PolicyError>) -> io::Result<Option<T>> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) => {
            let style = style(io::stderr().is_terminal());
            write!(io::stderr(), "{}", error.draw(style))?;
            Ok(None)
        }
    }
}

fn style(terminal: bool) -> Style {
    if terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
        Style::Colour
    } else {
        Style::Plain
    }
}

fn print(text: &str) -> io::Result<u8> {
    io::stdout().write_all(text.as_bytes())?;
    Ok(0)
}

fn check(task: &PolicyCheck) -> io::Result<u8> {
    let Some(policy) = files::policy(&task.files, &task.layers)? else {
        wrong_usage(clap::error::ErrorKind::MissingRequiredArgument, "no policy file was given");
    };
    let Some(policy) = refused(policy)? else { return Ok(REFUSED) };
    let warnings = policy.warnings().to_vec();
    let Some(guard) = refused(with(policy))? else { return Ok(REFUSED) };
    write!(io::stderr(), "{}", PolicyProblem::draw_all(&warnings, style(io::stderr().is_terminal())))?;
    let policy = guard.policy();
    writeln!(
        io::stdout(),
        "{} rules, {} warnings, digest {}",
        policy.len(),
        warnings.len(),
        policy.digest()
    )?;
    Ok(if task.strict && !warnings.is_empty() { REFUSED } else { 0 })
}

fn test(task: &PolicyTest) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    let (mut rows, mut failures) = (0, 0);
    for path in &task.fixtures {
        let Some(fixtures) = refused(Fixtures::parse(&files::read(path)?))? else { return Ok(REFUSED) };
        let Some(guard) = guard_for(&fixtures, &task.layers)? else { return Ok(REFUSED) };
        rows += fixtures.rows.len();
        for mismatch in fixtures.run(|request| guard.evaluate(request)) {
            failures += 1;
            let why = fixtures.rows.get(mismatch.row).map_or("", |row| row.why.as_str());
            writeln!(out, "{}: row {} ({why}): {}", path.display(), mismatch.row + 1, mismatch.wrong)?;
        }
    }
    writeln!(out, "{rows} rows, {failures} failed")?;
    Ok(if failures == 0 { 0 } else { REFUSED })
}

/// A guard with the layers of a file of fixtures and those that were given beside it.
fn guard_for(fixtures: &Fixtures, layers: &Layers) -> io::Result<Option<Guard>> {
    let Some(builder) = refused(fixtures.builder())? else { return Ok(None) };
    let Some(builder) = refused(files::add(builder, &[], layers)?)? else { return Ok(None) };
    refused(builder.build().and_then(with))
}

fn explain(task: &PolicyExplain) -> io::Result<u8> {
    let Some(guard) = guard(&task.layers)? else { return Ok(REFUSED) };
    let mut request = Request::shell(&task.command);
    task.known.complete(&mut request, task.known.finder().as_ref());
    request.actor.clone_from(&task.actor);
    request.channel.clone_from(&task.channel);
    request.skill.clone_from(&task.skill);
    if let Some(time) = &task.time {
        match time.parse() {
            Ok(time) => request.time = Some(time),
            Err(error) => wrong_usage(clap::error::ErrorKind::InvalidValue, &format!("`{time}`: {error}")),
        }
    }
    write!(io::stdout(), "{}", guard.explain(&request))?;
    Ok(0)
}

/// The policy of one file.
fn of_file(path: &PathBuf) -> io::Result<Option<Guard>> {
    match files::policy(std::slice::from_ref(path), &Layers::default())? {
        Some(policy) => refused(policy.and_then(with)),
        None => Ok(None),
    }
}
