//! A command of a plan: what runs, where, with what around it and within which bounds.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::credential::CredentialReference;
use crate::request::Action;

/// What runs, with everything that decides what running it does.
///
/// In a file it has one of the keys `argv`, `shell` and `call`, and the others as they are needed:
///
/// ```
/// use guardrail_core::Action;
/// use guardrail_core::plan::Command;
///
/// let command: Command =
///     serde_json::from_str(r#"{ "argv": ["git", "fetch"], "cwd": "/srv/app" }"#)?;
/// assert_eq!(command.action, Action::Argv(vec!["git".into(), "fetch".into()]));
/// assert!(serde_json::from_str::<Command>(r#"{ "argv": ["git"], "shell": "git" }"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Command {
    /// What runs.
    pub action: Action,
    /// The absolute directory it runs in, if not the plan's.
    pub cwd: Option<String>,
    /// Environment variables that are set for it. None of them is a secret.
    pub environment: BTreeMap<String, String>,
    /// Names of environment variables that it has from the machine it runs on. Their values are
    /// read when the plan is proposed, and belong to what is approved.
    pub inherit: Vec<String>,
    /// Secrets that it gets, by reference.
    pub credentials: Vec<CredentialReference>,
    /// How much it may use.
    pub limits: StepLimits,
    /// What is kept out of its reach.
    pub sandbox: Sandbox,
}

/// A [`Command`] in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Command"))]
#[serde(deny_unknown_fields)]
struct Form {
    /// A program with its arguments; no shell reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argv: Option<Vec<String>>,
    /// Source text for a shell (bash or POSIX sh).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shell: Option<String>,
    /// A named tool call with its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<CallForm>,
    /// The absolute directory it runs in, if not the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cwd: Option<String>,
    /// Environment variables that are set for it. None of them is a secret.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "super::document::unique"
    )]
    environment: BTreeMap<String, String>,
    /// Names of environment variables that it has from the machine it runs on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inherit: Vec<String>,
    /// Secrets that it gets, by reference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credentials: Vec<CredentialReference>,
    /// How much it may use.
    #[serde(default)]
    limits: StepLimits,
    /// What is kept out of its reach.
    #[serde(default)]
    sandbox: Sandbox,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Call"))]
#[serde(deny_unknown_fields)]
struct CallForm {
    /// The tool's name, as the framework knows it.
    name: String,
    /// Its arguments.
    #[serde(default)]
    arguments: Value,
}

/// How much a command may use. What is not given is bounded by the executor's own defaults, which
/// may be stricter than any number here and then win.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct StepLimits {
    /// Seconds from its start to its end; past them it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_seconds: Option<u64>,
    /// Seconds of processor time, of each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u64>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processes and threads at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Files open at one time, in each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Bytes that one file it writes may grow to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Bytes of output, both streams together, past which it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// Seconds between asking it to end and killing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
}

/// What is kept out of a command's reach. What is asked for and cannot be had is an error, never a
/// silent downgrade, unless `best_effort` says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Sandbox {
    /// Whether it has no network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_network: bool,
    /// What of the file system it may touch; everything that its user may where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FileAccess>,
    /// Whether system calls are denied that no ordinary tool needs (mount, ptrace, kexec, ...).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub system_calls: bool,
    /// Whether it must not run as root.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub non_root: bool,
    /// Whether it runs, and says so, where some of this cannot be had.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub best_effort: bool,
}

/// Which parts of the file system a command may touch: absolute paths, each with all below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FileAccess {
    /// It may read and execute there, beside what every program needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// It may read and write there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
}

impl Command {
    /// A command for an action, with nothing else said.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self {
            action,
            cwd: None,
            environment: BTreeMap::new(),
            inherit: Vec::new(),
            credentials: Vec::new(),
            limits: StepLimits::default(),
            sandbox: Sandbox::default(),
        }
    }

    /// A program with its arguments.
    #[must_use]
    pub fn argv(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::new(Action::Argv(words.into_iter().map(Into::into).collect()))
    }

    /// Source text for a shell.
    #[must_use]
    pub fn shell(text: impl Into<String>) -> Self {
        Self::new(Action::Shell(text.into()))
    }

    /// The same command in an absolute directory.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// The same command with an environment variable set.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The same command with a variable of the machine it runs on.
    #[must_use]
    pub fn inherit(mut self, name: impl Into<String>) -> Self {
        self.inherit.push(name.into());
        self
    }

    /// The same command with a secret.
    #[must_use]
    pub fn credential(mut self, reference: CredentialReference) -> Self {
        self.credentials.push(reference);
        self
    }

    /// The same command with other limits.
    #[must_use]
    pub fn limits(mut self, limits: StepLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same command in a sandbox.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// As a person would type it. For people only: nothing is decided by it and nothing runs it.
    #[must_use]
    pub fn typed(&self) -> String {
        match &self.action {
            Action::Shell(text) => text.clone(),
            Action::Argv(words) => {
                let words: Vec<_> =
                    words.iter().enumerate().map(|(place, word)| typed(word, place)).collect();
                words.join(" ")
            }
            Action::Call { name, arguments } => format!("{name} {arguments}"),
        }
    }
}

/// A word as a person would type it: without quotes where it needs none. An equals sign needs them
/// in the first word only, where it would set a variable.
fn typed(word: &str, place: usize) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+:,./-".contains(c) || (place > 0 && c == '=');
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { shell_words::quote(word) }
}

impl TryFrom<Form> for Command {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        let Form { argv, shell, call, cwd, environment, inherit, credentials, limits, sandbox } = form;
        let action = match (argv, shell, call) {
            (Some(words), None, None) => Action::Argv(words),
            (None, Some(text), None) => Action::Shell(text),
            (None, None, Some(CallForm { name, arguments })) => Action::Call { name, arguments },
            (None, None, None) => return Err("a command has one of `argv`, `shell` and `call`"),
            _ => return Err("a command has only one of `argv`, `shell` and `call`"),
        };
        Ok(Self { action, cwd, environment, inherit, credentials, limits, sandbox })
    }
}

impl From<Command> for Form {
    fn from(command: Command) -> Self {
        let Command { action, cwd, environment, inherit, credentials, limits, sandbox } = command;
        let (mut argv, mut shell, mut call) = (None, None, None);
        match action {
            Action::Argv(words) => argv = Some(words),
            Action::Shell(text) => shell = Some(text),
            Action::Call { name, arguments } => call = Some(CallForm { name, arguments }),
        }
        Self { argv, shell, call, cwd, environment, inherit, credentials, limits, sandbox }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Command {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <Form as schemars::JsonSchema>::json_schema(generator)
    }
}
