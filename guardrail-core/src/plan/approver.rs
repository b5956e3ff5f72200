//! Who is asked: the trait, the question, what may be replied, and a vote.
//!
//! Asking and voting are two things. An [`Approver`] delivers a [`Question`] and may come back
//! with a [`Reply`]; the reply of an authenticated principal becomes a [`Vote`], which the plan's
//! machine records. A vote may as well arrive later, by another door, after a restart.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::demands::Need;
use super::{Digest, PlanId, namesake};
use crate::record::Timestamp;
use crate::{Evaluation, Risk};

/// Delivers questions to somebody who may say yes.
///
/// An implementation must hold that
///
/// * a [`Reply`] names the principal that it authenticated, never one that the text claims;
/// * silence, a lost channel and an answer that it does not understand are their own outcomes
///   ([`Asked`]), and none of them is a yes;
/// * what it cannot show whole it does not take a yes for: [`Reply::shown`] is the digest of the
///   text that the person saw.
#[async_trait]
pub trait Approver: Send + Sync {
    /// Its name for people and records, such as `terminal`.
    fn name(&self) -> &str;

    /// Delivers a question, and waits for the answer where answers come back this way.
    async fn ask(&self, question: &Question) -> Asked;
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Asked {
    /// Somebody answered.
    Replied(Reply),
    /// It was delivered; the answer will be recorded by another door.
    Delivered,
    /// Nobody answered in time.
    TimedOut,
    /// It could not be delivered; why, in a sentence.
    NoChannel(String),
    /// What came back is no answer; what is wrong with it, in a sentence.
    Malformed(String),
}

/// What a reviewer is asked. Everything in it is what the reviewer decides about, and
/// [`text`](Self::text) is all of it as one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its own id; a reply names it.
    pub id: Uuid,
    /// The plan.
    pub plan: PlanId,
    /// The revision, from 1.
    pub revision: u32,
    /// The digest of that revision: what a yes is to.
    pub digest: Digest,
    /// The plan's title, without secrets and with nothing invisible in it.
    pub title: String,
    /// The agent's reason, likewise.
    pub reason: String,
    /// The worst risk of its commands.
    pub risk: Risk,
    /// Who must say yes in all.
    pub need: Need,
    /// Who has said yes already.
    pub approved_by: Vec<Principal>,
    /// Who asks.
    pub requester: Principal,
    /// The owner of the session that asks, who may give the first yes and no later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// The whole plan for people: commands, risk, findings, impact and the way back, without
    /// secrets and with everything invisible written out.
    pub text: String,
    /// The digest of `text`. A reply carries it as the proof of what was shown.
    pub shown: Digest,
    /// Whether `text` is the whole plan. Where it had to be cut, nobody can say yes to it.
    pub complete: bool,
    /// One entry for each command, for approvers that draw their own picture.
    pub commands: Vec<QuestionCommand>,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it is too late to answer.
    pub answer_by: Timestamp,
}

/// One command, as a [`Question`] has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionCommand {
    /// Where it stands.
    pub slot: super::Slot,
    /// The command as a person would type it, without secrets.
    pub text: String,
    /// What was found out about it.
    pub evaluation: Evaluation,
}

/// What somebody answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The question.
    pub question: Uuid,
    /// Who, as the approver authenticated them.
    pub principal: Principal,
    /// The roles that they have, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What.
    pub say: Say,
    /// The digest of the text that they saw; [`Question::shown`] where they saw all of it.
    pub shown: Digest,
    /// When.
    pub at: Timestamp,
}

/// What a reviewer may say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Say {
    /// Yes; with a reason, if there is one.
    Approve(Option<String>),
    /// No; with a reason, if there is one. One no is enough.
    Reject(Option<String>),
    /// Why is this step as it is? From 1; `None` asks about the whole plan.
    Explain(Option<u32>),
    /// Use another value for a parameter. It makes a new revision, to which nobody has said yes.
    Change {
        /// The parameter.
        parameter: String,
        /// The value.
        value: Value,
    },
    /// Change something else, which goes back to the agent in these words.
    Revise(String),
    /// Show all of it.
    Show,
    /// Stop: cancel what waits, and finish what runs.
    Stop(Option<String>),
}

/// A yes or a no of an authenticated principal to one revision of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// Who, as somebody authenticated them.
    pub principal: Principal,
    /// The roles that they have, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Yes or no.
    pub choice: Choice,
    /// The question that was answered.
    pub question: Uuid,
    /// The digest of the revision that was voted on.
    pub digest: Digest,
    /// The digest of the text that was shown.
    pub shown: Digest,
    /// In which channel it came: the name of the approver.
    pub via: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Yes.
    Approve,
    /// No: a veto.
    Reject,
}

/// Somebody who asks or votes, as they were authenticated. Two are the same if both fields are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// What it is.
    pub kind: PrincipalKind,
    /// Its name, unique among its kind: an address, an account, a key's fingerprint.
    pub name: String,
}

/// What a [`Principal`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// A person.
    Person,
    /// A program that decides by rules: a standing grant, an automatic approver, a pipeline.
    Service,
    /// An agent, or its session. Agents never vote.
    Agent,
}

impl Principal {
    /// A person.
    #[must_use]
    pub fn person(name: impl Into<String>) -> Self {
        Self { kind: PrincipalKind::Person, name: name.into() }
    }

    /// A program that decides by rules.
    #[must_use]
    pub fn service(name: impl Into<String>) -> Self {
        Self { kind: PrincipalKind::Service, name: name.into() }
    }

    /// An agent.
    #[must_use]
    pub fn agent(name: impl Into<String>) -> Self {
        Self { kind: PrincipalKind::Agent, name: name.into() }
    }
}

impl Principal {
    /// Whether two names could be one and the same to a person or a directory: the kind, the case
    /// of letters, white space, what cannot be seen, and letters that look alike aside. Where
    /// somebody may vote once, namesakes count as one.
    ///
    /// ```
    /// use guardrail_core::plan::Principal;
    ///
    /// let anna = Principal::person("anna@example.com");
    /// assert!(anna.is_namesake(&Principal::service("\u{430}nna@EXAMPLE.com ")));
    /// assert!(!anna.is_namesake(&Principal::person("anne@example.com")));
    /// ```
    #[must_use]
    pub fn is_namesake(&self, other: &Self) -> bool {
        namesake::are_alike(&self.name, &other.name)
    }

    /// Whether nothing of its name can be seen. Such a principal never votes.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        namesake::is_blank(&self.name)
    }
}

impl std::fmt::Display for Principal {
    /// `person:anna@example.com`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            PrincipalKind::Person => "person",
            PrincipalKind::Service => "service",
            PrincipalKind::Agent => "agent",
        };
        write!(f, "{kind}:{}", self.name)
    }
}

impl Question {
    /// The reply of a principal to this question, who saw all of [`text`](Self::text).
    #[must_use]
    pub fn reply(&self, principal: Principal, say: Say, at: Timestamp) -> Reply {
        Reply { question: self.id, principal, roles: Vec::new(), say, shown: self.shown, at }
    }
}

impl Reply {
    /// The same reply of somebody who has these roles.
    #[must_use]
    pub fn with_roles(self, roles: Vec<String>) -> Self {
        Self { roles, ..self }
    }

    /// The vote that this reply to a question is; `None` where it is neither yes nor no.
    #[must_use]
    pub fn vote(&self, question: &Question, via: &str) -> Option<Vote> {
        let (choice, reason) = match &self.say {
            Say::Approve(reason) => (Choice::Approve, reason),
            Say::Reject(reason) => (Choice::Reject, reason),
            _ => return None,
        };
        Some(Vote {
            principal: self.principal.clone(),
            roles: self.roles.clone(),
            choice,
            question: self.question,
            digest: question.digest,
            shown: self.shown,
            via: via.to_owned(),
            reason: reason.clone(),
            at: self.at,
        })
    }
}
