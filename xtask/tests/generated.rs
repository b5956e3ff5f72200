//! The pages of `docs/tools/` are what the knowledge says today, and what was compared still is.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p xtask --test generated` rewrites the pages.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;

use xtask::{compare, pages, tree};

#[test]
fn the_pages_say_what_the_knowledge_says() {
    let pages = pages::all().unwrap();
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        pages::write().unwrap();
        return;
    }
    let stale: Vec<&String> = pages
        .iter()
        .filter(|(path, text)| std::fs::read_to_string(tree::root().join(path)).ok().as_ref() != Some(*text))
        .map(|(path, _)| path)
        .collect();
    assert!(stale.is_empty(), "{stale:?} are stale: GUARDRAIL_BLESS=1 cargo test -p xtask --test generated");
    let there: BTreeSet<String> = std::fs::read_dir(tree::root().join(pages::FOLDER))
        .unwrap()
        .map(|entry| format!("{}/{}", pages::FOLDER, entry.unwrap().file_name().to_string_lossy()))
        .collect();
    let orphans: Vec<&String> = there.iter().filter(|path| !pages.contains_key(*path)).collect();
    assert!(orphans.is_empty(), "{orphans:?} belong to no tool");
}

#[test]
fn what_was_compared_is_still_classified() {
    let problems = compare::review(&tree::tools().unwrap()).unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_claim_without_a_record_is_noticed() {
    let mut entries = tree::tools().unwrap();
    let entry = entries.iter_mut().find(|entry| entry.name() == "ls").unwrap();
    entry.file.from = guardrail_schema::Origin::Installed;
    entry.file.tool.checked = "0.0.1".into();
    let problems = compare::review(&entries).unwrap();
    assert!(problems.iter().any(|problem| problem.contains("ls: ")), "{problems:?}");
}
