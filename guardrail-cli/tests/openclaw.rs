//! `guardrail openclaw` from outside.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::process::{Command, Output};

fn guardrail(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env_remove("OPENCLAW_STATE_DIR")
        .env_remove("OPENCLAW_HOME")
        .output()
        .unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

const REV: &[&str] = &["openclaw", "generate", "--program", "/usr/bin/rev"];

#[test]
fn documents_are_printed_or_written() {
    let home = tempfile::tempdir().unwrap();
    let printed = guardrail(home.path(), &[REV, &["--mode", "standard"]].concat());
    assert_eq!(printed.status.code(), Some(0), "{}", text(printed.stderr));
    let printed = text(printed.stdout);
    let written = guardrail(home.path(), &[REV, &["--mode", "standard", "--out", "made"]].concat());
    assert_eq!(written.status.code(), Some(0), "{}", text(written.stderr));
    let read = |name: &str| std::fs::read_to_string(home.path().join("made").join(name)).unwrap();
    assert_eq!(printed, format!("{}\n{}\n", read("openclaw.fragment.json"), read("approvals.json")));
    let notice = text(written.stderr);
    assert!(notice.starts_with(&read("NEXT-STEPS.txt")), "{notice}");
    assert!(notice.contains("openclaw approvals set --file approvals.json"), "{notice}");
    let again = guardrail(home.path(), &[REV, &["--mode", "standard", "--out", "made"]].concat());
    assert_eq!(again.status.code(), Some(1), "what is there is not replaced");
}

#[test]
fn the_state_directory_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let refused = guardrail(home.path(), &[REV, &["--mode", "safe", "--out", ".openclaw/x"]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(refused.stderr).contains("state directory"));
    assert!(!home.path().join(".openclaw").exists());
}

#[test]
fn agents_releases_and_policies() {
    let home = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| guardrail(home.path(), &[REV, more].concat());
    let list = run(&["--mode", "standard", "--agent", "reviewer=safe", "--for", "2026.7"]);
    assert!(text(list.stdout).contains("\"list\": ["));
    let entries = run(&["--mode", "standard", "--agent", "reviewer=safe"]);
    assert!(text(entries.stdout).contains("\"entries\": {"));
    assert_eq!(run(&["--mode", "safe", "--agent", "reviewer=full"]).status.code(), Some(1));
    assert_eq!(run(&["--mode", "safe", "--agent", "reviewer"]).status.code(), Some(2));
    assert_eq!(run(&["--mode", "safe", "--for", "2026.4"]).status.code(), Some(2));
    std::fs::write(home.path().join("p.toml"), "[execution]\nauto_approve_low_risk = false\n").unwrap();
    let asked = run(&["--mode", "standard", "--policy", "p.toml"]);
    assert_eq!(asked.status.code(), Some(0));
    assert!(!text(asked.stdout).contains("argPattern"), "a policy that asks about reads leaves no entry");
    std::fs::write(home.path().join("bad.toml"), "nonsense = 1\n").unwrap();
    assert_eq!(run(&["--mode", "standard", "--policy", "bad.toml"]).status.code(), Some(20));
}

/// The commands of `docs/openclaw.md` work as they stand there, apart from OpenClaw's own.
#[test]
fn the_page_works() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openclaw.md")).unwrap();
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ guardrail ")).collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("policy.toml"), "mode = \"standard\"\n").unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        // A few programs are enough, and there on every machine.
        let output = guardrail(home.path(), &[&words[..], &["--program", "/usr/bin/rev"]].concat());
        assert_eq!(output.status.code(), Some(0), "{command}: {}", text(output.stderr));
    }
}
