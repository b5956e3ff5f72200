//! Text to [`Policy`]: strict reading, layers, digest.

use std::sync::Arc;

use guardrail_schema::Risk;
use sha2::{Digest as _, Sha256};

use crate::effect::Analysis;
use crate::evaluation::{Approval, Finding, PolicyDigest};
use crate::policy::check;
use crate::policy::facet::{Facet, Facets, Patterns, Side};
use crate::policy::index::Index;
use crate::policy::model::{Mode, PolicyFile, RuleFile, Says};
use crate::policy::pattern::{Pattern, Reading};
use crate::policy::problem::{self, PolicyError, PolicyProblem, Severity, Step, Way};
use crate::policy::rule::{Condition, Overrides, Rule};
use crate::policy::settings::Settings;
use crate::policy::truth::Truth;
use crate::policy::{Inner, Layer, LayerState, Policy, explain, quota};
use crate::request::Request;

/// A policy file that was read.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) layer: Layer,
    pub(super) file: PolicyFile,
    pub(super) text: Arc<str>,
}

/// An example of a rule.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) rule: usize,
    pub(super) source: usize,
    pub(super) expected: bool,
    pub(super) request: Request,
    pub(super) way: Way,
}

/// What is done with the stages before the policy.
pub(crate) type Then<'t> = &'t mut dyn FnMut(&Analysis<'_, '_>, &[Finding]);

/// Puts a [`Policy`] together from the files of its layers.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PolicyBuilder {
    sources: Vec<Source>,
}

impl Source {
    /// A problem at a place of this file.
    pub(super) fn problem(&self, severity: Severity, way: &Way, message: impl Into<String>) -> PolicyProblem {
        PolicyProblem {
            severity,
            layer: self.layer,
            place: self.place(way),
            span: None,
            message: message.into(),
            help: None,
            text: Arc::clone(&self.text),
            way: Some(way.clone()),
        }
    }

    /// A way as a person reads it: rules and quotas by their names too.
    fn place(&self, way: &Way) -> String {
        let text = way.to_string();
        let named = match way.0.get(..2) {
            Some([Step::Key(key), Step::At(at)]) if key == "rule" => {
                self.file.rules.get(*at).map(|rule| &rule.name)
            }
            Some([Step::Key(key), Step::At(at)]) if key == "quota" => {
                self.file.quotas.get(*at).map(|quota| &quota.name)
            }
            _ => None,
        };
        let Some(name) = named else { return text };
        match text.split_once(": ") {
            Some((head, tail)) => format!("{head} {name:?}: {tail}"),
            None => format!("{text} {name:?}"),
        }
    }
}

impl PolicyBuilder {
    /// Adds a layer's file, as TOML. The layers can be added in any order.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] where it is no TOML, or says something that a policy cannot say.
    pub fn layer(mut self, layer: Layer, text: &str) -> Result<Self, PolicyError> {
        let text: Arc<str> = text.into();
        let file = match in_pieces(&text) {
            Some(file) => Ok(file),
            None => toml::from_str::<PolicyFile>(&text),
        };
        let file = file.map_err(|error| {
            let problem = PolicyProblem {
                severity: Severity::Error,
                layer,
                place: String::new(),
                span: error.span(),
                message: error.message().trim_end().replace('\n', ", "),
                help: None,
                text: Arc::clone(&text),
                way: None,
            };
            PolicyError::new(vec![problem])
        })?;
        self.sources.push(Source { layer, file, text });
        Ok(self)
    }

    /// Adds a layer's file, as JSON: the same keys in the same places.
    ///
    /// # Errors
    ///
    /// As for [`layer`](Self::layer).
    pub fn json_layer(mut self, layer: Layer, text: &str) -> Result<Self, PolicyError> {
        let text: Arc<str> = text.into();
        let file = serde_json::from_str::<PolicyFile>(&text).map_err(|error| {
            let line =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            let start = (line + error.column().saturating_sub(1)).min(text.len());
            let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            let end = text
                .get(start..)
                .and_then(|rest| rest.chars().next())
                .map_or(start, |c| start + c.len_utf8());
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            let problem = PolicyProblem {
                severity: Severity::Error,
                layer,
                place: String::new(),
                span: Some(start..end),
                message: message.to_owned(),
                help: None,
                text: Arc::clone(&text),
                way: None,
            };
            PolicyError::new(vec![problem])
        })?;
        self.sources.push(Source { layer, file, text });
        Ok(self)
    }

    /// Adds a layer that a program made.
    pub fn file(mut self, layer: Layer, file: PolicyFile) -> Self {
        self.sources.push(Source { layer, file, text: Arc::from("") });
        self
    }

    /// The file that was added last.
    pub(super) fn last_file(&self) -> Option<&PolicyFile> {
        self.sources.last().map(|source| &source.file)
    }

    /// The policy. Its examples are tried when it is given to a guard.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with everything that is wrong in any layer.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let mut sources = self.sources;
        sources.sort_by_key(|source| source.layer);
        let mut problems = Vec::new();
        let (states, standing) = trust(&sources, &mut problems);

        let mut settings = Settings::standard();
        let mut rules = Vec::new();
        let mut quotas = Vec::new();
        let mut examples = Vec::new();
        for (at, (source, state)) in sources.iter().zip(&states).enumerate() {
            check::file(source, &mut problems);
            settings.add(&source.file, at, state.trusted);
            quota::read(source, at, &mut quotas, &mut problems);
            rules.extend(source.file.approval.patterns.iter().map(|pattern| standing_rule(pattern, at)));
            for (place, file) in source.file.rules.iter().enumerate() {
                let way = || Way::rule(place);
                if file.decision == Says::Allow && !state.trusted {
                    let mut problem = source.problem(
                        Severity::Warning,
                        &way().then("decision"),
                        "an untrusted layer may only tighten: this rule has no effect",
                    );
                    problem.help =
                        Some(format!("an upper layer can say `[trust] {} = true`", source.layer.as_str()));
                    problems.push(problem);
                    continue;
                }
                let rule = Rule::new(file, at, place);
                check::conditions(source, &way, &rule, &mut problems);
                for (key, expected, trials) in
                    [("match", true, &file.matches), ("not_match", false, &file.not_matches)]
                {
                    for (index, example) in trials.iter().enumerate() {
                        let way = way().then(key).at(index);
                        match example.request() {
                            Some(request) => {
                                examples.push(Trial {
                                    rule: rules.len(),
                                    source: at,
                                    expected,
                                    request,
                                    way,
                                });
                            }
                            None => problems.push(source.problem(
                                Severity::Error,
                                &way,
                                "an example has exactly one of `run`, `argv` and `call`",
                            )),
                        }
                    }
                }
                rules.push(rule);
            }
        }
        let index = Index::new(&rules);
        check::rules(&sources, &rules, &mut problems);
        problems.sort_by_key(|problem| problem.severity);
        problem::locate(&mut problems);
        if problems.first().is_some_and(|problem| problem.severity == Severity::Error) {
            return Err(PolicyError::new(problems));
        }
        let wanted = rules.iter().map(Rule::facets).fold(Facets::default(), Facets::union);
        let plain = rules.is_empty() && settings.is_standard() && standing.is_empty();
        let digest = digest(&mut sources, &states);
        let texts = sources.into_iter().map(|source| Source { file: PolicyFile::default(), ..source });
        Ok(Policy(Arc::new(Inner {
            layers: states,
            settings,
            rules,
            quotas,
            index,
            wanted,
            digest,
            warnings: problems,
            standing,
            examples,
            sources: texts.collect(),
            plain,
        })))
    }
}

/// The file read in pieces of a few rules each: what is read of a whole file of thousands of rules
/// before it becomes a model is many times as large as the model.
///
/// A piece begins at a line `[[rule]]`. Each piece that can be read begins and ends outside of all
/// texts, arrays and tables, and so the next one begins where a rule does. `None` where the whole
/// has to be read at once: there are few rules, something stands behind a rule that is none, or
/// something is wrong, which only the whole file has the place of.
fn in_pieces(text: &str) -> Option<PolicyFile> {
    /// Rules of a piece.
    const RULES: usize = 16;

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Piece {
        rule: Vec<RuleFile>,
    }

    let begin = text.starts_with("[[rule]]").then_some(0);
    let mut heads = begin.into_iter().chain(text.match_indices("\n[[rule]]").map(|(at, _)| at + 1));
    let first = heads.next()?;
    let starts: Vec<usize> = std::iter::once(first).chain(heads.skip(RULES - 1).step_by(RULES)).collect();
    if starts.len() < 2 {
        return None;
    }
    let head = text.get(..first)?;
    let mut file: PolicyFile = toml::from_str(head).ok()?;
    // Not even an empty list: nothing may be added to that.
    if toml::from_str::<toml::Table>(head).ok()?.contains_key("rule") {
        return None;
    }
    file.rules.reserve(starts.len() * RULES);
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    for (start, end) in starts.iter().zip(ends) {
        let piece: Piece = toml::from_str(text.get(*start..end)?).ok()?;
        file.rules.extend(piece.rule);
    }
    Some(file)
}

pub(super) fn of_mode(mode: Mode) -> Policy {
    let file = PolicyFile { mode: Some(mode), ..PolicyFile::default() };
    let mut sources = vec![Source { layer: Layer::BuiltIn, file, text: Arc::from("") }];
    let layers = vec![LayerState { layer: Layer::BuiltIn, trusted: true }];
    let mut settings = Settings::standard();
    if let Some(source) = sources.first() {
        settings.add(&source.file, 0, true);
    }
    let plain = settings.is_standard();
    Policy(Arc::new(Inner {
        digest: digest(&mut sources, &layers),
        layers,
        settings,
        rules: Vec::new(),
        quotas: Vec::new(),
        index: Index::new(&[]),
        wanted: Facets::default(),
        warnings: Vec::new(),
        standing: Vec::new(),
        examples: Vec::new(),
        sources: Vec::new(),
        plain,
    }))
}

/// Which layers may loosen, and what every ruling has to say of that.
fn trust(sources: &[Source], problems: &mut Vec<PolicyProblem>) -> (Vec<LayerState>, Vec<String>) {
    let mut user = true;
    let mut project: Option<(bool, Layer)> = None;
    let way = Way::default().then("trust");
    for source in sources {
        let trust = &source.file.trust;
        let may = match source.layer {
            Layer::BuiltIn | Layer::Organisation => true,
            Layer::User => user,
            Layer::Project => false,
        };
        if let Some(trusted) = trust.user {
            if source.layer < Layer::User {
                user &= trusted;
            } else {
                problems.push(source.problem(
                    Severity::Error,
                    &way.then("user"),
                    "only an organisation's policy can say whether the user's is trusted",
                ));
            }
        }
        if let Some(trusted) = trust.project {
            if source.layer == Layer::Project || (trusted && !may) {
                problems.push(source.problem(
                    Severity::Error,
                    &way.then("project"),
                    "this layer cannot say whether the project's policy is trusted",
                ));
            } else {
                // Whoever distrusts it is heard, wherever that stands.
                let kept = matches!(project, Some((false, _)));
                if !kept {
                    project = Some((trusted, source.layer));
                }
            }
        }
    }
    let trusts_project = matches!(project, Some((true, _)));
    let states = sources.iter().map(|source| LayerState {
        layer: source.layer,
        trusted: match source.layer {
            Layer::BuiltIn | Layer::Organisation => true,
            Layer::User => user,
            Layer::Project => trusts_project,
        },
    });
    let has_project = sources.iter().any(|source| source.layer == Layer::Project);
    let standing = match project {
        Some((true, by)) if has_project => {
            vec![format!(
                "the {} policy trusts the project's: what comes with the project may loosen",
                by.as_str()
            )]
        }
        _ => Vec::new(),
    };
    (states.collect(), standing)
}

/// What one of `approval.patterns` stands for.
fn standing_rule(pattern: &str, layer: usize) -> Rule {
    let mut words = pattern.split_whitespace();
    let tool = words.next().unwrap_or("*");
    let command: Vec<&str> = words.collect();
    let mut conditions = vec![Condition::Texts(
        Facet::Tool,
        Patterns { any: vec![Pattern::new(tool, Reading::Name)], none: Vec::new() },
    )];
    if !command.is_empty() {
        let command = command.join(" ");
        let longer = format!("{command} *");
        let any = [command.as_str(), longer.as_str()].map(|text| Pattern::new(text, Reading::Name));
        conditions.push(Condition::Texts(Facet::Command, Patterns { any: any.into(), none: Vec::new() }));
    }
    Rule {
        name: format!("approval.patterns {pattern:?}"),
        layer,
        place: None,
        says: Says::Ask,
        conditions,
        approval: Approval::default(),
        overrides: Overrides::default(),
        reason: None,
        instead: None,
    }
}

fn digest(sources: &mut [Source], states: &[LayerState]) -> PolicyDigest {
    let mut hash = Sha256::new();
    for (source, state) in sources.iter_mut().zip(states) {
        for rule in &mut source.file.rules {
            rule.matches = Vec::new();
            rule.not_matches = Vec::new();
        }
        let mut text = Vec::with_capacity(2 * source.text.len());
        // Every key of it is a text, and so it can be written.
        let _ = serde_json::to_writer(&mut text, &source.file);
        hash.update([state.layer as u8, u8::from(state.trusted)]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    PolicyDigest(hash.finalize().into())
}

impl Policy {
    /// Tries every example with what `stage` makes of its request.
    pub(crate) fn try_examples(&self, stage: &dyn Fn(&Request, Then<'_>)) -> Result<(), PolicyError> {
        let mut problems = Vec::new();
        for trial in &self.0.examples {
            let (Some(rule), Some(source)) = (self.rules().get(trial.rule), self.0.sources.get(trial.source))
            else {
                continue;
            };
            stage(&trial.request, &mut |analysis, findings| {
                let truth = self.speaks(rule, &trial.request, analysis, findings);
                let wrong = match (trial.expected, truth) {
                    (true, Truth::True) | (false, Truth::False) => return,
                    (true, Truth::False) => "the rule does not match this, though it should",
                    (false, Truth::True) => "the rule matches this, though it should not",
                    (true, Truth::Unknown) => {
                        "whether the rule matches this cannot be known: more has to be said of the request"
                    }
                    (false, Truth::Unknown) => {
                        "the rule may match this, since something about it cannot be known: it would ask"
                    }
                };
                let mut problem = source.problem(Severity::Error, &trial.way, wrong);
                problem.place =
                    format!("rule {:?}: {}", rule.name, if trial.expected { "match" } else { "not_match" });
                problem.help = self.doubt(rule, &trial.request, analysis, findings);
                problems.push(problem);
            });
        }
        problem::locate(&mut problems);
        if problems.is_empty() { Ok(()) } else { Err(PolicyError::new(problems)) }
    }

    /// Whether a rule speaks about a request: to restrict, about any part of it; to allow, about
    /// every part that needs it.
    fn speaks(
        &self,
        rule: &Rule,
        request: &Request,
        analysis: &Analysis<'_, '_>,
        findings: &[Finding],
    ) -> Truth {
        let scene = self.scene(request, analysis, findings);
        let any = |least: Option<Risk>| {
            let acts = scene.acts.iter().filter(move |act| least.is_none_or(|least| act.risk >= least));
            acts.map(|act| rule.holds(&scene, act))
        };
        if rule.side() == Side::Allowing && scene.acts.iter().any(|act| act.risk > Risk::Low) {
            return any(Some(Risk::Medium)).fold(Truth::True, Truth::and);
        }
        any(None).fold(Truth::False, Truth::or)
    }

    /// The first condition in the way, for a person.
    fn doubt(
        &self,
        rule: &Rule,
        request: &Request,
        analysis: &Analysis<'_, '_>,
        findings: &[Finding],
    ) -> Option<String> {
        let scene = self.scene(request, analysis, findings);
        let act = scene.acts.iter().max_by_key(|act| act.risk)?;
        let in_the_way = rule
            .conditions
            .iter()
            .map(|condition| (condition, condition.holds(&scene, act, rule.side())))
            .find(|(_, truth)| *truth != Truth::True)?;
        let (condition, truth) = in_the_way;
        Some(match truth {
            Truth::Unknown => format!("`{}` cannot be known here", condition.key()),
            _ => format!("`{}` is {} here", condition.key(), explain::shown(&scene, act, condition)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a file may be made of, to be cut in wrong places.
    const PARTS: [&str; 16] = [
        "[[rule]]\nname = 'a'\ndecision = 'deny'\n",
        "[[rule]]\nname = 'b'\ndecision = 'allow'\nwhen.tool = 'x'\n",
        "[[rule]]\nname = 'c'\ndecision = 'ask'\n[rule.when]\ntool = 'x'\n",
        "[[rule]] # c\r\nname = 'd'\r\ndecision = 'deny'\r\n",
        "  [[rule]]\nname = 'e'\ndecision = 'deny'\n",
        "[[\"rule\"]]\nname = 'f'\ndecision = 'deny'\n",
        "reason = \"\"\"\n[[rule]]\nname = 'g'\n\"\"\"\n",
        "reason = '''\n[[rule]]\nname = 'h'\ndecision = 'deny'\ninstead = '''\n",
        "match = [\n[[rule]]\n]\n",
        "match = ['''\n[[rule]]\n''']\n",
        "[safety]\nallow_critical = true\n",
        "[rule.when]\ntool = 'y'\n",
        "mode = 'safe'\n",
        "rule = []\n",
        "# [[rule]]\n",
        "overrides = ['production']",
    ];

    proptest! {
        #[test]
        fn a_file_read_in_pieces_is_the_same(
            parts in prop::collection::vec((0..PARTS.len(), 1..20_usize), 1..12),
        ) {
            let text: String = parts.into_iter().map(|(part, times)| PARTS[part].repeat(times)).collect();
            if let Some(file) = in_pieces(&text) {
                prop_assert_eq!(toml::from_str::<PolicyFile>(&text).ok(), Some(file), "{}", text);
            }
        }
    }

    #[test]
    fn files_of_many_rules_are_read_in_pieces() {
        let rules = |count: usize| -> String {
            (0..count).map(|n| format!("[[rule]]\nname = '{n}'\ndecision = 'deny'\n")).collect()
        };
        for count in [32, 33, 48, 100] {
            let file = in_pieces(&rules(count)).unwrap();
            let names: Vec<usize> = file.rules.iter().map(|rule| rule.name.parse().unwrap()).collect();
            assert_eq!(names, (0..count).collect::<Vec<_>>());
            assert!(in_pieces(&format!("mode = 'safe'\n{}", rules(count))).is_some());
            assert!(in_pieces(&format!("{}[safety]\nallow_critical = true\n", rules(count))).is_none());
            assert!(in_pieces(&format!("rule = []\n{}", rules(count))).is_none());
            assert!(in_pieces(&format!("\"r\\u0075le\" = []\n{}", rules(count))).is_none());
        }
        // What is wrong has its place in the whole file.
        let text = format!("{}oops = 1\n", rules(100));
        let error = PolicyBuilder::default().layer(Layer::User, &text).unwrap_err();
        let span = error.problems()[0].span.clone().unwrap();
        assert_eq!(text.get(span), Some("oops"));
    }
}
