//! The program as other programs see it: arguments, lines and exit statuses.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn guardrail(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardrail"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to the end with `input` on standard input.
fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child = guardrail(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    let writer = std::thread::spawn(move || {
        // It may stop reading early.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn answers(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check(arguments: &[&str], input: impl AsRef<[u8]>) -> Vec<Value> {
    let all: Vec<_> = ["check"].iter().chain(arguments).copied().collect();
    let output = run(&all, input);
    assert!(output.status.success(), "{output:?}");
    answers(&output)
}

fn status(arguments: &[&str], input: &str) -> Option<i32> {
    run(arguments, input).status.code()
}

#[test]
fn one_answer_a_line_in_order() {
    let answers = check(&[], "git log\n\nrm -rf /\nls");
    assert_eq!(answers.len(), 4, "an empty line has an answer too, and so has a last one without newline");
    let programs: Vec<_> = answers.iter().map(|answer| &answer["programs"]).collect();
    assert_eq!(programs, [&json!(["git"]), &json!([]), &json!(["rm"]), &json!(["ls"])]);
    assert_eq!(answers[3]["risk"], "low");
    assert_eq!(answers[3]["decision"], "allow");
    assert_eq!(answers[2]["risk"], "critical");
    assert_eq!(answers[2]["decision"], "deny");
    assert_ne!(answers[2]["findings"], json!([]));
    assert_eq!(answers[2]["effects"][0]["kind"], "delete");
    for field in ["risk", "decision", "unknown", "findings", "effects", "programs", "problems"] {
        assert!(answers.iter().all(|answer| !answer[field].is_null()), "{field}");
    }
}

#[test]
fn a_batch_takes_every_form() {
    let lines = [
        json!({"command": "ls -l", "id": 7, "expected": {"anything": []}, "facts": {"home": "/home/dev"}}),
        json!({"argv": ["rm", "-rf", "/"], "id": "two", "cwd": "/srv"}),
        json!({"call": {"name": "Bash", "arguments": {"command": "rm -rf /"}}, "id": null}),
        json!({"command": "echo \u{1f980}", "argv": null}),
        json!({"command": "ignored: rm -rf /", "argv": ["echo", "; rm -rf /"]}),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = check(&["--batch"], input);
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["id"], 7);
    assert_eq!(answers[0]["programs"], json!(["ls"]));
    assert_eq!(answers[1]["id"], "two");
    assert_eq!(answers[1]["risk"], "critical");
    assert_eq!(answers[2].get("id"), Some(&Value::Null));
    assert_ne!(answers[2]["risk"], "low");
    assert_eq!(answers[3]["programs"], json!(["echo"]));
    assert_eq!(answers[3].get("id"), None);
    assert_eq!(answers[4]["programs"], json!(["echo"]), "an argument vector has no operators");
    assert_eq!(answers[4]["risk"], "low");
}

#[test]
fn a_line_that_is_no_request_is_an_error_and_the_rest_goes_on() {
    let mut input =
        b"{\"command\": \"ls\"\n\n[]\n{\"id\": 3}\n{\"id\": 4, \"command\": 5}\n{\"command\": \"a\xff\"}\n"
            .to_vec();
    input.extend(b"{\"command\": \"ls\", \"facts\": {\"colour\": 1}}\n{\"command\": \"ls\", \"call\": {\"name\": \"Bash\"}}\n");
    input.extend(b"{\"command\": \"ls\"}");
    let answers = check(&["--batch"], input);
    assert_eq!(answers.len(), 9);
    for answer in &answers[..8] {
        assert!(answer["error"].is_string() && answer.get("risk").is_none(), "{answer}");
    }
    assert_eq!(answers[3]["id"], 3);
    assert_eq!(answers[4]["id"], 4);
    assert_eq!(answers[8]["risk"], "low");
    let answers = check(&[], b"echo \xff\nls\n");
    assert!(answers[0]["error"].is_string());
    assert_eq!(answers[1]["risk"], "low");
}

#[test]
fn a_line_without_end_is_refused_and_forgotten() {
    let mut input = vec![b'a'; (16 << 20) + 1];
    input.extend(b"\nls\n");
    let answers = check(&[], input);
    assert_eq!(answers.len(), 2);
    assert!(answers[0]["error"].is_string());
    assert_eq!(answers[1]["risk"], "low");
}

#[test]
fn it_answers_before_the_input_ends() {
    let mut child = guardrail(&["check", "--batch"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for n in 0..20 {
        writeln!(stdin, "{}", json!({"id": n, "command": "ls"})).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["id"], n);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn it_stops_quietly_when_nobody_reads() {
    let mut child = guardrail(&["check"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all("ls\n".repeat(10_000).as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_exit_status_tells_the_strictest_decision() {
    let check = |input| status(&["check", "--exit-code"], input);
    assert_eq!(check(""), Some(0));
    assert_eq!(check("ls\ngit log\n"), Some(0));
    assert_eq!(check("ls\nmkdir x\nls\n"), Some(10));
    assert_eq!(check("mkdir x\nrm -rf /\nls\n"), Some(20));
    assert_eq!(status(&["check", "--exit-code", "--batch"], "{}\n"), Some(20), "an error is no permission");
    assert_eq!(status(&["check", "--batch"], "{}\n"), Some(0));
    assert_eq!(status(&["explain", "rm -rf /"], ""), Some(0));
    assert_eq!(status(&["explain", "--exit-code", "rm -rf /"], ""), Some(20));
    assert_eq!(status(&["explain", "--exit-code", "ls"], ""), Some(0));
    assert_eq!(status(&["--no-such-flag"], ""), Some(2));
}

#[test]
fn explain_draws_or_prints_json() {
    let drawn = run(&["explain", "echo 'a' && rm -rf /"], "");
    let text = String::from_utf8(drawn.stdout).unwrap();
    assert!(text.starts_with("critical: denied\n"), "{text}");
    assert!(text.contains("1 | echo 'a' && rm -rf /"), "{text}");
    assert!(!text.contains('\x1b'), "no colours into a pipe");
    let coloured = run(&["explain", "--color", "always", "rm -rf /"], "");
    assert!(coloured.stdout.contains(&b'\x1b'));

    let from_input = run(&["explain", "--json", "-"], "ls\ngit log\n");
    let value: Value = serde_json::from_slice(&from_input.stdout).unwrap();
    assert_eq!(value["sources"][0]["text"], "ls\ngit log\n");
    let argv = run(&["explain", "--json", "--argv", "--", "echo", "-n", "; rm -rf /"], "");
    let value: Value = serde_json::from_slice(&argv.stdout).unwrap();
    assert_eq!(value["invocations"][0]["argv"], json!(["echo", "-n", "; rm -rf /"]));

    let unquoted = run(&["explain", "rm", "x"], "");
    assert_eq!(unquoted.status.code(), Some(2));
    assert!(String::from_utf8(unquoted.stderr).unwrap().contains("quote it"));
}

#[test]
fn what_the_machine_says_is_added() {
    let home = tempfile::tempdir().unwrap();
    let config = "current-context: kind-a\ncontexts:\n- name: kind-a\n  context: {cluster: c, user: u}\n";
    let graded = |arguments: &[&str], config: &str| {
        std::fs::create_dir_all(home.path().join(".kube")).unwrap();
        std::fs::write(home.path().join(".kube/config"), config).unwrap();
        let mut command = guardrail(&[&["explain", "--json", "kubectl apply -f x.yaml"], arguments].concat());
        let output = command.env_clear().env("HOME", home.path()).current_dir(home.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (answer["risk"].as_str().unwrap_or_default().to_owned(), said, output.status.code())
    };
    let rule = ["--host-facts", "--environment-of", "test=context:kind-*"];
    assert_eq!(graded(&[], config), ("high".to_owned(), String::new(), Some(0)));
    assert_eq!(graded(&rule, config), ("medium".to_owned(), String::new(), Some(0)));
    let given = [&rule[..], &["--environment", "production"]].concat();
    assert_eq!(graded(&given, config).0, "high", "what is said outright counts before what is found");
    let (risk, said, status) = graded(&rule, "contexts: [");
    assert_eq!((risk.as_str(), status), ("high", Some(0)));
    assert!(said.contains("the kubectl context cannot be known"), "{said}");
    for wrong in ["test=kind-*", "test=moon:x", "easy=context:x", "test=context:a["] {
        let (_, said, status) = graded(&["--host-facts", "--environment-of", wrong], config);
        assert_eq!(status, Some(2), "{wrong} {said}");
    }
}
