//! `guardrail audit` as a program: over logs that the program itself and the library wrote.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use guardrail_audit::note::NoteSigner;
use guardrail_audit::{Durability, FieldRules, FileStore, Redacting, Store as _};
use guardrail_core::record::{Condition, Kind, Record, Status};
use guardrail_core::redact::Redactor;
use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guardrail")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn good(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn ends(status: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A log with signed checkpoints, in which a plan ran.
struct Made {
    directory: tempfile::TempDir,
    key: String,
}

const ORIGIN: &str = "example.org/test";

impl Made {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key_file = directory.path().join("key");
        let path = key_file.to_str().unwrap();
        let key = good(&["audit", "keys", "generate", ORIGIN, "--out", path]).trim().to_owned();
        assert_eq!(good(&["audit", "keys", "public", path]).trim(), key);
        ends(1, &["audit", "keys", "generate", ORIGIN, "--out", path]);

        let signer = NoteSigner::load(&key_file).unwrap();
        let store = FileStore::options(ORIGIN)
            .segment_bytes(8_192)
            .checkpoint_every(20, 1 << 20)
            .sign(signer)
            .open(directory.path().join("log"))
            .unwrap();
        let redacting = Redacting::new(Redactor::new(), FieldRules::standard(), None);
        for n in 0..100 {
            let mut record = Record::new(if n % 10 == 9 { Kind::Outcome } else { Kind::Note });
            record.reason = Some(format!("number {n}"));
            if n % 10 == 9 {
                record.plan_id = Some("plan-7".into());
                record.tool = Some("kubectl".into());
                record.status = Some(Status::Failed);
                record.session = Some("s1".into());
            }
            let body = redacting.body(&record).unwrap();
            store.append(&[body], &Condition::Always, Durability::OsBuffered).unwrap();
        }
        store.close().unwrap();
        Self { directory, key }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn segment(&self, log: &str) -> PathBuf {
        Path::new(&self.path(log)).join("00000002.jsonl")
    }
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn records_are_found_counted_and_drawn() {
    let made = Made::new();
    let log = &made.path("log");
    let lines = good(&["audit", "query", log, "--plan", "plan-7", "--status", "failed", "--json"]);
    assert_eq!(lines.lines().count(), 10);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["reason"], &first["kind"]), (&Value::from("number 9"), &Value::from("outcome")));
    assert_eq!(good(&["audit", "query", log, "--text", "NUMBER 42", "--json"]).lines().count(), 1);
    assert_eq!(good(&["audit", "query", log, "--kind", "note", "--limit", "3", "--json"]).lines().count(), 3);
    assert_eq!(good(&["audit", "query", log, "--until", "1d"]), "");
    assert_ne!(good(&["audit", "query", log, "--from", "1d"]), "");
    assert!(good(&["audit", "query", log, "--plan", "plan-7"]).contains("number 19"));

    let stats: Value = serde_json::from_str(&good(&["audit", "stats", log, "--json"])).unwrap();
    assert_eq!(stats["failures"]["kubectl"], 10);
    assert!(good(&["audit", "stats", log]).contains("failures by tool\n  kubectl          10\n"));
    assert!(good(&["audit", "replay", log, "--session", "s1"]).contains("number 99"));
    ends(1, &["audit", "replay", log, "--session", "nobody"]);
    ends(2, &["audit", "query", log, "--from", "yesterday"]);
    let none = ends(1, &["audit", "query", &made.path("none")]);
    assert!(none.contains("none") && none.starts_with("guardrail: "), "{none}");
    let keys = good(&["audit", "keys", "list", log]);
    assert_eq!(keys, format!("from segment 1: {}\n", made.key));
}

#[test]
fn exports_and_proofs_are_checked_without_the_log() {
    let made = Made::new();
    let (log, out, proof) = (&made.path("log"), &made.path("out.jsonl"), &made.path("proof"));
    good(&["audit", "export", log, "--out", out, "--first", "5", "--last", "60"]);
    ends(1, &["audit", "export", log, "--out", out]);
    let said = good(&["audit", "check-export", out, "--key", &made.key]);
    assert!(said.starts_with("good: records 5 to 60 are in the log of example.org/test"), "{said}");
    flip(Path::new(out));
    assert!(ends(3, &["audit", "check-export", out, "--key", &made.key]).contains("line "));
    ends(1, &["audit", "export", log, "--out", &made.path("x"), "--risk", "high"]);
    assert!(!Path::new(&made.path("x")).exists(), "what is not whole is taken away");

    let csv = &made.path("out.csv");
    good(&["audit", "export", log, "--format", "csv", "--out", csv, "--plan", "plan-7"]);
    assert_eq!(std::fs::read_to_string(csv).unwrap().lines().count(), 11);

    let text = good(&["audit", "prove", log, "17", "--with-line"]);
    std::fs::write(proof, &text).unwrap();
    let said = good(&["audit", "check-proof", proof, "--key", &made.key]);
    assert!(said.starts_with("good: it is record 17 of example.org/test"), "{said}");
    let said: Value =
        serde_json::from_str(&good(&["audit", "check-proof", proof, "--key", &made.key, "--json"])).unwrap();
    assert_eq!(said["index"], 17);
    std::fs::write(proof, text.replace("index 17", "index 18")).unwrap();
    ends(3, &["audit", "check-proof", proof, "--key", &made.key]);
    ends(1, &["audit", "prove", log, "100000"]);
}

#[test]
fn a_backup_is_restored_and_goes_on() {
    let made = Made::new();
    let (log, kept, back) = (&made.path("log"), &made.path("kept"), &made.path("back"));
    let one: Value = serde_json::from_str(&good(&["audit", "backup", log, kept, "--json"])).unwrap();
    let two: Value = serde_json::from_str(&good(&["audit", "restore", kept, back, "--json"])).unwrap();
    assert_eq!(one, two);
    assert!(ends(1, &["audit", "backup", log, kept]).contains("nothing is overwritten"));
    // The restored log is one that can be written to.
    let signer = NoteSigner::load(std::path::Path::new(&made.path("key"))).unwrap();
    let store = FileStore::options(ORIGIN).create(false).sign(signer).open(back).unwrap();
    assert!(store.head().unwrap().chain.size > one["records"].as_u64().unwrap() - 1);
    flip(&made.segment("kept"));
    assert!(ends(3, &["audit", "restore", kept, &made.path("again")]).contains("damaged"));
}

#[test]
fn tail_follows_what_check_records() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let log = log.to_str().unwrap();
    good(&["explain", "--log", log, "git status"]);
    let mut tail = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(["audit", "tail", "-f", "--json", "--kind", "evaluation", log])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&seen.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["action"], "git status");

    let mut check = Command::new(env!("CARGO_BIN_EXE_guardrail"))
        .args(["check", "--log", log])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = check.stdin.take().unwrap();
    writeln!(stdin, "rm -rf /\nmysql --password=hunter2 -e 'select 1'\n: {}", "x".repeat(1 << 20)).unwrap();
    drop(stdin);
    assert!(check.wait().unwrap().success());
    let denied = next();
    assert_eq!((&denied["action"], &denied["decision"]), (&Value::from("rm -rf /"), &Value::from("deny")));
    let secret = next();
    let action = secret["action"].as_str().unwrap();
    assert!(action.starts_with("mysql --password=[redacted:password#"), "{action}");
    assert!(next()["action"].as_str().unwrap().contains("[cut: "));
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn metrics_are_printed_and_written_from_a_log() {
    let directory = tempfile::tempdir().unwrap();
    let (log, file) = (directory.path().join("log"), directory.path().join("guardrail.prom"));
    let (log, file) = (log.to_str().unwrap(), file.to_str().unwrap());
    for command in ["git status", "./unheard-of", "rm -rf /", "mysql --password=hunter2 -e 'select 1'"] {
        good(&["explain", "--log", log, command]);
    }
    let metrics = good(&["audit", "metrics", log]);
    for line in [
        r#"guardrail_records_total{kind="evaluation"} 4"#,
        r#"guardrail_decisions_total{decision="allow",risk="low"} 2"#,
        r#"guardrail_decisions_by_tool_total{decision="allow",tool="git"} 1"#,
        r#"guardrail_decisions_by_rule_total{decision="deny",rule="delete"} 1"#,
        "guardrail_redactions_total 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "`{line}` is missing:\n{metrics}");
    }
    assert!(!metrics.contains("unheard") && !metrics.contains("hunter2"), "{metrics}");
    assert_eq!(good(&["audit", "metrics", log, "--textfile", file]), "");
    assert_eq!(std::fs::read_to_string(file).unwrap(), metrics);
    ends(1, &["audit", "metrics", "/nonexistent"]);
}

#[test]
fn a_log_that_check_records_is_signed() {
    let made = Made::new();
    let (log, key) = (&made.path("own"), &made.path("key"));
    good(&["explain", "--log", log, "--log-key", key, "git status"]);
    good(&["explain", "--log", log, "--log-key", key, "git push"]);
    let report = good(&["audit", "verify", log, "--key", &made.key, "--origin", ORIGIN, "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert!(report["signed"].as_u64().unwrap() >= 3, "{report}");
    assert_eq!(good(&["audit", "keys", "list", log]).trim(), format!("from segment 1: {}", made.key));

    // Without its key, or with another one, nothing is added that its readers would not believe.
    let other = &made.path("other");
    good(&["audit", "keys", "generate", ORIGIN, "--out", other]);
    assert!(ends(1, &["explain", "--log", log, "ls"]).contains("--log-key"));
    assert!(ends(1, &["explain", "--log", log, "--log-key", other, "ls"]).contains("--log-key"));
    let after = good(&["audit", "verify", log, "--key", &made.key, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&after).unwrap()["size"], report["size"]);
}

#[test]
fn a_log_is_verified() {
    let made = Made::new();
    let log = &made.path("log");
    assert!(good(&["audit", "verify", log]).starts_with("good: "));
    let report = good(&["audit", "verify", log, "--key", &made.key, "--origin", ORIGIN, "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["findings"], Value::from(Vec::<Value>::new()));
    assert!(report["signed"].as_u64().unwrap() > 100, "{report}");
    good(&["audit", "verify", log, "--segment", "1", "--level", "chain"]);
    good(&["audit", "verify", log, "--first", "50", "--last", "60"]);
    assert!(ends(3, &["audit", "verify", log, "--origin", "example.org/other"]).contains("guardrail: "));

    // A checkpoint from outside, and the log cut behind it.
    let proof = good(&["audit", "prove", log, "17"]);
    let note = &made.path("note");
    std::fs::write(note, proof.split_once("\n\n").unwrap().1).unwrap();
    good(&["audit", "verify", log, "--key", &made.key, "--checkpoint", note]);
    let segment = Path::new(log).join("00000001.jsonl");
    let whole = std::fs::read(&segment).unwrap();
    for name in ["00000002.jsonl", "00000003.jsonl", "00000004.jsonl", "00000005.jsonl"] {
        let _ = std::fs::remove_file(Path::new(log).join(name));
    }
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    std::fs::write(&segment, lines[..15].concat()).unwrap();
    good(&["audit", "verify", log]);
    ends(3, &["audit", "verify", log, "--key", &made.key, "--checkpoint", note]);
    ends(1, &["audit", "verify", &made.path("none")]);
}

#[test]
fn damage_has_a_status_of_its_own() {
    let made = Made::new();
    flip(&made.segment("log"));
    let said = ends(3, &["audit", "verify", &made.path("log")]);
    assert!(said.contains("00000002.jsonl, byte "), "{said}");
    let said = ends(3, &["audit", "tail", "-n", "1000", &made.path("log")]);
    assert!(said.contains("the log was damaged: line "), "{said}");
}
