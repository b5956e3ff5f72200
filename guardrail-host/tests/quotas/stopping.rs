//! The emergency stop.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use guardrail_core::plan::Principal;
use guardrail_core::quota::{QuotaRefusal, Quotas as _};
use guardrail_core::record::{Kind, Status, Verdict};
use guardrail_host::quotas::EmergencyStop;

use crate::stage::*;

/// How a file comes to be there, and what that is called.
type Way = (&'static str, fn(&std::path::Path));

fn at() -> guardrail_core::record::Timestamp {
    guardrail_core::record::Timestamp::from_timestamp_millis(START).unwrap()
}

fn refuses(stage: &Stage, what: &str) -> String {
    let admitted = stage.admit("ann", "ls").map(drop);
    let Err(QuotaRefusal::Stopped { reason }) = admitted else { panic!("{what}: {admitted:?}") };
    assert!(matches!(stage.called("ann", Verdict::Allow), Err(QuotaRefusal::Stopped { .. })), "{what}");
    assert!(done(stage.quotas.stopped()).is_some(), "{what}");
    reason
}

#[test]
fn it_is_set_by_anybody_and_lifted_by_a_person() {
    let stage = Stage::new("");
    let stop = stage.quotas.emergency_stop();
    assert!(stage.admit("ann", "ls").is_ok());
    let record = stop.set(&Principal::agent("session-7"), Some("wrong\u{202e} cluster"), at()).unwrap();
    assert_eq!((record.kind, record.status), (Kind::Quota, Some(Status::Paused)));
    let reason = refuses(&stage, "set");
    assert!(reason.contains("session-7") && reason.contains("wrong"), "{reason}");
    assert!(!reason.contains('\u{202e}'), "what is invisible is shown: {reason}");
    stop.set(&Principal::person("bob"), None, at()).unwrap();
    for by in [Principal::agent("session-7"), Principal::service("runner")] {
        assert!(stop.lift(&by, None, |_| Ok(())).is_err());
    }
    let unrecorded = stop.lift(&Principal::person("bob"), None, |_| Err(std::io::Error::other("disk full")));
    assert!(unrecorded.is_err());
    refuses(&stage, "not lifted by any of these");
    let mut kept = None;
    let keep = |record: &guardrail_core::record::Record| {
        kept = record.status.clone();
        Ok(())
    };
    stop.lift(&Principal::person("bob"), Some("it is over"), keep).unwrap();
    assert_eq!(kept, Some(Status::Resumed));
    assert!(stage.admit("ann", "ls").is_ok());
}

#[test]
fn whatever_is_there_stops() {
    let stage = Stage::new("");
    let file = stage.quotas.emergency_stop().file();
    let ways: [Way; 5] = [
        ("empty", |file| std::fs::write(file, "").unwrap()),
        ("garbage", |file| std::fs::write(file, [0xff; 100_000]).unwrap()),
        ("a link to nowhere", |file| symlink("/nowhere/at/all", file).unwrap()),
        ("a directory", |file| std::fs::create_dir(file).unwrap()),
        ("unreadable", |file| {
            std::fs::write(file, "x").unwrap();
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o000)).unwrap();
        }),
    ];
    for (what, make) in ways {
        make(&file);
        let reason = refuses(&stage, what);
        assert!(reason.len() < 4_000, "{what}: {}", reason.len());
        std::fs::remove_file(&file).or_else(|_| std::fs::remove_dir(&file)).unwrap();
        assert!(stage.admit("ann", "ls").is_ok(), "{what}: it is gone");
    }
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    if made.is_ok_and(|made| made.success()) {
        refuses(&stage, "a pipe that nobody writes to");
    } else {
        println!("SKIPPED: no mkfifo here");
    }
}

#[test]
fn where_it_cannot_be_looked_for_it_counts_as_set() {
    let stage = Stage::new("");
    std::fs::remove_dir_all(&stage.directory).unwrap();
    refuses(&stage, "the directory is gone");
    std::fs::write(&stage.directory, "").unwrap();
    refuses(&stage, "it is no directory");
    let hidden = Stage::new("");
    std::fs::set_permissions(&hidden.directory, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&hidden.directory).is_ok() {
        println!("SKIPPED: this account may read everything");
    } else {
        refuses(&hidden, "the directory cannot be read");
    }
    std::fs::set_permissions(&hidden.directory, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn another_file_stops_as_well_and_is_not_lifted_here() {
    let stage = Stage::new("");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("stop");
    let quotas = stage.quotas.clone().stopped_by(&file);
    assert_eq!(done(quotas.stopped()), None);
    std::fs::write(&file, "by the administrator").unwrap();
    let refusal = done(quotas.stopped()).unwrap();
    assert!(refusal.to_string().contains("by the administrator"), "{refusal}");
    quotas.emergency_stop().lift(&Principal::person("bob"), None, |_| Ok(())).unwrap();
    assert!(done(quotas.stopped()).is_some());
    drop(elsewhere);
    assert!(done(quotas.stopped()).is_some(), "with its directory gone it cannot be known");
}

#[test]
fn it_can_be_set_before_anything_was_counted_and_when_the_counts_are_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("quotas");
    EmergencyStop::of(&directory).set(&Principal::person("bob"), None, at()).unwrap();
    let quotas = guardrail_host::quotas::FileQuotas::open(&directory).unwrap();
    assert!(done(quotas.stopped()).is_some());
    let damaged = Stage::new("");
    std::fs::remove_file(damaged.directory.join("counts")).unwrap();
    damaged.quotas.emergency_stop().set(&Principal::person("bob"), None, at()).unwrap();
    refuses(&damaged, "without counts");
    assert!(
        EmergencyStop::of(&folder.path().join("no/such")).set(&Principal::person("bob"), None, at()).is_err()
    );
}
