//! A plan as it is written down: what an agent proposes, before anybody has looked at it.
//!
//! These types are read from JSON and YAML, strictly, and built in code by
//! [`Plan::builder`](super::Plan). They hold no secret: credentials are references.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::command::Command;

/// What an agent wants to do, step by step, with the checks before and after and the way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is, in a few words.
    pub title: String,
    /// Why, in the agent's own words. Shown to people, never believed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What is touched and who depends on it, as far as the agent knows: beside what is found out
    /// about the commands, never in place of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub impact: String,
    /// The absolute directory in which commands run that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Values that a reviewer may change on the spot; `{{name}}` in a command stands for one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "unique")]
    pub parameters: BTreeMap<String, Parameter>,
    /// What must hold before the first step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preflight: Vec<Check>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// What must hold behind the last step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<Check>,
    /// What is watched once it has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// The way back that the whole plan has, beside those of its steps; it is run behind theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// How long its parts may take.
    #[serde(default)]
    pub times: Times,
    /// How long it is expected to take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<u64>,
}

/// One thing a plan does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is, in a few words.
    pub title: String,
    /// Why, in the agent's own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What runs.
    pub command: Command,
    /// What must hold right before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preflight: Vec<Check>,
    /// What of the state before it is kept, for the way back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<Capture>,
    /// What rehearses it without doing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<Command>,
    /// What must hold behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<Check>,
    /// How it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Why it cannot be undone, or not wholly. Saying so raises what the plan needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub irreversible: Option<String>,
    /// How long it is expected to take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<u64>,
}

/// A command that only reads, and what must be true of what it gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it looks at, in a few words.
    pub name: String,
    /// What runs. It must be [`Risk::Low`](crate::Risk::Low).
    pub command: Command,
    /// All of these must hold; with none, it must end with status 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expect>,
}

/// What must be true of what a command gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    /// It ends with this status. Where no expectation of a check names a status, 0 is expected.
    Exit(i32),
    /// Its standard output contains this text.
    Contains(String),
    /// Its standard output does not contain this text.
    Lacks(String),
    /// Its standard output matches this regular expression, anywhere; `(?m)` makes `^` and `$`
    /// those of a line.
    Matches(String),
    /// Its standard output is JSON, and what the pointer points at is this value.
    Json {
        /// An RFC 6901 pointer, such as `/status/readyReplicas`; empty for the whole.
        pointer: String,
        /// The value; numbers are compared as numbers.
        equals: Value,
    },
    /// A number is at least this.
    AtLeast {
        /// Where in JSON output it is; without it, the whole output is a number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pointer: Option<String>,
        /// The least that it may be.
        number: f64,
    },
    /// A number is at most this.
    AtMost {
        /// Where in JSON output it is; without it, the whole output is a number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pointer: Option<String>,
        /// The most that it may be.
        number: f64,
    },
}

/// A piece of the state before a step, kept for the way back and compared before the step runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// By which the step's rollback refers to it: `{{captured.NAME}}`.
    pub name: String,
    /// What runs. It must be [`Risk::Low`](crate::Risk::Low).
    pub command: Command,
    /// The part of JSON output that is kept, as an RFC 6901 pointer; without it, the whole output
    /// but for white space at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<String>,
    /// Whether the plan is stale when it is another value right before the step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// How something is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// How, in a few words.
    pub method: String,
    /// What runs, in this order. It is judged and approved with the plan.
    pub commands: Vec<Command>,
    /// Whether it is for a step that did what it should, and for no other: what takes back a creation
    /// would delete what a refused one found there. A plan's own way back cannot have this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_if_done: bool,
    /// How long it is thought to take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_seconds: Option<u64>,
    /// What must hold once it is undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verification: Vec<Check>,
}

/// What is watched for a while once a plan has succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// How long, in seconds.
    pub window_seconds: u64,
    /// How long between two rounds, in seconds; at least 1.
    pub every_seconds: u64,
    /// What must hold in every round.
    pub checks: Vec<Check>,
}

/// How long an approval may take and stays valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Times {
    /// How long approvers have to answer, in seconds.
    pub approval_seconds: u64,
    /// How long a complete approval may wait to be used, in seconds. The first step has to start
    /// within it; so has every later one, counted from the end of the step before.
    pub valid_seconds: u64,
}

impl Default for Times {
    /// An hour to answer, and a quarter of an hour to use the answer.
    fn default() -> Self {
        Self { approval_seconds: 3600, valid_seconds: 900 }
    }
}

/// A value that a reviewer may change without asking the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// A number, a text or a truth value.
    pub value: Value,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The least that a number may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The most that a number may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// The only values it may have, where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
}

/// A text that is no plan.
#[derive(Debug, thiserror::Error)]
#[error("the plan cannot be read: {0}")]
pub struct DocumentError(pub(super) String);

/// A map in which no key stands twice: a reader who sees the first value must not get the last.
pub(super) fn unique<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Unique<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = entries.next_entry::<String, V>()? {
                if map.contains_key(&key) {
                    return Err(serde::de::Error::custom(format_args!("the key `{key}` stands twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}

impl Plan {
    /// A plan without steps, to be filled: its fields are there to be set.
    ///
    /// ```
    /// use guardrail_core::plan::{Check, Command, Plan, Rollback, Step};
    ///
    /// let restart = Step::new("Restart it", Command::argv(["systemctl", "restart", "api"]))
    ///     .behind(Check::new("it runs", Command::argv(["systemctl", "is-active", "api"])))
    ///     .undone_by(Rollback::new("start it", [Command::argv(["systemctl", "start", "api"])]));
    /// let plan = Plan::new("Restart the API").reason("it hangs").cwd("/").step(restart);
    /// assert_eq!(Plan::from_json(&plan.to_json())?, plan);
    /// # Ok::<(), guardrail_core::plan::DocumentError>(())
    /// ```
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            reason: String::new(),
            impact: String::new(),
            cwd: None,
            parameters: BTreeMap::new(),
            preflight: Vec::new(),
            steps: Vec::new(),
            post: Vec::new(),
            monitor: None,
            rollback: None,
            times: Times::default(),
            expected_seconds: None,
        }
    }

    /// Reads a plan, strictly: a key that is not known is an error.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] with the place where it stops being a plan.
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        serde_json::from_str(text).map_err(|error| DocumentError(error.to_string()))
    }

    /// The plan as JSON that a person can read.
    #[must_use]
    pub fn to_json(&self) -> String {
        // No plan fails to serialise: all keys are texts.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The same plan with the agent's reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// The same plan in an absolute directory.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// The same plan with a value that a reviewer may change.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, parameter: Parameter) -> Self {
        self.parameters.insert(name.into(), parameter);
        self
    }

    /// The same plan with one more check before its first step.
    #[must_use]
    pub fn before(mut self, check: Check) -> Self {
        self.preflight.push(check);
        self
    }

    /// The same plan with one more step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The same plan with one more check behind its last step.
    #[must_use]
    pub fn behind(mut self, check: Check) -> Self {
        self.post.push(check);
        self
    }

    /// The same plan, watched once it has succeeded.
    #[must_use]
    pub fn watched(mut self, monitor: Monitor) -> Self {
        self.monitor = Some(monitor);
        self
    }

    /// The same plan with a way back of its own.
    #[must_use]
    pub fn undone_by(mut self, rollback: Rollback) -> Self {
        self.rollback = Some(rollback);
        self
    }
}

impl Step {
    /// The same step with one more check before it.
    #[must_use]
    pub fn before(mut self, check: Check) -> Self {
        self.preflight.push(check);
        self
    }

    /// The same step with one more check behind it.
    #[must_use]
    pub fn behind(mut self, check: Check) -> Self {
        self.post.push(check);
        self
    }

    /// The same step with a way back.
    #[must_use]
    pub fn undone_by(mut self, rollback: Rollback) -> Self {
        self.rollback = Some(rollback);
        self
    }

    /// A step that runs a command, with nothing around it.
    #[must_use]
    pub fn new(title: impl Into<String>, command: Command) -> Self {
        Self {
            title: title.into(),
            reason: String::new(),
            command,
            preflight: Vec::new(),
            captures: Vec::new(),
            dry_run: None,
            post: Vec::new(),
            rollback: None,
            irreversible: None,
            expected_seconds: None,
        }
    }
}

impl Check {
    /// A check that a command ends with status 0.
    #[must_use]
    pub fn new(name: impl Into<String>, command: Command) -> Self {
        Self { name: name.into(), command, expect: Vec::new() }
    }

    /// The same check with one more thing to hold.
    #[must_use]
    pub fn expect(mut self, expect: Expect) -> Self {
        self.expect.push(expect);
        self
    }
}

impl Rollback {
    /// A way back by commands, without an estimate and without verification.
    #[must_use]
    pub fn new(method: impl Into<String>, commands: impl IntoIterator<Item = Command>) -> Self {
        Self {
            method: method.into(),
            commands: commands.into_iter().collect(),
            only_if_done: false,
            estimated_seconds: None,
            verification: Vec::new(),
        }
    }

    /// The same way back, for a step that did what it should alone.
    #[must_use]
    pub fn only_if_done(mut self) -> Self {
        self.only_if_done = true;
        self
    }

    /// The same way back with one more check that it is undone.
    #[must_use]
    pub fn verified_by(mut self, check: Check) -> Self {
        self.verification.push(check);
        self
    }
}
