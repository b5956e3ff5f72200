//! The log on a file system of its own: append-only by attribute, read-only, and with a journal that
//! broke. It takes root, and devices of the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use guardrail_audit::chain::Note;
use guardrail_audit::read::{LineSource as _, LogFiles};
use guardrail_audit::verify::{Directory, Verification};
use guardrail_audit::{Acknowledged, Body, Durability, FileOptions, FileStore, Store as _, StoreError};
use guardrail_core::record::Condition;

use crate::killed::{APPENDS, command, place, said};

/// An ext4 in a file, until this ends.
struct Mounted {
    image: PathBuf,
    at: PathBuf,
}

impl Mounted {
    /// `None` where it cannot be had, which is printed.
    fn new(name: &str) -> Option<Self> {
        let at = place(name);
        let mounted = Self { image: at.with_extension("image"), at };
        std::fs::create_dir(&mounted.at).unwrap();
        std::fs::File::create(&mounted.image).unwrap().set_len(16 << 20).unwrap();
        if run(Command::new("mkfs.ext4").arg("-q").arg(&mounted.image)) && mounted.mount() {
            return Some(mounted);
        }
        println!("SKIPPED: no ext4 can be mounted from a file here, which takes root and loop devices");
        None
    }

    fn mount(&self) -> bool {
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    fn remount(&self, how: &str) -> bool {
        run(Command::new("mount").arg("-o").arg(format!("remount,{how}")).arg(&self.at))
    }

    fn unmount(&self) -> bool {
        run(Command::new("umount").arg(&self.at))
    }

    fn log(&self) -> PathBuf {
        self.at.join("log")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run(Command::new("chattr").args(["-R", "-a"]).arg(&self.at));
        if !self.unmount() {
            // Something is open in it still.
            let _ = run(Command::new("umount").arg("-l").arg(&self.at));
        }
        let _ = std::fs::remove_file(&self.image);
        let _ = std::fs::remove_dir_all(&self.at);
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn options() -> FileOptions {
    FileStore::options("example.org/killed").segment_bytes(64 << 10).checkpoint_every(20, 1 << 20)
}

fn put(store: &FileStore, text: &str) -> Result<u64, StoreError> {
    let json = format!(r#"{{"kind":"note","reason":"{text}"}}"#).into_bytes();
    let body = Body { json: json.into(), note: Note::default() };
    let appended = store.append(&[body], &Condition::Always, Durability::Group)?;
    assert_eq!(appended.acknowledged, Acknowledged::Durable);
    Ok(appended.last)
}

/// Everything that was acknowledged is there, and a verifier finds nothing.
fn look(path: &Path, kept: &[(u64, String)]) {
    let lines: Vec<Vec<u8>> = LogFiles::open(path).unwrap().lines(0).unwrap().map(Result::unwrap).collect();
    for (sequence, text) in kept {
        let line = String::from_utf8_lossy(&lines[*sequence as usize]);
        assert!(line.contains(&format!("\"{text}\"")), "{sequence} is {line}, not {text}");
    }
    let report = Verification::new().log(&Directory::new(path)).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
}

fn acknowledged(lines: &[String]) -> Vec<(u64, String)> {
    let lines = lines.iter().filter_map(|line| line.strip_prefix("acknowledged ")?.split_once(' '));
    lines.map(|(sequence, text)| (sequence.parse().unwrap(), text.to_owned())).collect()
}

/// Takes every right but to append from the directory and its segments.
fn append_only(log: &Path) -> bool {
    let segments = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let segments = segments.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    run(Command::new("chattr").arg("+a").args(segments).arg(log))
}

#[test]
fn a_log_that_is_append_only_by_attribute_goes_on() {
    let Some(mounted) = Mounted::new("append-only") else { return };
    let log = mounted.log();
    let mut kept = acknowledged(&said(command(&[], &log).env(APPENDS, "30").spawn().unwrap(), usize::MAX));
    assert!(append_only(&log), "ext4 has the attribute");
    assert!(std::fs::remove_file(log.join("00000001.jsonl")).is_err());

    // Segments come and go, processes are killed, and what they leave is durable.
    for after in [70, 200, 3] {
        kept.extend(acknowledged(&said(command(&[], &log).spawn().unwrap(), after)));
        assert!(append_only(&log));
    }
    look(&log, &kept);

    // A sync fails. The disk has the lines, which is seen without writing them again.
    let strace = |inject: &str| {
        let before = ["strace", "-f", "-o", "/dev/null", "-e", inject];
        command(&before, &log).env(APPENDS, "60").spawn().map(|child| said(child, usize::MAX))
    };
    match strace("inject=fdatasync:error=EIO:when=9") {
        Ok(lines) if !lines.is_empty() => {
            assert!(lines.iter().any(|line| line.starts_with("failed Err(Indeterminate")), "{lines:?}");
            kept.extend(acknowledged(&lines));
            let store = options().open(&log).unwrap();
            assert!(store.recovery().unclean);
            kept.push((put(&store, "after a failed sync").unwrap(), "after a failed sync".to_owned()));
            drop(store);
        }
        _ => println!("SKIPPED: strace cannot trace here, so no sync failed"),
    }
    assert!(append_only(&log));
    look(&log, &kept);

    // Half a segment was begun, whose name cannot be taken away.
    let names = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name());
    let numbers = names.filter_map(|name| name.to_str()?.strip_suffix(".jsonl")?.parse::<u32>().ok());
    let next = numbers.max().unwrap() + 1;
    std::fs::write(log.join(format!("{next:08}.jsonl.new")), "{").unwrap();
    let store = options().open(&log).unwrap();
    for number in 0..200 {
        let text = format!("{number}-{}", "x".repeat(400));
        kept.push((put(&store, &text).unwrap(), text));
    }
    store.close().unwrap();
    look(&log, &kept);
    assert!(mounted.unmount() && mounted.mount());
    look(&log, &kept);
    println!("{} acknowledged records, all there", kept.len());
}

#[test]
fn a_file_system_that_stops_to_write_is_heard() {
    let Some(mounted) = Mounted::new("broken") else { return };
    let log = mounted.log();
    let mut kept = Vec::new();
    let store = options().open(&log).unwrap();
    for number in 0..20 {
        kept.push((put(&store, &format!("{number}")).unwrap(), format!("{number}")));
    }
    // What ext4 does when it cannot write its journal: from now on a sync may say yes and lose.
    if !mounted.remount("abort") {
        println!("SKIPPED: this kernel breaks no journal on request");
        return;
    }
    for _ in 0..3 {
        let failed = put(&store, "lost");
        assert!(failed.is_err(), "acknowledged on a broken journal: {failed:?}");
    }
    drop(store);
    assert!(options().open(&log).is_err(), "a log that cannot be written to was opened");
    assert!(mounted.unmount());
    let _ = run(Command::new("e2fsck").args(["-p", "-f"]).arg(&mounted.image));
    assert!(mounted.mount());
    look(&log, &kept);
    let store = options().open(&log).unwrap();
    kept.push((put(&store, "after").unwrap(), "after".to_owned()));
    store.close().unwrap();
    look(&log, &kept);

    // Mounted to be read alone, it can be read, and says why it cannot be opened.
    assert!(mounted.remount("ro"));
    look(&log, &kept);
    let error = options().open(&log).err().expect("it was opened to be written").to_string();
    assert!(error.contains("ead-only"), "{error}");
    assert!(mounted.remount("rw"));
    let store = options().open(&log).unwrap();
    put(&store, "again").unwrap();
}
