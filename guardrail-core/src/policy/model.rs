//! A policy file as it is written: the types that TOML, JSON and YAML are read into, and that the
//! reference (`docs/policy.md`) and the editors' schema are made from.

use std::collections::BTreeMap;

use guardrail_schema::{EffectKind, Risk, Scope};
use serde::{Deserialize, Serialize};

use crate::policy::quota::QuotaFile;
use crate::policy::value::{Clock, Day, Duration, Offset, OneOrMany};
use crate::request::{Action, Environment, Request};

/// A policy file: one layer of what an operator sets.
///
/// Everything is optional; an empty file leaves the rubric as it is. A key that is not listed here
/// is an error, never passed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PolicyFile {
    /// Sets all of `execution` and `safety` together; what the file sets itself comes on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What runs without being asked about.
    #[serde(skip_serializing_if = "is_default")]
    pub execution: Execution,
    /// What is not to happen.
    #[serde(skip_serializing_if = "is_default")]
    pub safety: Safety,
    /// How people are asked.
    #[serde(skip_serializing_if = "is_default")]
    pub approval: Approvals,
    /// What holds in a channel, by its name or a glob (`"slack:*"`). Where several match, all hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<String, Audience>,
    /// What holds for a skill, by its name or a glob. Where several match, all hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<String, Audience>,
    /// Whether lower layers may loosen. A layer that is not trusted may only tighten.
    #[serde(skip_serializing_if = "is_default")]
    pub trust: Trust,
    /// How much may be done. All quotas of all layers hold, so that each can only tighten.
    #[serde(rename = "quota", skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<QuotaFile>,
    /// Rules, in any order: the strictest of those that match counts.
    #[serde(rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleFile>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What sets the settings together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everything asks, reads too; production is blocked; what is High is rehearsed first.
    Safe,
    /// The rubric: reads pass, changes ask, what is Critical is denied.
    Standard,
    /// Everything below Critical passes; what is Critical asks two people.
    Full,
}

impl Mode {
    /// Every mode, the strictest first.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Standard, Self::Full];

    /// Its name, as in a file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }
}

/// `[execution]`: what runs without being asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Execution {
    /// Whether what is Low runs unasked. Default `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_approve_low_risk: Option<bool>,
    /// Whether work inside of the workspace runs unasked: Medium, of this machine's files or the
    /// repository around them, without a network and without anything unknown. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_approve_workspace: Option<bool>,
    /// Whether what is High must be rehearsed first (Critical always is). Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_dry_run: Option<bool>,
}

/// `[safety]`: what is not to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Safety {
    /// Whether everything above Low is denied in production, unless an `allow` rule with
    /// `overrides = ["production"]` matches it. Where it is not known whether this is
    /// production, it asks. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_production: Option<bool>,
    /// Kubernetes namespaces that are production, by name or glob, whatever the facts say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production_namespaces: Option<OneOrMany<String>>,
    /// Whether what is Critical asks two people in place of being denied. Default `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_critical: Option<bool>,
    /// Whether Medium and High need an approval at all. With `false` they run unasked, and every
    /// evaluation says so; Critical is never freed. Default `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_approval: Option<bool>,
}

/// `[approval]`: how people are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// Commands that always ask, whatever they would do: a tool and the beginning of its
    /// subcommand (`"terraform apply"`, `"kubectl rollout"`), each word may be a glob.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// What an approval of something Low needs, where Low asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<ApprovalFile>,
    /// What an approval of something Medium needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<ApprovalFile>,
    /// What an approval of something High needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<ApprovalFile>,
    /// What an approval of something Critical needs: never fewer than two people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<ApprovalFile>,
}

/// What an approval needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalFile {
    /// How many distinct people must say yes. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvers: Option<u8>,
    /// Roles that must each be among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<OneOrMany<String>>,
    /// Where they may be asked. Default: anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<OneOrMany<String>>,
    /// How long the answer may take (`"15m"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
}

/// What holds in a channel or for a skill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Audience {
    /// Who can listen and speak there. Default `direct`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AudienceKind>,
    /// The worst that may be done; what is above is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_risk: Option<Risk>,
    /// The tools that may be used, by name or glob; any other is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<OneOrMany<String>>,
}

/// Who can listen and speak in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AudienceKind {
    /// One authenticated person: the settings hold as they are. A request whose actor is not
    /// known is taken as one of a team's.
    #[default]
    Direct,
    /// Several people: nothing above Low runs unasked, whatever settings and rules free.
    Team,
    /// Anyone: reads only. What is above Low is denied.
    Public,
}

/// `[trust]`: whether lower layers may loosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// Whether the user's layer may; only an organisation's layer can say so. Default `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<bool>,
    /// Whether the project's layer may; an organisation's or a trusted user's layer can say so.
    /// Default `false`, since a project's files are often somebody else's. Every evaluation says
    /// that it is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<bool>,
}

/// `[[rule]]`: what to do about a kind of action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Its name, in evaluations and logs; unique in its layer.
    pub name: String,
    /// What it says.
    pub decision: Says,
    /// When it says so: all of it must hold. Without conditions it always does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    /// What the approval of an `ask` rule needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalFile>,
    /// The safety settings that an `allow` rule lifts for what it matches: `production` (then the
    /// rule allows it), `critical` (then two people are asked).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// Why, for people and agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Requests that it must match; tried when the policy is loaded.
    #[serde(rename = "match", default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Example>,
    /// Requests that it must not match; tried when the policy is loaded.
    #[serde(rename = "not_match", default, skip_serializing_if = "Vec::is_empty")]
    pub not_matches: Vec<Example>,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// It may run unasked, unless another rule or a setting is stricter. A request may only if
    /// this holds for everything in it that the rubric would ask about.
    Allow,
    /// It asks, at least.
    Ask,
    /// It may not run.
    Deny,
}

impl Says {
    /// Its name, as in a file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// A safety setting that a rule lifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Override {
    /// `safety.block_production`.
    Production,
    /// What is Critical is asked about, as with `safety.allow_critical`.
    Critical,
}

/// The conditions of a rule. A list holds if one of its values does; a value with `!` before it
/// must not match. Text values are globs: `*` is any run of characters, `?` any one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The tool: a program's name without its path. To `allow`, the program must stand where
    /// tools do; to `ask` or `deny`, its name is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<OneOrMany<String>>,
    /// The subcommand as it is written, words joined by one blank (`"rollout restart"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<OneOrMany<String>>,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<OneOrMany<EffectKind>>,
    /// To what: a path, a name, an address. In paths `*` stays in its directory and `**` goes
    /// below it (`src/**` is `src` and all that is in it); a path that does not begin with `/`
    /// or `~/` starts at the workspace's root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<OneOrMany<String>>,
    /// The part of the file system that a path lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<OneOrMany<AreaName>>,
    /// Where the effect lands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<OneOrMany<Scope>>,
    /// The environment that is reached: the fact, or production for one of
    /// `production_namespaces`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<OneOrMany<Environment>>,
    /// How risky this part of the request is by the rubric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<OneOrMany<Risk>>,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<OneOrMany<String>>,
    /// Where the conversation takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<OneOrMany<String>>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<OneOrMany<String>>,
    /// The skill on whose behalf it acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<OneOrMany<String>>,
    /// When the request was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Window>,
    /// A statement on a database.
    #[serde(skip_serializing_if = "is_default")]
    pub sql: Sql,
    /// An action on a Kubernetes cluster.
    #[serde(skip_serializing_if = "is_default")]
    pub kubernetes: Kubernetes,
    /// A request over a network.
    #[serde(skip_serializing_if = "is_default")]
    pub http: Http,
    /// An action on a version-controlled repository.
    #[serde(skip_serializing_if = "is_default")]
    pub git: Git,
    /// A named tool call, and all that it starts.
    #[serde(skip_serializing_if = "is_default")]
    pub call: CallFile,
}

/// The parts of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AreaName {
    /// Under the workspace.
    Workspace,
    /// A directory for temporary files.
    Temporary,
    /// Under a home directory.
    Home,
    /// A device.
    Device,
    /// Anywhere else.
    System,
}

impl AreaName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Temporary => "temporary",
            Self::Home => "home",
            Self::Device => "device",
            Self::System => "system",
        }
    }
}

/// `time`: a window of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days on which it begins. Default: every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<OneOrMany<Day>>,
    /// When it begins (`"09:00"`). Default: midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Clock>,
    /// When it is over (`"17:30"`); earlier than `from` means on the next day. Default: midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Clock>,
    /// How far its clock is ahead of UTC (`"+02:00"`). Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Offset>,
}

/// `sql`: a statement on a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Sql {
    /// What the statement is (`"delete"`, `"drop"`, `"select"`); letters of either case alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verb: Option<OneOrMany<String>>,
    /// What it is on; letters of either case alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<OneOrMany<String>>,
}

/// `kubernetes`: an action on a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Kubernetes {
    /// The first word of the subcommand (`"delete"`, `"rollout"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verb: Option<OneOrMany<String>>,
    /// The kind of resource in the singular (`"deployment"`); short names and plurals on the
    /// command line are read as that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<OneOrMany<String>>,
    /// The namespace: of the command line, or the fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<OneOrMany<String>>,
    /// The context: of the command line, or the fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<OneOrMany<String>>,
}

/// `http`: a request over a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// The method (`"GET"`); letters of either case alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<OneOrMany<String>>,
    /// The host, without port and user; letters of either case alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<OneOrMany<String>>,
}

/// `git`: an action on a version-controlled repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Git {
    /// The remote or address as it is written (`"origin"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<OneOrMany<String>>,
    /// The branch: the one that is pushed to, or the one that is checked out (the fact).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<OneOrMany<String>>,
}

/// `call`: a named tool call, and all that it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CallFile {
    /// The tool's name, as the framework knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<OneOrMany<String>>,
    /// Its arguments, by JSON pointer (`"/path"`): text as it is, anything else as compact JSON.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, OneOrMany<String>>,
}

/// A request to try a rule with: shell text, or a request with its circumstances.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Example {
    /// Shell text, with nothing else known.
    Text(String),
    /// A request with its circumstances.
    Request(Box<ExampleRequest>),
}

impl<'de> Deserialize<'de> for Example {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Example;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("shell text or a request")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Example, E> {
                Ok(Example::Text(text.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Example, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                Ok(Example::Request(Box::new(ExampleRequest::deserialize(map)?)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Example {
    /// The request it stands for; `None` where it names no action, or more than one.
    pub(crate) fn request(&self) -> Option<Request> {
        match self {
            Self::Text(text) => Some(Request::shell(text.as_str())),
            Self::Request(request) => request.request(),
        }
    }
}

impl ExampleRequest {
    /// The request; `None` where it does not have exactly one of `run`, `argv` and `call`.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let action = match (&self.run, &self.argv, &self.call) {
            (Some(text), None, None) => Action::Shell(text.clone()),
            (None, Some(words), None) => Action::Argv(words.clone()),
            (None, None, Some(name)) => {
                Action::Call { name: name.clone(), arguments: self.arguments.clone() }
            }
            _ => return None,
        };
        Some(Request {
            actor: self.actor.clone(),
            channel: self.channel.clone(),
            session: self.session.clone(),
            skill: self.skill.clone(),
            time: self.time,
            cwd: self.cwd.clone(),
            facts: self.facts.clone(),
            attachments: self.attachments.clone(),
            ..Request::new(action)
        })
    }
}

/// A request as it is written in a policy or a fixture: one of `run`, `argv` and `call`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ExampleRequest {
    /// Shell text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// A program with its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// A tool's name, with `arguments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The arguments of `call`.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub arguments: serde_json::Value,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Where the conversation takes place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The skill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// When, as RFC 3339 has it (`"2026-01-26T09:30:00Z"`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub time: Option<chrono::DateTime<chrono::Utc>>,
    /// The working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// What the caller knows of the world.
    pub facts: crate::request::Facts,
    /// Contents of files that the action names, by their paths.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, String>,
}
