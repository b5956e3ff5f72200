//! The answer for one request: plain data that explains itself.

use std::borrow::Cow;

use guardrail_schema::{EffectKind, Risk, Scope, Undo};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::request::Fact;
use crate::shell::Span;

/// Everything the analysis found out about one request.
///
/// It owns all its data, so it can be stored, sent and shown later. Spans are byte ranges in the
/// text of the source they name. The JSON form is stable: `docs/evaluation.schema.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[must_use = "an evaluation that nobody reads guards nothing"]
pub struct Evaluation {
    /// The worst risk of all findings.
    pub risk: Risk,
    /// Whether something that matters could not be known; it is graded by the worst it could be.
    pub unknown: bool,
    /// What the policy says.
    pub decision: Decision,
    /// The reasons, worst first.
    pub findings: Vec<Finding>,
    /// What it would do to the world.
    pub effects: Vec<Effect>,
    /// Every program, builtin and function that would start, in the order of the text, outer
    /// before inner.
    pub invocations: Vec<Invocation>,
    /// Every text that was read as a program: the request first, then what `bash -c`, `eval`
    /// and their kin would run.
    pub sources: Vec<Source>,
    /// What the parser could not accept.
    pub problems: Vec<Problem>,
    /// Facts that were missing and would have helped.
    pub wanted: Vec<Fact>,
}

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It may run, and is recorded.
    Allow,
    /// It may run once these approvals are given.
    Ask(Approval),
    /// It may not run.
    Deny,
}

impl Decision {
    /// `allow`, `ask` or `deny`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask(_) => "ask",
            Self::Deny => "deny",
        }
    }
}

/// The approval that an [`Decision::Ask`] needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Approval {
    /// How many distinct people must say yes.
    pub approvers: u8,
    /// Whether a plan must carry a way back.
    pub rollback: bool,
    /// Whether a plan must carry an analysis of what is touched.
    pub impact: bool,
}

/// One reason for the risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The rule that found it.
    pub rule: Cow<'static, str>,
    /// How bad it is.
    pub risk: Risk,
    /// Whether it is about something that could not be known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// The source the span points into.
    pub source: u32,
    /// The words that make it so.
    pub span: Span,
    /// What and why, in one sentence without capital or period.
    pub message: Cow<'static, str>,
    /// What to do instead, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Cow<'static, str>>,
}

/// One thing a call would do to the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Effect {
    /// What kind.
    pub kind: EffectKind,
    /// To what, as far as it is known: a path, a URL, a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub target: Option<SmolStr>,
    /// Where.
    pub scope: Scope,
    /// How hard it is to undo.
    pub undo: Undo,
    /// The place of its invocation in [`Evaluation::invocations`]; `None` where the shell itself
    /// does it (a bare redirection).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<u32>,
    /// The source the span points into.
    pub source: u32,
    /// The words that say so.
    pub span: Span,
}

/// One program that would start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invocation {
    /// The argument vector, decoded; `null` where a word cannot be known.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Option<String>>"))]
    pub argv: Vec<Option<SmolStr>>,
    /// The tool it was understood as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub tool: Option<SmolStr>,
    /// Its subcommand, words joined by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub command: Option<SmolStr>,
    /// The invocation it was unwrapped from, as a place in [`Evaluation::invocations`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The source the span points into.
    pub source: u32,
    /// The whole command.
    pub span: Span,
}

/// A text that was read as a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// The text.
    pub text: String,
    /// The invocation that would run it, with the span of the word it came from in that
    /// invocation's source. `None` for the request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<(u32, Span)>,
}

/// Something the parser could not accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The source the span points into.
    pub source: u32,
    /// Where.
    pub span: Span,
    /// What, in lower case and without a period.
    pub message: Cow<'static, str>,
}

impl Evaluation {
    /// The decoded command word of every simple command, in the order of
    /// [`invocations`](Self::invocations); `None` where it cannot be known.
    pub fn programs(&self) -> impl Iterator<Item = Option<&str>> {
        self.invocations.iter().map(|invocation| invocation.argv.first().and_then(|word| word.as_deref()))
    }
}
