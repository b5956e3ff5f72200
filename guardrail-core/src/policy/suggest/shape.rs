//! What a rule can say of a request that was approved, and the rule of all that are alike.

use std::collections::{BTreeMap, BTreeSet};

use guardrail_schema::{EffectKind, Risk};
use serde_json::{Map, Value, json};

use crate::effect::Analysis;
use crate::evaluation::Finding;
use crate::lower::Word;
use crate::policy::facet::{Facet, Slot};
use crate::policy::model::{Example, ExampleRequest};
use crate::policy::scene::{Act, Scene};
use crate::redact::visible;
use crate::request::{Action, Request};

/// The most targets that a rule lists.
const TARGETS: usize = 16;
/// Bytes that a value of a rule may have, and an example.
const LONGEST: usize = 256;
const LONGEST_EXAMPLE: usize = 2_048;
/// Examples that a rule has.
const EXAMPLES: usize = 3;

/// What requests are grouped by: everything that a rule can say of them but the names of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    values: BTreeMap<Facet, BTreeSet<String>>,
    /// The directories that its paths lie in; one that is no path lies nowhere.
    directories: BTreeSet<Option<String>>,
    /// Only the names of files are told apart, and none of them is removed or run.
    widens: bool,
}

/// A request that a rule can speak about.
pub(super) struct Shape {
    pub(super) key: Key,
    pub(super) target: BTreeSet<String>,
    pub(super) notes: BTreeSet<String>,
}

/// Requests that are alike.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) targets: BTreeSet<String>,
    pub(super) notes: BTreeSet<String>,
    pub(super) questions: BTreeSet<String>,
    /// Their places among all that are remembered.
    pub(super) precedents: Vec<usize>,
}

/// Whether everything about it that matters can be known.
pub(super) fn is_known(scene: &Scene<'_>, analysis: &Analysis<'_, '_>, findings: &[Finding]) -> bool {
    let program = &analysis.identified.program;
    let words = program.invocations.iter().flat_map(|invocation| invocation.words);
    program.problems.is_empty()
        && !findings.iter().any(|finding| finding.unknown)
        && words.map(Word::as_known).all(|word| word.is_some())
        && scene.acts.iter().all(|act| !act.unknown && !act.claimed && !act.possible && !act.rest)
}

impl Shape {
    /// What a rule can say of a request of which a Medium part is asked about; or why it can say
    /// nothing that means only that.
    pub(super) fn of(
        scene: &Scene<'_>,
        analysis: &Analysis<'_, '_>,
        findings: &[Finding],
    ) -> Result<Self, String> {
        if !is_known(scene, analysis, findings) {
            return Err("a part of it cannot be known".into());
        }
        let (asked, beside): (Vec<&Act<'_>>, Vec<&Act<'_>>) =
            scene.acts.iter().partition(|act| act.risk > Risk::Low);
        if asked.is_empty() {
            return Err("no part of it is asked about".into());
        }
        // A rule speaks about one part and cannot tie it to another: what is fetched and from where.
        let harmless =
            |act: &&Act<'_>| matches!(act.effect, None | Some(EffectKind::Read)) && is_near(scene, act);
        if !beside.iter().all(harmless) {
            return Err("it does something else beside, which no rule can tie to it".into());
        }
        let mut shape = Self { key: Key::default(), target: BTreeSet::new(), notes: BTreeSet::new() };
        shape.key.widens = true;
        for act in &asked {
            shape.add(scene, act)?;
        }
        for facet in [Facet::Tool, Facet::Command] {
            let values = shape.key.values.get(&facet).map_or(0, BTreeSet::len);
            if values > 1 {
                return Err("it is several things, and a yes to all of them is none to each".into());
            }
            if values == 0 && facet == Facet::Tool {
                return Err("no tool does it: the shell itself does, or a call without a program".into());
            }
        }
        Ok(shape)
    }

    fn add(&mut self, scene: &Scene<'_>, act: &Act<'_>) -> Result<(), String> {
        let near = is_near(scene, act);
        for facet in Facet::ALL.iter().copied() {
            let slot = scene.slot(act, facet);
            let texts = match (facet, slot) {
                // A rule without a target would hold for every other one as well.
                (Facet::Target, Slot::Nothing | Slot::Unknown | Slot::Every) => {
                    return Err(match act.light {
                        true => "what it changes is not named, so that a rule would free more: \
                                 `execution.auto_approve_workspace` is for work like this"
                            .into(),
                        false => "what it is done to is not named, so that a rule would free more".into(),
                    });
                }
                (Facet::Session | Facet::Risk, _) | (_, Slot::Nothing) => continue,
                (Facet::Target, Slot::Path(forms)) => {
                    let path = forms.written().ok_or("its target is a whole directory tree's root")?;
                    if act.effect == Some(EffectKind::Execute) {
                        return Err("it runs a file, which may be another one the next time".into());
                    }
                    let directory = path.rsplit_once('/').map(|(directory, _)| directory.to_owned());
                    self.key.directories.insert(directory);
                    vec![path]
                }
                (Facet::Target, slot) => {
                    self.key.directories.insert(None);
                    texts(slot).ok_or("its target cannot be known")?
                }
                (Facet::Actor | Facet::Channel | Facet::Skill, Slot::Unknown) => {
                    if facet != Facet::Skill {
                        self.notes.insert(format!(
                            "the {0} was not recorded: it holds for every {0}",
                            facet.as_str()
                        ));
                    }
                    continue;
                }
                (Facet::Environment | Facet::GitBranch | Facet::GitRepository, Slot::Unknown) if near => {
                    continue;
                }
                (facet, slot) => {
                    texts(slot).ok_or_else(|| format!("its {} cannot be known", facet.as_str()))?
                }
            };
            if let Some(text) = texts.iter().find(|text| !is_plain(text)) {
                return Err(format!("{:?} cannot stand in a rule for itself alone", &**text));
            }
            if facet == Facet::Target {
                self.target.extend(texts);
            } else {
                self.key.values.entry(facet).or_default().extend(texts);
            }
        }
        if act.effect == Some(EffectKind::Execute) {
            self.notes.insert("it runs what stands there then, whatever that is by then".into());
        }
        self.key.widens &= act.effect == Some(EffectKind::Write);
        Ok(())
    }
}

/// Whether an act stays on this machine and in its repositories.
fn is_near(scene: &Scene<'_>, act: &Act<'_>) -> bool {
    match scene.slot(act, Facet::Scope) {
        Slot::Nothing => true,
        Slot::One(value) => matches!(&*value.prefix, b"local" | b"repository"),
        _ => false,
    }
}

/// The values of a slot, if all of them are known.
fn texts(slot: &Slot<'_>) -> Option<Vec<String>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match slot {
        Slot::Alias(known, _) => Some(vec![text(known)?]),
        Slot::One(_) | Slot::Many(_) => {
            let values = slot.values().iter();
            values.map(|value| text(&value.prefix).filter(|_| value.suffix.is_none())).collect()
        }
        Slot::Nothing | Slot::Every | Slot::Path(_) | Slot::Unknown => None,
    }
}

/// Whether a text stands for itself in a rule and is what it looks like.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && !text.starts_with('!')
        && !text.contains(['*', '?', '\n', '\t'])
        && visible(text) == text
}

impl Key {
    /// What it is about, in words.
    pub(super) fn what(&self) -> String {
        let of =
            |facet| self.values.get(&facet).into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        let mut what = of(Facet::Tool);
        let command = of(Facet::Command);
        if !command.is_empty() {
            what.push(' ');
            what.push_str(&command);
        }
        let mut places: Vec<&str> = self.directories.iter().flatten().map(String::as_str).collect();
        places.sort_unstable();
        let place = if places.is_empty() { String::new() } else { format!(" in {}", places.join(", ")) };
        format!("{what}: {}{place}", of(Facet::Effect))
    }

    /// The name of its rule, the `n`th of that kind.
    pub(super) fn name(&self, n: usize) -> String {
        let words = [Facet::Tool, Facet::Command].into_iter().filter_map(|facet| self.values.get(&facet));
        let words: Vec<String> = words.flatten().map(|word| word.replace(' ', "-")).collect();
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        format!("suggested-{}{number}", words.join("-"))
    }

    /// The rule, as it is written.
    pub(super) fn rule<'r>(
        &self,
        name: &str,
        group: &Group,
        least: usize,
        requests: impl Iterator<Item = &'r Request>,
    ) -> Result<Map<String, Value>, String> {
        let mut when = Map::new();
        let mut put = |facet: Facet, values: Vec<String>| {
            let value = match <[String; 1]>::try_from(values) {
                Ok([one]) => Value::from(one),
                Err(several) => Value::from(several),
            };
            match facet.as_str().split_once('.') {
                None => drop(when.insert(facet.as_str().to_owned(), value)),
                Some((table, key)) => {
                    let table = when.entry(table).or_insert_with(|| json!({}));
                    if let Some(table) = table.as_object_mut() {
                        table.insert(key.to_owned(), value);
                    }
                }
            }
        };
        let targets = self.targets(group, least)?;
        for facet in Facet::ALL.iter().copied() {
            match self.values.get(&facet) {
                Some(values) => put(facet, values.iter().cloned().collect()),
                None if facet == Facet::Target => put(facet, targets.clone()),
                None if facet == Facet::Risk => put(facet, vec![Risk::Medium.as_str().to_owned()]),
                None => {}
            }
        }
        let mut rule = Map::new();
        rule.insert("name".into(), Value::from(name));
        rule.insert("decision".into(), Value::from("allow"));
        rule.insert("when".into(), Value::Object(when));
        let reason = format!("people said yes to {} questions about this", group.questions.len());
        rule.insert("reason".into(), Value::from(reason));
        rule.insert("match".into(), examples(requests)?);
        Ok(rule)
    }

    /// The targets, each by its name; the directory of files that were many.
    fn targets(&self, group: &Group, least: usize) -> Result<Vec<String>, String> {
        let areas = self.values.get(&Facet::Area);
        let usual =
            areas.is_some_and(|areas| areas.iter().all(|area| area == "workspace" || area == "temporary"));
        // A yes to some files of the workspace's own directory is none to its build files.
        let below = self.directories.iter().all(|directory| {
            directory.as_deref().is_some_and(|directory| !matches!(directory, "" | "." | "~"))
        });
        if self.widens && usual && below && group.targets.len() >= least.max(3) {
            return Ok(self.directories.iter().flatten().map(|directory| format!("{directory}/*")).collect());
        }
        if group.targets.len() > TARGETS {
            return Err(format!("{} targets are too many for a rule that names each", group.targets.len()));
        }
        Ok(group.targets.iter().cloned().collect())
    }
}

/// Some of the requests as examples of their rule, the shortest first.
fn examples<'r>(requests: impl Iterator<Item = &'r Request>) -> Result<Value, String> {
    let mut texts: BTreeMap<(usize, String), Value> = BTreeMap::new();
    for request in requests {
        let value = serde_json::to_value(Example::from(request)).map_err(|error| error.to_string())?;
        let text = value.to_string();
        if text.len() <= LONGEST_EXAMPLE {
            texts.insert((text.len(), text), value);
        }
    }
    if texts.is_empty() {
        return Err("each of the requests is too long for an example".into());
    }
    Ok(texts.into_values().take(EXAMPLES).collect())
}

impl From<&Request> for Example {
    /// The request with its circumstances, without the session and the agent's reason.
    fn from(request: &Request) -> Self {
        let mut example = ExampleRequest {
            actor: request.actor.clone(),
            channel: request.channel.clone(),
            skill: request.skill.clone(),
            time: request.time,
            cwd: request.cwd.clone(),
            facts: request.facts.clone(),
            ..ExampleRequest::default()
        };
        match &request.action {
            Action::Shell(text) => example.run = Some(text.clone()),
            Action::Argv(words) => example.argv = Some(words.clone()),
            Action::Call { name, arguments } => {
                example.call = Some(name.clone());
                example.arguments = arguments.clone();
            }
        }
        Self::Request(Box::new(example))
    }
}
