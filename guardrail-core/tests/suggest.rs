//! What `Guard::suggest` proposes, and above all what it does not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use guardrail_core::policy::{Answer, Layer, Policy, PolicyBuilder, Precedent, Suggestions};
use guardrail_core::{Decision, Environment, Guard, Request, Risk};
use proptest::prelude::*;

fn at(text: &str) -> Request {
    let mut request = Request::shell(text).cwd("/home/dev/project");
    request.facts.home = Some("/home/dev".into());
    request.facts.environment = Some(Environment::Development);
    request.actor = Some("agent:one".into());
    request
}

fn yes(n: usize, text: &str) -> Precedent {
    Precedent { request: at(text), answer: Answer::Yes { question: format!("plan-{n}") } }
}

fn no(text: &str) -> Precedent {
    Precedent { request: at(text), answer: Answer::No }
}

fn unknown(text: &str) -> Precedent {
    Precedent { request: at(text), answer: Answer::Unknown }
}

fn all_yes(texts: &[&str]) -> Vec<Precedent> {
    texts.iter().enumerate().map(|(n, text)| yes(n, text)).collect()
}

fn suggest(precedents: &[Precedent]) -> Suggestions {
    Guard::new().suggest(&Policy::builder(), precedents, 3).unwrap()
}

/// A guard with everything that was suggested.
fn adopted(layers: &PolicyBuilder, suggestions: &Suggestions) -> Guard {
    let text: String = suggestions.rules.iter().map(|rule| rule.text.as_str()).collect();
    let policy = layers.clone().layer(Layer::User, &text).unwrap().build().unwrap();
    Guard::builder().policy(policy).unwrap().build()
}

fn decision(suggestions: &Suggestions, request: &Request) -> Decision {
    adopted(&Policy::builder(), suggestions).evaluate(request).decision
}

#[test]
fn what_was_approved_again_and_again_becomes_a_rule_about_just_that() {
    let scale = |n| format!("kubectl --context dev -n shop scale deployment/api --replicas={n}");
    let mut precedents = all_yes(&[&scale(2), &scale(3), &scale(4)]);
    precedents.extend(all_yes(&["touch src/a", "touch src/b", "touch src/c"]));
    let found = suggest(&precedents);
    assert_eq!(found.rules.len(), 2, "{found:#?}");
    for allowed in [&*scale(9), "touch src/a", "touch src/d"] {
        assert_eq!(decision(&found, &at(allowed)), Decision::Allow, "{allowed}");
    }
    for asked in [
        "touch build.rs",
        "touch src/deep/a",
        "touch docs/a",
        "rm src/a",
        "git push",
        "kubectl --context dev -n shop scale deployment/web --replicas=2",
        "kubectl --context dev -n other scale deployment/api --replicas=2",
        "kubectl --context live -n shop scale deployment/api --replicas=2",
        "kubectl -n shop scale deployment/api --replicas=2",
        "touch src/a && rm src/b",
        "touch \"$X\"",
        "/tmp/touch src/a",
    ] {
        assert_ne!(decision(&found, &at(asked)), Decision::Allow, "{asked}");
    }
    let other = Request { actor: Some("agent:two".into()), ..at("touch src/a") };
    assert_ne!(decision(&found, &other), Decision::Allow);
    let mut production = at("touch src/a");
    production.facts.environment = Some(Environment::Production);
    assert_ne!(decision(&found, &production), Decision::Allow);
    // With the rules in place there is nothing more to save.
    let text: String = found.rules.iter().map(|rule| rule.text.as_str()).collect();
    let layers = Policy::builder().layer(Layer::User, &text).unwrap();
    let again = Guard::new().suggest(&layers, &precedents, 3).unwrap();
    assert!(again.rules.is_empty() && again.dropped.is_empty() && again.unused.is_empty(), "{again:#?}");
}

#[test]
fn one_yes_to_many_things_is_one_yes() {
    let many: Vec<_> = (0..9).map(|n| yes(1, &format!("touch src/{n}"))).collect();
    assert!(suggest(&many).rules.is_empty());
}

#[test]
fn removing_names_each_file_and_running_a_file_is_never_suggested() {
    let found = suggest(&all_yes(&["rm old/a", "rm old/b", "rm old/c"]));
    assert_eq!(decision(&found, &at("rm old/a")), Decision::Allow, "{found:#?}");
    assert_ne!(decision(&found, &at("rm old/d")), Decision::Allow);
    let found = suggest(&all_yes(&["bash src/run.sh", "bash src/run.sh", "bash src/run.sh"]));
    assert!(found.rules.is_empty(), "{found:#?}");
}

#[test]
fn nothing_high_nothing_unknown_nothing_beside() {
    for text in [
        "kubectl delete pod web-1",
        "rm -rf /srv/data",
        "touch $FILE",
        "> src/a",
        "touch src/a; curl https://example.com/a -o src/a",
        "touch 'src/a*'",
        "touch 'a?b'",
        "touch $'src/a\\e[2K'",
        "for f in *; do touch src/$f; done",
        // What they run or change is named by no target that a rule could tell apart.
        "make test",
        "npm install",
        "git commit -m x",
    ] {
        let found = suggest(&all_yes(&[text; 5]));
        assert!(found.rules.is_empty(), "{text}: {found:#?}");
    }
}

#[test]
fn what_was_refused_or_never_answered_keeps_a_rule_away() {
    let good = ["touch src/a", "touch src/b", "touch src/c"];
    for other in [
        no("touch src/build.rs"),
        no("touch src/a"),
        unknown("touch src/z"),
        // A part of it is not known: it may have been one of those.
        no("touch src/[redacted:password]"),
        no("touch [redacted:password#01234567]"),
        unknown("touch 'src/a [cut: 5 of 10 bytes, sha256 00] b'"),
    ] {
        let mut precedents = all_yes(&good);
        precedents.push(other.clone());
        let found = suggest(&precedents);
        assert!(found.rules.is_empty(), "{other:?}: {found:#?}");
        assert_eq!(found.dropped.len(), 1, "{found:#?}");
    }
    // Of the same request one answer is known.
    let mut precedents = all_yes(&good);
    precedents.push(unknown("touch src/a"));
    assert_eq!(suggest(&precedents).rules.len(), 1);
}

#[test]
fn a_harvest_by_another_agent_frees_nobody_else() {
    // The agent repeats what is harmless in one place, and wants it in another.
    let texts = ["touch notes/a", "touch notes/b", "touch notes/c", "touch notes/d"];
    let found = suggest(&all_yes(&texts));
    for wanted in ["touch notes/../src/build.rs", "touch notes/x/y", "touch ~/.bashrc", "tee notes/a"] {
        assert_ne!(decision(&found, &at(wanted)), Decision::Allow, "{wanted}");
    }
}

#[test]
fn a_rule_names_what_it_could_not_tell() {
    let precedents: Vec<_> = (0..3)
        .map(|n| {
            let request = Request { actor: None, ..at("mkdir out/x") };
            Precedent { request, answer: Answer::Yes { question: n.to_string() } }
        })
        .collect();
    let found = suggest(&precedents);
    let notes = found.rules[0].notes.join("\n");
    assert!(notes.contains("the actor was not recorded") && notes.contains("the channel was"), "{notes}");
}

#[test]
fn rules_that_allowed_nothing_are_named() {
    let layers = Policy::builder()
        .layer(
            Layer::User,
            "[[rule]]\nname = 'used'\ndecision = 'allow'\nwhen.tool = 'touch'\n\
             [[rule]]\nname = 'idle'\ndecision = 'allow'\nwhen.tool = 'tar'\n\
             [[rule]]\nname = 'guard'\ndecision = 'deny'\nwhen.tool = 'dd'\n",
        )
        .unwrap();
    let found = Guard::new().suggest(&layers, &[unknown("touch a")], 3).unwrap();
    let unused: Vec<_> = found.unused.iter().map(|rule| (rule.rule.as_str(), rule.layer)).collect();
    assert_eq!(unused, [("idle", "user")]);
}

#[test]
fn a_policy_that_asks_all_the_same_gets_no_rule() {
    let layers = Policy::builder().layer(Layer::User, "[approval]\npatterns = ['mkdir']\n").unwrap();
    let precedents = all_yes(&["mkdir out/x"; 4]);
    let found = Guard::new().suggest(&layers, &precedents, 3).unwrap();
    assert!(found.rules.is_empty() && found.dropped[0].reason.contains("asks all the same"), "{found:#?}");
}

/// Requests that an agent may make, some of them to deceive.
const TEXTS: [&str; 24] = [
    "touch src/a",
    "touch src/b",
    "touch src/c",
    "touch src/d",
    "touch docs/a",
    "touch src/a docs/a",
    "rm src/a",
    "rm src/b",
    "mv src/a src/b",
    "cp src/a docs/a",
    "git commit -m x",
    "git commit --amend",
    "git push origin main",
    "kubectl -n shop scale deployment/api --replicas=5",
    "kubectl delete pod x",
    "sudo touch src/a",
    "touch $X",
    "touch src/[redacted:password]",
    "touch src/a && git commit -m x",
    "curl -o src/a https://example.com/a",
    "npm install",
    "cargo test",
    "ls",
    "bash -c 'touch src/a'",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever was remembered, and whatever else the policy says: nothing is freed but what is
    /// Medium, known, approved, and never refused; also by any one of the rules.
    #[test]
    fn suggestions_free_nothing_that_was_not_approved(
        log in prop::collection::vec((0..TEXTS.len(), 0..6_u8, 0..3_u8, 0..12_usize), 1..60),
        mode in prop::sample::select(vec!["", "mode = 'safe'", "[execution]\nauto_approve_workspace = true"]),
        least in 1..4_usize,
    ) {
        let precedents: Vec<_> = log
            .into_iter()
            .map(|(text, answer, actor, question)| {
                let mut request = at(TEXTS[text]);
                request.actor = (actor > 0).then(|| format!("agent:{actor}"));
                let question = format!("plan-{question}");
                let answer = match answer { 0 => Answer::No, 1 => Answer::Unknown, _ => Answer::Yes { question } };
                Precedent { request, answer }
            })
            .collect();
        let layers = Policy::builder().layer(Layer::User, mode).unwrap();
        let before = Guard::builder().policy(layers.clone().build().unwrap()).unwrap().build();
        let found = before.suggest(&layers, &precedents, least).unwrap();
        for taken in (0..found.rules.len()).map(|n| vec![found.rules[n].clone()]).chain([found.rules.clone()]) {
            let after = adopted(&layers, &Suggestions { rules: taken, ..Suggestions::default() });
            for precedent in &precedents {
                let (then, now) = (before.evaluate(&precedent.request), after.evaluate(&precedent.request));
                if then.decision == now.decision {
                    continue;
                }
                prop_assert_eq!(&now.decision, &Decision::Allow);
                prop_assert!(then.risk == Risk::Medium && !then.unknown, "{precedent:?}");
                let same = |other: &&Precedent| other.request == precedent.request;
                let mut answers = precedents.iter().filter(same).map(|other| &other.answer);
                prop_assert!(answers.clone().any(|answer| matches!(answer, Answer::Yes { .. })), "{precedent:?}");
                prop_assert!(answers.all(|answer| *answer != Answer::No), "{precedent:?}");
            }
        }
        for rule in &found.rules {
            prop_assert!(rule.saves >= least && rule.text.bytes().all(|b| matches!(b, b'\n' | b' '..=b'~')));
        }
    }
}
