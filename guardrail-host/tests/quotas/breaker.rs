//! Circuit breakers on failures and on denials.

use guardrail_core::quota::{Finished, QuotaRefusal, Quotas as _};
use guardrail_core::record::Verdict;

use crate::stage::*;

const FAILURES: &str = "
[[quota]]
name = 'failing'
counts = 'failures'
most = 3
rest = '5m'
trials = 2
by = 'actor'
";

#[test]
fn failures_in_a_row_open_it_and_trials_close_it() {
    let stage = Stage::new(FAILURES);
    let end = |ended| stage.ends("ann", "make all", ended);
    for ended in [Finished::Badly, Finished::Badly, Finished::Well, Finished::Badly, Finished::Badly] {
        end(ended).unwrap();
    }
    let straggler = stage.admit("ann", "make all").unwrap();
    end(Finished::Badly).unwrap();
    let refusal = end(Finished::Well).unwrap_err();
    assert!(refusal.to_string().contains("failed in a row"), "{refusal}");
    assert_eq!(retry_at(&refusal), stage.now() + 300_000);
    assert!(stage.admit("bob", "make all").is_ok(), "another one's is closed");
    done(straggler.finish(Finished::Well)).unwrap();
    assert!(end(Finished::Well).is_err(), "what began before it opened closes nothing");
    stage.pass(300_000);
    let trial = stage.admit("ann", "make all").unwrap();
    let second = stage.admit("ann", "make all").unwrap_err();
    assert_eq!(second.retry_at(), None, "one at a time");
    done(trial.finish(Finished::Badly)).unwrap();
    assert!(stage.admit("ann", "make all").is_err(), "it rests again");
    stage.pass(300_000);
    end(Finished::Well).unwrap();
    let trial = stage.admit("ann", "make all").unwrap();
    assert!(stage.admit("ann", "make all").is_err(), "the second trial runs");
    drop(trial);
    end(Finished::Well).unwrap();
    let both = (stage.admit("ann", "make all"), stage.admit("ann", "make all"));
    assert!(both.0.is_ok() && both.1.is_ok(), "it is closed");
}

#[test]
fn denials_in_a_row_refuse_what_is_asked_and_what_would_begin() {
    let stage = Stage::new("[[quota]]\nname = 'told no'\ncounts = 'denials'\nmost = 2\nrest = '1m'");
    stage.called("ann", Verdict::Deny).unwrap();
    stage.called("ann", Verdict::Ask).unwrap();
    stage.called("ann", Verdict::Deny).unwrap();
    stage.called("bob", Verdict::Deny).unwrap();
    let refusal = stage.called("ann", Verdict::Allow).unwrap_err();
    assert!(matches!(&refusal, QuotaRefusal::Spent { quota, .. } if quota == "told no"), "{refusal}");
    assert!(stage.admit("ann", "mkdir x").is_err());
    stage.pass(60_000);
    stage.called("ann", Verdict::Deny).unwrap();
    assert!(stage.called("ann", Verdict::Allow).is_err(), "the first one after the rest was denied too");
    stage.pass(60_000);
    stage.called("ann", Verdict::Allow).unwrap();
    assert!(stage.admit("ann", "mkdir x").is_ok());
}

#[test]
fn what_nobody_said_the_end_of_is_neither_good_nor_bad() {
    let stage = Stage::new(FAILURES);
    for _ in 0..10 {
        drop(stage.admit("ann", "make all").unwrap());
    }
    let usage = stage.usage("ann", "make all");
    let (one, other) = (done(stage.quotas.admit(&usage)), done(stage.quotas.admit(&usage)));
    assert!(one.is_ok() && other.is_ok());
}
