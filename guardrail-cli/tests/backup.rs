//! `guardrail backup` as a person runs it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn guardrail(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guardrail"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn everything_comes_back_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |words: &[&str]| guardrail(folder, words);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write(
        "shop.toml",
        "[[rule]]\nname = 'x'\ndecision = 'deny'\nwhen.tool = 'shipit'\nmatch = ['shipit now']\n",
    );
    write("org.toml", "mode = 'safe'\n");
    write("shipit.toml", "name = \"shipit\"\neffect = \"deploy\"\n");
    write("looks.json", r#"{"title":"Look","steps":[{"title":"Names","command":{"argv":["ls"]}}]}"#);
    std::fs::create_dir(folder.join("templates")).unwrap();
    assert!(run(&["run", "looks.json", "--log", "log"]).status.success());
    assert!(run(&["explain", "ls", "--log", "log"]).status.success());

    let create = ["backup", "create", "log", "kept", "--policy", "shop.toml", "--organisation", "org.toml"];
    let create =
        [&create[..], &["--knowledge", "shipit.toml", "--templates", "templates", "--json"]].concat();
    let made = run(&create);
    assert!(made.status.success(), "{}", text(&made));
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let digest = made["digest"].as_str().unwrap();
    let verified = run(&["backup", "verify", "kept", "--digest", digest]);
    assert!(verified.status.success() && text(&verified).contains("policy/user/00-shop.toml was shop.toml"));
    assert_eq!(run(&["backup", "verify", "kept", "--digest", &"0".repeat(64)]).status.code(), Some(3));

    // All is gone, and comes back.
    std::fs::remove_dir_all(folder.join("log")).unwrap();
    let back = run(&["backup", "restore", "kept", "back", "--digest", digest]);
    assert!(back.status.success(), "{}", text(&back));
    assert!(run(&["audit", "verify", "back/log"]).status.success());
    let plans = run(&["audit", "query", "back/log", "--kind", "plan", "--json"]);
    let plan = text(&plans);
    let plan = plan.split("\"plan_id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let shown = run(&["plan", "show", plan, "--log", "back/log"]);
    assert!(text(&shown).contains("succeeded"), "{}", text(&shown));
    assert!(run(&["run", "looks.json", "--log", "back/log"]).status.success(), "the log goes on");
    let checked = [
        "policy",
        "check",
        "back/policy/user/00-shop.toml",
        "--organisation",
        "back/policy/organisation/00-org.toml",
    ];
    assert!(text(&run(&checked)).contains("1 rules"));

    // Nothing is overwritten; what was changed does not come back.
    assert_eq!(run(&["backup", "restore", "kept", "back"]).status.code(), Some(1));
    assert_eq!(run(&["backup", "create", "back/log", "kept"]).status.code(), Some(1));
    std::fs::write(folder.join("kept/policy/user/00-shop.toml"), "mode = 'full'\n").unwrap();
    let refused = run(&["backup", "restore", "kept", "again"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("was changed") && !folder.join("again").exists());

    // What is whole and cannot be used is said when it is made, while there is time.
    write("wrong.toml", "[safety]\nallow_critcal = true\n");
    let made = run(&["backup", "create", "back/log", "other", "--policy", "wrong.toml"]);
    assert_eq!(made.status.code(), Some(3));
    assert!(text(&made).contains("cannot be used: the policy:"), "{}", text(&made));
}
