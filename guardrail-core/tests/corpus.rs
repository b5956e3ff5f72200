//! Every labelled row of `corpus/`, evaluated. All mismatches come in one message.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test that reads files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use guardrail_core::{Action, EffectKind, Evaluation, Facts, Guard, Request, Risk};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Theme {
    row: Vec<Row>,
}

/// What `corpus/README.md` describes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    run: Option<String>,
    argv: Option<Vec<String>>,
    call: Option<String>,
    #[serde(default)]
    arguments: serde_json::Value,
    cwd: Option<String>,
    #[serde(default)]
    facts: Facts,
    #[serde(default)]
    attachments: BTreeMap<String, String>,
    touched: Option<Vec<String>>,
    risk: Risk,
    effects: Option<Vec<EffectKind>>,
    programs: Option<Vec<String>>,
    why: String,
}

impl Row {
    fn request(&self) -> Request {
        let action = match (&self.run, &self.argv, &self.call) {
            (Some(text), None, None) => Action::Shell(text.clone()),
            (None, Some(words), None) => Action::Argv(words.clone()),
            (None, None, Some(name)) => {
                Action::Call { name: name.clone(), arguments: self.arguments.clone() }
            }
            _ => panic!("a row has one of run, argv and call: {}", self.why),
        };
        let (cwd, facts) = (self.cwd.clone(), self.facts.clone());
        Request { cwd, facts, attachments: self.attachments.clone(), ..Request::new(action) }
    }

    fn mismatches(&self, evaluation: &Evaluation) -> Vec<String> {
        let mut wrong = Vec::new();
        if evaluation.risk != self.risk {
            wrong.push(format!("risk is {}, not {}", evaluation.risk, self.risk));
        }
        if let Some(wanted) = &self.effects {
            let wanted: BTreeSet<_> = wanted.iter().copied().collect();
            let kinds: BTreeSet<_> = evaluation.effects.iter().map(|effect| effect.kind).collect();
            if kinds != wanted {
                wrong.push(format!("effects are {kinds:?}, not {wanted:?}"));
            }
        }
        if let Some(wanted) = &self.touched {
            let touched: Vec<_> = evaluation.blast_radius.touched.iter().map(ToString::to_string).collect();
            if touched != *wanted {
                wrong.push(format!("touched are {touched:?}, not {wanted:?}"));
            }
        }
        if let Some(wanted) = &self.programs {
            let programs: Vec<_> = evaluation.programs().map(|program| program.unwrap_or("?")).collect();
            if programs != *wanted {
                wrong.push(format!("programs are {programs:?}, not {wanted:?}"));
            }
        }
        wrong
    }
}

fn themes(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("policies") {
            // Other rows: `tests/policy.rs` runs them.
        } else if path.is_dir() {
            themes(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

fn rows() -> Vec<(String, Row)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut found = Vec::new();
    themes(&root, &mut found);
    found.sort();
    let mut all = Vec::new();
    for path in found {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let theme: Theme = match toml::from_str(&fs::read_to_string(&path).unwrap()) {
            Ok(theme) => theme,
            Err(error) => panic!("{name}: {error}"),
        };
        all.extend(theme.row.into_iter().map(|row| (name.clone(), row)));
    }
    all
}

#[test]
fn rows_hold() {
    let guard = Guard::new();
    let rows = rows();
    let mut message = String::new();
    let mut failures = 0;
    for (theme, row) in &rows {
        let request = row.request();
        let evaluation = guard.evaluate(&request);
        let wrong = row.mismatches(&evaluation);
        if wrong.is_empty() {
            continue;
        }
        failures += 1;
        let _ =
            writeln!(message, "{theme}: {}: {}\n    {}", shown(&request.action), row.why, wrong.join("; "));
        for finding in evaluation.findings.iter().take(4) {
            let _ = writeln!(message, "        {}[{}] {}", finding.risk, finding.rule, finding.message);
        }
    }
    assert!(failures == 0, "{failures} of {} rows disagree:\n{message}", rows.len());
}

fn shown(action: &Action) -> String {
    match action {
        Action::Shell(text) => format!("{text:.200?}"),
        Action::Argv(words) => format!("{words:?}"),
        Action::Call { name, arguments } => format!("{name}({arguments})"),
    }
}

#[test]
fn both_errors_are_looked_for() {
    let rows = rows();
    let low = rows.iter().filter(|(_, row)| row.risk == Risk::Low).count();
    assert!(rows.len() >= 800, "{} rows", rows.len());
    assert!((rows.len() * 2 / 5..=rows.len() * 3 / 5).contains(&low), "{low} of {} rows are low", rows.len());
    assert!(rows.iter().all(|(_, row)| !row.why.is_empty()));
}

#[test]
fn no_row_stands_twice() {
    let mut seen = BTreeSet::new();
    for (theme, row) in rows() {
        let request = serde_json::to_string(&row.request()).unwrap();
        assert!(seen.insert(request.clone()), "{theme}: {request}");
    }
}
