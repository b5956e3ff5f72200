//! Every approver of this crate through the one suite.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "benches_of/mod.rs"]
mod benches_of;

use benches_of::*;
use guardrail_approve::conformance::{Bench, check};

/// Runs the suite, and compares what could not be tested with what is known not to be possible.
#[track_caller]
fn holds(bench: &dyn Bench, untested: &[&str]) {
    let report = check(bench);
    println!("{report}");
    assert!(report.holds(), "{report}");
    let found = report.untested();
    let known = |clause: &&str| untested.iter().any(|start| clause.starts_with(start));
    let more: Vec<_> = found.iter().filter(|clause| !known(clause)).collect();
    assert!(more.is_empty(), "not tested without a reason: {more:?}");
    assert_eq!(found.len(), untested.len(), "tested, and not known to be: {untested:?} but {found:?}");
}

/// What a channel of typed replies cannot say: garbage, other digests.
const TYPED: &[&str] = &["what is no answer", "a yes to another revision"];

/// What approvers that decide by themselves have none of: reviewers who do anything.
const ALONE: &[&str] = &[
    "a no is a no",
    "silence",
    "a lost channel",
    "what is no answer",
    "a late answer",
    "the same answer again",
    "an answer to another question",
    "a yes to another revision",
    "a yes to another text",
    "a stranger",
    "a question that was dropped",
    "of two who say yes",
];

#[test]
fn inbox() {
    let mut untested = TYPED.to_vec();
    untested.extend(["a lost channel", "a stranger", "who was revoked"]);
    holds(&Inboxes, &untested);
}

#[test]
fn chain() {
    let mut untested = TYPED.to_vec();
    untested.extend(["a stranger", "who was revoked"]);
    holds(&Chains, &untested);
}

#[test]
fn quorum() {
    let mut untested = TYPED.to_vec();
    untested.push("who was revoked");
    holds(&Quorums, &untested);
}

#[test]
fn auto() {
    let mut untested = ALONE.to_vec();
    untested.push("who was revoked");
    holds(&Autos, &untested);
}

#[test]
fn deny_all() {
    let mut untested = ALONE.to_vec();
    untested.extend(["a yes is that", "who was revoked"]);
    untested.retain(|clause| *clause != "a no is a no");
    holds(&Denies, &untested);
}

#[test]
fn grants() {
    let mut untested = ALONE.to_vec();
    untested.retain(|clause| *clause != "a lost channel");
    holds(&Granted, &untested);
}

#[test]
fn file_drop() {
    holds(&Drops, &[]);
}

#[test]
fn terminal() {
    let cannot = [
        "the same answer again",
        "an answer to another question",
        "a yes to another revision",
        "a yes to another text",
        "a stranger",
        "who was revoked",
        "of two who say yes",
    ];
    holds(&Terminals, &cannot);
}

#[test]
fn webhook() {
    holds(&Services, &[]);
}
