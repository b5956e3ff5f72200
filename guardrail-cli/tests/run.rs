//! `guardrail run` and `guardrail plan`, on real processes and a log in files.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Runs it in a folder, without a controlling terminal.
fn guardrail(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_guardrail")]).args(arguments);
    command.current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null()).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(folder: &Path, name: &str, plan: &Value) {
    std::fs::write(folder.join(name), plan.to_string()).unwrap();
}

fn looks() -> Value {
    json!({
        "title": "Look around",
        "reason": "to see",
        "steps": [
            { "title": "Names", "command": { "argv": ["ls", "-a"] } },
            { "title": "Count", "command": { "shell": "ls | wc -l" },
              "post": [{ "name": "it is there", "command": { "argv": ["ls", "looks.json"] } }] },
        ],
    })
}

fn touches() -> Value {
    json!({
        "title": "A file",
        "steps": [{
            "title": "Make it",
            "command": { "argv": ["touch", "made"] },
            "rollback": { "method": "remove it", "commands": [{ "argv": ["rm", "made"] }] },
        }],
    })
}

#[test]
fn a_plan_that_only_looks_runs_and_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "looks.json", &looks());
    let output = guardrail(folder.path(), &["run", "looks.json", "--log", "log"]);
    assert!(output.status.success(), "{output:?}");
    let shown = text(&output);
    for line in ["✓ step 1: Names", "✓ step 2: Count", "✓ post check: it is there", "is succeeded", "low"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let again = guardrail(folder.path(), &["run", "looks.json", "--log", "log", "--json"]);
    let events = lines(&again);
    let report = &events.last().unwrap()["report"];
    assert_eq!((&report["state"], &report["steps"][1]["fate"]), (&json!("succeeded"), &json!("done")));
    assert!(report["plan"]["name"].as_str().unwrap().ends_with("-002"), "no name is given twice");
    assert!(guardrail(folder.path(), &["audit", "verify", "log"]).status.success());
    assert_eq!(text(&guardrail(folder.path(), &["plan", "list", "--log", "log"])), "");
    let name = report["plan"]["name"].as_str().unwrap();
    let shown = guardrail(folder.path(), &["plan", "show", name, "--log", "log", "--json"]);
    let shown: Value = serde_json::from_str(&text(&shown)).unwrap();
    assert_eq!(&shown, report);
}

#[test]
fn without_anybody_to_ask_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "touches.json", &touches());
    let validated = guardrail(folder.path(), &["plan", "validate", "touches.json"]);
    assert_eq!(text(&validated), "touches.json: good; medium risk, needs one yes\n");
    let output = guardrail(folder.path(), &["run", "touches.json", "--log", "log", "--approver", "nobody"]);
    assert_eq!(output.status.code(), Some(20), "{output:?}");
    assert!(!folder.path().join("made").exists());
    // Nor at a terminal, where there is none.
    let output = guardrail(folder.path(), &["run", "touches.json", "--log", "log"]);
    assert_eq!(output.status.code(), Some(20), "{output:?}");
    assert!(!folder.path().join("made").exists());
}

#[test]
fn what_is_wrong_with_a_plan_is_said_at_once_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = looks();
    plan["steps"][0]["command"] = json!({ "argv": ["rm", "-rf", "/"] });
    plan["steps"][1]["post"][0]["command"] = json!({ "argv": ["touch", "x"] });
    write(folder.path(), "bad.json", &plan);
    for task in [
        vec!["plan", "validate", "bad.json"],
        vec!["plan", "show", "bad.json"],
        vec!["run", "bad.json", "--log", "log"],
    ] {
        let output = guardrail(folder.path(), &task);
        assert_eq!(output.status.code(), Some(20), "{task:?}: {output:?}");
        let said = text(&output);
        assert!(said.contains("step 1: the policy denies it"), "{said}");
        assert!(said.contains("step 2, post check 1: it must only look"), "{said}");
    }
    std::fs::write(folder.path().join("none.json"), "{\"title\": 1}").unwrap();
    let output = guardrail(folder.path(), &["plan", "validate", "none.json", "--json"]);
    assert_eq!((output.status.code(), &lines(&output)[0]["good"]), (Some(20), &json!(false)));
}

#[test]
fn one_plan_has_one_digest_in_either_form() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "plan.json", &touches());
    let yaml = "steps:\n- command: { argv: [touch, made] }\n  title: Make it\n  rollback:\n    commands:\n    - argv: [rm, made]\n    method: remove it\ntitle: A file\n";
    std::fs::write(folder.path().join("plan.yaml"), yaml).unwrap();
    let digest = |name| text(&guardrail(folder.path(), &["plan", "digest", name]));
    assert_eq!(digest("plan.json"), digest("plan.yaml"));
    assert_eq!(digest("plan.json").trim_end().len(), 64);
}

#[test]
fn what_failed_stays_open_until_a_person_closes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = looks();
    plan["steps"][1]["post"][0]["command"] = json!({ "argv": ["ls", "no-such-file"] });
    write(folder.path(), "fails.json", &plan);
    let output = guardrail(folder.path(), &["run", "fails.json", "--log", "log", "--approver", "nobody"]);
    assert_eq!(output.status.code(), Some(30), "{output:?}");
    assert!(text(&output).contains("✗ post check: it is there"), "{}", text(&output));
    let listed = text(&guardrail(folder.path(), &["plan", "list", "--log", "log"]));
    assert!(listed.contains("failed"), "{listed}");
    let name = listed.split_whitespace().next().unwrap();
    // Whoever has no terminal is no person.
    for decision in [vec!["--close", "done"], vec!["--roll-back"], vec!["--settle", "done"]] {
        let arguments = [vec!["run", "--resume", name, "--log", "log"], decision].concat();
        let output = guardrail(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no terminal"), "{output:?}");
    }
    let unknown = guardrail(folder.path(), &["run", "--resume", "plan-20200101-001", "--log", "log"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn a_rehearsal_does_nothing_and_says_what_it_could_not_rehearse() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = touches();
    plan["steps"][0]["dry_run"] = json!({ "argv": ["ls", "-la"] });
    plan["steps"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "title": "Another", "command": { "argv": ["touch", "other"] } }));
    write(folder.path(), "plan.json", &plan);
    let output = guardrail(folder.path(), &["run", "--dry-run", "plan.json", "--log", "log"]);
    assert!(output.status.success(), "{output:?}");
    let said = text(&output);
    assert!(said.contains("step 2 has no dry run: Another"), "{said}");
    assert!(said.contains("✓ step 1: Rehearse step 1: Make it"), "{said}");
    assert!(!folder.path().join("made").exists());
}

#[test]
fn a_signal_finishes_the_step_and_begins_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({
        "title": "Slow",
        "steps": [
            { "title": "Wait", "command": { "argv": ["sleep", "1"] } },
            { "title": "Look", "command": { "argv": ["ls"] } },
        ],
    });
    write(folder.path(), "slow.json", &plan);
    let mut child = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(["run", "slow.json", "--log", "log", "--approver", "nobody", "--json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(r#""event":"started""#) && line.contains(r#""step":1"#) {
            let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(signalled.success());
        }
        said = line;
    }
    assert_eq!(child.wait().unwrap().code(), Some(30));
    let report: Value = serde_json::from_str(&said).unwrap();
    let report = &report["report"];
    assert_eq!(report["state"], "cancelled");
    assert_eq!(
        (&report["steps"][0]["fate"], &report["steps"][1]["fate"]),
        (&json!("done"), &json!("not_begun"))
    );
}

/// Runs it at a terminal of its own, and types an answer whenever it is asked.
fn at_terminal(folder: &Path, line: &str, answers: &[&str]) -> (Option<i32>, String) {
    let program = format!("{} {line}", env!("CARGO_BIN_EXE_guardrail"));
    let mut child = Command::new("script")
        .args(["-qefc", &program, "/dev/null"])
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (mut said, mut seen) = (Vec::new(), 0);
    let mut answers = answers.iter();
    let mut byte = [0; 256];
    while let Ok(read @ 1..) = stdout.read(&mut byte) {
        said.extend_from_slice(&byte[..read]);
        let text = String::from_utf8_lossy(&said).into_owned();
        let prompts = text.matches("[no] > ").count() + text.matches("[yes/no] ").count();
        if prompts > seen {
            seen = prompts;
            if let Some(answer) = answers.next() {
                stdin.write_all(format!("{answer}\n").as_bytes()).unwrap();
            }
        }
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&said).into_owned())
}

fn has_script() -> bool {
    let there = Command::new("script").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        println!("SKIPPED: there is no `script` to make a terminal with");
    }
    there
}

#[test]
fn a_person_says_yes_at_a_terminal() {
    if !has_script() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "touches.json", &touches());
    let (status, said) = at_terminal(folder.path(), "run touches.json --log log", &["no"]);
    assert_eq!(status, Some(20), "{said}");
    assert!(!folder.path().join("made").exists());
    let (status, said) = at_terminal(folder.path(), "run touches.json --log log", &["explain step 1", "yes"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(folder.path().join("made").exists());
}

#[test]
fn what_failed_is_undone_on_a_yes_and_closed_by_hand() {
    if !has_script() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut plan = touches();
    plan["steps"][0]["post"] = json!([{ "name": "another", "command": { "argv": ["ls", "no-such-file"] } }]);
    write(folder.path(), "fails.json", &plan);
    let (status, said) = at_terminal(folder.path(), "run fails.json --log log", &["yes", "yes"]);
    assert_eq!(status, Some(30), "{said}");
    assert!(said.contains("is rolled back"), "{said}");
    assert!(!folder.path().join("made").exists());
    let (status, said) = at_terminal(folder.path(), "run fails.json --log log", &["yes", "no"]);
    assert_eq!((status, folder.path().join("made").exists()), (Some(30), true), "{said}");
    let listed = text(&guardrail(folder.path(), &["plan", "list", "--log", "log"]));
    let name = listed.split_whitespace().next().unwrap();
    let close = format!("run --resume {name} --log log --close cleaned-up");
    let (status, said) = at_terminal(folder.path(), &close, &["no"]);
    assert_eq!(status, Some(1), "{said}");
    let (status, said) = at_terminal(folder.path(), &close, &["yes"]);
    assert_eq!(status, Some(30), "{said}");
    assert_eq!(text(&guardrail(folder.path(), &["plan", "list", "--log", "log"])), "");
}

#[test]
fn a_reviewer_answers_by_a_directory_with_a_signature() {
    let folder = tempfile::tempdir().unwrap();
    let guardrail = |words: &[&str]| guardrail(folder.path(), words);
    let public = guardrail(&["plan", "key", "anna.key"]);
    assert!(public.status.success() && !guardrail(&["plan", "key", "anna.key"]).status.success());
    assert!(guardrail(&["plan", "key", "eve.key"]).status.success());
    let reviewers = json!([{
        "principal": { "kind": "person", "name": "anna@example.com" }, "key": text(&public).trim(),
    }]);
    write(folder.path(), "reviewers.json", &reviewers);
    write(folder.path(), "plan.json", &touches());
    let mut running = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(["run", "plan.json", "--log", "log", "--approver", "files", "--questions", "asked"])
        .args(["--reviewers", "reviewers.json", "--json"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let shown = loop {
        let listed = guardrail(&["plan", "answer", "asked"]);
        if let Some((_, shown)) = text(&listed).split_once("--shown ") {
            assert!(text(&listed).contains("touch made"), "{listed:?}");
            break shown.trim().to_owned();
        }
        assert_eq!(running.try_wait().unwrap(), None, "it did not ask");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let answer = |key: &str, shown: &str, say: &str| {
        guardrail(&["plan", "answer", "asked", say, "--key", key, "--shown", shown])
    };
    assert!(!answer("anna.key", &shown, "perhaps").status.success());
    assert!(!answer("anna.key", &"0".repeat(64), "yes").status.success());
    assert!(!answer("anna.key", "sha256:0", "yes").status.success());
    assert!(!answer("reviewers.json", &shown, "yes").status.success());
    // Signed, but by nobody who is listed: it is taken for no answer.
    assert!(answer("eve.key", &shown, "yes").status.success());
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(running.try_wait().unwrap().is_none() && !folder.path().join("made").exists());
    assert!(answer("anna.key", &shown, "yes").status.success());
    assert_eq!(running.wait().unwrap().code(), Some(0));
    assert!(folder.path().join("made").exists());
    let usage = guardrail(&["run", "plan.json", "--approver", "files"]);
    assert_eq!(usage.status.code(), Some(2));
}
