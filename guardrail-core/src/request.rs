//! What an agent asks to do, and what the caller already knows about the world it would do it in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One action an agent wants to take, before it happens.
///
/// ```
/// use guardrail_core::{Action, Request};
///
/// let request = Request::shell("git status | head -5").cwd("/home/dev/project");
/// assert_eq!(request.action, Action::Shell("git status | head -5".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What it wants to do.
    pub action: Action,
    /// Who asks: the agent or its session, as the caller authenticated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Where the conversation takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The session it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The skill, plug-in or workflow on whose behalf it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// When it was made. The core has no clock of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// The absolute working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The agent's stated reason. Shown to people, never believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the caller knows.
    #[serde(default)]
    pub facts: Facts,
    /// Contents of files that the action names, by their paths (from [`cwd`](Self::cwd), where they
    /// are relative): manifests, compose files, a plan of infrastructure as JSON. What is in them
    /// can only raise the risk, so a file that is changed behind this lowers nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attachments: BTreeMap<String, String>,
}

/// The three forms an action can take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Source text for a shell (bash or POSIX sh).
    Shell(String),
    /// A program with its arguments; no shell reads it.
    Argv(Vec<String>),
    /// A named tool call with its JSON arguments.
    Call {
        /// The tool's name, as the framework knows it.
        name: String,
        /// Its arguments.
        #[serde(default)]
        arguments: serde_json::Value,
    },
}

impl Action {
    /// It as a person would type it; of a named call only the name.
    ///
    /// ```
    /// use guardrail_core::Action;
    ///
    /// assert_eq!(Action::Argv(vec!["rm".into(), "a b".into()]).typed(), "rm 'a b'");
    /// ```
    #[must_use]
    pub fn typed(&self) -> String {
        match self {
            Self::Shell(text) => text.clone(),
            Self::Argv(words) => shell_words::join(words),
            Self::Call { name, .. } => name.clone(),
        }
    }
}

/// What the caller knows about the world. Nothing here is needed: what is missing is treated as
/// the worse possibility, and [`Evaluation::wanted`](crate::Evaluation) names what would have helped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// The root of the workspace, an absolute path; without it the working directory is the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The user's home directory, an absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// What kind of environment the action reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The current kubectl context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_context: Option<String>,
    /// The current Kubernetes namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_namespace: Option<String>,
    /// The current cloud profile or account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_profile: Option<String>,
    /// The checked-out git branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_branch: Option<String>,
    /// Whether the action would run with an administrator's rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<bool>,
    /// Whether the executor neutralises programs that a repository's own configuration names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_config_neutralised: Option<bool>,
    /// Environment variables with their values, as far as they are known and no secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// The kind of environment an action reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// People depend on it.
    Production,
    /// A rehearsal of production.
    Staging,
    /// For development.
    Development,
    /// For automated tests.
    Test,
}

/// A key of [`Facts`] that an evaluation would have wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// [`Facts::workspace`], or [`Request::cwd`].
    Workspace,
    /// [`Facts::home`].
    Home,
    /// [`Facts::environment`].
    Environment,
    /// [`Facts::git_branch`].
    GitBranch,
    /// [`Facts::repository_config_neutralised`].
    RepositoryConfigNeutralised,
}

impl Request {
    /// A request to run shell source text.
    #[must_use]
    pub fn shell(text: impl Into<String>) -> Self {
        Self::new(Action::Shell(text.into()))
    }

    /// A request to run a program with its arguments.
    #[must_use]
    pub fn argv(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(Action::Argv(words.into_iter().map(Into::into).collect()))
    }

    /// A request to call a named tool.
    #[must_use]
    pub fn call(name: impl Into<String>, arguments: serde_json::Value) -> Self {
        Self::new(Action::Call { name: name.into(), arguments })
    }

    /// A request for an action, with nothing else known.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self {
            action,
            actor: None,
            channel: None,
            session: None,
            skill: None,
            time: None,
            cwd: None,
            reason: None,
            facts: Facts::default(),
            attachments: BTreeMap::new(),
        }
    }

    /// The same request in an absolute working directory.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// The same request with the content of a file that it names. Bytes that are no UTF-8 become
    /// U+FFFD, and then nothing that stands there is believed.
    ///
    /// For a plan of infrastructure, which is no text, it is what `terraform show -json` prints,
    /// under the path of the plan.
    ///
    /// ```
    /// use guardrail_core::{Guard, Request, Risk};
    ///
    /// let request = Request::shell("kubectl delete -f old.yaml");
    /// let content = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    /// let evaluation = Guard::new().evaluate(&request.attachment("old.yaml", content));
    /// assert_eq!(evaluation.risk, Risk::Critical);
    /// assert_eq!(evaluation.blast_radius.touched[0].to_string(), "destroy 1 Namespace of the whole cluster: shop");
    /// ```
    #[must_use]
    pub fn attachment(mut self, path: impl Into<String>, content: &[u8]) -> Self {
        self.attachments.insert(path.into(), String::from_utf8_lossy(content).into_owned());
        self
    }

    /// The same request with facts.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }
}
