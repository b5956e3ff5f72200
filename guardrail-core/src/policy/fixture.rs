//! Requests with the decision that a policy should make of them: how a policy is tested before it
//! bites.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluation::{Decision, Evaluation};
use crate::policy::model::{Example, Says};
use crate::policy::problem::{PolicyError, PolicyProblem, Severity};
use crate::policy::{Layer, Policy, PolicyBuilder};
use crate::request::Request;

/// A file of fixtures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fixtures {
    /// The policy that they are about, each layer as TOML by its name; without it the policy is
    /// given beside the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, String>,
    /// The requests.
    #[serde(rename = "row")]
    pub rows: Vec<Fixture>,
}

/// A request and what should come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The request.
    pub request: Example,
    /// The decision.
    pub decision: Says,
    /// The rule or setting that decides, where one should; empty for the rubric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How many people are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<u8>,
    /// Whether a rehearsal is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Whether the ruling warns of something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warns: Option<bool>,
    /// Why it should be so.
    pub why: String,
}

/// A fixture that did not come out.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Its place in the file, from 0.
    pub row: usize,
    /// What is different.
    pub wrong: String,
}

impl Fixtures {
    /// Reads a file, as TOML.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] where it is no TOML, or has other keys.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        toml::from_str(text).map_err(|error| {
            PolicyError::new(vec![PolicyProblem {
                severity: Severity::Error,
                layer: Layer::User,
                place: "fixtures".into(),
                span: error.span(),
                message: error.message().trim_end().replace('\n', ", "),
                help: None,
                text: text.into(),
                way: None,
            }])
        })
    }

    /// A builder with the file's own layers, if it has any.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] where a layer cannot be read, or is none of the four.
    pub fn builder(&self) -> Result<PolicyBuilder, PolicyError> {
        let mut builder = Policy::builder();
        for (name, text) in &self.layers {
            let Some(layer) = Layer::from_name(name) else {
                return Err(PolicyError::new(vec![PolicyProblem {
                    severity: Severity::Error,
                    layer: Layer::User,
                    place: format!("layers.{name}"),
                    span: None,
                    message: "a layer is one of built-in, organisation, user and project".into(),
                    help: None,
                    text: "".into(),
                    way: None,
                }]));
            };
            builder = builder.layer(layer, text)?;
        }
        Ok(builder)
    }

    /// Evaluates every request and tells which come out otherwise.
    pub fn run(&self, evaluate: impl Fn(&Request) -> Evaluation) -> Vec<Mismatch> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(row, fixture)| {
            let wrong = match fixture.request.request() {
                Some(request) => fixture.wrong(&evaluate(&request)),
                None => vec!["a request has exactly one of `run`, `argv` and `call`".into()],
            };
            (!wrong.is_empty()).then(|| Mismatch { row, wrong: wrong.join("; ") })
        })
        .collect()
    }
}

impl Fixture {
    fn wrong(&self, evaluation: &Evaluation) -> Vec<String> {
        let mut wrong = Vec::new();
        let decision = evaluation.decision.as_str();
        if decision != self.decision.as_str() {
            wrong.push(format!("the decision is {decision}, not {}", self.decision.as_str()));
        }
        let first = evaluation.ruling.reasons.first().map_or("", |reason| reason.rule.as_str());
        let decides = |rule: &String| match rule.as_str() {
            "" => first.is_empty(),
            rule => evaluation.ruling.reasons.iter().any(|reason| reason.rule == rule),
        };
        if let Some(rule) = self.rule.as_ref().filter(|rule| !decides(rule)) {
            let found = if first.is_empty() { "the rubric" } else { first };
            wrong.push(format!("{found} decides, not {}", if rule.is_empty() { "the rubric" } else { rule }));
        }
        let approval = match &evaluation.decision {
            Decision::Ask(approval) => Some(approval),
            Decision::Allow | Decision::Deny => None,
        };
        let approvers = approval.map_or(0, |approval| approval.approvers);
        if let Some(wanted) = self.approvers.filter(|wanted| *wanted != approvers) {
            wrong.push(format!("{approvers} people are asked, not {wanted}"));
        }
        let dry_run = approval.is_some_and(|approval| approval.dry_run);
        if self.dry_run.is_some_and(|wanted| wanted != dry_run) {
            wrong.push(if dry_run { "a rehearsal is asked for" } else { "no rehearsal is asked for" }.into());
        }
        let warns = !evaluation.ruling.warnings.is_empty();
        if self.warns.is_some_and(|wanted| wanted != warns) {
            wrong.push(if warns { "the ruling warns" } else { "the ruling does not warn" }.into());
        }
        wrong
    }
}
