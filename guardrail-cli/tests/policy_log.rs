//! `guardrail check --shadow`, `policy shadow` and `policy suggest`, on real logs and real plans.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn guardrail(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardrail"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null()).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Answers lines of commands, and gives what was answered.
fn check(folder: &Path, arguments: &[&str], commands: &[&str]) -> (Vec<Value>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n", commands.join("\n")).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (answers, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_policy_that_is_tried_is_remembered_and_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(
        folder.join("tried.toml"),
        "[execution]\nauto_approve_workspace = true\n\
         [[rule]]\nname = \"no \\u001b[31m ls\"\ndecision = 'deny'\nwhen.tool = 'ls'\n",
    )
    .unwrap();
    let commands = ["ls", "ls -l", "git status", "touch made", "rm -rf /srv"];
    let (plain, _) = check(folder, &["--cwd", "/home/dev/app"], &commands);
    let tried = ["--cwd", "/home/dev/app", "--log", "log", "--shadow", "tried.toml"];
    let (answers, said) = check(folder, &tried, &commands);
    assert_eq!(said, "");
    for (answer, plain) in answers.iter().zip(&plain) {
        let mut without = answer.clone();
        assert!(without.as_object_mut().unwrap().remove("shadow").is_some(), "{answer}");
        assert_eq!(&without, plain);
    }
    assert_eq!(answers[0]["shadow"]["said"]["decision"], "deny");

    let output = guardrail(folder, &["policy", "shadow", "--log", "log"]);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(20), "{printed}");
    assert!(printed.contains("5 requests, 3 changed, 1 loosened"), "{printed}");
    assert!(
        printed.contains("LOOSER: ask -> allow (execution.auto_approve_workspace): 1\n    touch made"),
        "{printed}"
    );
    assert!(printed.contains("changed: allow -> deny (no ⟨ESC⟩[31m ls): 2\n    ls\n    ls -l"), "{printed}");
    let output = guardrail(folder, &["policy", "shadow", "--log", "log", "--json", "--since", "1h"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["policies"].as_object().unwrap().len(), 1, "{report}");
    assert!(guardrail(folder, &["audit", "verify", "log"]).status.success());

    // What cannot be loaded, or is not there, changes nothing either, and is remembered.
    for (name, why) in [("wrong.toml", "unknown field"), ("no-such.toml", "No such file")] {
        if name == "wrong.toml" {
            std::fs::write(folder.join(name), "[safety]\nallow_critcal = true\n").unwrap();
        }
        let (answers, said) = check(folder, &["--log", "log", "--shadow", name], &["ls"]);
        assert_eq!(answers[0]["decision"], "allow");
        assert!(said.contains(why), "{said}");
        assert!(answers[0]["shadow"]["failed"]["reason"].as_str().unwrap().contains(why), "{answers:?}");
    }
    let printed = text(&guardrail(folder, &["policy", "shadow", "--log", "log"]));
    assert!(printed.contains("not loaded, beside 1 requests:"), "{printed}");
    // The circumstances are remembered as well: the same comes of it again.
    let plain = ["policy", "diff", "--log", "log"];
    std::fs::write(folder.join("plain.toml"), "mode = 'standard'\n").unwrap();
    let output = guardrail(folder, &[&plain[..], &["plain.toml", "tried.toml"]].concat());
    assert!(text(&output).contains("LOOSER: ask (the rubric) -> allow"), "{output:?}");
}

/// Waits for something, however busy the machine is.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn plan(file: &str) -> Value {
    json!({
        "title": "A note",
        "reason": "to have it",
        "steps": [{
            "title": "Make it",
            "command": { "argv": ["touch", file] },
            "rollback": { "method": "remove it", "commands": [{ "argv": ["rm", file] }] },
        }],
    })
}

/// Runs a plan about which Anna says something; its exit status.
fn asked(folder: &Path, plan: &Value, say: &str) -> Option<i32> {
    std::fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    let mut running = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(["run", "plan.json", "--log", "log", "--approver", "files", "--questions", "asked"])
        .args(["--reviewers", "reviewers.json", "--json"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let shown = until("it asks", || {
        assert_eq!(running.try_wait().unwrap(), None, "it did not ask");
        let listed = text(&guardrail(folder, &["plan", "answer", "asked"]));
        Some(listed.split_once("--shown ")?.1.trim().to_owned())
    });
    let answer = ["plan", "answer", "asked", say, "--key", "anna.key", "--shown", &shown];
    let answered = guardrail(folder, &answer);
    assert!(answered.status.success(), "{answered:?}");
    running.wait().unwrap().code()
}

#[test]
fn what_was_approved_again_and_again_is_suggested_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = text(&guardrail(folder, &["plan", "key", "anna.key"]));
    let reviewers =
        json!([{ "principal": { "kind": "person", "name": "anna@example.com" }, "key": key.trim() }]);
    std::fs::write(folder.join("reviewers.json"), reviewers.to_string()).unwrap();
    std::fs::create_dir(folder.join("notes")).unwrap();
    for file in ["notes/a", "notes/b", "notes/c"] {
        assert_eq!(asked(folder, &plan(file), "yes"), Some(0), "{file}");
    }
    let suggest = |more: &[&str]| guardrail(folder, &[&["policy", "suggest", "--log", "log"], more].concat());
    let output = suggest(&[]);
    let printed = text(&output);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("target = \"./notes/*\", tool = \"touch\""), "{printed}");
    // What was to be removed was seen and approved too, each by its name.
    assert!(printed.contains("target = [\"./notes/a\", \"./notes/b\", \"./notes/c\"]"), "{printed}");

    // The output is a policy as it is, and saves the next question, and no other.
    std::fs::write(folder.join("suggested.toml"), String::from_utf8(output.stdout).unwrap()).unwrap();
    let checked = guardrail(folder, &["policy", "check", "--strict", "suggested.toml"]);
    assert!(checked.status.success() && text(&checked).contains("2 rules"), "{}", text(&checked));
    let decision = |file: &str| {
        let command = format!("touch {file}");
        let here = folder.to_str().unwrap();
        let explain = ["policy", "explain", "--policy", "suggested.toml", "--cwd", here];
        let output = guardrail(folder, &[&explain[..], &["--actor", "agent:agent", &command]].concat());
        text(&output).lines().next().unwrap().to_owned()
    };
    assert_eq!((&*decision("notes/d"), &*decision("elsewhere")), ("decision: allow", "decision: ask"));

    // Seldom, long ago: no reason for a rule.
    assert!(!text(&suggest(&["--at-least", "4"])).contains("[[rule]]"));
    let json: Value = serde_json::from_slice(&suggest(&["--json", "--since", "2099-01-01"]).stdout).unwrap();
    assert_eq!(json["rules"], json!([]), "{json}");

    // One no, and nothing like it is suggested any more.
    assert_eq!(asked(folder, &plan("notes/build.sh"), "no"), Some(20));
    let printed = text(&suggest(&[]));
    assert!(
        !printed.contains("./notes/*") && printed.contains("was refused: \"touch notes/build.sh\""),
        "{printed}"
    );

    // Where nobody can tell any more what was refused, that is said.
    for document in std::fs::read_dir(folder.join("log/plans")).unwrap() {
        std::fs::remove_file(document.unwrap().path()).unwrap();
    }
    let printed = text(&suggest(&[]));
    assert!(printed.contains("# not compared with plan-") && !printed.contains("[[rule]]"), "{printed}");

    // Rules and grants that nobody used.
    let grants = json!([{
        "id": "old \u{1b}[2K\n[[rule]]", "granted_by": { "kind": "person", "name": "anna" },
        "requester": { "kind": "agent", "name": "x" },
        "shapes": [{ "tool": "touch", "effects": ["write"], "targets": ["**"] }],
        "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "risk": "medium",
    }]);
    std::fs::write(folder.join("grants.json"), grants.to_string()).unwrap();
    let idle = "[[rule]]\nname = 'idle'\ndecision = 'allow'\nwhen.tool = 'tar'\n";
    std::fs::write(folder.join("idle.toml"), idle).unwrap();
    let printed = text(&suggest(&["--grants", "grants.json", "--policy", "idle.toml"]));
    assert!(printed.contains("#   idle (user)"), "{printed}");
    assert!(printed.contains("#   old ⟨ESC⟩[2K [[rule]]: it ended at"), "{printed}");
    assert!(!printed.contains("\n[[rule]]"), "{printed}");

    // A log that was changed teaches nothing.
    let segment = folder.join("log/000001.jsonl");
    let segment = if segment.exists() {
        segment
    } else {
        let found = std::fs::read_dir(folder.join("log")).unwrap().map(|entry| entry.unwrap().path());
        found.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).min().unwrap()
    };
    let lines = std::fs::read_to_string(&segment)
        .unwrap()
        .replace("\"status\":\"rejected\"", "\"status\":\"approved\"");
    std::fs::write(&segment, lines).unwrap();
    let output = suggest(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("nothing is learned from it"), "{}", text(&output));
}
