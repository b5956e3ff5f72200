//! The JSON line that answers a request.

use std::borrow::Cow;

use guardrail::record::Timestamp;
use guardrail::redact::Redactor;
use guardrail::{Approval, Decision, EffectKind, Evaluation, Fact, Finding, Problem, Risk, Ruling, Shadow};
use guardrail_core::quota::QuotaRefusal;
use serde::Serialize;
use serde_json::Value;

/// An answer, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The evaluation in short.
    Evaluated(Box<Evaluated>),
    /// The line was no request.
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        error: Cow<'static, str>,
    },
}

/// The evaluation in short.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluated {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    risk: Risk,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    /// Why it is denied although the policy lets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
    #[serde(skip_serializing_if = "Ruling::is_plain")]
    ruling: Ruling,
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<Box<Shadow>>,
    unknown: bool,
    findings: Vec<Finding>,
    effects: Vec<Effect>,
    /// The decoded command words; `null` where one cannot be known.
    programs: Vec<Option<String>>,
    problems: Vec<Problem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wanted: Vec<Fact>,
}

/// That a quota or the emergency stop refused it.
#[derive(Debug, Serialize)]
struct Refused {
    /// `stopped`, `spent` or `unavailable`.
    by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Timestamp>,
    message: String,
}

#[derive(Debug, Serialize)]
struct Effect {
    kind: EffectKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Answer {
    /// The answer to a line that is no request.
    pub(crate) const fn error(id: Option<Value>, error: Cow<'static, str>) -> Self {
        Self::Error { id, error }
    }
}

/// Makes answers out of evaluations.
#[derive(Debug, Default)]
pub(crate) struct Answerer {
    redactor: Redactor,
}

impl Answerer {
    /// The answer to a request that the policy let through, or would have asked about, and that was
    /// refused.
    pub(crate) fn refused(
        &self,
        id: Option<Value>,
        evaluation: Evaluation,
        refusal: &QuotaRefusal,
    ) -> Answer {
        let quota = match refusal {
            QuotaRefusal::Spent { quota, .. } => Some(quota.clone()),
            _ => None,
        };
        let message = self.redactor.redact(&refusal.to_string()).into_owned();
        let (by, retry_at) = (refusal.as_str(), refusal.retry_at());
        let mut answer = self.answer(id, Evaluation { decision: Decision::Deny, ..evaluation });
        if let Answer::Evaluated(evaluated) = &mut answer {
            evaluated.refused = Some(Refused { by, quota, retry_at, message });
        }
        answer
    }

    /// The answer to a request. The program names are what the shell would start, letter for
    /// letter; everything else is for people and logs, and holds no secrets.
    pub(crate) fn answer(&self, id: Option<Value>, evaluation: Evaluation) -> Answer {
        let programs = evaluation.programs().map(|program| program.map(str::to_owned)).collect();
        let decision = evaluation.decision.as_str();
        let approval = match evaluation.decision {
            Decision::Ask(approval) => Some(approval),
            Decision::Allow | Decision::Deny => None,
        };
        let mut findings = evaluation.findings;
        for finding in &mut findings {
            self.redact(&mut finding.message);
            if let Some(instead) = &mut finding.instead {
                self.redact(instead);
            }
        }
        let mut problems = evaluation.problems;
        for problem in &mut problems {
            self.redact(&mut problem.message);
        }
        let effects = evaluation.effects.into_iter().map(|effect| Effect {
            kind: effect.kind,
            target: effect.target.map(|target| self.redactor.redact(&target).into_owned()),
        });
        Answer::Evaluated(Box::new(Evaluated {
            id,
            risk: evaluation.risk,
            decision,
            approval,
            refused: None,
            ruling: evaluation.ruling,
            shadow: evaluation.shadow,
            unknown: evaluation.unknown,
            findings,
            effects: effects.collect(),
            programs,
            problems,
            wanted: evaluation.wanted,
        }))
    }

    fn redact(&self, text: &mut Cow<'static, str>) {
        // A text of the program's own holds nothing of the requester's.
        if let Cow::Owned(owned) = text
            && let Cow::Owned(redacted) = self.redactor.redact(owned)
        {
            *owned = redacted;
        }
    }
}
