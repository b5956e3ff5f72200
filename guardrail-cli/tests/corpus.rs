//! The labelled rows of `corpus/` through the program, as a framework would ask it: the same
//! risk and the same programs.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn themes(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("policies") {
            // Other rows: `guardrail policy test` runs them.
        } else if path.is_dir() {
            themes(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

fn rows() -> Vec<Value> {
    let mut found = Vec::new();
    themes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"), &mut found);
    found.sort();
    let read = |path: &PathBuf| -> Vec<Value> {
        let mut theme: Value = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        serde_json::from_value(theme["row"].take()).unwrap()
    };
    found.iter().flat_map(read).collect()
}

fn request(row: &Value) -> Value {
    let mut line = match (&row["run"], &row["argv"]) {
        (Value::String(text), _) => json!({ "command": text }),
        (_, Value::Array(words)) => json!({ "argv": words }),
        _ => json!({ "call": { "name": row["call"], "arguments": row["arguments"] } }),
    };
    for field in ["cwd", "facts", "attachments"] {
        if !row[field].is_null() {
            line[field] = row[field].clone();
        }
    }
    line
}

#[test]
fn the_program_answers_like_the_library() {
    let rows = rows();
    let input: String = rows.iter().map(|row| format!("{}\n", request(row))).collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(["check", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), rows.len());

    let mut message = String::new();
    let mut failures = 0;
    for (row, answer) in rows.iter().zip(&answers) {
        let mut wrong = Vec::new();
        if answer["risk"] != row["risk"] {
            wrong.push(format!("risk is {}, not {}", answer["risk"], row["risk"]));
        }
        if let Some(wanted) = row["programs"].as_array() {
            let programs: Vec<_> = answer["programs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|program| if program.is_null() { json!("?") } else { program.clone() })
                .collect();
            if programs != *wanted {
                wrong.push(format!("programs are {programs:?}, not {wanted:?}"));
            }
        }
        if !wrong.is_empty() {
            failures += 1;
            let _ = writeln!(message, "{}: {}\n    {}", request(row), row["why"], wrong.join("; "));
        }
    }
    assert!(failures == 0, "{failures} of {} rows disagree:\n{message}", rows.len());
}
