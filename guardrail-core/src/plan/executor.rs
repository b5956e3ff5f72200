//! Who runs commands: the trait, what it reports, and the signal that stops it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::permit::Permit;
use super::stop::Stop;

/// Runs what a permit permits, and nothing else.
///
/// An implementation must hold that
///
/// * it runs exactly [`Permit::action`], in [`Permit::cwd`], with the environment that
///   [`Permit::pins`] has plus the permit's credentials, and with nothing of its own environment;
/// * it looks at the pinned files and the directory again as late as it can, and answers
///   [`Refusal::Drift`] where one is another;
/// * what [`Permit::sandbox`] asks for and cannot be had is [`Refusal::Sandbox`], unless the
///   permit says best effort;
/// * when it returns, no process that it started runs any more;
/// * [`Ended::NotStarted`] is said only where the command certainly did nothing; where that is
///   not certain, it is [`Ended::Lost`].
#[async_trait]
pub trait Executor: Send + Sync {
    /// Its name for people and records, such as `process`.
    fn name(&self) -> &str;

    /// Runs the command to its end. Output goes to `sink` as it arrives, without its secrets.
    /// `stop` may ask for the end at any time.
    ///
    /// It gives no error: everything that can happen is an [`Ended`].
    async fn execute(&self, permit: Permit, sink: &mut dyn OutputSink, stop: &Stop) -> Execution;
}

/// Takes a command's output while it runs.
pub trait OutputSink: Send {
    /// A piece of output, without its secrets; it may begin and end inside of a line or a
    /// character. It must return soon: the command waits for it.
    fn output(&mut self, stream: Stream, bytes: &[u8]);

    /// How far it is, where the executor knows.
    fn progress(&mut self, _progress: &Progress) {}
}

/// A sink that drops everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutput;

impl OutputSink for NoOutput {
    fn output(&mut self, _: Stream, _: &[u8]) {}
}

/// One of the two streams of a command's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How far a running command is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Seconds since it started.
    pub elapsed_seconds: f64,
    /// Bytes it has put out, both streams together.
    pub output_bytes: u64,
}

/// What became of one command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// How it ended.
    pub ended: Ended,
    /// From its start to its end, in seconds.
    pub duration_seconds: f64,
    /// Its standard output.
    #[serde(default)]
    pub stdout: Output,
    /// Its standard error.
    #[serde(default)]
    pub stderr: Output,
    /// What was asked for around it, and what was achieved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sandbox: BTreeMap<Measure, Achieved>,
    /// What it left behind that somebody should know of, in a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ended {
    /// It certainly did nothing.
    NotStarted(Refusal),
    /// By itself, with this status.
    Exited(i32),
    /// By a signal of this number, which the executor did not send.
    Signalled(i32),
    /// The executor ended it, because it was asked to.
    Stopped,
    /// The executor ended it, because it went past this limit.
    OverLimit(Limit),
    /// It may have run, wholly or in part; how it ended cannot be known. The reason, in a sentence.
    Lost(String),
}

/// Why a command did not start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Refusal {
    /// What would run is no longer what was approved; a sentence for each difference.
    #[error("what would run is not what was approved: {}", .0.join("; "))]
    Drift(Vec<String>),
    /// Something that was asked for around it cannot be had.
    #[error("the sandbox cannot be had: {0}")]
    Sandbox(String),
    /// A secret could not be had.
    #[error("{0}")]
    Credential(String),
    /// The executor does not run such actions.
    #[error("not run here: {0}")]
    Unsupported(String),
    /// It was asked to stop before it began.
    #[error("stopped before it began")]
    Stopped,
    /// The system would not start it.
    #[error("it could not be started: {0}")]
    System(String),
}

/// A limit that a command went past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// [`StepLimits::wall_seconds`](super::StepLimits::wall_seconds).
    Wall,
    /// [`StepLimits::cpu_seconds`](super::StepLimits::cpu_seconds).
    Cpu,
    /// [`StepLimits::memory_bytes`](super::StepLimits::memory_bytes).
    Memory,
    /// [`StepLimits::processes`](super::StepLimits::processes).
    Processes,
    /// [`StepLimits::file_bytes`](super::StepLimits::file_bytes).
    FileSize,
    /// [`StepLimits::output_bytes`](super::StepLimits::output_bytes).
    Output,
}

/// What is kept of one stream of a command's output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// The text without its secrets; its end, where it was cut.
    pub text: String,
    /// How many bytes there were in all.
    pub bytes: u64,
    /// Whether `text` is not all of it.
    pub cut: bool,
}

impl Output {
    /// All of an output.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { bytes: text.len() as u64, text, cut: false }
    }
}

/// Something an executor puts around a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Nothing of the executor's own environment reaches it.
    CleanEnvironment,
    /// The program was run from the very bytes that were compared.
    SealedProgram,
    /// A script was read from the very bytes that were compared.
    SealedScript,
    /// Every process it starts is found and ended with it.
    WholeTree,
    /// Resource limits.
    Limits,
    /// It cannot gain rights that it did not start with.
    NoNewPrivileges,
    /// It reaches only some of the file system.
    Files,
    /// System calls are filtered.
    SystemCalls,
    /// It has no network.
    NoNetwork,
    /// It does not run as root.
    NonRoot,
}

/// How far a [`Measure`] was achieved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Achieved {
    /// Wholly; how, in a few words.
    Full(String),
    /// In part; what is missing, in a few words.
    Partial(String),
    /// Not at all; why, in a few words.
    Missing(String),
}

impl Execution {
    /// A command that did not start.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::ended(Ended::NotStarted(refusal), 0.0)
    }

    /// A command that ended some way after some seconds, with nothing else to say.
    #[must_use]
    pub fn ended(ended: Ended, duration_seconds: f64) -> Self {
        Self {
            ended,
            duration_seconds,
            stdout: Output::default(),
            stderr: Output::default(),
            sandbox: BTreeMap::new(),
            left: Vec::new(),
        }
    }

    /// Whether it ended by itself with status 0.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self.ended, Ended::Exited(0))
    }
}
