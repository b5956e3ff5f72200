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
