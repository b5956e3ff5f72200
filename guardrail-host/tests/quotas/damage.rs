//! Counts that are damaged, gone, in the way or somebody else's: always a refusal that says what to do,
//! never a fresh start.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::time::Duration;

use guardrail_core::quota::{Charge, ChargeKey, Counts, Quota, QuotaRefusal, Quotas as _, Usage};
use guardrail_core::record::Timestamp;
use guardrail_host::quotas::FileQuotas;

use crate::stage::*;

const QUOTA: &str = "[[quota]]\nname = 'x'\ncounts = 'executions'\nmost = 1\nwithin = '1h'";

/// What is done to the counts, what it is called, and what is said of it.
type Damage = (&'static str, &'static str, fn(&Stage));

fn spent() -> Stage {
    let stage = Stage::new(QUOTA);
    drop(stage.admit("ann", "ls").unwrap());
    assert!(matches!(stage.admit("ann", "ls"), Err(QuotaRefusal::Spent { .. })));
    stage
}

/// That it is refused for a reason, by this door and by a new one, until a person forgets the counts.
fn unavailable(stage: &Stage, what: &str, said: &str) {
    for door in [Some(stage.quotas.clone()), stage.reopened().ok()].into_iter().flatten() {
        let usage = stage.usage("ann", "ls");
        let refusal = done(door.admit(&usage)).map(drop).unwrap_err();
        let QuotaRefusal::Unavailable { reason } = &refusal else { panic!("{what}: {refusal}") };
        assert!(reason.contains(said), "{what}: {reason}");
    }
}

#[test]
fn every_kind_of_damage_refuses() {
    let counts = |stage: &Stage| stage.directory.join("counts");
    let damages: [Damage; 8] = [
        ("empty", "damaged", |stage| drop(File::create(stage.directory.join("counts")).unwrap())),
        ("cut", "damaged", |stage| {
            OpenOptions::new()
                .write(true)
                .open(stage.directory.join("counts"))
                .unwrap()
                .set_len(5_000)
                .unwrap();
        }),
        ("longer", "damaged", |stage| {
            OpenOptions::new()
                .write(true)
                .open(stage.directory.join("counts"))
                .unwrap()
                .set_len(9 << 20)
                .unwrap();
        }),
        ("its head zeroed", "damaged", |stage| {
            let file = OpenOptions::new().write(true).open(stage.directory.join("counts")).unwrap();
            file.write_all_at(&[0; 32], 0).unwrap();
        }),
        ("its time set back", "damaged", |stage| {
            let file = OpenOptions::new().write(true).open(stage.directory.join("counts")).unwrap();
            file.write_all_at(&[0; 8], 16).unwrap();
        }),
        ("garbled", "damaged", |stage| {
            let file = OpenOptions::new().write(true).open(stage.directory.join("counts")).unwrap();
            for record in 0..16_384_u64 {
                file.write_all_at(b"?", 4_096 + record * 256 + 40).unwrap();
            }
        }),
        ("gone", "are gone", |stage| std::fs::remove_file(stage.directory.join("counts")).unwrap()),
        ("writable for others", "others may write", |stage| {
            let all = std::fs::Permissions::from_mode(0o666);
            std::fs::set_permissions(stage.directory.join("counts"), all).unwrap();
        }),
    ];
    for (what, said, damage) in damages {
        let stage = spent();
        damage(&stage);
        unavailable(&stage, what, said);
        FileQuotas::forget(&stage.directory).unwrap();
        assert!(stage.admit("ann", "ls").is_ok(), "{what}: a person forgot it");
        assert!(counts(&stage).metadata().unwrap().permissions().mode() & 0o077 == 0);
    }
}

#[test]
fn what_is_no_file_of_its_own_is_neither_followed_nor_waited_for() {
    let stage = spent();
    let (counts, aside) = (stage.directory.join("counts"), stage.directory.join("aside"));
    std::fs::rename(&counts, &aside).unwrap();
    symlink(&aside, &counts).unwrap();
    unavailable(&stage, "a link", "");
    std::fs::remove_file(&counts).unwrap();
    std::fs::create_dir(&counts).unwrap();
    unavailable(&stage, "a directory", "");
    std::fs::remove_dir(&counts).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&counts).status();
    if made.is_ok_and(|made| made.success()) {
        unavailable(&stage, "a pipe", "");
    } else {
        println!("SKIPPED: no mkfifo here");
    }
}

#[test]
fn a_process_that_holds_the_counts_for_ever_is_not_waited_for() {
    let stage = spent();
    let held = File::open(stage.directory.join("counts")).unwrap();
    held.lock().unwrap();
    let quotas = stage.quotas.clone().patience(Duration::from_millis(20));
    let refusal = done(quotas.admit(&stage.usage("ann", "ls"))).map(drop).unwrap_err();
    assert!(refusal.to_string().contains("another process has held it"), "{refusal}");
    held.unlock().unwrap();
    assert!(matches!(done(quotas.admit(&stage.usage("ann", "ls"))), Err(QuotaRefusal::Spent { .. })));
}

#[test]
fn the_directory_is_made_whole_and_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("quotas");
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| FileQuotas::open(&directory).is_ok())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(all, [true; 8]);
    for (name, mode) in [("", 0o700), ("running", 0o700), ("counts", 0o600)] {
        assert_eq!(directory.join(name).metadata().unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    let refusal = FileQuotas::open(&directory).unwrap_err();
    assert!(refusal.to_string().contains("others may put files"), "{refusal}");
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("thing"), "").unwrap();
    assert!(FileQuotas::open(&taken).is_err(), "something else is there");
    assert!(FileQuotas::open(&folder.path().join("no/such")).is_err());
}

#[test]
fn a_disk_that_cannot_be_written_refuses() {
    let stage = spent();
    let read_only = std::fs::Permissions::from_mode(0o400);
    std::fs::set_permissions(stage.directory.join("counts"), read_only).unwrap();
    if OpenOptions::new().write(true).open(stage.directory.join("counts")).is_ok() {
        println!("SKIPPED: this account may write everything");
        return;
    }
    unavailable(&stage, "read-only", "denied");
}

#[test]
fn where_there_is_no_room_for_another_count_it_is_refused_until_there_is() {
    let stage = Stage::new("");
    let of = |counts: Counts, number: u8| {
        let quota = std::sync::Arc::new(Quota {
            name: "x".into(),
            layer: "user",
            counts,
            most: 1,
            within_seconds: 60,
            rest_seconds: 0,
            trials: 1,
        });
        // All in one page of the file.
        let key = ChargeKey([7, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Usage { charges: vec![Charge { quota, key, of: String::new() }] }
    };
    let usage = |number: u8| of(Counts::Repeats, number);
    for number in 0..64 {
        assert!(done(stage.quotas.admit(&usage(number))).is_ok(), "{number}");
    }
    let refusal = done(stage.quotas.admit(&usage(64))).map(drop).unwrap_err();
    assert!(refusal.to_string().contains("no room"), "{refusal}");
    assert!(
        matches!(done(stage.quotas.admit(&usage(3))), Err(QuotaRefusal::Spent { .. })),
        "none was pushed out"
    );
    let other = done(stage.quotas.admit(&of(Counts::Executions, 64)));
    assert!(other.is_ok(), "what an agent can make keys of takes no room from the rest");
    stage.pass(65_000);
    assert!(done(stage.quotas.admit(&usage(64))).is_ok());
}

/// A small file system of its own, until this ends.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }

    /// Writes until there is no room.
    fn fill(&self) {
        let mut file = File::create(self.0.path().join("fill")).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4_096]).is_ok() {}
        while std::io::Write::write_all(&mut file, &[1]).is_ok() {}
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_takes_no_count_and_does_not_keep_anybody_from_stopping() {
    let Some(mounted) = Mounted::new() else {
        println!("SKIPPED: no file system can be mounted here, which takes root");
        return;
    };
    let directory = mounted.0.path().join("quotas");
    let quotas = FileQuotas::open(&directory).unwrap();
    let usage = guard(&QUOTA.replace("most = 1", "most = 2")).usage(&request("ann", "ls"));
    drop(done(quotas.admit(&usage)).unwrap());
    mounted.fill();
    assert!(done(quotas.admit(&usage)).is_ok(), "the place for it was there");
    assert!(matches!(done(quotas.admit(&usage)), Err(QuotaRefusal::Spent { .. })), "and it was kept");
    let other = FileQuotas::open(&mounted.0.path().join("other"));
    assert!(matches!(other, Err(QuotaRefusal::Unavailable { .. })), "{other:?}");
    let by = guardrail_core::plan::Principal::person("bob");
    let set = quotas.emergency_stop().set(&by, Some("full"), Timestamp::UNIX_EPOCH);
    assert!(set.is_ok(), "{set:?}");
    assert!(matches!(done(quotas.admit(&usage)), Err(QuotaRefusal::Stopped { .. })));
}

#[test]
fn a_disk_that_became_read_only_refuses() {
    let Some(mounted) = Mounted::new() else {
        println!("SKIPPED: no file system can be mounted here, which takes root");
        return;
    };
    let quotas = FileQuotas::open(&mounted.0.path().join("quotas")).unwrap();
    let usage = guard(QUOTA).usage(&request("ann", "ls"));
    let mut mount = std::process::Command::new("mount");
    assert!(mount.args(["-o", "remount,ro"]).arg(mounted.0.path()).output().unwrap().status.success());
    let refusal = done(quotas.admit(&usage)).map(drop);
    assert!(matches!(refusal, Err(QuotaRefusal::Unavailable { .. })), "{refusal:?}");
}
