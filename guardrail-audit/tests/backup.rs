//! Copies of logs, and the way back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod made;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use guardrail_audit::PlanFiles;
use guardrail_audit::read::LogFiles;
use guardrail_audit::read::backup::{BackupError, backup, restore};
use guardrail_core::record::{Kind, Record};
use guardrail_core::redact::Redactor;
use made::{Files, at, list};

fn log() -> Files {
    let mut files = Files::new();
    for n in 0..90 {
        files.append(&Record::new(Kind::Note), at(n));
        if n % 40 == 39 {
            files.raw(b"torn by a crash");
            files.rotate(at(n));
        }
    }
    files
}

fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let names = list(directory).into_iter().filter(|name| directory.join(name).is_file());
    names.map(|name| (name.clone(), std::fs::read(directory.join(name)).unwrap())).collect()
}

#[test]
fn a_backup_comes_back_as_it_was() {
    let files = log();
    let plans = PlanFiles::open(&files.path().join("plans"), Redactor::new()).unwrap();
    let plan = plans.put(b"a plan").unwrap();
    std::fs::write(files.path().join("lock"), b"not copied").unwrap();

    let (kept, back) = (files.directory.path().join("backup"), files.directory.path().join("back"));
    let mut seen = 0;
    let copied = backup(&files.path(), &kept, |bytes| seen = bytes).unwrap();
    assert_eq!((copied.records, copied.segments, copied.files), (files.maker.size, 3, 1));
    assert_eq!((copied.first, copied.last, copied.head), (0, files.maker.size - 1, files.maker.head));
    assert!(seen > 0 && seen <= copied.bytes);
    assert_eq!(list(&kept), ["00000001.jsonl", "00000002.jsonl", "00000003.jsonl", "plans"]);

    assert_eq!(restore(&kept, &back, |_| {}).unwrap(), copied);
    let mut original = contents(&files.path());
    original.retain(|(name, _)| name != "lock");
    assert_eq!(contents(&back), original, "torn bytes too: the next header has their digest");
    let plans = PlanFiles::open(&back.join("plans"), Redactor::new()).unwrap();
    assert_eq!(plans.fetch(&plan).unwrap().as_deref(), Some(&b"a plan"[..]));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&back), 0o700);
    assert_eq!(mode(&back.join("00000001.jsonl")), 0o600);
    assert_eq!(list(files.directory.path()), ["back", "backup", "log"], "nothing is left behind");
}

#[test]
fn a_live_log_is_copied_up_to_its_last_whole_line() {
    let files = log();
    files.raw(b"{\"v\":1,\"prev\":\"unfinis");
    let kept = files.directory.path().join("backup");
    assert_eq!(backup(&files.path(), &kept, |_| {}).unwrap().records, files.maker.size);
    assert!(std::fs::read(kept.join("00000003.jsonl")).unwrap().ends_with(b"}\n"));
    // What is restored is a backup, which has no unfinished line.
    let error = restore(&files.path(), &files.directory.path().join("back"), |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Cut(_)), "{error}");
}

#[test]
fn nothing_is_overwritten() {
    let files = log();
    let there = files.directory.path().join("there");
    std::fs::create_dir(&there).unwrap();
    backup(&files.path(), &there, |_| {}).unwrap();
    let before = contents(&there);
    assert!(matches!(backup(&files.path(), &there, |_| {}), Err(BackupError::Exists(_))));
    assert!(matches!(restore(&there, &files.path(), |_| {}), Err(BackupError::Exists(_))));
    assert_eq!(contents(&there), before);
    std::fs::write(files.directory.path().join("file"), b"x").unwrap();
    assert!(backup(&files.path(), &files.directory.path().join("file"), |_| {}).is_err());
}

#[test]
fn a_damaged_log_is_not_copied() {
    let files = log();
    let path = files.path().join("00000002.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let kept = files.directory.path().join("backup");
    let error = backup(&files.path(), &kept, |_| {}).unwrap_err();
    assert!(matches!(&error, BackupError::Store(_)), "{error}");
    assert_eq!(list(files.directory.path()), ["log"]);
    std::fs::remove_file(path).unwrap();
    assert!(backup(&files.path(), &kept, |_| {}).is_err(), "a missing segment");
    assert!(backup(&files.directory.path().join("none"), &kept, |_| {}).is_err());
}

#[test]
fn a_log_that_grows_meanwhile_is_copied_to_a_line_of_it() {
    let mut files = log();
    let path = files.path();
    let kept = files.directory.path().join("backup");
    let mut more = 0;
    let copied = backup(&path, &kept, |_| {
        if more < 50 {
            more += 1;
            files.append(&Record::new(Kind::Note), at(100));
        }
    })
    .unwrap();
    assert!(copied.records <= files.maker.size);
    assert_eq!(LogFiles::open(&kept).unwrap().bytes().unwrap() + 30, copied.bytes, "two torn tails of 15");
}
