//! What docs/secrets.md tells to type does what it says.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

const PAGE: &str = include_str!("../../docs/secrets.md");

/// The blocks of a language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    PAGE.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn what_the_page_tells_to_type_can_be_typed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("plan.yaml", blocks("yaml").first().unwrap());
    write("secrets.toml", blocks("toml").first().unwrap());
    let mut script = String::from("set -e\numask 077\nchmod 600 secrets.toml\n");
    for line in blocks("sh").concat().lines() {
        script.push_str(line);
        if line.starts_with("guardrail run ") {
            // There is nobody here to say yes, and so it is refused, behind everything else.
            script.push_str(" --approver nobody && exit 9 || test $? = 20");
        }
        script.push('\n');
    }
    script.push_str("echo all of it\n");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_guardrail"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .envs([("PATH", path.as_str()), ("HOME", folder.path().to_str().unwrap())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = said.lines().collect();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(lines.first().unwrap().starts_with("age1"), "{said}");
    assert!(said.contains("set vault:database/app\nvault:database/app  20"), "{said}");
    assert!(said.contains("plan.yaml: good; low risk, needs one yes"), "{said}");
    assert_eq!(lines.last(), Some(&"all of it"), "{said}");
}
