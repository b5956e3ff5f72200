//! A revision's digest covers all of it: whatever changes, it is another one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod plan_book;

use guardrail_core::plan::{
    Command, Digest, FileAccess, Injection, Monitor, Origin, Principal, Revision, Sandbox, Slot, StepLimits,
};
use guardrail_core::redact::Redactor;
use plan_book::*;
use serde_json::Value;

/// A revision that has something in every field.
fn full() -> Revision {
    let mut plan = scale();
    plan.impact = "the shop".into();
    plan.preflight = plan.steps[0].preflight.clone();
    plan.post = plan.steps[0].post.clone();
    plan.monitor =
        Some(Monitor { window_seconds: 60, every_seconds: 5, checks: plan.steps[0].preflight.clone() });
    let step = &mut plan.steps[0];
    step.reason = "why".into();
    step.expected_seconds = Some(3);
    step.irreversible = Some("not wholly".into());
    let rollback = step.rollback.as_mut().unwrap();
    rollback.estimated_seconds = Some(9);
    plan.rollback = Some(guardrail_core::plan::Rollback::new("all", [Command::argv(["ls"])]));
    let step = &mut plan.steps[0];
    step.dry_run = Some(Command::shell("ls -l"));
    step.command = Command {
        environment: [("A".into(), "b".into())].into(),
        inherit: vec!["HOME".into()],
        credentials: vec![guardrail_core::plan::CredentialReference {
            name: "kube".parse().unwrap(),
            into: Injection::File("KUBECONFIG".into()),
        }],
        limits: StepLimits { wall_seconds: Some(5), memory_bytes: Some(6), ..StepLimits::default() },
        sandbox: Sandbox {
            no_network: true,
            files: Some(FileAccess { read: vec!["/a".into()], write: vec!["/b".into()] }),
            ..Sandbox::default()
        },
        ..step.command.clone()
    };
    let mut preparation = captured("3");
    preparation.origin = Origin {
        requester: agent(),
        owner: Some(Principal::person("olga")),
        session: Some("s".into()),
        channel: Some("c".into()),
    };
    prepare(plan, &preparation).unwrap()
}

/// The same JSON with the `n`th leaf or empty place changed; `None` past the last.
fn changed(value: &Value, n: &mut usize) -> Option<Value> {
    let here = |n: &mut usize| {
        let hit = *n == 0;
        *n = n.wrapping_sub(1);
        hit
    };
    match value {
        Value::Object(entries) => entries.iter().find_map(|(key, inner)| {
            let inner = changed(inner, n)?;
            let mut entries = entries.clone();
            entries.insert(key.clone(), inner);
            Some(Value::Object(entries))
        }),
        Value::Array(items) => {
            let inner = items.iter().enumerate().find_map(|(place, item)| Some((place, changed(item, n)?)));
            if let Some((place, inner)) = inner {
                let mut items = items.clone();
                items[place] = inner;
                return Some(Value::Array(items));
            }
            if !items.is_empty() && here(n) {
                return Some(Value::Array(items[1..].to_vec()));
            }
            None
        }
        leaf => here(n).then(|| match leaf {
            Value::Bool(truth) => Value::Bool(!truth),
            Value::Number(number) => Value::from(number.as_f64().unwrap() as i64 + 1),
            Value::String(text) => {
                // A digit, so that digests and ids stay what they are in form.
                let flipped = if text.ends_with('1') { "2" } else { "1" };
                Value::String(format!(
                    "{}{flipped}",
                    text.chars().take(text.chars().count().saturating_sub(1)).collect::<String>()
                ))
            }
            _ => Value::from(1),
        }),
    }
}

#[test]
fn every_change_of_any_field_is_another_digest() {
    let revision = full();
    let document: Value = serde_json::from_slice(&revision.document()).unwrap();
    let same = Revision::from_document(&revision.document(), revision.digest()).unwrap();
    assert_eq!(same, revision);
    let (mut place, mut read) = (0, 0);
    loop {
        let mut n = place;
        let Some(other) = changed(&document, &mut n) else { break };
        place += 1;
        let bytes = serde_json::to_vec(&other).unwrap();
        let error = Revision::from_document(&bytes, revision.digest()).unwrap_err().to_string();
        read += usize::from(error.contains("its digest is"));
    }
    assert!(place > 300, "only {place} places were changed");
    assert!(read * 4 > place * 3, "of {place} changes only {read} were readable: too few to mean anything");
}

#[test]
fn a_document_with_anything_more_or_less_is_refused() {
    let revision = full();
    let mut document: Value = serde_json::from_slice(&revision.document()).unwrap();
    document["more"] = Value::from(1);
    assert!(Revision::from_document(&serde_json::to_vec(&document).unwrap(), revision.digest()).is_err());
    assert!(Revision::from_document(b"{}", revision.digest()).is_err());
    assert!(Revision::from_document(&revision.document(), Digest::of_content(b"")).is_err());
}

#[test]
fn what_is_shown_hides_secrets_and_shows_what_is_invisible() {
    let mut plan = scale();
    plan.title = "Scale \u{202e}the\u{1b}[2K API".into();
    plan.reason = "AKIAIOSFODNN7EXAMPLE told me".into();
    plan.steps[0].command =
        Command::shell("kubectl -n shop scale deployment api --replicas=5   \n# p\u{430}y");
    let text = prepare(plan, &captured("3")).unwrap().text(&Redactor::new(), 1 << 20);
    let text = text.text();
    assert!(text.contains("Scale ⟨U+202E⟩the⟨ESC⟩[2K API"), "{text}");
    assert!(!text.contains("AKIAIOSFODNN7EXAMPLE"), "{text}");
    assert!(text.contains("--replicas=5⟨SP⟩⟨SP⟩⟨SP⟩"), "{text}");
    assert!(text.contains("p⟨U+0430⟩y"), "{text}");
}

#[test]
fn what_is_missing_is_listed_whole() {
    let mut plan = scale();
    plan.steps[0].preflight.clear();
    plan.steps[0].post.clear();
    plan.steps[0].rollback = None;
    let flaws = prepare(plan, &captured("3")).unwrap_err();
    for part in ["`preflight`", "`post`", "`rollback`"] {
        assert!(flaws.iter().any(|flaw| flaw.contains(part)), "{flaws:?}");
    }
    let mut plan = scale();
    plan.steps[0].preflight[0].command = Command::argv(["kubectl", "delete", "pod", "x"]);
    plan.steps[0].command = Command::shell("rm -rf /");
    let flaws = prepare(plan, &captured("3")).unwrap_err();
    assert!(flaws.iter().any(|flaw| flaw.contains("must only look")), "{flaws:?}");
    assert!(flaws.iter().any(|flaw| flaw.contains("denies")), "{flaws:?}");
    let mut plan = scale();
    plan.cwd = Some("srv".into());
    plan.title = " ".into();
    plan.steps[0].command = Command::argv(["psql", "postgres://u:hunter2secret@db/x"]);
    let flaws = prepare(plan, &captured("3")).unwrap_err();
    assert_eq!(flaws.len(), 3, "{flaws:?}");
}

#[test]
fn work_in_a_workspace_owes_little_and_what_cannot_be_undone_owes_more() {
    let mut plan = scale().cwd("/home/dev/app");
    plan.steps = vec![guardrail_core::plan::Step::new("Make a place", Command::argv(["mkdir", "x"]))];
    let revision = prepare(plan.clone(), &preparation()).unwrap();
    assert_eq!((revision.need().approvers, revision.need().people), (1, 0));
    plan.steps[0].irreversible = Some("it is a test".into());
    let flaws = prepare(plan.clone(), &preparation()).unwrap_err();
    assert!(flaws.iter().any(|flaw| flaw.contains("`monitor`")), "{flaws:?}");
    assert!(!flaws.iter().any(|flaw| flaw.contains("`rollback`")), "{flaws:?}");
}

#[test]
fn a_reviewer_changes_a_parameter_within_its_bounds() {
    let revision = prepare(scale(), &captured("3")).unwrap();
    let plan = revision.with_parameter("replicas", 7.into()).unwrap();
    let mut preparation = captured("3");
    preparation.number = 2;
    let next = prepare(plan, &preparation).unwrap();
    assert!(next.command(Slot::action(1)).unwrap().command.typed().ends_with("--replicas=7"));
    assert_ne!(next.digest(), revision.digest());
    for (name, value) in [("replicas", Value::from(10)), ("replicas", "x".into()), ("other", 1.into())] {
        assert!(revision.with_parameter(name, value).is_err());
    }
}

#[test]
fn a_key_that_stands_twice_is_an_error() {
    let plan = |inner: &str| {
        let text = format!(r#"{{"title": "t", "steps": [], {inner}}}"#);
        guardrail_core::plan::Plan::from_json(&text)
    };
    assert!(plan(r#""parameters": {"a": {"value": 1}}"#).is_ok());
    assert!(plan(r#""parameters": {"a": {"value": 1}, "a": {"value": 2}}"#).is_err());
    assert!(plan(r#""title": "u""#).is_err());
    assert!(plan(r#""colour": "red""#).is_err());
    let step =
        |inner: &str| plan(&format!(r#""post": [{{"name": "c", "command": {{"argv": ["ls"], {inner}}}}}]"#));
    assert!(step(r#""environment": {"A": "b"}"#).is_ok());
    assert!(step(r#""environment": {"A": "b", "A": "c"}"#).is_err());
}

#[test]
fn a_policy_that_is_only_tried_is_no_part_of_what_is_approved() {
    let guard = guardrail_core::Guard::new();
    let prepared = |guard: &guardrail_core::Guard| {
        let look =
            &mut |_, command: &Command, request: &guardrail_core::Request| look(guard, command, request);
        Revision::prepare(scale(), &captured("3"), look).unwrap()
    };
    let before = prepared(&guard);
    guard.try_policy(Err("it is not there"));
    assert!(guard.evaluate(&guardrail_core::Request::shell("ls")).shadow.is_some());
    assert_eq!(prepared(&guard).digest(), before.digest());
}
