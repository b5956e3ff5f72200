//! The shell parser against bash itself: what it accepts, and which command words it finds.
//!
//! `bash -n` reads without running. It is asked twice, with extended globs off and on; agreeing
//! with either counts. It does not look into here-documents and backquotes, so problems in there
//! do not count as a rejection. What it says on standard error counts: after `[[ a b ]]` it
//! complains and exits with success.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod shell_mutants;
mod shell_walk;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use guardrail_core::Limits;
use guardrail_core::shell::{Bump, ProblemKind, Script, parse};
use shell_walk::walk;

const SNIPPETS: &str = include_str!("data/shell_snippets.jsonl");

#[derive(serde::Deserialize)]
struct Row {
    snippet: String,
    commands: Option<Vec<String>>,
}

fn rows() -> Vec<Row> {
    SNIPPETS.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Whether `bash -n` would take the script for a program.
fn accepts(script: &Script, text: &str) -> bool {
    script.problems().iter().all(|problem| match problem.kind {
        ProblemKind::BadSubstitution | ProblemKind::SplitName => true,
        // zsh's flags of a parameter are a bad substitution to bash.
        ProblemKind::Zsh => text.as_bytes()[problem.span.start as usize..].starts_with(b"${"),
        _ => false,
    })
}

fn bash_accepts(snippet: &str, extglob: bool) -> bool {
    let mut bash = Command::new("bash");
    if extglob {
        bash.args(["-O", "extglob"]);
    }
    let output = bash.args(["-n", "-c", "--", snippet]).env("LC_ALL", "C.UTF-8").output().expect("bash runs");
    output.status.success() && output.stderr.is_empty()
}

/// Says why the test is skipped, if it is.
fn bash_is_missing() -> bool {
    let version = Command::new("bash").args(["-c", "echo $BASH_VERSINFO"]).output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0));
    match version {
        Ok(5..) => false,
        Ok(version) => {
            eprintln!("skipped: bash 5 is needed, this is bash {version}");
            true
        }
        Err(error) => {
            eprintln!("skipped: bash is needed: {error}");
            true
        }
    }
}

/// The snippets on which parser and bash disagree, each with the parser's verdict.
fn disagreements(snippets: &[String]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut found = Vec::new();
        while let Some(snippet) = snippets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let arena = Bump::new();
            let script = parse(&arena, snippet.as_bytes(), &Limits::STANDARD);
            let ours = accepts(&script, snippet);
            if ours != bash_accepts(snippet, false) && ours != bash_accepts(snippet, true) {
                let verdict = if ours { "accepted, unlike bash" } else { "rejected, unlike bash" };
                found.push(format!("{verdict}: {snippet:?} {:?}", script.problems()));
            }
        }
        found
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    })
}

#[test]
fn accepts_what_bash_accepts() {
    if bash_is_missing() {
        return;
    }
    let snippets: Vec<_> = rows().into_iter().map(|row| row.snippet).collect();
    assert!(snippets.len() >= 300);
    let found = disagreements(&snippets);
    assert!(found.is_empty(), "{} of {}:\n{}", found.len(), snippets.len(), found.join("\n"));
}

/// Mutants of the snippets, the same ones every time. A handful of disagreements is known: bash
/// gives up without a word behind `[[ ]]` and on a `for ((` that does not end in `))`, and lets
/// some text pass that cannot run.
#[test]
fn accepts_the_mutants_that_bash_accepts() {
    if bash_is_missing() {
        return;
    }
    let seeds: Vec<_> = rows().into_iter().map(|row| row.snippet.into_bytes()).collect();
    let mutants: Vec<_> = shell_mutants::mutants(&seeds, 0x5EED)
        .filter_map(|mutant| String::from_utf8(mutant).ok())
        .filter(|mutant| !mutant.contains('\0'))
        .take(3000)
        .collect();
    let found = disagreements(&mutants);
    assert!(
        found.len() * 200 <= mutants.len(),
        "{} of {}:\n{}",
        found.len(),
        mutants.len(),
        found.join("\n")
    );
}

#[test]
fn finds_every_command_word() {
    let mut checked = 0;
    for Row { snippet, commands } in rows() {
        let arena = Bump::new();
        let script = parse(&arena, snippet.as_bytes(), &Limits::STANDARD);
        let mut found = walk(&script).commands;
        let Some(mut expected) = commands else { continue };
        checked += 1;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "in {snippet:?}");
    }
    assert!(checked >= 300, "only {checked} rows say which commands they hold");
}
