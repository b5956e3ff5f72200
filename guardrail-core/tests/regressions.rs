//! What the fuzz targets once found, and what they start from, run again as a plain test.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test meets the world")]
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

mod checks;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

fn every_input_of(target: &str, check: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut failed = Vec::new();
    let mut inputs = 0;
    for kind in ["seeds", "regressions"] {
        let Ok(folder) = fs::read_dir(fuzz.join(kind).join(target)) else { continue };
        for entry in folder {
            let path = entry.expect("a readable folder").path();
            let bytes = fs::read(&path).expect("a readable file");
            inputs += 1;
            if catch_unwind(|| check(&bytes)).is_err() {
                failed.push(path.strip_prefix(&fuzz).unwrap_or(&path).display().to_string());
            }
        }
    }
    assert!(inputs > 0, "no inputs for {target}");
    assert!(failed.is_empty(), "{target} fails for {failed:#?}");
}

#[test]
fn parse() {
    every_input_of("parse", checks::parse);
}

#[test]
fn roundtrip() {
    every_input_of("roundtrip", checks::roundtrip);
}

#[test]
fn evaluate() {
    every_input_of("evaluate", checks::evaluate);
}

#[test]
fn wrap() {
    every_input_of("wrap", checks::wrap);
}

#[test]
fn policy() {
    every_input_of("policy", checks::policy);
}

#[test]
fn manifest() {
    every_input_of("manifest", checks::manifest);
}

/// An honest script that is long does not run into a limit, wherever it begins.
#[test]
fn long_scripts_of_small_commands_are_read_to_their_end() {
    use guardrail_core::{Guard, Request, Risk};

    let script = |line: &dyn Fn(usize) -> String, lines: usize| {
        let lines: Vec<String> = (0..lines).map(line).collect();
        ["cd \"$X\"".to_owned(), lines.join("\n")].join("\n")
    };
    let guard = Guard::new();
    let modules = |at: usize| format!("python3 -c 'import json, sys, os, re; print({at})'");
    let elsewhere =
        |at: usize| format!("cd \"$X{at}\" && python3 -c 'import json, sys, os, re; print({at})'");
    let variables = |at: usize| format!("A{at}=$(cat f{at}); echo \"$A{at}\"");
    let functions = |at: usize| format!("f{at}() {{ ls \"$1\"; }}; f{at} d{at}");
    for (line, lines) in [
        (&modules as &dyn Fn(usize) -> String, 400),
        (&elsewhere, 200),
        (&variables, 1000),
        (&functions, 400),
    ] {
        let text = script(line, lines);
        let evaluation = guard.evaluate(&Request::shell(text.as_str()));
        assert_eq!(evaluation.risk, Risk::Low, "{}: {:?}", line(1), evaluation.findings.first());
    }
    let runs = |at: usize| format!("echo ls > f{at} && sh ./f{at}");
    let text = script(&runs, 300);
    assert_eq!(guard.evaluate(&Request::shell(text.as_str())).risk, Risk::High);
}
