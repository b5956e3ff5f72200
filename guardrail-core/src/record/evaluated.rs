//! The record of an evaluation: what was asked and what the answer was, so that the same can be
//! asked again under other rules.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Record, Verdict};
use crate::evaluation::{Decision, Evaluation, PolicyDigest, Reason, Shadow};
use crate::request::{Action, Facts, Request};

/// What the record of an evaluation has in its [details](Record::details): the circumstances that
/// have no column, and what a policy would have said that is only tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvaluationDetails {
    /// Whether [`Record::arguments`] are those of a named tool call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub call: bool,
    /// The skill on whose behalf the agent acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// When the request was made, as its caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// What the caller knew.
    #[serde(skip_serializing_if = "is_default")]
    pub facts: Facts,
    /// What the policy said that is only tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowVerdict>,
}

/// What a policy that is only tried said about one request, in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShadowVerdict {
    /// The policy, by its digest; `None` where it could not be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDigest>,
    /// What it would have decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Verdict>,
    /// The rule or setting by which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Whether that is something else than what was decided: another decision, or another
    /// approval.
    pub changes: bool,
    /// Whether it would have let more through, or asked for less.
    pub looser: bool,
    /// Why it could not be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Record {
    /// What was asked, and what the answer was.
    ///
    /// ```
    /// use guardrail_core::record::{Record, Verdict};
    /// use guardrail_core::{Guard, Request};
    ///
    /// let request = Request::shell("git status").cwd("/home/dev/project");
    /// let record = Record::evaluation(&request, &Guard::new().evaluate(&request));
    /// assert_eq!(record.tool.as_deref(), Some("git"));
    /// assert_eq!(record.decision, Some(Verdict::Allow));
    /// assert_eq!(record.request(), Some(request));
    /// ```
    #[must_use]
    pub fn evaluation(request: &Request, evaluation: &Evaluation) -> Self {
        let arguments = match &request.action {
            Action::Shell(_) => None,
            Action::Argv(words) => Some(Value::from(words.clone())),
            Action::Call { arguments, .. } => Some(arguments.clone()),
        };
        let tools = evaluation.invocations.iter().filter_map(|invocation| invocation.tool.as_deref());
        let targets = evaluation.effects.iter().filter_map(|effect| effect.target.as_deref());
        let details = EvaluationDetails {
            call: matches!(request.action, Action::Call { .. }),
            skill: request.skill.clone(),
            time: request.time,
            facts: request.facts.clone(),
            shadow: evaluation.shadow.as_deref().map(|shadow| ShadowVerdict::new(shadow, evaluation)),
        };
        Self {
            action: Some(request.action.typed()),
            arguments,
            tool: listed(tools),
            resource: listed(targets),
            actor: request.actor.clone(),
            session: request.session.clone(),
            channel: request.channel.clone(),
            cwd: request.cwd.clone(),
            reason: request.reason.clone(),
            risk: Some(evaluation.risk),
            decision: Some(Verdict::from(&evaluation.decision)),
            rule: match evaluation.ruling.reasons.first() {
                Some(reason) => Some(reason.rule.clone()),
                None => evaluation.findings.first().map(|finding| finding.rule.to_string()),
            },
            details: Some(details).filter(|details| !is_default(details)).and_then(|details| {
                // What cannot be written as JSON cannot be in these types.
                serde_json::to_value(details).ok()
            }),
            ..Self::new(Kind::Evaluation)
        }
    }

    /// What the record of an evaluation has in its details; `None` for any other record, and where
    /// they cannot be read.
    #[must_use]
    pub fn evaluation_details(&self) -> Option<EvaluationDetails> {
        match &self.details {
            _ if self.kind != Kind::Evaluation => None,
            None => Some(EvaluationDetails::default()),
            Some(details) => EvaluationDetails::deserialize(details).ok(),
        }
    }

    /// The request that an evaluation was recorded of; `None` for any other record, and where it
    /// cannot be told. Where a secret was in it, there is what stands in its place in the log.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let details = self.evaluation_details()?;
        let action = self.action.clone()?;
        let action = match &self.arguments {
            Some(arguments) if details.call => Action::Call { name: action, arguments: arguments.clone() },
            None if details.call => Action::Call { name: action, arguments: Value::Null },
            None => Action::Shell(action),
            Some(Value::Array(words)) => Action::Argv(
                words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            ),
            Some(arguments) => Action::Call { name: action, arguments: arguments.clone() },
        };
        Some(Request {
            actor: self.actor.clone(),
            channel: self.channel.clone(),
            session: self.session.clone(),
            skill: details.skill,
            time: details.time,
            cwd: self.cwd.clone(),
            reason: self.reason.clone(),
            facts: details.facts,
            ..Request::new(action)
        })
    }
}

impl ShadowVerdict {
    fn new(shadow: &Shadow, evaluation: &Evaluation) -> Self {
        match shadow {
            Shadow::Failed { reason } => Self { failed: Some(reason.clone()), ..Self::default() },
            Shadow::Said { policy, decision, reasons } => Self {
                policy: Some(*policy),
                decision: Some(Verdict::from(decision)),
                rule: reasons.first().map(|Reason { rule, .. }| rule.clone()),
                changes: *decision != evaluation.decision,
                looser: decision.is_looser_than(&evaluation.decision),
                failed: None,
            },
        }
    }
}

impl From<&Decision> for Verdict {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Ask(_) => Self::Ask,
            Decision::Deny => Self::Deny,
        }
    }
}

/// Distinct words in their order, joined by commas; `None` where there is none.
fn listed<'t>(words: impl Iterator<Item = &'t str>) -> Option<String> {
    let mut seen: Vec<&str> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    (!seen.is_empty()).then(|| seen.join(","))
}
