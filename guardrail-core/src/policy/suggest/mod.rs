//! Rules that would have saved approvals: what people said yes to again and again, as narrow as a
//! rule can say it, tried on everything that is remembered.
//!
//! A suggestion is text for a person to read and to take over, and never takes effect by itself.
//! Whoever asks for the same harmless thing again and again earns a rule about just that thing:
//! what a rule cannot tell apart from something that nobody approved is not suggested.

mod shape;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use guardrail_schema::Risk;
use serde_json::Value;

use crate::effect::Analysis;
use crate::evaluation::{Decision, Finding};
use crate::policy::facet::{Facet, Facets};
use crate::policy::index::Found;
use crate::policy::load::Then;
use crate::policy::model::{RuleFile, Says};
use crate::policy::problem::PolicyError;
use crate::policy::rule::{Condition, Rule};
use crate::policy::scene::Scene;
use crate::policy::truth::Truth;
use crate::policy::{Layer, Policy, PolicyBuilder};
use crate::request::Request;
use shape::{Group, Key, Shape};

/// A request that is remembered, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Precedent {
    /// The request, as it was recorded.
    pub request: Request,
    /// What came of it.
    pub answer: Answer,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A person said yes.
    Yes {
        /// What they were asked, so that one yes to many things is one: a plan's name.
        question: String,
    },
    /// It was covered by a yes that a person gave beforehand: it may be freed, and is no reason to.
    Granted,
    /// It was refused, or a yes to it was taken back.
    No,
    /// Nobody answered, or that is not remembered.
    Unknown,
}

/// What [`Guard::suggest`](crate::Guard::suggest) found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestions {
    /// Rules to take over, those that save most first. All of them together were tried.
    pub rules: Vec<Suggestion>,
    /// What was approved often enough, and yet no rule is suggested for it.
    pub dropped: Vec<Dropped>,
    /// Why requests that were approved stand behind no rule: the reason, and how many of them.
    pub left_out: BTreeMap<String, usize>,
    /// Rules of the policy that allow, and allowed none of the requests.
    pub unused: Vec<UnusedRule>,
}

/// A rule that would have saved approvals.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The rule.
    pub rule: RuleFile,
    /// The same as TOML, to be put into a policy file. Nothing in it is invisible.
    pub text: String,
    /// How many questions it would have saved.
    pub saves: usize,
    /// What a person should know before they take it over.
    pub notes: Vec<String>,
}

/// Something that no rule is suggested for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// What it is, in words.
    pub what: String,
    /// Why not.
    pub reason: String,
}

/// A rule that allowed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedRule {
    /// Its name.
    pub rule: String,
    /// The layer it stands in.
    pub layer: &'static str,
}

/// A rule that is tried.
struct Candidate {
    suggestion: Suggestion,
    what: String,
}

/// What runs the stages before the policy.
type Stage<'s> = &'s dyn Fn(&Request, Then<'_>);

/// Finds rules; see [`Guard::suggest`](crate::Guard::suggest).
pub(crate) fn suggest(
    stage: Stage<'_>,
    layers: &PolicyBuilder,
    precedents: &[Precedent],
    least: usize,
) -> Result<Suggestions, PolicyError> {
    let least = least.max(1);
    let base = layers.clone().build()?;
    let mut suggestions = Suggestions::default();
    let groups = base.look_through(stage, precedents, &mut suggestions);
    let mut names: BTreeSet<String> = base.rules().iter().map(|rule| rule.name.clone()).collect();
    let mut candidates = Vec::new();
    for (key, group) in groups {
        if group.questions.len() < least {
            continue;
        }
        let what = key.what();
        match candidate(stage, layers, precedents, (&key, &group), least, &mut names) {
            Ok(suggestion) => candidates.push(Candidate { suggestion, what }),
            Err(reason) => suggestions.dropped.push(Dropped { what, reason }),
        }
    }
    let trial = Trial { stage, layers, base: &base, fit: Fit::new(precedents), precedents, least };
    trial.sift(candidates, &mut suggestions)?;
    suggestions.rules.sort_by_key(|rule| std::cmp::Reverse(rule.saves));
    Ok(suggestions)
}

impl Policy {
    /// Groups what was approved, and notes which rules are of no use.
    fn look_through(
        &self,
        stage: Stage<'_>,
        precedents: &[Precedent],
        suggestions: &mut Suggestions,
    ) -> BTreeMap<Key, Group> {
        let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
        let mut used: BTreeSet<u32> = BTreeSet::new();
        for (place, precedent) in precedents.iter().enumerate() {
            let request = &precedent.request;
            stage(request, &mut |analysis, findings| {
                let scene = self.scene_of(request, analysis, findings, Facets::ALL);
                self.mark(&scene, &mut used);
                let Answer::Yes { question } = &precedent.answer else { return };
                let asked = matches!(self.ask(request, analysis, findings), Decision::Ask(_));
                if !asked || worst(findings) != Risk::Medium {
                    return;
                }
                let shape = if is_hidden(request) {
                    Err("something in it was taken out before it was recorded".to_owned())
                } else {
                    Shape::of(&scene, analysis, findings)
                };
                match shape {
                    Ok(shape) => {
                        let group = groups.entry(shape.key).or_default();
                        group.targets.extend(shape.target);
                        group.notes.extend(shape.notes);
                        group.questions.insert(question.clone());
                        group.precedents.push(place);
                    }
                    Err(reason) => *suggestions.left_out.entry(reason).or_default() += 1,
                }
            });
        }
        let rules = self.rules().iter().zip(0_u32..);
        let idle =
            rules.filter(|(rule, id)| rule.says == Says::Allow && rule.place.is_some() && !used.contains(id));
        suggestions.unused = idle
            .map(|(rule, _)| UnusedRule { rule: rule.name.clone(), layer: self.layer_name(Some(rule.layer)) })
            .collect();
        groups
    }

    fn mark(&self, scene: &Scene<'_>, used: &mut BTreeSet<u32>) {
        let mut found = Found::default();
        for act in &scene.acts {
            self.index().candidates(self.rules(), scene, act, &mut found);
            let rules = found.rules.iter().filter_map(|id| Some((*id, self.rules().get(*id as usize)?)));
            used.extend(rules.filter(|(_, rule)| rule.holds(scene, act) == Truth::True).map(|(id, _)| id));
        }
    }

    fn ask(&self, request: &Request, analysis: &Analysis<'_, '_>, findings: &[Finding]) -> Decision {
        self.decide(request, analysis, findings, worst(findings)).0
    }
}

/// The rule of a group, if it can be loaded and its examples hold.
fn candidate(
    stage: Stage<'_>,
    layers: &PolicyBuilder,
    precedents: &[Precedent],
    (key, group): (&Key, &Group),
    least: usize,
    names: &mut BTreeSet<String>,
) -> Result<Suggestion, String> {
    let name = (1..).map(|n| key.name(n)).find(|name| !names.contains(name)).unwrap_or_default();
    let requests = group.precedents.iter().filter_map(|place| precedents.get(*place));
    let requests = requests.map(|precedent| &precedent.request);
    let json = key.rule(&name, group, least, requests)?;
    let text = write::rule(&json);
    let read = layers.clone().layer(Layer::User, &text).map_err(|error| error.to_string())?;
    // What is said is what was written, and nothing beside it.
    let rule: RuleFile = serde_json::from_value(Value::Object(json)).map_err(|error| error.to_string())?;
    if read.last_file().map(|file| file.rules.as_slice()) != Some(std::slice::from_ref(&rule)) {
        return Err("it cannot be written down so that it is read again".to_owned());
    }
    read.build().and_then(|policy| policy.try_examples(stage)).map_err(|error| error.to_string())?;
    names.insert(name);
    Ok(Suggestion { rule, text, saves: 0, notes: group.notes.iter().cloned().collect() })
}

/// Which requests may be freed: those that a person said yes to, and nobody ever no.
struct Fit(BTreeMap<String, bool>);

impl Fit {
    fn new(precedents: &[Precedent]) -> Self {
        let mut fit = BTreeMap::new();
        for precedent in precedents {
            let yes = match precedent.answer {
                Answer::Yes { .. } | Answer::Granted => true,
                Answer::No => false,
                Answer::Unknown => continue,
            };
            *fit.entry(identity(&precedent.request)).or_insert(true) &= yes;
        }
        Self(fit)
    }

    fn holds(&self, request: &Request) -> bool {
        !is_hidden(request) && self.0.get(&identity(request)) == Some(&true)
    }
}

/// What makes two requests the same to a rule: all but the session, the time and the reason.
fn identity(request: &Request) -> String {
    let Request { action, actor, channel, skill, cwd, facts, .. } = request;
    // A request is JSON, whatever is in it.
    serde_json::to_string(&(action, actor, channel, skill, cwd, facts)).unwrap_or_default()
}

/// Whether a part of it is not what was asked for, but what the log has in its place.
fn is_hidden(request: &Request) -> bool {
    let text = serde_json::to_string(request).unwrap_or_default();
    ["[redacted:", "[cut: "].iter().any(|mark| text.contains(mark))
}

fn worst(findings: &[Finding]) -> Risk {
    findings.iter().map(|finding| finding.risk).max().unwrap_or_default()
}

const HIDDEN: &str = "a request that was not approved, of which a part was taken out before it was recorded, may \
                      be one of these";

/// Candidates against everything that is remembered.
struct Trial<'t> {
    stage: Stage<'t>,
    layers: &'t PolicyBuilder,
    base: &'t Policy,
    fit: Fit,
    precedents: &'t [Precedent],
    least: usize,
}

/// What came of a trial: for each candidate why it may not stay, and which questions it saves.
#[derive(Default)]
struct Tried<'t> {
    faults: BTreeMap<String, String>,
    saved: BTreeMap<String, BTreeSet<&'t str>>,
}

impl<'t> Trial<'t> {
    /// Drops candidates until those that are left, all of them together, free nothing but what was
    /// approved. Rules that allow only ever loosen, so any of those that are left may be taken alone.
    fn sift(&self, mut left: Vec<Candidate>, suggestions: &mut Suggestions) -> Result<(), PolicyError> {
        while !left.is_empty() {
            let mut tried = self.run(&left)?;
            for Candidate { suggestion, .. } in &mut left {
                suggestion.saves = tried.saved.get(&suggestion.rule.name).map_or(0, BTreeSet::len);
                if suggestion.saves < self.least {
                    let reason = match suggestion.saves {
                        0 => "it would change nothing: another rule or setting asks all the same".to_owned(),
                        saves => format!("it would have saved {saves} of them only"),
                    };
                    tried.faults.entry(suggestion.rule.name.clone()).or_insert(reason);
                }
            }
            if tried.faults.is_empty() {
                break;
            }
            left.retain(|Candidate { suggestion, what }| {
                let fault = tried.faults.remove(&suggestion.rule.name);
                let stays = fault.is_none();
                suggestions.dropped.extend(fault.map(|reason| Dropped { what: what.clone(), reason }));
                stays
            });
        }
        suggestions.rules.extend(left.into_iter().map(|candidate| candidate.suggestion));
        Ok(())
    }

    fn run(&self, left: &[Candidate]) -> Result<Tried<'t>, PolicyError> {
        let texts: Vec<&str> = left.iter().map(|candidate| candidate.suggestion.text.as_str()).collect();
        let with = self.layers.clone().layer(Layer::User, &texts.join("\n"))?.build()?;
        let names: BTreeSet<&str> = left.iter().map(|one| one.suggestion.rule.name.as_str()).collect();
        let rules: Vec<&Rule> = with.rules().iter().filter(|rule| names.contains(&*rule.name)).collect();
        let mut tried = Tried::default();
        for precedent in self.precedents {
            let request = &precedent.request;
            (self.stage)(request, &mut |analysis, findings| {
                let scene = with.scene_of(request, analysis, findings, Facets::ALL);
                if is_hidden(request) && !matches!(precedent.answer, Answer::Yes { .. } | Answer::Granted) {
                    for rule in rules.iter().filter(|rule| may_mean(rule, &scene)) {
                        tried.fault(rule, HIDDEN);
                    }
                }
                let (before, after) =
                    (self.base.ask(request, analysis, findings), with.ask(request, analysis, findings));
                if before == after {
                    return;
                }
                let good = after == Decision::Allow
                    && matches!(before, Decision::Ask(_))
                    && worst(findings) == Risk::Medium
                    && shape::is_known(&scene, analysis, findings)
                    && self.fit.holds(request);
                let speaking = rules
                    .iter()
                    .filter(|rule| scene.acts.iter().any(|act| rule.holds(&scene, act) == Truth::True));
                for rule in speaking {
                    if !good {
                        tried.fault(rule, &fault(precedent, &after, findings));
                    } else if let Answer::Yes { question } = &precedent.answer {
                        tried.saved.entry(rule.name.clone()).or_default().insert(question);
                    }
                }
            });
        }
        Ok(tried)
    }
}

impl Tried<'_> {
    fn fault(&mut self, rule: &Rule, reason: &str) {
        self.faults.entry(rule.name.clone()).or_insert_with(|| reason.to_owned());
    }
}

/// Why a request must not be decided otherwise.
fn fault(precedent: &Precedent, after: &Decision, findings: &[Finding]) -> String {
    let why = match (&precedent.answer, worst(findings)) {
        _ if *after != Decision::Allow => "would be asked about with less",
        (_, Risk::High | Risk::Critical) => "is more than Medium",
        (Answer::No, _) => "was refused",
        (Answer::Yes { .. } | Answer::Granted, _) => {
            "was refused another time, or has parts that are not known"
        }
        (Answer::Unknown, _) => "was asked about, and nobody is known to have approved it",
    };
    let shown = precedent.request.action.typed();
    let shown: String = shown.chars().take(120).collect();
    format!("it would also free what {why}: {shown:?}")
}

/// Whether a rule may be about one of the acts, as far as tools and subcommands tell.
fn may_mean(rule: &Rule, scene: &Scene<'_>) -> bool {
    let names = || {
        rule.conditions
            .iter()
            .filter(|condition| matches!(condition, Condition::Texts(Facet::Tool | Facet::Command, _)))
    };
    scene
        .acts
        .iter()
        .any(|act| names().all(|condition| condition.holds(scene, act, rule.side()) != Truth::False))
}
