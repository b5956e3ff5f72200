//! What is wrong with a policy, and where it says so.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::policy::Layer;

/// Why a policy was refused. Everything that is wrong is in it, with the warnings.
#[derive(Clone, Debug, thiserror::Error)]
pub struct PolicyError {
    problems: Vec<PolicyProblem>,
}

impl PolicyError {
    pub(super) fn new(problems: Vec<PolicyProblem>) -> Self {
        Self { problems }
    }

    /// Everything that was found, errors first.
    #[must_use]
    pub fn problems(&self) -> &[PolicyProblem] {
        &self.problems
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let before = if index == 0 { "" } else { "\n" };
            write!(f, "{before}{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a policy, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// How bad it is.
    pub severity: Severity,
    /// The layer whose file it is in.
    pub layer: Layer,
    /// The key it is about: `rule 3 "no-pushes": when.tool`.
    pub place: String,
    /// The bytes of the file that say so, where it is a text with places.
    pub span: Option<Range<usize>>,
    /// What is wrong, in lower case and without a period.
    pub message: String,
    /// What to do about it, where that is plain.
    pub help: Option<String>,
    /// The file.
    pub(crate) text: Arc<str>,
    /// The way to what it is about, until its span is found.
    pub(super) way: Option<Way>,
}

/// Finds the spans of problems; every file is read once.
pub(super) fn locate(problems: &mut [PolicyProblem]) {
    let mut texts: Vec<Arc<str>> = Vec::new();
    for problem in problems.iter().filter(|problem| problem.way.is_some()) {
        if !texts.iter().any(|text| Arc::ptr_eq(text, &problem.text)) {
            texts.push(Arc::clone(&problem.text));
        }
    }
    for text in texts {
        let Ok(table) = DeTable::parse(&text) else { continue };
        for problem in problems.iter_mut().filter(|problem| Arc::ptr_eq(&problem.text, &text)) {
            if let Some(way) = problem.way.take() {
                problem.span = way.span(table.get_ref());
            }
        }
    }
}

/// How bad a [`PolicyProblem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy is refused.
    Error,
    /// The policy can be used, but is hardly what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the {} policy", self.severity.as_str(), self.layer.as_str())?;
        if let Some(span) = &self.span {
            let before = self.text.get(..span.start).unwrap_or_default();
            write!(f, ", line {}", before.matches('\n').count() + 1)?;
        }
        if !self.place.is_empty() {
            write!(f, ", {}", self.place)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// One step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    At(usize),
}

/// The way to a value of a file: `["rule", 3, "when", "tool"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way(pub(super) Vec<Step>);

impl Way {
    pub(super) fn rule(place: usize) -> Self {
        Self(vec![Step::Key("rule".into()), Step::At(place)])
    }

    /// One that goes on; a dotted key is several steps.
    pub(super) fn then(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.extend(key.split('.').map(|key| Step::Key(key.to_owned())));
        Self(steps)
    }

    /// The same with one key, dots and all.
    pub(super) fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    pub(super) fn at(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::At(index));
        Self(steps)
    }

    /// Where a TOML text says so: the value itself, or what is nearest above it.
    fn span(&self, table: &DeTable<'_>) -> Option<Range<usize>> {
        let mut span = None;
        let mut value: Option<&DeValue<'_>> = None;
        for step in &self.0 {
            let next = match (step, value) {
                (Step::Key(key), None) => table.iter().find(|(k, _)| k.get_ref() == key),
                (Step::Key(key), Some(DeValue::Table(table))) => {
                    table.iter().find(|(k, _)| k.get_ref() == key)
                }
                (Step::At(index), Some(DeValue::Array(array))) => match array.get(*index) {
                    Some(element) => {
                        span = Some(element.span());
                        value = Some(element.get_ref());
                        continue;
                    }
                    None => None,
                },
                // One value that stands for a list of one.
                (Step::At(0), Some(_)) => continue,
                _ => None,
            };
            let Some((key, found)) = next else { break };
            // A table's header says little; the key that names a value says more.
            let whole = matches!(found.get_ref(), DeValue::Table(_));
            span = Some(if whole { key.span() } else { found.span() });
            value = Some(found.get_ref());
        }
        span
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = self.0.iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Key(key) if key == "rule" || key == "quota" => {
                    f.write_str(key)?;
                    if let Some(Step::At(index)) = steps.peek() {
                        write!(f, " {}", index + 1)?;
                        steps.next();
                    }
                    if steps.peek().is_some() {
                        f.write_str(": ")?;
                    }
                }
                Step::Key(key) => {
                    f.write_str(key)?;
                    if matches!(steps.peek(), Some(Step::Key(_))) {
                        f.write_str(".")?;
                    }
                }
                Step::At(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
