//! `guardrail policy` as a person runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the program; its status and what it printed, errors behind.
fn guardrail(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_guardrail")).args(arguments).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), printed)
}

/// A file of this test.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_init_prints_passes_the_check() {
    for mode in ["safe", "standard", "full"] {
        let (status, text) = guardrail(&["policy", "init", "--mode", mode]);
        assert_eq!(status, 0);
        let path = file(&format!("init-{mode}.toml"), &text);
        let (status, printed) = guardrail(&["policy", "check", "--strict", path.to_str().unwrap()]);
        assert_eq!(status, 0, "{printed}");
        assert!(printed.contains("1 rules, 0 warnings"), "{printed}");
        // What it says in comments can be said.
        let said: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") || rest.starts_with('[') => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let path = file(&format!("said-{mode}.toml"), &said);
        let (status, printed) = guardrail(&["policy", "check", path.to_str().unwrap()]);
        assert_eq!(status, 0, "{printed}");
        // One of them is the pattern that always asks.
        assert!(printed.contains("3 rules"), "{printed}");
    }
}

#[test]
fn what_is_wrong_is_drawn_and_refused() {
    let path = file("wrong.toml", "[safety]\nallow_critcal = true\n");
    let path = path.to_str().unwrap();
    let (status, printed) = guardrail(&["policy", "check", path]);
    assert_eq!(status, 20);
    assert!(printed.contains("^^^^^^^^^^^^^ unknown field"), "{printed}");
    assert_eq!(guardrail(&["explain", "--policy", path, "ls"]).0, 20);
    assert_eq!(guardrail(&["policy", "check", "/no/such/file"]).0, 1);
}

#[test]
fn every_form_of_a_file_is_the_same_policy() {
    let forms = [
        file(
            "form.toml",
            "mode = 'safe'\n[[rule]]\nname = 'x'\ndecision = 'deny'\nwhen.tool = ['rm', 'dd']\n",
        ),
        file(
            "form.json",
            r#"{"mode": "safe", "rule": [{"name": "x", "decision": "deny", "when": {"tool": ["rm", "dd"]}}]}"#,
        ),
        file(
            "form.yaml",
            "mode: safe\nrule:\n  - name: x\n    decision: deny\n    when: { tool: [rm, dd] }\n",
        ),
    ];
    let digests: Vec<_> =
        forms.iter().map(|path| guardrail(&["policy", "check", path.to_str().unwrap()])).collect();
    assert!(digests.iter().all(|(status, _)| *status == 0), "{digests:?}");
    assert!(digests.windows(2).all(|pair| pair.first() == pair.last()), "{digests:?}");
}

#[test]
fn fixtures_are_tested() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/policies");
    let mut arguments = vec!["policy".to_owned(), "test".to_owned()];
    arguments
        .extend(fs::read_dir(policies).unwrap().map(|entry| entry.unwrap().path().display().to_string()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (status, printed) = guardrail(&arguments);
    assert!(status == 0 && printed.contains(" 0 failed"), "{printed}");

    let wrong = file("fixtures.toml", "[[row]]\nrequest = 'ls'\ndecision = 'deny'\nwhy = 'no reads'\n");
    let (status, printed) = guardrail(&["policy", "test", wrong.to_str().unwrap()]);
    assert_eq!(status, 20);
    assert!(printed.contains("(no reads): the decision is allow, not deny"), "{printed}");
}

#[test]
fn a_policy_explains_itself_and_compares() {
    let strict = file(
        "strict.toml",
        "[[rule]]\nname = 'no-ls'\ndecision = 'deny'\nwhen.tool = 'ls'\nreason = 'why not'\n",
    );
    let plain = file("plain.toml", "mode = 'standard'\n");
    let (strict, plain) = (strict.to_str().unwrap(), plain.to_str().unwrap());
    let (status, printed) = guardrail(&["policy", "explain", "--policy", strict, "ls | head"]);
    assert_eq!(status, 0);
    assert!(printed.contains("no-ls (user) says deny: why not"), "{printed}");
    assert!(printed.contains("does not match: no-ls (user, deny): tool is head"), "{printed}");

    let log = file(
        "log.jsonl",
        "{\"kind\":\"evaluation\",\"action\":\"ls\"}\n{\"kind\":\"note\"}\n{\"action\":{\"shell\":\"git log\"}}\n",
    );
    let log = log.to_str().unwrap();
    let (status, printed) = guardrail(&["policy", "diff", plain, strict, "--log", log]);
    assert_eq!(status, 10, "{printed}");
    assert!(printed.contains("changed: allow (the rubric) -> deny (no-ls): \"ls\""), "{printed}");
    assert!(printed.contains("2 requests, 1 changed, 0 loosened; 1 other lines"), "{printed}");
    assert_eq!(guardrail(&["policy", "diff", strict, plain, "--log", log]).0, 20);
    assert_eq!(guardrail(&["policy", "diff", plain, plain, "--log", log]).0, 0);
}

#[test]
fn the_schema_is_one() {
    let (status, printed) = guardrail(&["policy", "schema"]);
    assert_eq!(status, 0);
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema.get("title").and_then(|title| title.as_str()), Some("PolicyFile"));
}
