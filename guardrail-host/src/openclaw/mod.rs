//! What OpenClaw, an agent framework with an approval system of its own, is set to from a mode and the
//! knowledge: a fragment of its `openclaw.json`, and a document of approvals.
//!
//! Its allowlist lets a program run without a prompt if the program's path and a regular expression over
//! its arguments match. So [`generate`] writes an entry for each command of each program that the
//! knowledge proves to be a read, with the flags and operands that leave it one, and nothing for all
//! else: what is not written prompts. The guard then judges every entry, and what it does not call
//! Low is dropped.
//!
//! [`generate`] is pure. [`find_programs`] looks for the tools that are installed, [`write()`] writes the
//! documents, and never where OpenClaw keeps its state: from 2026.8 on a stray file there makes
//! its reads fail.
//!
//! ```
//! use guardrail_core::policy::Mode;
//! use guardrail_core::Guard;
//! use guardrail_host::openclaw::{Program, Release, Settings, Tools, generate};
//!
//! let tools = Tools::builtin();
//! let git = Program::new(&tools, "/usr/bin/git")?;
//! let settings = Settings::new(Mode::Standard, Release::V2026_8);
//! let documents = generate(&Guard::new(), &settings, &[git])?;
//! assert!(documents.approvals.contains("/usr/bin/git"));
//! assert!(documents.fragment.contains(r#""mode": "ask""#));
//! # Ok::<(), guardrail_host::openclaw::OpenClawError>(())
//! ```

mod approvals;
mod data;
mod filters;
mod form;
mod fragment;
mod installed;
mod judge;
mod notice;
mod pattern;
mod place;
mod programs;
mod word;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use guardrail_core::Guard;
use guardrail_core::policy::{Mode, Policy};

use crate::openclaw::approvals::Entry;
use crate::openclaw::data::{Data, Names};
use crate::openclaw::judge::Judge;

pub use installed::{Found, FoundProgram, LeftOut, find_programs};
pub use place::{StateFolders, write};
pub use programs::{Program, Tools};

/// What the documents are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What holds for every agent that is not named.
    pub mode: Mode,
    /// Agents that a stricter mode holds for, by their ids.
    pub agents: BTreeMap<String, Mode>,
    /// The release that reads them.
    pub release: Release,
}

impl Settings {
    /// One mode for all agents.
    #[must_use]
    pub fn new(mode: Mode, release: Release) -> Self {
        Self { mode, agents: BTreeMap::new(), release }
    }
}

/// A release of OpenClaw, as far as it matters here. Before 2026.7 there is none: older ones pass over
/// `argPattern` on most systems, so that an entry would free the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 2026.7: agents are a list; approvals are a file in the state directory.
    V2026_7,
    /// 2026.8 and later: agents are entries by id; approvals are in a database.
    V2026_8,
}

impl Release {
    /// Its name, as `openclaw --version` begins.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2026_7 => "2026.7",
            Self::V2026_8 => "2026.8",
        }
    }
}

/// What was generated. The texts end with a line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    /// JSON that a person merges into `openclaw.json`.
    pub fragment: String,
    /// JSON for `openclaw approvals set --file`.
    pub approvals: String,
    /// What the person has to do, as text.
    pub notice: String,
    /// How many entries the allowlist has, by the program's path.
    pub entries: BTreeMap<String, usize>,
}

/// Why nothing was generated or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenClawError {
    /// What is known of OpenClaw cannot be read; this crate was built from a damaged file.
    #[error("what is known of OpenClaw: {0}")]
    Data(String),
    /// An agent's id is none that can be written.
    #[error("agent `{0}`: an id is lower-case letters, digits, `-` and `_`; `default` is `main` there")]
    AgentId(String),
    /// An agent would be freer than all others.
    #[error(
        "agent `{agent}`: {mode} is freer than the mode of all; what is denied to all stays denied there, so \
         give the freer mode to all and the stricter one to the others"
    )]
    Freer {
        /// The agent's id.
        agent: String,
        /// What it was to have.
        mode: &'static str,
    },
    /// A policy asks more than a mode without prompts could keep.
    #[error("in mode full nothing prompts there, so the policy would not hold; take the mode standard")]
    Unkept,
    /// A program's path cannot be an entry.
    #[error("{path}: {why}")]
    Program {
        /// The path.
        path: String,
        /// Why not.
        why: &'static str,
    },
    /// The directory is where OpenClaw keeps its state.
    #[error("{}: this is in OpenClaw's state directory {}; write elsewhere", out.display(), state.display())]
    State {
        /// Where it was to be written.
        out: PathBuf,
        /// The state directory.
        state: PathBuf,
    },
    /// Something could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Makes the documents: pure, and the same for the same arguments.
///
/// `guard` judges every entry. Give one with the operator's policy, so that what a rule of it may ask
/// about gets no entry; or `Guard::new()`. `programs` are those that may get entries.
///
/// # Errors
///
/// [`OpenClawError::AgentId`] and [`OpenClawError::Freer`] for the agents;
/// [`OpenClawError::Unkept`] for a policy in mode full.
pub fn generate(
    guard: &Guard,
    settings: &Settings,
    programs: &[Program<'_>],
) -> Result<Documents, OpenClawError> {
    let data = Data::builtin()?;
    let policy = guard.policy().digest();
    for (agent, mode) in &settings.agents {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let first = agent.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if !first || !agent.chars().all(plain) || agent == "default" {
            return Err(OpenClawError::AgentId(agent.clone()));
        }
        if *mode > settings.mode {
            return Err(OpenClawError::Freer { agent: agent.clone(), mode: mode.as_str() });
        }
    }
    let modes = || std::iter::once(settings.mode).chain(settings.agents.values().copied());
    let plain = [Policy::standard().digest(), Policy::of_mode(Mode::Full).digest()].contains(&policy);
    if modes().any(|mode| mode == Mode::Full) && !plain {
        return Err(OpenClawError::Unkept);
    }
    let wanted = modes().any(|mode| mode == Mode::Standard);
    let mut entries = Vec::new();
    let mut counts = BTreeMap::new();
    let mut programs: Vec<&Program<'_>> = programs.iter().collect();
    programs.sort_by(|a, b| a.path().cmp(b.path()));
    programs.dedup_by(|a, b| a.path() == b.path());
    let made = if wanted { all_entries(guard, &programs, &data.names) } else { Vec::new() };
    for (program, made) in programs.iter().zip(made) {
        counts.insert(program.path().to_owned(), made.len());
        entries.extend(made);
    }
    let filters = filters::profiles(guard, &data.filters, &programs);
    Ok(Documents {
        fragment: fragment::text(&data, settings, &filters)?,
        approvals: approvals::text(&data, settings, &entries)?,
        notice: notice::text(settings, &counts),
        entries: counts,
    })
}

/// The entries of each program, in their order. A machine has thousands of programs, and each is judged by itself.
fn all_entries(guard: &Guard, programs: &[&Program<'_>], names: &Names) -> Vec<Vec<Entry>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let made: Vec<OnceLock<Vec<Entry>>> = programs.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(program), Some(slot)) = (programs.get(at), made.get(at)) else { return };
            slot.get_or_init(|| entries_of(guard, program, names));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(programs.len()) {
            scope.spawn(work);
        }
        work();
    });
    made.into_iter().map(|slot| slot.into_inner().unwrap_or_default()).collect()
}

fn entries_of(guard: &Guard, program: &Program<'_>, names: &Names) -> Vec<Entry> {
    if names.does_much(program.name()) {
        return Vec::new();
    }
    let judge = Judge::new(guard, program, &names.accepted);
    let tool = program.tool();
    let forms = tool.commands.iter().flat_map(|command| form::forms(tool, command));
    let forms: Vec<form::Form> = forms.filter_map(|form| judge.settle(form)).collect();
    let entry = |pattern| Entry { pattern: program.path().to_owned(), arg_pattern: pattern };
    pattern::patterns(&forms).into_iter().map(entry).collect()
}

/// JSON in lines, with a line break behind it.
fn json(document: &impl serde::Serialize) -> Result<String, OpenClawError> {
    match serde_json::to_string_pretty(document) {
        Ok(text) => Ok(text + "\n"),
        Err(error) => Err(OpenClawError::Data(error.to_string())),
    }
}
