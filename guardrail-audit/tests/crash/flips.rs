//! One bit that is the other one when a log is opened: in the active segment, in a snapshot, and in what the
//! processes share.

use std::sync::Arc;

use guardrail_audit::chain::Note;
use guardrail_audit::storage::Storage as _;
use guardrail_audit::storage::simulated::Disk;
use guardrail_audit::{Body, Durability, FileStore, Store as _, StoreError};
use guardrail_core::record::Condition;

use crate::trial::Trial;

const SEGMENT: &str = "00000001.jsonl";

/// A log with a snapshot and some lines behind it, of a process that was killed.
fn log() -> (Trial, Disk) {
    let (trial, disk) = (Trial::of(1 << 20, 6), Disk::new(1));
    let process = disk.process();
    let store = trial.options().open_on(Arc::new(process.clone())).unwrap();
    for number in 0..10 {
        put(&store, number);
    }
    process.kill();
    (trial, disk)
}

fn put(store: &FileStore, number: usize) {
    let json = format!(r#"{{"kind":"note","reason":"{number}"}}"#).into_bytes();
    let body = Body { json: json.into(), note: Note::default() };
    store.append(&[body], &Condition::Always, Durability::Group).unwrap();
}

fn open(trial: &Trial, disk: &Disk) -> Result<FileStore, StoreError> {
    trial.options().open_on(Arc::new(disk.process()))
}

/// The lines of the segment, each with its newline.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').collect()
}

/// The same disk, with nobody on it, and with a name of its own for this start of the machine if `again`.
fn copy(of: &Disk, again: bool) -> Disk {
    let disk = Disk::new(if again { 2 } else { 1 });
    let (from, to) = (of.process(), disk.process());
    let mut shared = [0; 512];
    let read = from.read_shared(&mut shared, 0).unwrap();
    to.write_shared(&shared[..read], 0).unwrap();
    for name in of.names() {
        disk.edit(&name, &of.contents(&name).unwrap());
    }
    disk
}

#[test]
fn a_flipped_bit_behind_the_snapshot_is_found_or_in_the_last_line() {
    let (trial, disk) = log();
    let bytes = disk.contents(SEGMENT).unwrap();
    let all = lines(&bytes);
    let is_checkpoint = |line: &&[u8]| line.windows(19).any(|part| part == b"\"kind\":\"checkpoint\"");
    let checkpoint = all.iter().rposition(is_checkpoint).unwrap();
    assert!(all.len() > checkpoint + 3, "lines behind the last checkpoint");
    let start: usize = all[..checkpoint].iter().map(|line| line.len()).sum();
    let last = bytes.len() - all[all.len() - 1].len();
    let mut undone = 0;
    for (at, bit) in (start..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        // All bits of the names and numbers, and one of each hash byte.
        if bit != at % 8 && bytes[at].is_ascii_hexdigit() {
            continue;
        }
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let disk = copy(&disk, false);
        disk.edit(SEGMENT, &flipped);
        match open(&trial, &disk) {
            Err(StoreError::Tampered { byte, .. }) => {
                // In its line, or where the next one does not quote the hash of that. Two lines may have
                // become one.
                let rest = flipped[at..].iter().position(|&byte| byte == b'\n').unwrap();
                let end = at + rest + 1;
                assert!(byte <= end as u64, "byte {at} is missed at {byte}");
            }
            Err(error) => panic!("bit {bit} of byte {at}: {error}"),
            Ok(store) => {
                // Without its newline, the line before the last one is the last.
                assert!(at + 1 >= last, "bit {bit} of byte {at} was not found, and stands before {last}");
                let read: Vec<Vec<u8>> = store.lines(0).unwrap().map(Result::unwrap).collect();
                let count = all.len() - if at < last { 2 } else { 1 };
                let before = all[..count].iter().map(|line| &line[..line.len() - 1]);
                assert!(read.iter().zip(before).all(|(read, before)| read == before));
                undone += 1;
            }
        }
    }
    assert!(undone > 0, "nothing anchors the last line");
}

#[test]
fn a_flipped_bit_in_what_is_derived_changes_nothing() {
    let (trial, disk) = log();
    let expected = {
        let store = open(&trial, &copy(&disk, false)).unwrap();
        store.lines(0).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let same = |disk: &Disk, what: &str| {
        let store = open(&trial, disk).unwrap_or_else(|error| panic!("{what}: {error}"));
        // What opening says of itself has other times and causes.
        let count = expected.len() - 1;
        let read: Vec<Vec<u8>> = store.lines(0).unwrap().map(Result::unwrap).take(count).collect();
        assert_eq!(read, expected[..count], "{what}");
        put(&store, 99);
    };
    let snapshots: Vec<String> = disk.names().into_iter().filter(|name| name.ends_with(".index")).collect();
    assert!(!snapshots.is_empty());
    for name in &snapshots {
        let bytes = disk.contents(name).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let disk = copy(&disk, false);
            disk.edit(name, &flipped);
            same(&disk, &format!("byte {at} of {name}"));
        }
    }
    for (at, again) in (0..96 * 8).flat_map(|at| [(at, false), (at, true)]) {
        let disk = copy(&disk, again);
        let process = disk.process();
        let mut byte = [0];
        process.read_shared(&mut byte, at / 8).unwrap();
        byte[0] ^= 1 << (at % 8);
        process.write_shared(&byte, at / 8).unwrap();
        same(&disk, &format!("bit {at} of what is shared"));
    }
}
