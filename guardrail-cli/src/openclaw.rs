//! `guardrail openclaw`: what OpenClaw is set to, from a mode and the knowledge.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};

use guardrail::policy::Mode;
use guardrail_host::openclaw::{
    Found, FoundProgram, LeftOut, Program, Release, Settings, StateFolders, Tools, find_programs, generate,
    write,
};

use crate::arguments::{OpenClaw, OpenClawGenerate, OpenClawRelease, PolicyMode};
use crate::policy;

/// Where programs are looked for where nothing else is said: what belongs to the system.
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a subcommand and returns the exit status.
pub(crate) fn run(task: &OpenClaw) -> io::Result<u8> {
    match task {
        OpenClaw::Generate(task) => make(task),
    }
}

fn make(task: &OpenClawGenerate) -> io::Result<u8> {
    let Some(guard) = policy::guard(&task.layers)? else { return Ok(policy::REFUSED) };
    let tools = Tools::builtin();
    let Found { programs: found, left_out } = if task.program.is_empty() {
        find_programs(&tools, &task.search.clone().unwrap_or_else(|| OsString::from(SEARCH)))
    } else {
        let named = |path: &String| FoundProgram { path: path.clone(), names: Vec::new() };
        Found { programs: task.program.iter().map(named).collect(), left_out: Vec::new() }
    };
    let programs = found
        .iter()
        .map(|FoundProgram { path, names }| Program::new(&tools, path).map(|program| program.called(names)));
    let programs = programs.collect::<Result<Vec<_>, _>>();
    let settings = Settings {
        mode: task.mode.into(),
        agents: task.agent.iter().cloned().collect::<BTreeMap<_, _>>(),
        release: task.release.into(),
    };
    let made =
        programs.and_then(|programs| generate(&guard, &settings, &programs)).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    match &task.out {
        Some(folder) => {
            let written = write(&made, folder, &StateFolders::of_this_process());
            for path in written.map_err(io::Error::other)? {
                writeln!(out, "{}", path.display())?;
            }
            writeln!(out)?;
        }
        None => write!(out, "{}\n{}\n", made.fragment, made.approvals)?,
    }
    // The documents alone go where a pipe may take them.
    let mut notes = io::stderr().lock();
    write!(notes, "{}", made.notice)?;
    let bare = made.entries.iter().filter(|(_, count)| **count == 0).map(|(path, _)| path.as_str());
    listed(&mut notes, "No command of these is proven to be a read:", bare)?;
    let why = |left: &LeftOut| format!("{}: {}", left.path.display(), left.why);
    listed(&mut notes, "These are left out:", left_out.iter().map(why))?;
    Ok(0)
}

fn listed(
    out: &mut impl io::Write,
    title: &str,
    lines: impl Iterator<Item = impl std::fmt::Display>,
) -> io::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        writeln!(out, "\n{title}")?;
    }
    lines.try_for_each(|line| writeln!(out, "  {line}"))
}

impl From<PolicyMode> for Mode {
    fn from(mode: PolicyMode) -> Self {
        match mode {
            PolicyMode::Safe => Self::Safe,
            PolicyMode::Standard => Self::Standard,
            PolicyMode::Full => Self::Full,
        }
    }
}

impl From<OpenClawRelease> for Release {
    fn from(release: OpenClawRelease) -> Self {
        match release {
            OpenClawRelease::V2026_7 => Self::V2026_7,
            OpenClawRelease::V2026_8 => Self::V2026_8,
        }
    }
}

/// `ID=MODE`.
pub(crate) fn agent(text: &str) -> Result<(String, Mode), String> {
    let (id, mode) = text.rsplit_once('=').ok_or("give ID=MODE, as reviewer=safe")?;
    let mode = Mode::ALL.into_iter().find(|known| known.as_str() == mode);
    Ok((id.to_owned(), mode.ok_or("the modes are safe, standard and full")?))
}
