//! Calls, executions, repeats: how many in a window.

use guardrail_core::quota::{Counts, QuotaRefusal, Quotas as _};
use guardrail_core::record::Verdict;
use proptest::prelude::*;

use crate::stage::*;

const CHANGES: &str = "
[[quota]]
name = 'changes'
counts = 'executions'
most = 3
within = '1m'
by = 'actor'
when = { risk = ['medium', 'high', 'critical'] }

[[quota]]
name = 'asked'
counts = 'calls'
most = 5
within = '1h'
by = ['actor', 'channel']
";

#[test]
fn a_refusal_says_which_quota_and_when_to_try_again() {
    let stage = Stage::new(CHANGES);
    for _ in 0..3 {
        drop(stage.admit("ann", "mkdir x").unwrap());
    }
    let refusal = stage.admit("ann", "rm y").unwrap_err();
    let QuotaRefusal::Spent { quota, layer, counts, most, of, .. } = &refusal else { panic!("{refusal}") };
    assert_eq!(
        (quota.as_str(), layer.as_str(), *counts, *most, of.as_str()),
        ("changes", "user", Counts::Executions, 3, "actor=ann"),
    );
    assert!(stage.admit("bob", "rm y").is_ok(), "another one's are counted apart");
    assert!(stage.admit("ann", "kubectl get pods").is_ok(), "reads are not meant");
    let at = retry_at(&refusal);
    assert!((stage.now() + 60_000..=stage.now() + 64_000).contains(&at));
    stage.pass(at - stage.now() - 1);
    assert!(stage.admit("ann", "rm y").is_err());
    stage.pass(1);
    assert!(stage.admit("ann", "rm y").is_ok(), "what was said is kept");
    let text = serde_json::to_string(&refusal).unwrap();
    assert_eq!(serde_json::from_str::<QuotaRefusal>(&text).unwrap(), refusal);
}

#[test]
fn calls_are_counted_whatever_the_answer() {
    let stage = Stage::new(CHANGES);
    for verdict in [Verdict::Allow, Verdict::Ask, Verdict::Deny, Verdict::Allow, Verdict::Deny] {
        stage.called("ann", verdict).unwrap();
    }
    assert!(stage.called("ann", Verdict::Allow).is_err());
    stage.pass(30 * 60_000);
    assert!(stage.called("ann", Verdict::Allow).is_err(), "what was refused did not count, the others do");
    stage.pass(33 * 60_000);
    assert!(stage.called("ann", Verdict::Allow).is_ok());
}

#[test]
fn a_loop_is_noticed_and_a_poll_is_none() {
    let stage =
        Stage::new("[[quota]]\nname = 'loop'\ncounts = 'repeats'\nmost = 3\nwithin = '10m'\nby = 'actor'");
    for text in ["rm -f out.o", "r\\m -f 'out.o'", "date; rm -f out.o # again"] {
        drop(stage.admit("ann", text).unwrap());
        stage.pass(20_000);
    }
    let refusal = stage.admit("ann", "rm -f $'out.o'").unwrap_err();
    assert!(refusal.to_string().contains("looks like a loop"), "{refusal}");
    assert!(stage.admit("ann", "rm -f other.o").is_ok());
    for _ in 0..500 {
        drop(stage.admit("ann", "kubectl get pods").unwrap());
        stage.pass(5_000);
    }
    assert!(stage.admit("ann", "rm -f out.o").is_ok(), "it is long over");
}

#[test]
fn an_old_policy_and_a_new_one_count_together() {
    let stage = Stage::new(CHANGES);
    for _ in 0..3 {
        drop(stage.admit("ann", "mkdir x").unwrap());
    }
    let more = guard(&CHANGES.replace("most = 3", "most = 4")).usage(&request("ann", "mkdir x"));
    assert!(done(stage.quotas.admit(&more)).is_ok(), "one more than before");
    assert!(done(stage.quotas.admit(&more)).is_err(), "and no more than that");
}

#[test]
fn a_clock_that_is_set_back_frees_nothing() {
    let stage = Stage::new(CHANGES);
    for _ in 0..3 {
        drop(stage.admit("ann", "mkdir x").unwrap());
    }
    stage.pass(-50_000);
    assert!(matches!(stage.admit("ann", "mkdir x"), Err(QuotaRefusal::Spent { .. })), "time stands still");
    assert!(stage.admit("bob", "mkdir x").is_ok());
    stage.pass(-3_600_000);
    let refusal = stage.admit("bob", "mkdir x").unwrap_err();
    assert!(matches!(&refusal, QuotaRefusal::Unavailable { .. }), "{refusal}");
    assert!(refusal.to_string().contains("set the clock right"), "{refusal}");
    stage.pass(3_600_000 + 50_000);
    assert!(matches!(stage.admit("ann", "mkdir x"), Err(QuotaRefusal::Spent { .. })));
    stage.pass(65_000);
    assert!(stage.admit("ann", "mkdir x").is_ok());
}

#[test]
fn without_quotas_nothing_is_counted() {
    let stage = Stage::new("");
    std::fs::remove_file(stage.directory.join("counts")).unwrap();
    assert!(stage.admit("ann", "mkdir x").is_ok(), "there is nothing to count");
    assert!(stage.called("ann", Verdict::Deny).is_ok());
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    /// By which of two doors, and who.
    Admit(bool, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (-20_000_i64..40_000).prop_map(Step::Pass),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(door, actor)| Step::Admit(door, actor)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any interleaving of two doors, two actors and a clock that also goes back, beside a list of all
    /// that was admitted.
    #[test]
    fn never_more_than_allowed_in_any_window(steps in prop::collection::vec(step(), 1..120)) {
        let stage = Stage::new(CHANGES);
        let doors = [stage.quotas.clone(), stage.reopened().unwrap()];
        let usages = ["ann", "bob"].map(|actor| stage.usage(actor, "mkdir x"));
        let mut admitted: [Vec<i64>; 2] = [Vec::new(), Vec::new()];
        let mut latest = 0;
        for step in steps {
            match step {
                Step::Pass(milliseconds) => stage.pass(milliseconds.max(latest - stage.now() - 50_000)),
                Step::Admit(door, actor) => {
                    // Time does not go back for whoever counts.
                    latest = latest.max(stage.now());
                    let (door, all) = (&doors[usize::from(door)], &mut admitted[usize::from(actor)]);
                    let lately = |length: i64| all.iter().filter(|at| **at > latest - length).count();
                    match done(door.admit(&usages[usize::from(actor)])) {
                        Ok(_) => {
                            prop_assert!(lately(60_000) < 3);
                            all.push(latest);
                        }
                        Err(refusal) => {
                            prop_assert!(lately(64_000) >= 3, "{refusal}");
                            prop_assert!(retry_at(&refusal) > latest);
                        }
                    }
                }
            }
        }
    }
}
