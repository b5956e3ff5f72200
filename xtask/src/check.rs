//! `cargo xtask check`: the examples of knowledge files, evaluated by the files as they stand, in
//! a second and without building anything.

use std::collections::BTreeSet;
use std::path::Path;

use guardrail_core::{EffectKind, Guard, Request};
use guardrail_schema::Example;

use crate::tree::{self, Entry};
use crate::{Outcome, undo};

/// Runs the examples of `files` (names of tools, or paths), or of all.
///
/// # Errors
///
/// What does not hold, a line each.
pub fn run(files: &[&str]) -> Outcome<()> {
    let entries = tree::tools()?;
    let guard = tree::guard(&entries)?;
    let wanted = |entry: &Entry| {
        files.is_empty()
            || files.iter().any(|file| {
                Path::new(file).file_stem() == entry.path.file_stem()
                    || entry.file.tool.names.iter().any(|name| name == file)
                    || *file == entry.family
            })
    };
    let (mut count, mut problems) = (0, Vec::new());
    for entry in entries.iter().filter(|entry| wanted(entry)) {
        if entry.file.examples.is_empty() && !entry.only_calls() {
            problems.push(format!("{}: has no examples", entry.path.display()));
        }
        for example in &entry.file.examples {
            count += 1;
            if let Some(problem) = wrong(&guard, example) {
                problems.push(format!("{}: {problem}", entry.stem()));
            }
        }
    }
    let asked = |tool: &str| {
        files.is_empty()
            || entries.iter().any(|entry| entry.file.tool.names.iter().any(|n| n == tool) && wanted(entry))
    };
    let (ways, wrong_ways) = undo::review(&entries, &guard, asked)?;
    problems.extend(wrong_ways);
    println!("{count} examples, {ways} ways back, {} problems", problems.len());
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// What is wrong with an example, if anything.
#[must_use]
pub fn wrong(guard: &Guard, example: &Example) -> Option<String> {
    let evaluation = guard.evaluate(&Request::shell(&example.run));
    let kinds: BTreeSet<EffectKind> = evaluation.effects.iter().map(|effect| effect.kind).collect();
    let mut wrong = Vec::new();
    if let Some(risk) = example.risk
        && risk != evaluation.risk
    {
        wrong.push(format!("risk {} instead of {risk}", evaluation.risk));
    }
    if let Some(wanted) = &example.effect
        && wanted.kinds().iter().copied().collect::<BTreeSet<_>>() != kinds
    {
        let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        wrong.push(format!("effects {names:?}"));
    }
    if wrong.is_empty() {
        return None;
    }
    let findings = evaluation.findings.iter().map(|f| format!("\n    {}[{}] {}", f.risk, f.rule, f.message));
    Some(format!("`{}`: {}{}", example.run, wrong.join("; "), findings.collect::<String>()))
}
