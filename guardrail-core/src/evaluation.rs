//! The answer for one request: plain data that explains itself.

use std::borrow::Cow;
use std::fmt;

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
    /// Which policy said so, and by which of its rules.
    #[serde(default, skip_serializing_if = "Ruling::is_plain")]
    pub ruling: Ruling,
    /// What a second policy would have said, which decides nothing; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<Shadow>>,
    /// The reasons, worst first.
    pub findings: Vec<Finding>,
    /// What it would do to the world.
    pub effects: Vec<Effect>,
    /// How many objects the manifests in it describe, and which, where there are any.
    #[serde(default, skip_serializing_if = "BlastRadius::is_empty")]
    pub blast_radius: BlastRadius,
    /// Files that it has a tool read as descriptions of what to do, whose content would have been
    /// looked at: whoever can read them gives it as [`Request::attachments`](crate::Request::attachments).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<NamedDocument>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask(_) => "ask",
            Self::Deny => "deny",
        }
    }

    /// Whether it lets more through than another, or asks for less: another has something that it
    /// lacks.
    ///
    /// ```
    /// use guardrail_core::{Approval, Decision};
    ///
    /// let one = Decision::Ask(Approval::default());
    /// let two = Decision::Ask(Approval { approvers: 2, ..Approval::default() });
    /// assert!(one.is_looser_than(&two) && !two.is_looser_than(&one));
    /// assert!(Decision::Allow.is_looser_than(&one) && !one.is_looser_than(&one));
    /// ```
    #[must_use]
    pub fn is_looser_than(&self, other: &Self) -> bool {
        self.clone().stricter(other.clone()) != *self
    }

    /// The stricter of both: deny before ask before allow. Of two approvals, all that either of
    /// them asks for.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::Ask(one), Self::Ask(other)) => Self::Ask(one.and(other)),
            (ask @ Self::Ask(_), Self::Allow) | (Self::Allow, ask @ Self::Ask(_)) => ask,
            (Self::Allow, Self::Allow) => Self::Allow,
        }
    }
}

/// The approval that an [`Decision::Ask`] needs.
///
/// The default is one approver and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Approval {
    /// How many distinct people must say yes.
    pub approvers: u8,
    /// For each of these roles at least one of them has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Where they may be asked.
    #[serde(default, skip_serializing_if = "Channels::is_anywhere")]
    pub channels: Channels,
    /// How many seconds the answer may take; `None` leaves it to whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// Whether a plan must carry a way back.
    pub rollback: bool,
    /// Whether a plan must carry an analysis of what is touched.
    pub impact: bool,
    /// Whether it must be rehearsed first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            approvers: 1,
            roles: Vec::new(),
            channels: Channels::default(),
            expires: None,
            rollback: false,
            impact: false,
            dry_run: false,
        }
    }
}

impl Approval {
    /// All that both ask for.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.approvers = self.approvers.max(other.approvers);
        for role in other.roles {
            if !self.roles.contains(&role) {
                self.roles.push(role);
            }
        }
        self.channels = self.channels.and(other.channels);
        self.expires = match (self.expires, other.expires) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.rollback |= other.rollback;
        self.impact |= other.impact;
        self.dry_run |= other.dry_run;
        self
    }
}

/// The channels in which approvers may be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Channels(Option<Vec<String>>);

impl Channels {
    /// Only these. An empty list is nowhere: such an approval can never be given.
    #[must_use]
    pub const fn only(channels: Vec<String>) -> Self {
        Self(Some(channels))
    }

    /// Whether any channel will do.
    #[must_use]
    pub const fn is_anywhere(&self) -> bool {
        self.0.is_none()
    }

    /// The channels; `None` for any.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Those that both name.
    fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(mut one), Some(other)) => {
                one.retain(|channel| other.contains(channel));
                Self(Some(one))
            }
            (one, other) => Self(one.or(other)),
        }
    }
}

/// Which policy decided, and by what.
///
/// The default is that of the standard policy: the rubric alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ruling {
    /// The policy, by its digest; `None` for the standard policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDigest>,
    /// What made the decision what it is, what decided first; empty where the rubric did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What a person should know of this policy: a guard that was taken down, a layer that was
    /// trusted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Ruling {
    /// Whether the rubric alone decided, under the standard policy.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.policy.is_none() && self.reasons.is_empty() && self.warnings.is_empty()
    }
}

/// What a policy would have said that is only tried: it is evaluated beside the one that holds,
/// and nothing depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Shadow {
    /// It would have decided so.
    Said {
        /// The policy, by its digest.
        policy: PolicyDigest,
        /// What it would have decided.
        decision: Decision,
        /// What would have made the decision what it is, as in [`Ruling::reasons`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<Reason>,
    },
    /// It could not be loaded, and says nothing.
    Failed {
        /// Why not, in a line.
        reason: String,
    },
}

/// A rule or a setting of the policy that bore upon a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// The rule's name, or the setting's as in the file (`safety.block_production`).
    pub rule: String,
    /// The layer it stands in: `built-in`, `organisation`, `user`, `project`.
    pub layer: String,
    /// What it says: `allow`, `ask` or `deny`.
    pub says: String,
    /// Whether it hangs on something that could not be known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Why, in the words of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do instead, in the words of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// The SHA-256 digest of a policy: of everything in it that can change a decision. Plans and the
/// log bind to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyDigest(pub [u8; 32]);

impl fmt::Display for PolicyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PolicyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyDigest({self})")
    }
}

impl Serialize for PolicyDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PolicyDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let mut digest = [0; 32];
        let wrong = || serde::de::Error::custom("a digest is 64 hexadecimal digits in lower case");
        if text.len() != 64 || text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        for (at, byte) in digest.iter_mut().enumerate() {
            let pair = text.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(digest))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PolicyDigest {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDigest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "The SHA-256 digest of a policy, in hexadecimal.",
        })
    }
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

/// How far the documents of a request reach: objects of Kubernetes manifests, services of compose
/// files, changes of a plan of infrastructure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlastRadius {
    /// How many objects in all.
    pub objects: u32,
    /// Whether there may be others: a document could not all be read, or what it says of an object
    /// cannot be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// The objects in groups, in the order of the first of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touched: Vec<Touched>,
}

impl BlastRadius {
    /// Whether no document was found at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.objects == 0 && !self.incomplete
    }
}

/// A file that a tool reads as a description of what to do: a manifest, a compose file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedDocument {
    /// Its path, from the request's directory where it is relative. It may be a directory.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub path: SmolStr,
    /// Globs for the names of the files that are read where it is a directory; letters of either case
    /// match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub within: Vec<SmolStr>,
    /// Whether the directories below it are read as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deep: bool,
    /// Whether its content was among the attachments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attached: bool,
}

impl NamedDocument {
    /// Whether a file of this name is read where the path is a directory.
    ///
    /// ```
    /// use guardrail_core::{Guard, Request};
    ///
    /// let evaluation = Guard::new().evaluate(&Request::shell("kubectl apply -f k8s/"));
    /// let named = &evaluation.documents[0];
    /// assert_eq!(named.path, "k8s/");
    /// assert!(named.reads("web.yaml") && !named.reads("README.md") && !named.attached);
    /// ```
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.within.iter().any(|glob| crate::glob::matches_any_case(glob.as_bytes(), name.as_bytes()))
    }
}

/// Objects of one kind, in one place, to which the same happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Touched {
    /// What happens to them.
    pub change: Change,
    /// Where.
    pub scope: Scope,
    /// Their kind, as the document says it; `None` where it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub kind: Option<SmolStr>,
    /// Their namespace: the document's, else the command's, else the caller's usual one. `None`
    /// where there is none or it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub namespace: Option<SmolStr>,
    /// Whether they belong to the whole cluster.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_cluster: bool,
    /// How many.
    pub count: u32,
    /// The names of the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub names: Vec<SmolStr>,
}

/// What happens to an object that a document describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is made, or changed where it is there.
    Apply,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Destroy,
}

impl Change {
    /// `create`, `update`, `apply`, `replace` or `destroy`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Apply => "apply",
            Self::Replace => "replace",
            Self::Destroy => "destroy",
        }
    }
}

impl fmt::Display for Touched {
    /// `apply 2 Deployment in shop: web, api`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("of a kind that cannot be told");
        write!(f, "{} {} {kind}", self.change.as_str(), self.count)?;
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}")?,
            None if self.whole_cluster => f.write_str(" of the whole cluster")?,
            None => {}
        }
        for (at, name) in self.names.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { ", " })?;
            f.write_str(name)?;
        }
        let more = self.count as usize - self.names.len().min(self.count as usize);
        if more > 0 && !self.names.is_empty() {
            write!(f, " and {more} more")?;
        }
        Ok(())
    }
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
