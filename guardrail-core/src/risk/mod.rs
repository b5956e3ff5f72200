//! [`Effect`]s to [`Finding`]s to [`Risk`]. Rules read effects and the edges between invocations,
//! never text. One rule a file, one line in [`RULES`].

mod code;
mod control_characters;
mod credential;
mod delete;
mod exfiltration;
mod files;
mod floor;
mod flow;
mod incomplete;
mod link;
mod manifest;
mod many_clusters;
mod network_code;
mod network_send;
mod privilege;
mod resource;
mod secret;
mod secret_variable;
mod shell_evaluation;
mod unknown;
mod write;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeSet;

use guardrail_schema::Risk;

use crate::effect::{Analysis, Effect};
use crate::evaluation::Finding;
use crate::knowledge::Knowledge;
use crate::lower::{Lead, SourceId, Value, Word};
use crate::request::{Environment, Fact, Facts};
use crate::risk::files::Files;
use crate::shell::Span;

/// One way in which a request can be bad.
struct Rule {
    /// Its name in findings and policies.
    id: &'static str,
    check: fn(&Case<'_, '_, '_>, &mut Found),
}

/// Every rule, sorted by name.
const RULES: &[Rule] = &[
    Rule { id: "code", check: code::check },
    Rule { id: "control-characters", check: control_characters::check },
    Rule { id: "credential", check: credential::check },
    Rule { id: "delete", check: delete::check },
    Rule { id: "exfiltration", check: exfiltration::check },
    Rule { id: "floor", check: floor::check },
    Rule { id: "incomplete", check: incomplete::check },
    Rule { id: "link", check: link::check },
    Rule { id: "manifest", check: manifest::check },
    Rule { id: "many-clusters", check: many_clusters::check },
    Rule { id: "network-code", check: network_code::check },
    Rule { id: "network-send", check: network_send::check },
    Rule { id: "privilege", check: privilege::check },
    Rule { id: "resource", check: resource::check },
    Rule { id: "secret", check: secret::check },
    Rule { id: "secret-variable", check: secret_variable::check },
    Rule { id: "shell-evaluation", check: shell_evaluation::check },
    Rule { id: "unknown", check: unknown::check },
    Rule { id: "write", check: write::check },
];

/// Whether findings may name this as their rule.
pub(crate) fn is_rule(name: &str) -> bool {
    RULES.binary_search_by(|rule| rule.id.cmp(name)).is_ok()
}

/// What a rule looks at.
pub(crate) struct Case<'c, 'a, 'k> {
    pub(crate) analysis: &'c Analysis<'a, 'k>,
    pub(crate) facts: &'c Facts,
    pub(crate) knowledge: &'c Knowledge,
    files: OnceCell<Option<Files>>,
}

impl<'c, 'a, 'k> Case<'c, 'a, 'k> {
    fn effects(&self) -> impl Iterator<Item = &'c Effect<'a, 'k>> + use<'c, 'a, 'k> {
        self.analysis.effects.iter()
    }

    /// The files through which something may flow.
    fn files(&self) -> Option<&Files> {
        self.files.get_or_init(|| Files::of(self.analysis)).as_ref()
    }

    /// Whether people may depend on what is reached. For rows of the rubric that name
    /// production, not knowing means production.
    fn production(&self, found: &mut Found) -> bool {
        match self.facts.environment {
            None => {
                found.wanted.insert(Fact::Environment);
                true
            }
            Some(Environment::Production) => true,
            Some(Environment::Staging | Environment::Development | Environment::Test) => false,
        }
    }
}

/// What the rules found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) findings: Vec<Finding>,
    pub(crate) wanted: BTreeSet<Fact>,
    rule: &'static str,
}

impl Found {
    /// A finding at a place.
    fn at(
        &mut self,
        source: SourceId,
        span: Span,
        risk: Risk,
        unknown: bool,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.findings.push(Finding {
            rule: Cow::Borrowed(self.rule),
            risk,
            unknown,
            source: source.0,
            span,
            message: message.into(),
            instead: None,
        });
    }

    /// A finding about an effect: at least as bad as its knowledge file says, in its words where
    /// it has some.
    fn on(
        &mut self,
        effect: &Effect<'_, '_>,
        risk: Risk,
        unknown: bool,
        message: impl FnOnce() -> Cow<'static, str>,
    ) {
        let says = effect.says;
        let risk = says.and_then(|says| says.risk).map_or(risk, |floor| risk.max(floor));
        let mut message = message();
        if let Some(why) = says.and_then(|says| says.why.as_deref()) {
            message = Cow::Owned([&message, ": ", why].concat());
        }
        self.at(effect.source, effect.span, risk, unknown, message);
        if let (Some(finding), Some(instead)) =
            (self.findings.last_mut(), says.and_then(|says| says.instead.as_ref()))
        {
            finding.instead = Some(Cow::Owned(instead.clone()));
        }
    }
}

/// Runs every rule; findings come worst first, then in the order of the text, each once.
pub(crate) fn judge(analysis: &Analysis<'_, '_>, facts: &Facts, knowledge: &Knowledge) -> Found {
    let case = Case { analysis, facts, knowledge, files: OnceCell::new() };
    let mut found = Found::default();
    for rule in RULES {
        found.rule = rule.id;
        (rule.check)(&case, &mut found);
    }
    if found.findings.len() > 1 {
        let order = |f: &Finding| (std::cmp::Reverse(f.risk), f.source, f.span);
        found.findings.sort_by_key(order);
        found.findings.dedup();
    }
    found
}

/// A message about a word: what stands before it and behind it.
fn say([before, behind]: [&str; 2], word: &Word<'_>) -> Cow<'static, str> {
    with_pieces(word, |pieces| {
        let [a, b, c, d] = pieces;
        Cow::Owned([before, a, b, c, d, behind].concat())
    })
}

/// A word as a message shows it.
fn shown(word: &Word<'_>) -> Cow<'static, str> {
    with_pieces(word, |pieces| Cow::Owned(pieces.concat()))
}

/// The pieces that a word is shown by, so that a message is put together in one go.
fn with_pieces<R>(word: &Word<'_>, make: impl FnOnce([&str; 4]) -> R) -> R {
    let place = match word.lead {
        Lead::Text => "",
        Lead::Home => "~",
        Lead::OtherHome => "~user",
        Lead::WorkingDirectory => "$PWD",
    };
    if let (Value::Partial { suffix, .. }, false) = (word.value, place.is_empty()) {
        return make(["`", place, &String::from_utf8_lossy(suffix), "`"]);
    }
    match word.pattern.or(word.as_known()) {
        Some(text) => make(["`", "", &String::from_utf8_lossy(text), "`"]),
        None if word.prefix().is_empty() => make(["something that cannot be known", "", "", ""]),
        None => make(["something that begins with `", "", &String::from_utf8_lossy(word.prefix()), "`"]),
    }
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn rules_are_sorted_and_named_once() {
        assert!(RULES.is_sorted_by(|a, b| a.id < b.id));
    }
}
