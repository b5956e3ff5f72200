//! What the README shows is what the program prints.
//!
//! `GUARDRAIL_BLESS=1 cargo test -p agent-guardrail-cli --test readme` rewrites it.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const OPEN: &str = "```console\n";

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string(PATH).unwrap();
    let mut parts = readme.split(OPEN);
    let mut actual = parts.next().unwrap().to_owned();
    for part in parts {
        let (block, rest) = part.split_once("```").unwrap();
        let typed = block.lines().next().unwrap();
        let command = typed.strip_prefix("$ guardrail explain ").unwrap();
        // Let a shell take the quotes off, as the reader's would.
        let script = format!("exec \"$0\" explain {command}");
        let output =
            Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_guardrail")]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        actual.push_str(&format!("{OPEN}{typed}\n{printed}```{rest}"));
    }
    if std::env::var_os("GUARDRAIL_BLESS").is_some() {
        std::fs::write(PATH, &actual).unwrap();
        return;
    }
    assert!(readme == actual, "README.md is out of date; the program prints:\n{actual}");
}
