//! Every example of every knowledge file, evaluated: the files prove themselves.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test meets the world"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use guardrail_core::{EffectKind, Guard, Request};
use guardrail_schema::ToolFile;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

fn tools() -> Vec<(PathBuf, ToolFile)> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../guardrail-knowledge/tools"), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let file = ToolFile::parse(&fs::read_to_string(&path).unwrap()).unwrap();
            (path, file)
        })
        .collect()
}

#[test]
fn examples_hold() {
    let guard = Guard::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for (path, file) in tools() {
        for example in &file.examples {
            count += 1;
            let evaluation = guard.evaluate(&Request::shell(&example.run));
            let kinds: BTreeSet<EffectKind> = evaluation.effects.iter().map(|effect| effect.kind).collect();
            let mut wrong = Vec::new();
            if let Some(risk) = example.risk
                && risk != evaluation.risk
            {
                wrong.push(format!("risk {} instead of {risk}", evaluation.risk));
            }
            if let Some(wanted) = &example.effect {
                let wanted: BTreeSet<EffectKind> = wanted.kinds().iter().copied().collect();
                if wanted != kinds {
                    wrong.push(format!("effects {kinds:?} instead of {wanted:?}"));
                }
            }
            if !wrong.is_empty() {
                let findings: Vec<_> = evaluation
                    .findings
                    .iter()
                    .map(|f| format!("{}[{}] {}", f.risk, f.rule, f.message))
                    .collect();
                failures.push(format!(
                    "{}: `{}`: {}\n    {}",
                    path.file_name().unwrap().to_string_lossy(),
                    example.run,
                    wrong.join("; "),
                    findings.join("\n    ")
                ));
            }
        }
    }
    assert!(count > 400, "only {count} examples were found");
    assert!(failures.is_empty(), "{} of {count} examples fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_tool_has_examples() {
    let without: Vec<_> = tools()
        .into_iter()
        .filter(|(_, file)| file.examples.is_empty() && !file.tool.commands.iter().all(|c| !c.runs))
        .map(|(path, _)| path)
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn no_tool_is_known_twice() {
    let mut names = BTreeSet::new();
    for (path, file) in tools() {
        for name in file.tool.names {
            assert!(names.insert(name.clone()), "{}: {name}", path.display());
        }
    }
}
