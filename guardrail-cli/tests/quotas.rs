//! Quotas and the emergency stop, as the program has them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

const POLICY: &str = "
[[quota]]
name = 'two'
counts = 'executions'
most = 2
within = '1h'
by = 'actor'
";

fn guardrail(folder: &Path, arguments: &[&str], input: &str) -> Output {
    // Without a controlling terminal.
    let mut command = Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_guardrail")]).args(arguments).current_dir(folder);
    command.env("HOME", folder).env_remove("XDG_STATE_HOME").env("NO_COLOR", "1");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn decisions(output: &Output) -> Vec<(String, String)> {
    let told = |line: &Value| {
        let by = line["refused"]["by"].as_str().unwrap_or_default();
        (line["decision"].as_str().unwrap().to_owned(), by.to_owned())
    };
    lines(output).iter().map(told).collect()
}

fn pairs<'p>(all: &[(&'p str, &'p str)]) -> Vec<(String, String)> {
    all.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
}

#[test]
fn check_counts_over_processes_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.toml"), POLICY).unwrap();
    let words = ["check", "--batch", "--quotas", "q", "-p", "p.toml", "--log", "log", "--exit-code"];
    let ask = |actor: &str, command: &str| format!("{}\n", json!({ "actor": actor, "command": command }));
    let first = guardrail(folder.path(), &words, &ask("ann", "ls"));
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let input = [ask("ann", "ls"), ask("ann", "mkdir x"), ask("ann", "ls"), ask("bob", "ls")].concat();
    let second = guardrail(folder.path(), &words, &input);
    assert_eq!(decisions(&second), pairs(&[("allow", ""), ("ask", ""), ("deny", "spent"), ("allow", "")]));
    assert_eq!(second.status.code(), Some(20));
    let refused = &lines(&second)[2]["refused"];
    assert_eq!(refused["quota"], "two");
    assert!(
        refused["retry_at"].as_str().is_some() && refused["message"].as_str().unwrap().contains("actor=ann")
    );
    let found = guardrail(folder.path(), &["audit", "query", "log", "--json", "--kind", "refusal"], "");
    let found =
        if found.status.success() { found } else { guardrail(folder.path(), &["audit", "query", "log"], "") };
    assert!(String::from_utf8_lossy(&found.stdout).contains("quota: two"), "{found:?}");
    assert!(guardrail(folder.path(), &["audit", "verify", "log"], "").status.success());
}

#[test]
fn stop_refuses_everything_and_no_program_lifts_it() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["check", "--quotas", "log/quotas"];
    let stopped = guardrail(folder.path(), &["stop", "--reason", "wrong cluster", "--log", "log"], "");
    assert!(stopped.status.success(), "{stopped:?}");
    let refused = guardrail(folder.path(), &words, "ls\n");
    assert_eq!(decisions(&refused), pairs(&[("deny", "stopped")]));
    assert!(lines(&refused)[0]["refused"]["message"].as_str().unwrap().contains("wrong cluster"));
    let resumed = guardrail(folder.path(), &["resume", "--log", "log"], "yes\n");
    assert_eq!(resumed.status.code(), Some(1), "{resumed:?}");
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("only a person at a terminal"), "{resumed:?}");
    assert_eq!(decisions(&guardrail(folder.path(), &words, "ls\n")), pairs(&[("deny", "stopped")]));
    let found = guardrail(folder.path(), &["audit", "query", "log"], "");
    let found = String::from_utf8_lossy(&found.stdout);
    assert!(
        found.contains("quota") && found.contains("paused") && found.contains("wrong cluster"),
        "{found}"
    );
    let home = guardrail(folder.path(), &["stop"], "");
    assert!(
        home.status.success() && folder.path().join(".local/state/guardrail/quotas/stop").exists(),
        "{home:?}"
    );
}

#[test]
fn another_stop_file_counts_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    let words = ["check", "--quotas", "q", "--stop-file", "etc/stop"];
    assert_eq!(decisions(&guardrail(folder.path(), &words, "ls\n")), pairs(&[("allow", "")]));
    std::fs::write(folder.path().join("etc/stop"), "").unwrap();
    assert_eq!(decisions(&guardrail(folder.path(), &words, "ls\n")), pairs(&[("deny", "stopped")]));
    let alone = guardrail(folder.path(), &["check", "--stop-file", "etc/stop"], "ls\n");
    assert_eq!(alone.status.code(), Some(2), "{alone:?}");
}

#[test]
fn a_person_at_a_terminal_lifts_it_and_forgets_damage() {
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("SKIPPED: there is no `script` to make a terminal with");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let check = || guardrail(folder.path(), &["check", "--quotas", "log/quotas", "-p", "p.toml"], "ls\n");
    std::fs::write(folder.path().join("p.toml"), POLICY).unwrap();
    assert!(guardrail(folder.path(), &["stop", "--log", "log"], "").status.success());
    std::fs::write(folder.path().join("log/quotas/counts"), "garbled").unwrap();
    assert_eq!(answered(folder.path(), "resume --log log", "no"), Some(1));
    assert_eq!(decisions(&check()), pairs(&[("deny", "stopped")]));
    assert_eq!(answered(folder.path(), "resume --log log", "yes"), Some(0));
    assert_eq!(decisions(&check()), pairs(&[("deny", "unavailable")]));
    assert_eq!(answered(folder.path(), "resume --log log --forget", "yes"), Some(0));
    assert_eq!(decisions(&check()), pairs(&[("allow", "")]));
    let found = guardrail(folder.path(), &["audit", "query", "log"], "");
    assert!(String::from_utf8_lossy(&found.stdout).contains("resumed"), "{found:?}");
}

/// Runs it at a terminal of its own, types an answer when it is asked, and gives the exit status.
fn answered(folder: &Path, line: &str, answer: &str) -> Option<i32> {
    let program = format!("{} {line}", env!("CARGO_BIN_EXE_guardrail"));
    let mut child = Command::new("script")
        .args(["-qefc", &program, "/dev/null"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut said, mut bytes, mut asked) = (String::new(), [0; 256], false);
    while let Ok(read @ 1..) = stdout.read(&mut bytes) {
        said.push_str(&String::from_utf8_lossy(&bytes[..read]));
        if said.contains("[yes/no] ") && !std::mem::replace(&mut asked, true) {
            stdin.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
    }
    child.wait().unwrap().code()
}

fn run(folder: &Path) -> Child {
    Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_guardrail"), "run", "plan.json", "--log", "log", "-p", "p.toml"])
        .args(["--approver", "nobody", "--json"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn plan(folder: &Path, steps: &[Value]) {
    let steps: Vec<Value> =
        steps.iter().map(|argv| json!({ "title": "A step", "command": { "argv": argv } })).collect();
    std::fs::write(folder.join("plan.json"), json!({ "title": "Look", "steps": steps }).to_string()).unwrap();
}

#[test]
fn a_plan_that_runs_is_ended_by_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.toml"), "").unwrap();
    let pipe = folder.path().join("endless");
    if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|made| made.success()) {
        println!("SKIPPED: no mkfifo here");
        return;
    }
    // Nobody writes to it: this runs until it is ended.
    plan(folder.path(), &[json!(["cat", "endless"]), json!(["ls"])]);
    let mut child = run(folder.path());
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        said = line.unwrap();
        if said.contains(r#""event":"started""#) {
            assert!(guardrail(folder.path(), &["stop", "--log", "log"], "").status.success());
        }
    }
    child.wait().unwrap();
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_ne!(report["report"]["state"], "succeeded", "{said}");
    assert_eq!(report["report"]["steps"][1]["fate"], "not_begun", "{said}");
    assert_eq!(guardrail(folder.path(), &["audit", "verify", "log"], "").status.code(), Some(0));
    let again = run(folder.path()).wait_with_output().unwrap();
    assert_ne!(again.status.code(), Some(0), "nothing begins: {again:?}");
}

#[test]
fn a_quota_holds_for_plans() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.toml"), POLICY.replace("executions", "calls")).unwrap();
    plan(folder.path(), &[json!(["ls"]), json!(["ls", "-a"])]);
    assert_eq!(run(folder.path()).wait_with_output().unwrap().status.code(), Some(0));
    let refused = run(folder.path()).wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(20), "{refused:?}");
}
