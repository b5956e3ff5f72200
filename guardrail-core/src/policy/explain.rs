//! Which rule decided, which layer it stands in, and why the others did not.

use std::fmt;

use guardrail_schema::Risk;

use crate::effect::Analysis;
use crate::evaluation::{Decision, Evaluation, Finding};
use crate::policy::Policy;
use crate::policy::facet::{Facet, Slot, Value};
use crate::policy::rule::Condition;
use crate::policy::scene::{Act, Scene};
use crate::policy::truth::Truth;
use crate::policy::weigh::{By, Scale};
use crate::request::Request;

/// What a policy made of a request, part by part.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The evaluation, with the ruling.
    pub evaluation: Evaluation,
    /// Each part of the request, in the order found.
    pub acts: Vec<ActExplanation>,
}

/// What a policy made of one part of a request: an invocation with one of its effects.
#[derive(Clone, Debug)]
pub struct ActExplanation {
    /// What it is, in words: `kubectl delete: delete`.
    pub what: String,
    /// What is known of it: facet and value, without those it has none of.
    pub facets: Vec<(&'static str, String)>,
    /// Its risk by the rubric.
    pub risk: Risk,
    /// What was decided about it.
    pub decision: Decision,
    /// The rules and settings that bore upon it, each with what it says.
    pub grounds: Vec<String>,
    /// Every rule, and whether it matches.
    pub rules: Vec<RuleExplanation>,
}

/// Whether a rule matches one part of a request, and if not, why.
#[derive(Clone, Debug)]
pub struct RuleExplanation {
    /// The rule's name.
    pub rule: String,
    /// The layer it stands in.
    pub layer: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Whether it matches.
    pub matches: Verdict,
    /// The conditions in the way, each with what stands there.
    pub because: Vec<String>,
}

/// Whether a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It depends on something that cannot be known.
    Unknown,
}

impl From<Truth> for Verdict {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self::Yes,
            Truth::False => Self::No,
            Truth::Unknown => Self::Unknown,
        }
    }
}

impl Policy {
    /// What it makes of each part of a request.
    pub(crate) fn explain(
        &self,
        request: &Request,
        analysis: &Analysis<'_, '_>,
        findings: &[Finding],
    ) -> Vec<ActExplanation> {
        let scene = self.scene(request, analysis, findings);
        let mut scale = Scale::new(self, &scene);
        let acts = scene.acts.iter().map(|act| {
            let weighed = scale.act(act);
            let rules = self.rules().iter().map(|rule| {
                let truth = rule.holds(&scene, act);
                let conditions = rule.conditions.iter().filter_map(|condition| {
                    let own = condition.holds(&scene, act, rule.side());
                    let is = shown(&scene, act, condition);
                    match own {
                        Truth::True => None,
                        Truth::False => Some(format!("{} is {is}", condition.key())),
                        Truth::Unknown => Some(format!("{} cannot be known ({is})", condition.key())),
                    }
                });
                let mut because: Vec<String> = conditions.collect();
                if truth == Truth::Unknown && because.is_empty() {
                    because.push("whether this happens at all cannot be known".into());
                }
                RuleExplanation {
                    rule: rule.name.clone(),
                    layer: self.layer_name(Some(rule.layer)),
                    says: rule.says.as_str(),
                    matches: truth.into(),
                    because,
                }
            });
            let grounds = weighed.grounds.iter().map(|ground| {
                let (name, layer) = match &ground.by {
                    By::Rule(rule) => (rule.name.as_str(), Some(rule.layer)),
                    By::Setting(key, layer) => (*key, *layer),
                };
                let doubt = if ground.unknown { ", hanging on something unknown" } else { "" };
                format!("{name} ({}) says {}{doubt}", self.layer_name(layer), ground.says.as_str())
            });
            ActExplanation {
                what: what(&scene, act),
                facets: known(&scene, act),
                risk: act.risk,
                grounds: grounds.collect(),
                decision: weighed.decision,
                rules: rules.collect(),
            }
        });
        acts.collect()
    }
}

fn what(scene: &Scene<'_>, act: &Act<'_>) -> String {
    if act.rest {
        return "what belongs to no command".into();
    }
    let mut words = Vec::new();
    for facet in [Facet::Tool, Facet::Command] {
        match scene.slot(act, facet) {
            Slot::Nothing => {}
            slot => words.push(text(slot)),
        }
    }
    if words.is_empty() {
        words.push(match scene.slot(act, Facet::CallName) {
            Slot::One(name) => lossy(name),
            _ => "the shell".into(),
        });
    }
    let effect = act.effect.map_or("no effect of its own", |effect| effect.as_str());
    format!("{}: {effect}", words.join(" "))
}

fn known(scene: &Scene<'_>, act: &Act<'_>) -> Vec<(&'static str, String)> {
    let shown = Facet::ALL.iter().filter(|facet| !matches!(scene.slot(act, **facet), Slot::Nothing));
    shown.map(|facet| (facet.as_str(), text(scene.slot(act, *facet)))).collect()
}

/// What stands where a condition looks.
pub(super) fn shown(scene: &Scene<'_>, act: &Act<'_>, condition: &Condition) -> String {
    match condition {
        Condition::Texts(facet, _) => text(scene.slot(act, *facet)),
        Condition::Paths(_) => text(scene.slot(act, Facet::Target)),
        Condition::Time(_) => scene.time.map_or("unknown".into(), |time| time.to_rfc3339()),
        Condition::Argument(pointer, _) => match scene.arguments.and_then(|all| all.pointer(pointer)) {
            Some(value) => value.to_string(),
            None => "nothing".into(),
        },
    }
}

fn text(slot: &Slot<'_>) -> String {
    match slot {
        Slot::Nothing => "nothing".into(),
        Slot::Unknown => "unknown".into(),
        Slot::Every => "all of them".into(),
        Slot::Alias(one, other) => {
            format!("{} ({})", String::from_utf8_lossy(other), String::from_utf8_lossy(one))
        }
        Slot::Path(forms) => forms.to_string(),
        slot => slot.values().iter().map(lossy).collect::<Vec<_>>().join(", "),
    }
}

fn lossy(value: &Value<'_>) -> String {
    let prefix = String::from_utf8_lossy(&value.prefix);
    match &value.suffix {
        None => prefix.into_owned(),
        Some(suffix) => format!("{prefix}…{}", String::from_utf8_lossy(suffix)),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "decision: {}", self.evaluation.decision.as_str())?;
        for reason in &self.evaluation.ruling.reasons {
            let doubt = if reason.unknown { ", hanging on something unknown" } else { "" };
            write!(f, "  {} ({}) says {}{doubt}", reason.rule, reason.layer, reason.says)?;
            match &reason.reason {
                Some(why) => writeln!(f, ": {why}")?,
                None => writeln!(f)?,
            }
            if let Some(instead) = &reason.instead {
                writeln!(f, "    instead: {instead}")?;
            }
        }
        if self.evaluation.ruling.reasons.is_empty() {
            writeln!(f, "  by the rubric: {}", self.evaluation.risk)?;
        }
        for warning in &self.evaluation.ruling.warnings {
            writeln!(f, "  warning: {warning}")?;
        }
        for act in &self.acts {
            writeln!(f, "\n{} ({}): {}", act.what, act.risk, act.decision.as_str())?;
            for (facet, value) in &act.facets {
                writeln!(f, "    {facet} = {value}")?;
            }
            for ground in &act.grounds {
                writeln!(f, "  {ground}")?;
            }
            for rule in &act.rules {
                let name = format_args!("{} ({}, {})", rule.rule, rule.layer, rule.says);
                match rule.matches {
                    Verdict::Yes => writeln!(f, "  matches: {name}")?,
                    Verdict::No => writeln!(f, "  does not match: {name}: {}", rule.because.join("; "))?,
                    Verdict::Unknown => writeln!(f, "  may match: {name}: {}", rule.because.join("; "))?,
                }
            }
        }
        Ok(())
    }
}
