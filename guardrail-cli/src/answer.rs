//! The JSON line that answers a request.

use std::borrow::Cow;

use guardrail::{Approval, Decision, EffectKind, Evaluation, Fact, Finding, Problem, Risk};
use serde::Serialize;
use serde_json::Value;

/// An answer, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The evaluation in short.
    Evaluated(Evaluated),
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
    unknown: bool,
    findings: Vec<Finding>,
    effects: Vec<Effect>,
    /// The decoded command words; `null` where one cannot be known.
    programs: Vec<Option<String>>,
    problems: Vec<Problem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wanted: Vec<Fact>,
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
#[derive(Debug)]
pub(crate) struct Answerer;

impl Answerer {
    pub(crate) const fn new() -> Self {
        Self
    }

    /// The answer to a request. What is said about it holds no secrets; what it names does.
    pub(crate) fn answer(&self, id: Option<Value>, evaluation: Evaluation) -> Answer {
        let programs = evaluation.programs().map(|program| program.map(str::to_owned)).collect();
        let approval = match evaluation.decision {
            Decision::Ask(approval) => Some(approval),
            Decision::Allow | Decision::Deny => None,
        };
        let effects = evaluation.effects.into_iter();
        Answer::Evaluated(Evaluated {
            id,
            risk: evaluation.risk,
            decision: evaluation.decision.as_str(),
            approval,
            unknown: evaluation.unknown,
            findings: evaluation.findings,
            effects: effects.map(|effect| Effect { kind: effect.kind, target: effect.target }).collect(),
            programs,
            problems: evaluation.problems,
            wanted: evaluation.wanted,
        })
    }
}
